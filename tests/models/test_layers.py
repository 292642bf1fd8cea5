import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st

from limbeck.models import ACTIVATIONS, draw_layers

BY_HAND = {
    "relu": lambda x: np.maximum(x, 0.0),
    "silu": lambda x: x / (1.0 + np.exp(-x)),
    "softplus": lambda x: np.log1p(np.exp(x)),
}


def test_every_activation_is_tested():
    assert set(BY_HAND) == set(ACTIVATIONS)


@pytest.mark.parametrize("activation", BY_HAND)
@given(seed=st.integers(0, 2**32 - 1))
def test_layers_are_what_they_say(activation, seed):
    rng = np.random.default_rng(seed)
    layers = draw_layers(3, 2, width=5, depth=2, activation=activation, generator=rng)
    x = rng.normal(size=(4, 3)).astype(np.float32)
    expected = x.astype(float)
    for weight, bias in zip(layers.weights[:-1], layers.biases[:-1], strict=True):
        expected = BY_HAND[activation](expected @ weight + bias)
    expected = expected @ layers.weights[-1] + layers.biases[-1]
    np.testing.assert_allclose(np.asarray(layers(jnp.asarray(x))), expected, rtol=1e-4, atol=1e-5)  # single precision


def test_weights_are_uniform_within_one_over_the_root_of_the_inputs():
    layers = draw_layers(100, 7, width=400, depth=1, activation="relu", generator=np.random.default_rng(0))
    first, bound = layers.weights[0], 0.1
    assert first.dtype == np.float32
    assert np.abs(first).max() <= bound
    # The variance of 40,000 uniform numbers is known to 1 %.
    assert np.var(first) == pytest.approx(bound**2 / 3, rel=0.03)
    assert [w.shape for w in layers.weights] == [(100, 400), (400, 7)]
    assert [b.shape for b in layers.biases] == [(400,), (7,)]
