"""Properties of every object as numbers that a fit to positions moves, and back."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float

from limbeck.graphs import GraphDataset
from limbeck.trajectories import object_index

from ._fit_properties import FittedProperties, FittedProperty, begun_properties, errors_of
from ._law import Law
from ._prune import CERTAIN
from ._shoot import TrajectoryFit
from ._unknowns import HELD, Unknowns


def unknowns_beside(laws: Sequence[Law], names: Sequence[str], dataset: GraphDataset) -> Unknowns:
    """The values that are sought, as they stand in the data.

    Args:
        laws: Laws that they are sought with, the likeliest first.
        names: The properties.
        dataset: The data.

    Returns:
        Those that the law depends on which has most of the properties, the first of such; the others do not move.
    """
    most = max(laws, key=lambda law: sum(law.depends_on(name) for name in names))
    return unknowns_of(begun_properties(most, names, dataset), dataset)


def unknowns_of(fitted: FittedProperties, dataset: GraphDataset) -> Unknowns:
    """The values that the data determine, as numbers; units do not move, and what may be infinite is no part of a mean.

    Args:
        fitted: Properties with their errors.
        dataset: The data.

    Returns:
        One number for each object, or for each level where a property has levels.
    """
    objects = object_index(dataset.trajectories)
    numbers, values, units = np.full((len(fitted.properties), *objects.shape), HELD), [], []
    for k, p in enumerate(fitted.properties):
        free = np.isfinite(p.standard_errors) & (p.standard_errors > 0)
        own = objects if p.levels is None else np.where(p.levels.of < 0, objects.max() + 1 + objects, p.levels.of)
        _, first, which = np.unique(own[free], return_index=True, return_inverse=True)
        numbers[k][free] = which + sum(map(len, values))
        values.append(p.values[free][first])
        if not np.any(p.standard_errors == 0):  # no single value is the unit: their mean size is
            counted = ~p.bounds[free] if not p.bounds[free].all() else np.ones(len(which))
            units.append((k, np.sign(values[-1]) * np.bincount(which, counted)))
    total = np.concatenate([np.zeros(0), *values])
    weights = np.zeros((len(units), len(total)))
    for row, (k, weight) in zip(weights, units, strict=True):
        start = sum(map(len, values[:k]))
        row[start : start + len(weight)] = weight
    names = tuple(p.name for p in fitted.properties)
    given = np.stack([p.values for p in fitted.properties])
    errors = np.full(len(total), np.inf)
    return Unknowns(names=names, numbers=numbers, given=given, values=total, errors=errors, units=weights)


def with_values(fitted: FittedProperties, fit: TrajectoryFit) -> FittedProperties:
    """Properties with the values that were found along positions.

    Args:
        fitted: The properties as they were fitted before.
        fit: A fit that sought them.

    Returns:
        The same properties; what the fit did not see keeps its value.
    """
    assert fit.unknowns is not None
    seen = np.isfinite(fit.unknowns.errors)
    before = {p.name: (p.values, p.standard_errors) for p in fitted.properties}
    values = fit.unknowns.spread(fit.unknowns.values, {name: pair[0] for name, pair in before.items()})
    errors = fit.unknowns.spread(fit.unknowns.errors, {name: pair[1] for name, pair in before.items()})
    told = fit.unknowns.spread(seen.astype(float), {name: np.zeros(pair[0].shape) for name, pair in before.items()})
    properties = tuple(_moved(p, values[p.name], errors[p.name], told[p.name] > 0) for p in fitted.properties)
    return replace(fitted, law=fit.law, errors=fit.errors, properties=properties)


def _moved(
    p: FittedProperty,
    values: Float[np.ndarray, "systems nodes"],
    errors: Float[np.ndarray, "systems nodes"],
    told: Bool[np.ndarray, "systems nodes"],
) -> FittedProperty:
    """A property with other values where they are told."""
    values, errors = np.where(told, values, p.values), np.where(told, errors, p.standard_errors)
    levels = p.levels
    if levels is not None:
        found = [values[(levels.of == k) & told] for k in range(len(levels.values))]
        kept = np.array([own[0] if len(own) else old for own, old in zip(found, levels.values, strict=True)])
        levels = levels.moved(kept, errors_of(levels, errors))
    # What may be infinite after all has the value that would show by a standard error; beyond infinity it is negative.
    beyond = told & (values * p.values < 0) & (np.abs(values) > np.abs(p.values))
    bounds = (p.bounds | beyond) & ~(values > CERTAIN * errors)
    least = values**2 / np.where(bounds, errors, 1.0)
    values, errors = np.where(bounds & told, least, values), np.where(bounds & told, least, errors)
    determined = (np.abs(values) > CERTAIN * errors) & ~bounds
    return replace(p, values=values, standard_errors=errors, determined=determined, bounds=bounds, levels=levels)
