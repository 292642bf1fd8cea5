"""Equations in a `GraphNetwork`: scalars of its messages, its inertia, its one-body forces."""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from limbeck.models import (
    AbstractEdgeModel,
    AbstractField,
    AbstractInertia,
    GraphNetwork,
    Inertia,
    OneBodyField,
    PairGeometry,
    PotentialMessage,
    RadialMessage,
    Scales,
    VectorMessage,
    safe_norm,
    vector_of,
)

from ._equation_part import (
    AbstractEquations,
    Columns,
    End,
    Names,
    Place,
    pair_columns,
    pair_variables,
)
from ._formula import Formula
from ._free_equations import free_places
from ._law import EDGE_SCALARS
from ._states import AXES


class EquationMessage(AbstractEdgeModel, AbstractEquations):
    """Message of which some scalars, or components, are equations.

    An equation gives the message to the first with the first as receiver and the message to the second with the
    second as receiver. The third law then holds as far as the equation says so, whoever has which number.

    Attributes:
        base: The learned message function; it gives the scalars that no equation gives.
        formulas: Equation of each scalar that has one.
        names: Names of the attributes.
    """

    base: RadialMessage | PotentialMessage | VectorMessage
    formulas: dict[str, Formula]
    names: Names = eqx.field(static=True)

    def learned(self) -> RadialMessage | PotentialMessage | VectorMessage:
        """The learned message function."""
        return self.base

    def channels(self, pairs: PairGeometry) -> Float[Array, "*batch pairs channels"]:
        """Scalars of the message to the first of each pair, or its components."""
        return self._scalars(pairs, self._learned_scalars(pairs))

    def messages(
        self, pairs: PairGeometry
    ) -> tuple[Float[Array, "*batch pairs dim"], Float[Array, "*batch pairs dim"]]:
        """Messages to the first and to the second of each pair."""
        swapped, learned = pairs.swapped(), self._learned_scalars(pairs)
        other = learned if learned is None else self._reversed(learned, swapped)
        return self._vector(self._scalars(pairs, learned), pairs), self._vector(self._scalars(swapped, other), swapped)

    def _vector(
        self, scalars: Float[Array, "*batch pairs channels"], pairs: PairGeometry
    ) -> Float[Array, "*batch pairs dim"]:
        """The message to the first of each pair from its scalars."""
        if isinstance(self.base, VectorMessage):
            return scalars
        if isinstance(self.base, PotentialMessage):
            return scalars * pairs.displacement / pairs.distance[..., None]
        return vector_of(scalars, pairs)

    def _learned_scalars(self, pairs: PairGeometry) -> Float[Array, "*batch pairs channels"] | None:
        """What the perceptron says; nothing where equations say all."""
        return None if set(self.formulas) == set(_labels(self.base)) else self.base.channels(pairs)

    def _reversed(
        self, learned: Float[Array, "*batch pairs channels"], swapped: PairGeometry
    ) -> Float[Array, "*batch pairs channels"]:
        """What the perceptron says to the second of each pair, without asking it again under the third law."""
        if not getattr(self.base, "reciprocal", True):
            return self.base.channels(swapped)
        return -learned if isinstance(self.base, VectorMessage) else learned

    def _scalars(
        self, pairs: PairGeometry, learned: Float[Array, "*batch pairs channels"] | None
    ) -> Float[Array, "*batch pairs channels"]:
        """Scalars of the message to the first, by equation or as learned."""
        columns, scalars = self._columns(pairs), []
        for k, name in enumerate(_labels(self.base)):
            if name in self.formulas:
                scalars.append(self.formulas[name](columns, pairs.distance.shape))
            else:
                assert learned is not None
                scalars.append(learned[..., k])
        return jnp.stack(scalars, axis=-1)

    def _columns(self, pairs: PairGeometry) -> Columns:
        """What equations see of the first of each pair as receiver."""
        first, second = (self.base.scales.attributes_of(features) for features in (pairs.first, pairs.second))
        one = End(pairs.first_position, pairs.first_velocity, first)
        other = End(pairs.second_position, pairs.second_velocity, second)
        columns = pair_columns(self.names, one, other, self.base.scales.length)
        # The geometry parks what does not act; its own distance is finite there.
        columns |= {"r": pairs.distance}
        for k, axis in enumerate(AXES[: pairs.displacement.shape[-1]]):
            columns |= {f"d{axis}": pairs.displacement[..., k], f"dv{axis}": pairs.relative_velocity[..., k]}
        return columns


def _labels(edge: RadialMessage | PotentialMessage | VectorMessage) -> tuple[str, ...]:
    """Names of the scalars of a message function."""
    if isinstance(edge, VectorMessage):
        return tuple(f"message_{axis}" for axis in AXES[: edge.network.biases[-1].shape[-1]])
    if isinstance(edge, PotentialMessage):
        return EDGE_SCALARS[:1]
    return EDGE_SCALARS[: 3 if edge.transverse else 2]


class EquationInertia(AbstractInertia, AbstractEquations):
    """Inertia as an equation of the receiver's attributes.

    Attributes:
        base: The learned inertia.
        formulas: The equation of `inertia`.
        scales: Typical sizes, by which features are attributes again.
        names: Names of the attributes.
    """

    base: Inertia
    formulas: dict[str, Formula]
    scales: Scales = eqx.field(static=True)
    names: Names = eqx.field(static=True)

    def learned(self) -> Inertia:
        """The learned inertia."""
        return self.base

    def __call__(self, features: Float[Array, "*batch features"]) -> Float[Array, "*batch"]:
        """Inertia of each node, in units of the forces."""
        return self.formulas["inertia"](_receiver(self.scales, self.names, features), features.shape[:-1])


class EquationField(AbstractField, AbstractEquations):
    """One-body forces of which some factors are equations.

    Attributes:
        base: The learned field.
        formulas: Equation of `drag`, `central`, `uniform_x`, ... where there is one.
        names: Names of the attributes.
    """

    base: OneBodyField
    formulas: dict[str, Formula]
    names: Names = eqx.field(static=True)

    def learned(self) -> OneBodyField:
        """The learned field."""
        return self.base

    def __call__(
        self,
        positions: Float[Array, "*batch dim"],
        velocities: Float[Array, "*batch dim"],
        features: Float[Array, "*batch features"],
    ) -> Float[Array, "*batch dim"]:
        """Force on each node from no partner."""
        base, shape = self.base, features.shape[:-1]
        speed, radius = safe_norm(velocities, base.scales.speed), safe_norm(positions, base.scales.position)
        columns = {**_receiver(base.scales, self.names, features), "v_1": speed, "r_1": radius}
        drag = self._factor("drag", columns, shape, lambda: base.drag_factor(speed, features))
        central = self._factor("central", columns, shape, lambda: base.central_factor(radius, features))
        learned = base.uniform_vector(features)
        axes = AXES[: positions.shape[-1]]
        uniform = [
            self._factor(f"uniform_{axis}", columns, shape, lambda k=k: learned[..., k]) for k, axis in enumerate(axes)
        ]
        return drag[..., None] * velocities + central[..., None] * positions + jnp.stack(uniform, axis=-1)

    def _factor(self, name: str, columns: Columns, shape: tuple[int, ...], learned: Any) -> Array:
        """One factor, by its equation or as it was learned."""
        return self.formulas[name](columns, shape) if name in self.formulas else learned()


def _receiver(scales: Scales, names: Names, features: Float[Array, "*batch features"]) -> Columns:
    """The receiver's attributes as columns."""
    attributes = scales.attributes_of(features)
    return {f"{name}_1": attributes[..., k] for k, name in enumerate(names)}


def graph_places(network: GraphNetwork, names: Names) -> list[Place]:
    """What equations may replace in a `GraphNetwork`.

    Args:
        network: A network without equations.
        names: Names of its attributes.

    Returns:
        Scalars or components of the message, the inertia where one is learned, and what gives one-body forces, or
        the acceleration where a free node model does.
    """
    edge, inertia, field, found = network.edge_model, network.inertia, network.field, []
    own = frozenset(f"{name}_1" for name in names)
    # Behind a free node model the scalars of a message are no forces, though its components are components.
    if isinstance(edge, VectorMessage) or (
        isinstance(edge, RadialMessage | PotentialMessage) and network.node_model is None
    ):
        dim, absolute = (len(_labels(edge)), not edge.translation) if isinstance(edge, VectorMessage) else (0, False)
        both = pair_variables(names, dim, absolute=absolute)
        put_edge = lambda f, n: EquationMessage(base=edge, formulas=f, names=n)  # noqa: E731
        found.append(Place("edge_model", dict.fromkeys(_labels(edge), both), put_edge))
    if isinstance(inertia, Inertia) and inertia.network is not None:
        put = lambda f, n: EquationInertia(base=inertia, formulas=f, scales=network.scales, names=n)  # noqa: E731
        found.append(Place("inertia", {"inertia": own}, put))
    if isinstance(field, OneBodyField):
        axes = AXES[: field.uniform.biases[-1].shape[-1]]
        known = {"drag": own | {"v_1"}, "central": own | {"r_1"}, **{f"uniform_{axis}": own for axis in axes}}
        found.append(Place("field", known, lambda f, n: EquationField(base=field, formulas=f, names=n)))
    return found + free_places(network, names)
