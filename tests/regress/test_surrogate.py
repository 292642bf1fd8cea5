"""Errors of left-out samples against refits without them, and slopes against those of a known function."""

import numpy as np

from limbeck.regress._surrogate import LENGTHS, LINEAR, NOISES, Smoothness, Surrogate, every_smoothness


def places(samples: int, width: int, seed: int = 0) -> np.ndarray:
    """Normal samples."""
    return np.random.default_rng(seed).normal(size=(samples, width))


def predicted(known: np.ndarray, values: np.ndarray, wanted: np.ndarray, how: Smoothness) -> np.ndarray:
    """Kriging by its textbook formula."""

    def covariance(one: np.ndarray, two: np.ndarray) -> np.ndarray:
        distance = np.sum((one[:, None] - two[None]) ** 2, axis=-1)
        return np.exp(-distance / (2 * LENGTHS[how.length] ** 2)) + LINEAR * (1 + one @ two.T)

    matrix = covariance(known, known) + NOISES[how.noise] * np.eye(len(known))
    return covariance(wanted, known) @ np.linalg.solve(matrix, values)


def test_left_out_errors_are_those_of_refits_without_the_sample() -> None:
    table, how = places(25, 2), Smoothness(1, 3)
    values = np.sin(table[:, 0]) + table[:, 1]
    errors = Surrogate(table, np.ones(25)).left_out(values, how)
    for k in range(25):
        rest = np.arange(25) != k
        expected = values[k] - predicted(table[rest], values[rest], table[[k]], how)[0]
        np.testing.assert_allclose(errors[k], expected, rtol=1e-6)


def test_slopes_are_those_of_the_function() -> None:
    table = places(200, 2)
    surrogate = Surrogate(table, np.ones(200))
    values = np.sin(table[:, 0]) * table[:, 1]
    slopes = surrogate.slopes(values, surrogate.best(values, every_smoothness()))
    inner = np.linalg.norm(table, axis=1) < 1.5
    np.testing.assert_allclose(slopes[inner, 0], (np.cos(table[:, 0]) * table[:, 1])[inner], atol=2e-2)
    np.testing.assert_allclose(slopes[inner, 1], np.sin(table[:, 0])[inner], atol=2e-2)


def test_noise_is_seen() -> None:
    table = places(200, 2)
    smooth = table[:, 0] ** 2
    noisy = smooth + 0.3 * np.random.default_rng(1).normal(size=200)
    surrogate = Surrogate(table, np.ones(200))
    assert surrogate.best(noisy, every_smoothness()).noise > surrogate.best(smooth, every_smoothness()).noise


def test_samples_that_nothing_tells_apart_are_predicted_by_no_setting() -> None:
    places, values = np.zeros((20, 2)), np.random.default_rng(0).normal(size=20)
    surrogate = Surrogate(places, np.zeros(20))
    how = surrogate.best(values, every_smoothness())
    assert not np.isfinite(surrogate.left_out(values, how)).any()
