"""What law and network make of a region that training never saw."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck.graphs import GraphDataset, particles_held_out
from limbeck.train import TrainedModel

from ._law import Law
from ._states import states_of

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
        law: Errors of the law, out of range and in range.
        network: The same of the network.
    """

    region: str
    particles: tuple[int, int]
    law: tuple[RegionErrors, RegionErrors]
    network: tuple[RegionErrors, RegionErrors]


def generalisation(law: Law, trained: TrainedModel, dataset: GraphDataset) -> Generalisation | None:
    """Compare law and network within the region that was held out, and without it.

    Args:
        law: The law.
        trained: The network that it was distilled from.
        dataset: The data with the region.

    Returns:
        Errors on the test part; None where nothing was held out.
    """
    if dataset.hold_out is None or not len(dataset.held_out) or not len(dataset.test):
        return None
    outer, inner = (_errors(law, trained, dataset, rows) for rows in (dataset.held_out, dataset.test))
    return Generalisation(
        region=str(dataset.hold_out),
        particles=(outer[0], inner[0]),
        law=(outer[1], inner[1]),
        network=(outer[2], inner[2]),
    )


def _errors(
    law: Law, trained: TrainedModel, dataset: GraphDataset, rows: Int[np.ndarray, "samples 2"]
) -> tuple[int, RegionErrors, RegionErrors]:
    """Number of particles, and errors of law and network; of held-out snapshots only particles in the region count."""
    rows = rows[np.linspace(0, len(rows) - 1, min(MOST, len(rows))).astype(int)]
    batch, states = dataset.batch(rows), states_of(dataset, rows)
    assert dataset.hold_out is not None  # asked before
    inside = particles_held_out(dataset.hold_out, dataset.trajectories, dataset.pairs, rows)[batch.targeted()]
    counted: Bool[np.ndarray, " particles"] = inside if inside.any() else np.ones_like(inside)
    of_law = states.relative_errors(law.accelerations(states))[counted]
    of_network = states.relative_errors(trained.accelerations(batch)[batch.targeted()])[counted]
    systems = states.systems[counted]
    return int(counted.sum()), _summary(of_law, systems), _summary(of_network, systems)


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
