"""Fit a law's constants and a property of every object at once, and say what the data determine.

Where the same objects stand in every snapshot, the largest value is the unit. Where
each simulation has objects of its own, the mean size of all is, and normal equations
are solved simulation by simulation, since only the constants are shared.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck._types import Constants
from limbeck.graphs import GraphDataset, spread_over_times
from limbeck.trajectories import object_index, objects_return

from ._block_errors import errors_by_block
from ._group_equations import RIDGE, GroupEquations, squares
from ._law import Law
from ._property_slopes import PropertySlopes
from ._prune import CERTAIN
from ._refit import ROUNDING
from ._states import Objects, States, states_of

STEPS = 40
FEWEST = 12  # snapshots of each group, where there are as many
MOST_ROWS = 12_000  # snapshots of groups that share nothing
MOST_RETURNING = 1_500  # snapshots where all objects return
CHUNKS = 20  # stretches of time whose errors count as independent


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedProperties:
    """A property of every object, fitted together with a law.

    Attributes:
        law: The law with its constants.
        name: The property.
        values: Value of every particle; the scale is free.
        standard_errors: Their standard errors, infinite where nothing is known.
        determined: Whether each lies three standard errors from zero.
        errors: Standard errors of the law's constants, the property being unknown too.
        misfit: Root mean square of the weighted errors.
        scale: What fixes the scale, in a sentence.
    """

    law: Law
    name: str
    values: Float[np.ndarray, "systems nodes"]
    standard_errors: Float[np.ndarray, "systems nodes"]
    determined: Bool[np.ndarray, "systems nodes"]
    errors: Float[np.ndarray, " constants"]
    misfit: float
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
    # Rounding in the data and the end of the iteration leave this much even where nothing is noisy.
    constants_error = constants_error + ROUNDING * np.abs(constants)
    values_error = values_error + ROUNDING * np.abs(values) * (np.arange(len(values)) != problem.unit)
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
        errors=constants_error,
        misfit=problem.misfit(constants, values),
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
        most = MOST_RETURNING if returning else MOST_ROWS
        each = max(FEWEST, most // len(np.unique(dataset.train[:, 0])))
        states = states_of(dataset, spread_over_times(dataset.train, each))
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
        cost, damping = squares(error), 1e-6
        for _ in range(STEPS):
            normal = GroupEquations.of(error, by_c, by_s, self.rows, int(self.group.max()) + 1)
            step_c, step_s = normal.step(damping)
            new_c, new_v = constants - step_c, values - step_s[self.group, self.slopes.slots]
            trial = self.linear(new_c, new_v)
            if not squares(trial[0]) < cost:
                damping *= 10.0
                if damping > 1e6:
                    break
                continue
            fall = 1.0 - squares(trial[0]) / cost
            constants, values, (error, by_c, by_s), cost = new_c, new_v, trial, squares(trial[0])
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
            trial = squares(self.linear(constants - step, values)[0])
            if not trial < squares(error) * (1.0 - 1e-12):
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
        found = errors_by_block(error, both, self.blocks, self.slopes.objects.particles)
        by_object = found[by_c.shape[-1] :][self.slopes.slots]
        by_object[self.unit] = 0.0
        return by_object, found[: by_c.shape[-1]]

    def _errors_by_group(
        self, values: np.ndarray, error: np.ndarray, by_c: np.ndarray, by_s: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same where each simulation has objects of its own and the mean size is the unit."""
        normal = GroupEquations.of(error, by_c, by_s, self.rows, int(self.group.max()) + 1)
        weight = np.zeros(normal.groups.shape[:2])  # slope of the mean size in each value
        weight[self.group, self.slopes.slots] = np.sign(values) / len(values)
        inverse = normal.inverse()
        across = np.einsum("gpq,gqc->gpc", inverse, normal.shared)
        towards = np.einsum("gpq,gq->gp", inverse, weight)
        stiffness = max(float(np.sum(weight * towards)), np.finfo(float).tiny)
        tied = np.einsum("gp,gpc->c", weight, across) / stiffness
        across = across - towards[:, :, None] * tied  # the mean size stays as it is
        schur = normal.constants.sum(axis=0) - np.einsum("gpc,gpd->cd", normal.shared, across)
        freedom = max(error.size - len(values) - by_c.shape[-1], 1)
        variance = squares(error) / freedom
        # Scores by group, as a sandwich needs them, are all zero: each group has numbers of its own to see to that.
        bread = np.linalg.pinv(schur, rcond=RIDGE, hermitian=True)
        constants_error = np.sqrt(variance * np.maximum(np.diag(bread), 0.0))
        known = np.einsum("gpp->gp", normal.groups) > 0
        spread = np.where(known, np.sqrt(variance * np.maximum(np.einsum("gpp->gp", inverse), 0.0)), np.inf)
        return spread[self.group, self.slopes.slots], constants_error

    def misfit(self, constants: Constants, values: np.ndarray) -> float:
        """Root mean square of the weighted errors."""
        error = self.linear(constants, values)[0]
        return float(np.sqrt(squares(error) / error.size))

    def scale(self, dataset: GraphDataset) -> str:
        """What fixes the scale."""
        name, t = self.slopes.name, dataset.trajectories
        if self.unit < 0:
            return f"only ratios of {name} are determined: the mean size of all is taken as 1"
        system, node = (int(i[0]) for i in np.nonzero(object_index(t) == self.known[self.unit]))
        who = t.particle_names[system][node] if t.particle_names else str(node)
        return f"only ratios of {name} are determined: that of {who} is taken as 1"
