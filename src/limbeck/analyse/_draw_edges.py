"""Which edges and which particles are looked at: close encounters and the bulk both speak."""

import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck.graphs import Snapshots


def draw_edges(
    distance: Float[np.ndarray, "ways samples pairs"],
    acts: Bool[np.ndarray, "ways samples pairs"],
    generator: np.random.Generator,
    n_samples: int,
) -> tuple[Int[np.ndarray, " drawn"], Int[np.ndarray, " drawn"], Int[np.ndarray, " drawn"]]:
    """Directed edges half evenly over log distance, half as they come.

    Args:
        distance: Of the pair, either way.
        acts: Whether it acts on the receiver.
        generator: Draws them.
        n_samples: How many, about.

    Returns:
        Way (0 to the first of the pair, 1 to the second), snapshot and pair of each.
    """
    way, sample, pair = np.nonzero(acts & (distance > 0))
    logs = np.log(distance[way, sample, pair])
    if len(logs) == 0:
        return way, sample, pair
    low, high = np.quantile(logs, 0.005, method="lower"), np.quantile(logs, 0.995, method="higher")
    inside = np.flatnonzero((logs >= low) & (logs <= high))
    order = inside[np.argsort(logs[inside], kind="stable")]
    wanted = generator.uniform(low, high, n_samples // 2)
    even = order[np.clip(np.searchsorted(logs[order], wanted), 0, len(order) - 1)]
    common = generator.choice(inside, size=min(n_samples // 2, len(inside)), replace=False)
    chosen = np.unique(np.concatenate([even, common]))
    return way[chosen], sample[chosen], pair[chosen]


def draw_nodes(
    batch: Snapshots, generator: np.random.Generator, n_samples: int
) -> tuple[Int[np.ndarray, " drawn"], Int[np.ndarray, " drawn"]]:
    """Particles with a target, as they come.

    Args:
        batch: Snapshots.
        generator: Draws them.
        n_samples: How many at most.

    Returns:
        Snapshot and particle of each.
    """
    sample, node = np.nonzero(batch.targeted())
    chosen = np.sort(generator.permutation(len(sample))[:n_samples])
    return sample[chosen], node[chosen]
