"""Velocities and accelerations that a source lacks, derived and said so.

It takes states and gives states in which nothing is missing, with the
provenance of both and a sentence for the report on each derivation. Where
noise shows in what is differentiated it is smoothed; elsewhere exact stencils
serve. Targets
at the ends of a track, across gaps, and where the sampling can't resolve the
motion are left out rather than wrong.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Int

from limbeck._errors import InputError
from limbeck._types import NodeVectors, Presence

from ._denoise import denoised
from ._differences import FEWEST, WIDTH, differentiate, propagated
from ._states import States
from ._tracks import stretches, tracks
from ._trajectories import Trajectories

UNRESOLVED = 0.1  # relative disagreement of stencils of 7 and 5 snapshots above which a target is dropped
OUTLYING = 30.0  # and how far it must stand out from the median one: noise, which is everywhere, drops nothing


@dataclass(frozen=True, kw_only=True, eq=False)
class _Derivative:
    """A derivative wherever there is one, and what is known of its quality."""

    values: NodeVectors  # NaN where a track is too short
    errors: NodeVectors | None
    reliable: Presence  # away from the ends and from gaps
    disagreement: NodeVectors  # between stencils of 7 and of 5 snapshots


def derive(states: States, *, learning: bool = True) -> States:
    """Derive the velocities and accelerations that a source lacks.

    Args:
        states: What was read.
        learning: Whether accelerations are needed; where not, too few times to derive them from leave NaN.

    Returns:
        States with velocities and accelerations, their provenance and notes.

    Raises:
        InputError: If a simulation has too few times to derive from, or two that are nearly one, or no acceleration is
            left as a target.
    """
    if not learning and states.accelerations is None and _counts(states).min() < FEWEST:
        states = replace(states, accelerations=np.full(states.positions.shape, np.nan))
    try:
        states = _with_accelerations(_with_velocities(denoised(states)))
    except np.linalg.LinAlgError:
        raise InputError(
            f"{states.where}: column 'time': {_closest_times(states)} stand too close together, beside the others, to "
            "derive from: correct the times, or give velocities and accelerations"
        ) from None
    assert states.accelerations is not None
    if learning and not np.isfinite(states.accelerations).all(axis=-1).any():
        raise InputError(
            f"{states.where}: columns 'ax', ...: no particle has an acceleration at any time, so there is nothing to "
            "learn; give accelerations, or leave the columns out to derive them"
        )
    return states


def known_velocities(trajectories: Trajectories) -> Presence:
    """Where velocities are known: where they were given, or there were times enough to derive them from.

    Args:
        trajectories: The states; what was not known was set to 0.

    Returns:
        One for each simulation, time and particle that is there.
    """
    t = trajectories
    if t.velocities_are == "given":
        return t.present
    known = np.zeros_like(t.present)
    pieces = tracks if t.measured_positions is None else stretches  # smoothing reaches across no wide gap
    for piece in pieces(t.times, t.present):
        known[piece.index] = len(piece.snapshots) >= FEWEST
    return known


def _closest_times(states: States) -> str:
    """Name the two neighbouring times that are closest together."""
    gaps = np.diff(states.times, axis=1)
    system, time = (int(index) for index in np.unravel_index(np.nanargmin(gaps), gaps.shape))
    first, second = states.times[system, time : time + 2].tolist()
    return f"the times {first} and {second} of simulation {states.system_names[system]!r}"


def _with_velocities(states: States) -> States:
    """Derive velocities from positions where there are none."""
    if states.velocities is not None:
        return states
    if states.accelerations is None:
        _need_times(states, "velocities and accelerations", "positions")
    derivative = _differentiate(states, states.positions, states.position_errors, 1)
    unknown = states.present & np.isnan(derivative.values).any(axis=-1)
    notes = ["Velocities were not given: they were derived from the positions."]
    accelerations = states.accelerations
    if unknown.any():
        few = (
            f"{unknown.sum()} of {states.present.sum()} velocities are unknown, there being fewer than {FEWEST} times "
            "to derive them from; they were set to 0"
        )
        if unknown.sum() == states.present.sum():
            notes = [f"{few}, so nothing can be learnt of forces that depend on them."]
        else:  # beside those that are known, 0 would pass for a velocity
            accelerations = None if accelerations is None else np.where(unknown[..., None], np.nan, accelerations)
            notes.append(f"{few}, and the accelerations there are no targets.")
    return replace(
        states,
        accelerations=accelerations,
        velocities=np.where((states.present & ~unknown)[..., None], derivative.values, 0.0),
        velocity_errors=derivative.errors,
        velocities_are="derived",
        notes=(*states.notes, *notes),
    )


def _with_accelerations(states: States) -> States:
    """Derive accelerations from given velocities, else from positions, where there are none."""
    if states.accelerations is not None:
        return states
    from_velocities = states.velocities_are == "given" and states.velocities is not None
    source = "velocities" if from_velocities else "positions"
    values, errors = (
        (states.velocities, states.velocity_errors) if from_velocities else (states.positions, states.position_errors)
    )
    assert values is not None
    _need_times(states, "accelerations", source)
    derivative = _differentiate(states, values, errors, 1 if from_velocities else 2)
    target = derivative.reliable & np.isfinite(derivative.values).all(axis=-1)
    unresolved = target & _unresolved(derivative, target)
    left_out = states.present & ~target
    notes = [
        f"Accelerations were not given: they were derived from the {source} with stencils of {WIDTH} snapshots. "
        f"{left_out.sum()} of {states.present.sum()}, at the ends of tracks or at gaps, are no targets."
    ]
    if unresolved.any():
        notes.append(
            f"{unresolved.sum()} more are no targets since the snapshots stand too far apart in time there to resolve "
            f"the motion (two stencils differ by more than {UNRESOLVED:.0%})."
        )
    target &= ~unresolved
    return replace(
        states,
        accelerations=np.where(target[..., None], derivative.values, np.nan),
        acceleration_errors=derivative.errors,
        accelerations_are="derived",
        notes=(*states.notes, *notes),
    )


def _counts(states: States) -> Int[np.ndarray, " systems"]:
    """Number of times of each simulation."""
    return states.present.any(axis=2).sum(axis=1)


def _need_times(states: States, what: str, source: str) -> None:
    """Refuse simulations with too few times to derive from."""
    counts = _counts(states)
    if (counts < FEWEST).any():
        system = int((counts < FEWEST).argmax())
        raise InputError(
            f"{states.where}: column 'time': simulation {states.system_names[system]!r} has {counts[system]} "
            f"time{'s' * int(counts[system] != 1)}; {what} are not given, and deriving them from the {source} needs at "
            f"least {FEWEST} times a simulation: add times, or give the accelerations 'ax', ..."
        )


def _differentiate(states: States, values: NodeVectors, errors: NodeVectors | None, order: int) -> _Derivative:
    """Differentiate each track over the times at which it is there."""
    result, disagreement = np.full(values.shape, np.nan), np.full(values.shape, np.nan)
    spread = None if errors is None else np.full(values.shape, np.nan)
    reliable = np.zeros(states.present.shape, dtype=bool)
    for track in tracks(states.times, states.present):
        if len(track.snapshots) < FEWEST:
            continue
        times = states.times[track.systems[0], track.snapshots]
        block = values[track.index]
        result[track.index] = differentiate(times, block, order)
        disagreement[track.index] = np.abs(result[track.index] - differentiate(times, block, order, FEWEST))
        reliable[track.index] = _reliable(track.snapshots, order)[None, :, None]
        if spread is not None and errors is not None:
            spread[track.index] = propagated(times, errors[track.index], order)
    return _Derivative(values=result, errors=spread, reliable=reliable, disagreement=disagreement)


def _reliable(snapshots: Int[np.ndarray, " some_times"], order: int) -> Bool[np.ndarray, " some_times"]:
    """Say where a derivative along a track is good: not at its ends, not across wide gaps."""
    # Measured on springs and 1/r²: the last snapshot is 5 to 1000 times worse than the inside, and for second
    # derivatives the last but one 5 to 100 times.
    count = len(snapshots)
    width = min(WIDTH, count)
    ends = 2 if order == 2 and count >= WIDTH else 1
    place = np.arange(count)
    start = np.clip(place - width // 2, 0, count - width)
    span = snapshots[start + width - 1] - snapshots[start]
    return (place >= ends) & (place < count - ends) & (span < 2 * width)


def _unresolved(derivative: _Derivative, target: Presence) -> Presence:
    """Say where stencils of 7 and 5 snapshots differ far more than elsewhere: close encounters, jumps."""
    size = np.linalg.norm(derivative.values, axis=-1)
    gap = np.linalg.norm(derivative.disagreement, axis=-1)
    if not target.any():
        return np.zeros_like(target)
    relative = np.zeros_like(gap)
    scale = size[target] + 1e-2 * np.median(size[target])
    relative[target] = np.divide(gap[target], scale, out=np.zeros_like(scale), where=scale > 0)
    bad = (relative > UNRESOLVED) & (relative > OUTLYING * np.median(relative[target]))
    between = bad[:, :-2] & bad[:, 2:]  # at the very middle of a jump the two agree by symmetry
    bad[:, 1:-1] |= between
    return bad
