"""What training minimises, and the one error that every stage reports."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from limbeck.graphs import Snapshots
from limbeck.models import GraphNetwork, PairIndex

SMALL = 1e-2  # fraction of the median acceleration in the error's denominator (house plan, "When is a law found?")


def loss(model: GraphNetwork, snapshots: Snapshots, pairs: PairIndex, floor: Float[Array, ""]) -> Float[Array, ""]:
    """Mean over particles of |error of a| / (|a| + floor).

    Args:
        model: The network.
        snapshots: A batch.
        pairs: Its pairs.
        floor: Acceleration below which errors count absolutely [length/time²].

    Returns:
        The mean over all particles that have a target.
    """
    return relative_loss(model(snapshots, pairs), snapshots, floor, model.scales.acceleration)


def relative_loss(
    predicted: Float[Array, "samples nodes dim"], snapshots: Snapshots, floor: Float[Array, ""], unit: float
) -> Float[Array, ""]:
    """Mean over particles of |error of a| / (|a| + floor), of accelerations that are known.

    Args:
        predicted: Accelerations.
        snapshots: A batch.
        floor: Acceleration below which errors count absolutely [length/time²].
        unit: Typical acceleration: squares in other units may not fit into single precision.

    Returns:
        The mean over all particles that have a target.
    """
    targets = snapshots.targets / unit
    error = predicted / unit - targets
    size = jnp.sqrt(jnp.sum(targets**2, axis=-1)) + floor / unit
    distance = jnp.sqrt(jnp.sum(error**2, axis=-1) + 1e-12 * size**2)
    return jnp.sum(snapshots.weights * distance / size) / jnp.maximum(jnp.sum(snapshots.weights), 1.0)


@eqx.filter_jit
def predict(model: Any, snapshots: Snapshots, pairs: PairIndex) -> Float[Array, "samples nodes dim"]:
    """Accelerations of a batch, compiled once for each shape."""
    return model(snapshots, pairs)


def relative_errors(
    predicted: Float[np.ndarray, "samples nodes dim"], snapshots: Snapshots
) -> Float[np.ndarray, " particles"]:
    """Errors of accelerations, |Δa| / (|a| + 1e-2 typical |a|), of every particle with a target.

    Typical is the median or, where that is zero, the mean: see `typical_size`.

    Args:
        predicted: Accelerations.
        snapshots: The states with their targets.

    Returns:
        One number for each particle and snapshot; infinite where the prediction is undefined.
    """
    there = snapshots.targeted()
    target = np.asarray(snapshots.targets)[there]
    size = np.linalg.norm(target, axis=-1)
    with np.errstate(all="ignore"):
        error = np.linalg.norm(np.asarray(predicted, dtype=float)[there] - target, axis=-1)
    return np.where(np.isfinite(error), error, np.inf) / (size + SMALL * typical_size(size))


def typical_size(sizes: Float[np.ndarray, " particles"]) -> float:
    """Median of some sizes of accelerations.

    Args:
        sizes: None of them negative.

    Returns:
        The median; the mean where most are zero; 1 where all are. Never zero.
    """
    if len(sizes) == 0:
        return 1.0
    for candidate in (np.median(sizes), np.mean(sizes)):
        if candidate > 0:
            return float(candidate)
    return 1.0
