"""The same function of variables that are counted in other units, its form kept.

`1/(r + 0.05)**2` of a distance in nanometres is `1e-18/(r + 5e-11)**2` of one in metres. Put into every variable, the
factors would leave `1/(1e9*r + 0.05)**2`, which has a number too many. So each part is written as a positive factor
times a part of the same form, and the factor moves outwards as far as it goes: through products, powers and roots
wholly, through sums up to the ratio of their terms. It stays inside functions such as exp.
"""

import math
from collections.abc import Mapping

from ._expression import COMPARISONS, Call, Constant, Expression, Variable, variables
from ._simplify import simplify

_ALIKE = COMPARISONS | {"add", "sub", "min", "max"}  # arguments share a factor


def rescaled(expression: Expression, units: Mapping[str, float], factor: float = 1.0) -> Expression:
    """A function of variables in some units, as a function of the same variables in the unit of which these count.

        g(x, y, ...) = factor * f(x/u_x, y/u_y, ...)

    With powers of two as units nothing is rounded, and the way back gives the same function.

    Args:
        expression: The function f.
        units: Unit u of each variable, > 0; 1 where none is named.
        factor: Factor of the value, > 0.

    Returns:
        The function g, simplified; the same tree where no unit and factor differs from 1.
    """
    if factor == 1 and all(units.get(name, 1.0) == 1 for name in variables(expression)):
        return expression
    size, rest = _split(expression, units)
    return simplify(_times(factor * size, rest))


_Sized = tuple[float, Expression]


def _split(expression: Expression, units: Mapping[str, float]) -> _Sized:
    """A positive factor, and the expression of rescaled variables that it multiplies."""
    if isinstance(expression, Constant):
        return 1.0, expression
    if isinstance(expression, Variable):
        return 1.0 / units.get(expression.name, 1.0), expression
    parts = [_split(argument, units) for argument in expression.args]
    if expression.op in _ALIKE:
        return _of_alike(expression.op, parts)
    if expression.op in ("mul", "div", "neg", "abs"):
        return _of_product(expression.op, parts)
    if expression.op in ("pow", "sqrt"):
        return _of_power(expression.op, parts)
    if expression.op == "sign":
        return 1.0, Call("sign", (parts[0][1],))
    if expression.op == "if":
        size, branches = _of_alike("add", parts[1:])
        assert isinstance(branches, Call)
        return size, Call("if", (_times(*parts[0]), *branches.args))
    return 1.0, Call(expression.op, tuple(_times(*part) for part in parts))


def _of_alike(op: str, parts: list[_Sized]) -> _Sized:
    """A sum, comparison or extreme: the factor of its first part that is no number is that of all."""
    size = next((size for size, rest in parts if not isinstance(rest, Constant)), 1.0)
    told = tuple(_relative(part, size, is_fixed=op in COMPARISONS) for part in parts)
    return (1.0 if op in COMPARISONS else size), Call(op, told)


def _of_product(op: str, parts: list[_Sized]) -> _Sized:
    """A product or quotient: factors multiply."""
    sizes = [size for size, _ in parts]
    whole = sizes[0] / sizes[1] if op == "div" else math.prod(sizes)
    rest = tuple(rest for _, rest in parts)
    if 0 < whole < math.inf:
        return whole, Call(op, rest)
    return 1.0, Call(op, tuple(_times(*part) for part in parts))  # beyond what a number holds


def _of_power(op: str, parts: list[_Sized]) -> _Sized:
    """A power: so is its factor, where the exponent is a number."""
    size = parts[0][0]
    exponent = Constant(0.5, free=False) if op == "sqrt" else parts[1][1]
    if isinstance(exponent, Constant) and _is_power(size, exponent.value):
        return size**exponent.value, Call(op, tuple(rest for _, rest in parts))
    return 1.0, Call(op, tuple(_times(*part) for part in parts))


def _is_power(size: float, exponent: float) -> bool:
    """Whether a power of a factor is a number that can be held."""
    return size == 1 or abs(exponent * math.log2(size)) < 1_000


def _relative(part: _Sized, size: float, *, is_fixed: bool = False) -> Expression:
    """A part in units of a factor that it shares; a number that is fixed stays so."""
    own, rest = part
    if isinstance(rest, Constant) and is_fixed:
        return Constant(rest.value * (own / size), free=rest.free)
    return _times(own / size, rest)


def _times(factor: float, rest: Expression) -> Expression:
    """A factor times an expression; it may be refitted, as any number in a user's unit."""
    if factor == 1 or (isinstance(rest, Constant) and rest.value == 0):
        return rest
    if isinstance(rest, Constant):
        return Constant(rest.value * factor)
    return Call("mul", (Constant(factor), rest))
