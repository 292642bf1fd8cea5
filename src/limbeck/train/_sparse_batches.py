"""Sparse graphs with targets, dealt out into batches of one size."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import jax
import numpy as np
from jaxtyping import Array, Float, Int

from limbeck._errors import InputError
from limbeck.graphs import SparseGraph, batch_graphs, pad_graph
from limbeck.models import LEVELS

from ._standardise import Standards

Targets = Sequence[Float[np.ndarray, "_ outputs"]]


class SparseBatch(NamedTuple):
    """Graphs with their targets; with an axis before all others, several batches.

    Attributes:
        graph: The graphs of the batch as one record.
        targets: Target of each node, edge or graph.
        weights: 1 for a target, 0 for a row that only fills up.
    """

    graph: SparseGraph
    targets: Float[Array | np.ndarray, "*steps entries outputs"]
    weights: Float[Array | np.ndarray, "*steps entries"]


@dataclass(frozen=True, kw_only=True, eq=False)
class SparseDeck:
    """Graphs and targets, in the units of the training, from which batches are dealt.

    Attributes:
        graphs: The graphs.
        targets: Their targets.
        level: Which of its sizes a graph has targets for: a place in `LEVELS`.
        batch_size: Graphs in a batch.
    """

    graphs: Sequence[SparseGraph]
    targets: Targets
    level: int
    batch_size: int

    @classmethod
    def prepare(
        cls, graphs: Sequence[SparseGraph], targets: Targets, level: str, standards: Standards, batch_size: int
    ) -> "SparseDeck":
        """Bring graphs and targets to the units of the training."""
        return cls(
            graphs=[standards.scaled(graph) for graph in graphs],
            targets=[standards.scaled_targets(table) for table in targets],
            level=LEVELS.index(level),
            batch_size=min(batch_size, len(graphs)),
        )

    @property
    def n_batches(self) -> int:
        """Batches that all graphs make."""
        return -(-len(self.graphs) // self.batch_size)

    @property
    def sizes(self) -> tuple[int, int, int]:
        """Nodes, edges and graphs that hold any batch, and one more of each but edges to fill up with."""
        sizes = np.sort([graph.sizes for graph in self.graphs], axis=0)
        n_nodes, n_edges, n_graphs = sizes[-self.batch_size :].sum(axis=0).tolist()
        return n_nodes + 1, n_edges, n_graphs + 1

    def deal(self, order: Int[np.ndarray, " graphs"]) -> SparseBatch:
        """Lay the graphs into batches, in this order.

        Args:
            order: Numbers of the graphs, each of them once.

        Returns:
            All batches, the last one less full where the numbers don't divide.
        """
        starts = range(0, len(order), self.batch_size)
        batches = [self._batch(order[start : start + self.batch_size]) for start in starts]
        return jax.tree.map(lambda *parts: np.stack(parts), *batches)

    def _batch(self, chosen: Int[np.ndarray, " graphs"]) -> SparseBatch:
        """One batch, filled up."""
        n_nodes, n_edges, n_graphs = sizes = self.sizes
        joined = batch_graphs([self.graphs[int(k)] for k in chosen])
        graph = pad_graph(joined, n_nodes=n_nodes, n_edges=n_edges, n_graphs=n_graphs)
        table = np.concatenate([self.targets[int(k)] for k in chosen])
        targets = np.zeros((sizes[self.level], table.shape[1]), np.float32)
        targets[: len(table)] = table
        of_entry = (graph.node_graph, graph.node_graph[graph.receivers], np.arange(n_graphs))[self.level]
        return SparseBatch(graph, targets, graph.graph_weights[of_entry])


def check_targets(graphs: Sequence[SparseGraph], targets: Targets, level: str, part: str) -> None:
    """Refuse graphs and targets that don't fit together.

    Args:
        graphs: The graphs of one part of the data.
        targets: Their targets.
        level: What has targets.
        part: Name of the part, for the message.

    Raises:
        InputError: If there is no target, a table has the wrong shape, or a target is not finite.
    """
    if len(graphs) == 0 or len(graphs) != len(targets):
        raise InputError(f"{part}: expected a table of targets for each graph, got {len(targets)} for {len(graphs)}")
    n_outputs = np.shape(targets[0])[-1] if np.ndim(targets[0]) == 2 else 1
    for number, (graph, table) in enumerate(zip(graphs, targets, strict=True)):
        expected = (graph.sizes[LEVELS.index(level)], n_outputs)
        if np.shape(table) != expected:
            raise InputError(f"{part} targets of graph {number}: expected shape {expected}, got {np.shape(table)}")
        if not np.isfinite(table).all():
            raise InputError(f"{part} targets of graph {number}: some are infinite or undefined")
    if sum(len(table) for table in targets) == 0:
        raise InputError(f"{part}: the graphs have no {level} at all, so there is no target")
