"""Where simulations start: positions, velocities and attributes at time 0.

Every simulation has a generator of its own, seeded by the seed and its number,
so simulation 7 starts alike whether 10 or 10,000 were asked for.
"""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from limbeck._types import NodeScalars

from ._systems import SystemDefinition

InitialVectors = Float[np.ndarray, "systems nodes dim"]


class InitialStates(NamedTuple):
    """States at time 0, one for each simulation."""

    positions: InitialVectors
    velocities: InitialVectors
    attributes: dict[str, NodeScalars]


def initial_states(
    system: SystemDefinition, *, dim: int, n_nodes: int, n_systems: int, seed: int, scale: float
) -> InitialStates:
    """Draw initial states from the system's own distribution.

    Args:
        system: What is simulated.
        dim: Dimension of space.
        n_nodes: Number of particles.
        n_systems: Number of simulations.
        seed: Seed, >= 0.
        scale: Factor on the widths of positions and velocities; attributes keep theirs.

    Returns:
        The states at time 0.

    Source:
        Cranmer et al. (2020), arXiv:2006.11287, section 4.1 and code: positions and
        velocities N(0, 1), masses log-normal(0, 1), charges -1 or 1.
    """
    positions = np.empty((n_systems, n_nodes, dim))
    velocities = np.empty_like(positions)
    attributes = {rule.name: np.empty((n_systems, n_nodes)) for rule in system.attributes}
    for i in range(n_systems):
        generator = np.random.default_rng([seed, i])
        positions[i] = scale * generator.normal(size=(n_nodes, dim))
        velocities[i] = scale * generator.normal(size=(n_nodes, dim))
        for rule in system.attributes:
            attributes[rule.name][i] = _DRAWS[rule.distribution](generator, n_nodes)
    if system.layout == "row":
        positions[:, :, 0] = np.arange(n_nodes) + 0.5 * positions[:, :, 0]
    return InitialStates(positions, velocities, attributes)


_DRAWS = {
    "lognormal": lambda generator, count: generator.lognormal(size=count),
    "normal": lambda generator, count: generator.normal(size=count),
    "signs": lambda generator, count: generator.choice([-1.0, 1.0], size=count),
    "ones": lambda generator, count: np.ones(count),  # noqa: ARG005 - the draws share one signature
}
