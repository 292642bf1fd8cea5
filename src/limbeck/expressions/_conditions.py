"""Comparisons, conditionals, minimum and maximum in normal form.

A comparison with an undefined number is false, so the sides of a comparison
are simplified only where they are defined everywhere: otherwise a form that is
defined in more places would choose the other branch there.
"""

import math
from collections.abc import Mapping

from ._expression import COMPARISONS, Call, Constant, Expression, Variable
from ._numbers import MINUS_ONE, ONE, ZERO, is_integer, times
from ._order import form_key, ordered
from ._products import multiply
from ._sums import add, split_number

_SWAPPED: Mapping[str, str] = {"lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}
_OPPOSITE: Mapping[str, str] = {"lt": "ge", "le": "gt", "gt": "le", "ge": "lt"}
_TOTAL = frozenset(
    {"add", "sub", "mul", "neg", "exp", "abs", "sign", "sin", "cos", "tanh", "sinh", "cosh", "min", "max", "if"}
)


def is_total(expr: Expression) -> bool:
    """Whether a tree is defined for all real values (but for overflow and isolated points).

    Args:
        expr: The tree.

    Returns:
        True if it is for certain.
    """
    if isinstance(expr, Constant):
        return math.isfinite(expr.value)
    if isinstance(expr, Variable):
        return True
    if expr.op == "pow":
        base, exponent = expr.args
        if not (isinstance(exponent, Constant) and is_integer(exponent)):
            return False
        return is_total(base) and (exponent.value >= 0 or not isinstance(base, Constant))
    return (expr.op in _TOTAL or expr.op in COMPARISONS) and all(is_total(argument) for argument in expr.args)


def compare(op: str, left: Expression, right: Expression) -> Expression:
    """A comparison of trees in normal form that are defined everywhere.

    Args:
        op: One of `lt le gt ge`.
        left: Its left side.
        right: Its right side.

    Returns:
        The comparison with a varying side on the left and, where it can be, a bare
        number on the right; 1 or 0 where it is decided.
    """
    if isinstance(left, Constant) and isinstance(right, Constant):
        return _decided(op, left, right)
    if left == right:
        return ONE if op in ("le", "ge") else ZERO
    if isinstance(left, Constant) or (not isinstance(right, Constant) and form_key(right) < form_key(left)):
        op, left, right = _SWAPPED[op], right, left
    if not isinstance(right, Constant):
        return Call(op, (left, right))
    return _bare(op, left, right)


def _decided(op: str, left: Constant, right: Constant) -> Constant:
    """A comparison of two numbers."""
    a, b = left.value, right.value
    holds = {"lt": a < b, "le": a <= b, "gt": a > b, "ge": a >= b}[op]
    return ONE if holds else ZERO


def _bare(op: str, left: Expression, right: Constant) -> Expression:
    """Bring numbers of the left side to the right."""
    for _ in range(4):
        number, rest = split_number(left)
        if number.value != 1 and rest != ONE:
            value = right.value / number.value
            op = op if number.value > 0 else _SWAPPED[op]
            left, right = rest, Constant(value, number.free or right.free)
        elif isinstance(left, Call) and left.op == "add" and isinstance(left.args[-1], Constant):
            shift = left.args[-1]
            right = Constant(right.value - shift.value, right.free or shift.free)
            left = add(left.args[:-1])
        else:
            break
    return Call(op, (left, right)) if not isinstance(left, Constant) else _decided(op, left, right)


def choose(test: Expression, then: Expression, otherwise: Expression) -> Expression:
    """A conditional of trees in normal form.

    Args:
        test: The condition.
        then: Value where it holds.
        otherwise: Value elsewhere.

    Returns:
        The conditional, asked with `>` or `>=` where it can be turned.
    """
    if then == otherwise:
        return then
    if isinstance(test, Constant):
        return then if abs(test.value) > 0 else otherwise
    if isinstance(test, Call) and test.op in ("lt", "le") and all(is_total(side) for side in test.args):
        test = Call(_OPPOSITE[test.op], test.args)
        then, otherwise = otherwise, then
    return Call("if", (test, then, otherwise))


def extreme(op: str, left: Expression, right: Expression) -> Expression:
    """Minimum or maximum of trees in normal form.

    Args:
        op: `min` or `max`.
        left: One.
        right: The other.

    Returns:
        The smaller or larger one, decided where it can be.
    """
    if left == right:
        return left
    if isinstance(left, Constant) and isinstance(right, Constant):
        value = min(left.value, right.value) if op == "min" else max(left.value, right.value)
        return left if value == left.value else right
    return Call(op, tuple(ordered([left, right])))


def negative(expr: Expression) -> Expression:
    """A tree in normal form with a minus.

    Args:
        expr: The tree.

    Returns:
        Its negative in normal form.
    """
    if isinstance(expr, Constant):
        return times(MINUS_ONE, expr)
    return multiply([MINUS_ONE, expr])
