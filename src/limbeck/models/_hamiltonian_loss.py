"""What the training of a Hamiltonian network minimises: objectives of a model, a batch, its pairs and a key.

The published loss looks at dv/dt alone; with it nothing decides the self
energy, since no force comes from it in a system without a field. Ours looks at
dq/dt too. The published penalty holds down the energies and their slopes in
whatever is no coordinate; in the published code that slope is cut from rows
where columns were meant, so it is zero for most batches. Here it is done right.
"""

import jax
import jax.numpy as jnp
from jaxtyping import Array, Float, PRNGKeyArray

from limbeck.graphs import Snapshots

from ._graph_network import PairIndex
from ._hamiltonian import HamiltonianNetwork, PhaseSpace

PENALTY = 1e-6  # [code] of Cranmer et al. (2020)


def hamiltonian_objective(
    model: HamiltonianNetwork, snapshots: Snapshots, pairs: PairIndex, key: PRNGKeyArray | None = None
) -> Float[Array, ""]:
    """Our default: `hamiltonian_loss` and `hamiltonian_penalty` together."""
    return hamiltonian_loss(model, snapshots, pairs, key) + hamiltonian_penalty(model, snapshots, pairs, key)


def published_hamiltonian_objective(
    model: HamiltonianNetwork, snapshots: Snapshots, pairs: PairIndex, key: PRNGKeyArray | None = None
) -> Float[Array, ""]:
    """As published: `hamiltonian_force_loss` and `published_hamiltonian_penalty` together."""
    return hamiltonian_force_loss(model, snapshots, pairs, key) + published_hamiltonian_penalty(
        model, snapshots, pairs, key
    )


def hamiltonian_loss(
    model: HamiltonianNetwork, snapshots: Snapshots, pairs: PairIndex, key: PRNGKeyArray | None = None
) -> Float[Array, ""]:
    """Mean absolute error of dq/dt over the typical speed plus that of dv/dt over the typical acceleration.

    Args:
        model: The network.
        snapshots: A batch; velocities are the targets of dq/dt.
        pairs: Its pairs.
        key: Not looked at.

    Returns:
        Mean over all particles that have a target of the sum over directions.
    """
    del key
    dq, dp = model.flow(snapshots, pairs)
    dv = dp / model.inertia(snapshots.attributes)
    moved = _mean_error(dq, snapshots.velocities, snapshots) / model.scales.speed
    return moved + _mean_error(dv, snapshots.targets, snapshots) / model.scales.acceleration


def hamiltonian_force_loss(
    model: HamiltonianNetwork, snapshots: Snapshots, pairs: PairIndex, key: PRNGKeyArray | None = None
) -> Float[Array, ""]:
    """Mean absolute error of dv/dt alone [length/time²], as published; the self energy stays undetermined.

    Args:
        model: The network.
        snapshots: A batch.
        pairs: Its pairs.
        key: Not looked at.

    Returns:
        Mean over all particles that have a target of the sum over directions.
    """
    return _mean_error(model(snapshots, pairs, key), snapshots.targets, snapshots)


def hamiltonian_penalty(
    model: HamiltonianNetwork,
    snapshots: Snapshots,
    pairs: PairIndex,
    key: PRNGKeyArray | None = None,
    *,
    weight: float = PENALTY,
) -> Float[Array, ""]:
    """Holds down pair energies, and their slopes in all that is no position, so that they take no self energy.

    `weight * Σ_pairs (H_pair² + Σ_k (∂H_pair/∂u_k)²)` with u the momenta and attributes of both ends, all in typical
    sizes where the network is fed them, so that no choice of units changes what is learned.

    Args:
        model: The network.
        snapshots: A batch.
        pairs: Its pairs.
        key: Not looked at.
        weight: Factor of both parts.

    Returns:
        Mean over snapshots of the sum over their pairs.

    Source: Cranmer et al. (2020), arXiv 2006.11287, appendix A.4 ("we also regularize H_pair"). The slope in
        momenta is ours; see `published_hamiltonian_penalty` for what its code says.
    """
    del key
    state = model.phase_space(snapshots)
    first, second = state.at(pairs.first), state.at(pairs.second)
    acts = 0.5 * (snapshots.forward + snapshots.backward)
    apart = jnp.where(acts[..., None] > 0, first.positions, second.positions + model.scales.length)

    def total(first: PhaseSpace, second: PhaseSpace) -> tuple[Array, Array]:
        energies = acts * model.energies_of(first, second)
        return jnp.sum(energies), energies

    # Energies of different pairs share no input here, so the slope of the sum is each pair's own.
    slopes, energies = jax.grad(total, argnums=(0, 1), has_aux=True)(first._replace(positions=apart), second)
    units = model.units
    momentum, attributes = units.momentum / units.energy, jnp.asarray(units.attributes) / units.energy
    squares = [jnp.sum((end.momenta * momentum) ** 2) + jnp.sum((end.attributes * attributes) ** 2) for end in slopes]
    return weight * (jnp.sum((energies / units.energy) ** 2) + sum(squares)) / energies[..., 0].size


def published_hamiltonian_penalty(
    model: HamiltonianNetwork,
    snapshots: Snapshots,
    pairs: PairIndex,
    key: PRNGKeyArray | None = None,
    *,
    weight: float = PENALTY,
) -> Float[Array, ""]:
    """Holds down energies of nodes and the slope of H in attributes, as the published code means to.

    `weight * Σ_i (E_i² + Σ_k (∂H/∂a_ik)²)`, with E_i the self energy of node i and the pair functions of
    the directed edges that arrive at it, and a_ik its attributes.

    Args:
        model: The network.
        snapshots: A batch.
        pairs: Its pairs.
        key: Not looked at.
        weight: Factor of both parts.

    Returns:
        Mean over snapshots of the sum over their nodes. The published notebook divides by the number of
        snapshots, too, and its loss is a sum over the particles of each, n times `hamiltonian_force_loss`.

    Source: the code of Cranmer et al. (2020), which cuts the slope from rows where columns were meant.
    """
    del key
    state = model.phase_space(snapshots)

    def total(attributes: Array) -> tuple[Array, Array]:
        energies = model.node_energies(state._replace(attributes=attributes), snapshots, pairs)
        return jnp.sum(energies), energies

    slope, energies = jax.grad(total, has_aux=True)(state.attributes)
    there = snapshots.weights
    squares = jnp.sum(there * energies**2) + jnp.sum(there[..., None] * slope**2)
    return weight * squares / energies[..., 0].size


def _mean_error(
    predicted: Float[Array, "*batch nodes dim"], targets: Float[Array, "*batch nodes dim"], snapshots: Snapshots
) -> Float[Array, ""]:
    """Mean over particles that have a target of the sum of absolute errors of their components."""
    errors = jnp.sum(jnp.abs(predicted - targets), axis=-1)
    return jnp.sum(snapshots.weights * errors) / jnp.maximum(jnp.sum(snapshots.weights), 1.0)
