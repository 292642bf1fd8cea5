"""Noise in what accelerations or velocities are derived from: measured, and smoothed away where it matters.

It takes states and gives states in which positions, and what is derived from
positions or from given velocities, come from local polynomials, with the
errors that the noise leaves and a sentence on what was done; or the states as
they came where no noise shows, for which exact stencils are better. Given
velocities stay as they are.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from jaxtyping import Float

from limbeck._types import NodeNoise, NodeVectors, Presence

from ._differences import FEWEST, differentiate, propagated
from ._measured_noise import Noise, measured_noise
from ._smooth import SHORTEST, Smoothed, smooth
from ._states import States
from ._tracks import Track, stretches

ENDS, NO_TARGETS = "at the ends of tracks, at gaps or at jumps", "are no targets"
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
    reliable: Presence  # where the derivative asked for is no worse than inside a track


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
    everywhere = np.zeros(states.present.shape)
    for piece, one in zip(pieces, noise, strict=True):
        everywhere[piece.index] = one[:, None, :]
    task, said = _with_errors(task, states.present, everywhere)
    result = _Result(
        values=_unknown(task.values), errors=_unknown(task.values), reliable=np.zeros(states.present.shape, dtype=bool)
    )
    for piece, block, sigma in zip(pieces, blocks, noise, strict=True):
        _smooth_into(result, piece, block, sigma, task)
    found = _filled(states, task, result, [_noise_note(task, everywhere), *said])
    return _measured(found, states, everywhere, task)


def _with_errors(task: _Task, present: Presence, noise: NodeNoise) -> tuple[_Task, list[str]]:
    """Put the measured noise where it was given as 0 and is not: a weight of one over 0 would weigh nothing."""
    if task.given is None:
        return task, []
    wrong = present & (noise > 0) & (task.given == 0).all(axis=-1)
    if not wrong.any():
        return task, []
    note = (
        f"{wrong.sum()} of {present.sum()} standard errors of the {task.source} were given as 0 where noise shows: the "
        "noise that was measured stands in their place."
    )
    return replace(task, given=np.where(wrong[..., None], noise[..., None], task.given)), [note]


def _measured(found: States, states: States, noise: NodeNoise, task: _Task) -> States:
    """Keep what was measured beside what was smoothed, for fits that need no derivative."""
    if task.source != "positions":
        return found
    if task.given is not None:
        noise = np.where(states.present, np.sqrt(np.mean(task.given**2, axis=-1)), 0.0)
    return replace(found, measured_positions=states.positions, measured_noise=noise)


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
    result.reliable[piece.index] = found.reliable
    for order in range(3):
        result.values[order][piece.index] = found.values[order]
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


def _noise_note(task: _Task, noise: NodeNoise) -> str:
    """Say how much noise there is, and what was done about it."""
    smoothed = "They were" if task.source == "positions" else "They stay as they are, and what is derived was"
    return (
        f"Noise shows in the {task.source}: a standard deviation of {np.median(noise[noise > 0]):.3g} on each "
        f"component (median over particles), measured from their differences over time. {smoothed} smoothed by local "
        "polynomials whose windows follow from the noise."
    )


def _filled(states: States, task: _Task, result: _Result, notes: list[str]) -> States:
    """Put what was smoothed and derived into the states, and say so."""
    if task.source == "positions":
        there = states.present[..., None]
        series = np.where(there, result.values[0], 0.0)
        states = replace(states, positions=series, position_errors=result.errors[0])
    states = replace(states, notes=(*states.notes, *notes))
    if states.velocities is None:
        states = _with_velocities(states, result)
    return _with_accelerations(states, task, result) if states.accelerations is None else states


def _with_velocities(states: States, result: _Result) -> States:
    """Put in velocities; where they are not reliable, accelerations that were given are no targets."""
    unknown = states.present & np.isnan(result.values[1]).any(axis=-1)
    note = "Velocities were not given: they were derived from the smoothed positions"
    if unknown.any():
        note += f"; {unknown.sum()} of {states.present.sum()} are unknown and were set to 0"
    accelerations = states.accelerations
    if accelerations is not None:
        doubtful = states.present & (unknown | ~result.reliable)
        lost = (doubtful & np.isfinite(accelerations).all(axis=-1)).sum()
        accelerations = np.where(doubtful[..., None], np.nan, accelerations)
        if lost:
            note += f"; at {lost} states, {ENDS}, they are not reliable: the accelerations there {NO_TARGETS}"
    return replace(
        states,
        velocities=np.where((states.present & ~unknown)[..., None], result.values[1], 0.0),
        velocity_errors=result.errors[1],
        velocities_are="derived",
        accelerations=accelerations,
        notes=(*states.notes, f"{note}."),
    )


def _with_accelerations(states: States, task: _Task, result: _Result) -> States:
    """Put in accelerations."""
    values, errors = (side[task.order] for side in (result.values, result.errors))
    target = states.present & result.reliable & np.isfinite(values).all(axis=-1)
    note = (
        f"Accelerations were not given: they were derived from the smoothed {task.source}, with a standard "
        f"error of {_middle(errors[target]):.3g} (median). "
        f"{(states.present & ~target).sum()} of {states.present.sum()}, {ENDS}, {NO_TARGETS}."
    )
    return replace(
        states,
        accelerations=np.where(target[..., None], values, np.nan),
        acceleration_errors=errors,
        accelerations_are="derived",
        notes=(*states.notes, note),
    )


def _middle(errors: np.ndarray) -> float:
    """Median of errors; 0 where there are none."""
    return float(np.median(errors)) if errors.size else 0.0
