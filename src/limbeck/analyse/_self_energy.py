"""What the self energy of a Hamiltonian network says: each particle's energy of motion, without what moves nothing.

Any function of the attributes may be added to a self energy, and no motion changes. It is measured from that of the
same particle at rest in the same place, which leaves the part that says how momentum is velocity.
"""

import equinox as eqx
import numpy as np
from jaxtyping import Array

from limbeck.graphs import GraphDataset, Snapshots
from limbeck.models import HamiltonianNetwork
from limbeck.train import to_device

from ._draw_edges import draw_nodes
from ._message_table import Channel
from ._read_forces import some_snapshots

NAME = "self_energy"


def self_energy_channel(
    network: HamiltonianNetwork, dataset: GraphDataset, *, n_samples: int = 2_000, seed: int
) -> Channel:
    """Sample the energy of motion of single particles on validation snapshots.

    Args:
        network: A trained network.
        dataset: Its data; training snapshots are not looked at.
        n_samples: How many samples.
        seed: Decides which are drawn.

    Returns:
        The energy by speed and attributes.
    """
    generator = np.random.default_rng(seed)
    batch = some_snapshots(dataset, generator, n_samples)
    energies = np.asarray(_of_motion(network, to_device(batch, centred=network.origin_free)), dtype=float)
    sample, node = draw_nodes(batch, generator, n_samples)
    speed = np.linalg.norm(batch.velocities[sample, node], axis=1)
    return Channel(
        name=NAME,
        variables=("v_1", *(f"{name}_1" for name in dataset.attribute_names)),
        inputs=np.column_stack([speed, batch.attributes[sample, node]]),
        values=energies[sample, node],
        importance=float("inf"),
    )


@eqx.filter_jit
def _of_motion(network: HamiltonianNetwork, snapshots: Snapshots) -> Array:
    """Self energies less those at rest."""
    state = network.phase_space(snapshots)
    return network.self_energies(state) - network.self_energies(state._replace(momenta=0.0 * state.momenta))
