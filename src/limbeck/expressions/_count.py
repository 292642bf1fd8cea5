"""The count of nodes of a tree exactly as it stands, as it would be printed."""

from ._display import Fraction, fraction, is_sum, signed_terms
from ._expression import OPERATORS, Call, Constant, Expression, Variable


def printed_complexity(expr: Expression) -> int:
    """Complexity of a tree as it stands, without simplifying it.

    Args:
        expr: The tree.

    Returns:
        1 for each `+ - * /`, unary minus, comparison, constant and variable; 3 for
        any other function, a power and a conditional.
    """
    if isinstance(expr, Constant | Variable):
        return 1
    if is_sum(expr):
        return _sum_count(signed_terms(expr))
    parts = fraction(expr)
    if parts.negative or not parts.is_single or parts.above[0] != expr:
        return _fraction_count(parts)
    return _call_count(expr)


def _sum_count(terms: list[tuple[bool, Expression]]) -> int:
    """Terms, the signs between them, and a leading minus that no number takes in."""
    count = len(terms) - 1 + sum(printed_complexity(term) for _, term in terms)
    negative, first = terms[0]
    return count + int(negative and not _has_number(fraction(first)))


def _fraction_count(parts: Fraction) -> int:
    """Factors, the signs between them, and a minus that no number takes in."""
    factors = (*parts.above, *parts.below)
    count = len(factors) - 1 + sum(printed_complexity(factor) for factor in factors)
    return count + int(parts.negative and not _has_number(parts))


def _has_number(parts: Fraction) -> bool:
    """Whether the printed fraction begins with a number, which carries the sign."""
    return isinstance(parts.above[0], Constant)


def _call_count(expr: Call) -> int:
    """A function and its arguments; a square root needs no exponent."""
    if expr.op == "pow" and expr.args[1] == Constant(0.5, free=False):
        return OPERATORS["sqrt"].cost + printed_complexity(expr.args[0])
    return OPERATORS[expr.op].cost + sum(printed_complexity(argument) for argument in expr.args)
