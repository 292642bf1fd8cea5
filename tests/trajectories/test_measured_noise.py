import numpy as np
import pytest
from hypothesis import given, strategies as st

from limbeck.trajectories._measured_noise import measured_noise


def circles(count, uneven=0.0, seed=0):
    """Two particles on circles: times and positions."""
    rng = np.random.default_rng(seed)
    times = 0.02 * np.sort(np.arange(count) + uneven * rng.uniform(-0.4, 0.4, count))
    phase = times[:, None] * [1.0, 1.7]
    return times, np.stack([np.cos(phase), np.sin(phase)], axis=-1)[None]


@pytest.mark.parametrize("uneven", [0.0, 1.0])
@pytest.mark.parametrize("sigma", [1e-5, 1e-3, 1e-1])
def test_known_noise_is_measured(sigma, uneven):
    times, x = circles(500, uneven)
    noisy = x + np.random.default_rng(1).normal(scale=sigma, size=x.shape)
    (found,) = measured_noise([(times, noisy)])
    np.testing.assert_allclose(found, sigma, rtol=0.2)


def test_a_particle_with_noise_of_its_own_stands_out():
    times, x = circles(2000)
    noisy = x + np.random.default_rng(1).normal(size=x.shape) * [[[[1e-3], [1e-2]]]]
    (found,) = measured_noise([(times, noisy)])
    np.testing.assert_allclose(found, [[1e-3, 1e-2]], rtol=0.2)


def test_motion_is_no_noise():
    times, x = circles(500)
    assert (measured_noise([(times, x)])[0] < 1e-10).all()
    assert (measured_noise([(60 * times, x**3)])[0] < 1e-10).all()


def test_too_little_to_tell():
    times, x = circles(20)
    assert (measured_noise([(times, x + np.random.default_rng(1).normal(size=x.shape))])[0] == 0).all()


@given(turn=st.floats(0, 6), length=st.floats(1e-3, 1e3), duration=st.floats(1e-3, 1e3))
def test_noise_turns_shifts_and_scales_with_the_units(turn, length, duration):
    times, x = circles(200)
    x = x + np.random.default_rng(1).normal(scale=1e-3, size=x.shape)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    (plain,) = measured_noise([(times, x)])
    (other,) = measured_noise([(duration * times + 3, length * (x @ rotation + 1))])
    np.testing.assert_allclose(other, length * plain, rtol=1e-6)
