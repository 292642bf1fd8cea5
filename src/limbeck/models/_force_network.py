"""A published network seen as one whose messages are forces in space.

Messages of a published network are known up to a linear map and an offset, which its node model
undoes. Once both are known, the network can be read like one with biases of form: forces go from
edge to node, and the node divides them by an inertia and adds forces of its own.
"""

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from limbeck.graphs import Snapshots

from ._biases import Biases
from ._graph_network import PairIndex, sum_at_ends
from ._hamiltonian import HamiltonianNetwork
from ._message_network import MessageNetwork
from ._networks import Scales


class ForceNetwork(eqx.Module):
    """A network of messages or energies, and the linear map from its messages to forces.

    Attributes:
        network: The published network; its predictions are passed on as they are.
        to_force: Map from messages to forces, up to one positive factor.
        offset: What every message carries besides the force; 0 under the third law.
        biases: What a law that is distilled from it assumes, which may be more than the network does.
    """

    network: MessageNetwork | HamiltonianNetwork
    to_force: Float[Array | np.ndarray, "message_dim dim"]
    offset: Float[Array | np.ndarray, " message_dim"]
    biases: Biases = eqx.field(static=True)

    @property
    def scales(self) -> Scales:
        """Typical sizes of the data."""
        return self.network.scales

    @property
    def origin_free(self) -> bool:
        """Whether positions may be measured from anywhere without a change of the accelerations."""
        return self.network.origin_free

    def __call__(self, snapshots: Snapshots, pairs: PairIndex) -> Float[Array, "*batch nodes dim"]:
        """Accelerations of every node, as the network itself predicts them."""
        return self.network(snapshots, pairs)

    def edge_messages(
        self, snapshots: Snapshots, pairs: PairIndex
    ) -> tuple[Float[Array, "*batch pairs dim"], Float[Array, "*batch pairs dim"]]:
        """Forces on the first and on the second of each pair, up to one positive factor."""
        first, second = self.network.edge_messages(snapshots, pairs)
        return (first - self.offset) @ self.to_force, (second - self.offset) @ self.to_force

    def aggregated(self, snapshots: Snapshots, pairs: PairIndex) -> Float[Array, "*batch nodes message_dim"]:
        """The network's own messages, summed at every node."""
        forward, backward = self.network.edge_messages(snapshots, pairs)
        acts = snapshots.forward[..., None], snapshots.backward[..., None]
        return sum_at_ends(pairs, forward * acts[0], backward * acts[1], snapshots.positions.shape[-2])

    def offsets(self, snapshots: Snapshots, pairs: PairIndex) -> Float[Array, "*batch nodes message_dim"]:
        """What the offset of its messages adds up to at every node."""
        acts = snapshots.forward[..., None], snapshots.backward[..., None]
        return sum_at_ends(pairs, *acts, snapshots.positions.shape[-2]) * jnp.asarray(self.offset)

    def node_prediction(
        self, snapshots: Snapshots, aggregated: Float[Array, "*batch nodes message_dim"]
    ) -> Float[Array, "*batch nodes dim"]:
        """Accelerations from messages that are summed already, in the network's own components."""
        return self.network.node_prediction(snapshots, aggregated)
