"""An equation with constants that can be trained, as a part of a network."""

from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from limbeck.expressions import Call, Constant, Expression, Variable, evaluate

PLACE = "constant_"  # start of the names that stand for trained constants; no attribute has a number for its end


class Formula(eqx.Module):
    """A function of named columns whose constants are arrays.

    Exponents that are whole numbers belong to the form and stay; every other free constant is trained.

    Attributes:
        constants: The trained constants, from left to right.
        form: The tree, with a variable in the place of each.
    """

    constants: Float[Array | np.ndarray, " constants"]
    form: Expression = eqx.field(static=True)

    @classmethod
    def of(cls, expression: Expression) -> "Formula":
        """Make the constants of an equation trainable.

        Args:
            expression: The equation.

        Returns:
            The formula, its constants in single precision as everything that is trained.
        """
        values: list[float] = []
        form = _with_places(expression, values)
        return cls(np.asarray(values, np.float32), form)

    def __call__(self, columns: Mapping[str, Any], shape: tuple[int, ...]) -> Float[Array, "*batch"]:
        """Value on columns, brought to a shape."""
        places = {f"{PLACE}{k}": self.constants[k] for k in range(len(self.constants))}
        return jnp.broadcast_to(evaluate(self.form, {**columns, **places}, jnp), shape)

    def expression(self) -> Expression:
        """The equation with its constants as they now are."""
        return _with_values(self.form, np.asarray(self.constants, dtype=float))


def _with_places(expr: Expression, values: list[float]) -> Expression:
    """The tree with a variable for each constant to be trained, whose values are appended."""
    if isinstance(expr, Constant) and expr.free:
        values.append(float(expr.value))
        return Variable(f"{PLACE}{len(values) - 1}")
    if not isinstance(expr, Call):
        return expr
    exponent = expr.args[-1]
    if expr.op == "pow" and isinstance(exponent, Constant) and float(exponent.value).is_integer():
        return Call("pow", (_with_places(expr.args[0], values), exponent))
    return Call(expr.op, tuple(_with_places(argument, values) for argument in expr.args))


def _with_values(expr: Expression, values: np.ndarray) -> Expression:
    """The tree with numbers in the places of `_with_places`."""
    if isinstance(expr, Variable) and expr.name.startswith(PLACE):
        return Constant(float(values[int(expr.name.removeprefix(PLACE))]))
    if not isinstance(expr, Call):
        return expr
    return Call(expr.op, tuple(_with_values(argument, values) for argument in expr.args))
