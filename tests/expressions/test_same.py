"""Equal laws are written alike, or at least known to be equal."""

import numpy as np
import pytest
from expressions.strategies import expressions, points, tame
from hypothesis import given, settings, strategies as st

from limbeck._errors import InputError
from limbeck.expressions import (
    Call,
    Variable,
    canonical,
    evaluate,
    fold_signs,
    parse,
    same_function,
    simplify,
    spread,
    substitute,
)

CHARGES = frozenset({"q_1", "q_2"})


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("q_1/q_2/r^2", "q_1*q_2/r^2"),
        ("q_2*q_1^-3", "q_1*q_2"),
        ("q_1*q_1*r", "r"),
        ("abs(q_1*r)", "abs(r)"),
        ("q_1*abs(q_2)", "q_1"),
        ("exp(q_1^2*r)", "exp(r)"),
        ("q_1/(q_2*r + 0.01*q_2)", "q_1*q_2/(r + 0.01)"),
        ("q_2/(q_1*r + 0.01*q_1)^2/q_1", "q_1*q_2/(r + 0.01)^2"),
        ("(q_1*q_2*r + q_1)*q_1", "q_2*r + 1"),
    ],
)
def test_quotients_of_signs_become_products(one, other):
    assert canonical(parse(one), CHARGES) == canonical(parse(other), CHARGES)
    assert canonical(parse(one)) != canonical(parse(other))


@settings(max_examples=60)
@given(expr=expressions, first=st.sampled_from([-1.0, 1.0]), second=st.sampled_from([-1.0, 1.0]))
def test_folding_keeps_the_values_for_charges_of_one(expr, first, second):
    charged = substitute(expr, {"x": Variable("q_1"), "y": Call("div", (Variable("r"), Variable("q_2")))})
    values = points(8) | {"q_1": np.full(8, first), "q_2": np.full(8, second)}
    usable = tame(simplify(charged), values)
    ours, folded = (
        np.broadcast_to(np.asarray(evaluate(tree, values), dtype=float), (8,))
        for tree in (charged, fold_signs(charged, CHARGES))
    )
    usable &= np.isfinite(ours)
    np.testing.assert_allclose(folded[usable], ours[usable], rtol=1e-6, atol=1e-7)


@settings(max_examples=60)
@given(expr=expressions)
def test_canonical_forms_are_equal_for_what_is_equal_by_rules(expr):
    doubled = Call("add", (expr, Variable("z")))
    turned = Call("add", (Variable("z"), expr))
    if canonical(doubled) is not doubled and canonical(turned) is not turned:  # else a number was not finite
        assert canonical(doubled) == canonical(turned)


@settings(max_examples=60)
@given(expr=expressions)
def test_a_function_is_the_same_as_itself_simplified(expr):
    values = points(16)
    usable = tame(expr, values)
    kept = {name: column[usable] for name, column in values.items()}
    if usable.sum() > 1:
        assert same_function(simplify(expr), expr, kept, tolerance=1e-5)


def test_an_expansion_is_the_same_function_and_a_near_miss_is_not():
    columns = {"r": np.linspace(0.02, 3, 200)}
    factors, expansion = parse("(r + 0.3)*(r + 0.7)"), parse("r^2 + r + 0.21")
    assert same_function(factors, expansion, columns)
    assert not same_function(factors, parse("r^2 + r + 0.211"), columns)
    assert not same_function(parse("1/r"), parse("1/(r + 0.01)"), columns)
    assert same_function(parse("1/r"), parse("1/(r + 1e-9)"), columns)


def test_a_few_far_values_do_not_hide_a_difference():
    r = np.append(np.linspace(1, 3, 200), 1e-6)
    assert not same_function(parse("1/r^2 + 1e-3*r"), parse("1/r^2"), {"r": r})


def test_functions_with_other_domains_differ():
    columns = {"r": np.linspace(-1, 1, 21)}
    assert not same_function(parse("sqrt(r)*sqrt(r)"), parse("r"), columns)
    assert not same_function(parse("log(-1)*r"), parse("log(-1)*r"), columns)


def test_the_spread_of_what_does_not_vary_is_its_size():
    assert spread(np.full(5, -3.0)) == 3.0
    assert spread(np.zeros(5)) == 1.0
    assert spread(np.array([0.0, 0.0, 0.0, 0.0, 1.0])) == pytest.approx(0.4)


@pytest.mark.user_error
def test_columns_must_fit_together():
    with pytest.raises(InputError, match=r"one length of at least 1; got \[2, 3\]"):
        same_function(parse("x"), parse("y"), {"x": np.zeros(2), "y": np.zeros(3)})
    with pytest.raises(InputError, match="no columns"):
        same_function(parse("1"), parse("1"), {})
