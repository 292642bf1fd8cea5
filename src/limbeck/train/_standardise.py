"""Features and targets of sparse graphs in units of their own spread."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from limbeck._errors import InputError
from limbeck.graphs import SparseGraph
from limbeck.models import LEVELS


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
        """The graph with its features in these units.

        Args:
            graph: Features in the units of the training graphs.

        Returns:
            The same graph in single precision.

        Raises:
            InputError: If it has another number of features than the training graphs.
        """
        for name in ("nodes", "edges", "globals"):
            expected, got = getattr(self, name).shape[1], np.shape(getattr(graph, name))[-1]
            if got != expected:  # one column would be spread over all of them without a word
                raise InputError(f"{name}: the network was trained on {expected} features, the graph has {got}")
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
    graphs: Sequence[SparseGraph],
    targets: Sequence[Float[np.ndarray, "_ outputs"]],
    *,
    level: str = "node",
    centre_edges: bool,
) -> Standards:
    """Measure centres and spreads; of graphs that only fill up a batch nothing counts.

    Args:
        graphs: The training graphs.
        targets: Their targets.
        level: What has targets, one of `LEVELS`.
        centre_edges: Whether edge features may be shifted; not where they are weights themselves.

    Returns:
        The standards.
    """
    real = [_of_real_graphs(graph) for graph in graphs]
    nodes, edges, wholes = (
        [_rows(np.asarray(getattr(graph, name)), kept[place]) for graph, kept in zip(graphs, real, strict=True)]
        for place, name in enumerate(("nodes", "edges", "globals"))
    )
    place = LEVELS.index(level)
    return Standards(
        nodes=_standard(nodes),
        edges=_standard(edges) if centre_edges else _size(edges),
        globals=_standard(wholes),
        targets=_standard([_rows(table, kept[place]) for table, kept in zip(targets, real, strict=True)]),
    )


def _of_real_graphs(graph: SparseGraph) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Which nodes, edges and graphs don't just fill up a batch, in the order of `LEVELS`."""
    whole = np.asarray(graph.graph_weights) > 0
    node = whole[np.asarray(graph.node_graph)]
    return node, node[np.asarray(graph.receivers)], whole


def _rows(table: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The kept rows; the table itself where all are, so that sums run in its own order."""
    return table if kept.all() else table[kept]


def _size(parts: Sequence[np.ndarray]) -> Float[np.ndarray, "2 columns"]:
    """Centre 0 and root mean square of each column."""
    squares = [np.sum(np.asarray(part, float) ** 2, axis=0) for part in parts]
    size = np.sqrt(np.sum(squares, axis=0) / max(sum(len(part) for part in parts), 1))
    return np.stack([np.zeros_like(size), np.where(size > 0, size, 1.0)])


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
