"""Text that keeps every operation where it stands."""

import numpy as np
import pytest
from expressions.strategies import expressions, points
from hypothesis import given, settings

from limbeck.expressions import Call, Constant, Variable, evaluate, fixed, parse, to_exact_text

X = Variable("x")


@settings(max_examples=300)
@given(expressions)
def test_the_same_tree_and_the_same_bits_come_back(expr):
    form = fixed(expr)
    assert fixed(parse(to_exact_text(form))) == form
    values = points(5)
    np.testing.assert_array_equal(evaluate(form, values) * 1.0, evaluate(expr, values) * 1.0)


@pytest.mark.parametrize("value", [0.1 + 0.2, 1e-300, -1.5e300, -0.0, float("inf"), float("-inf"), 1e22, 5e-324])
def test_numbers_keep_every_bit(value):
    read = fixed(parse(to_exact_text(Call("mul", (Constant(value), X)))))
    assert np.float64(read.args[0].value).tobytes() == np.float64(value).tobytes()


def test_nesting_is_not_flattened():
    left, right = (parse(text) for text in ("(x*y)*r", "x*(y*r)"))
    assert to_exact_text(left) == "((x*y)*r)"
    assert parse(to_exact_text(right)) == right != left
