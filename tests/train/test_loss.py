import numpy as np
import pytest
from hypothesis import given, strategies as st

from limbeck.graphs import Snapshots
from limbeck.train import SMALL, acted_on, error_weights, median_error, relative_errors, typical_size

SEEDS = st.integers(0, 2**32 - 1)


def targets_only(targets, weights=None):
    nothing = np.zeros((len(targets), 0))
    weights = np.ones(targets.shape[:2]) if weights is None else weights
    return Snapshots(targets, targets, np.zeros((*targets.shape[:2], 0)), nothing, nothing, targets, weights)


@given(seed=SEEDS)
def test_errors_are_relative(seed):
    rng = np.random.default_rng(seed)
    targets, wrong = rng.normal(size=(2, 5, 3, 2))
    weights = rng.integers(0, 2, size=(5, 3)).astype(float)
    found = relative_errors(targets + wrong, targets_only(targets, weights))
    size = np.linalg.norm(targets, axis=-1)[weights > 0]
    expected = np.linalg.norm(wrong, axis=-1)[weights > 0] / (size + SMALL * (np.median(size) if len(size) else 1))
    np.testing.assert_allclose(found, expected, rtol=1e-9)
    np.testing.assert_allclose(
        relative_errors(1e-30 * (targets + wrong), targets_only(1e-30 * targets, weights)), found
    )


def test_an_undefined_prediction_is_infinitely_wrong():
    targets = np.ones((1, 3, 2))
    predicted = targets.copy()
    predicted[0, 0, 1], predicted[0, 1, 0] = np.nan, np.inf
    np.testing.assert_array_equal(relative_errors(predicted, targets_only(targets)), [np.inf, np.inf, 0])


def test_where_most_feel_nothing_the_mean_is_typical():
    targets = np.zeros((1, 4, 1))
    targets[0, 0] = 4.0
    # Typical is 1, so an error of 0.01 at rest counts as 1 and not as infinity.
    np.testing.assert_allclose(relative_errors(targets + 0.01, targets_only(targets)), [0.01 / 4.01, 1, 1, 1])


@pytest.mark.parametrize(
    ("sizes", "expected"), [([3, 1, 2], 2), ([0, 0, 6], 2), ([0, 0, 0], 1), ([], 1), ([1e-300, 1e-300], 1e-300)]
)
def test_typical_size(sizes, expected):
    assert typical_size(np.array(sizes, dtype=float)) == pytest.approx(expected)


def test_no_target_no_error():
    assert len(relative_errors(np.ones((2, 2, 2)), targets_only(np.ones((2, 2, 2)), np.zeros((2, 2))))) == 0


def test_each_object_that_returns_is_held_against_its_own_size():
    sizes, objects = np.array([1.0, 1e-4, 3.0, 3e-4, 2.0, 2e-4]), np.array([7, 2, 7, 2, 7, 2])
    weights = error_weights(sizes, objects)
    np.testing.assert_allclose(weights[1::2] / weights[::2], 1e4)
    np.testing.assert_allclose(error_weights(sizes), 1.0 / (sizes + 0.3 * np.median(sizes)))


def test_an_object_at_rest_does_not_decide_everything():
    weights = error_weights(np.array([1.0, 1e-18, 1.0, 0.0]), np.array([0, 1, 0, 1]))
    assert weights.max() < 1e8 * weights.min()


@pytest.mark.parametrize(("told", "counts"), [(0.0, 1), (1e-9, 1), (0.5, 8), (np.nan, 8)])
def test_where_most_feel_nothing_errors_are_of_those_that_a_force_acts_on(told, counts):
    targets = np.zeros((1, 8, 1))
    targets[0, 0] = 4.0
    predicted = np.full_like(targets, told)
    predicted[0, 0] = 3.0
    errors = relative_errors(predicted, targets_only(targets))
    assert acted_on(np.abs(targets[0, :, 0]), errors).sum() == counts
    expected = np.median(errors[:counts])
    np.testing.assert_equal(median_error(predicted, targets_only(targets)), expected)
    nothing = np.zeros_like(targets)
    assert median_error(nothing, targets_only(nothing)) == 0
