"""Sparse graphs: features of nodes, edges and whole graphs, and a list of who sends to whom.

Several graphs lie in one record, one after the other, so that a network sees a batch as one
large graph without edges between its parts. `pad_graph` rounds a batch up to fixed sizes, so
that batches of different graphs run in one compiled program. `Snapshots` are the other kind:
dense batches of states over one shared list of pairs.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float, Int

from limbeck._errors import InputError


class SparseGraph(NamedTuple):
    """One graph or several, in arrays of any library; make one with `sparse_graph`.

    Attributes:
        nodes: Features of each node.
        edges: Features of each edge; no columns where edges have none.
        globals: Features of each graph; no columns where graphs have none.
        senders: Node that each edge starts from.
        receivers: Node that it leads to.
        node_graph: Graph that each node belongs to, ascending.
        graph_weights: 1 for a graph, 0 for one that only fills up a batch.
    """

    nodes: Float[Any, "nodes features"]
    edges: Float[Any, "edges edge_features"]
    globals: Float[Any, "graphs global_features"]
    senders: Int[Any, " edges"]
    receivers: Int[Any, " edges"]
    node_graph: Int[Any, " nodes"]
    graph_weights: Float[Any, " graphs"]

    @property
    def n_node(self) -> Int[np.ndarray, " graphs"]:
        """Nodes of each graph."""
        return np.bincount(self.node_graph, minlength=len(self.globals))

    @property
    def n_edge(self) -> Int[np.ndarray, " graphs"]:
        """Edges of each graph."""
        return np.bincount(np.asarray(self.node_graph)[self.receivers], minlength=len(self.globals))

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Number of nodes, edges and graphs, those that fill up included."""
        return len(self.nodes), len(self.senders), len(self.globals)


def sparse_graph(
    nodes: Float[np.ndarray, "nodes features"],
    senders: Int[np.ndarray, " edges"],
    receivers: Int[np.ndarray, " edges"],
    *,
    edges: Float[np.ndarray, "edges edge_features"] | None = None,
    globals: Float[np.ndarray, " global_features"] | None = None,
) -> SparseGraph:
    """Make one graph of checked arrays.

    Args:
        nodes: Features of each node.
        senders: Node that each edge starts from.
        receivers: Node that it leads to.
        edges: Features of each edge; None for none.
        globals: Features of the whole graph; None for none.

    Returns:
        A graph in float32 and int32, on the host.

    Raises:
        InputError: If shapes don't agree, a feature is not finite, or an edge leads out of the graph.
    """
    edges = np.zeros((len(senders), 0)) if edges is None else np.asarray(edges)
    whole = np.zeros(0) if globals is None else np.asarray(globals)
    if np.ndim(nodes) != 2 or len(nodes) == 0:
        raise InputError(f"nodes: expected shape (nodes, features) with at least one node, got {np.shape(nodes)}")
    if whole.ndim != 1:
        raise InputError(f"globals: expected one row of features, got shape {whole.shape}")
    _check_edges(senders, receivers, edges, len(nodes))
    return SparseGraph(
        nodes=_finite("nodes", nodes),
        edges=_finite("edges", edges),
        globals=_finite("globals", whole[None]),
        senders=np.asarray(senders, dtype=np.int32),
        receivers=np.asarray(receivers, dtype=np.int32),
        node_graph=np.zeros(len(nodes), dtype=np.int32),
        graph_weights=np.ones(1, dtype=np.float32),
    )


def _check_edges(senders: np.ndarray, receivers: np.ndarray, edges: np.ndarray, n_nodes: int) -> None:
    """Refuse edges whose arrays don't agree or that lead out of the graph."""
    if np.ndim(senders) != 1 or np.shape(senders) != np.shape(receivers):
        raise InputError(f"an edge needs a sender and a receiver; got {np.shape(senders)} and {np.shape(receivers)}")
    if edges.ndim != 2 or len(edges) != len(senders):
        raise InputError(f"edges: expected shape ({len(senders)}, features), got {edges.shape}")
    for name, ends in (("senders", senders), ("receivers", receivers)):
        if not np.issubdtype(np.asarray(ends).dtype, np.integer):
            raise InputError(f"{name}: expected whole numbers of nodes, got {np.asarray(ends).dtype}")
        if len(ends) and not (np.min(ends) >= 0 and np.max(ends) < n_nodes):
            raise InputError(f"{name}: expected nodes 0 to {n_nodes - 1}, got {np.min(ends)} to {np.max(ends)}")


def _finite(name: str, features: np.ndarray) -> Float[np.ndarray, "rows features"]:
    """Features in training precision, all of them numbers."""
    with np.errstate(over="ignore"):
        values = np.asarray(features, dtype=np.float32)
    if not np.isfinite(values).all():
        raise InputError(f"{name}: some features are undefined or too large for single precision")
    return values


def batch_graphs(graphs: Sequence[SparseGraph]) -> SparseGraph:
    """Lay several graphs one after the other into one record.

    Args:
        graphs: At least one, all with as many features.

    Returns:
        One record; nodes, edges and graphs in the order given.

    Raises:
        InputError: If there is no graph, or the numbers of features differ.
    """
    if not graphs:
        raise InputError("a batch needs at least one graph")
    for name in ("nodes", "edges", "globals"):
        widths = sorted({getattr(graph, name).shape[1] for graph in graphs})
        if len(widths) > 1:
            raise InputError(f"{name}: graphs of one batch need as many features; got {widths}")
    node_starts = np.cumsum([0] + [len(graph.nodes) for graph in graphs[:-1]])
    graph_starts = np.cumsum([0] + [len(graph.globals) for graph in graphs[:-1]])
    return SparseGraph(
        nodes=np.concatenate([graph.nodes for graph in graphs]),
        edges=np.concatenate([graph.edges for graph in graphs]),
        globals=np.concatenate([graph.globals for graph in graphs]),
        senders=_shifted([graph.senders for graph in graphs], node_starts),
        receivers=_shifted([graph.receivers for graph in graphs], node_starts),
        node_graph=_shifted([graph.node_graph for graph in graphs], graph_starts),
        graph_weights=np.concatenate([graph.graph_weights for graph in graphs]),
    )


def _shifted(parts: list[np.ndarray], starts: Int[np.ndarray, " graphs"]) -> Int[np.ndarray, " entries"]:
    """Indices of each part counted from where its graph starts in the batch."""
    return np.concatenate([part + np.int32(start) for part, start in zip(parts, starts, strict=True)])


def pad_graph(graph: SparseGraph, *, n_nodes: int, n_edges: int, n_graphs: int) -> SparseGraph:
    """Fill a batch up to fixed sizes with graphs that weigh nothing.

    Added nodes have features 0 and belong to the first added graph; added edges lead from added
    nodes to themselves, so that nothing reaches a node that was there.

    Args:
        graph: One graph or a batch.
        n_nodes: Number of nodes to reach.
        n_edges: Number of edges to reach.
        n_graphs: Number of graphs to reach.

    Returns:
        A batch of exactly these sizes, the original one first.

    Raises:
        InputError: If the batch is larger than that, or edges are to be added without a node, or nodes without a graph.
    """
    more_nodes, more_edges, more_graphs = np.subtract((n_nodes, n_edges, n_graphs), graph.sizes).tolist()
    if min(more_nodes, more_edges, more_graphs) < 0:
        raise InputError(f"a batch of {graph.sizes} nodes, edges, graphs exceeds {(n_nodes, n_edges, n_graphs)}")
    if (more_edges and not more_nodes) or (more_nodes and not more_graphs):
        raise InputError("filling up needs a node for the added edges and a graph for the added nodes")
    start, first_graph = len(graph.nodes), len(graph.globals)
    # Spread over the added nodes in ascending order: receiver-major stays so, and no node draws all of them.
    loops = start + np.arange(more_edges, dtype=np.int64) * more_nodes // max(more_edges, 1)
    return SparseGraph(
        nodes=_longer(graph.nodes, more_nodes),
        edges=_longer(graph.edges, more_edges),
        globals=_longer(graph.globals, more_graphs),
        senders=np.concatenate([graph.senders, loops.astype(np.int32)]),
        receivers=np.concatenate([graph.receivers, loops.astype(np.int32)]),
        node_graph=np.concatenate([graph.node_graph, np.full(more_nodes, first_graph, np.int32)]),
        graph_weights=_longer(graph.graph_weights, more_graphs),
    )


def _longer(array: np.ndarray, more: int) -> np.ndarray:
    """The array with rows of zeros after it."""
    return np.concatenate([array, np.zeros((more, *array.shape[1:]), array.dtype)])
