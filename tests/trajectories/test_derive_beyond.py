"""Derivatives beyond what a model explains: closer the better the model, and the data's where it is wrong."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from trajectories.test_smooth import SIGMA, ellipse, relative, shaken, sines, table

from limbeck.trajectories import derived_beyond, load_trajectories


def observed(times, x):
    return load_trajectories(table(times, shaken(x)))


def test_beyond_a_true_model_little_is_left_to_smooth():
    times, x, a = ellipse(800)
    t = observed(times, x)
    once = relative(t.accelerations[0], a)
    beyond = derived_beyond(t, a[None])
    assert beyond is not None
    assert relative(beyond.accelerations[0], a) < 0.5 * once
    assert np.sqrt(np.mean((beyond.positions[0] - x) ** 2)) < np.sqrt(np.mean((t.positions[0] - x) ** 2))
    assert np.nanmedian(beyond.acceleration_errors) < 0.5 * np.nanmedian(t.acceleration_errors)


def test_beyond_a_model_that_says_nothing_all_is_as_before():
    times, x, _, _ = sines(300, 0.0)
    t = observed(times, x)
    beyond = derived_beyond(t, np.zeros_like(t.positions))
    assert beyond is not None
    np.testing.assert_allclose(beyond.positions, t.positions, atol=1e-12)
    np.testing.assert_allclose(beyond.accelerations, t.accelerations, atol=1e-8)
    np.testing.assert_array_equal(beyond.measured_positions, t.measured_positions)


@settings(max_examples=3)
@given(wrong=st.floats(-0.5, 0.5), uneven=st.sampled_from([0.0, 1.0]))
def test_where_a_model_is_wrong_the_data_have_the_last_word(wrong, uneven):
    times, x, _, a = sines(400, uneven)
    t = observed(times, x)
    beyond = derived_beyond(t, (1 + wrong) * a[None])
    assert beyond is not None
    # The error stays that of the noise, however far off the model is.
    assert relative(beyond.accelerations[0], a) < 0.06


def test_what_was_given_is_not_derived():
    times, x, v, a = sines(300, 0.0)
    exact = load_trajectories(table(times, x))
    assert derived_beyond(exact, a[None]) is None
    given_velocities = load_trajectories(table(times, shaken(x), v))
    assert derived_beyond(given_velocities, a[None]) is None
    t = observed(times, x)
    assert derived_beyond(t, np.full_like(t.positions, np.inf)) is None


def test_errors_that_were_given_are_taken_at_their_word():
    times, x, _, a = sines(300, 0.0)
    t = observed(times, x)
    doubled = replace(t, measured_noise=2 * t.measured_noise)
    one, two = derived_beyond(t, a[None]), derived_beyond(doubled, a[None])
    assert np.nanmedian(two.acceleration_errors / one.acceleration_errors) == pytest.approx(2.0)
    assert np.median(t.measured_noise) == pytest.approx(SIGMA, rel=0.1)
