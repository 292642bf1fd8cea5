"""The value of an expression on arrays, in NumPy or in JAX.

Arithmetic never warns and never raises: what overflows or is undefined is
infinite or NaN in the result, as both libraries have it. Comparisons are
booleans, and count as 0 or 1 where a number is asked for.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from limbeck._errors import InputError

from ._expression import COMPARISONS, OPERATORS, Constant, Expression, Variable

# An array of NumPy or of JAX, or a number: the namespace `xp` decides.
Array = Any
Namespace = Any


def evaluate(expr: Expression, values: Mapping[str, Array], xp: Namespace = np) -> Array:
    """Value of an expression.

    Args:
        expr: The tree.
        values: Array or number for each variable; they broadcast together.
        xp: `numpy` or `jax.numpy`.

    Returns:
        The value, of the broadcast shape of the variables that occur, a scalar if
        none does; booleans if the whole expression is a comparison.

    Raises:
        InputError: If a variable of the expression has no value.
    """
    with np.errstate(all="ignore"):
        return xp.asarray(_value(expr, values, xp))


def compile_function(expr: Expression, names: Sequence[str], xp: Namespace = np) -> Callable[..., Array]:
    """A function of positional arrays.

    Args:
        expr: The tree.
        names: Variables in the order of the arguments.
        xp: `numpy` or `jax.numpy`.

    Returns:
        The function; it takes one array or number for each name.

    Raises:
        InputError: If the expression has a variable that `names` lacks.
    """
    order = tuple(names)
    _check_names(expr, order)

    def function(*arrays: Array) -> Array:
        return evaluate(expr, dict(zip(order, arrays, strict=True)), xp)

    return function


def _check_names(expr: Expression, names: Sequence[str]) -> None:
    """Refuse an expression whose variables are not all named."""
    from ._expression import variables

    missing = sorted(variables(expr) - set(names))
    if missing:
        raise InputError(f"no value for {', '.join(missing)}; given: {', '.join(names) or 'none'}")


def _value(expr: Expression, values: Mapping[str, Array], xp: Namespace) -> Array:
    """Value of a tree, by recursion."""
    if isinstance(expr, Constant):
        return expr.value
    if isinstance(expr, Variable):
        return variable_value(expr.name, values, xp)
    if expr.op == "pow" and isinstance(expr.args[1], Constant):
        return power(_number(expr.args[0], values, xp), float(expr.args[1].value), xp)
    if expr.op == "if":
        return _choice(expr.args, values, xp)
    return combine(expr.op, [_number(argument, values, xp) for argument in expr.args], xp)


def variable_value(name: str, values: Mapping[str, Array], xp: Namespace) -> Array:
    """Value of a variable as floating-point numbers.

    Args:
        name: The variable.
        values: Array or number for each variable.
        xp: `numpy` or `jax.numpy`.

    Returns:
        Its value.

    Raises:
        InputError: If it has none.
    """
    if name not in values:
        raise InputError(f"no value for {name}; given: {', '.join(sorted(values)) or 'none'}")
    value = xp.asarray(values[name])
    return value if value.dtype.kind == "f" else value.astype(float)


def _number(expr: Expression, values: Mapping[str, Array], xp: Namespace) -> Array:
    """Value of a tree where a number is asked for."""
    value = _value(expr, values, xp)
    return xp.where(value, 1.0, 0.0) if getattr(expr, "op", "") in COMPARISONS else value


def _choice(args: tuple[Expression, ...], values: Mapping[str, Array], xp: Namespace) -> Array:
    """Value of a conditional; a condition that is a number holds where it is not 0."""
    test, then, otherwise = args
    truth = _value(test, values, xp)
    if getattr(test, "op", "") not in COMPARISONS:
        truth = xp.greater(xp.abs(truth), 0.0)
    return xp.where(truth, _number(then, values, xp), _number(otherwise, values, xp))


def combine(op: str, args: Sequence[Array], xp: Namespace) -> Array:
    """Apply an operator other than `if` to values.

    Args:
        op: The operator.
        args: Values of its arguments.
        xp: `numpy` or `jax.numpy`.

    Returns:
        The value.
    """
    function = getattr(xp, OPERATORS[op].function)
    if op not in ("add", "mul"):
        return function(*args)
    total = args[0]
    for value in args[1:]:
        total = function(total, value)
    return total


def power(base: Array, exponent: float, xp: Namespace) -> Array:
    """A power with a constant exponent, the common ones without a logarithm.

    Args:
        base: Value of the base.
        exponent: The exponent.
        xp: `numpy` or `jax.numpy`.

    Returns:
        The value.
    """
    if exponent < 0 and exponent in (-1.0, -2.0, -3.0, -4.0, -0.5):
        return xp.divide(1.0, power(base, -exponent, xp))
    if exponent == 1.0:
        return base
    if exponent == 0.5:
        return xp.sqrt(base)
    if exponent in (2.0, 3.0, 4.0):
        square = xp.multiply(base, base)
        return {2.0: lambda: square, 3.0: lambda: xp.multiply(square, base)}.get(
            exponent, lambda: xp.multiply(square, square)
        )()
    if float(exponent).is_integer() and abs(exponent) < 64 and not isinstance(base, float):
        return xp.power(base, int(exponent))
    return xp.power(base, exponent)
