"""What training minimises, and the one error that every stage reports."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from limbeck.graphs import Snapshots
from limbeck.models import GraphNetwork, PairIndex

WEIGHT_FLOOR = 0.3  # of the typical acceleration
LEAST_TYPICAL = 1e-6  # of the typical acceleration of all, for that of one object
SMALL = 1e-2  # fraction of the median acceleration in the error's denominator (house plan, "When is a law found?")
NOTHING = 1e-2  # relative error up to which a particle that nothing acts on is rightly told so


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


def acted_on(
    sizes: Float[np.ndarray, " particles"], errors: Float[np.ndarray, " particles"]
) -> Bool[np.ndarray, " particles"]:
    """Which particles errors are counted of: those that a force acts on, by the data or by what is held against them.

    Where a radius, a list of edges or charges leave most particles without any force, that none is predicted for them
    says nothing about the force.

    Args:
        sizes: Sizes of their accelerations.
        errors: Relative errors of a prediction.

    Returns:
        Those with an acceleration other than 0, and those that are wrongly told one; all where there is none.
    """
    moved = (sizes > 0) | ~(errors <= NOTHING)
    return moved if moved.any() else ~moved


def median_error(predicted: Float[np.ndarray, "samples nodes dim"], snapshots: Snapshots) -> float:
    """Median relative error over the particles that a force acts on.

    Args:
        predicted: Accelerations.
        snapshots: The states with their targets.

    Returns:
        The median.
    """
    errors = relative_errors(predicted, snapshots)
    sizes = np.linalg.norm(np.asarray(snapshots.targets)[snapshots.targeted()], axis=-1)
    return float(np.median(errors[acted_on(sizes, errors)]))


def typical_size(sizes: Float[np.ndarray, " particles"]) -> float:
    """Median of some sizes of accelerations.

    Args:
        sizes: None of them negative.

    Returns:
        The median; the mean where most are zero; 1 where all are. Never zero.
    """
    return _middle(sizes) or 1.0


def _middle(sizes: Float[np.ndarray, " particles"]) -> float:
    """Median, the mean where most are zero, and 0 where all are."""
    if len(sizes) == 0:
        return 0.0
    return float(np.median(sizes)) or float(np.mean(sizes))


def error_weights(
    sizes: Float[np.ndarray, " particles"], objects: Int[np.ndarray, " particles"] | None = None
) -> Float[np.ndarray, " particles"]:
    """One over the size at which the error of an acceleration counts as 1 in a fit: |a| + 0.3 typical |a|.

    Args:
        sizes: Sizes of the accelerations.
        objects: Which object each particle is, where objects return in every snapshot: each is then held against
            its own typical acceleration, since the Sun is moved as lawfully as Mercury, at a hundred-thousandth of it.

    Returns:
        The weights.
    """
    typical = typical_size(sizes)
    if objects is None:
        return 1.0 / (sizes + WEIGHT_FLOOR * typical)
    place = np.unique(objects, return_inverse=True)[1]
    parts = np.split(sizes[np.argsort(place, kind="stable")], np.cumsum(np.bincount(place))[:-1])
    # What rests, or moves by rounding alone, must not decide everything.
    own = np.maximum([_middle(part) for part in parts], LEAST_TYPICAL * typical)
    return 1.0 / (sizes + WEIGHT_FLOOR * own[place])
