"""Slab by slab is what all at once is."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from limbeck.models import _slabs
from limbeck.models._layers import draw_layers


@pytest.mark.parametrize("n_rows", [12, 20])
def test_slabs_give_the_same_values_and_slopes(monkeypatch, n_rows) -> None:
    rng = np.random.default_rng(0)
    layers = draw_layers(3, 2, width=5, depth=2, activation="silu", generator=rng)
    x = jnp.asarray(rng.normal(size=(n_rows, 3)), jnp.float32)
    monkeypatch.setitem(_slabs.MOST_ROWS, jax.default_backend(), 6)  # two full slabs, or four with one row to fill up

    def slopes_of(function):
        return jax.value_and_grad(lambda args: jnp.sum(function(*args) ** 2), has_aux=False)((layers, x))

    assert np.allclose(_slabs.in_slabs(layers, x), layers(x), atol=1e-6)
    for ours, theirs in zip(
        *(jax.tree.leaves(slopes_of(f)) for f in (_slabs.in_slabs, lambda layers, x: layers(x))), strict=True
    ):
        assert np.allclose(ours, theirs, atol=1e-5)
