"""Sparse graphs: what goes into a batch is what comes out, and nothing wrong goes in."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from limbeck._errors import InputError
from limbeck.graphs import batch_graphs, pad_graph, sparse_graph

SIZES = st.lists(st.tuples(st.integers(1, 6), st.integers(0, 9)), min_size=1, max_size=4)


def random_graph(rng, n_nodes, n_edges):
    ends = rng.integers(n_nodes, size=(2, n_edges))
    return sparse_graph(
        rng.normal(size=(n_nodes, 3)), *ends, edges=rng.normal(size=(n_edges, 2)), globals=rng.normal(size=1)
    )


@given(st.integers(0, 2**32 - 1), SIZES)
def test_every_graph_can_be_read_out_of_its_batch(seed, sizes) -> None:
    rng = np.random.default_rng(seed)
    graphs = [random_graph(rng, *size) for size in sizes]
    batch = batch_graphs(graphs)
    assert np.array_equal(batch.n_node, [n for n, _ in sizes])
    assert np.array_equal(batch.n_edge, [n for _, n in sizes])
    nodes = np.split(batch.nodes, np.cumsum(batch.n_node)[:-1])
    starts = np.cumsum(batch.n_node) - batch.n_node
    edges = np.split(np.arange(len(batch.senders)), np.cumsum(batch.n_edge)[:-1])
    for k, graph in enumerate(graphs):
        assert np.array_equal(nodes[k], graph.nodes)
        assert np.array_equal(batch.senders[edges[k]] - starts[k], graph.senders)
        assert np.array_equal(batch.receivers[edges[k]] - starts[k], graph.receivers)
        assert np.array_equal(batch.edges[edges[k]], graph.edges)
        assert np.array_equal(batch.globals[k], graph.globals[0])


@given(st.integers(0, 2**32 - 1), SIZES, st.tuples(*[st.integers(0, 5)] * 3))
def test_filling_up_keeps_what_was_there_and_joins_nothing_to_it(seed, sizes, more) -> None:
    rng = np.random.default_rng(seed)
    batch = batch_graphs([random_graph(rng, *size) for size in sizes])
    n_nodes, n_edges, n_graphs = batch.sizes
    more_nodes, more_edges, more_graphs = more[0] + 1, more[1], more[2] + 1
    full = pad_graph(batch, n_nodes=n_nodes + more_nodes, n_edges=n_edges + more_edges, n_graphs=n_graphs + more_graphs)
    assert full.sizes == (n_nodes + more_nodes, n_edges + more_edges, n_graphs + more_graphs)
    assert np.array_equal(full.senders[:n_edges], batch.senders)
    assert np.array_equal(full.nodes[:n_nodes], batch.nodes)
    assert np.all(full.senders[n_edges:] >= n_nodes)
    assert np.all(full.receivers[n_edges:] >= n_nodes)
    assert np.all(full.receivers[n_edges:] < full.sizes[0])
    assert np.all(np.diff(full.receivers[n_edges:]) >= 0)
    assert full.graph_weights.tolist() == [1.0] * n_graphs + [0.0] * more_graphs
    assert np.all(full.node_graph[n_nodes:] == n_graphs)


def test_a_batch_of_batches_is_one_batch() -> None:
    rng = np.random.default_rng(0)
    graphs = [random_graph(rng, *size) for size in ((2, 3), (4, 0), (1, 1), (3, 5))]
    nested = batch_graphs([batch_graphs(graphs[:2]), batch_graphs(graphs[2:])])
    assert all(np.array_equal(a, b) for a, b in zip(nested, batch_graphs(graphs), strict=True))


NODES, ENDS = np.ones((3, 2)), np.array([0, 2])


@pytest.mark.user_error
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: sparse_graph(np.ones(3), ENDS, ENDS), r"expected shape \(nodes, features\)"),
        (lambda: sparse_graph(NODES[:0], ENDS, ENDS), "at least one node"),
        (lambda: sparse_graph(NODES * np.nan, ENDS, ENDS), "nodes: some features are undefined"),
        (lambda: sparse_graph(NODES * 1e39, ENDS, ENDS), "too large for single precision"),
        (lambda: sparse_graph(NODES, ENDS, ENDS[:1]), "a sender and a receiver"),
        (lambda: sparse_graph(NODES, ENDS, ENDS + 1), "receivers: expected nodes 0 to 2, got 1 to 3"),
        (lambda: sparse_graph(NODES, ENDS - 1, ENDS), "senders: expected nodes 0 to 2, got -1 to 1"),
        (lambda: sparse_graph(NODES, ENDS * 1.0, ENDS), "whole numbers"),
        (lambda: sparse_graph(NODES, ENDS, ENDS, edges=np.ones((3, 1))), r"edges: expected shape \(2, features\)"),
        (lambda: sparse_graph(NODES, ENDS, ENDS, edges=np.full((2, 1), np.inf)), "edges: some features"),
        (lambda: sparse_graph(NODES, ENDS, ENDS, globals=np.ones((1, 1))), "one row of features"),
        (lambda: batch_graphs([]), "at least one graph"),
        (lambda: batch_graphs([sparse_graph(NODES[:, :w], ENDS, ENDS) for w in (1, 2)]), r"got \[1, 2\]"),
        (lambda: pad_graph(sparse_graph(NODES, ENDS, ENDS), n_nodes=2, n_edges=2, n_graphs=1), "exceeds"),
        (lambda: pad_graph(sparse_graph(NODES, ENDS, ENDS), n_nodes=3, n_edges=3, n_graphs=2), "needs a node"),
        (lambda: pad_graph(sparse_graph(NODES, ENDS, ENDS), n_nodes=4, n_edges=2, n_graphs=1), "a graph for"),
    ],
)
def test_what_is_no_graph_is_refused(make, message) -> None:
    with pytest.raises(InputError, match=message):
        make()
