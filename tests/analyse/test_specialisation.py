"""Directions of components that were turned on purpose."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from limbeck.analyse import specialisation


def forces(dim, seed=0, n=500):
    return np.random.default_rng(seed).normal(size=(n, dim)) * np.arange(1.0, dim + 1)


@given(angle=st.floats(-np.pi, np.pi), scale=st.floats(0.01, 100))
def test_a_turned_force_is_turned_back(angle, scale):
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    f = forces(2)
    found = specialisation(scale * f @ turn + 0.3, f)
    np.testing.assert_allclose(found.directions, turn.T, atol=1e-9)
    np.testing.assert_allclose(found.strengths, scale, rtol=1e-9)
    np.testing.assert_allclose(found.rotation, turn.T, atol=1e-9)
    np.testing.assert_allclose(found.canonical_map, turn.T / scale, atol=1e-9 / scale)
    assert found.index == pytest.approx(1.0)
    assert found.stretch == pytest.approx(1.0)
    assert found.mirrors is False
    assert found.purities == pytest.approx((1.0, 1.0))
    assert found.canonical_r2 == pytest.approx((1.0, 1.0))
    expected = 2 * max(np.cos(angle) ** 2, np.sin(angle) ** 2) - 1
    assert found.axis_purities == pytest.approx((expected, expected), abs=1e-9)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_any_invertible_map_is_undone(dim):
    rng = np.random.default_rng(dim)
    f, mix = forces(dim), rng.normal(size=(dim, dim)) + 2 * np.eye(dim)
    messages = f @ mix + rng.normal(size=dim)
    found = specialisation(messages, f)
    np.testing.assert_allclose((messages - found.offsets) @ found.canonical_map, f, atol=1e-9)
    assert found.stretch == pytest.approx(np.linalg.cond(mix))
    unit = mix / np.linalg.norm(mix, axis=0)
    assert found.index == pytest.approx(abs(np.linalg.det(unit)))
    np.testing.assert_allclose(found.rotation @ found.rotation.T, np.eye(dim), atol=1e-12)


def test_a_mirror_is_told_from_a_turn():
    f = forces(2)
    found = specialisation(f @ np.diag([1.0, -1.0]), f)
    assert found.mirrors is True
    assert found.axis_purities == pytest.approx((1.0, 1.0))


def test_two_components_of_one_direction_have_no_map_back():
    f = forces(2)
    found = specialisation(f @ np.array([[1.0, -2.0], [1.0, -2.0]]), f)
    assert found.index == pytest.approx(0.0, abs=1e-6)
    assert (found.stretch, found.rotation, found.mirrors, found.canonical_map, found.canonical_r2) == (None,) * 5


def test_a_component_of_noise_follows_no_direction():
    f = forces(2)
    found = specialisation(np.column_stack([f[:, 0], np.random.default_rng(1).normal(size=500)]), f)
    np.testing.assert_allclose(found.directions, [[1.0, 0.0], [0.0, 0.0]], atol=1e-9)
    assert found.axis_purities == (pytest.approx(1.0), None)
    assert found.index is None
    assert found.canonical_map is None


def test_more_or_fewer_components_than_axes_have_directions_and_no_map():
    f = forces(3)
    few = specialisation(f[:, :2], f)
    assert few.index == pytest.approx(1.0)
    assert few.canonical_map is None
    many = specialisation(f @ np.ones((3, 4)), f)
    assert many.directions.shape == (4, 3)
    assert many.index == pytest.approx(0.0, abs=1e-6)
    assert many.canonical_map is None
