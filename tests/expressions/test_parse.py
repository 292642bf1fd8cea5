"""The parser: what it reads, and what it refuses."""

import time

import numpy as np
import pytest
import sympy
from expressions.strategies import NAMES, expressions, points, tame
from hypothesis import given

from limbeck._errors import InputError
from limbeck.expressions import Call, Constant, Variable, evaluate, parse, simplify, to_string


def value(text: str, **values: float) -> float:
    """Value of a formula at one point."""
    return float(evaluate(parse(text), values))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1 + 2*3", 7),
        ("2 - 3 - 4", -5),
        ("-2**2", -4),
        ("2**3**2", 512),
        ("2^3", 8),
        ("2**-1", 0.5),
        ("8/2/2", 2),
        ("8/2*2", 8),
        ("6/(2*3)", 1),
        ("-(1 + 2)**2", -9),
        ("--3", 3),
        ("+3 - -2", 5),
        ("2*-3", -6),
        ("1e-3*1.5E2 + .5 + 2.", 2.65),
        ("ln(exp(2)) + sqrt(9) + Abs(-1) + abs(2)", 8),
        ("Min(3, 1, 2) + max(1, 2)", 3),
        ("sign(-3)*cos(0)", -1),
        ("sin(pi/2)", 1),
        ("IF(1 < 2, 5, 6)", 5),
        ("Piecewise((1, 3 < 2), (2, 3 <= 2), (3, 3 > 2), (4, True))", 3),
        ("Piecewise((Piecewise((1, 1 >= 2), (7, True)), 1 < 2), (3, True))", 7),
        ("(1 < 2)*5 + (1 > 2)", 5),
    ],
)
def test_values(text: str, expected: float) -> None:
    assert value(text) == pytest.approx(expected, rel=1e-15)


def test_integer_exponents_belong_to_the_form() -> None:
    assert parse("3*x**2") == Call("mul", (Constant(3), Call("pow", (Variable("x"), Constant(2, free=False)))))
    assert parse("x**-1") == Call("pow", (Variable("x"), Constant(-1, free=False)))
    assert parse("x**1.5") == Call("pow", (Variable("x"), Constant(1.5)))


ATTACKS = [
    ("", "empty"),
    ("   ", "empty"),
    ("__import__('os')", "unexpected"),
    ("__import__(x)", "unknown function '__import__'"),
    ("__class__", "not a variable name"),
    ("x.__class__", "unexpected '.'"),
    ("lambda", "not a variable name"),
    ("lambda x: x", "not a variable name|unexpected"),
    ("x[0]", r"unexpected '\['"),
    ("x; y", "unexpected ';'"),
    ("x = 1", "unexpected '='"),
    ("x y", "unexpected 'y' at position 3"),
    ("2x", "unexpected 'x' at position 2"),
    ("(x", r"expected '\)'"),
    ("x)", r"unexpected '\)'"),
    ("x + ", "expected a number"),
    ("* x", "expected a number"),
    ("x ** ", "expected a number"),
    ("exp", "needs arguments"),
    ("exp()", "expected a number"),
    ("exp(x, y)", "takes one argument, got 2"),
    ("Min(x)", "two or more"),
    ("sine(x)", "unknown function 'sine', did you mean 'sign|unknown function 'sine', did you mean 'sin"),
    ("x < 1 < 2", "unexpected '<'"),
    ("IF(x, 1, 2)", "must be a comparison"),
    ("IF(x < 1, 2)", "expected ','"),
    ("Piecewise((1, x < 1))", "expected ','"),
    ("Piecewise((1, x < 1), (2, x < 2))", "expected ','"),
    ("x² + 1", "unexpected '²'"),
    ("π*x", "unexpected 'π'"),
    ("x\u200b", "unexpected"),
    ("x − 1", "unexpected '−'"),
    ("'x'", "unexpected"),
    ("1_000 + x", "unexpected"),
    ("0x10", "unexpected 'x10'"),
    ("(" * 5000 + "x" + ")" * 5000, "levels deep"),
    ("exp(" * 5000 + "x" + ")" * 5000, "levels deep"),
    ("x**" * 5000 + "x", "levels deep"),
    ("x" + "+x" * 60000, "at most 100000"),
]


@pytest.mark.user_error
@pytest.mark.parametrize(("text", "message"), ATTACKS)
def test_everything_else_is_refused(text: str, message: str) -> None:
    with pytest.raises(InputError, match=message):
        parse(text)


@pytest.mark.user_error
def test_unknown_names_come_with_the_nearest_known_one() -> None:
    with pytest.raises(InputError, match=r"unknown name 'q1', did you mean 'q_1'\? \(variables: q_1, q_2, r\) at pos"):
        parse("q1*q_2/r", {"r", "q_1", "q_2"})


def test_long_flat_and_signed_texts_are_read() -> None:
    for text in ("+".join(["x"] * 2000), "*".join(["x"] * 2000), "-" * 5000 + "x", "x" + "/x" * 2000):
        assert evaluate(parse(text), {"x": 1.0}) in (1.0, 2000.0)
    deep = "(" * 60 + "x" + ")" * 60
    assert parse(deep) == Variable("x")
    tower = "**".join(["x"] * 60)
    for text in ("exp(" * 60 + "x" + ")" * 60, tower, "-(" * 30 + "x" + ")" * 30):
        to_string(simplify(parse(text)))


def test_towers_of_powers_do_not_hang() -> None:
    start = time.perf_counter()
    expr = parse("9**9**9")
    assert np.isinf(evaluate(simplify(expr), {}))
    assert np.isinf(evaluate(parse("9**9**9**9*x"), {"x": 2.0}))
    sympy.sympify(to_string(expr))
    assert time.perf_counter() - start < 5


@given(expressions)
def test_printing_and_parsing_keep_the_value(expr: Call) -> None:
    values = points()
    usable = tame(expr, values)
    again = parse(to_string(expr), NAMES)
    before, after = (np.broadcast_to(evaluate(tree, values) * 1.0, (24,)) for tree in (expr, again))
    # Sums are printed with a positive term first, so the last digits may differ.
    np.testing.assert_allclose(after[usable], before[usable], rtol=1e-6, atol=1e-7)
