"""Fit a law's constants and a property of every object at once, and say what the data determine.

Where the same objects stand in every snapshot, the largest value is the unit. Where
each simulation has objects of its own, the mean size of all is, and normal equations
are solved simulation by simulation, since only the constants are shared.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck._types import Constants
from limbeck.graphs import GraphDataset
from limbeck.trajectories import object_index, objects_return

from ._law import Law
from ._property_slopes import PropertySlopes
from ._states import Objects, States, states_of

STEPS = 40
FEWEST = 12  # snapshots of each group, where there are as many
MOST_ROWS = 12_000  # snapshots of groups that share nothing
MOST_RETURNING = 1_500  # snapshots where all objects return
CHUNKS = 20  # stretches of time whose errors count as independent
CERTAIN = 3.0  # standard errors that a value must lie from zero to be determined
RIDGE = 1e-13


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedProperties:
    """A property of every object, fitted together with a law.

    Attributes:
        law: The law with its constants.
        name: The property.
        values: Value of every particle; the scale is free.
        standard_errors: Their standard errors, infinite where nothing is known.
        determined: Whether each lies three standard errors from zero.
        constant_errors: Standard errors of the law's constants, the properties being unknown too.
        scale: What fixes the scale, in a sentence.
    """

    law: Law
    name: str
    values: Float[np.ndarray, "systems nodes"]
    standard_errors: Float[np.ndarray, "systems nodes"]
    determined: Bool[np.ndarray, "systems nodes"]
    constant_errors: Float[np.ndarray, " constants"]
    scale: str


def fit_properties(law: Law, name: str, dataset: GraphDataset) -> FittedProperties:
    """Fit constants and a property of every object to the accelerations of training snapshots.

    Args:
        law: The law, with constants to start from.
        name: The property, an attribute of the dataset with values to start from.
        dataset: The data.

    Returns:
        Law and property at the least squares, with errors and what fixes the scale.

    Source:
        Errors by blocks: Liang and Zeger (1986), Biometrika 73, 13; the elimination of a simulation's own
        unknowns is the usual Schur complement.
    """
    problem = _Problem.prepare(law, name, dataset)
    constants, values = problem.solved()
    values_error, constants_error = problem.errors(constants, values)
    objects = object_index(dataset.trajectories)
    place = np.searchsorted(problem.known, objects)
    place = np.minimum(place, len(problem.known) - 1)
    here = problem.known[place] == objects
    found = np.where(here, values[place], dataset.trajectories.attributes[name])
    error = np.where(here, values_error[place], np.inf)
    return FittedProperties(
        law=law.with_constants(constants),
        name=name,
        values=found,
        standard_errors=error,
        determined=np.abs(found) > CERTAIN * error,
        constant_errors=constants_error,
        scale=problem.scale(dataset),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Problem:
    """The least squares that are solved.

    Attributes:
        slopes: Accelerations and slopes.
        known: Objects that occur, in the numbering of the record.
        group: Group of each object.
        rows: Group of each particle.
        blocks: Which errors of particles count as dependent.
        unit: The object whose value is the unit; -1 where the mean of all is.
        start: Values to start from.
    """

    slopes: PropertySlopes
    known: Int[np.ndarray, " objects"]
    group: Int[np.ndarray, " objects"]
    rows: Int[np.ndarray, " particles"]
    blocks: Int[np.ndarray, " particles"]
    unit: int
    start: Float[np.ndarray, " objects"]

    @classmethod
    def prepare(cls, law: Law, name: str, dataset: GraphDataset) -> "_Problem":
        """Lay out the snapshots."""
        returning = objects_return(dataset.trajectories)
        states = states_of(dataset, _chosen(dataset, returning))
        assert states.objects is not None
        known = np.unique(np.concatenate([states.objects.particles, states.objects.senders]))
        objects = Objects(*(np.searchsorted(known, part) for part in states.objects))
        start = np.zeros(len(known))
        start[objects.particles] = states.nodes[f"{name}_1"]
        start[objects.senders] = states.edges[f"{name}_2"]
        if returning:
            group, slots, n_slots = np.zeros(len(known), dtype=int), np.arange(len(known)), len(known)
            unit = int(np.argmax(np.abs(start)))
            blocks = objects.particles * CHUNKS + (np.arange(len(states.targets)) * CHUNKS) // len(states.targets)
        else:
            n_slots = dataset.trajectories.n_nodes
            group = np.unique(known // n_slots, return_inverse=True)[1]
            slots, unit = known % n_slots, -1
            blocks = group[objects.particles]
        return cls(
            slopes=PropertySlopes(law=law, name=name, states=states, objects=objects, slots=slots, n_slots=n_slots),
            known=known,
            group=group,
            rows=group[objects.particles],
            blocks=np.unique(blocks, return_inverse=True)[1],
            unit=unit,
            start=start,
        )

    @property
    def states(self) -> States:
        """The snapshots."""
        return self.slopes.states

    def linear(self, constants: Constants, values: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weighted errors, and slopes in constants and slots; the unit does not move."""
        predicted, by_constants, by_slot = self.slopes(constants, values)
        weight = self.states.weights[:, None]
        if self.unit >= 0:
            by_slot[:, :, self.slopes.slots[self.unit]] = 0.0
        return (predicted - self.states.targets) * weight, by_constants * weight[..., None], by_slot * weight[..., None]

    def solved(self) -> tuple[Constants, np.ndarray]:
        """Levenberg-Marquardt steps, then the unit."""
        constants, values = self.slopes.law.constants, self.start.copy()
        error, by_c, by_s = self.linear(constants, values)
        cost, damping = _cost(error), 1e-6
        for _ in range(STEPS):
            normal = _Normal.of(error, by_c, by_s, self.rows, int(self.group.max()) + 1)
            step_c, step_s = normal.step(damping)
            new_c, new_v = constants - step_c, values - step_s[self.group, self.slopes.slots]
            trial = self.linear(new_c, new_v)
            if not _cost(trial[0]) < cost:
                damping *= 10.0
                if damping > 1e6:
                    break
                continue
            fall = 1.0 - _cost(trial[0]) / cost
            constants, values, (error, by_c, by_s), cost = new_c, new_v, trial, _cost(trial[0])
            damping = max(damping / 10.0, 1e-12)
            if fall < 1e-10:
                break
        return self._in_units(constants, values)

    def _in_units(self, constants: Constants, values: np.ndarray) -> tuple[Constants, np.ndarray]:
        """Values with the unit as 1, and the constants that go with them."""
        unit = values[self.unit] if self.unit >= 0 else np.mean(np.abs(values))
        values = values / unit
        for _ in range(STEPS):  # linear in the leading constant: a step or two
            error, by_c, _ = self.linear(constants, values)
            flat = by_c.reshape(error.size, -1)
            size = np.linalg.norm(flat, axis=0)
            size[size == 0] = 1.0
            step = np.linalg.lstsq(flat / size, error.ravel(), rcond=None)[0] / size
            trial = _cost(self.linear(constants - step, values)[0])
            if not trial < _cost(error) * (1.0 - 1e-12):
                break
            constants = constants - step
        return constants, values

    def errors(self, constants: Constants, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Standard errors of the values and of the constants."""
        error, by_c, by_s = self.linear(constants, values)
        if self.unit < 0:
            return self._errors_by_group(values, error, by_c, by_s)
        both = np.concatenate([by_c, by_s], axis=-1)
        # The unit is exact by its choice; what nothing depends on is known to no accuracy.
        found = _sandwich(error, both, self.blocks, self.slopes.objects.particles)
        by_object = found[by_c.shape[-1] :][self.slopes.slots]
        by_object[self.unit] = 0.0
        return by_object, found[: by_c.shape[-1]]

    def _errors_by_group(
        self, values: np.ndarray, error: np.ndarray, by_c: np.ndarray, by_s: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same where each simulation has objects of its own and the mean size is the unit."""
        normal = _Normal.of(error, by_c, by_s, self.rows, int(self.group.max()) + 1)
        weight = np.zeros(normal.groups.shape[:2])  # slope of the mean size in each value
        weight[self.group, self.slopes.slots] = np.sign(values) / len(values)
        inverse = normal.inverse()
        across = np.einsum("gpq,gqc->gpc", inverse, normal.shared)
        towards = np.einsum("gpq,gq->gp", inverse, weight)
        stiffness = max(float(np.sum(weight * towards)), np.finfo(float).tiny)
        tied = np.einsum("gp,gpc->c", weight, across) / stiffness
        across = across - towards[:, :, None] * tied  # the mean size stays as it is
        schur = normal.constants.sum(axis=0) - np.einsum("gpc,gpd->cd", normal.shared, across)
        scores = normal.gradient_c - np.einsum("gpc,gp->gc", across, normal.gradient_s)
        bread = np.linalg.pinv(schur, rcond=RIDGE, hermitian=True)
        n_groups = len(scores)
        middle = scores.T @ scores * (n_groups / max(n_groups - 1, 1))
        constants_error = np.sqrt(np.maximum(np.diag(bread @ middle @ bread), 0.0))
        freedom = max(error.size - len(values) - by_c.shape[-1], 1)
        variance = _cost(error) / freedom
        known = np.einsum("gpp->gp", normal.groups) > 0
        spread = np.where(known, np.sqrt(variance * np.maximum(np.einsum("gpp->gp", inverse), 0.0)), np.inf)
        return spread[self.group, self.slopes.slots], constants_error

    def scale(self, dataset: GraphDataset) -> str:
        """What fixes the scale."""
        name, t = self.slopes.name, dataset.trajectories
        if self.unit < 0:
            return f"only ratios of {name} are determined: the mean size of all is taken as 1"
        system, node = (int(i[0]) for i in np.nonzero(object_index(t) == self.known[self.unit]))
        who = t.particle_names[system][node] if t.particle_names else str(node)
        return f"only ratios of {name} are determined: that of {who} is taken as 1"


def _chosen(dataset: GraphDataset, returning: bool) -> Int[np.ndarray, "rows 2"]:
    """Training snapshots, evenly over the times of every simulation."""
    systems = np.unique(dataset.train[:, 0])
    most = MOST_RETURNING if returning else MOST_ROWS
    each = max(FEWEST, most // len(systems))
    parts = [dataset.train[dataset.train[:, 0] == system] for system in systems]
    return np.concatenate([p[np.unique(np.linspace(0, len(p) - 1, min(each, len(p))).astype(int))] for p in parts])


def _cost(error: np.ndarray) -> float:
    """Sum of squares, infinite where something is undefined."""
    with np.errstate(all="ignore"):
        value = float(np.sum(error**2))
    return value if np.isfinite(value) else np.inf


def _sandwich(
    error: np.ndarray, slopes: np.ndarray, blocks: np.ndarray, owners: np.ndarray
) -> Float[np.ndarray, " numbers"]:
    """Errors by blocks, and by what a bias of each object's accelerations would do."""
    flat = slopes.reshape(error.size, -1)
    size = np.linalg.norm(flat, axis=0)
    moving = size > 0
    kept = flat[:, moving] / size[moving]
    inverse = np.linalg.pinv(kept.T @ kept, rcond=RIDGE, hermitian=True)
    influence = np.einsum("pq,rdq->rdp", inverse, kept.reshape(*error.shape, -1)) * error[..., None]
    summed = np.zeros((int(blocks.max()) + 1, kept.shape[1]))
    np.add.at(summed, blocks, influence.sum(axis=1))
    count = len(summed)
    variance = np.sum(summed**2, axis=0) * count / max(count - 1, 1)
    # What a law leaves out (relativity, the figure of the Earth) pushes the same way at every time, and adds up
    # in the worst case; noise does not. The share of the error that one snapshot hands to the next tells them apart.
    systematic = np.zeros(kept.shape[1])
    for owner in np.unique(owners):
        mine = owners == owner
        reach = np.abs(influence[mine]).sum(axis=(0, 1))
        systematic += (_persistence(error[mine]) * reach) ** 2
    found = np.zeros(flat.shape[1])
    found[moving] = np.sqrt(variance + systematic) / size[moving]
    return np.where(moving, found, np.inf)


def _persistence(error: Float[np.ndarray, "times dim"]) -> float:
    """Correlation of errors of neighbouring times, as far as it is certain."""
    total = float(np.sum(error**2))
    if total == 0.0 or len(error) < 3:
        return 0.0
    share = float(np.sum(error[1:] * error[:-1])) / total
    return share if share > CERTAIN / np.sqrt(error.size) else 0.0


@dataclass(frozen=True, kw_only=True, eq=False)
class _Normal:
    """Normal equations, group by group."""

    groups: Float[np.ndarray, "groups slots slots"]
    shared: Float[np.ndarray, "groups slots constants"]
    constants: Float[np.ndarray, "groups constants constants"]
    gradient_s: Float[np.ndarray, "groups slots"]
    gradient_c: Float[np.ndarray, "groups constants"]

    @classmethod
    def of(cls, error: np.ndarray, by_c: np.ndarray, by_s: np.ndarray, rows: np.ndarray, n_groups: int) -> "_Normal":
        """Sum over particles."""

        def summed(terms: str, *arrays: np.ndarray) -> np.ndarray:
            each = np.einsum(terms, *arrays, optimize=True)
            total = np.zeros((n_groups, *each.shape[1:]))
            np.add.at(total, rows, each)
            return total

        return cls(
            groups=summed("rdp,rdq->rpq", by_s, by_s),
            shared=summed("rdp,rdc->rpc", by_s, by_c),
            constants=summed("rdc,rde->rce", by_c, by_c),
            gradient_s=summed("rdp,rd->rp", by_s, error),
            gradient_c=summed("rdc,rd->rc", by_c, error),
        )

    def inverse(self, damping: float = 0.0) -> Float[np.ndarray, "groups slots slots"]:
        """Inverse of each group's equations; an unknown that nothing depends on has none."""
        size = np.sqrt(np.einsum("gpp->gp", self.groups))
        size[size == 0] = 1.0
        scaled = self.groups / (size[:, :, None] * size[:, None, :])
        scaled = scaled + (damping + RIDGE) * np.eye(scaled.shape[1])
        return np.linalg.inv(scaled) / (size[:, :, None] * size[:, None, :])

    def step(self, damping: float) -> tuple[Constants, Float[np.ndarray, "groups slots"]]:
        """One damped step in constants and slots."""
        inverse = self.inverse(damping)
        across = np.einsum("gpq,gqc->gpc", inverse, self.shared)
        own = np.einsum("gpq,gq->gp", inverse, self.gradient_s)
        total = self.constants.sum(axis=0)
        schur = total + damping * np.diag(np.diag(total)) - np.einsum("gpc,gpd->cd", self.shared, across)
        right = self.gradient_c.sum(axis=0) - np.einsum("gpc,gp->c", self.shared, own)
        size = np.sqrt(np.maximum(np.diag(total), np.finfo(float).tiny))
        step_c = np.linalg.lstsq(schur / np.outer(size, size), right / size, rcond=RIDGE)[0] / size
        return step_c, own - across @ step_c
