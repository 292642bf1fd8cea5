"""Features and targets of sparse graphs in units of their own spread."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from limbeck.graphs import SparseGraph


class Standards(NamedTuple):
    """Centre and spread of every column of some training graphs; a column with one value has spread 1.

    Attributes:
        nodes: Centres and spreads of the features of nodes, in two rows.
        edges: The same of edges.
        globals: The same of whole graphs.
        targets: The same of the targets.
    """

    nodes: Float[np.ndarray, "2 features"]
    edges: Float[np.ndarray, "2 edge_features"]
    globals: Float[np.ndarray, "2 global_features"]
    targets: Float[np.ndarray, "2 outputs"]

    def scaled(self, graph: SparseGraph) -> SparseGraph:
        """The graph with its features in these units."""
        return graph._replace(
            nodes=_to_units(graph.nodes, self.nodes),
            edges=_to_units(graph.edges, self.edges),
            globals=_to_units(graph.globals, self.globals),
        )

    def scaled_targets(self, targets: Float[np.ndarray, "entries outputs"]) -> Float[np.ndarray, "entries outputs"]:
        """Targets in these units, in single precision."""
        return _to_units(targets, self.targets)

    def restored(self, predicted: Float[np.ndarray, "entries outputs"]) -> Float[np.ndarray, "entries outputs"]:
        """Predictions in the units of the targets, in double precision."""
        return np.asarray(predicted, dtype=float) * self.targets[1] + self.targets[0]


def measure_standards(
    graphs: Sequence[SparseGraph], targets: Sequence[Float[np.ndarray, "_ outputs"]], *, centre_edges: bool
) -> Standards:
    """Measure centres and spreads.

    Args:
        graphs: The training graphs.
        targets: Their targets.
        centre_edges: Whether edge features may be shifted; not where they are weights themselves.

    Returns:
        The standards.
    """
    edges = _standard([graph.edges for graph in graphs])
    if not centre_edges:
        squares = [np.sum(np.asarray(graph.edges, float) ** 2, axis=0) for graph in graphs]
        size = np.sqrt(np.sum(squares, axis=0) / max(sum(len(graph.edges) for graph in graphs), 1))
        edges = np.stack([np.zeros_like(size), np.where(size > 0, size, 1.0)])
    return Standards(
        nodes=_standard([graph.nodes for graph in graphs]),
        edges=edges,
        globals=_standard([graph.globals for graph in graphs]),
        targets=_standard(targets),
    )


def _standard(parts: Sequence[np.ndarray]) -> Float[np.ndarray, "2 columns"]:
    """Centre and spread of each column."""
    table = np.concatenate(parts).astype(float)
    if len(table) == 0:
        return np.stack([np.zeros(table.shape[1]), np.ones(table.shape[1])])
    centre, spread = table.mean(axis=0), table.std(axis=0)
    # The mean of equal numbers is off by rounding, and so is their spread.
    same = spread <= 1e-7 * np.abs(centre)
    return np.stack([centre, np.where(same, 1.0, spread)])


def _to_units(table: np.ndarray, standard: Float[np.ndarray, "2 columns"]) -> Float[np.ndarray, "rows columns"]:
    """A table less its centre, over its spread."""
    return ((table - standard[0]) / standard[1]).astype(np.float32)
