"""Aggregation against loops over places, and its gradients."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from limbeck.models import aggregate, normalised_weights

N_PLACES, N_ENTRIES = 5, 9  # one shape: each new one compiles anew
SEEDS = st.integers(0, 2**32 - 1)
every_way = pytest.mark.parametrize("how", ["sum", "mean", "max"])
few = settings(max_examples=10)
OF_LIST = {"sum": np.sum, "mean": np.mean, "max": np.max}


def arrivals(seed, n_used=N_PLACES - 1):
    """Values with ties, and places of which the last gets nothing."""
    rng = np.random.default_rng(seed)
    return rng.integers(-3, 3, size=(N_ENTRIES, 2)).astype(np.float32), rng.integers(n_used, size=N_ENTRIES)


@every_way
@few
@given(SEEDS)
def test_an_aggregate_is_that_of_the_list_of_what_arrives(how, seed) -> None:
    values, place = arrivals(seed)
    got = np.asarray(aggregate(jnp.asarray(values), place, N_PLACES, how))
    for k in range(N_PLACES):
        mine = values[place == k]
        expected = OF_LIST[how](mine, axis=0) if len(mine) else np.zeros(2)
        assert np.allclose(got[k], expected, atol=1e-6)


@few
@given(SEEDS)
def test_a_mean_is_the_sum_over_the_number_of_arrivals(seed) -> None:
    values, place = arrivals(seed)
    total, mean = (np.asarray(aggregate(jnp.asarray(values), place, N_PLACES, how)) for how in ("sum", "mean"))
    degree = np.bincount(place, minlength=N_PLACES)
    assert np.allclose(mean, total / np.maximum(degree, 1)[:, None], atol=1e-6)


@every_way
@few
@given(SEEDS)
def test_gradients_are_finite_and_right(how, seed) -> None:
    values, place = arrivals(seed)
    slopes = np.asarray(jax.grad(lambda v: aggregate(v, place, N_PLACES, how).sum())(jnp.asarray(values)))
    assert np.isfinite(slopes).all()
    # Every aggregate moves by the shift when all that arrives at it is shifted.
    there = np.bincount(place, minlength=N_PLACES) > 0
    summed = np.stack([slopes[place == k].sum(axis=0) for k in range(N_PLACES)])
    degree = np.bincount(place, minlength=N_PLACES) if how == "sum" else 1.0
    assert np.allclose(summed, np.broadcast_to((there * degree)[:, None], summed.shape), atol=1e-6)


@every_way
def test_nothing_at_all_gives_zeros(how) -> None:
    nothing, nowhere = jnp.zeros((0, 2)), np.zeros(0, dtype=int)
    assert np.array_equal(aggregate(nothing, nowhere, 3, how), np.zeros((3, 2)))


@every_way
@pytest.mark.parametrize("wrong", [np.nan, np.inf])
def test_a_value_that_is_no_number_does_not_come_out_as_one(how, wrong) -> None:
    got = np.asarray(aggregate(jnp.asarray([[1.0], [wrong], [2.0]]), np.array([0, 0, 1]), 2, how))
    assert not np.isfinite(got[0, 0])
    assert got[1, 0] == 2.0


@few
@given(SEEDS, st.floats(0, 200))
def test_weights_sum_to_one_at_every_place_and_follow_the_scores(seed, spread) -> None:
    rng = np.random.default_rng(seed)
    place = rng.integers(N_PLACES - 1, size=N_ENTRIES)
    scores = (spread * rng.normal(size=N_ENTRIES)).astype(np.float32)
    weights = np.asarray(normalised_weights(jnp.asarray(scores), place, N_PLACES))
    for k in set(place.tolist()):
        mine = scores[place == k].astype(float)
        powers = np.exp(mine - mine.max())
        assert np.allclose(weights[place == k], powers / powers.sum(), atol=1e-5)
    slopes = jax.grad(lambda s: jnp.sum(normalised_weights(s, place, N_PLACES) ** 2))(jnp.asarray(scores))
    assert np.isfinite(np.asarray(slopes)).all()
