"""Products of powers and exponentials, read from a curve that is known well."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from limbeck.expressions import evaluate, parse, same_form, variables
from limbeck.regress import one_product

SIZES = np.geomspace(0.3, 6.0, 300)

CURVES = {
    "gaussian": ("-2.0*r*exp(-0.5*r**2)", "-3.0*r*exp(-1.5*r**2)"),
    "plummer": ("-1.3*r/(r**2 + 0.8)**1.5", "-2.3*r/(r**2 + 0.3)**1.5"),
    "saturating": ("2.0*r/(r + 0.7)", "3.0*r/(r + 0.3)"),
    "softened": ("0.4/(r + 0.2)**2", "1.4/(r + 0.5)**2"),
    "cut off": ("1.5*exp(-1.2*r)/r**2", "2.5*exp(-0.3*r)/r**2"),
    "three factors": ("-1.5*r*sqrt(r + 2.0)*exp(-0.5*r**2)", "-2.5*r*sqrt(r + 0.3)*exp(-1.5*r**2)"),
    "any power": ("1.5*r**1.7", "2.5*r**2.3"),
}


@pytest.mark.parametrize("name", CURVES)
def test_the_factors_of_a_known_curve_are_found(name: str) -> None:
    truth, form = map(parse, CURVES[name])
    values = np.asarray(evaluate(truth, {"r": SIZES}))
    found = one_product("r", SIZES, values)
    assert same_form(found[0], form)
    np.testing.assert_allclose(np.asarray(evaluate(found[0], {"r": SIZES})), values, rtol=1e-5)


def test_the_end_of_a_curve_may_be_rounding() -> None:
    truth = parse("-1.5*r*exp(-0.5*r**2)/(r + 2.0)")
    sizes = np.geomspace(0.1, 8.0, 400)
    values = np.asarray(evaluate(truth, {"r": sizes})) + 1e-9 * np.random.default_rng(0).normal(size=400)
    assert np.any(values > 0)
    found = one_product("r", sizes, values)[0]
    np.testing.assert_allclose(np.asarray(evaluate(found, {"r": sizes})), values, atol=1e-7)


@settings(max_examples=10, deadline=None)
@given(
    unit=st.sampled_from([1e-10, 1e-3, 1.0, 1e3, 1e20]),
    size=st.sampled_from([-1e-30, 1.0, 1e15]),
    rate=st.floats(0.2, 3.0),
)
def test_units_of_the_variable_and_of_the_curve_do_not_matter(unit: float, size: float, rate: float) -> None:
    values = size * SIZES * np.exp(-rate * SIZES) / (SIZES + 0.5)
    found = one_product("r", unit * SIZES, values)
    np.testing.assert_allclose(np.asarray(evaluate(found[0], {"r": unit * SIZES})), values, rtol=1e-5)


def test_without_exponentials_only_powers_are_tried() -> None:
    values = np.exp(-SIZES)
    for form in one_product("r", SIZES, values, with_exp=False):
        assert "exp" not in repr(form)
        assert variables(form) <= {"r"}


@pytest.mark.parametrize("values", [np.zeros(300), np.full(300, np.nan), np.zeros(0), SIZES - 1.0])
def test_nothing_is_found_where_there_is_no_curve_or_two_signs(values: np.ndarray) -> None:
    assert one_product("r", SIZES[: len(values)], values) == []
