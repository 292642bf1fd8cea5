"""The three flavours of the edge: what a sender says to a receiver.

With receiver i, sender j, edge features e and learned functions ψ and a, the message is

- message passing: ψ(x_i, x_j, e_ij), which includes the other two;
- attentional: a(x_i, x_j, e_ij) ψ(x_j), one learned weight on what the sender says to all;
- convolutional: c_ij ψ(x_j), its weight fixed by the graph.

The last two evaluate ψ once for each node and not for each edge.

Source: Bronstein, Bruna, Cohen, Veličković (2021), arXiv 2104.13478, section 5.3. There a is often
normalised; here both are on offer, since a weight that sums to 1 can't count its senders.
"""

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float, Int

from limbeck._errors import InputError

from ._aggregate import AGGREGATIONS, counts, normalised_weights
from ._layers import Layers
from ._slabs import in_slabs

_CHOICES = {
    "kind": ("message-passing", "attentional", "convolutional"),
    "aggregation": AGGREGATIONS,
    "attention": ("softmax", "free"),
    "convolution": ("one", "degrees", "edges"),
}
_OWNERS = {"attention": "attentional", "convolution": "convolutional"}


@dataclass(frozen=True, kw_only=True)
class FlavourConfig:
    """How messages are made, aggregated and repeated.

    Attributes:
        kind: "message-passing", "attentional" or "convolutional".
        aggregation: "sum", "mean" or "max" of messages at the receiver, and of nodes and messages in a graph.
        rounds: How many times messages are passed.
        hidden: Units in each hidden layer, and entries of a node's state between rounds.
        depth: Hidden layers of every learned function.
        message_dim: Components of a message.
        share_weights: Whether all rounds use the same functions.
        attention: Of attentional edges: "softmax" weights sum to 1 at each receiver, "free" ones are any number.
        convolution: Of convolutional edges: the weight is "one", 1/√(d_i d_j) of the numbers of edges that
            arrive at i and leave j ("degrees"), or each edge feature in turn ("edges").
    """

    kind: str = "message-passing"
    aggregation: str = "sum"
    rounds: int = 1
    hidden: int = 64
    depth: int = 2
    message_dim: int = 16
    share_weights: bool = False
    attention: str = "softmax"
    convolution: str = "one"

    def __post_init__(self) -> None:
        """Check choices and ranges.

        Raises:
            InputError: If a choice is unknown or belongs to another kind, or a size is not positive.
        """
        for name, allowed in _CHOICES.items():
            if getattr(self, name) not in allowed:
                raise InputError(f"unknown {name} {getattr(self, name)!r}; known: {', '.join(allowed)}")
        for name, kind in _OWNERS.items():
            if self.kind != kind and getattr(self, name) != _CHOICES[name][0]:
                raise InputError(f"{name} is a matter of {kind} edges; these are {self.kind}")
        for name in ("rounds", "hidden", "message_dim"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1; got {getattr(self, name)}")
        if self.depth < 0:
            raise InputError(f"depth must not be negative; got {self.depth}")


class AbstractMessage(eqx.Module):
    """What every flavour gives: one message for each edge."""

    @abstractmethod
    def __call__(
        self,
        nodes: Float[Array, "nodes features"],
        edges: Float[Any, "edges edge_features"],
        senders: Int[Any, " edges"],
        receivers: Int[Any, " edges"],
    ) -> Float[Array, "edges message_dim"]:
        """Messages from senders to receivers."""


class MessagePassing(AbstractMessage):
    """Any function of receiver, sender and edge.

    Attributes:
        message: Perceptron of the features of receiver, sender and edge, in this order.
    """

    message: Layers

    def __call__(
        self,
        nodes: Float[Array, "nodes features"],
        edges: Float[Any, "edges edge_features"],
        senders: Int[Any, " edges"],
        receivers: Int[Any, " edges"],
    ) -> Float[Array, "edges message_dim"]:
        """Messages from senders to receivers."""
        return in_slabs(self.message, jnp.concatenate([nodes[receivers], nodes[senders], edges], axis=-1))


class Attentional(AbstractMessage):
    """A learned weight of receiver, sender and edge, times what the sender says to all.

    Attributes:
        value: Perceptron of the sender's features.
        score: Perceptron with one output, of the features of receiver, sender and edge.
        attention: "softmax" or "free".
    """

    value: Layers
    score: Layers
    attention: str = eqx.field(static=True)

    def weights(
        self,
        nodes: Float[Array, "nodes features"],
        edges: Float[Any, "edges edge_features"],
        senders: Int[Any, " edges"],
        receivers: Int[Any, " edges"],
    ) -> Float[Array, " edges"]:
        """Weight of each edge."""
        scores = in_slabs(self.score, jnp.concatenate([nodes[receivers], nodes[senders], edges], axis=-1))[:, 0]
        return scores if self.attention == "free" else normalised_weights(scores, receivers, len(nodes))

    def __call__(
        self,
        nodes: Float[Array, "nodes features"],
        edges: Float[Any, "edges edge_features"],
        senders: Int[Any, " edges"],
        receivers: Int[Any, " edges"],
    ) -> Float[Array, "edges message_dim"]:
        """Messages from senders to receivers."""
        return self.weights(nodes, edges, senders, receivers)[:, None] * self.value(nodes)[senders]


class Convolutional(AbstractMessage):
    """Weights that the graph fixes, times what the sender says to all.

    With several weights on an edge the message is Σ_k c^k_ij ψ^k(x_j).

    Attributes:
        value: Perceptron of the sender's features, with as many outputs as components for each weight.
        convolution: "one", "degrees" or "edges".
    """

    value: Layers
    convolution: str = eqx.field(static=True)

    def weights(
        self,
        edges: Float[Any, "edges edge_features"],
        senders: Int[Any, " edges"],
        receivers: Int[Any, " edges"],
        n_nodes: int,
    ) -> Float[Any, "edges weights"]:
        """Weights of each edge."""
        if self.convolution == "edges":
            return edges
        if self.convolution == "one":
            return jnp.ones((len(senders), 1))
        leaving, arriving = counts(senders, n_nodes), counts(receivers, n_nodes)
        return 1.0 / jnp.sqrt(leaving[senders] * arriving[receivers])[:, None]

    def __call__(
        self,
        nodes: Float[Array, "nodes features"],
        edges: Float[Any, "edges edge_features"],
        senders: Int[Any, " edges"],
        receivers: Int[Any, " edges"],
    ) -> Float[Array, "edges message_dim"]:
        """Messages from senders to receivers."""
        weights = self.weights(edges, senders, receivers, len(nodes))
        said = self.value(nodes)[senders]
        n_edges, n_weights = weights.shape
        return jnp.sum(weights[:, :, None] * said.reshape(n_edges, n_weights, said.shape[1] // n_weights), axis=1)
