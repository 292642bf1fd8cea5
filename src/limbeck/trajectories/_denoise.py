"""Noise in what accelerations or velocities are derived from: measured, and smoothed away where it matters.

It takes states and gives states in which positions, velocities and
accelerations come from local polynomials, with the errors that the noise
leaves and a sentence on what was done; or the states as they came where no
noise shows, for which exact stencils are better.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from limbeck._types import NodeVectors

from ._differences import FEWEST, differentiate, propagated
from ._measured_noise import Noise, measured_noise
from ._smooth import SHORTEST, Smoothed, smooth
from ._states import States
from ._tracks import Track, stretches

NEGLIGIBLE = 1e-5  # error of a stencil's derivative beside its median size below which there is nothing to smooth

Block = Float[np.ndarray, "some_systems some_times some_nodes dim"]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Task:
    """What is to be smoothed.

    Attributes:
        source: What was measured.
        values: The measurements.
        given: Their standard errors, if the source has them.
        order: The highest derivative that is wanted.
    """

    source: Literal["positions", "velocities"]
    values: NodeVectors
    given: NodeVectors | None
    order: int


@dataclass(frozen=True, kw_only=True, eq=False)
class _Result:
    """Smoothed series and derivatives everywhere, and their errors; NaN where there are none."""

    values: tuple[NodeVectors, NodeVectors, NodeVectors]
    errors: tuple[NodeVectors, NodeVectors, NodeVectors]


def denoised(states: States) -> States:
    """Smooth what has to be differentiated, if noise shows in it.

    Args:
        states: What was read.

    Returns:
        States whose missing velocities and accelerations are derived by smoothing, or the same states.
    """
    task = _task(states)
    if task is None or (states.present.any(axis=2).sum(axis=1) < FEWEST).any():
        return states
    pieces = list(stretches(states.times, states.present))
    blocks = [(states.times[one.systems[0], one.snapshots], task.values[one.index]) for one in pieces]
    noise = measured_noise(blocks)
    if not any(_matters(*block, sigma, task.order) for block, sigma in zip(blocks, noise, strict=True)):
        return states
    result = _Result(values=_unknown(task.values), errors=_unknown(task.values))
    for piece, block, sigma in zip(pieces, blocks, noise, strict=True):
        _smooth_into(result, piece, block, sigma, task)
    return _measured(_filled(states, task, result, noise), states, pieces, noise, task)


def _measured(found: States, states: States, pieces: list[Track], noise: list[Noise], task: _Task) -> States:
    """Keep what was measured beside what was smoothed, for fits that need no derivative."""
    if task.source != "positions":
        return found
    sigma = np.zeros(states.present.shape)
    for piece, one in zip(pieces, noise, strict=True):
        sigma[piece.index] = one[:, None, :]
    if task.given is not None:
        sigma = np.where(states.present, np.sqrt(np.mean(task.given**2, axis=-1)), 0.0)
    return replace(found, measured_positions=states.positions, measured_noise=sigma)


def _task(states: States) -> _Task | None:
    """Say what has to be differentiated, and how often; None where all is there."""
    if states.velocities is not None and states.accelerations is None and states.velocities_are == "given":
        return _Task(source="velocities", values=states.velocities, given=states.velocity_errors, order=1)
    if states.accelerations is None or states.velocities is None:
        order = 2 if states.accelerations is None else 1
        return _Task(source="positions", values=states.positions, given=states.position_errors, order=order)
    return None


def _matters(times: Float[np.ndarray, " some_times"], values: Block, noise: Noise, order: int) -> bool:
    """Whether noise would show in derivatives by stencils."""
    if len(times) < SHORTEST or not (noise > 0).any():
        return False
    size = np.median(np.linalg.norm(differentiate(times, values, order), axis=-1))
    error = np.median(propagated(times, np.ones((1, len(times), 1, 1)), order)) * np.median(noise[noise > 0])
    return bool(error > NEGLIGIBLE * size)


def _unknown(values: NodeVectors) -> tuple[NodeVectors, NodeVectors, NodeVectors]:
    """Three arrays for what is not known yet."""
    return (np.full_like(values, np.nan), np.full_like(values, np.nan), np.full_like(values, np.nan))


def _smooth_into(
    result: _Result, piece: Track, block: tuple[Float[np.ndarray, " some_times"], Block], noise: Noise, task: _Task
) -> None:
    """Smooth a stretch and put it in its place; by stencils where no noise shows, not at all where it is too short."""
    times, values = block
    found, noisy = _stencilled(times, values, task.order), noise > 0
    if len(times) >= SHORTEST and noisy.any():
        # A noise that isn't known is replaced by any, and what follows from it is not used.
        smoothed = smooth(times, values, np.where(noisy, noise, np.median(noise[noisy])), task.order)
        found = _merged(found, smoothed, noisy)
    scale = np.ones_like(noise)
    if task.given is not None:  # given errors are taken at their word
        word = np.sqrt(np.mean(task.given[piece.index] ** 2, axis=(1, 3)))
        scale = np.divide(word, noise, out=np.ones_like(noise), where=noisy)
    for order in range(3):
        target = found.reliable[..., None] if order == task.order else np.array(True)
        result.values[order][piece.index] = np.where(target, found.values[order], np.nan)
        result.errors[order][piece.index] = found.errors[order] * scale[:, None, :, None]


def _stencilled(times: Float[np.ndarray, " some_times"], values: Block, order: int) -> Smoothed:
    """A stretch as it is, with derivatives by stencils where no noise shows and none where it is short."""
    unknown, none = np.full_like(values, np.nan), np.zeros_like(values)
    long = len(times) >= FEWEST
    derivatives = [differentiate(times, values, nth) if long else unknown for nth in (1, 2)]
    reliable = np.zeros(values.shape[:3], dtype=bool)
    if len(times) >= SHORTEST:
        reliable[:, order : len(times) - order] = True
    return Smoothed(
        values=(values, derivatives[0], derivatives[1]), errors=(none, none.copy(), none.copy()), reliable=reliable
    )


def _merged(exact: Smoothed, smoothed: Smoothed, noisy: np.ndarray) -> Smoothed:
    """Take what was smoothed for particles with noise."""
    here, component = noisy[:, None, :], noisy[:, None, :, None]
    values = [np.where(component, new, old) for new, old in zip(smoothed.values, exact.values, strict=True)]
    errors = [np.where(component, new, old) for new, old in zip(smoothed.errors, exact.errors, strict=True)]
    return Smoothed(
        values=(values[0], values[1], values[2]),
        errors=(errors[0], errors[1], errors[2]),
        reliable=np.where(here, smoothed.reliable, exact.reliable),
    )


def _filled(states: States, task: _Task, result: _Result, noise: list[Noise]) -> States:
    """Put what was smoothed and derived into the states, and say so."""
    there = states.present[..., None]
    series = np.where(there, result.values[0], 0.0)
    sigma = np.concatenate([one.ravel() for one in noise])
    lost = "at the ends of tracks, at gaps or at jumps, are no targets."
    notes = [
        f"Noise shows in the {task.source}: a standard deviation of {np.median(sigma[sigma > 0]):.3g} on each "
        "component (median over particles), measured from their differences over time. They were smoothed by local "
        "polynomials whose windows follow from the noise."
    ]
    if task.source == "velocities":
        changed = replace(states, velocities=series, velocity_errors=result.errors[0])
        accelerations, errors = result.values[1], result.errors[1]
    else:
        changed = replace(states, positions=series, position_errors=result.errors[0])
        accelerations, errors = result.values[2], result.errors[2]
    if states.velocities is None:
        unknown = states.present & np.isnan(result.values[1]).any(axis=-1)
        velocities = np.where(there & ~unknown[..., None], result.values[1], 0.0)
        changed = replace(changed, velocities=velocities, velocity_errors=result.errors[1], velocities_are="derived")
        said = f"; {unknown.sum()} of {states.present.sum()} are unknown and were set to 0" if unknown.any() else ""
        notes.append(f"Velocities were not given: they were derived from the smoothed positions{said}.")
    if states.accelerations is None:
        target = states.present & np.isfinite(accelerations).all(axis=-1)
        accelerations = np.where(target[..., None], accelerations, np.nan)
        changed = replace(changed, accelerations=accelerations, acceleration_errors=errors, accelerations_are="derived")
        notes.append(
            f"Accelerations were not given: they were derived from the smoothed {task.source}, with a standard "
            f"error of {_middle(errors[target]):.3g} (median). "
            f"{(states.present & ~target).sum()} of {states.present.sum()}, {lost}"
        )
    return replace(changed, notes=(*states.notes, *notes))


def _middle(errors: np.ndarray) -> float:
    """Median of errors; 0 where there are none."""
    return float(np.median(errors)) if errors.size else 0.0
