"""What one evaluation of all accelerations costs, for a law and for a network."""

import time
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from limbeck.graphs import GraphDataset, Snapshots
from limbeck.train import TrainedModel

from ._integrate import Force, law_force, network_force
from ._law import Law

MOST_SNAPSHOTS, MOST_PAIRS = 500, 50_000
REPEATS = 7


class Speed(NamedTuple):
    """Seconds for the accelerations of one snapshot, all of its particles, after compilation.

    Attributes:
        law: Of the law, in float64.
        network: Of the network, in its own precision.
        snapshots: How many were evaluated at once.
    """

    law: float
    network: float
    snapshots: int


def measured_speed(law: Law, trained: TrainedModel, dataset: GraphDataset) -> Speed:
    """Time law and network as rollouts evaluate them, on the same snapshots.

    Args:
        law: The law.
        trained: The network.
        dataset: Its test snapshots are evaluated.

    Returns:
        The shortest of a few evaluations of each, over the number of snapshots.
    """
    most = max(1, min(MOST_SNAPSHOTS, MOST_PAIRS // max(len(dataset.pairs.first), 1)))
    rows = dataset.test[np.linspace(0, len(dataset.test) - 1, min(most, len(dataset.test))).astype(int)]
    batch = dataset.batch(rows)
    with jax.enable_x64(True):
        state = Snapshots(*(jnp.asarray(array) for array in batch))
        seconds = [_shortest(force, state) for force in (law_force(law, dataset), network_force(trained, dataset))]
    return Speed(seconds[0] / len(rows), seconds[1] / len(rows), len(rows))


@eqx.filter_jit
def _evaluated(force: Force, state: Snapshots) -> Any:
    """Accelerations."""
    return force(state)


def _shortest(force: Force, state: Snapshots) -> float:
    """Seconds of the shortest of some evaluations; the first, which compiles, does not count."""
    jax.block_until_ready(_evaluated(force, state))
    seconds = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        jax.block_until_ready(_evaluated(force, state))
        seconds.append(time.perf_counter() - started)
    return min(seconds)
