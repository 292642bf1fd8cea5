"""A perceptron on very many rows, a slab of rows at a time.

The hidden units of all edges of a large graph would fill the memory long before the graph does.
In slabs, with the hidden units computed anew for the slopes, they take what one slab takes.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._layers import Layers

# Rows of one slab: on a CPU its hidden units stay in the cache, which halves the time; a GPU wants larger pieces.
MOST_ROWS = {"cpu": 1 << 14, "gpu": 1 << 18, "tpu": 1 << 18}


def in_slabs(layers: Layers, x: Float[Array, "rows inputs"]) -> Float[Array, "rows outputs"]:
    """Apply a perceptron to every row.

    Args:
        layers: The perceptron.
        x: Its inputs.

    Returns:
        What `layers(x)` gives, in less memory where there are many rows.
    """
    n_rows, n_inputs = x.shape
    most = MOST_ROWS[jax.default_backend()]
    if n_rows <= most:
        return layers(x)
    n_slabs = -(-n_rows // most)
    slab = -(-n_rows // n_slabs)
    full = jnp.concatenate([x, jnp.zeros((n_slabs * slab - n_rows, n_inputs), x.dtype)])
    slabs = jax.lax.map(eqx.filter_checkpoint(layers), full.reshape(n_slabs, slab, n_inputs))
    return slabs.reshape(n_slabs * slab, -1)[:n_rows]
