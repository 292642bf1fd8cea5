"""Equations in the parts of a `GraphNetwork` that assume nothing: a free one-body force and a free node model."""

from functools import partial

import equinox as eqx
from jaxtyping import Array, Float

from limbeck.models import AbstractField, AbstractNode, FreeField, FreeNode, GraphNetwork

from ._equation_part import (
    AbstractEquations,
    Columns,
    End,
    Names,
    Place,
    components_of,
    node_columns,
    node_variables,
)
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
        columns = _columns(self.base, self.names, positions, velocities, features)
        learned = partial(self.base, positions, velocities, features)
        return components_of(FIELD, self.formulas, columns, positions, learned)


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
        columns = _columns(self.base, self.names, positions, velocities, features)
        columns |= {f"{SUMMED}{k}": aggregated[..., k] for k in range(aggregated.shape[-1])}
        learned = partial(self.base, aggregated, positions, velocities, features)
        return components_of(ACCELERATION, self.formulas, columns, positions, learned)


def _columns(
    base: FreeField | FreeNode,
    names: Names,
    positions: Float[Array, "*batch dim"],
    velocities: Float[Array, "*batch dim"],
    features: Float[Array, "*batch features"],
) -> Columns:
    """What equations see of each node."""
    node = End(positions, velocities, base.scales.attributes_of(features))
    return node_columns(names, node, base.scales.position, base.scales.speed)


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
