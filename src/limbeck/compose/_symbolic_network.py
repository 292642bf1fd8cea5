"""Learned functions of a graph network replaced by equations, one at a time or all, and put back.

A network with equations in it is still a `GraphNetwork`: it predicts, trains and is integrated as
any other, and the constants of its equations are trained with what is left of its perceptrons.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from limbeck._errors import InputError
from limbeck.expressions import Expression, variables
from limbeck.models import (
    AbstractEdgeModel,
    AbstractField,
    AbstractInertia,
    GraphNetwork,
    Inertia,
    OneBodyField,
    PairGeometry,
    RadialMessage,
    Scales,
    safe_norm,
    vector_of,
)

from ._formula import Formula
from ._law import EDGE_SCALARS
from ._states import AXES

Formulas = Mapping[str, Formula]


class EquationMessage(AbstractEdgeModel):
    """Message of which some scalars are equations of r and the attributes of both ends.

    Attributes:
        base: The learned message function; it gives the scalars that no equation gives.
        formulas: Equation of each scalar that has one.
        names: Names of the attributes.
    """

    base: RadialMessage
    formulas: dict[str, Formula]
    names: tuple[str, ...] = eqx.field(static=True)

    def channels(self, pairs: PairGeometry) -> Float[Array, "*batch pairs channels"]:
        """Radial force, pair friction and, if there is one, transverse force on the first."""
        n_channels = 3 if self.base.transverse else 2
        learned = () if len(self.formulas) == n_channels else jnp.moveaxis(self.base.channels(pairs), -1, 0)
        columns: dict[str, Array] = {"r": pairs.distance}
        for end, features in (("1", pairs.first), ("2", pairs.second)):
            attributes = self.base.scales.attributes_of(features)
            columns |= {f"{name}_{end}": attributes[..., k] for k, name in enumerate(self.names)}
        scalars = [
            self.formulas[name](columns, pairs.distance.shape) if name in self.formulas else learned[k]
            for k, name in enumerate(EDGE_SCALARS[:n_channels])
        ]
        return jnp.stack(scalars, axis=-1)

    def messages(
        self, pairs: PairGeometry
    ) -> tuple[Float[Array, "*batch pairs dim"], Float[Array, "*batch pairs dim"]]:
        """Messages to the first and to the second of each pair."""
        forward = vector_of(self.channels(pairs), pairs)
        if self.base.reciprocal:
            return forward, -forward
        swapped = pairs.swapped()
        return forward, vector_of(self.channels(swapped), swapped)


class EquationInertia(AbstractInertia):
    """Inertia as an equation of the receiver's attributes.

    Attributes:
        base: The learned inertia.
        formula: The equation.
        scales: Typical sizes, by which features are attributes again.
        names: Names of the attributes.
    """

    base: Inertia
    formula: Formula
    scales: Scales = eqx.field(static=True)
    names: tuple[str, ...] = eqx.field(static=True)

    def __call__(self, features: Float[Array, "*batch features"]) -> Float[Array, "*batch"]:
        """Inertia of each node, in units of the forces."""
        return self.formula(_receiver(self.scales, self.names, features), features.shape[:-1])


class EquationField(AbstractField):
    """One-body forces of which some factors are equations.

    Attributes:
        base: The learned field.
        formulas: Equation of `drag`, `central`, `uniform_x`, ... where there is one.
        names: Names of the attributes.
    """

    base: OneBodyField
    formulas: dict[str, Formula]
    names: tuple[str, ...] = eqx.field(static=True)

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

    def _factor(self, name: str, columns: dict[str, Array], shape: tuple[int, ...], learned: Any) -> Array:
        """One factor, by its equation or as it was learned."""
        return self.formulas[name](columns, shape) if name in self.formulas else learned()


def _receiver(scales: Scales, names: Sequence[str], features: Float[Array, "*batch features"]) -> dict[str, Array]:
    """The receiver's attributes as columns."""
    attributes = scales.attributes_of(features)
    return {f"{name}_1": attributes[..., k] for k, name in enumerate(names)}


def with_equations(
    network: GraphNetwork, equations: Mapping[str, Expression], attribute_names: Sequence[str]
) -> GraphNetwork:
    """Put equations in the place of learned functions.

    Equations are in the network's own units, as those of a hall of fame are: the scale between its forces and its
    inertia is free, and a composed law, which fixes it, replaces all channels or none.

    Args:
        network: A network with rotation and the second law, of which some functions may be equations already.
        equations: Equation of each channel to replace: `radial`, `friction`, `transverse`, `inertia`, `drag`,
            `central`, `uniform_x`, ...
        attribute_names: Names of the attributes, in the order of the network's features.

    Returns:
        The network with these equations; their constants are arrays that train.

    Raises:
        InputError: If the network has no such channel, or an equation a variable that the channel does not know.
    """
    names = tuple(attribute_names)
    there = channels_of(network)
    for name, equation in equations.items():
        if name not in there:
            raise InputError(f"the network has no channel {name!r}; it has {', '.join(there)}")
        _check_variables(name, equation, names)
    formulas = {**_formulas(network), **{name: Formula.of(equation) for name, equation in equations.items()}}
    return _assembled(learned_network(network), formulas, names)


def without_equations(network: GraphNetwork, channels: Sequence[str] | None = None) -> GraphNetwork:
    """Go back from equations to the functions that were learned.

    Args:
        network: A network with equations.
        channels: Which; None is all.

    Returns:
        The network without them.
    """
    kept = {} if channels is None else {k: f for k, f in _formulas(network).items() if k not in set(channels)}
    names = _names(network)
    return _assembled(learned_network(network), kept, names)


def equations_of(network: GraphNetwork) -> dict[str, Expression]:
    """The equations in a network, with their constants as they now are.

    Args:
        network: A network.

    Returns:
        Equation by channel; empty where everything is learned.
    """
    return {name: formula.expression() for name, formula in _formulas(network).items()}


def channels_of(network: GraphNetwork) -> tuple[str, ...]:
    """Functions of a network that an equation may replace.

    Args:
        network: A network, with equations or without.

    Returns:
        Names of the channels.
    """
    learned = learned_network(network)
    found: list[str] = []
    if isinstance(learned.edge_model, RadialMessage) and learned.node_model is None:
        found += EDGE_SCALARS[: 3 if learned.edge_model.transverse else 2]
    if isinstance(learned.inertia, Inertia) and learned.inertia.network is not None:
        found.append("inertia")
    if isinstance(learned.field, OneBodyField):
        axes = AXES[: learned.field.uniform.biases[-1].shape[-1]]
        found += ["drag", "central", *(f"uniform_{axis}" for axis in axes)]
    return tuple(found)


def learned_network(network: GraphNetwork) -> GraphNetwork:
    """The network as it was learned, below all equations.

    Args:
        network: A network, with equations or without.

    Returns:
        The learned functions.
    """
    parts = (network.edge_model, network.inertia, network.field)
    bases = [getattr(part, "base", part) for part in parts]
    return _with_parts(network, *bases)


def _assembled(learned: GraphNetwork, formulas: Formulas, names: tuple[str, ...]) -> GraphNetwork:
    """A learned network with equations in it."""
    edge = {name: formulas[name] for name in EDGE_SCALARS if name in formulas}
    own = {name: formula for name, formula in formulas.items() if name not in edge and name != "inertia"}
    edge_model, inertia, field = learned.edge_model, learned.inertia, learned.field
    if edge:
        assert isinstance(edge_model, RadialMessage)
        edge_model = EquationMessage(edge_model, edge, names)
    if "inertia" in formulas:
        assert isinstance(inertia, Inertia)
        inertia = EquationInertia(inertia, formulas["inertia"], learned.scales, names)
    if own:
        assert isinstance(field, OneBodyField)
        field = EquationField(field, own, names)
    return _with_parts(learned, edge_model, inertia, field)


def _with_parts(network: GraphNetwork, edge_model: Any, inertia: Any, field: Any) -> GraphNetwork:
    """The network with other functions."""
    return GraphNetwork(
        edge_model=edge_model,
        inertia=inertia,
        field=field,
        node_model=network.node_model,
        scales=network.scales,
        biases=network.biases,
    )


def _formulas(network: GraphNetwork) -> dict[str, Formula]:
    """The formulas in a network."""
    found: dict[str, Formula] = {}
    for part in (network.edge_model, network.field):
        found |= getattr(part, "formulas", {})
    if isinstance(network.inertia, EquationInertia):
        found["inertia"] = network.inertia.formula
    return found


def _names(network: GraphNetwork) -> tuple[str, ...]:
    """Names of the attributes in the equations of a network."""
    parts = (network.edge_model, network.inertia, network.field)
    mine = [part.names for part in parts if isinstance(part, EquationMessage | EquationInertia | EquationField)]
    return mine[0] if mine else ()


def _check_variables(channel: str, equation: Expression, names: tuple[str, ...]) -> None:
    """Refuse an equation of what its channel does not know."""
    known = {f"{name}_1" for name in names}
    if channel in EDGE_SCALARS:
        known |= {"r"} | {f"{name}_2" for name in names}
    known |= {"drag": {"v_1"}, "central": {"r_1"}}.get(channel, set())
    strange = sorted(variables(equation) - known)
    if strange:
        there = ", ".join(sorted(known)) or "none"
        raise InputError(f"the channel {channel!r} does not know {', '.join(strange)}; variables: {there}")
