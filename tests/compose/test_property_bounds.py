"""A body that never visibly answers to forces: held out of the unit and of the fit, and the rest as without it."""

from dataclasses import replace

import numpy as np
import pytest
from compose.test_fit_properties import GRAVITY
from compose.test_knowable_properties import SPRINGS, begun, composed, noisy
from train.test_learn_properties import driven, moving

from limbeck.compose import fit_properties, with_properties_fitted
from limbeck.trajectories import Trajectories

STRENGTH, LENGTH = -2.2, 1.0


def springs(m: np.ndarray, *, noise: float = 0.0) -> Trajectories:
    """Springs of one strength between masses, of which some may be infinite; noise is one of all accelerations."""
    n_systems, n = m.shape
    t = driven(moving(n_systems, 120, n), 1.0 / m[:, :, None] * np.ones((1, n, n)), lambda r: STRENGTH * (r - LENGTH))
    shaken = noise * np.random.default_rng(7).normal(size=t.accelerations.shape)
    return replace(t, accelerations=t.accelerations + shaken)


def masses(n_systems: int, heavy: float) -> np.ndarray:
    """Masses of a few, the first of each simulation heavy."""
    m = np.random.default_rng(1).uniform(0.5, 3.0, size=(n_systems, 5))
    m[:, 0] = heavy
    return m


def taken_up(t: Trajectories, m: np.ndarray):
    """The fit, begun where the network leaves it: what does not move is ten thousand times the largest."""
    return fit_properties(SPRINGS, ("m",), begun(t, m=np.where(m < 1e3, m, 1e4 * m[m < 1e3].max())))


@pytest.mark.parametrize("n_systems", [1, 8])
@pytest.mark.parametrize(("heavy", "noise"), [(np.inf, 0.0), (np.inf, 0.01), (1e12, 0.01), (1e8, 0.01)])
def test_what_rests_spoils_neither_law_nor_unit(n_systems: int, heavy: float, noise: float) -> None:
    m = masses(n_systems, heavy)
    fit = taken_up(springs(m, noise=noise), m)
    found, light = fit["m"], m[:, 1:]
    assert not found.determined[:, 0].any()
    assert found.bounds[:, 0].all()
    assert not found.bounds[:, 1:].any()
    assert np.isfinite(found.values).all()
    assert np.all(found.values[:, 0] > 30 * found.values[:, 1:].max())
    assert found.determined[:, 1:].all()
    assert "may be infinite" in found.scale
    unit = light.max() if n_systems == 1 else light.mean()
    close = 1e-8 if noise == 0.0 else 0.02
    np.testing.assert_allclose(found.values[:, 1:], light / unit, rtol=close)
    np.testing.assert_allclose(fit.law.constants, [STRENGTH / unit, LENGTH], rtol=close)
    assert np.all(np.abs(fit.law.constants) > 10 * fit.errors)


@pytest.mark.parametrize("n_systems", [1, 8])
@pytest.mark.parametrize(("heavy", "noise"), [(1e3, 1e-6), (1e8, 0.0)])
def test_a_heavy_body_whose_answer_shows_is_determined(n_systems: int, heavy: float, noise: float) -> None:
    m = masses(n_systems, heavy)
    t = springs(m, noise=noise)
    found = fit_properties(SPRINGS, ("m",), begun(t, m=m))["m"]
    assert found.determined.all()
    assert not found.bounds.any()
    assert "may be infinite" not in found.scale
    np.testing.assert_allclose(found.values / found.values[0, 1], m / m[0, 1], rtol=1e-2)


def test_a_heavy_body_that_pulls_is_determined_by_those_it_pulls() -> None:
    m = masses(6, 1e8)
    t = driven(moving(6, 120, 5), np.broadcast_to(m[:, None, :], (6, 5, 5)), lambda r: -1.3 / r**2)
    fit = fit_properties(GRAVITY, ("m",), begun(noisy(t, 1e-3), m=m))
    found = fit["m"]
    assert found.determined[:, 0].all()
    assert not found.bounds.any()
    np.testing.assert_allclose(found.values[:, 0] / found.values[:, 0].mean(), 1.0, rtol=0.01)
    assert abs(fit.law.constants[0]) > 10 * fit.errors[0]


def test_only_some_simulations_have_one_that_rests() -> None:
    m = masses(8, 2.0)
    m[3, 0] = m[5, 2] = np.inf
    found = taken_up(springs(m, noise=0.01), m)["m"]
    np.testing.assert_array_equal(found.bounds, np.isinf(m))
    np.testing.assert_array_equal(found.determined, np.isfinite(m))


def test_species_are_found_beside_one_that_rests() -> None:
    m = np.random.default_rng(4).choice([1.0, 2.5], size=(10, 5))
    m[:, 0] = np.inf
    dataset = begun(springs(m, noise=0.01), m=np.where(np.isfinite(m), m, 1e4))
    _, found = with_properties_fitted(composed(SPRINGS), ("m",), dataset)
    levels = found["m"].levels
    assert levels is not None
    assert len(levels.values) == 2
    np.testing.assert_array_equal(levels.of[:, 0], -1)
    np.testing.assert_array_equal(levels.of[:, 1:], (m[:, 1:] > 2.0).astype(int))


def test_predictions_for_what_rests_are_finite_and_next_to_nothing() -> None:
    m = masses(1, np.inf)
    t = springs(m)
    found = taken_up(t, m)["m"].values
    assert np.isfinite(found).all()
    pulls = driven(t, 1.0 / found[:, :, None] * np.ones((1, 5, 5)), lambda r: STRENGTH * (r - LENGTH)).accelerations
    assert np.abs(pulls[:, :, 0]).max() < 1e-6 * np.abs(pulls[:, :, 1:]).max()
