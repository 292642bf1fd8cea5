"""Aggregation: many messages at one node, or many nodes of one graph, become one.

Every function here gives 0 where nothing arrives, with finite gradients everywhere, and doesn't
care in which order things arrive.
"""

from typing import Any

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

AGGREGATIONS = ("sum", "mean", "max")


def aggregate(
    values: Float[Array, "entries features"], place: Int[Any, " entries"], n_places: int, how: str
) -> Float[Array, "places features"]:
    """Aggregate what arrives at each place, component by component.

    Args:
        values: What arrives, such as messages.
        place: Where each arrives, such as its receiver.
        n_places: Number of places.
        how: "sum", "mean" or "max".

    Returns:
        The aggregate of every place; 0 where nothing arrives. The gradient of a maximum that
        several attain is shared between them.
    """
    if how == "max":
        return _maximum(values, place, n_places)
    total = jax.ops.segment_sum(values, place, n_places)
    return total if how == "sum" else total / jnp.maximum(counts(place, n_places, values.dtype), 1.0)[:, None]


def counts(place: Int[Any, " entries"], n_places: int, dtype: Any = jnp.float32) -> Float[Array, " places"]:
    """How many entries arrive at each place.

    Args:
        place: Where each arrives.
        n_places: Number of places.
        dtype: Type of the result.

    Returns:
        One number for each place.
    """
    return jax.ops.segment_sum(jnp.ones(len(place), dtype), place, n_places)


def normalised_weights(
    scores: Float[Array, " entries"], place: Int[Any, " entries"], n_places: int
) -> Float[Array, " entries"]:
    """Softmax of scores among the entries of each place.

    Args:
        scores: Any numbers.
        place: Where each arrives.
        n_places: Number of places.

    Returns:
        Positive weights whose sum over the entries of a place is 1.
    """
    # The largest score is taken out for the sake of range alone: the weights don't depend on it.
    largest = jax.ops.segment_max(jax.lax.stop_gradient(scores), place, n_places)
    powers = jnp.exp(scores - largest[place])
    return powers / jax.ops.segment_sum(powers, place, n_places)[place]


def _maximum(
    values: Float[Array, "entries features"], place: Int[Any, " entries"], n_places: int
) -> Float[Array, "places features"]:
    """Largest entry of each place, as a mean over those that attain it."""
    largest = jax.ops.segment_max(jax.lax.stop_gradient(values), place, n_places)
    # Not `>=`: an undefined entry must come out as one, and compares with nothing.
    attains = ~(values < largest[place])
    total = jax.ops.segment_sum(jnp.where(attains, values, 0.0), place, n_places)
    return total / jnp.maximum(jax.ops.segment_sum(attains.astype(values.dtype), place, n_places), 1.0)
