"""The graph network: edge model, sum over senders, node model.

`GraphNetwork` maps snapshots to accelerations. Which edge and node model it
holds follows from the biases; `build_model` makes that choice in one place.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from limbeck._errors import InputError
from limbeck.graphs import GraphDataset, PairList, Snapshots

from ._biases import Biases
from ._edge_model import AbstractEdgeModel, PairGeometry, PotentialMessage, RadialMessage, VectorMessage
from ._networks import Perceptron, Scales, perceptron
from ._node_model import (
    AbstractField,
    AbstractInertia,
    AbstractNode,
    FreeField,
    FreeNode,
    Inertia,
    OneBodyField,
    safe_norm,
)

Numbers = Int[np.ndarray, " edges"]
_Draw = Callable[..., Perceptron]  # (inputs, outputs, factor on the last layer)
DENSE_LIMIT = 100_000  # above this many entries a sum over an incidence matrix costs more than a scatter


@dataclass(frozen=True, kw_only=True)
class ModelConfig:
    """Size of the learned functions.

    Attributes:
        width: Units in each hidden layer.
        depth: Hidden layers.
    """

    width: int = 64
    depth: int = 3

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            InputError: If a size is not positive.
        """
        if self.width < 1 or self.depth < 1:
            raise InputError(f"a network needs width and depth of at least 1; got {self.width} and {self.depth}")


class PairIndex(NamedTuple):
    """Which nodes make up each pair, as arrays of the training library.

    Attributes:
        first: Node that stands first.
        second: Node that stands second.
    """

    first: Int[Any, " pairs"]
    second: Int[Any, " pairs"]


class CompletePairs(PairIndex):
    """Every pair of nodes once, in the order of `numpy.triu_indices`; a type, so that compilation may count on it."""

    @staticmethod
    def directed(n_nodes: int) -> tuple[Numbers, Numbers, Numbers]:
        """Both directions of every pair, ordered by receiver and then by sender.

        Args:
            n_nodes: Number of nodes.

        Returns:
            Receivers, senders, and where each edge stands among those to the first of all pairs
            followed by those to the second.
        """
        first, second = np.triu_indices(n_nodes, k=1)
        receivers, senders = np.concatenate([first, second]), np.concatenate([second, first])
        order = np.lexsort((senders, receivers))
        return receivers[order], senders[order], order


class GraphNetwork(eqx.Module):
    """Messages between pairs, summed at the receiver, turned into accelerations.

    Attributes:
        edge_model: The message function.
        inertia: Inertia of the receiver under the second law.
        field: One-body forces, or None.
        node_model: The node model without the second law, or None.
        scales: Typical sizes of the data.
        biases: What the model assumes.
    """

    edge_model: AbstractEdgeModel
    inertia: AbstractInertia
    field: AbstractField | None
    node_model: AbstractNode | None
    scales: Scales = eqx.field(static=True)
    biases: Biases = eqx.field(static=True)

    @property
    def origin_free(self) -> bool:
        """Whether positions may be measured from anywhere without a change of the accelerations."""
        return self.biases.origin_free

    def pair_geometry(self, snapshots: Snapshots, pairs: PairIndex) -> PairGeometry:
        """Gather what the edge model sees of every pair."""
        x, v = snapshots.positions, snapshots.velocities
        features = self.scales.node_features(snapshots.attributes)
        first, second = (_take(x, v, features, index) for index in pairs)
        # A message that weighs nothing must still be finite, wherever its ends are.
        acts = (snapshots.forward + snapshots.backward)[..., None] > 0
        displacement = jnp.where(acts, first[0] - second[0], self.scales.length)
        return PairGeometry(
            displacement=displacement,
            relative_velocity=jnp.where(acts, first[1] - second[1], 0.0),
            distance=safe_norm(displacement, self.scales.length),
            first=first[2],
            second=second[2],
            first_position=jnp.where(acts, first[0], 0.0),
            second_position=jnp.where(acts, second[0], 0.0),
            first_velocity=jnp.where(acts, first[1], 0.0),
            second_velocity=jnp.where(acts, second[1], 0.0),
        )

    def __call__(self, snapshots: Snapshots, pairs: PairIndex) -> Float[Array, "*batch nodes dim"]:
        """Accelerations of every node."""
        x, v = snapshots.positions, snapshots.velocities
        forward, backward = self.edge_model.messages(self.pair_geometry(snapshots, pairs))
        forward = forward * snapshots.forward[..., None]
        backward = backward * snapshots.backward[..., None]
        n_nodes = x.shape[-2]
        summed = sum_at_ends(pairs, forward, backward, n_nodes)
        features = self.scales.node_features(snapshots.attributes)
        if self.node_model is not None:
            return self.node_model(summed, x, v, features)
        if self.field is not None:
            summed = summed + self.field(x, v, features)
        return summed / self.inertia(features)[..., None]


def _take(x: Array, v: Array, features: Array, index: Int[Any, " pairs"]) -> tuple[Array, Array, Array]:
    """Positions, velocities and features of the nodes at one end of the pairs."""
    return x[..., index, :], v[..., index, :], features[..., index, :]


def sum_at(
    index: Int[Any, " pairs"], messages: Float[Array, "*batch pairs message_dim"], n_nodes: int
) -> Float[Array, "*batch nodes message_dim"]:
    """Sum the messages of pairs at a node of each.

    Args:
        index: Node at which each message arrives.
        messages: One message for each pair.
        n_nodes: Number of nodes.

    Returns:
        The aggregated message of every node; 0 for a node that none arrives at.
    """
    if n_nodes * len(index) <= DENSE_LIMIT:
        incidence = jax.nn.one_hot(index, n_nodes, dtype=messages.dtype)
        return jnp.einsum("pn,...pd->...nd", incidence, messages)
    return jnp.moveaxis(jax.ops.segment_sum(jnp.moveaxis(messages, -2, 0), index, n_nodes), 0, -2)


def sum_at_ends(
    pairs: PairIndex,
    forward: Float[Array, "*batch pairs message_dim"],
    backward: Float[Array, "*batch pairs message_dim"],
    n_nodes: int,
) -> Float[Array, "*batch nodes message_dim"]:
    """Sum messages at both ends of their pairs.

    Args:
        pairs: The pairs.
        forward: Message to the first of each.
        backward: Message to the second.
        n_nodes: Number of nodes.

    Returns:
        The aggregated message of every node.
    """
    return sum_at(pairs.first, forward, n_nodes) + sum_at(pairs.second, backward, n_nodes)


def measure_scales(dataset: GraphDataset) -> Scales:
    """Take typical sizes from a part of the training snapshots.

    Args:
        dataset: The data; at most 2,000 training snapshots, evenly spaced, are looked at.

    Returns:
        Scales, none of them zero.

    Raises:
        InputError: If an attribute is too large or too small for single precision.
    """
    _check_attributes(dataset)
    step = max(1, len(dataset.train) // 2_000)
    batch = dataset.batch(dataset.train[::step])
    displacement = batch.positions[:, dataset.pairs.first] - batch.positions[:, dataset.pairs.second]
    acts = (batch.forward + batch.backward) > 0
    distance = np.linalg.norm(displacement, axis=-1)[acts]
    there = batch.targeted()
    attributes = batch.attributes[_involved(there, acts, dataset.pairs)]
    length = _positive(np.median(distance)) if len(distance) else 1.0
    return Scales(
        length=length,
        # A quarter of the 0.1 % quantile keeps the logarithm nearly linear in the data's own range.
        softening=_positive(0.25 * np.quantile(distance, 1e-3) if len(distance) else 0.0, 1e-3 * length),
        speed=_positive(np.sqrt(np.mean(np.sum(batch.velocities[there] ** 2, axis=-1)))),
        position=_positive(np.sqrt(np.mean(np.sum(batch.positions[there] ** 2, axis=-1)))),
        acceleration=_positive(np.mean(np.linalg.norm(batch.targets[there], axis=-1))),
        attributes=tuple(_positive(np.sqrt(np.mean(column**2))) for column in attributes.T),
        positive=tuple(bool(np.all(column > 0)) for column in attributes.T),
    )


def _check_attributes(dataset: GraphDataset) -> None:
    """Refuse attributes that single precision, in which networks see them, would take for infinite or for nothing."""
    t, single = dataset.trajectories, np.finfo(np.float32)
    least, most = float(single.tiny), float(single.max)
    there = t.present.any(axis=1)
    for name in dataset.attribute_names:
        largest = float(np.abs(t.attributes[name][there]).max())
        if largest and not least <= largest <= most:
            raise InputError(
                f"attribute {name!r} reaches {largest:g}, which networks can't take: single precision goes from "
                f"{least:.0e} to {most:.0e}; give it in another unit, {largest:.0e} times as large"
            )


def _involved(
    targeted: Bool[np.ndarray, "samples nodes"], acts: Bool[np.ndarray, "samples pairs"], pairs: PairList
) -> Bool[np.ndarray, "samples nodes"]:
    """Particles that have a target or stand in an interacting pair."""
    involved = targeted.copy()
    sample, pair = np.nonzero(acts)
    for end in (pairs.first, pairs.second):
        involved[sample, end[pair]] = True
    return involved


def _positive(value: float | np.floating, otherwise: float = 1.0) -> float:
    """The value where it is a positive number, else a stand-in."""
    value = float(value)
    return value if np.isfinite(value) and value > 0 else float(otherwise)


def build_model(biases: Biases, config: ModelConfig, scales: Scales, *, dim: int, key: PRNGKeyArray) -> GraphNetwork:
    """Make an untrained graph network that assumes the given biases.

    Args:
        biases: What the model may assume.
        config: Size of its functions.
        scales: Typical sizes of the data.
        dim: Dimension of space.
        key: Decides the weights.

    Returns:
        The network, with NumPy weights in float32.
    """
    generator = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel().tolist())
    n_attributes = len(scales.attributes)

    def draw(n_inputs: int, n_outputs: int, last: float = 1.0) -> Perceptron:
        return perceptron(n_inputs, n_outputs, width=config.width, depth=config.depth, generator=generator, last=last)

    edge_model = _edge_model(biases, scales, dim, draw)
    node_inputs = 2 * dim + n_attributes + (0 if biases.translation else dim)
    # Without the third law the messages take up any factor of the receiver, inertia included.
    learns_inertia = biases.second_law and biases.third_law and n_attributes > 0
    inertia = Inertia(draw(n_attributes, 1, 0.1) if learns_inertia else None)
    return GraphNetwork(
        edge_model=edge_model,
        inertia=inertia,
        field=_field(biases, scales, dim, draw),
        node_model=None if biases.second_law else FreeNode(draw(node_inputs, dim), scales, biases.translation),
        scales=scales,
        biases=biases,
    )


def _edge_model(biases: Biases, scales: Scales, dim: int, draw: _Draw) -> AbstractEdgeModel:
    """The message function that the biases allow."""
    n_attributes = len(scales.attributes)
    if biases.conservative:
        return PotentialMessage(draw(2 * n_attributes + 1, 1, 0.5), scales)
    if biases.rotation:
        transverse = dim == 2 and not biases.reflection
        network = draw(2 * n_attributes + 1, (3 if transverse else 2) + len(scales.of_both_signs), 0.5)
        return RadialMessage(network, scales, biases.third_law, transverse)
    n_inputs = 3 * dim + 1 + 2 * n_attributes + (0 if biases.translation else 2 * dim)
    return VectorMessage(draw(n_inputs, dim, 0.5), scales, biases.third_law, biases.translation)


def _field(biases: Biases, scales: Scales, dim: int, draw: _Draw) -> OneBodyField | FreeField | None:
    """The one-body forces that the biases allow."""
    n_attributes = len(scales.attributes)
    if not biases.field:
        return None
    if biases.free_field or not biases.rotation:
        return FreeField(draw(2 * dim + n_attributes, dim, 0.1), scales)
    return OneBodyField(
        draw(n_attributes + 1, 1, 0.1), draw(n_attributes + 1, 1, 0.1), draw(n_attributes, dim, 0.1), scales
    )
