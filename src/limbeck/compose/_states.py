"""States laid out for the evaluation of laws: one row for each edge, one for each particle.

A law is tried thousands of times on the same snapshots. Everything that does
not depend on it (distances, unit vectors, who receives what) is computed once
and kept as columns and sparse matrices in float64.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import scipy.sparse as sp
from jaxtyping import Bool, Float, Int

from limbeck.graphs import GraphDataset, PairList, Snapshots
from limbeck.train import SMALL, acted_on, error_weights, typical_size
from limbeck.trajectories import object_index, objects_return

AXES = "xyz"
MOST_PAIRS, FEWEST_SNAPSHOTS = 2_000_000, 5  # pairs that are laid out at once, in both directions
DERIVED = 1e-6  # what derivatives of exact positions miss is no noise, and many a term that nobody needs stands for it


class Objects(NamedTuple):
    """Which object stands where.

    Attributes:
        receivers: Object that each edge arrives at.
        senders: Object that each edge comes from.
        particles: Object of each particle with a target.
    """

    receivers: Int[np.ndarray, " edges"]
    senders: Int[np.ndarray, " edges"]
    particles: Int[np.ndarray, " particles"]


@dataclass(frozen=True, kw_only=True, eq=False)
class States:
    """Snapshots as columns by the names that equations use.

    Attributes:
        edges: Columns over directed edges: `r`, `dx`, `dvx`, attributes `_1` (receiver) and `_2` (sender).
        nodes: Columns over particles with a target: `x_1`, `vx_1`, `v_1`, `r_1`, attributes `_1`.
        gather: Sparse matrix (particles edges) that sums over the edges of a receiver.
        targets: Accelerations.
        weights: One over the size at which an error counts as 1.
        systems: Simulation of each particle, for errors that respect its correlations.
        objects: Which object stands where; None where that is not known.
        rounding: Relative error below which accelerations say nothing of a form.
    """

    edges: Mapping[str, Float[np.ndarray, " edges"]]
    nodes: Mapping[str, Float[np.ndarray, " particles"]]
    gather: sp.csr_matrix
    targets: Float[np.ndarray, "particles dim"]
    weights: Float[np.ndarray, " particles"]
    systems: Int[np.ndarray, " particles"]
    objects: Objects | None = None
    rounding: float = 0.0

    @property
    def dim(self) -> int:
        """Dimension of space."""
        return self.targets.shape[1]

    @property
    def attributes(self) -> list[str]:
        """Attributes of a particle, by the names of their columns."""
        coordinates = {f"{stem}{axis}_1" for stem in ("", "v") for axis in AXES[: self.dim]} | {"v_1", "r_1"}
        return [name for name in self.nodes if name not in coordinates]

    def relative_errors(self, predicted: Float[np.ndarray, "particles dim"]) -> Float[np.ndarray, " particles"]:
        """Errors |Δa| / (|a| + 1e-2 typical |a|), infinite where undefined."""
        size = np.linalg.norm(self.targets, axis=1)
        with np.errstate(all="ignore"):
            error = np.linalg.norm(predicted - self.targets, axis=1) / (size + SMALL * typical_size(size))
        return np.where(np.isfinite(error), error, np.inf)

    def acted_on(self, predicted: Float[np.ndarray, "particles dim"]) -> Bool[np.ndarray, " particles"]:
        """Which particles errors are counted of.

        Args:
            predicted: Accelerations.

        Returns:
            Those that a force acts on, by the data or by the prediction, as for networks.
        """
        return acted_on(np.linalg.norm(self.targets, axis=1), self.relative_errors(predicted))

    def counted_errors(self, predicted: Float[np.ndarray, "particles dim"]) -> Float[np.ndarray, " some_particles"]:
        """Relative errors of the particles that are acted on, by the data or by the prediction."""
        errors = self.relative_errors(predicted)
        return errors[acted_on(np.linalg.norm(self.targets, axis=1), errors)]


def thinned(dataset: GraphDataset, rows: Int[np.ndarray, "samples 2"], most: int) -> Int[np.ndarray, "kept 2"]:
    """Thin out snapshots evenly, to so many that they can be laid out in memory.

    Args:
        dataset: The graphs.
        rows: Snapshots (system, time).
        most: How many are kept at most; fewer where each holds many pairs.

    Returns:
        The kept ones.
    """
    most = min(most, max(FEWEST_SNAPSHOTS, MOST_PAIRS // max(len(dataset.pairs.first), 1)))
    return rows[:: max(1, -(-len(rows) // most))]


def states_of(
    dataset: GraphDataset, chosen: Int[np.ndarray, "samples 2"], sizes: Float[np.ndarray, "samples nodes"] | None = None
) -> States:
    """Lay out some snapshots of a dataset.

    Args:
        dataset: The graphs.
        chosen: Rows of (system, time).
        sizes: Sizes of the accelerations by which errors are weighed, if better known than from the data.

    Returns:
        Columns in float64.
    """
    trajectories = dataset.trajectories
    states = lay_out(
        dataset.batch(chosen),
        dataset.pairs,
        dataset.attribute_names,
        chosen[:, 0],
        sizes,
        objects=object_index(trajectories)[chosen[:, 0]],
        by_object=objects_return(trajectories),
    )
    return replace(states, rounding=DERIVED) if trajectories.accelerations_are == "derived" else states


def lay_out(
    batch: Snapshots,
    pairs: PairList,
    attribute_names: tuple[str, ...],
    systems: Int[np.ndarray, " samples"],
    sizes: Float[np.ndarray, "samples nodes"] | None = None,
    *,
    objects: Int[np.ndarray, "samples nodes"] | None = None,
    by_object: bool = False,
) -> States:
    """Lay out a batch of snapshots.

    Args:
        batch: The snapshots, on the host.
        pairs: Their pairs.
        attribute_names: Name of each column of the attributes.
        systems: Simulation of each snapshot.
        sizes: Sizes of the accelerations by which errors are weighed.
        objects: Which object each particle is.
        by_object: Whether each object is held against its own typical acceleration.

    Returns:
        Columns in float64.
    """
    there = batch.targeted()
    sample, receiver, sender = _directed_edges(batch, pairs, there)
    particle = np.full(there.shape, -1)
    particle[there] = np.arange(int(there.sum()))
    rows = particle[sample, receiver]
    gather = sp.csr_matrix((np.ones(len(rows)), (rows, np.arange(len(rows)))), shape=(int(there.sum()), len(rows)))
    known = np.linalg.norm(batch.targets, axis=-1) if sizes is None else sizes
    size = known[there]
    standing = None if objects is None else Objects(objects[sample, receiver], objects[sample, sender], objects[there])
    return States(
        edges=_edge_columns(batch, attribute_names, sample, receiver, sender),
        nodes=_node_columns(batch, attribute_names, there),
        gather=gather,
        targets=batch.targets[there],
        weights=error_weights(size, standing.particles if standing is not None and by_object else None),
        systems=np.broadcast_to(systems[:, None], there.shape)[there],
        objects=standing,
    )


def _directed_edges(
    batch: Snapshots, pairs: PairList, there: np.ndarray
) -> tuple[Int[np.ndarray, " edges"], Int[np.ndarray, " edges"], Int[np.ndarray, " edges"]]:
    """Sample, receiver and sender of every edge that arrives at a particle with a target."""
    # Two particles in one place exert nothing on each other, as in the simulator: the force has no direction.
    apart = np.sum((batch.positions[:, pairs.first] - batch.positions[:, pairs.second]) ** 2, axis=-1) > 0
    parts = []
    for weights, receivers, senders in (
        (batch.forward, pairs.first, pairs.second),
        (batch.backward, pairs.second, pairs.first),
    ):
        sample, pair = np.nonzero((weights > 0) & apart & there[:, receivers])
        parts.append((sample, receivers[pair], senders[pair]))
    sample, receiver, sender = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return sample, receiver, sender


def _edge_columns(
    batch: Snapshots, names: tuple[str, ...], sample: np.ndarray, receiver: np.ndarray, sender: np.ndarray
) -> dict[str, Float[np.ndarray, " edges"]]:
    """What equations may say of an edge."""
    displacement = batch.positions[sample, receiver] - batch.positions[sample, sender]
    relative = batch.velocities[sample, receiver] - batch.velocities[sample, sender]
    columns = {"r": np.linalg.norm(displacement, axis=-1)}
    for k in range(displacement.shape[1]):
        columns[f"d{AXES[k]}"] = displacement[:, k]
        columns[f"dv{AXES[k]}"] = relative[:, k]
    for k, name in enumerate(names):
        columns[f"{name}_1"] = batch.attributes[sample, receiver, k]
        columns[f"{name}_2"] = batch.attributes[sample, sender, k]
    return columns


def _node_columns(
    batch: Snapshots, names: tuple[str, ...], there: np.ndarray
) -> dict[str, Float[np.ndarray, " particles"]]:
    """What equations may say of one particle."""
    positions, velocities, attributes = batch.positions[there], batch.velocities[there], batch.attributes[there]
    columns = {
        "v_1": np.linalg.norm(velocities, axis=-1),
        "r_1": np.linalg.norm(positions, axis=-1),
    }
    for k in range(positions.shape[1]):
        columns[f"{AXES[k]}_1"] = positions[:, k]
        columns[f"v{AXES[k]}_1"] = velocities[:, k]
    for k, name in enumerate(names):
        columns[f"{name}_1"] = attributes[:, k]
    return columns
