"""Derivatives against finite differences, antiderivatives against derivatives."""

import numpy as np
import pytest
from expressions.strategies import expressions, points
from hypothesis import given

from limbeck.expressions import (
    Call,
    antiderivative,
    derivative,
    evaluate,
    parse,
    to_string,
    variables,
)


@given(expressions)
def test_finite_differences_agree(expr: Call) -> None:
    values = points(16)
    slope = np.broadcast_to(evaluate(derivative(expr, "x"), values), (16,))

    def difference(step: float) -> np.ndarray:
        above, below = (evaluate(expr, {**values, "x": values["x"] + sign * step}) for sign in (1, -1))
        return np.broadcast_to((1.0 * above - 1.0 * below) / (2 * step), (16,))

    with np.errstate(all="ignore"):
        coarse, fine = difference(2e-5), difference(1e-5)
        smooth = np.isfinite(fine) & (np.abs(fine) < 1e3) & (np.abs(coarse - fine) < 1e-5 * (1 + np.abs(fine)))
        tame = np.broadcast_to(np.abs(evaluate(expr, values)) < 1e3, (16,))
        usable = smooth & tame & np.isfinite(slope)
    np.testing.assert_allclose(slope[usable], fine[usable], rtol=1e-3, atol=1e-3)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("q_1*q_2/(r + 0.01)", "-q_1*q_2/(r + 0.01)**2"),
        ("m_1*log(r + 0.01)", "m_1/(r + 0.01)"),
        ("(r - 0.99)**2", "2*(r - 0.99)"),
        ("Abs(r)", "sign(r)"),
        ("IF(r > 2, r**2, 3)", "Piecewise((2*r, r > 2), (0, True))"),
        ("Min(r, 2)", "Piecewise((0, r > 2), (1, True))"),
        ("m_1", "0"),
        ("(r > 2)*3", "0"),
    ],
)
def test_derivatives(text: str, expected: str) -> None:
    values = {"r": np.linspace(0.3, 4, 30), "q_1": 1.3, "q_2": -0.7, "m_1": 0.4}
    found = derivative(parse(text), "r")
    np.testing.assert_allclose(*np.broadcast_arrays(evaluate(found, values), evaluate(parse(expected), values)))


@pytest.mark.parametrize(
    ("force", "potential"),
    [
        ("q_1*q_2*exp(-r)*(1/r + 1/r**2)", "-q_1*q_2*exp(-r)/r"),
        ("q_1*q_2*exp(-1.5*r)*(1.5/r + 1/r**2)", "-q_1*q_2*exp(-1.5*r)/r"),
        ("-2*(r - 0.99)", "-(r - 0.99)**2"),
        ("q_1*q_2/(r + 0.01)**2", "-q_1*q_2/(r + 0.01)"),
        ("m_1*m_2/(r + 0.01)", "m_1*m_2*log(r + 0.01)"),
        ("3*r**2.5", "0.8571428571428571*r**3.5"),
        ("exp(-2*r)*r**2", "-0.5*exp(-2*r)*(r**2 + r + 0.5)"),
        ("r/(r + 1)**2", "log(r + 1) + 1/(r + 1)"),
        ("r*log(r)", "0.5*r**2*(log(r) - 0.5)"),
        ("tanh(2*r)", "0.5*log(cosh(2*r))"),
        ("k*r + c/r**2", "0.5*k*r**2 - c/r"),
        ("(r**2 + 1)**2", "r + 2*r**3/3 + r**5/5"),
        ("r**n_1", "r**(n_1 + 1)/(n_1 + 1)"),
        ("r*exp(-r**2)", "-0.5*exp(-r**2)"),
        ("r*sin(r)", "sin(r) - r*cos(r)"),
        ("m_1", "m_1*r"),
        ("0", "0"),
    ],
)
def test_antiderivatives(force: str, potential: str) -> None:
    found = antiderivative(parse(force), "r")
    assert found is not None
    names = variables(parse(force)) | {"r"}
    rng = np.random.default_rng(3)
    values = {name: rng.uniform(0.4, 2.0, 20) for name in sorted(names)}
    gap = np.broadcast_to(evaluate(found, values) - evaluate(parse(potential), values), (20,))
    if names == {"r"}:
        gap = gap - gap[0]  # the constant of integration
    np.testing.assert_allclose(gap, 0.0, atol=1e-9, err_msg=to_string(found))


@pytest.mark.parametrize("text", ["exp(-r)/r", "IF(r > 2, r, 0)", "Abs(r)", "Max(r, 1)", "exp(-r**2)", "sin(r)/r"])
def test_none_where_there_is_no_elementary_one(text: str) -> None:
    assert antiderivative(parse(text), "r") is None
