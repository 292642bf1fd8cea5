"""Snapshots as a network sees them, and what it predicts for them."""

from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, PRNGKeyArray

from limbeck.graphs import GraphDataset, Snapshots
from limbeck.models import CompletePairs, PairIndex

from ._loss import median_error, predict

VALIDATION_SNAPSHOTS = 1_000
MOST_PAIRS = 200_000  # pairs in one evaluation: some 400 MB of hidden units


def to_device(snapshots: Snapshots, *, centred: bool = False) -> Snapshots:
    """Cast snapshots to the training precision.

    Args:
        snapshots: States in float64.
        centred: Whether positions are first measured from the mean of their snapshot, so that nothing
            is lost in single precision where the origin is far away; for models that can't see the origin.

    Returns:
        The same states as float32 arrays of JAX.
    """
    if centred:
        positions = np.asarray(snapshots.positions)
        snapshots = snapshots._replace(positions=positions - positions.mean(axis=-2, keepdims=True))
    return Snapshots(*(jnp.asarray(array, jnp.float32) for array in snapshots))


def validation_batch(dataset: GraphDataset) -> Snapshots:
    """The snapshots that training validates on.

    Args:
        dataset: The graphs.

    Returns:
        At most `VALIDATION_SNAPSHOTS` of the validation part, evenly spaced, fewer of large graphs.
    """
    rows = dataset.validation
    most = min(VALIDATION_SNAPSHOTS, max(20, MOST_PAIRS // max(len(dataset.pairs.first), 1)))
    return dataset.batch(rows[:: max(1, -(-len(rows) // most))])


def pair_index(dataset: GraphDataset) -> PairIndex:
    """The pairs of a dataset as arrays of the training library.

    Args:
        dataset: The graphs.

    Returns:
        Numbers of both ends; `CompletePairs` where every pair interacts.
    """
    ends = tuple(np.asarray(index, np.int32) for index in (dataset.pairs.first, dataset.pairs.second))
    n_nodes = dataset.trajectories.n_nodes
    # Counted first: of many particles with few neighbours nobody lists every pair.
    is_complete = 2 * len(ends[0]) == n_nodes * (n_nodes - 1) and np.array_equal(ends, np.triu_indices(n_nodes, k=1))
    return (CompletePairs if is_complete else PairIndex)(*ends)


def entropy_of(key: PRNGKeyArray) -> tuple[int, ...]:
    """Words of a key that a generator of the host is seeded with.

    Args:
        key: The key.

    Returns:
        Its data.
    """
    return tuple(int(word) for word in np.asarray(jax.random.key_data(key)).ravel())


def accelerations_of(model: Any, snapshots: Snapshots, pairs: PairIndex) -> Float[np.ndarray, "samples nodes dim"]:
    """Predict accelerations, a slab of snapshots at a time.

    Args:
        model: A network.
        snapshots: States in float64.
        pairs: Their pairs.

    Returns:
        The network's accelerations, in float64.
    """
    slab = max(1, MOST_PAIRS // max(len(pairs.first), 1))
    parts = []
    for start in range(0, len(snapshots.positions), slab):
        part = Snapshots(*(array[start : start + slab] for array in snapshots))
        device = to_device(part, centred=model.origin_free)
        parts.append(np.asarray(predict(model, device, pairs), dtype=float))
    return np.concatenate(parts)


def validation_error(model: Any, dataset: GraphDataset) -> float:
    """Median relative error of a network on the snapshots that training validates on.

    Args:
        model: A network.
        dataset: Its data.

    Returns:
        The error.
    """
    batch = validation_batch(dataset)
    return median_error(accelerations_of(model, batch, pair_index(dataset)), batch)
