"""The least squares of a law's constants and of properties of every object.

Normal equations are solved group by group where simulations share no objects, since only the constants are
shared. Levels that many objects have in common count as constants.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.linalg import null_space

from limbeck.graphs import GraphDataset, spread_over_times
from limbeck.train import error_weights
from limbeck.trajectories import object_index, objects_return

from ._block_errors import errors_by_block
from ._group_equations import TAKES_PART, GroupEquations, Inverse, squares
from ._law import Law
from ._property_slopes import PropertySlopes
from ._property_solution import PropertyErrors, PropertySolution, level_places
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
    ) -> "PropertyProblem":
        """Lay out the snapshots.

        Args:
            law: The law.
            names: The properties.
            dataset: The data.
            ties: Level of each particle, for properties that have levels.

        Returns:
            The problem.
        """
        returning = objects_return(dataset.trajectories)
        most = MOST_RETURNING if returning else MOST_ROWS
        each = max(FEWEST, most // len(np.unique(dataset.train[:, 0])))
        states = states_of(dataset, spread_over_times(dataset.train, each))
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
        owners = None if self.units.means else self.slopes.objects.particles
        weights = error_weights(sizes, owners)
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
        free = self._by_group(~self.units.fixed, fill=0.0)
        by_slot = by_slot * free[self.rows][:, None] * self.states.weights[:, None, None]
        none = np.zeros((*by_slot.shape[:2], 0))
        normal = GroupEquations.of(none.sum(axis=-1), none, by_slot, self.rows, self.n_groups)
        known = ~self._by_object(normal.determined()[1]) | (self.units.fixed & self.units.counted)
        return np.where(known.any(axis=1, keepdims=True), known, self.units.counted)

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
            which = self._by_group(self.levels, fill=-1.0)
            members = (which[..., None] == np.arange(self.n_levels)).astype(float)
            by_level = np.einsum("rdp,rpk->rdk", by_slot, members[self.rows], optimize=True)
            if not self.units.means:
                by_level[:, :, self.levels[self.units.fixed & (self.levels >= 0)]] = 0.0
        own = self._by_group((self.levels < 0) & ~self.units.fixed, fill=0.0)
        if not own.all():
            by_slot = by_slot * own[self.rows][:, None]
        by_shared = np.concatenate([by_constants, by_level], axis=-1) if self.n_levels else by_constants
        error = (predicted - self.states.targets) * weight
        return error, by_shared * weight[..., None], by_slot * weight[..., None]

    def _by_group(self, values: np.ndarray, *, fill: float) -> np.ndarray:
        """Something of every property and object, laid out as the unknowns of each group."""
        n, count = self.slopes.n_slots, self.n_groups
        found = np.full((count, len(values), n), fill, dtype=values.dtype)
        found[self.group, :, self.slopes.slots] = values.T
        return found.reshape(count, -1)

    def _by_object(self, unknowns: np.ndarray) -> np.ndarray:
        """Unknowns of each group, property by property and object by object."""
        parted = unknowns.reshape(len(unknowns), len(self.start), self.slopes.n_slots)
        return parted[self.group, :, self.slopes.slots].T

    def solved(self) -> PropertySolution:
        """Levenberg-Marquardt steps, then the units.

        Returns:
            Constants and values at the least squares.
        """
        at = self._begin()
        error, by_c, by_s = self.linear(at)
        cost, damping = squares(error), 1e-6
        for _ in range(STEPS):
            normal = GroupEquations.of(error, by_c, by_s, self.rows, self.n_groups)
            step_c, step_s = normal.step(damping)
            new = self._at(at.shared - step_c, at.values - self._by_object(step_s))
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

    def _begin(self) -> PropertySolution:
        """The start, with levels at the mean of their members."""
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
            flat = by_c[:, :, : self.n_constants].reshape(error.size, -1)
            size = np.linalg.norm(flat, axis=0)
            size[size == 0] = 1.0
            step = np.linalg.lstsq(flat / size, error.ravel(), rcond=None)[0] / size
            trial = self._at(np.concatenate([constants - step, levels]), values)
            if not squares(self.linear(trial)[0]) < squares(error) * (1.0 - 1e-12):
                break
            constants = constants - step
        return self._at(np.concatenate([constants, levels]), values)

    def errors(self, at: PropertySolution) -> PropertyErrors:
        """Standard errors of constants and values.

        Args:
            at: The least squares.

        Returns:
            Errors; 0 for units, infinite where nothing is known.
        """
        error, by_c, by_s = self.linear(at)
        shared, own = (
            self._errors_of_groups(at, error, by_c, by_s) if self.units.means else self._errors(error, by_c, by_s)
        )
        values = np.where(self.levels >= 0, np.append(shared[self.n_constants :], np.inf)[self.levels], own)
        # A unit is exact by its choice, if anything depends on it, and so is a level that holds it where all return.
        exact = self.units.fixed & acting(self.slopes, at.values, self.group)
        if self.n_levels and not self.units.means:
            exact |= np.isin(self.levels, self.levels[exact & (self.levels >= 0)])
        return PropertyErrors(constants=shared[: self.n_constants], values=np.where(exact, 0.0, values))

    def _errors(self, error: np.ndarray, by_c: np.ndarray, by_s: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Errors by blocks, where all objects return; what nothing depends on is known to no accuracy."""
        both = np.concatenate([by_c, by_s], axis=-1)
        found = errors_by_block(error, both, self.blocks, self.slopes.objects.particles)
        return found[: by_c.shape[-1]], self._by_object(found[None, by_c.shape[-1] :])

    def _errors_of_groups(
        self, at: PropertySolution, error: np.ndarray, by_c: np.ndarray, by_s: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same where each simulation has objects of its own and mean sizes are units."""
        normal = GroupEquations.of(error, by_c, by_s, self.rows, self.n_groups)
        counted = self.units.counted
        slope = np.sign(at.values) * counted / np.maximum(counted.sum(axis=1, keepdims=True), 1)  # of the mean size
        free = (self.levels < 0) & ~self.units.fixed
        inverse, loose = normal.determined()
        across = np.einsum("gpq,gqc->gpc", inverse, normal.shared)
        kept = np.eye(by_c.shape[-1])
        for k in self.units.means:
            mine = np.arange(len(self.start))[:, None] == k
            if k in self.places:  # the scale is one of the levels'
                in_levels = np.bincount(
                    self.levels[k][self.levels[k] >= 0], slope[k][self.levels[k] >= 0], self.n_levels
                )
                kept = kept @ null_space(np.append(np.zeros(self.n_constants), in_levels)[None] @ kept)
                continue
            weight = self._by_group(np.where(mine & free, slope, 0.0), fill=0.0)
            towards = np.einsum("gpq,gq->gp", inverse, weight)
            stiffness = max(float(np.sum(weight * towards)), np.finfo(float).tiny)
            tied = np.einsum("gp,gpc->c", weight, across) / stiffness
            across = across - towards[:, :, None] * tied  # the mean size stays as it is
        schur = normal.constants.sum(axis=0) - np.einsum("gpc,gpd->cd", normal.shared, across)
        freedom = max(error.size - int(np.sum(free)) - by_c.shape[-1], 1)
        variance = squares(error) / freedom
        mine = self._variances(error, free)
        # Scores by group, as a sandwich needs them, are all zero: each group has numbers of its own to see to that.
        alone = np.sqrt(np.diag(kept.T @ normal.constants.sum(axis=0) @ kept))
        inner = Inverse.of(kept.T @ schur @ kept, alone)
        found = Inverse(matrix=kept @ inner.matrix @ kept.T, undetermined=kept @ inner.undetermined)
        known = ~loose
        spread = np.einsum("gpp->gp", inverse) * mine[:, None] + variance * np.einsum(
            "gpc,cd,gpd->gp", across, found.matrix, across, optimize=True
        )
        # A value that moves with what is not determined is not determined itself.
        moved = np.abs(across @ found.undetermined).max(axis=-1, initial=0.0)
        known &= ~(moved > TAKES_PART * moved.max(initial=0.0))
        own = np.where(known, np.sqrt(np.maximum(spread, 0.0)), np.inf)
        return np.sqrt(variance * found.variances), self._by_object(own)

    def _variances(
        self, error: np.ndarray, free: Bool[np.ndarray, "properties objects"]
    ) -> Float[np.ndarray, " groups"]:
        """Variance of the weighted errors of each group."""
        squared, count, own = (np.zeros(self.n_groups) for _ in range(3))
        np.add.at(squared, self.rows, np.sum(error**2, axis=1))
        np.add.at(count, self.rows, error.shape[1])
        np.add.at(own, self.group, free.sum(axis=0))
        return squared / np.maximum(count - own, 1.0)

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
        numbers = len(at.shared) + int(np.sum((self.levels < 0) & ~self.units.fixed))
        floor = (SAME**2) * error.size  # nothing is said by errors of rounding
        return error.size * float(np.log(max(squares(error), floor))) + numbers * float(np.log(error.size))


def acting(
    slopes: PropertySlopes, values: Float[np.ndarray, "properties objects"], group: Int[np.ndarray, " objects"]
) -> Bool[np.ndarray, "properties objects"]:
    """Whether any acceleration depends on each value.

    Args:
        slopes: The law on some snapshots.
        values: The properties.
        group: Group of each object.

    Returns:
        One for each property and object.
    """
    by_slot = slopes(slopes.law.constants, values)[2]
    moved = np.zeros((int(group.max()) + 1, by_slot.shape[-1]), dtype=bool)
    np.logical_or.at(moved, group[slopes.objects.particles], np.any(by_slot != 0, axis=1))
    return moved.reshape(len(moved), len(values), slopes.n_slots)[group, :, slopes.slots].T
