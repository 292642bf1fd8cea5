"""What law and network make of a region that was held out."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck.graphs import GraphDataset, particles_held_out
from limbeck.train import TrainedMessages, TrainedModel

from ._law import Law
from ._states import states_of, thinned

MOST = 2_000  # snapshots that are looked at, within and without
RESAMPLES = 400
TAILS = (2.5, 97.5)


class RegionErrors(NamedTuple):
    """Errors of one predictor in one region.

    Attributes:
        median: Median relative error over particles.
        low: Lower end of its 95 % interval, from resampled simulations.
        high: Upper end.
        tail: 90th percentile.
    """

    median: float
    low: float
    high: float
    tail: float


@dataclass(frozen=True, kw_only=True)
class Generalisation:
    """Law and network in the range of their training and out of it.

    Attributes:
        region: What was held out, as it was asked for.
        particles: How many were looked at out of range and in range.
        law: Errors of the law, out of range and in range; None where there is no law.
        network: The same of the network.
    """

    region: str
    particles: tuple[int, int]
    law: tuple[RegionErrors, RegionErrors] | None
    network: tuple[RegionErrors, RegionErrors]


def generalisation(
    law: Law | None, trained: TrainedModel | TrainedMessages, dataset: GraphDataset
) -> Generalisation | None:
    """Compare law and network within the region that was held out, and without it.

    Args:
        law: The law; None where there is only a network.
        trained: The network that it was distilled from.
        dataset: The data with the region.

    Returns:
        Errors on the test part; None where nothing was held out.
    """
    if dataset.hold_out is None or not len(dataset.held_out) or not len(dataset.test):
        return None
    regions = [_Region(dataset, rows) for rows in (dataset.held_out, dataset.test)]
    of_law = None if law is None else tuple(region.errors(law.accelerations(region.states)) for region in regions)
    return Generalisation(
        region=str(dataset.hold_out),
        particles=(regions[0].particles, regions[1].particles),
        law=of_law,  # type: ignore[arg-type]
        network=tuple(region.errors(region.predicted(trained)) for region in regions),  # type: ignore[arg-type]
    )


class _Region:
    """Some snapshots, and which of their particles count: of those held out, only the ones in the region."""

    def __init__(self, dataset: GraphDataset, rows: Int[np.ndarray, "samples 2"]) -> None:
        """Look at so many."""
        most = len(thinned(dataset, rows, len(rows)))  # as many pairs as there is memory for
        rows = rows[np.linspace(0, len(rows) - 1, min(MOST, most)).astype(int)]
        self.batch, self.states = dataset.batch(rows), states_of(dataset, rows)
        assert dataset.hold_out is not None  # asked before
        inside = particles_held_out(dataset.hold_out, dataset.trajectories, dataset.pairs, rows)[self.batch.targeted()]
        self.counted: Bool[np.ndarray, " particles"] = inside if inside.any() else np.ones_like(inside)
        self.particles = int(self.counted.sum())

    def predicted(self, network: TrainedModel | TrainedMessages) -> Float[np.ndarray, "particles dim"]:
        """A network's accelerations of the particles with a target."""
        return network.accelerations(self.batch)[self.batch.targeted()]

    def errors(self, accelerations: Float[np.ndarray, "particles dim"]) -> RegionErrors:
        """Relative errors of those that count, and that a force acts on."""
        counted = self.counted & self.states.acted_on(accelerations)
        counted = counted if counted.any() else self.counted
        return _summary(self.states.relative_errors(accelerations)[counted], self.states.systems[counted])


def _summary(errors: Float[np.ndarray, " particles"], systems: Int[np.ndarray, " particles"]) -> RegionErrors:
    """Median with its interval, and the tail; particles of one simulation stay together."""
    rng, groups = np.random.default_rng(0), [errors[systems == system] for system in np.unique(systems)]
    medians = [
        np.median(np.concatenate([groups[k] for k in rng.integers(len(groups), size=len(groups))]))
        for _ in range(RESAMPLES)
    ]
    low, high = np.percentile(medians, TAILS, method="nearest")
    tail = np.quantile(errors, 0.9, method="higher")
    return RegionErrors(float(np.median(errors)), float(low), float(high), float(tail))
