"""Sums of two terms with a number inside each, read from a curve that is known well."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from limbeck.expressions import evaluate, parse, same_form, variables
from limbeck.regress import two_terms

SIZES = np.geomspace(0.3, 6.0, 300)

CURVES = {
    "well": ("22.0*exp(-2.0*r) - 8.0*exp(-r)", "3.0*exp(-2.5*r) + 2.5*exp(-1.5*r)"),
    "screened": ("1.4*exp(-1.4*r)/r + exp(-1.4*r)/r**2", "2.0*exp(-1.5*r)/r + 1.5*exp(-1.5*r)/r**2"),
    "repulsion": ("5.0*exp(-2.0*r) - 0.3/(r + 0.1)**3", "2.5*exp(-1.5*r) - 0.5/(r + 0.2)**3"),
    "softened": ("8.0/(r + 0.4)**5 - 4.0/(r + 0.4)**3", "2.5/(r + 0.5)**5 - 1.5/(r + 0.5)**3"),
    "shells": ("exp(-r**2) - 0.3*exp(-0.2*r**2)", "2.5*exp(-1.5*r**2) - 1.5*exp(-0.5*r**2)"),
}


@pytest.mark.parametrize("name", CURVES)
def test_the_terms_of_a_known_curve_are_found(name: str) -> None:
    truth, form = map(parse, CURVES[name])
    values = np.asarray(evaluate(truth, {"r": SIZES}))
    found = two_terms("r", SIZES, values)
    assert any(same_form(one, form) for one in found[:2])
    np.testing.assert_allclose(
        np.asarray(evaluate(found[0], {"r": SIZES})), values, rtol=1e-5, atol=1e-7 * values.max()
    )


@settings(max_examples=10, deadline=None)
@given(
    unit=st.sampled_from([1e-10, 1e-3, 1.0, 1e3, 1e20]),
    size=st.sampled_from([-1e-30, 1.0, 1e15]),
    rate=st.floats(0.5, 4.0),
)
def test_units_of_the_variable_and_of_the_curve_do_not_matter(unit: float, size: float, rate: float) -> None:
    values = size * (np.exp(-rate * SIZES) - 0.2 / SIZES**2)
    found = two_terms("r", unit * SIZES, values)
    left = np.asarray(evaluate(found[0], {"r": unit * SIZES})) - values
    assert np.std(left) < 1e-5 * np.std(values)


def test_without_exponentials_only_powers_are_tried() -> None:
    values = np.exp(-SIZES)
    for form in two_terms("r", SIZES, values, with_exp=False):
        assert "exp" not in repr(form)
        assert variables(form) <= {"r"}
    assert any("exp" in repr(form) for form in two_terms("r", SIZES, values))


@pytest.mark.parametrize("values", [np.zeros(300), np.full(300, np.nan), np.zeros(0)])
def test_nothing_is_found_where_there_is_no_curve(values: np.ndarray) -> None:
    assert two_terms("r", SIZES[: len(values)], values) == []
