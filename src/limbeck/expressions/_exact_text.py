"""A tree as text that our own parser reads back to the same tree, in brackets wherever one might matter.

`to_string` is for people and other programs: it reads back to the same values, up to rounding, since it
flattens sums and products. Stored networks need the same operations in the same order.
"""

import math

from ._expression import COMPARISONS, OPERATORS, Call, Constant, Expression, Variable

_SIGNS = {"add": " + ", "sub": " - ", "mul": "*", "div": "/", "pow": "**"}


def to_exact_text(expr: Expression) -> str:
    """Text with every operation in brackets and every number in full.

    Args:
        expr: The tree.

    Returns:
        Text of which `parse` makes the same operations in the same order; whether a number is free is not written.
    """
    if isinstance(expr, Variable):
        return expr.name
    if isinstance(expr, Constant):
        return _number(float(expr.value))
    words = [to_exact_text(argument) for argument in expr.args]
    if expr.op in _SIGNS:
        return f"({_SIGNS[expr.op].join(words)})"
    if expr.op in COMPARISONS:
        return f"({words[0]} {OPERATORS[expr.op].symbol} {words[1]})"
    if expr.op == "neg":
        return f"(-{words[0]})"
    name = "IF" if expr.op == "if" else OPERATORS[expr.op].symbol
    return f"{name}({', '.join(words)})"


def fixed(expr: Expression) -> Expression:
    """The tree with every number a part of the form, as `parse` would write it.

    Args:
        expr: The tree.

    Returns:
        The same values by the same operations: numbers are not free, a minus before a number is a part of it,
        and a number that serves as a condition is compared with 0.
    """
    if isinstance(expr, Constant):
        return Constant(expr.value, free=False)
    if not isinstance(expr, Call):
        return expr
    args = tuple(fixed(argument) for argument in expr.args)
    if expr.op == "neg" and isinstance(args[0], Constant):
        return Constant(-args[0].value, free=False)
    if expr.op == "if" and not (isinstance(args[0], Call) and args[0].op in COMPARISONS):
        args = (Call("gt", (Call("abs", args[:1]), Constant(0.0, free=False))), *args[1:])
    return Call(expr.op, args)


def _number(value: float) -> str:
    """A number that reads back to itself, in brackets with its sign."""
    if math.isnan(value):
        return "nan"
    text = "oo" if math.isinf(value) else repr(abs(value))
    return f"(-{text})" if math.copysign(1.0, value) < 0 else text
