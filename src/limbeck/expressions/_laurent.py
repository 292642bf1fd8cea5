"""Sums of powers of one shifted variable, and their antiderivatives.

A Laurent sum is a mapping from exponent to coefficient in powers of
`u = name + shift`; coefficients are expressions without the variable. Times
`exp(rate*u)` its antiderivative, where it is elementary, is another one times
the same exponential: integration by parts, solved power by power.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ._evaluate import evaluate
from ._expression import Call, Constant, Expression, Variable, variables
from ._numbers import ONE, ZERO
from ._simplify import simplify

_LARGEST_DEGREE = 12
Powers = dict[float, Expression]


@dataclass(frozen=True)
class Linear:
    """A tree that is linear in the variable: `slope*name + offset`.

    Attributes:
        slope: Coefficient of the variable.
        offset: What does not depend on it.
    """

    slope: Expression
    offset: Expression


def linear(expr: Expression, name: str) -> Linear | None:
    """Read a simplified tree as a linear function of a variable.

    Args:
        expr: The tree.
        name: The variable.

    Returns:
        Slope and offset; None if it is not linear with a slope other than 0.
    """
    at_zero = _linear_parts(expr, name)
    if at_zero is None:
        return None
    slope, offset = simplify(at_zero[0]), simplify(at_zero[1])
    return None if slope == ZERO else Linear(slope, offset)


def _linear_parts(expr: Expression, name: str) -> tuple[Expression, Expression] | None:
    """Slope and offset as written, by recursion over sums and products."""
    if name not in variables(expr):
        return ZERO, expr
    if isinstance(expr, Variable):
        return ONE, ZERO
    if not isinstance(expr, Call) or expr.op not in ("add", "mul"):
        return None
    if expr.op == "mul":
        return _linear_product(expr, name)
    parts = [_linear_parts(argument, name) for argument in expr.args]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    return Call("add", tuple(p[0] for p in known)), Call("add", tuple(p[1] for p in known))


def _linear_product(expr: Call, name: str) -> tuple[Expression, Expression] | None:
    """Slope and offset of a product with one varying factor."""
    varying = [k for k, argument in enumerate(expr.args) if name in variables(argument)]
    inner = _linear_parts(expr.args[varying[0]], name) if len(varying) == 1 else None
    if inner is None:
        return None
    rest = expr.args[: varying[0]] + expr.args[varying[0] + 1 :]
    return Call("mul", (*rest, inner[0])), Call("mul", (*rest, inner[1]))


def product(*factors: Expression) -> Expression:
    """The simplified product of trees.

    Args:
        *factors: The trees.

    Returns:
        Their product.
    """
    return simplify(Call("mul", (ONE, *factors)))


def ratio(above: Expression, below: Expression) -> Expression:
    """The simplified quotient of two trees.

    Args:
        above: Numerator.
        below: Denominator.

    Returns:
        Their quotient.
    """
    return simplify(Call("div", (above, below)))


def difference(a: Expression, b: Expression) -> Expression:
    """The simplified difference of two trees.

    Args:
        a: What is subtracted from.
        b: What is subtracted.

    Returns:
        Their difference.
    """
    return simplify(Call("sub", (a, b)))


def number(value: float | int) -> Constant:
    """A number of the form itself.

    Args:
        value: The number.

    Returns:
        A fixed constant.
    """
    return Constant(value, free=False)


def times_power(powers: Powers, factor: Linear, exponent: float, shift: Expression) -> Powers | None:
    """Multiply a Laurent sum by `(slope*name + offset)**exponent`.

    Args:
        powers: The sum, in powers of `u = name + shift`.
        factor: The linear function.
        exponent: Its exponent.
        shift: The shift.

    Returns:
        The product; None if it is no finite sum of powers of `u`.
    """
    scale = simplify(Call("pow", (factor.slope, number(exponent))))
    gap = difference(ratio(factor.offset, factor.slope), shift)
    if gap == ZERO or is_zero(gap):
        return {power + exponent: product(scale, c) for power, c in powers.items()}
    if exponent < 0 or not float(exponent).is_integer() or exponent > _LARGEST_DEGREE:
        return None
    found: Powers = {}
    degree = int(exponent)
    for k in range(degree + 1):
        weight = product(number(math.comb(degree, k)), scale, Call("pow", (gap, number(degree - k))))
        for power, c in powers.items():
            accumulate(found, power + k, product(weight, c))
    return found


def accumulate(powers: Powers, power: float, coefficient: Expression) -> None:
    """Add a term to a Laurent sum.

    Args:
        powers: The sum, which is changed.
        power: Exponent of the term.
        coefficient: Its coefficient.
    """
    known = powers.get(power, ZERO)
    powers[power] = simplify(Call("add", (known, coefficient)))


def is_zero(expr: Expression) -> bool:
    """Whether a tree is 0 for any values of its variables, tried at a few.

    Args:
        expr: The tree.

    Returns:
        True if it is 0 to rounding.
    """
    rng = np.random.default_rng(7)
    values = {name: rng.uniform(0.3, 2.0, 5) for name in sorted(variables(expr))}
    found = np.abs(evaluate(expr, values))
    return bool(np.all(found < 1e-9))


def integrated(powers: Powers, rate: Expression | None) -> tuple[Powers, Expression] | None:
    """Antiderivative of a Laurent sum, times `exp(rate*u)` if there is a rate.

    Args:
        powers: The sum.
        rate: Rate of the exponential; None for none.

    Returns:
        The sum that the antiderivative is (times the same exponential), and the
        coefficient of `log(u)` beside it; None if it is not elementary.
    """
    if rate is not None:
        solved = _by_parts(powers, rate)
        return None if solved is None else (solved, ZERO)
    found = {p + 1: ratio(c, number(p + 1)) for p, c in powers.items() if p != -1}
    return found, powers.get(-1.0, ZERO)


def _by_parts(powers: Powers, rate: Expression) -> Powers | None:
    """Solve `q' + rate*q = p` in powers of `u`."""
    if not powers or any(not float(p).is_integer() or abs(p) > _LARGEST_DEGREE for p in powers):
        return None
    found: Powers = {}
    for k in range(int(min(powers)), -1):
        rest = difference(_at(powers, k), product(rate, _at(found, k)))
        found[k + 1.0] = ratio(rest, number(k + 1))
    if min(powers) < 0 and not is_zero(difference(_at(powers, -1), product(rate, _at(found, -1)))):
        return None
    for k in range(int(max(powers)), -1, -1):
        rest = difference(_at(powers, k), product(number(k + 1), _at(found, k + 1)))
        found[float(k)] = ratio(rest, rate)
    return found


def _at(powers: Mapping[float, Expression], power: float | int) -> Expression:
    """A coefficient, 0 if there is none."""
    return powers.get(float(power), ZERO)
