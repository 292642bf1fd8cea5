"""The value of an expression and its slope in every free constant, in NumPy.

Each free constant stands at one place in the tree, so a single pass from the
root to the leaves, elementwise over the samples, gives all columns at the cost
of about two evaluations, however many constants there are. Branches without a
free constant are evaluated once and never differentiated.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from limbeck._errors import InputError
from limbeck._types import Constants, Jacobian, Samples

from ._evaluate import Array, combine, power, variable_value
from ._expression import COMPARISONS, Constant, Expression, Variable, free_constants, variables

# Values of a variable: one for each sample, or one for all.
Columns = Mapping[str, "Float[np.ndarray, '...'] | float"]


_UNIT = 1.0
# Arrays of this many samples stay in the processor's cache; larger ones are taken in pieces.
_PIECE = 4096


class _Node(NamedTuple):
    """A node with its value, and which columns the free constants below it have."""

    op: str
    args: tuple["_Node", ...]
    value: Array
    start: int
    stop: int


def value_and_jacobian(
    expr: Expression, values: Columns, constants: Sequence[float] | Constants | None = None
) -> tuple[Samples, Jacobian]:
    """Value and derivative with respect to each free constant.

    Args:
        expr: The tree.
        values: Array of samples, or one number, for each variable.
        constants: Values of the free constants; None takes those in the tree.

    Returns:
        The value at each sample, and its derivatives, one column for each free
        constant in the order of `free_constants`.

    Raises:
        InputError: If a variable has no value or the number of constants is wrong.
    """
    count = len(free_constants(expr))
    numbers = free_constants(expr) if constants is None else np.asarray(constants, dtype=np.float64)
    if len(numbers) != count:
        raise InputError(f"the expression has {count} free constants, got {len(numbers)} values")
    arrays = {name: variable_value(name, values, np) for name in variables(expr)}
    (size,) = np.broadcast_shapes((1,), *(np.shape(array) for array in values.values()))
    value, jacobian = np.empty(size), np.zeros((count, size))
    with np.errstate(all="ignore"):
        for start in range(0, size, _PIECE):
            piece = slice(start, start + _PIECE)
            rows = {name: array[piece] if array.size > 1 else array for name, array in arrays.items()}
            root, _ = _forward(expr, rows, numbers, 0)
            value[piece] = root.value
            if count:
                _backward(root, _UNIT, jacobian[:, piece])
    return value, jacobian.T


def _forward(expr: Expression, values: Columns, numbers: Constants, at: int) -> tuple[_Node, int]:
    """The tree with its values, and how many constants have been used up."""
    if isinstance(expr, Constant):
        if not expr.free:
            return _Node("constant", (), expr.value, at, at), at
        return _Node("constant", (), float(numbers[at]), at, at + 1), at + 1
    if isinstance(expr, Variable):
        return _Node("variable", (), values[expr.name], at, at), at
    start, args = at, []
    for argument in expr.args:
        node, at = _forward(argument, values, numbers, at)
        args.append(node)
    return _Node(expr.op, tuple(args), _apply(expr.op, args), start, at), at


def _apply(op: str, args: Sequence[_Node]) -> Array:
    """Value of an operator on nodes; comparisons give 0 or 1."""
    numbers = [node.value for node in args]
    if op in COMPARISONS:
        return np.asarray(combine(op, numbers, np), dtype=np.float64)
    if op == "if":
        return np.where(np.abs(numbers[0]) > 0, numbers[1], numbers[2])
    if op == "pow" and args[1].op == "constant":
        return power(numbers[0], float(numbers[1]), np)
    return combine(op, numbers, np)


def _backward(node: _Node, slope: Array, jacobian: Float[np.ndarray, "constants samples"]) -> None:
    """Carry the slope of the root down to the free constants."""
    if node.op == "constant":
        jacobian[node.start] = slope
        return
    if node.op in COMPARISONS:
        return
    rule = _SLOPES.get(node.op)
    for k, argument in enumerate(node.args):
        if argument.stop > argument.start:
            local = rule(node, k) if rule else _UNARY[node.op](argument.value, node.value)
            if argument.op == "constant":
                np.multiply(slope, local, out=jacobian[argument.start])
            else:
                _backward(argument, slope if local is _UNIT else np.multiply(slope, local), jacobian)
            if node.op in ("if", "min", "max"):
                # A branch that is not taken may be infinite, and 0 times that is NaN.
                columns = jacobian[argument.start : argument.stop]
                columns[:, np.broadcast_to(np.equal(local, 0.0), columns.shape[1:])] = 0.0


def _mul_slope(node: _Node, k: int) -> Array:
    """The product of the other factors."""
    product = 1.0
    for j, argument in enumerate(node.args):
        if j != k:
            product = np.multiply(product, argument.value)
    return product


def _div_slope(node: _Node, k: int) -> Array:
    """Slope of a quotient in its numerator or denominator."""
    below = node.args[1].value
    return np.divide(1.0, below) if k == 0 else np.negative(np.divide(node.value, below))


def _pow_slope(node: _Node, k: int) -> Array:
    """Slope of a power in its base or exponent; 0 to a positive power has slope 0 in the exponent."""
    base, exponent = node.args[0].value, node.args[1].value
    if k == 1:
        return np.where(np.equal(node.value, 0.0), 0.0, np.multiply(node.value, np.log(base)))
    if node.args[1].op == "constant" and exponent in (-2.0, -1.0, 0.5, 2.0, 3.0):
        return np.multiply(exponent, power(base, float(exponent) - 1.0, np))
    # A quotient is several times faster than another power, but undefined at 0.
    slope = np.multiply(exponent, np.divide(node.value, base))
    if not np.any(np.equal(base, 0.0)):
        return slope
    return np.where(np.equal(base, 0.0), np.multiply(exponent, np.power(base, np.subtract(exponent, 1.0))), slope)


def _extreme_slope(node: _Node, k: int) -> Array:
    """1 where this argument is the one taken."""
    first, second = (argument.value for argument in node.args)
    takes_first = np.less_equal(first, second) if node.op == "min" else np.greater_equal(first, second)
    return np.where(takes_first, 1.0 - k, float(k))


def _if_slope(node: _Node, k: int) -> Array:
    """1 where this branch is the one taken; none for the condition."""
    if k == 0:
        return 0.0
    truth = np.abs(node.args[0].value) > 0
    return np.where(truth, 2.0 - k, k - 1.0)


_SLOPES: Mapping[str, Callable[[_Node, int], Array]] = {
    "add": lambda node, k: _UNIT,  # noqa: ARG005 - the rules share one signature
    "sub": lambda node, k: 1.0 - 2.0 * k,  # noqa: ARG005
    "mul": _mul_slope,
    "div": _div_slope,
    "pow": _pow_slope,
    "min": _extreme_slope,
    "max": _extreme_slope,
    "if": _if_slope,
}
# Slope of a function of one argument, from the argument and the value.
_UNARY: Mapping[str, Callable[[Array, Array], Array]] = {
    "neg": lambda x, y: -1.0,  # noqa: ARG005
    "exp": lambda x, y: y,  # noqa: ARG005
    "log": lambda x, y: np.divide(1.0, x),  # noqa: ARG005
    "sqrt": lambda x, y: np.divide(0.5, y),  # noqa: ARG005
    "abs": lambda x, y: np.sign(x),  # noqa: ARG005
    "sign": lambda x, y: 0.0,  # noqa: ARG005
    "sin": lambda x, y: np.cos(x),  # noqa: ARG005
    "cos": lambda x, y: np.negative(np.sin(x)),  # noqa: ARG005
    "tan": lambda x, y: np.add(1.0, np.square(y)),  # noqa: ARG005
    "tanh": lambda x, y: np.subtract(1.0, np.square(y)),  # noqa: ARG005
    "sinh": lambda x, y: np.cosh(x),  # noqa: ARG005
    "cosh": lambda x, y: np.sinh(x),  # noqa: ARG005
}
