"""Arithmetic on the constants of a tree: free if any part is free.

Never raises: what overflows or is undefined becomes infinite or NaN, as does a
product, quotient or power that underflows to 0, which would take the rest of a
formula with it. The simplifier gives up a form with such a number in it.
"""

import math

from ._expression import Constant, Expression

ONE = Constant(1.0, free=False)
MINUS_ONE = Constant(-1.0, free=False)
ZERO = Constant(0.0, free=False)


def plus(a: Constant, b: Constant) -> Constant:
    """Sum of two constants.

    Args:
        a: One.
        b: The other.

    Returns:
        The sum; adding an exact 0 changes nothing, freedom included.
    """
    if b.value == 0 or a.value == 0:
        return a if b.value == 0 else b
    return Constant(a.value + b.value, a.free or b.free)


def times(a: Constant, b: Constant) -> Constant:
    """Product of two constants.

    Args:
        a: One.
        b: The other.

    Returns:
        The product; NaN where it underflows to 0.
    """
    value = a.value * b.value
    return Constant(math.nan if value == 0 and a.value and b.value else value, a.free or b.free)


def over(a: Constant, b: Constant) -> Constant:
    """Quotient of two constants.

    Args:
        a: Numerator.
        b: Denominator.

    Returns:
        The quotient, infinite for a denominator of 0; NaN where it underflows to 0.
    """
    value = a.value / b.value if b.value else math.inf
    return Constant(math.nan if value == 0 and a.value and math.isfinite(b.value) else value, a.free or b.free)


def raised(a: Constant, b: Constant) -> Constant:
    """Power of two constants.

    Args:
        a: Base.
        b: Exponent.

    Returns:
        The power; NaN where it is not real or underflows to 0.
    """
    free = a.free or b.free
    try:
        value = a.value**b.value
    except (OverflowError, ZeroDivisionError):
        return Constant(math.inf, free)
    vanished = value == 0 and a.value != 0 and math.isfinite(a.value) and math.isfinite(b.value)
    return Constant(math.nan if vanished or isinstance(value, complex) else value, free)


def is_integer(a: Constant) -> bool:
    """Whether the value is an integer.

    Args:
        a: The constant.

    Returns:
        True for an integer, fitted or not.
    """
    return float(a.value).is_integer()


def is_even(a: Constant) -> bool:
    """Whether the value is an even integer.

    Args:
        a: The constant.

    Returns:
        True for an even integer, fitted or not.
    """
    return is_integer(a) and a.value % 2 == 0


def is_number(expr: Expression, value: float) -> bool:
    """Whether a tree is a constant of this value, free or not.

    Args:
        expr: The tree.
        value: The number.

    Returns:
        True if it is.
    """
    return isinstance(expr, Constant) and expr.value == value
