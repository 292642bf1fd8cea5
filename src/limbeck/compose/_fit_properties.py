"""Fit a law's constants and properties of every object at once, and say what the data determine.

Where the same objects stand in every snapshot, the largest value is the unit. Where
each simulation has objects of its own, the mean size of all is, unless each simulation is left a scale of its own.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck.graphs import GraphDataset
from limbeck.train import with_property
from limbeck.trajectories import object_index

from ._law import Law
from ._levels import Levels, find_levels
from ._property_errors import errors_at
from ._property_problem import PropertyProblem
from ._property_signs import sign_sentence, with_signs
from ._property_solution import PropertyErrors, PropertySolution
from ._prune import CERTAIN
from ._refit import NEARER, ROUNDING, ROUNDS, without_outliers

REWEIGHTED = 2  # times
BOUNDED = "; where {} may be infinite, the value is the one that would show by a standard error"


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedProperty:
    """One property of every object.

    Attributes:
        name: The property.
        values: Value of every particle; the scale is free.
        standard_errors: Their standard errors, infinite where nothing is known.
        determined: Whether each lies three standard errors from zero.
        scale: What fixes the scale, in a sentence.
        bounds: Whether each may be infinite: its value and its error are what would show by one standard error.
        comparable: Whether values of different simulations are in one unit.
        levels: The few values that all of them have, if so.
    """

    name: str
    values: Float[np.ndarray, "systems nodes"]
    standard_errors: Float[np.ndarray, "systems nodes"]
    determined: Bool[np.ndarray, "systems nodes"]
    scale: str
    bounds: Bool[np.ndarray, "systems nodes"]
    comparable: bool = True
    levels: Levels | None = None

    def in_units_of(self, size: float) -> "FittedProperty":
        """The same property in another unit.

        Args:
            size: The unit.

        Returns:
            Values, errors and levels in it.
        """
        levels = self.levels
        if levels is not None:
            levels = levels.moved(levels.values / size, levels.errors / size)
        return replace(self, values=self.values / size, standard_errors=self.standard_errors / size, levels=levels)


@dataclass(frozen=True, kw_only=True, eq=False)
class FittedProperties:
    """Properties of every object, fitted together with a law.

    Attributes:
        law: The law with its constants.
        properties: The properties.
        errors: Standard errors of the law's constants, the properties being unknown too.
        misfit: Root mean square of the weighted errors.
        information: What the fit costs, numbers included: the lower, the better [twice the natural logarithm].
    """

    law: Law
    properties: tuple[FittedProperty, ...]
    errors: Float[np.ndarray, " constants"]
    misfit: float
    information: float

    def __getitem__(self, name: str) -> FittedProperty:
        """The property of a name."""
        return next(p for p in self.properties if p.name == name)

    def dataset(self, dataset: GraphDataset) -> GraphDataset:
        """The data with the properties as they were fitted.

        Args:
            dataset: The data, with the properties among the attributes.

        Returns:
            The same graphs and parts.
        """
        for p in self.properties:
            dataset = with_property(dataset, p.name, p.values)
        return dataset


def fit_properties(
    law: Law, names: Sequence[str], dataset: GraphDataset, *, ties: Mapping[str, Levels] | None = None
) -> FittedProperties:
    """Fit constants and properties of every object to the accelerations of training snapshots.

    Args:
        law: The law, with constants to start from.
        names: The properties, attributes of the dataset with values to start from.
        dataset: The data.
        ties: Levels of a property: objects of one level have one value.

    Returns:
        Law and properties at the least squares, with errors and what fixes the scale; all as they were, with infinite
        errors and an infinite misfit, where the law is undefined on some snapshot.

    Source:
        Errors by blocks: Liang and Zeger (1986), Biometrika 73, 13; the elimination of a simulation's own
        unknowns is the usual Schur complement. Schwarz (1978), Annals of Statistics 6, 461, for the cost of numbers.
    """
    ties = ties or {}
    objects = object_index(dataset.trajectories)
    problem = PropertyProblem.prepare(law, tuple(names), dataset, {n: levels.of for n, levels in ties.items()})
    if problem is None:
        return _undefined(law, names, dataset)
    problem, solution = problem.settled()
    weighed = problem
    for _ in range(REWEIGHTED):
        again = weighed.reweighted(solution)
        if again is weighed:
            break
        weighed, solution = again.settled()
    weighed, solution = _without_outliers(weighed, solution)
    solution = with_signs(weighed.slopes, solution)
    if not weighed.is_defined(solution):
        return _undefined(law, names, dataset)
    bounded, errors = _with_bounds(weighed, solution)
    found = tuple(
        _property(weighed, bounded, k, errors.values[k], objects, dataset, ties.get(name))
        for k, name in enumerate(names)
    )
    return FittedProperties(
        law=law.with_constants(solution.constants),
        properties=found,
        # Rounding in the data and the end of the iteration leave this much even where nothing is noisy.
        errors=errors.constants + ROUNDING * np.abs(solution.constants),
        # Forms are compared under one weight of every error, which is no law's own.
        misfit=problem.misfit(solution),
        information=problem.information(solution),
    )


def _without_outliers(problem: PropertyProblem, at: PropertySolution) -> tuple[PropertyProblem, PropertySolution]:
    """The problem with less weight on outliers, as long as that brings most particles much nearer, and its solution.

    Returns:
        What was given where Huber's rule does not halve the median error: outliers that mislead no others still count.
    """
    begun, states, before = (problem, at), problem.states, np.inf
    for turn in range(ROUNDS):
        predicted, last = problem.slopes(at.constants, at.values)[0], before
        weights, before = without_outliers(predicted, states, last, is_first=turn == 0)
        if turn == 1 and not before < NEARER * last:  # what does not mislead the others counts, of errors above all
            return begun
        if weights is None:
            break
        law = problem.slopes.law.with_constants(at.constants)
        slopes = replace(problem.slopes, states=replace(states, weights=weights), law=law)
        problem = replace(problem, slopes=slopes, start=at.values)
        at = problem.solved()
    return problem, at


def begun_properties(law: Law, names: Sequence[str], dataset: GraphDataset) -> FittedProperties:
    """Properties as they stand in the data, before any fit: what a law depends on, and what is a unit.

    Args:
        law: The law.
        names: The properties, attributes of the dataset.
        dataset: The data.

    Returns:
        Values with errors as large as themselves, or next to nothing for one that is 0; 0 for those that are units,
        infinite where the law needs none.
    """
    problem = PropertyProblem.prepare(law, tuple(names), dataset, {})
    if problem is None:
        return _undefined(law, names, dataset)
    at, moves = with_signs(problem.slopes, problem.begun()), problem.units.counted
    # What may be infinite is to tell after a fit only; what is far too large is no unit to begin with.
    too_large = problem.reach(at).is_too_large & (np.arange(len(names))[:, None] != problem.units.own_scale)
    units = problem.units.without(too_large, at.values)
    problem, objects = replace(problem, units=units), object_index(dataset.trajectories)
    # An error of 0 is for units: a value that happens to be 0 is sought as any other.
    sizes = np.maximum(np.abs(at.values), np.finfo(float).tiny)
    errors = np.where(moves, np.where(units.fixed, 0.0, sizes), np.inf)
    found = tuple(_property(problem, at, k, errors[k], objects, dataset, None) for k in range(len(names)))
    return FittedProperties(
        law=law,
        properties=found,
        errors=np.full(len(law.constants), np.inf),
        misfit=problem.misfit(at),
        information=problem.information(at),
    )


def _with_bounds(problem: PropertyProblem, at: PropertySolution) -> tuple[PropertySolution, PropertyErrors]:
    """The least squares with their errors; what may be infinite at the value that would show by one standard error."""
    errors = errors_at(problem, at)
    if not problem.held.any():
        return at, errors
    least = problem.reach(at).least
    values, spread = (np.where(problem.held, least, own) for own in (at.values, errors.values))
    return replace(at, values=values), replace(errors, values=spread)


def _undefined(law: Law, names: Sequence[str], dataset: GraphDataset) -> FittedProperties:
    """A law that no property can be fitted with, and the properties as they came."""
    properties = []
    for name in names:
        values = dataset.trajectories.attributes[name]
        properties.append(
            FittedProperty(
                name=name,
                values=values,
                standard_errors=np.full(values.shape, np.inf),
                determined=np.zeros(values.shape, dtype=bool),
                scale="not determined: the law is undefined on some snapshots",
                bounds=np.zeros(values.shape, dtype=bool),
                comparable=False,
            )
        )
    return FittedProperties(
        law=law,
        properties=tuple(properties),
        errors=np.full(len(law.constants), np.inf),
        misfit=np.inf,
        information=np.inf,
    )


def _property(
    problem: PropertyProblem,
    solution: PropertySolution,
    number: int,
    error: Float[np.ndarray, " objects"],
    objects: Int[np.ndarray, "systems nodes"],
    dataset: GraphDataset,
    levels: Levels | None,
) -> FittedProperty:
    """One property, spread over all particles."""
    name, values, units = problem.slopes.names[number], solution.values[number], problem.units
    error = error + ROUNDING * np.abs(values) * ~units.fixed[number]
    place = np.minimum(np.searchsorted(problem.known, objects), len(problem.known) - 1)
    here = problem.known[place] == objects
    found = np.where(here, values[place], dataset.trajectories.attributes[name])
    spread = np.where(here, error[place], np.inf)
    if levels is not None:
        levels = levels.moved(solution.levels_of(number), errors_of(levels, spread))
    return FittedProperty(
        name=name,
        values=found,
        standard_errors=spread,
        determined=np.abs(found) > CERTAIN * spread,
        scale=units.sentence(number, problem.slopes.names, problem.known, dataset.trajectories)
        + (BOUNDED.format(name) if problem.held[number].any() else "")
        + (sign_sentence(problem.slopes, solution, number, problem.group) if units.counted[number].any() else ""),
        bounds=here & problem.held[number][place],
        comparable=units.is_comparable,
        levels=levels,
    )


def levels_of(fitted: FittedProperty, dataset: GraphDataset) -> Levels | None:
    """The levels that a property's objects fall into, each object counting once.

    Args:
        fitted: The property.
        dataset: The data.

    Returns:
        The levels; None where values are no few.
    """
    if not fitted.comparable:  # values in units of their own simulation are no levels of all
        return None
    t = dataset.trajectories
    there, objects = t.present.any(axis=1), object_index(t)
    distinct, first, which = np.unique(np.where(there, objects, -1), return_index=True, return_inverse=True)
    told = (distinct >= 0) & ~fitted.bounds.ravel()[first]
    values = np.where(told, fitted.values.ravel()[first], np.nan)
    rounding = ROUNDING * float(np.nanmax(np.abs(values)))
    levels = find_levels(values, fitted.standard_errors.ravel()[first], rounding)
    return None if levels is None else replace(levels, of=levels.of[which].reshape(objects.shape))


def errors_of(levels: Levels, errors: Float[np.ndarray, "systems nodes"]) -> Float[np.ndarray, " levels"]:
    """Standard error of each level, which all of its objects share.

    Args:
        levels: The levels.
        errors: Standard errors of the values.

    Returns:
        One for each level.
    """
    return np.array([np.min(errors[levels.of == k], initial=np.inf) for k in range(len(levels.values))])
