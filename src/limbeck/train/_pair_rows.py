"""Snapshots laid out for the fit of couplings: one place for each receiver and sender."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.interpolate import BSpline

from limbeck.graphs import GraphDataset
from limbeck.trajectories import object_index, objects_return

from ._loss import error_weights

DEGREE = 4
CELL = 0.35  # width of a spline's cell in log-distance: a power of the distance is met to a few parts in a million


@dataclass(frozen=True, kw_only=True, eq=False)
class PairRows:
    """Snapshots with every directed pair in its place, receiver before sender.

    Attributes:
        logs: Logarithm of the distance.
        unit: Unit vector from sender to receiver; 0 where the sender does not act.
        velocities: Velocities.
        targets: Accelerations.
        weights: One over the size at which an error counts as 1, less where a standard error is larger than most; 0
            where there is no target.
        slots: Which object of its group each particle is.
        groups: Which group each snapshot belongs to: groups share no object.
        systems: The simulations, in order; each is a group where no object returns.
        n_groups: Number of groups.
        n_slots: Largest number of objects of a group.
        attributes: Given properties by name.
    """

    logs: Float[np.ndarray, "rows nodes nodes"]
    unit: Float[np.ndarray, "rows nodes nodes dim"]
    velocities: Float[np.ndarray, "rows nodes dim"]
    targets: Float[np.ndarray, "rows nodes dim"]
    weights: Float[np.ndarray, "rows nodes"]
    slots: Int[np.ndarray, "rows nodes"]
    groups: Int[np.ndarray, " rows"]
    systems: Int[np.ndarray, " some_systems"]
    n_groups: int
    n_slots: int
    attributes: dict[str, Float[np.ndarray, "rows nodes"]]

    @property
    def acts(self) -> Bool[np.ndarray, "rows nodes nodes"]:
        """Whether the sender acts on the receiver."""
        return np.any(self.unit != 0, axis=-1)

    @cached_property
    def met(self) -> Bool[np.ndarray, "groups slots slots"]:
        """Which object ever acts on which, receiver before sender; on itself where two particles are alike."""
        found = np.zeros((self.n_groups, self.n_slots, self.n_slots), dtype=bool)
        group, receiver, sender = np.broadcast_arrays(
            self.groups[:, None, None], self.slots[:, :, None], self.slots[:, None, :]
        )
        acts = self.acts
        found[group[acts], receiver[acts], sender[acts]] = True
        return found

    @cached_property
    def pairs(self) -> tuple[Int[np.ndarray, " pairs"], Int[np.ndarray, " pairs"]]:
        """Both objects of every pair; each is a pair with itself where any meets one that is alike."""
        alike = bool(np.einsum("gss->s", self.met).any())
        low, high = np.triu_indices(self.n_slots, k=0 if alike else 1)
        return low, high

    def relative_velocities(self) -> Float[np.ndarray, "rows nodes nodes dim"]:
        """Velocity of the receiver minus that of the sender; 0 where the sender does not act."""
        return np.where(self.acts[..., None], self.velocities[:, :, None] - self.velocities[:, None], 0.0)

    def weighted_targets(self) -> Float[np.ndarray, "rows nodes dim"]:
        """Accelerations in units of the size at which an error counts as 1."""
        return self.targets * self.weights[..., None]


def lay_out_pairs(dataset: GraphDataset, chosen: Int[np.ndarray, "rows 2"]) -> PairRows:
    """Lay out some snapshots.

    Args:
        dataset: The graphs.
        chosen: Rows of (system, time).

    Returns:
        The snapshots; systems that share no particles are groups of their own.
    """
    batch, n = dataset.batch(chosen), dataset.trajectories.n_nodes
    first, second = dataset.pairs.first, dataset.pairs.second
    x = batch.positions
    away = x[:, :, None] - x[:, None]
    distance = np.linalg.norm(away, axis=-1)
    acts = np.zeros((len(chosen), n, n), dtype=bool)
    acts[:, first, second] = batch.forward > 0
    acts[:, second, first] = batch.backward > 0
    acts &= distance > 0
    safe = np.where(acts, distance, 1.0)
    objects = object_index(dataset.trajectories)
    systems, groups = np.unique(chosen[:, 0], return_inverse=True)
    if objects_return(dataset.trajectories):
        distinct, slots = np.unique(objects, return_inverse=True)
        slots, n_slots, groups, n_groups = slots.reshape(objects.shape), len(distinct), np.zeros_like(groups), 1
    else:
        slots, n_slots, n_groups = np.broadcast_to(np.arange(n), objects.shape), n, len(systems)
    here = slots[chosen[:, 0]]
    there = batch.targeted()
    weights = np.zeros(there.shape)
    sizes = np.linalg.norm(batch.targets[there], axis=-1)
    # An acceleration that is known badly, and says so, counts for less.
    weights[there] = error_weights(sizes, here[there] if n_groups == 1 else None) * batch.weights[there]
    return PairRows(
        logs=np.log(np.where(acts, distance, np.median(safe[acts]))),
        unit=np.where(acts[..., None], away / safe[..., None], 0.0),
        velocities=batch.velocities,
        targets=batch.targets,
        weights=weights,
        slots=here,
        groups=groups,
        systems=systems,
        n_groups=n_groups,
        n_slots=n_slots,
        attributes={name: batch.attributes[..., k] for k, name in enumerate(dataset.attribute_names)},
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class LogSplines:
    """Splines of the logarithm of the distance.

    Attributes:
        knots: Knots of the splines, ends repeated.
    """

    knots: Float[np.ndarray, " knots"]

    @classmethod
    def over(cls, logs: Float[np.ndarray, " samples"]) -> "LogSplines":
        """Splines over a range.

        Args:
            logs: Logarithms of distances.

        Returns:
            Splines with even cells.
        """
        low, high = float(logs.min()) - 1e-6, float(logs.max()) + 1e-6
        inner = np.linspace(low, high, max(4, int(np.ceil((high - low) / CELL))) + 1)
        return cls(knots=np.concatenate([[low] * DEGREE, inner, [high] * DEGREE]))

    @property
    def count(self) -> int:
        """Number of splines."""
        return len(self.knots) - DEGREE - 1

    @property
    def ends(self) -> tuple[float, float]:
        """Lowest and highest logarithm."""
        return float(self.knots[0]), float(self.knots[-1])

    @property
    def centres(self) -> Float[np.ndarray, " splines"]:
        """Mean of the knots of each spline, at which its coefficient tells most."""
        return np.array([self.knots[k + 1 : k + 1 + DEGREE].mean() for k in range(self.count)])

    def __call__(self, logs: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape splines"]:
        """Value of every spline.

        Args:
            logs: Logarithms of distances; those outside count as the nearer end.

        Returns:
            The values.
        """
        flat = np.clip(logs.ravel(), *self.ends)
        return BSpline.design_matrix(flat, self.knots, DEGREE).toarray().reshape(*logs.shape, self.count)
