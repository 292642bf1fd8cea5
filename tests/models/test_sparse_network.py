"""What every flavour of the edge promises on sparse graphs, asked of untrained networks."""

import functools

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from limbeck._errors import InputError
from limbeck.graphs import batch_graphs, pad_graph, sparse_graph
from limbeck.models import FlavourConfig, MessagePassing, build_sparse_network

N_NODES, N_EDGES = 7, 14
FULL = {"n_nodes": 16, "n_edges": 31, "n_graphs": 4}  # room for two graphs and some to fill it up
SEEDS = st.integers(0, 2**32 - 1)
few = settings(max_examples=5)
FLAVOURS = {
    "message-passing": {"kind": "message-passing"},
    "softmax": {"kind": "attentional"},
    "free": {"kind": "attentional", "attention": "free"},
    "one": {"kind": "convolutional"},
    "degrees": {"kind": "convolutional", "convolution": "degrees"},
    "edges": {"kind": "convolutional", "convolution": "edges"},
}
MEMBERS = [  # each flavour with one aggregation, level and way to repeat; every member compiles for seconds
    ("message-passing", "sum", "node", False),
    ("message-passing", "max", "graph", True),
    ("softmax", "mean", "edge", False),
    ("free", "sum", "graph", True),
    ("one", "max", "node", False),
    ("degrees", "sum", "node", True),
    ("edges", "mean", "edge", False),
]
every_member = pytest.mark.parametrize("member", MEMBERS, ids=lambda m: "-".join(map(str, m)))
every_flavour = pytest.mark.parametrize("name", FLAVOURS)


def sees_edges(name):
    return name not in ("one", "degrees")


@functools.cache
def network_of(name, aggregation="sum", level="node", shared=False, rounds=2):
    config = FlavourConfig(
        **FLAVOURS[name], aggregation=aggregation, rounds=rounds, hidden=8, depth=1, message_dim=5, share_weights=shared
    )
    return build_sparse_network(config, 3, 2 * sees_edges(name), 1, 2, level=level, key=jax.random.key(0))


predicted = eqx.filter_jit(lambda network, graph: network(graph))


def graph_of(seed, name, n_nodes=N_NODES, n_edges=N_EDGES):
    """A random graph whose last node has no edge; some edges come twice, some are loops."""
    rng = np.random.default_rng(seed)
    ends = rng.integers(max(n_nodes - 1, 1), size=(2, n_edges))
    edges = rng.normal(size=(n_edges, 2 * sees_edges(name)))
    return sparse_graph(rng.normal(size=(n_nodes, 3)), *ends, edges=edges, globals=rng.normal(size=1))


def close(got, expected):
    return np.allclose(got, expected, rtol=1e-4, atol=1e-5)


def reordered(graph, nodes, edges):
    """The same graph with its nodes and edges listed in another order."""
    place = np.argsort(nodes).astype(np.int32)
    return graph._replace(
        nodes=graph.nodes[nodes],
        edges=graph.edges[edges],
        senders=place[graph.senders[edges]],
        receivers=place[graph.receivers[edges]],
    )


@every_member
@few
@given(SEEDS)
def test_the_order_of_nodes_and_edges_does_not_matter(member, seed) -> None:
    network, graph = network_of(*member), graph_of(seed, member[0])
    rng = np.random.default_rng(seed)
    nodes, edges = rng.permutation(N_NODES), rng.permutation(N_EDGES)
    before, after = (np.asarray(predicted(network, g)) for g in (graph, reordered(graph, nodes, edges)))
    order = {"node": nodes, "edge": edges, "graph": slice(None)}[member[2]]
    assert close(after, before[order])


@every_member
def test_a_batch_is_each_of_its_graphs_alone_and_filling_up_changes_nothing(member) -> None:
    network = network_of(*member)
    graphs = [graph_of(k, member[0]) for k in range(2)]
    alone = np.concatenate([np.asarray(predicted(network, graph)) for graph in graphs])
    full = pad_graph(batch_graphs(graphs), **FULL)
    assert close(np.asarray(predicted(network, full))[: len(alone)], alone)


def test_graphs_of_different_sizes_share_a_batch() -> None:
    network = network_of("message-passing", "mean", "graph")
    graphs = [graph_of(k, "message-passing", *size) for k, size in enumerate([(N_NODES, N_EDGES), (1, 0), (4, 6)])]
    alone = np.concatenate([np.asarray(predicted(network, graph)) for graph in graphs])
    assert close(predicted(network, batch_graphs(graphs)), alone)


@every_member
def test_values_and_gradients_are_finite_with_isolated_nodes_and_with_no_edge_at_all(member) -> None:
    network = network_of(*member)
    of = eqx.filter_jit(eqx.filter_value_and_grad(lambda network, graph: jnp.sum(network(graph) ** 2)))
    for graph in (graph_of(0, member[0]), graph_of(1, member[0], 3, 0)):
        leaves = jax.tree.leaves(of(network, pad_graph(graph, **FULL)))
        assert all(np.isfinite(np.asarray(leaf)).all() for leaf in leaves)


def numpy_layers(layers, x):
    """The perceptron written out in float64."""
    for weight, bias in zip(layers.weights[:-1], layers.biases[:-1], strict=True):
        x = x @ np.asarray(weight, float) + bias
        x = x / (1.0 + np.exp(-x))
    return x @ np.asarray(layers.weights[-1], float) + layers.biases[-1]


def looped_messages(block, name, x, graph):
    """Message of every edge of one flavour, one edge after the other."""
    ends = list(zip(graph.senders, graph.receivers, strict=True))
    pairs = [np.concatenate([x[i], x[j], e]) for (j, i), e in zip(ends, graph.edges, strict=True)]
    if name == "message-passing":
        return [numpy_layers(block.message.message, pair) for pair in pairs]
    said = [numpy_layers(block.message.value, x[j]) for j, _ in ends]
    if name in ("softmax", "free"):
        weights = np.array([numpy_layers(block.message.score, pair)[0] for pair in pairs])
        if name == "softmax":
            into = [np.exp(weights[graph.receivers == i]).sum() for _, i in ends]
            weights = np.exp(weights) / into
        return [w * m for w, m in zip(weights, said, strict=True)]
    if name == "edges":
        return [e[0] * m[:5] + e[1] * m[5:] for e, m in zip(graph.edges, said, strict=True)]
    leaving, arriving = np.bincount(graph.senders), np.bincount(graph.receivers)
    scale = [1.0 if name == "one" else 1.0 / np.sqrt(leaving[j] * arriving[i]) for j, i in ends]
    return [c * m for c, m in zip(scale, said, strict=True)]


@every_flavour
def test_every_flavour_is_its_formula_edge_by_edge(name) -> None:
    network, graph = network_of(name, "sum", "node", False, 2), graph_of(3, name)
    x = np.concatenate([graph.nodes, np.repeat(graph.globals, N_NODES, axis=0)], axis=1).astype(float)
    state = np.zeros((N_NODES, 0))
    for block in network.blocks:
        seen = np.concatenate([x, state], axis=1)
        summed = np.zeros((N_NODES, 5))
        for message, receiver in zip(looped_messages(block, name, seen, graph), graph.receivers, strict=True):
            summed[receiver] += message
        state = np.stack([numpy_layers(block.node_model, np.concatenate(p)) for p in zip(seen, summed, strict=True)])
    assert np.allclose(predicted(network, graph), state, atol=1e-5)


def test_on_a_complete_graph_sparse_messages_are_the_dense_ones() -> None:
    """The published form over all pairs at once: (nodes, nodes, features), the diagonal masked out."""
    network = network_of("message-passing", "sum", "node", False, 1)
    receivers, senders = np.nonzero(~np.eye(N_NODES, dtype=bool))
    rng = np.random.default_rng(5)
    edges = rng.normal(size=(N_NODES, N_NODES, 2)).astype(np.float32)
    nodes = rng.normal(size=(N_NODES, 3))
    graph = sparse_graph(nodes, senders, receivers, edges=edges[receivers, senders], globals=np.ones(1))
    block = network.blocks[0]
    assert isinstance(block.message, MessagePassing)
    x = jnp.concatenate([graph.nodes, np.ones((N_NODES, 1), np.float32)], axis=1)
    shape = (N_NODES, N_NODES, 4)
    pairs = [jnp.broadcast_to(x[:, None], shape), jnp.broadcast_to(x[None], shape), edges]
    messages = block.message.message(jnp.concatenate(pairs, axis=-1))
    summed = jnp.sum(messages * (1.0 - jnp.eye(N_NODES))[:, :, None], axis=1)
    assert np.allclose(predicted(network, graph), block.node_model(jnp.concatenate([x, summed], axis=-1)), atol=1e-5)


@few
@given(SEEDS)
def test_attention_is_shared_out_among_the_senders_of_each_receiver(seed) -> None:
    graph, message = graph_of(seed, "softmax"), network_of("softmax", rounds=1).blocks[0].message
    x = jnp.concatenate([graph.nodes, jnp.zeros((N_NODES, 1))], axis=1)
    weights = np.asarray(message.weights(x, graph.edges, graph.senders, graph.receivers))
    assert np.all(weights > 0)
    summed = np.bincount(graph.receivers, weights, minlength=N_NODES)
    assert np.allclose(summed, np.bincount(graph.receivers, minlength=N_NODES) > 0, atol=1e-5)


def test_rounds_reach_as_far_as_there_are_rounds() -> None:
    """On a chain 0 -> 1 -> 2 -> 3 a change at the start is felt one node further with each round."""
    for rounds, shared in ((1, False), (2, False), (3, True)):
        network = network_of("message-passing", "sum", "node", shared, rounds)
        rng = np.random.default_rng(0)
        nodes, edges = rng.normal(size=(4, 3)), rng.normal(size=(3, 2))
        chain = sparse_graph(nodes, np.arange(3), np.arange(1, 4), edges=edges, globals=np.zeros(1))
        moved = chain._replace(nodes=chain.nodes + np.eye(4, 3, dtype=np.float32) * [[1.0], [0.0], [0.0], [0.0]])
        change = np.any(np.asarray(predicted(network, moved)) != np.asarray(predicted(network, chain)), axis=1)
        assert change.tolist() == [k <= rounds for k in range(4)]
        assert len(network.blocks) == (1 if shared else rounds)  # rounds that share are one


def test_the_same_key_gives_the_same_weights() -> None:
    config = FlavourConfig(hidden=4, depth=1)
    first, second, other = (build_sparse_network(config, 2, 1, 0, 1, key=jax.random.key(k)) for k in (0, 0, 1))
    assert eqx.tree_equal(first, second)
    assert not eqx.tree_equal(first, other)


@pytest.mark.user_error
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "attention"}, "unknown kind 'attention'; known: message-passing"),
        ({"aggregation": "median"}, "unknown aggregation 'median'"),
        ({"attention": "free"}, "attention is a matter of attentional edges; these are message-passing"),
        ({"kind": "attentional", "convolution": "edges"}, "convolution is a matter of convolutional edges"),
        ({"rounds": 0}, "rounds must be at least 1; got 0"),
        ({"depth": -1}, "depth must not be negative"),
    ],
)
def test_settings_that_mean_nothing_are_refused(settings, message) -> None:
    with pytest.raises(InputError, match=message):
        FlavourConfig(**settings)


@pytest.mark.user_error
@pytest.mark.parametrize(
    ("settings", "sizes", "level", "message"),
    [
        ({}, (3, 0, 0, 1), "pair", "unknown level 'pair'; known: node, edge, graph"),
        ({}, (3, 0, 0, 0), "node", "at least one output"),
        ({}, (3, -1, 0, 1), "node", "no negative number"),
        ({}, (0, 2, 0, 1), "node", "at least one feature of a node or of its graph"),
        ({"kind": "convolutional"}, (3, 2, 0, 1), "node", "would not see the 2 edge features"),
        ({"kind": "convolutional", "convolution": "edges"}, (3, 0, 0, 1), "node", "there are none"),
    ],
)
def test_networks_that_cannot_be_are_refused(settings, sizes, level, message) -> None:
    with pytest.raises(InputError, match=message):
        build_sparse_network(FlavourConfig(**settings), *sizes, level=level, key=jax.random.key(0))
