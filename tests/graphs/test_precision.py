"""Targets that are known less well count for less, and only those."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from limbeck.graphs._precision import FINEST, Precision


def drawn(seed, relative):
    rng = np.random.default_rng(seed)
    a = rng.normal(size=(200, 3, 2))
    return a, np.broadcast_to(np.sqrt(0.5) * relative * (np.linalg.norm(a, axis=-1, keepdims=True) + 0.3), a.shape)


@settings(max_examples=20)
@given(seed=st.integers(0, 100), relative=st.floats(1e-3, 0.3), unit=st.floats(1e-3, 1e3))
def test_weights_lie_between_none_and_one_and_know_no_units(seed, relative, unit):
    a, errors = drawn(seed, relative)
    errors = errors * np.random.default_rng(seed).lognormal(size=a.shape[:2])[..., None]
    weights = Precision.of(a, errors).weights(a, errors)
    assert np.all((weights > 0) & (weights <= 1))
    np.testing.assert_allclose(
        Precision.of(unit * a, unit * errors).weights(unit * a, unit * errors), weights, rtol=1e-9
    )


def test_a_target_that_is_known_ten_times_worse_counts_a_tenth():
    a, errors = drawn(0, 0.05)
    worse = errors.copy()
    worse[0] *= 10
    precision = Precision.of(a, errors)
    ratio = precision.weights(a, worse)[0] / precision.weights(a, errors)[0]
    np.testing.assert_allclose(ratio, np.sqrt(2 / 101), rtol=0.05)


def test_errors_that_no_law_is_asked_to_beat_weigh_nothing():
    a, errors = drawn(1, 1e-6)
    assert Precision.of(a, errors).usual == FINEST
    np.testing.assert_allclose(Precision.of(a, errors).weights(a, errors), 1.0, atol=1e-6)


def test_an_error_that_is_not_known_takes_nothing_away():
    a, errors = drawn(2, 0.1)
    unknown = np.full_like(errors, np.nan)
    assert Precision.of(a, errors).weights(a, unknown) == pytest.approx(1.0)
    assert Precision.of(np.full_like(a, np.nan), unknown).usual == FINEST
