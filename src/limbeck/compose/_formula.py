"""An equation with constants that can be trained, as a part of a network."""

import re
from collections.abc import Mapping
from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from limbeck._errors import InputError
from limbeck.expressions import Call, Constant, Expression, Variable, evaluate, fixed, parse, to_exact_text, variables

PLACE = "_c"  # start of the names that stand for trained constants; a number follows
_PLACE = re.compile(rf"{PLACE}\d+")


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
            The formula; its constants are in double precision, so that they read back as they are, and take the
            precision of the columns where it is evaluated.

        Raises:
            InputError: If a variable has a name that is kept for constants.
        """
        taken = sorted(name for name in variables(expression) if _PLACE.fullmatch(name))
        if taken:
            raise InputError(f"the variable {taken[0]!r} has a name that stands for a constant; rename it")
        values: list[float] = []
        form = fixed(_with_places(expression, values))
        return cls(np.asarray(values, float), form)

    @classmethod
    def from_text(cls, text: str, constants: Float[Array | np.ndarray, " constants"]) -> "Formula":
        """Read a formula that was stored.

        Args:
            text: Its form, from `text`.
            constants: Its constants.

        Returns:
            The formula.

        Raises:
            InputError: If the text is no formula, or its places are not those of the constants.
        """
        form = fixed(parse(text))
        places = {name for name in variables(form) if _PLACE.fullmatch(name)}
        if places != {f"{PLACE}{k}" for k in range(len(constants))}:
            raise InputError(f"a formula with {len(places)} places for constants came with {len(constants)} of them")
        return cls(constants, form)

    @property
    def text(self) -> str:
        """The form as text that reads back to the very same operations.

        Raises:
            InputError: If the parser would refuse it.
        """
        text = to_exact_text(self.form)
        try:
            same = to_exact_text(fixed(parse(text))) == text
        except InputError as error:
            raise InputError(f"the equation can't be stored: {error}") from error
        if not same:
            raise InputError("the equation can't be stored: its text reads back as another")
        return text

    def __call__(self, columns: Mapping[str, Any], shape: tuple[int, ...]) -> Float[Array, "*batch"]:
        """Value on columns, brought to a shape."""
        precision = jnp.result_type(*columns.values()) if columns else jnp.result_type(float)
        constants = jnp.asarray(self.constants, precision)
        places = {f"{PLACE}{k}": constants[k] for k in range(len(self.constants))}
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
    if isinstance(expr, Variable) and _PLACE.fullmatch(expr.name):
        return Constant(float(values[int(expr.name.removeprefix(PLACE))]))
    if not isinstance(expr, Call):
        return expr
    return Call(expr.op, tuple(_with_values(argument, values) for argument in expr.args))
