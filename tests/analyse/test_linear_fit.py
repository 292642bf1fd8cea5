"""Plain and trimmed least squares against closed forms and planted outliers."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from limbeck.analyse import best_rows, plain_fit, trimmed_fit
from limbeck.analyse._linear_fit import determination, mean_score, ridge, solve


def planted(seed=0, n=400, noise=0.0):
    rng = np.random.default_rng(seed)
    forces = rng.normal(size=(n, 2))
    coefficients = np.array([[2.0, -1.0], [0.5, 3.0]])
    return forces, forces @ coefficients + [0.7, -0.2] + noise * rng.normal(size=(n, 2)), coefficients


def test_an_exact_linear_map_is_found():
    forces, messages, coefficients = planted()
    for fit in (plain_fit(forces, messages), trimmed_fit(forces, messages)):
        np.testing.assert_allclose(fit.coefficients, coefficients, atol=1e-12)
        np.testing.assert_allclose(fit.offsets, [0.7, -0.2], atol=1e-12)
        assert fit.r2 == pytest.approx((1.0, 1.0), abs=1e-12)
        np.testing.assert_allclose(fit.predicted(forces), messages, atol=1e-12)


def test_the_trimmed_fit_ignores_outliers_and_says_so():
    forces, messages, coefficients = planted(noise=1e-3)
    spoilt = messages.copy()
    spoilt[:20] += 40.0 * forces[:20] ** 2 + 30.0  # 5 %, all on one side
    plain, trimmed = plain_fit(forces, spoilt), trimmed_fit(forces, spoilt)
    assert trimmed.kept == 0.9
    assert plain.kept == 1.0
    np.testing.assert_allclose(trimmed.coefficients, coefficients, atol=1e-3)
    assert min(trimmed.r2) > 0.99999
    assert max(plain.r2) < 0.5


def test_outliers_with_leverage_are_ignored_too():
    forces, messages, coefficients = planted(noise=1e-3)
    forces[:20] *= 50.0  # their messages stayed small: they pull every fit to all rows towards zero
    np.testing.assert_allclose(trimmed_fit(forces, messages).coefficients, coefficients, atol=1e-2)


def test_each_component_is_trimmed_by_itself():
    forces, messages, coefficients = planted(noise=1e-3)
    messages[:30, 0] += 100.0
    messages[100:130, 1] -= 100.0
    fit = trimmed_fit(forces, messages)
    np.testing.assert_allclose(fit.coefficients, coefficients, atol=1e-3)


def test_nine_tenths_are_kept_rounded_up():
    for n in (1, 9, 10, 11, 101):
        assert best_rows(np.arange(float(n)) - 3.0).sum() == int(np.ceil(0.9 * n))
    assert best_rows(np.array([*np.ones(9), -5.0])).tolist() == [True] * 9 + [False]


def test_noise_is_not_explained_by_trimming():
    rng = np.random.default_rng(0)
    fit = trimmed_fit(rng.normal(size=(4000, 2)), rng.normal(size=(4000, 2)))
    assert max(fit.r2) < 0.02


def test_r2_is_the_squared_correlation_for_one_column():
    rng = np.random.default_rng(1)
    x = rng.normal(size=300)
    y = x + rng.normal(size=300)
    assert plain_fit(x[:, None], y[:, None]).r2[0] == pytest.approx(np.corrcoef(x, y)[0, 1] ** 2)


@given(seed=st.integers(0, 10**6))
def test_r2_does_not_change_under_an_invertible_map_of_the_force(seed):
    rng = np.random.default_rng(seed)
    forces, messages, _ = planted(seed, n=80, noise=1.0)
    turn = rng.normal(size=(2, 2)) + 3.0 * np.eye(2)
    mapped = forces @ turn + rng.normal(size=2)
    assert plain_fit(mapped, messages).r2 == pytest.approx(plain_fit(forces, messages).r2, abs=1e-9)
    assert trimmed_fit(mapped, messages).r2 == pytest.approx(trimmed_fit(forces, messages).r2, abs=1e-9)


def test_constant_values_have_no_r2():
    assert determination(np.full(5, 2.1), np.zeros(5)) is None
    assert mean_score((0.5, None)) is None
    assert mean_score(()) is None
    assert mean_score((0.5, 1.0)) == 0.75


def test_the_ridge_is_least_squares_in_all_but_name():
    rng = np.random.default_rng(2)
    design, values = rng.normal(size=(200, 20)) * np.logspace(-6, 6, 20), rng.normal(size=200)
    np.testing.assert_allclose(ridge(design, values), solve(design, values), rtol=1e-6)
    doubled = np.column_stack([design, design])
    np.testing.assert_allclose(doubled @ ridge(doubled, values), design @ solve(design, values), atol=1e-6)
