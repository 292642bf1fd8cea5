"""The flattened Hamiltonian graph network: one energy for each particle, one for each pair, and nothing else.

It predicts how positions and momenta move, by Hamilton's equations on the sum
of its energies, so its flow conserves that sum whatever its weights are. It
takes momenta p = m v from a given inertia, which can't be learnt here: any
other choice of momenta is another energy with the same motion.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, Int, PRNGKeyArray

from limbeck.graphs import Snapshots

from ._edge_model import bounded_sinh
from ._graph_network import PairIndex
from ._layers import Layers
from ._networks import Scales
from ._node_model import safe_norm


class PhaseSpace(NamedTuple):
    """Where particles are in phase space, and what they are.

    Attributes:
        positions: Canonical coordinates q [length].
        momenta: Canonical momenta p = m v.
        attributes: Properties that the dynamics leaves as they are.
    """

    positions: Float[Array, "*batch nodes dim"]
    momenta: Float[Array, "*batch nodes dim"]
    attributes: Float[Array, "*batch nodes variables"]

    def at(self, index: Int[Any, " pairs"]) -> "PhaseSpace":
        """The particles with these numbers."""
        return PhaseSpace(*(array[..., index, :] for array in self))


class EnergyUnits(NamedTuple):
    """Typical sizes of what an energy depends on, and of itself.

    Attributes:
        energy: Of the energy of a pair.
        momentum: Of a momentum.
        attributes: Of each attribute.
    """

    energy: float
    momentum: float
    attributes: tuple[float, ...]


class HamiltonianNetwork(eqx.Module):
    """FlatHGN: `H = Σ_i H_self(i) + Σ_pairs H_pair(i, j)`, each pair once, moved by Hamilton's equations.

    `H_pair(i, j) = h(i, j) + h(j, i)` for the learned h, so the order within a pair means nothing, and
    the sum over pairs is the published sum of h over directed edges. With translation the momentum of
    the pairs is conserved as well: the third law follows from the symmetry.

    - "published" features: h sees raw positions, momenta and attributes of both ends, H_self those of its
      particle. With translation h sees differences of position and velocity, and H_self no position.
    - "scaled" features: h sees the logarithm of the distance and the attributes, H_self the squared speed,
      the attributes and, without translation, the position. Pair energies are `A sinh`, so that a
      potential over many orders of magnitude is a smooth function, and self energies are per unit inertia.

    Source: Cranmer et al. (2020), arXiv 2006.11287, appendix A.4, equations 1 to 5. Scaled features and the
    translation are ours.

    Attributes:
        pair_energy: The function h.
        self_energy: The function H_self.
        scales: Typical sizes of the data; used by scaled features only.
        mass: Number of the attribute that is the inertia in p = m v; None where it is 1 for all.
        features: "published" or "scaled".
        translation: Whether the origin of positions is hidden from both energies.
    """

    pair_energy: Layers
    self_energy: Layers
    scales: Scales = eqx.field(static=True)
    mass: int | None = eqx.field(static=True)
    features: str = eqx.field(static=True)
    translation: bool = eqx.field(static=True)

    @property
    def origin_free(self) -> bool:
        """Whether positions may be measured from anywhere without a change of the accelerations."""
        return self.translation

    def __call__(
        self, snapshots: Snapshots, pairs: PairIndex, key: PRNGKeyArray | None = None
    ) -> Float[Array, "*batch nodes dim"]:
        """Accelerations of every node, (dp/dt)/m; nothing is drawn, so the key is not looked at."""
        del key
        return self.flow(snapshots, pairs)[1] / self.inertia(snapshots.attributes)

    def flow(
        self, snapshots: Snapshots, pairs: PairIndex
    ) -> tuple[Float[Array, "*batch nodes dim"], Float[Array, "*batch nodes dim"]]:
        """Hamilton's equations.

        Args:
            snapshots: States.
            pairs: Their pairs.

        Returns:
            dq/dt = ∂H/∂p and dp/dt = -∂H/∂q.
        """
        state = self.phase_space(snapshots)

        def total(positions: Array, momenta: Array) -> Array:
            moved = PhaseSpace(positions, momenta, state.attributes)
            return jnp.sum(self.energy(moved, snapshots, pairs))

        slope_q, slope_p = jax.grad(total, argnums=(0, 1))(state.positions, state.momenta)
        return slope_p, -slope_q

    def phase_space(self, snapshots: Snapshots) -> PhaseSpace:
        """Positions, momenta p = m v and attributes of a batch."""
        attributes = snapshots.attributes
        return PhaseSpace(snapshots.positions, self.inertia(attributes) * snapshots.velocities, attributes)

    def inertia(self, attributes: Float[Array, "*batch nodes variables"]) -> Float[Array, "*batch nodes 1"]:
        """Given inertia of every node; 1 for a slot that is empty, whose mass is 0."""
        if self.mass is None:
            return jnp.ones((*attributes.shape[:-1], 1), attributes.dtype)
        mass = attributes[..., self.mass : self.mass + 1]
        return jnp.where(mass > 0, mass, 1.0)

    def energy(self, state: PhaseSpace, snapshots: Snapshots, pairs: PairIndex) -> Float[Array, "*batch"]:
        """The Hamiltonian of every snapshot.

        Args:
            state: Where its particles are in phase space.
            snapshots: The same snapshots, for the weights of their pairs.
            pairs: Their pairs.

        Returns:
            Energies; additive constants mean nothing.
        """
        pair_energies = jnp.sum(self._ordered_energies(state, snapshots, pairs), axis=0)
        return jnp.sum(self.self_energies(state), axis=-1) + jnp.sum(pair_energies, axis=-1)

    @property
    def units(self) -> EnergyUnits:
        """Typical sizes of what energies and their slopes have; 1 where the network is fed as published."""
        s = self.scales
        if self.features == "published":
            return EnergyUnits(1.0, 1.0, (1.0,) * len(s.attributes))
        mass = 1.0 if self.mass is None else s.attributes[self.mass]
        return EnergyUnits(s.acceleration * s.length * mass, s.speed * mass, s.attributes)

    def self_energies(self, state: PhaseSpace) -> Float[Array, "*batch nodes"]:
        """H_self of every node."""
        s = self.scales
        if self.features == "published":
            seen = state.momenta, state.attributes
            return self.self_energy(jnp.concatenate(seen if self.translation else tuple(state), axis=-1))[..., 0]
        inertia = self.inertia(state.attributes)
        speed = jnp.sum((state.momenta / (inertia * s.speed)) ** 2, axis=-1, keepdims=True)
        inputs = [speed, s.node_features(state.attributes)]
        if not self.translation:
            inputs.append(state.positions / s.position)
        raw = self.self_energy(jnp.concatenate(inputs, axis=-1))
        return (s.speed**2 * inertia * raw)[..., 0]

    def pair_energies(self, snapshots: Snapshots, pairs: PairIndex) -> Float[Array, "*batch pairs"]:
        """H_pair of every pair; 0 for a pair that does not interact."""
        return jnp.sum(self._ordered_energies(self.phase_space(snapshots), snapshots, pairs), axis=0)

    def edge_messages(
        self, snapshots: Snapshots, pairs: PairIndex
    ) -> tuple[Float[Array, "*batch pairs dim"], Float[Array, "*batch pairs dim"]]:
        """Forces of each pair on its first and on its second, -∂H_pair/∂q: what stands for messages here."""
        state = self.phase_space(snapshots)
        first, second = state.at(pairs.first), state.at(pairs.second)

        def total(one: Array, other: Array) -> Array:
            return jnp.sum(self.energies_of(first._replace(positions=one), second._replace(positions=other)))

        # Energies of different pairs share no input here, so the slope of the sum is each pair's own.
        slopes = jax.grad(total, argnums=(0, 1))(first.positions, second.positions)
        return -slopes[0], -slopes[1]

    def node_prediction(
        self, snapshots: Snapshots, aggregated: Float[Array, "*batch nodes dim"]
    ) -> Float[Array, "*batch nodes dim"]:
        """Accelerations from pair forces that are summed already: (their sum - ∂H_self/∂q)/m."""
        state = self.phase_space(snapshots)
        slope = jax.grad(lambda x: jnp.sum(self.self_energies(state._replace(positions=x))))(state.positions)
        return (aggregated - slope) / self.inertia(snapshots.attributes)

    def node_energies(self, state: PhaseSpace, snapshots: Snapshots, pairs: PairIndex) -> Float[Array, "*batch nodes"]:
        """Self energy of every node and h of the directed edges that arrive there; their sum is H."""
        energies = self.self_energies(state)
        for end, h in zip(pairs, self._ordered_energies(state, snapshots, pairs), strict=True):
            energies = energies.at[..., end].add(h)
        return energies

    def energies_of(self, first: PhaseSpace, second: PhaseSpace) -> Float[Array, "*batch pairs"]:
        """H_pair of the first with the second of some pairs, whatever their weight."""
        return jnp.sum(self._h(first, second), axis=0)

    def _ordered_energies(
        self, state: PhaseSpace, snapshots: Snapshots, pairs: PairIndex
    ) -> Float[Array, "2 *batch pairs"]:
        """h(1, 2) and h(2, 1) of every pair, times the pair's weight."""
        acts = snapshots.forward + snapshots.backward
        ends = state.at(pairs.first), state.at(pairs.second)
        # An energy that weighs nothing must still be finite, and so must its slope, wherever its ends are.
        apart = jnp.where(acts[..., None] > 0, ends[0].positions, ends[1].positions + self.scales.length)
        return 0.5 * acts * self._h(ends[0]._replace(positions=apart), ends[1])

    def _h(self, first: PhaseSpace, second: PhaseSpace) -> Float[Array, "2 *batch pairs"]:
        """h(1, 2) and h(2, 1), in one product of matrices."""
        ordered = [self._pair_inputs(first, second), self._pair_inputs(second, first)]
        raw = self.pair_energy(jnp.stack(ordered))[..., 0]
        if self.features == "published":
            return raw
        # Half of the energy each: the hyperbolic sine of the symmetric sum, not the sum of two.
        symmetric = 0.5 * self.units.energy * bounded_sinh(raw[0] + raw[1])
        return jnp.stack([symmetric, symmetric])

    def _pair_inputs(self, first: PhaseSpace, second: PhaseSpace) -> Float[Array, "*batch pairs inputs"]:
        """What h sees of each first and its second."""
        if self.features == "published" and not self.translation:
            return jnp.concatenate([*first, *second], axis=-1)
        displacement = first.positions - second.positions
        if self.features == "published":
            velocities = [end.momenta / self.inertia(end.attributes) for end in (first, second)]
            difference = velocities[0] - velocities[1]
            return jnp.concatenate([displacement, difference, first.attributes, second.attributes], axis=-1)
        s = self.scales
        distance = s.distance_feature(safe_norm(displacement, s.length))
        return jnp.concatenate([distance, *(s.node_features(end.attributes) for end in (first, second))], axis=-1)
