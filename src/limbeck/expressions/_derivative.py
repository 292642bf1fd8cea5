"""The derivative of an expression, as an expression."""

from collections.abc import Callable, Mapping

from ._expression import COMPARISONS, Call, Constant, Expression, Variable, variables
from ._numbers import MINUS_ONE, ONE, ZERO
from ._simplify import simplify

_TWO = Constant(2.0, free=False)


def derivative(expr: Expression, name: str) -> Expression:
    """Derivative with respect to a variable.

    Comparisons are piecewise constant and count as such; conditionals, minimum
    and maximum are differentiated branch by branch, without a term at the jump.

    Args:
        expr: The tree.
        name: The variable.

    Returns:
        The derivative, simplified. A free constant that occurs twice in it is two
        free constants from then on.
    """
    return simplify(_slope(expr, name))


def _slope(expr: Expression, name: str) -> Expression:
    """The derivative as the rules write it."""
    if isinstance(expr, Constant):
        return ZERO
    if isinstance(expr, Variable):
        return ONE if expr.name == name else ZERO
    if expr.op in COMPARISONS or expr.op == "sign" or name not in variables(expr):
        return ZERO
    rule = _RULES.get(expr.op)
    if rule is not None:
        return rule(expr.args, name)
    (inner,) = expr.args
    return _product(_UNARY[expr.op](inner, expr), _slope(inner, name))


def _product(*factors: Expression) -> Expression:
    """A product without needless ones; 0 if any factor is 0."""
    if ZERO in factors:
        return ZERO
    kept = tuple(factor for factor in factors if factor != ONE)
    return Call("mul", kept) if len(kept) > 1 else (kept or (ONE,))[0]


def _sum(terms: list[Expression]) -> Expression:
    """A sum without needless zeros."""
    kept = tuple(term for term in terms if term != ZERO)
    return Call("add", kept) if len(kept) > 1 else (kept or (ZERO,))[0]


def _minus(expr: Expression) -> Expression:
    """A tree with a minus."""
    return ZERO if expr == ZERO else Call("neg", (expr,))


def _of_product(args: tuple[Expression, ...], name: str) -> Expression:
    """Each factor in turn."""
    return _sum([_product(_slope(part, name), *args[:k], *args[k + 1 :]) for k, part in enumerate(args)])


def _of_quotient(args: tuple[Expression, ...], name: str) -> Expression:
    """`u'/v - u v'/v**2`."""
    above, below = args
    first = _product(_slope(above, name), Call("pow", (below, MINUS_ONE)))
    second = _product(above, _slope(below, name), Call("pow", (below, Constant(-2.0, free=False))))
    return _sum([first, _minus(second)])


def _of_power(args: tuple[Expression, ...], name: str) -> Expression:
    """In the base, the exponent, or both."""
    base, exponent = args
    lower = Call("sub", (exponent, ONE))
    if isinstance(exponent, Constant):
        lower = Constant(exponent.value - 1.0, exponent.free)
    terms = []
    if name in variables(base):
        terms.append(_product(exponent, Call("pow", (base, lower)), _slope(base, name)))
    if name in variables(exponent):
        terms.append(_product(Call("pow", args), Call("log", (base,)), _slope(exponent, name)))
    return _sum(terms)


def _of_choice(args: tuple[Expression, ...], name: str) -> Expression:
    """Branch by branch."""
    return Call("if", (args[0], _slope(args[1], name), _slope(args[2], name)))


_RULES: Mapping[str, Callable[[tuple[Expression, ...], str], Expression]] = {
    "add": lambda args, name: _sum([_slope(part, name) for part in args]),
    "sub": lambda args, name: _sum([_slope(args[0], name), _minus(_slope(args[1], name))]),
    "neg": lambda args, name: _minus(_slope(args[0], name)),
    "mul": _of_product,
    "div": _of_quotient,
    "pow": _of_power,
    "if": _of_choice,
    "min": lambda args, name: _of_choice((Call("le", args), *args), name),
    "max": lambda args, name: _of_choice((Call("ge", args), *args), name),
}
# Slope of a function from its argument and from the call itself.
_UNARY: Mapping[str, Callable[[Expression, Expression], Expression]] = {
    "exp": lambda x, y: y,  # noqa: ARG005 - the rules share one signature
    "log": lambda x, y: Call("pow", (x, MINUS_ONE)),  # noqa: ARG005
    "sqrt": lambda x, y: Call("div", (Constant(0.5, free=False), y)),  # noqa: ARG005
    "abs": lambda x, y: Call("sign", (x,)),  # noqa: ARG005
    "sin": lambda x, y: Call("cos", (x,)),  # noqa: ARG005
    "cos": lambda x, y: Call("neg", (Call("sin", (x,)),)),  # noqa: ARG005
    "tan": lambda x, y: Call("add", (ONE, Call("pow", (y, _TWO)))),  # noqa: ARG005
    "tanh": lambda x, y: Call("sub", (ONE, Call("pow", (y, _TWO)))),  # noqa: ARG005
    "sinh": lambda x, y: Call("cosh", (x,)),  # noqa: ARG005
    "cosh": lambda x, y: Call("sinh", (x,)),  # noqa: ARG005
}
