"""The published graph network: messages of any size, summed at the receiver, read by a free node model.

Its messages are vectors of components without a meaning of their own, unlike
those of `GraphNetwork`, which are forces in space. What keeps them small
(nothing, a bottleneck, a penalty, a mask) is decided by a `MessageConfig`; the
penalties themselves belong to training.
"""

from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from limbeck._errors import InputError
from limbeck.graphs import Snapshots

from ._edge_model import bounded_sinh
from ._graph_network import CompletePairs, PairIndex, sum_at_ends
from ._layers import Layers, draw_layers
from ._message_config import MessageConfig
from ._networks import Scales
from ._node_model import safe_norm


class EdgeStatistics(NamedTuple):
    """Messages of both directions of each pair, and how sure they are.

    Attributes:
        forward: Mean message to the first, masked (samples pairs message_dim).
        backward: Mean message to the second, masked.
        forward_log_variance: Logarithm of its variance in a KL network, else None.
        backward_log_variance: The same for the message to the second.
    """

    forward: Any
    backward: Any
    forward_log_variance: Any = None
    backward_log_variance: Any = None


class MessageNetwork(eqx.Module):
    """Edge model, sum over senders, node model; messages of `message_dim` components.

    The receiver stands first in what the edge model sees. In a KL network the first half of the edge
    model's outputs are means and the second half logarithms of variances. Under the third law
    means are antisymmetrised, `h(1, 2) - h(2, 1)`, log variances averaged, and both directions share
    their noise with opposite sign.

    Source: Cranmer et al. (2020), arXiv 2006.11287, appendices A.1 and A.2; the biases are ours.

    Attributes:
        edge_model: The message function.
        node_model: From the node and its aggregated message to the acceleration.
        mask: 1 for a component that is kept, 0 for one that was pruned; never trained.
        scales: Typical sizes of the data; used by scaled features only.
        config: What the network is built from.
        message_dim: Number of components.
    """

    edge_model: Layers
    node_model: Layers
    mask: Array | np.ndarray
    scales: Scales = eqx.field(static=True)
    config: MessageConfig = eqx.field(static=True)
    message_dim: int = eqx.field(static=True)

    @property
    def size(self) -> str:
        """What keeps the message small."""
        return self.config.size

    @property
    def features(self) -> str:
        """What the functions see: "published" or "scaled"."""
        return self.config.features

    @property
    def translation(self) -> bool:
        """Whether positions are seen only through their differences."""
        return self.config.translation

    @property
    def third_law(self) -> bool:
        """Whether messages are antisymmetric."""
        return self.config.third_law

    @property
    def origin_free(self) -> bool:
        """Whether positions may be measured from anywhere without a change of the accelerations."""
        return self.translation

    def __call__(
        self, snapshots: Snapshots, pairs: PairIndex, key: PRNGKeyArray | None = None
    ) -> Float[Array, "*batch nodes dim"]:
        """Accelerations of every node; a key samples the messages of a KL network, as in training."""
        if self._sums_hidden:
            return self.node_prediction(snapshots, self._aggregated(snapshots, pairs))
        return self.predict(snapshots, self.edge_statistics(snapshots, pairs), pairs, key)

    @property
    def _sums_hidden(self) -> bool:
        """Whether the last layer of the edge model may act after the sum over senders, and saves work there.

        It is linear, so the sum of messages is the same; it then acts on nodes and not on edges. Hidden
        units are summed in its place, which costs more than it saves where messages are far shorter.
        """
        linear = self.features == "published" and self.size != "kl"
        return linear and 4 * self.message_dim >= self.edge_model.weights[-1].shape[0]

    def _aggregated(self, snapshots: Snapshots, pairs: PairIndex) -> Float[Array, "*batch nodes message_dim"]:
        """Sum of messages at every node, without the messages; see `_sums_hidden`."""
        if isinstance(pairs, CompletePairs) and not self.third_law:
            hidden, counts = self._summed_by_receiver(snapshots)
        else:
            hidden, counts = self._summed_by_pairs(snapshots, pairs)
        summed = hidden @ self.edge_model.weights[-1]
        if not self.third_law:  # antisymmetric messages have no offset
            summed = summed + counts * self.edge_model.biases[-1]
        return summed * jax.lax.stop_gradient(self.mask)

    def _summed_by_pairs(self, snapshots: Snapshots, pairs: PairIndex) -> tuple[Array, Array]:
        """Sums of hidden units and of the weights of edges at every node."""
        hidden, n_nodes = self.edge_model.hidden(self._both_inputs(snapshots, pairs)), snapshots.positions.shape[-2]
        if self.third_law:
            hidden = jnp.stack([hidden[0] - hidden[1], hidden[1] - hidden[0]])
        acts = snapshots.forward[..., None], snapshots.backward[..., None]
        summed = sum_at_ends(pairs, acts[0] * hidden[0], acts[1] * hidden[1], n_nodes)
        return summed, sum_at_ends(pairs, *acts, n_nodes)

    def _summed_by_receiver(self, snapshots: Snapshots) -> tuple[Array, Array]:
        """The same where every pair interacts: edges in the order of their receivers, whose sum moves no data."""
        n_nodes = snapshots.positions.shape[-2]
        receivers, senders, order = CompletePairs.directed(n_nodes)
        weights = jnp.concatenate([snapshots.forward, snapshots.backward], axis=-1)[..., order, None]
        acts = snapshots.forward + snapshots.backward
        acts = jnp.concatenate([acts, acts], axis=-1)[..., order, None] > 0
        seen = snapshots.positions, snapshots.velocities, self._node(snapshots)
        ends = [(array[..., receivers, :], array[..., senders, :]) for array in seen]
        hidden = self.edge_model.hidden(self._edge_inputs(acts, *ends))
        by_receiver = (*hidden.shape[:-2], n_nodes, n_nodes - 1, -1)
        hidden, weights = (weights * hidden).reshape(by_receiver), weights.reshape(by_receiver)
        return jnp.sum(hidden, axis=-2), jnp.sum(weights, axis=-2)

    def edge_messages(
        self, snapshots: Snapshots, pairs: PairIndex
    ) -> tuple[Float[Array, "*batch pairs message_dim"], Float[Array, "*batch pairs message_dim"]]:
        """Mean messages, masked, to the first and to the second of each pair."""
        statistics = self.edge_statistics(snapshots, pairs)
        return statistics.forward, statistics.backward

    def edge_statistics(self, snapshots: Snapshots, pairs: PairIndex) -> EdgeStatistics:
        """Mean messages and, in a KL network, logarithms of their variances."""
        raw = self.edge_model(self._both_inputs(snapshots, pairs))
        log_variance = None
        if self.size == "kl":
            raw, log_variance = raw[..., : self.message_dim], raw[..., self.message_dim :]
        if self.third_law:
            raw = jnp.stack([raw[0] - raw[1], raw[1] - raw[0]])
            log_variance = None if log_variance is None else 0.5 * (log_variance + log_variance[::-1])
        if self.features == "scaled":
            raw = bounded_sinh(raw)
        raw = raw * jax.lax.stop_gradient(self.mask)
        return EdgeStatistics(*raw, *(() if log_variance is None else log_variance))

    def predict(
        self, snapshots: Snapshots, statistics: EdgeStatistics, pairs: PairIndex, key: PRNGKeyArray | None = None
    ) -> Float[Array, "*batch nodes dim"]:
        """Accelerations from messages that are known already.

        Args:
            snapshots: The states.
            statistics: Their messages.
            pairs: Their pairs.
            key: Samples the messages of a KL network; None takes the means.

        Returns:
            One vector for each node.
        """
        forward, backward = statistics.forward, statistics.backward
        if key is not None and self.size == "kl":
            forward, backward = self._sampled(statistics, key)
        n_nodes = snapshots.positions.shape[-2]
        acts = snapshots.forward[..., None], snapshots.backward[..., None]
        summed = sum_at_ends(pairs, forward * acts[0], backward * acts[1], n_nodes)
        return self.node_prediction(snapshots, summed)

    def node_prediction(
        self, snapshots: Snapshots, summed: Float[Array, "*batch nodes message_dim"]
    ) -> Float[Array, "*batch nodes dim"]:
        """The node model's accelerations from aggregated messages."""
        s, features = self.scales, self._node(snapshots)
        if self.features == "published":
            position = () if self.translation else (snapshots.positions,)
            return self.node_model(jnp.concatenate([*position, snapshots.velocities, features, summed], axis=-1))
        position = () if self.translation else (snapshots.positions / s.position,)
        inputs = [*position, snapshots.velocities / s.speed, features, jnp.arcsinh(summed)]
        return s.acceleration * bounded_sinh(self.node_model(jnp.concatenate(inputs, axis=-1)))

    def _sampled(self, statistics: EdgeStatistics, key: PRNGKeyArray) -> tuple[Array, Array]:
        """Draw each message from its distribution; under the third law the noise is shared."""
        noise = jax.random.normal(key, (2, *statistics.forward.shape), statistics.forward.dtype)
        forward = statistics.forward + jnp.exp(0.5 * statistics.forward_log_variance) * noise[0]
        if self.third_law:
            return forward, -forward
        return forward, statistics.backward + jnp.exp(0.5 * statistics.backward_log_variance) * noise[1]

    def _node(self, snapshots: Snapshots) -> Float[Array, "*batch nodes variables"]:
        """What both functions see of the attributes of a node."""
        published = self.features == "published"
        return snapshots.attributes if published else self.scales.node_features(snapshots.attributes)

    def _both_inputs(self, snapshots: Snapshots, pairs: PairIndex) -> Float[Array, "2 *batch pairs inputs"]:
        """What the edge model sees in either direction, for one product of matrices."""
        ends = [_ends(array, pairs) for array in (snapshots.positions, snapshots.velocities, self._node(snapshots))]
        acts = (snapshots.forward + snapshots.backward)[..., None] > 0
        swapped = [(sender, receiver) for receiver, sender in ends]
        return jnp.stack([self._edge_inputs(acts, x, v, features) for x, v, features in (ends, swapped)])

    def _edge_inputs(self, acts: Array, positions: "_Ends", velocities: "_Ends", features: "_Ends") -> Array:
        """What the edge model sees of each receiver and its sender."""
        s = self.scales
        # A message that weighs nothing must still be finite, wherever its ends are.
        x = [jnp.where(acts, end, 0.0) for end in positions]
        v = [jnp.where(acts, end, 0.0) for end in velocities]
        if self.features == "published":
            if not self.translation:
                return jnp.concatenate([x[0], v[0], features[0], x[1], v[1], features[1]], axis=-1)
            return jnp.concatenate([x[0] - x[1], v[0] - v[1], *features], axis=-1)
        displacement = jnp.where(acts, x[0] - x[1], s.length)
        distance = safe_norm(displacement, s.length)
        inputs = [displacement / s.length, displacement / distance[..., None], s.distance_feature(distance)]
        inputs += [(v[0] - v[1]) / s.speed, *features]
        if not self.translation:
            inputs += [x[0] / s.position, v[0] / s.speed]
        return jnp.concatenate(inputs, axis=-1)


_Ends = tuple[Array, Array]


def _ends(array: Array, pairs: PairIndex) -> _Ends:
    """Rows of the receiver and of the sender of each pair."""
    return array[..., pairs.first, :], array[..., pairs.second, :]


def build_message_network(config: MessageConfig, scales: Scales, dim: int, *, key: PRNGKeyArray) -> MessageNetwork:
    """Make an untrained message network.

    Args:
        config: Its form.
        scales: Typical sizes of the data.
        dim: Dimension of space.
        key: Decides the weights.

    Returns:
        The network, with NumPy weights in float32, drawn as `draw_layers` says.

    Raises:
        InputError: If space has no dimension.
    """
    if dim < 1:
        raise InputError(f"space needs at least one dimension; got {dim}")
    generator = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel().tolist())
    n_attributes, components = len(scales.attributes), config.components(dim)
    positions = 0 if config.translation else dim
    n_edge = 2 * dim + 2 * positions + 2 * n_attributes + (dim + 1 if config.features == "scaled" else 0)
    n_node = dim + positions + n_attributes + components
    outputs = 2 * components if config.size == "kl" else components

    def draw(n_inputs: int, n_outputs: int) -> Layers:
        shape = {"width": config.width, "depth": config.depth, "activation": config.activation}
        return draw_layers(n_inputs, n_outputs, generator=generator, **shape)

    return MessageNetwork(
        edge_model=draw(n_edge, outputs),
        node_model=draw(n_node, dim),
        mask=np.ones(components, np.float32),
        scales=scales,
        config=config,
        message_dim=components,
    )
