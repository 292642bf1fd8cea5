"""What training minimises, and the one error that every stage reports."""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from limbeck.graphs import Snapshots
from limbeck.models import GraphNetwork, PairIndex

SMALL = 1e-2  # fraction of the median acceleration in the error's denominator (house plan, "When is a law found?")


def loss(
    model: GraphNetwork, snapshots: Snapshots, pairs: PairIndex, floor: Float[Array, ""]
) -> Float[Array, ""]:
    """Mean over particles of |error of a| / (|a| + floor).

    Args:
        model: The network.
        snapshots: A batch.
        pairs: Its pairs.
        floor: Acceleration below which errors count absolutely [length/time²].

    Returns:
        The mean over all particles that have a target.
    """
    error = model(snapshots, pairs) - snapshots.targets
    size = jnp.sqrt(jnp.sum(snapshots.targets**2, axis=-1)) + floor
    distance = jnp.sqrt(jnp.sum(error**2, axis=-1) + 1e-12 * size**2)
    return jnp.sum(snapshots.weights * distance / size) / jnp.maximum(jnp.sum(snapshots.weights), 1.0)


@eqx.filter_jit
def predict(model: GraphNetwork, snapshots: Snapshots, pairs: PairIndex) -> Float[Array, "samples nodes dim"]:
    """Accelerations of a batch, compiled once for each shape."""
    return model(snapshots, pairs)


def relative_errors(
    predicted: Float[np.ndarray, "samples nodes dim"], snapshots: Snapshots
) -> Float[np.ndarray, " particles"]:
    """Errors of accelerations, |Δa| / (|a| + 1e-2 median|a|), of every particle with a target.

    Args:
        predicted: Accelerations.
        snapshots: The states with their targets.

    Returns:
        One number for each particle and snapshot; infinite where the prediction is undefined.
    """
    there = snapshots.targeted()
    target = np.asarray(snapshots.targets)[there]
    size = np.linalg.norm(target, axis=-1)
    error = np.linalg.norm(np.asarray(predicted, dtype=float)[there] - target, axis=-1)
    return np.where(np.isfinite(error), error, np.inf) / (size + SMALL * np.median(size) + np.finfo(float).tiny)
