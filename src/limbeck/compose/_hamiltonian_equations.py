"""Equations in a Hamiltonian network: the energy of a pair, and that of a particle; forces are their slopes."""

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from limbeck.models import HamiltonianNetwork, PhaseSpace

from ._equation_part import (
    AbstractEquations,
    End,
    Names,
    Place,
    fields_of,
    node_columns,
    node_variables,
    pair_columns,
    pair_variables,
)
from ._formula import Formula

PAIR, SELF = "pair_energy", "self_energy"


class EquationHamiltonian(HamiltonianNetwork, AbstractEquations):
    """FlatHGN of which H_pair, H_self or both are equations.

    To whoever takes a `HamiltonianNetwork` it is one. `pair_energy` is the whole energy of a pair; of an equation that
    is not symmetric the mean of both orders is taken, since the order within a pair means nothing. Velocities in
    equations are p/m, so that slopes with the momenta are right.

    Attributes:
        formulas: Equation of `pair_energy` and of `self_energy`, where there is one.
        names: Names of the attributes.
    """

    formulas: dict[str, Formula]
    names: Names = eqx.field(static=True)

    def learned(self) -> HamiltonianNetwork:
        """The network as it was learned."""
        return HamiltonianNetwork(**fields_of(self, HamiltonianNetwork))

    def self_energies(self, state: PhaseSpace) -> Float[Array, "*batch nodes"]:
        """H_self of every node, by equation or as learned."""
        if SELF not in self.formulas:
            return super().self_energies(state)
        columns = node_columns(self.names, self._end(state), self.scales.position, self.scales.speed)
        return self.formulas[SELF](columns, state.positions.shape[:-1])

    def _h(self, first: PhaseSpace, second: PhaseSpace) -> Float[Array, "2 *batch pairs"]:
        """h(1, 2) and h(2, 1): by equation half of the energy of the pair each, or as learned."""
        if PAIR not in self.formulas:
            return super()._h(first, second)
        one, other, length = self._end(first), self._end(second), self.scales.length
        ways = pair_columns(self.names, one, other, length), pair_columns(self.names, other, one, length)
        return 0.5 * jnp.stack([self.formulas[PAIR](way, way["r"].shape) for way in ways])

    def _end(self, state: PhaseSpace) -> End:
        """Where particles are and how fast, for the columns of equations."""
        return End(state.positions, state.momenta / self.inertia(state.attributes), state.attributes)


def hamiltonian_places(network: HamiltonianNetwork, names: Names) -> list[Place]:
    """What equations may replace in a Hamiltonian network.

    Args:
        network: A network without equations.
        names: Names of its attributes.

    Returns:
        The energy of a pair and that of a particle, each of what its learned function sees.
    """
    n_attributes, absolute = len(network.scales.attributes), not network.translation
    n_self = network.self_energy.weights[0].shape[0] - n_attributes
    if network.features == "published":
        dim = n_self // (2 if absolute else 1)
        pair = pair_variables(names, dim, absolute=absolute)
        own = node_variables(names, dim, absolute=absolute)
    else:
        # The squared speed stands for the direction of the velocity, and the distance for that of the displacement.
        axes = node_variables((), n_self - 1, absolute=absolute) - node_variables((), n_self - 1, absolute=False)
        pair, own = pair_variables(names, 0, absolute=False), node_variables(names, 0, absolute=False) | axes

    def put(formulas: dict[str, Formula], names: Names) -> EquationHamiltonian:
        return EquationHamiltonian(**fields_of(network, HamiltonianNetwork), formulas=formulas, names=names)

    return [Place("", {PAIR: pair, SELF: own}, put)]
