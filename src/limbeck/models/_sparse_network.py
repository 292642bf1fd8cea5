"""Graph networks on sparse graphs, for targets of nodes, edges or whole graphs.

A `GraphBlock` is one round: messages along the edges, aggregated at the receiver, and a node model
that turns them into the node's state. `SparseNetwork` runs some rounds and reads the result out at
its level. Each node sees the features of its graph beside its own.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int, PRNGKeyArray

from limbeck._errors import InputError
from limbeck.graphs import SparseGraph

from ._aggregate import aggregate
from ._flavours import AbstractMessage, Attentional, Convolutional, FlavourConfig, MessagePassing
from ._layers import Layers, draw_layers
from ._slabs import in_slabs

_Draw = Callable[[int, int], Layers]  # of inputs and outputs
LEVELS = ("node", "edge", "graph")


class GraphBlock(eqx.Module):
    """One round of message passing.

    Attributes:
        message: The flavour of the edge.
        node_model: Perceptron φᵛ of a node's features and its aggregated message.
        aggregation: "sum", "mean" or "max".
    """

    message: AbstractMessage
    node_model: Layers
    aggregation: str = eqx.field(static=True)

    def __call__(
        self,
        nodes: Float[Array, "nodes features"],
        edges: Float[Any, "edges edge_features"],
        senders: Int[Any, " edges"],
        receivers: Int[Any, " edges"],
    ) -> tuple[Float[Array, "nodes state"], Float[Array, "edges message_dim"]]:
        """New state of every node, and the messages that led to it."""
        messages = self.message(nodes, edges, senders, receivers)
        aggregated = aggregate(messages, receivers, len(nodes), self.aggregation)
        return self.node_model(jnp.concatenate([nodes, aggregated], axis=-1)), messages


class NodeReadout(eqx.Module):
    """A function of each node's state.

    Attributes:
        node_model: The perceptron; None where the state is the prediction itself.
    """

    node_model: Layers | None

    def __call__(
        self, graph: SparseGraph, state: Float[Array, "nodes state"], messages: Float[Array, "edges message_dim"]
    ) -> Float[Array, "nodes outputs"]:
        """Predictions for every node."""
        del graph, messages  # what they say has reached the state
        return state if self.node_model is None else self.node_model(state)


class EdgeReadout(eqx.Module):
    """A function of an edge, its message and the states of its ends.

    Attributes:
        edge_model: Perceptron of the states of receiver and sender, the edge's features and the message.
    """

    edge_model: Layers

    def __call__(
        self, graph: SparseGraph, state: Float[Array, "nodes state"], messages: Float[Array, "edges message_dim"]
    ) -> Float[Array, "edges outputs"]:
        """Predictions for every edge."""
        ends = [state[graph.receivers], state[graph.senders]]
        return in_slabs(self.edge_model, jnp.concatenate([*ends, jnp.asarray(graph.edges), messages], axis=-1))


class GlobalModel(eqx.Module):
    """The global model φᵘ: a function of all nodes and all messages of a graph.

    Attributes:
        network: Perceptron of the aggregated states, the aggregated messages and the graph's features.
        aggregation: "sum", "mean" or "max" over the nodes and over the edges of each graph.
    """

    network: Layers
    aggregation: str = eqx.field(static=True)

    def __call__(
        self, graph: SparseGraph, state: Float[Array, "nodes state"], messages: Float[Array, "edges message_dim"]
    ) -> Float[Array, "graphs outputs"]:
        """Predictions for every graph."""
        node_graph, n_graphs = jnp.asarray(graph.node_graph), len(graph.globals)
        of_nodes = aggregate(state, node_graph, n_graphs, self.aggregation)
        of_edges = aggregate(messages, node_graph[graph.receivers], n_graphs, self.aggregation)
        return self.network(jnp.concatenate([of_nodes, of_edges, jnp.asarray(graph.globals)], axis=-1))


class SparseNetwork(eqx.Module):
    """Rounds of message passing and a readout.

    In every round a node sees its own features, those of its graph and its state of the round before.

    Attributes:
        blocks: The rounds; a single one stands for all where they share their weights.
        readout: What is made of the last round.
        rounds: Number of rounds.
        first_state: Entries of the state, all zero, that goes into the first round.
    """

    blocks: tuple[GraphBlock, ...]
    readout: NodeReadout | EdgeReadout | GlobalModel
    rounds: int = eqx.field(static=True)
    first_state: int = eqx.field(static=True)

    def states_and_messages(
        self, graph: SparseGraph
    ) -> tuple[Float[Array, "nodes state"], Float[Array, "edges message_dim"]]:
        """State of every node and message of every edge in the last round."""
        nodes = jnp.concatenate([jnp.asarray(graph.nodes), jnp.asarray(graph.globals)[graph.node_graph]], axis=-1)
        edges = jnp.asarray(graph.edges)
        state, messages = jnp.zeros((len(nodes), self.first_state), nodes.dtype), edges
        for number in range(self.rounds):
            block = self.blocks[number % len(self.blocks)]
            state, messages = block(jnp.concatenate([nodes, state], axis=-1), edges, graph.senders, graph.receivers)
        return state, messages

    def __call__(self, graph: SparseGraph) -> Float[Array, "entries outputs"]:
        """Predictions for every node, edge or graph; those of what only fills up a batch mean nothing."""
        return self.readout(graph, *self.states_and_messages(graph))


def build_sparse_network(
    config: FlavourConfig,
    n_node_features: int,
    n_edge_features: int,
    n_global_features: int,
    n_outputs: int,
    *,
    level: str = "node",
    key: PRNGKeyArray,
) -> SparseNetwork:
    """Make an untrained network for sparse graphs.

    Args:
        config: The flavour of its edges and its size.
        n_node_features: Features of a node.
        n_edge_features: Features of an edge, may be 0.
        n_global_features: Features of a graph, may be 0.
        n_outputs: Numbers to predict for each node, edge or graph.
        level: What is predicted for: "node", "edge" or "graph".
        key: Decides the weights.

    Returns:
        The network, with NumPy weights in float32. A node-level prediction comes from the last
        round's node model itself, unless rounds share their weights.

    Raises:
        InputError: If the level is unknown, a number is out of range, or the flavour can't use the edge features.
    """
    if level not in LEVELS:
        raise InputError(f"unknown level {level!r}; known: {', '.join(LEVELS)}")
    if n_outputs < 1 or min(n_node_features, n_edge_features, n_global_features) < 0:
        raise InputError("a network needs at least one output and no negative number of features")
    if n_node_features + n_global_features == 0:
        raise InputError("a network needs at least one feature of a node or of its graph; a column of ones will do")
    _check_edge_features(config, n_edge_features)
    generator = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel().tolist())

    def draw(n_inputs: int, n_outputs: int) -> Layers:
        return draw_layers(
            n_inputs, n_outputs, width=config.hidden, depth=config.depth, activation="silu", generator=generator
        )

    shared = config.share_weights and config.rounds > 1
    direct = level == "node" and not shared
    n_seen = n_node_features + n_global_features
    states_out = [config.hidden] * (config.rounds - 1) + [n_outputs if direct else config.hidden]
    states_in = [0, *states_out[:-1]]
    if shared:
        states_in, states_out = [config.hidden], [config.hidden]
    blocks = tuple(
        GraphBlock(
            message=_message(config, n_seen + n_in, n_edge_features, draw),
            node_model=draw(n_seen + n_in + config.message_dim, n_out),
            aggregation=config.aggregation,
        )
        for n_in, n_out in zip(states_in, states_out, strict=True)
    )
    return SparseNetwork(
        blocks,
        _readout(config, level, direct, n_edge_features, n_global_features, n_outputs, draw),
        config.rounds,
        states_in[0],
    )


def _check_edge_features(config: FlavourConfig, n_edge_features: int) -> None:
    """Refuse a convolution that lacks the features it needs, or would silently leave them out."""
    if config.kind != "convolutional":
        return
    if config.convolution == "edges" and n_edge_features == 0:
        raise InputError("convolution 'edges' takes its weights from edge features, and there are none")
    if config.convolution != "edges" and n_edge_features > 0:
        raise InputError(
            f"convolution {config.convolution!r} would not see the {n_edge_features} edge features; "
            "take convolution='edges', another kind, or leave the features out"
        )


def _message(config: FlavourConfig, n_features: int, n_edge_features: int, draw: _Draw) -> AbstractMessage:
    """The flavour of the edge that the settings ask for."""
    n_pair = 2 * n_features + n_edge_features
    if config.kind == "message-passing":
        return MessagePassing(draw(n_pair, config.message_dim))
    if config.kind == "attentional":
        return Attentional(draw(n_features, config.message_dim), draw(n_pair, 1), config.attention)
    n_weights = n_edge_features if config.convolution == "edges" else 1
    return Convolutional(draw(n_features, n_weights * config.message_dim), config.convolution)


def _readout(
    config: FlavourConfig,
    level: str,
    direct: bool,
    n_edge_features: int,
    n_global_features: int,
    n_outputs: int,
    draw: _Draw,
) -> NodeReadout | EdgeReadout | GlobalModel:
    """What is made of the last round."""
    if level == "node":
        return NodeReadout(None if direct else draw(config.hidden, n_outputs))
    if level == "edge":
        return EdgeReadout(draw(2 * config.hidden + n_edge_features + config.message_dim, n_outputs))
    n_inputs = config.hidden + config.message_dim + n_global_features
    return GlobalModel(draw(n_inputs, n_outputs), config.aggregation)
