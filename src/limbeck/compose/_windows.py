"""Short stretches of measured trajectories that a law can be followed through by its integrator.

It takes a dataset whose positions were smoothed and gives windows of the positions as they were
measured, with the noise that weighs them and the smoothed state that each begins near. A window
never leaves the training part. A particle that is not seen at some snapshots inside a window is
taken to be there; one that comes or goes within it spoils the window.
"""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck.graphs import GraphDataset, Snapshots
from limbeck.trajectories import hidden

SHORTEST, LONGEST = 16, 160  # snapshots of a window
SHORTENED = 0.85  # share of a length that is tried next
MOST_WINDOWS = 96
MOST_NUMBERS = 4_000_000  # positions in all windows: what is followed in seconds
OUTLYING = 6.0  # distance from the smoothed position, in units of the noise, of a mistake in the data


@dataclass(frozen=True, kw_only=True, eq=False)
class Windows:
    """Windows of one length.

    Attributes:
        start: Smoothed states at their beginnings; edges are weighed by presence only.
        spans: Time from each snapshot to the next.
        measured: Positions that were measured.
        weights: One over the noise on each component; 0 where nothing was measured.
        systems: Simulation of each window.
        firsts: First snapshot of each window.
    """

    start: Snapshots
    spans: Float[np.ndarray, "windows steps"]
    measured: Float[np.ndarray, "windows times nodes dim"]
    weights: Float[np.ndarray, "windows times nodes"]
    systems: Int[np.ndarray, " windows"]
    firsts: Int[np.ndarray, " windows"]

    def __len__(self) -> int:
        """Number of windows."""
        return len(self.systems)

    @property
    def freedom(self) -> Float[np.ndarray, " windows"]:
        """Numbers measured in each window less the positions and velocities that it begins with."""
        seen, dim = self.weights > 0, self.measured.shape[-1]
        return dim * np.maximum(seen.sum(axis=(1, 2)) - 2.0 * seen.any(axis=1).sum(axis=1), 0.0)

    @property
    def largest_growth(self) -> float:
        """Factor by which an error as large as the noise grows as large as the typical distance between particles."""
        x, there = self.start.positions, np.any(self.weights > 0, axis=1)
        first, second = np.triu_indices(x.shape[1], k=1)
        apart = np.linalg.norm(x[:, first] - x[:, second], axis=-1)
        both = there[:, first] & there[:, second]
        return float(np.median(apart[both]) * np.median(self.weights[self.weights > 0]))


def windows_of(dataset: GraphDataset, shorter: int = 1) -> Windows | None:
    """Cut windows out of the training part, spread evenly over it.

    Args:
        dataset: Trajectories with positions that were smoothed.
        shorter: How many times shorter than usual they are.

    Returns:
        The windows, or None where positions were not smoothed or no stretch is long enough.
    """
    t = dataset.trajectories
    if t.measured_positions is None or t.measured_noise is None:
        return None
    length = _length(dataset)
    systems, firsts = _begins(dataset, length)
    while length > SHORTEST and len(firsts) < MOST_WINDOWS // 3:  # few stretches of the training part are as long
        length = max(SHORTEST, int(SHORTENED * length))
        systems, firsts = _begins(dataset, length)
    rows = np.arange(length)
    if not len(firsts):
        return None
    if shorter > 1:
        rows = np.arange(max(SHORTEST, len(rows) // shorter))
        systems, firsts = _begins(dataset, len(rows))
    most = min(MOST_WINDOWS, max(8, MOST_NUMBERS // (len(rows) * t.n_nodes * t.dim * (2 * t.n_nodes * t.dim))))
    kept = np.unique(np.linspace(0, len(firsts) - 1, min(most, len(firsts))).round().astype(int))
    systems, firsts = systems[kept], firsts[kept]
    index = systems[:, None], firsts[:, None] + rows
    everywhere = replace(dataset, trajectories=replace(t, radius=None))
    sigma, moved = t.measured_noise[index], t.measured_positions[index] - t.positions[index]
    seen = t.present[index] & (sigma > 0) & (np.mean(moved**2, axis=-1) <= (OUTLYING * sigma) ** 2)
    return Windows(
        start=everywhere.batch(np.stack([systems, firsts], axis=1)),
        spans=np.diff(t.times[index], axis=1),
        measured=t.measured_positions[index],
        weights=np.divide(1.0, sigma, out=np.zeros_like(sigma), where=seen),
        systems=systems,
        firsts=firsts,
    )


def _length(dataset: GraphDataset) -> int:
    """Snapshots in the time in which the typical acceleration crosses the typical distance."""
    t = dataset.trajectories
    known = np.isfinite(t.accelerations).all(axis=-1) & t.present
    pull = float(np.median(np.linalg.norm(t.accelerations[known], axis=-1)))
    x, here = t.positions, t.present
    first, second = dataset.pairs.first, dataset.pairs.second
    rows = np.unique(np.linspace(0, len(dataset.train) - 1, min(200, len(dataset.train))).round().astype(int))
    system, time = dataset.train[rows].T
    both = here[system, time][:, first] & here[system, time][:, second]
    apart = np.linalg.norm(x[system, time][:, first] - x[system, time][:, second], axis=-1)[both]
    steps = np.diff(t.times, axis=1)
    span = np.sqrt(float(np.median(apart)) / max(pull, np.finfo(float).tiny))
    return int(np.clip(span / np.nanmedian(steps), SHORTEST, LONGEST))


def _begins(dataset: GraphDataset, length: int) -> tuple[Int[np.ndarray, " windows"], Int[np.ndarray, " windows"]]:
    """Simulation and first snapshot of every window of a length that touches no other."""
    t = dataset.trajectories
    taught, others = (np.zeros(t.present.shape[:2], dtype=bool) for _ in range(2))
    taught[tuple(dataset.train.T)] = True
    for part in (dataset.validation, dataset.test, dataset.extrapolation, dataset.held_out):
        others[tuple(part.T)] = True
    # A snapshot in which a particle is not seen has no targets, but its neighbours are followed through it.
    taught |= hidden(t.present).any(axis=2) & ~others
    systems, firsts = [], []
    for system in np.unique(dataset.train[:, 0]):
        snapshots = np.flatnonzero(taught[system])
        for run in np.split(snapshots, np.flatnonzero(np.diff(snapshots) != 1) + 1):
            count = len(run) // length
            begins = run[0] + (len(run) - count * length) // 2 + length * np.arange(count)
            whole = [b for b in begins if _is_whole(t.present[system, b : b + length])]
            systems += [int(system)] * len(whole)
            firsts += [int(b) for b in whole]
    return np.asarray(systems, dtype=int), np.asarray(firsts, dtype=int)


def _is_whole(present: Bool[np.ndarray, "times nodes"]) -> bool:
    """Whether every particle is either there all along, or nearly, or not at all, and two are there."""
    through = present[0] & present[-1] & (present.mean(axis=0) >= 0.5)
    return bool(np.all(through | ~present.any(axis=0)) and through.sum() >= 2)
