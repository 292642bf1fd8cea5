"""Learned functions of a network replaced by equations, one at a time or all, and put back.

A network with equations in it is still a network of its kind: it predicts, trains and is integrated as
any other, and the constants of its equations are trained with what is left of its perceptrons.
Equations replace functions of a `GraphNetwork`, of a published `MessageNetwork` and of a `HamiltonianNetwork`.
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import equinox as eqx
import jax

from limbeck._errors import InputError
from limbeck.expressions import Expression, variables
from limbeck.models import GraphNetwork, HamiltonianNetwork, MessageNetwork

from ._equation_part import AbstractEquations, Names, Place
from ._formula import Formula
from ._graph_equations import graph_places
from ._hamiltonian_equations import hamiltonian_places
from ._message_equations import message_places

AnyNetwork = GraphNetwork | MessageNetwork | HamiltonianNetwork
Network = TypeVar("Network", bound=AnyNetwork)
Formulas = Mapping[str, Formula]

# A kind of network is known by its very class: a class made from it may say something else.
_PLACES: tuple[tuple[type, Any], ...] = (
    (GraphNetwork, graph_places),
    (MessageNetwork, message_places),
    (HamiltonianNetwork, hamiltonian_places),
)


def with_equations(network: Network, equations: Mapping[str, Expression], attribute_names: Sequence[str]) -> Network:
    """Put equations in the place of learned functions.

    Equations are in the network's own units, as those of a hall of fame are: the scale between its forces and its
    inertia is free, and a composed law, which fixes it, replaces all channels or none. An equation of the messages
    of a published network is one of a column of `record_messages`.

    Args:
        network: A network, of which some functions may be equations already.
        equations: Equation of each channel to replace, see `channels_of`. Of a `GraphNetwork` with rotation and the
            second law `radial`, `friction`, `transverse`, `inertia`, `drag`, `central`, `uniform_x`, ...; without
            rotation `message_x`, ... and `field_x`, ...; without the second law `acceleration_x`, .... Of a
            `MessageNetwork` `message_0`, ... and `acceleration_x`, .... In equations of accelerations `M0`, ... are the
            summed messages. Of a `HamiltonianNetwork` `pair_energy` and `self_energy`.
        attribute_names: Names of the attributes, in the order of the network's features.

    Returns:
        The network with these equations; their constants are arrays that train.

    Raises:
        InputError: If the network has no such channel, an equation a variable that the channel does not know, or the
            names are not those of the network's attributes.
    """
    names, learned = tuple(attribute_names), learned_network(network)
    _check_names(network, learned, names)
    known = _known(learned, names)
    for name, equation in equations.items():
        if name not in known:
            raise InputError(f"the network has no channel {name!r}; it has {', '.join(known) or 'none'}")
        _check_variables(name, equation, known[name])
    formulas = {**formulas_of(network), **{name: Formula.of(equation) for name, equation in equations.items()}}
    return with_formulas(learned, formulas, names)


def without_equations(network: Network, channels: Sequence[str] | None = None) -> Network:
    """Go back from equations to the functions that were learned.

    Args:
        network: A network with equations.
        channels: Which; None is all.

    Returns:
        The network without them.
    """
    kept = {} if channels is None else {k: f for k, f in formulas_of(network).items() if k not in set(channels)}
    return with_formulas(learned_network(network), kept, names_of(network))


def equations_of(network: AnyNetwork) -> dict[str, Expression]:
    """The equations in a network, with their constants as they now are.

    Args:
        network: A network.

    Returns:
        Equation by channel; empty where everything is learned.
    """
    return {name: formula.expression() for name, formula in formulas_of(network).items()}


def channels_of(network: AnyNetwork) -> tuple[str, ...]:
    """Functions of a network that an equation may replace.

    Args:
        network: A network, with equations or without.

    Returns:
        Names of the channels; components of a message that were pruned are none.

    Raises:
        InputError: If it is no network of a kind that takes equations.
    """
    return tuple(_known(learned_network(network), ()))


def learned_network(network: Network) -> Network:
    """The network as it was learned, below all equations.

    Args:
        network: A network, with equations or without.

    Returns:
        The learned functions.
    """
    return jax.tree.map(_below, network, is_leaf=_holds_equations)


def formulas_of(network: AnyNetwork) -> dict[str, Formula]:
    """The formulas in a network.

    Args:
        network: A network.

    Returns:
        Formula by channel, in the order of the channels.
    """
    found = {name: formula for part in _parts(network) for name, formula in part.formulas.items()}
    return {name: found[name] for name in channels_of(network) if name in found} if found else {}


def names_of(network: AnyNetwork) -> Names:
    """Names of the attributes in the equations of a network.

    Args:
        network: A network.

    Returns:
        The names; none where it has no equation.
    """
    return next((part.names for part in _parts(network)), ())


def with_formulas(learned: Network, formulas: Formulas, names: Names) -> Network:
    """A learned network with formulas in it.

    Args:
        learned: A network without equations.
        formulas: Formula of each channel that shall have one.
        names: Names of the attributes.

    Returns:
        The network with these and no others.
    """
    network = learned
    for place in _places(learned, names):
        mine = {name: formulas[name] for name in place.known if name in formulas}
        if mine:
            part: Any = place.put(mine, names)
            network = eqx.tree_at(lambda n, f=place.field: getattr(n, f), network, part) if place.field else part
    return network


def _places(learned: Any, names: Names) -> list[Place]:
    """What equations may replace."""
    for kind, places in _PLACES:
        if type(learned) is kind:
            return places(learned, names)
    inner = "; give its `model`" if hasattr(learned, "model") else ""
    kinds = ", ".join(kind.__name__ for kind, _ in _PLACES)
    raise InputError(f"a {type(learned).__name__} takes no equations: expected one of {kinds}{inner}")


def _known(learned: Any, names: Names) -> dict[str, frozenset[str]]:
    """Channels, and the variables that the equation of each may have."""
    return {name: known for place in _places(learned, names) for name, known in place.known.items()}


def _below(part: Any) -> Any:
    """A part of a network without equations."""
    return part.learned() if isinstance(part, AbstractEquations) else part


def _holds_equations(part: Any) -> bool:
    """Whether a part of a network is one with equations."""
    return isinstance(part, AbstractEquations)


def _parts(network: Any) -> list[AbstractEquations]:
    """The parts of a network that hold equations."""
    return [part for part in jax.tree.leaves(network, is_leaf=_holds_equations) if isinstance(part, AbstractEquations)]


def _check_names(network: Any, learned: Any, names: Names) -> None:
    """Refuse names of other attributes than those that the network sees."""
    there = names_of(network)
    if there and there != names:
        raise InputError(f"the network's equations name the attributes {', '.join(there)}; got {', '.join(names)}")
    wanted = len(learned.scales.attributes) if hasattr(learned, "scales") else len(names)
    if len(names) != wanted or len(set(names)) < len(names):
        raise InputError(f"the network sees {wanted} attributes; expected as many names, got {names}")


def _check_variables(channel: str, equation: Expression, known: frozenset[str]) -> None:
    """Refuse an equation of what its channel does not know."""
    strange = sorted(variables(equation) - known)
    if strange:
        there = ", ".join(sorted(known)) or "none"
        raise InputError(f"the channel {channel!r} does not know {', '.join(strange)}; variables: {there}")
