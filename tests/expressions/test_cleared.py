"""Fractions within sums multiplied out: shorter, of the same value, and with no more free numbers."""

import numpy as np
import pytest
from expressions.strategies import expressions, points, tame
from hypothesis import given, settings

from limbeck.expressions import (
    Call,
    Constant,
    Expression,
    Variable,
    cleared,
    evaluate,
    free_constants,
    parse,
    printed_complexity,
    simplify,
    to_readable,
)


@pytest.mark.parametrize(
    ("text", "shorter"),
    [
        ("x/(y*(1 - 1/y))", "x/(y - 1)"),
        ("x*(a*y/(b*x) + 1)/(a/b + 1)", "(a*y + b*x)/(a + b)"),
        ("1 - 1/(x/y + 1)", "x/(x + y)"),
        ("a*(1 - 1/((x - y)**2/(z**2 + b**2) + 1))/(x - y)**2", "a/((x - y)**2 + b**2 + z**2)"),
        ("a*(1/((x/y)**2 - 1) + 0.5/((x/y)**2 - 1)**2 + 0.5)", "0.5*a*x**4/(x**2 - y**2)**2"),
        ("0.5*(a*x**2 + a*(y**2 + z**2))", "0.5*a*(x**2 + y**2 + z**2)"),
        ("a*x*y*sin(z) + b*x", "x*(a*y*sin(z) + b)"),
        ("(a*x - a*y)/a", "x - y"),
        ("a*(x/y - 1)/x", "a*(1/y - 1/x)"),
        ("x + 1/y", "x + 1/y"),
        ("(x + 1)/(x + 2)", "(x + 1)/(x + 2)"),
        ("IF(x > 1, x/(y*(1 - 1/y)), 0)", "IF(x > 1, x/(y - 1), 0)"),
    ],
)
def test_fractions_are_multiplied_out_where_that_is_shorter(text: str, shorter: str) -> None:
    assert to_readable(cleared(simplify(parse(text)))) == to_readable(simplify(parse(shorter)))


@pytest.mark.parametrize(
    ("text", "shorter"),
    [
        ("a*b*sqrt((x**2 + y**2)/a**2 + 1)", "b*sqrt(a**2 + x**2 + y**2)"),
        ("sqrt((a*x)**2 + (a*y)**2)", "a*sqrt(x**2 + y**2)"),
        ("a*sqrt((a**2 + x**2)/a**2)*b", "b*sqrt(a**2 + x**2)"),
    ],
)
def test_only_what_is_positive_goes_through_a_root(text: str, shorter: str) -> None:
    expr = simplify(parse(text))
    assert to_readable(cleared(expr, {"a"})) == to_readable(simplify(parse(shorter)))
    values = {name: column - 1.5 for name, column in points().items()} | {
        name: np.random.default_rng(k).normal(size=24) for k, name in enumerate("abz")
    }
    np.testing.assert_allclose(evaluate(cleared(expr), values), evaluate(expr, values), rtol=1e-9)


def test_a_number_that_is_undefined_stays_as_it_was() -> None:
    expr = simplify(parse("sqrt(exp(sqrt(-1) - 1))"))
    assert cleared(expr) == expr


def test_a_tree_too_deep_stays_as_it_was() -> None:
    expr: Expression = Variable("x")
    for _ in range(400):
        expr = Call("div", (Variable("y"), Call("add", (Constant(1.0), expr))))
    assert cleared(expr) is expr


@settings(max_examples=200)
@given(expressions)
def test_it_is_never_longer_and_has_no_more_numbers(expr: Call) -> None:
    simple = simplify(expr)
    short = cleared(simple)
    assert printed_complexity(short) <= printed_complexity(simple)
    assert len(free_constants(short)) <= len(free_constants(simple))
    assert cleared(short) == short


@settings(max_examples=200)
@given(expressions)
def test_it_keeps_the_value(expr: Call) -> None:
    values, simple = points(), simplify(expr)
    # Half the points are positive throughout, as variables that go through roots have to be.
    for columns, positive in ((values, set()), ({k: np.abs(v) for k, v in values.items()}, set(values))):
        usable = tame(simple, columns)
        before, after = (
            np.broadcast_to(evaluate(tree, columns) * 1.0, (24,)) for tree in (simple, cleared(simple, positive))
        )
        np.testing.assert_allclose(after[usable], before[usable], rtol=1e-5, atol=1e-6)
