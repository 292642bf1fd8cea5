"""Stretches of time over which particles are there, the pieces that derivatives are taken along."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from limbeck._types import Presence, Times

WIDE = 8.0  # a step this much longer than those around it is a gap that no polynomial should bridge


@dataclass(frozen=True, kw_only=True, eq=False)
class Track:
    """Particles of some simulations that are there at the same times.

    Attributes:
        systems: Indices of the simulations.
        snapshots: Indices of the snapshots.
        nodes: Indices of the particles.
    """

    systems: Int[np.ndarray, " some_systems"]
    snapshots: Int[np.ndarray, " some_times"]
    nodes: Int[np.ndarray, " some_nodes"]

    @property
    def index(self) -> tuple[np.ndarray, ...]:
        """Index of the track's states in arrays by simulation, snapshot and particle."""
        return np.ix_(self.systems, self.snapshots, self.nodes)


def tracks(times: Times, present: Presence) -> Iterator[Track]:
    """Group particles that are there at the same times: all of them, or a simulation's, or one.

    Args:
        times: Time of each snapshot.
        present: Which particle is there when.

    Yields:
        Tracks that together hold every state once.
    """
    if present.all() and (times == times[0]).all():
        yield Track(
            systems=np.arange(len(times)), snapshots=np.arange(times.shape[1]), nodes=np.arange(present.shape[2])
        )
        return
    for system, here in enumerate(present):
        snapshots, nodes = np.flatnonzero(here.any(axis=1)), np.flatnonzero(here.any(axis=0))
        if here[np.ix_(snapshots, nodes)].all():
            yield Track(systems=np.array([system]), snapshots=snapshots, nodes=nodes)
            continue
        for node in nodes:
            yield Track(systems=np.array([system]), snapshots=np.flatnonzero(here[:, node]), nodes=np.array([node]))


def stretches(times: Times, present: Presence) -> Iterator[Track]:
    """Cut tracks where a step in time is far longer than those around it.

    Args:
        times: Time of each snapshot.
        present: Which particle is there when.

    Yields:
        Stretches of tracks without wide gaps; together they hold every state once.
    """
    for track in tracks(times, present):
        cuts = _cuts(times[track.systems[0], track.snapshots])
        for snapshots in np.split(track.snapshots, cuts):
            yield replace(track, snapshots=snapshots)


def _cuts(times: Float[np.ndarray, " some_times"]) -> Int[np.ndarray, " cuts"]:
    """Indices of the snapshots that follow a wide gap."""
    steps = np.diff(times)
    around = np.array([np.median(steps[max(0, k - 4) : k + 5]) for k in range(len(steps))])
    return np.flatnonzero(steps > WIDE * around) + 1
