"""The least squares of a law's constants and of properties of every object.

Normal equations are solved group by group where simulations share no objects, since only the constants are
shared. Levels that many objects have in common count as constants.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck.graphs import GraphDataset, spread_over_times
from limbeck.train import error_weights
from limbeck.trajectories import object_index, objects_return

from ._group_equations import GroupEquations, squares
from ._law import Law
from ._property_bounds import INFINITE, Reach, acting, typical_sizes
from ._property_slopes import PropertySlopes
from ._property_solution import PropertySolution, level_places
from ._property_units import Units
from ._states import Objects, States, states_of

STEPS = 40
FEWEST = 12  # snapshots of each group, where there are as many
MOST_ROWS = 12_000  # snapshots of groups that share nothing
MOST_RETURNING = 1_500  # snapshots where all objects return
UNCHANGED = 1e-5  # relative change of a weight that is none
CHUNKS = 20  # stretches of time whose errors count as independent
SAME = 1e-9  # share of errors that is rounding


@dataclass(frozen=True, kw_only=True, eq=False)
class PropertyProblem:
    """The least squares that are solved.

    Attributes:
        slopes: Accelerations and slopes.
        known: Objects that occur, in the numbering of the record.
        group: Group of each object.
        rows: Group of each particle.
        blocks: Which errors of particles count as dependent.
        units: Which values are units.
        held: Values that do not move either, since they may be infinite: they are taken for that.
        start: Values to start from.
        levels: Level of each object among those of all properties; -1 where a value is the object's own.
        places: Places of each property's levels among those of all.
    """

    slopes: PropertySlopes
    known: Int[np.ndarray, " objects"]
    group: Int[np.ndarray, " objects"]
    rows: Int[np.ndarray, " particles"]
    blocks: Int[np.ndarray, " particles"]
    units: Units
    held: Bool[np.ndarray, "properties objects"]
    start: Float[np.ndarray, "properties objects"]
    levels: Int[np.ndarray, "properties objects"]
    places: Mapping[int, slice]

    @classmethod
    def prepare(
        cls,
        law: Law,
        names: tuple[str, ...],
        dataset: GraphDataset,
        ties: Mapping[str, Int[np.ndarray, "systems nodes"]],
    ) -> "PropertyProblem | None":
        """Lay out the snapshots.

        Args:
            law: The law.
            names: The properties.
            dataset: The data.
            ties: Level of each particle, for properties that have levels.

        Returns:
            The problem; None where the law, or a slope of it, is undefined on a snapshot: there are no least squares.
        """
        returning, states = objects_return(dataset.trajectories), fitted_states(dataset)
        assert states.objects is not None
        known = np.unique(np.concatenate([states.objects.particles, states.objects.senders]))
        objects = Objects(*(np.searchsorted(known, part) for part in states.objects))
        start = np.zeros((len(names), len(known)))
        for k, name in enumerate(names):
            start[k, objects.particles] = states.nodes[f"{name}_1"]
            start[k, objects.senders] = states.edges[f"{name}_2"]
        if returning:
            group, slots, n_slots = np.zeros(len(known), dtype=int), np.arange(len(known)), len(known)
            blocks = objects.particles * CHUNKS + (np.arange(len(states.targets)) * CHUNKS) // len(states.targets)
        else:
            n_slots = dataset.trajectories.n_nodes
            group = np.unique(known // n_slots, return_inverse=True)[1]
            slots = known % n_slots
            blocks = group[objects.particles]
        slopes = PropertySlopes(law=law, names=names, states=states, objects=objects, slots=slots, n_slots=n_slots)
        if not all(np.isfinite(part).all() for part in slopes(law.constants, start)):
            return None
        acts = acting(slopes, start, group)
        if returning:
            units = Units.of_returning(start, acts)
        else:
            units, start = Units.of_groups(start, acts, group, slopes.by_scale(start, group))
        levels, places = level_places(names, ties, known, object_index(dataset.trajectories))
        problem = cls(
            slopes=slopes,
            known=known,
            group=group,
            rows=group[objects.particles],
            blocks=np.unique(blocks, return_inverse=True)[1],
            units=units,
            held=np.zeros_like(acts),
            start=start,
            levels=levels,
            places=places,
        )
        return replace(problem, units=replace(units, counted=problem._counted()))

    def reweighted(self, at: PropertySolution) -> "PropertyProblem":
        """The problem with errors weighed by the accelerations of a law instead of by the data's.

        Noise that makes an acceleration larger takes from its weight: weighed so, a noisy fit comes out weak.

        Args:
            at: Constants and values near the least squares.

        Returns:
            The problem that starts there; the same one where the law gives no accelerations, or weights that are nearly
            the same.
        """
        sizes = np.linalg.norm(self.slopes(at.constants, at.values)[0], axis=1)
        if not np.isfinite(sizes).all():
            return self
        particles = self.slopes.objects.particles
        weights = error_weights(sizes, None if self.units.means else particles)
        # By the law, what is taken for infinite has no acceleration whose size would be a measure.
        weights = np.where(np.any(self.held, axis=0)[particles], self.states.weights, weights)
        if np.allclose(weights, self.states.weights, rtol=UNCHANGED, atol=0.0):
            return self
        states = replace(self.states, weights=weights)
        return replace(
            self,
            slopes=replace(self.slopes, states=states, law=self.slopes.law.with_constants(at.constants)),
            start=at.values,
        )

    def _counted(self) -> Bool[np.ndarray, "properties objects"]:
        """Values that the data determine, of each property that any is determined of; else those that act."""
        if not self.units.means:
            return self.units.counted
        _, _, by_slot = self.slopes(self.slopes.law.constants, self.start)
        free = self.by_group(~self.units.fixed, fill=0.0)
        by_slot = by_slot * free[self.rows][:, None] * self.states.weights[:, None, None]
        none = np.zeros((*by_slot.shape[:2], 0))
        normal = GroupEquations.of(none.sum(axis=-1), none, by_slot, self.rows, self.n_groups)
        known = ~self.by_object(normal.determined()[1]) | (self.units.fixed & self.units.counted)
        return np.where(known.any(axis=1, keepdims=True), known, self.units.counted)

    def reach(self, at: PropertySolution) -> Reach:
        """How large values may be.

        Args:
            at: The least squares.

        Returns:
            Bounds for each property and object.
        """
        slopes = replace(self.slopes, law=self.slopes.law.with_constants(at.constants))
        return Reach.of(slopes, at.values, self.group, typical_sizes(at.values, self.units.counted))

    def settled(self) -> tuple["PropertyProblem", PropertySolution]:
        """Solve; where values may be infinite, or are far too large to be units, without them.

        Returns:
            The problem that was solved last, and its least squares.
        """
        _, units = self._apart(self.begun())
        at = replace(self, units=units).solved()
        held, told = self._apart(at)
        if told is self.units and np.array_equal(held, self.held):
            return self, at if units is self.units else self.solved()
        start = np.where(held, INFINITE * typical_sizes(at.values, told.counted)[:, None], at.values)
        slopes = replace(self.slopes, law=self.slopes.law.with_constants(at.constants))
        again = replace(self, slopes=slopes, units=told, held=held, start=start)
        return again, again.solved()

    def _apart(self, at: PropertySolution) -> tuple[Bool[np.ndarray, "properties objects"], Units]:
        """Values that may be infinite, and units that these, and what is far too large, have no part in."""
        reach, by_mean = self.reach(at), np.arange(len(at.values))[:, None] != self.units.own_scale
        held = self.held | (reach.is_boundless & by_mean & (self.levels < 0))
        return held, self.units.without(held | (reach.is_too_large & by_mean), at.values)

    @property
    def free(self) -> Bool[np.ndarray, "properties objects"]:
        """Values that are numbers of their own."""
        return (self.levels < 0) & ~self.units.fixed & ~self.held

    @property
    def n_groups(self) -> int:
        """Number of groups."""
        return int(self.group.max()) + 1

    @property
    def states(self) -> States:
        """The snapshots."""
        return self.slopes.states

    @property
    def n_levels(self) -> int:
        """Number of levels."""
        return int(self.levels.max(initial=-1)) + 1

    @property
    def n_constants(self) -> int:
        """Number of the law's constants."""
        return len(self.slopes.law.constants)

    def linear(self, at: PropertySolution) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Weighted errors, and slopes in what is shared and in the objects' own values; units do not move.

        Args:
            at: Where.

        Returns:
            Errors (particles dim) and both slopes, (particles dim shared) and (particles dim unknowns).
        """
        predicted, by_constants, by_slot = self.slopes(at.constants, at.values)
        weight = self.states.weights[:, None]
        by_level = np.zeros((*predicted.shape, self.n_levels))
        if self.n_levels:
            which = self.by_group(self.levels, fill=-1.0)
            members = (which[..., None] == np.arange(self.n_levels)).astype(float)
            by_level = np.einsum("rdp,rpk->rdk", by_slot, members[self.rows], optimize=True)
            if not self.units.means:
                by_level[:, :, self.levels[self.units.fixed & (self.levels >= 0)]] = 0.0
        own = self.by_group(self.free, fill=0.0)
        if not own.all():
            by_slot = by_slot * own[self.rows][:, None]
        by_shared = np.concatenate([by_constants, by_level], axis=-1) if self.n_levels else by_constants
        error = (predicted - self.states.targets) * weight
        return error, by_shared * weight[..., None], by_slot * weight[..., None]

    def by_group(self, values: np.ndarray, *, fill: float) -> np.ndarray:
        """Something of every property and object, laid out as the unknowns of each group.

        Args:
            values: (properties objects).
            fill: What stands where a group has no such object.

        Returns:
            (groups unknowns).
        """
        n, count = self.slopes.n_slots, self.n_groups
        found = np.full((count, len(values), n), fill, dtype=values.dtype)
        found[self.group, :, self.slopes.slots] = values.T
        return found.reshape(count, -1)

    def by_object(self, unknowns: np.ndarray) -> np.ndarray:
        """Unknowns of each group, property by property and object by object.

        Args:
            unknowns: (groups unknowns).

        Returns:
            (properties objects).
        """
        parted = unknowns.reshape(len(unknowns), len(self.start), self.slopes.n_slots)
        return parted[self.group, :, self.slopes.slots].T

    def solved(self) -> PropertySolution:
        """Levenberg-Marquardt steps, then the units.

        Returns:
            Constants and values at the least squares.
        """
        at = self.begun()
        error, by_c, by_s = self.linear(at)
        cost, damping = squares(error), 1e-6
        for _ in range(STEPS):
            normal = GroupEquations.of(error, by_c, by_s, self.rows, self.n_groups)
            step_c, step_s = normal.step(damping)
            new = self._at(at.shared - step_c, at.values - self.by_object(step_s))
            trial = self.linear(new)
            if not squares(trial[0]) < cost:
                damping *= 10.0
                if damping > 1e6:
                    break
                continue
            fall = 1.0 - squares(trial[0]) / cost
            at, (error, by_c, by_s), cost = new, trial, squares(trial[0])
            damping = max(damping / 10.0, 1e-12)
            if fall < 1e-10:
                break
        return self._in_units(at)

    def begun(self) -> PropertySolution:
        """The start, with levels at the mean of their members.

        Returns:
            Constants and values.
        """
        flat = self.levels[self.levels >= 0]
        count = np.maximum(np.bincount(flat, minlength=self.n_levels), 1)
        levels = np.bincount(flat, self.start[self.levels >= 0], self.n_levels) / count
        return self._at(np.concatenate([self.slopes.law.constants, levels]), self.start)

    def _at(self, shared: np.ndarray, values: np.ndarray) -> PropertySolution:
        """A solution whose members of a level have its value."""
        constants, levels = shared[: self.n_constants], shared[self.n_constants :]
        if self.n_levels:
            values = np.where(self.levels >= 0, levels[self.levels], values)
        return PropertySolution(constants=constants, levels=levels, values=values, places=self.places)

    def _in_units(self, at: PropertySolution) -> PropertySolution:
        """Values in their units, and the constants that go with them."""
        values, levels = at.values.copy(), at.levels.copy()
        for k, own in enumerate(values):
            if k == self.units.own_scale or not self.units.counted[k].any():
                continue
            unit = np.mean(np.abs(own[self.units.counted[k]])) if k in self.units.means else own[self.units.fixed[k]][0]
            values[k] = own / unit
            if k in self.places:
                levels[self.places[k]] /= unit
        constants = at.constants
        for _ in range(STEPS):  # linear in the leading constant: a step or two
            error, by_c, _ = self.linear(self._at(np.concatenate([constants, levels]), values))
            if not (np.isfinite(error).all() and np.isfinite(by_c).all()):  # in these units the law is undefined
                break
            flat = by_c[:, :, : self.n_constants].reshape(error.size, -1)
            size = np.linalg.norm(flat, axis=0)
            size[size == 0] = 1.0
            step = np.linalg.lstsq(flat / size, error.ravel(), rcond=None)[0] / size
            trial = self._at(np.concatenate([constants - step, levels]), values)
            if not squares(self.linear(trial)[0]) < squares(error) * (1.0 - 1e-12):
                break
            constants = constants - step
        return self._at(np.concatenate([constants, levels]), values)

    def is_defined(self, at: PropertySolution) -> bool:
        """Whether errors and slopes are finite.

        Args:
            at: Where.

        Returns:
            False where the law is undefined on a snapshot.
        """
        return all(bool(np.isfinite(part).all()) for part in self.linear(at))

    def misfit(self, at: PropertySolution) -> float:
        """Root mean square of the weighted errors.

        Args:
            at: Where.

        Returns:
            The misfit.
        """
        error = self.linear(at)[0]
        return float(np.sqrt(squares(error) / error.size))

    def information(self, at: PropertySolution) -> float:
        """What the fit costs, its numbers included.

        Args:
            at: Where.

        Returns:
            Schwarz's criterion.
        """
        error = self.linear(at)[0]
        needed = self.units.counted.any(axis=1, keepdims=True)  # of a property that nothing depends on, none is fitted
        numbers = len(at.shared) + int(np.sum(self.free & needed))
        floor = (SAME**2) * error.size  # nothing is said by errors of rounding
        return error.size * float(np.log(max(squares(error), floor))) + numbers * float(np.log(error.size))


def fitted_states(dataset: GraphDataset) -> States:
    """The training snapshots that properties are fitted to.

    Args:
        dataset: The data.

    Returns:
        Their columns.
    """
    most = MOST_RETURNING if objects_return(dataset.trajectories) else MOST_ROWS
    each = max(FEWEST, most // len(np.unique(dataset.train[:, 0])))
    return states_of(dataset, spread_over_times(dataset.train, each))
