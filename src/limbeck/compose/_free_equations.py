"""Equations in the parts of a `GraphNetwork` that assume nothing: a free one-body force and a free node model."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from limbeck.models import AbstractField, AbstractNode, FreeField, FreeNode, GraphNetwork

from ._equation_part import AbstractEquations, Columns, End, Names, Place, node_columns, node_variables
from ._formula import Formula
from ._message_equations import ACCELERATION, SUMMED
from ._states import AXES

FIELD = "field_"  # channel; an axis follows


class EquationFreeField(AbstractField, AbstractEquations):
    """A one-body force of which some components are equations.

    Attributes:
        base: The learned force.
        formulas: Equation of `field_x`, ... where there is one.
        names: Names of the attributes.
    """

    base: FreeField
    formulas: dict[str, Formula]
    names: Names = eqx.field(static=True)

    def learned(self) -> FreeField:
        """The learned force."""
        return self.base

    def __call__(
        self,
        positions: Float[Array, "*batch dim"],
        velocities: Float[Array, "*batch dim"],
        features: Float[Array, "*batch features"],
    ) -> Float[Array, "*batch dim"]:
        """Force on each node from no partner."""
        scales = self.base.scales
        node = End(positions, velocities, scales.attributes_of(features))
        columns = node_columns(self.names, node, scales.position, scales.speed)
        return _components(self.formulas, FIELD, columns, positions, lambda: self.base(positions, velocities, features))


class EquationNode(AbstractNode, AbstractEquations):
    """A free node model of which some components are equations of the summed message and the node.

    Attributes:
        base: The learned node model.
        formulas: Equation of `acceleration_x`, ... where there is one.
        names: Names of the attributes.
    """

    base: FreeNode
    formulas: dict[str, Formula]
    names: Names = eqx.field(static=True)

    def learned(self) -> FreeNode:
        """The learned node model."""
        return self.base

    def __call__(
        self,
        aggregated: Float[Array, "*batch message_dim"],
        positions: Float[Array, "*batch dim"],
        velocities: Float[Array, "*batch dim"],
        features: Float[Array, "*batch features"],
    ) -> Float[Array, "*batch dim"]:
        """Acceleration of each node."""
        scales = self.base.scales
        node = End(positions, velocities, scales.attributes_of(features))
        columns = node_columns(self.names, node, scales.position, scales.speed)
        columns |= {f"{SUMMED}{k}": aggregated[..., k] for k in range(aggregated.shape[-1])}
        return _components(
            self.formulas,
            ACCELERATION,
            columns,
            positions,
            lambda: self.base(aggregated, positions, velocities, features),
        )


def _components(
    formulas: dict[str, Formula],
    channel: str,
    columns: Columns,
    positions: Float[Array, "*batch dim"],
    learned: Callable[[], Float[Array, "*batch dim"]],
) -> Float[Array, "*batch dim"]:
    """Components by equation, or as learned; the perceptron is not asked where equations say all."""
    axes, shape = AXES[: positions.shape[-1]], positions.shape[:-1]
    said = None if len(formulas) == len(axes) else learned()
    parts = []
    for k, axis in enumerate(axes):
        formula = formulas.get(f"{channel}{axis}")
        if formula is not None:
            parts.append(formula(columns, shape))
        else:
            assert said is not None
            parts.append(said[..., k])
    return jnp.stack(parts, axis=-1)


def free_places(network: GraphNetwork, names: Names) -> list[Place]:
    """What equations may replace in the parts of a `GraphNetwork` that assume nothing.

    Args:
        network: A network without equations.
        names: Names of its attributes.

    Returns:
        Components of a free one-body force, or those of the acceleration where a free node model gives it.
    """
    node_model, field = network.node_model, network.field
    if isinstance(node_model, FreeNode):
        axes = AXES[: node_model.network.biases[-1].shape[-1]]
        sums = frozenset(f"{SUMMED}{k}" for k in range(len(axes)))  # messages of such a network are vectors of space
        seen = node_variables(names, len(axes), absolute=not node_model.translation) | sums
        put_node = lambda f, n: EquationNode(base=node_model, formulas=f, names=n)  # noqa: E731
        return [Place("node_model", {f"{ACCELERATION}{axis}": seen for axis in axes}, put_node)]
    if isinstance(field, FreeField):
        axes = AXES[: field.network.biases[-1].shape[-1]]
        seen = node_variables(names, len(axes), absolute=True)
        put_field = lambda f, n: EquationFreeField(base=field, formulas=f, names=n)  # noqa: E731
        return [Place("field", {f"{FIELD}{axis}": seen for axis in axes}, put_field)]
    return []
