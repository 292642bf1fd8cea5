"""Particles that are not seen at some times although they are there: who may feel them then."""

from dataclasses import replace

import numpy as np

from limbeck._errors import InputError
from limbeck._types import Presence

from ._trajectories import Trajectories

NEAR = 1.5  # radii within which a particle between two sightings may pull


def targets_of(trajectories: Trajectories) -> Presence:
    """Which accelerations are targets: those that are known, of particles all of whose partners are seen.

    Args:
        trajectories: The states.

    Returns:
        One for each simulation, time and particle.
    """
    known = trajectories.present & np.isfinite(trajectories.accelerations).all(axis=-1)
    return known & partners_seen(trajectories)


def with_remark(trajectories: Trajectories) -> Trajectories:
    """Say how many accelerations are no targets because a partner is not seen.

    Args:
        trajectories: The states.

    Returns:
        The same, with a note where there are any.

    Raises:
        InputError: If none is left.
    """
    known = trajectories.present & np.isfinite(trajectories.accelerations).all(axis=-1)
    lost = known & ~partners_seen(trajectories)
    if not lost.any():
        return trajectories
    if np.array_equal(lost, known):
        raise InputError(
            "at every time some particle is not seen that is there before and after, so that no acceleration tells "
            "a law: leave out the particles that are seldom seen, or fill in where they are"
        )
    note = (
        f"{lost.sum()} of {known.sum()} accelerations are no targets: a particle that pulls, and is there before and "
        "after, is not seen at that time."
    )
    if note in trajectories.notes:  # of a file that limbeck wrote
        return trajectories
    return replace(trajectories, notes=(*trajectories.notes, note))


def partners_seen(trajectories: Trajectories) -> Presence:
    """Whether all are seen that may act on a particle: its acceleration means nothing where one is not.

    A particle is there from the first to the last time at which it is seen; before and after it pulls nobody.

    Args:
        trajectories: The states.

    Returns:
        One for each simulation, time and particle.
    """
    t = trajectories
    unseen = hidden(t.present)
    seen = np.ones_like(unseen)
    if not unseen.any():
        return seen
    if t.edges is not None:
        for system, sender, receiver in zip(t.edges.system, t.edges.senders, t.edges.receivers, strict=True):
            chosen = slice(None) if system < 0 else slice(system, system + 1)
            seen[chosen, :, receiver] &= ~unseen[chosen, :, sender]
        return seen
    if t.radius is None:
        return seen & ~unseen.any(axis=2, keepdims=True)
    for system, node in zip(*np.nonzero(unseen.any(axis=1)), strict=True):
        when = np.flatnonzero(unseen[system, :, node])
        between = _between(t.times[system], t.positions[system, :, node], t.present[system, :, node], when)
        away = np.linalg.norm(t.positions[system, when] - between[:, None], axis=-1)
        seen[system, when] &= away > NEAR * t.radius
    return seen


def hidden(present: Presence) -> Presence:
    """Where particles are not seen between two times at which they are.

    Args:
        present: Which particles are seen when.

    Returns:
        One for each simulation, time and particle.
    """
    before = np.logical_or.accumulate(present, axis=1)
    after = np.logical_or.accumulate(present[:, ::-1], axis=1)[:, ::-1]
    return before & after & ~present


def _between(times: np.ndarray, positions: np.ndarray, seen: np.ndarray, when: np.ndarray) -> np.ndarray:
    """Positions on the straight line between two sightings."""
    columns = [np.interp(times[when], times[seen], positions[seen, axis]) for axis in range(positions.shape[1])]
    return np.stack(columns, axis=-1)
