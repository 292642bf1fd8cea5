"""What should not change in time, and by how much it did.

Energy, momentum and angular momentum of given trajectories under a given
system, and the relative drifts by which a simulation is judged.
"""

from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Float

from limbeck._errors import InputError
from limbeck._types import NodeScalars, NodeVectors
from limbeck.expressions import evaluate, parse
from limbeck.trajectories import Trajectories

from ._dynamics import pair_indices
from ._systems import SystemDefinition

Energies = Float[np.ndarray, "systems times"]
MomentumVectors = Float[np.ndarray, "systems times dim"]

# Pairs times states that are held at once.
_BLOCK = 100_000


def total_energy(system: SystemDefinition, trajectories: Trajectories) -> Energies:
    """Kinetic energy, pair potentials (each pair once) and the energy of the weight.

    Args:
        system: The system whose law acts.
        trajectories: States, with the attributes of the law.

    Returns:
        Energy of each simulation at each time.

    Raises:
        InputError: If the system has no potential.
    """
    kinetic, potential = _energies(system, trajectories.positions, trajectories.velocities, trajectories.attributes)
    return kinetic + potential


def momentum(trajectories: Trajectories) -> MomentumVectors:
    """Sum of mass times velocity.

    Args:
        trajectories: States, with the attribute `m`.

    Returns:
        Momentum of each simulation at each time.
    """
    return np.einsum("sn,stnd->std", _masses(trajectories), trajectories.velocities)


def angular_momentum(trajectories: Trajectories) -> MomentumVectors:
    """Sum of `x × m v` about the origin.

    Args:
        trajectories: States in 2 or 3 dimensions, with the attribute `m`.

    Returns:
        In 3 dimensions the vector; in 2 dimensions its one component.

    Raises:
        InputError: In one dimension, which has none.
    """
    if trajectories.dim == 1:
        raise InputError("there is no angular momentum in one dimension")
    x, p = trajectories.positions, _masses(trajectories)[:, None, :, None] * trajectories.velocities
    if trajectories.dim == 2:
        return np.sum(x[..., 0] * p[..., 1] - x[..., 1] * p[..., 0], axis=2)[..., None]
    return np.sum(np.cross(x, p), axis=2)


def energy_drift(system: SystemDefinition, trajectories: Trajectories) -> Float[np.ndarray, " systems"]:
    """Largest change of the energy over the size of its parts at the start.

    Args:
        system: A conservative system.
        trajectories: States.

    Returns:
        `max |E(t) - E(0)| / (K(0) + |V(0)|)` for each simulation.
    """
    kinetic, potential = _energies(system, trajectories.positions, trajectories.velocities, trajectories.attributes)
    energy = kinetic + potential
    scale = kinetic[:, 0] + np.abs(potential[:, 0])
    return _ratio(np.abs(energy - energy[:, :1]).max(axis=1), scale)


def momentum_drift(trajectories: Trajectories) -> Float[np.ndarray, " systems"]:
    """Largest change of the momentum over the sum of its parts' magnitudes at the start.

    Args:
        trajectories: States, with the attribute `m`.

    Returns:
        `max |P(t) - P(0)| / sum_i m_i |v_i(0)|` for each simulation.
    """
    total = momentum(trajectories)
    speeds = np.linalg.norm(trajectories.velocities[:, 0], axis=-1)
    scale = np.sum(_masses(trajectories) * speeds, axis=-1)
    return _ratio(np.linalg.norm(total - total[:, :1], axis=-1).max(axis=1), scale)


def _ratio(change: Float[np.ndarray, " systems"], scale: Float[np.ndarray, " systems"]) -> np.ndarray:
    """A relative change; absolute where everything starts at rest."""
    return change / np.where(scale > 0, scale, 1.0)


def _masses(trajectories: Trajectories) -> NodeScalars:
    """The attribute `m`; 1 where there is none."""
    return trajectories.attributes.get("m", np.ones((trajectories.n_systems, trajectories.n_nodes)))


def _energies(
    system: SystemDefinition, positions: NodeVectors, velocities: NodeVectors, attributes: Mapping[str, NodeScalars]
) -> tuple[Energies, Energies]:
    """Kinetic and potential energy, a block of simulations at a time."""
    if system.pair_potential is None:
        raise InputError(f"system {system.name!r} has no potential, so no energy")
    masses = attributes["m"]
    kinetic = 0.5 * np.einsum("sn,stnd,stnd->st", masses, velocities, velocities)
    potential = system.weight * np.einsum("sn,stn->st", masses, positions[..., -1])
    for part in _blocks(system, positions):
        values = {name: value[part] for name, value in attributes.items()}
        potential[part] += _pair_energy(system, positions[part], values)
    return kinetic, potential


def _blocks(system: SystemDefinition, positions: NodeVectors) -> Iterator[slice]:
    """Runs of simulations of a bounded size."""
    n_pairs = len(pair_indices(system.connectivity, positions.shape[2])[0])
    size = max(1, _BLOCK // (n_pairs * positions.shape[1]))
    for start in range(0, len(positions), size):
        yield slice(start, start + size)


def _pair_energy(system: SystemDefinition, positions: NodeVectors, attributes: Mapping[str, NodeScalars]) -> Energies:
    """Sum of the pair potentials."""
    first, second = pair_indices(system.connectivity, positions.shape[2])
    displacement = positions[:, :, first] - positions[:, :, second]
    values = {"r": np.sqrt(np.einsum("stpd,stpd->stp", displacement, displacement))}
    for name, value in attributes.items():
        values |= {f"{name}_1": value[:, None, first], f"{name}_2": value[:, None, second]}
    energy = evaluate(parse(system.pair_potential or "0"), values)
    return np.sum(np.broadcast_to(energy, values["r"].shape), axis=-1)
