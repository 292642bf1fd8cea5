"""Functions in other units: the same values, one form, and no number that the units do not ask for."""

import numpy as np
import pytest
from expressions.strategies import NAMES, expressions, points, tame
from hypothesis import given, settings

from limbeck.expressions import (
    complexity,
    evaluate,
    free_constants,
    parse,
    rescaled,
    same_form,
    simplify,
    to_readable,
)

UNITS = {"m_1": 2.0**-9, "r": 2.0**11, "x": 2.0**3}  # y counts as it is
ATOMS = {"r": 2.0**-30, "q_1": 2.0**-62, "q_2": 2.0**-62}


@given(expressions)
@settings(max_examples=60)
def test_values_are_the_same(expression):
    values = points()
    with np.errstate(all="ignore"):
        told = evaluate(rescaled(expression, UNITS, 0.5), {n: values[n] * UNITS.get(n, 1.0) for n in NAMES})
        wanted = 0.5 * np.broadcast_to(evaluate(expression, values), values["r"].shape)
    kept = tame(expression, values)
    got = np.broadcast_to(told, wanted.shape)
    np.testing.assert_allclose(got[kept], wanted[kept], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("3.0*q_1*q_2/(r + 0.05)**2", 2),
        ("3.0*q_1*q_2*r/(r**2 + 0.0025)**1.5", 2),
        ("2.0*q_1*q_2*exp(-0.3*r)/r", 2),
        ("-2.0*(r - 1.0)", 2),
        ("-5.0*IF(r > 0.99, r - 0.99, 0)", 2),
        ("2.0*q_1*(q_2 + 0.3)", 2),
        ("1.5*sqrt(r + 1.0)*abs(q_1)", 2),
    ],
)
def test_numbers_take_up_the_units_and_the_form_stays(text, numbers):
    given_form = simplify(parse(text))
    told = rescaled(given_form, ATOMS)
    assert same_form(told, given_form)
    assert complexity(told) == complexity(given_form)
    assert len(free_constants(told)) == len(free_constants(given_form)) >= numbers
    back = rescaled(told, {name: 1.0 / unit for name, unit in ATOMS.items()})
    assert to_readable(back) == to_readable(given_form)


def test_a_softening_in_metres_is_what_it_was_in_nanometres():
    told = rescaled(parse("3.0*q_1*q_2/(r + 0.05)**2"), {"r": 1e-9, "q_1": 1.6e-19, "q_2": 1.6e-19})
    scale, softening = free_constants(told)
    assert scale == pytest.approx(3.0 * 1e-18 / 1.6e-19**2)
    assert softening == pytest.approx(5e-11)


def test_a_factor_that_no_number_holds_stays_inside():
    told = rescaled(parse("2.0*(r**9)/(r + 1.0)**9"), {"r": 2.0**-130})
    r = np.array([0.3, 3.0])
    np.testing.assert_allclose(evaluate(told, {"r": r * 2.0**-130}), 2.0 * r**9 / (r + 1.0) ** 9, rtol=1e-12)


def test_without_units_nothing_is_touched():
    expression = parse("r + r")
    assert rescaled(expression, {"r": 1.0, "q_1": 2.0}) is expression
