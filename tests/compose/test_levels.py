"""Few values for all, or a continuum: planted levels are found, and none are seen in what has none."""

import numpy as np
import pytest

from limbeck.compose import Levels, find_levels


def scattered(
    levels: list[float], count: int, error: float, *, seed: int = 0
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Values about levels, their errors, and the level of each."""
    generator = np.random.default_rng(seed)
    of = generator.integers(len(levels), size=count)
    errors = error * generator.uniform(0.7, 1.3, size=count)
    return np.array(levels)[of] + errors * generator.normal(size=count), errors, of


def found_in(values: np.ndarray, errors: np.ndarray) -> Levels | None:
    """Levels of values that nothing rounds."""
    return find_levels(values, errors, 1e-12)


@pytest.mark.parametrize("levels", [[-1.0, 1.0], [1.0], [0.5, 1.0, 2.5]])
@pytest.mark.parametrize("error", [1e-6, 1e-2])
def test_planted_levels_are_found(levels: list[float], error: float) -> None:
    """Charges of both signs, one mass for all, three species."""
    values, errors, of = scattered(levels, 30, error)
    found = found_in(values, errors)
    assert found is not None
    assert len(found.values) == len(levels)
    np.testing.assert_array_equal(found.of, of)
    assert np.all(np.abs(found.values - levels) < 4 * found.errors)


def test_levels_have_the_error_of_a_mean() -> None:
    """Independent truth: the standard error of a weighted mean."""
    values, errors, _ = scattered([1.0], 25, 0.02)
    found = found_in(values, errors)
    assert found is not None
    np.testing.assert_allclose(found.values, np.average(values, weights=errors**-2.0))
    np.testing.assert_allclose(found.errors, np.sum(errors**-2.0) ** -0.5)


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("error", [1e-6, 1e-2, 0.1, 0.4])
def test_a_continuum_has_no_levels(seed: int, error: float) -> None:
    """Whatever the errors: values from anywhere are not taken for a few."""
    generator = np.random.default_rng(seed)
    values = generator.uniform(0.0, 3.0, size=24) + error * generator.normal(size=24)
    assert found_in(values, np.full(24, error)) is None


@pytest.mark.parametrize("seed", range(20))
def test_lumps_that_are_wider_than_their_errors_are_no_levels(seed: int) -> None:
    """Two kinds of bodies, none like another of its kind."""
    generator = np.random.default_rng(seed)
    values = np.concatenate([generator.normal(1.0, 0.05, size=15), generator.normal(4.0, 0.2, size=15)])
    assert found_in(values, np.full(30, 0.01)) is None


def test_few_objects_tell_nothing() -> None:
    """Two pairs of equal bodies among five may be chance in how they were chosen: nothing is claimed."""
    assert found_in(np.array([1.0, 1.0, 2.0, 2.0, 3.0]), np.full(5, 1e-6)) is None


def test_a_value_that_is_hardly_known_has_no_level() -> None:
    """It could be either; one that nothing is known of has none either."""
    values, errors, of = scattered([1.0, 2.0], 20, 1e-3)
    values = np.append(values, [1.4, 1.0])
    errors = np.append(errors, [0.5, np.inf])
    found = found_in(values, errors)
    assert found is not None
    np.testing.assert_array_equal(found.of, [*of, -1, -1])
