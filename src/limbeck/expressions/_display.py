"""How a tree falls into signs, terms, numerators and denominators.

Every printer and the count of complexity read a tree through these two views,
so that what is counted is what is printed: a sum is a list of signed terms, a
product a signed fraction. `a + (-2)*x` is `a - 2*x`, `x**-1` is a division.
"""

from dataclasses import dataclass

from ._expression import Call, Constant, Expression, opened

UNIT = Constant(1.0, free=False)


@dataclass(frozen=True)
class Fraction:
    """A product as it is printed.

    Attributes:
        negative: Whether a minus stands before it.
        above: Factors of the numerator, at least one.
        below: Factors of the denominator, perhaps none.
    """

    negative: bool
    above: tuple[Expression, ...]
    below: tuple[Expression, ...]

    @property
    def is_single(self) -> bool:
        """Whether it is one factor and not a product at all."""
        return len(self.above) == 1 and not self.below


def is_sum(expr: Expression) -> bool:
    """Whether a tree is printed as a sum.

    Args:
        expr: The tree.

    Returns:
        True for a sum or a difference.
    """
    return isinstance(expr, Call) and expr.op in ("add", "sub")


def signed_terms(expr: Expression) -> list[tuple[bool, Expression]]:
    """Terms of a sum, each with whether it is subtracted, a positive one first.

    Args:
        expr: A tree for which `is_sum` holds.

    Returns:
        The terms without their signs.
    """
    terms: list[tuple[bool, Expression]] = []
    _collect_terms(expr, False, terms)
    lead = next((k for k, (negative, _) in enumerate(terms) if not negative), 0)
    return [terms[lead], *terms[:lead], *terms[lead + 1 :]]


def _collect_terms(expr: Expression, negative: bool, terms: list[tuple[bool, Expression]]) -> None:
    """Append the terms of a tree, however its sums are nested."""
    if isinstance(expr, Call) and expr.op == "add":
        for argument in expr.args:
            _collect_terms(argument, negative, terms)
    elif isinstance(expr, Call) and expr.op == "sub":
        _collect_terms(expr.args[0], negative, terms)
        _collect_terms(expr.args[1], not negative, terms)
    elif isinstance(expr, Call) and expr.op == "neg":
        _collect_terms(expr.args[0], not negative, terms)
    else:
        minus, term = without_sign(expr)
        terms.append((negative ^ minus, term))


def without_sign(expr: Expression) -> tuple[bool, Expression]:
    """Split a leading minus off a number or a product.

    Args:
        expr: The tree.

    Returns:
        Whether there was a minus, and the tree without it.
    """
    if isinstance(expr, Constant):
        return expr.value < 0, Constant(abs(expr.value), expr.free)
    if not isinstance(expr, Call) or expr.op not in ("mul", "div", "neg"):
        return False, expr
    parts = fraction(expr)
    return (True, unsigned(parts)) if parts.negative else (False, expr)


def unsigned(parts: Fraction) -> Expression:
    """The fraction as a tree, without its sign.

    Args:
        parts: The fraction.

    Returns:
        A tree that is printed as the fraction is.
    """
    above = parts.above[0] if len(parts.above) == 1 else Call("mul", parts.above)
    if not parts.below:
        return above
    below = parts.below[0] if len(parts.below) == 1 else Call("mul", parts.below)
    return Call("div", (above, below))


def fraction(expr: Expression) -> Fraction:
    """A tree as a signed fraction; what is no product is one factor.

    Args:
        expr: The tree.

    Returns:
        Sign, numerator and denominator. Numbers stand in front without their signs.
    """
    above: list[Expression] = []
    below: list[Expression] = []
    negative = _collect_factors(expr, above, below)
    above = _without_units(above)
    below = _without_units(below)
    if not above and below:
        above = [_lift_power(below) or UNIT]
    return Fraction(negative, tuple(above or [UNIT]), tuple(below))


def _collect_factors(expr: Expression, above: list[Expression], below: list[Expression]) -> bool:
    """Append the factors of a tree; returns whether it is negative."""
    if isinstance(expr, Constant):
        above.append(Constant(abs(expr.value), expr.free))
        return expr.value < 0
    op, args = opened(expr)
    if op == "neg":
        return not _collect_factors(args[0], above, below)
    if op == "mul":
        signs = [_collect_factors(argument, above, below) for argument in args]
        return sum(signs) % 2 == 1
    if op == "div":
        return _collect_factors(args[0], above, below) ^ _collect_factors(args[1], below, above)
    if op == "pow" and isinstance(args[1], Constant) and args[1].value < 0:
        return _collect_inverse(args[0], args[1], above, below)
    above.append(expr)
    return False


def _collect_inverse(base: Expression, exponent: Constant, above: list[Expression], below: list[Expression]) -> bool:
    """Append a factor with a negative exponent."""
    if exponent.value == -1:
        return _collect_factors(base, below, above)
    below.append(Call("pow", (base, Constant(-exponent.value, exponent.free))))
    return False


def _without_units(factors: list[Expression]) -> list[Expression]:
    """Numbers in front, and none that is 1 (a free 1 has no effect on a value either)."""
    numbers = [f for f in factors if isinstance(f, Constant) and f.value != 1]
    return [*numbers, *(f for f in factors if not isinstance(f, Constant))]


def _lift_power(below: list[Expression]) -> Expression | None:
    """`1/x**2` is shorter as `x**(-2)`: take such a power out of the denominator."""
    for k, factor in enumerate(below):
        if isinstance(factor, Call) and factor.op == "pow" and isinstance(factor.args[1], Constant):
            base, exponent = factor.args[0], factor.args[1]
            if exponent.value != 0.5 or exponent.free:
                del below[k]
                return Call("pow", (base, Constant(-exponent.value, exponent.free)))
    return None
