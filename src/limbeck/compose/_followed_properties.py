"""A law and properties that nobody measured, followed through noisy positions together.

Derivatives of noisy positions are biased where forces are strong, and properties that are fitted to them are, too: a
softening shows in close encounters only, and vanishes in what was smoothed. So values of properties are sought
with the law's constants in the positions themselves, form by form.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck.expressions import fixed
from limbeck.graphs import GraphDataset
from limbeck.trajectories import object_index

from ._compose import ComposedLaw
from ._estimates import followed_estimates
from ._fit_properties import FittedProperties, FittedProperty, errors_of, fit_properties, levels_of
from ._law import Law
from ._prune import CERTAIN
from ._shoot import TrajectoryFit, fit_trajectories
from ._simple_forms import softened
from ._unknowns import HELD, Unknowns
from ._windows import MOST_WINDOWS, windows_of

AS_GOOD = 1.02  # largest growth of the misfit where values are tied to levels
NEAR = 3.0  # standard errors
ROUNDS = 3  # of the choice of a form, each beside values that the last form asked for

Along = Callable[[GraphDataset, Unknowns], ComposedLaw | None]


def followed_with_properties(
    composed: ComposedLaw,
    fitted: FittedProperties,
    dataset: GraphDataset,
    *,
    along: Along,
    is_over: Callable[[], bool],
) -> tuple[ComposedLaw, FittedProperties]:
    """Follow a law and properties through positions, and look for a form that they speak for more than for this one.

    Args:
        composed: The law that was chosen by accelerations.
        fitted: It and the properties, fitted to accelerations.
        dataset: The data.
        along: Chooses a law beside given values, which are sought with it.
        is_over: Tells when time has run out; what is left to do is left then.

    Returns:
        The law and the properties that go with it; the law is lost where none could be followed. Both as they are where
        positions were not smoothed.
    """
    if windows_of(dataset) is None:
        return composed, fitted
    if is_over():
        return replace(composed, unfollowed=1), fitted
    law, fitted = _chosen(composed, fitted, dataset, along, is_over)
    if law.followed is None:
        return law, fitted
    fitted = _told_everywhere(fitted, law.followed, dataset, is_over)
    return (law, fitted) if is_over() else _on_levels(law, fitted, dataset)


def _chosen(
    composed: ComposedLaw,
    fitted: FittedProperties,
    dataset: GraphDataset,
    along: Along,
    is_over: Callable[[], bool],
) -> tuple[ComposedLaw, FittedProperties]:
    """The form that positions speak for, chosen beside values that the one before asked for."""
    found, law = _begun(fitted, dataset), replace(composed, is_lost=True)
    if found is not None:
        fitted = with_values(fitted, found)
        law = replace(law, law=found.law, followed=found, estimates=followed_estimates(found), is_lost=False)
    for _ in range(ROUNDS):
        other = None if is_over() else along(fitted.dataset(dataset), unknowns_of(fitted, dataset))
        if other is None or other.followed is None:
            break
        law, before, fitted = other, fitted, with_values(fitted, other.followed)
        if _are_near(before, fitted):
            break
    return law, fitted


def _are_near(before: FittedProperties, after: FittedProperties) -> bool:
    """Whether no value moved by more than errors explain: beside either, forms compare alike."""
    moved = [
        (new.values - old.values) / new.standard_errors
        for old, new in zip(before.properties, after.properties, strict=True)
    ]
    with np.errstate(invalid="ignore"):
        return all(float(np.nanmax(np.abs(own), initial=0.0)) < NEAR for own in moved)


def _begun(fitted: FittedProperties, dataset: GraphDataset) -> TrajectoryFit | None:
    """The law, or the same one softened, followed with its properties; None where neither can be."""
    fits = []
    for begun in _softened_too(fitted, dataset):
        unknowns = unknowns_of(begun, dataset)
        fit = fit_trajectories(begun.law, begun.dataset(dataset), unknowns=unknowns)
        fits += [] if fit is None else [fit]
    return min(fits, key=lambda fit: (not fit.goes_through, fit.misfit), default=None)


def _softened_too(fitted: FittedProperties, dataset: GraphDataset) -> Iterator[FittedProperties]:
    """The fit, and that of its softened form."""
    yield fitted
    other = softened(fitted.law)
    if other is not None:
        soft = fit_properties(other, [p.name for p in fitted.properties], fitted.dataset(dataset))
        if np.isfinite(soft.misfit):
            yield soft


def _told_everywhere(
    fitted: FittedProperties, last: TrajectoryFit, dataset: GraphDataset, is_over: Callable[[], bool]
) -> FittedProperties:
    """The properties with values in simulations that no window of the fit told of, the law as it is.

    What positions do not tell at all is not determined: accelerations that were derived from them give values, but no
    honest errors.

    Returns:
        The properties.
    """
    law = Law(components={name: fixed(e) for name, e in fitted.law.components.items()}, dim=fitted.law.dim)
    found = last.unknowns
    assert found is not None  # sought with the law
    told = np.isfinite(found.errors)
    silent = np.unique(np.nonzero((found.numbers != HELD) & ~np.append(told, True)[found.numbers])[1])
    for systems in np.array_split(silent, -(-len(silent) // MOST_WINDOWS) or 1):
        part = replace(dataset, train=dataset.train[np.isin(dataset.train[:, 0], systems)])
        unknowns = unknowns_of(fitted, dataset)
        unknowns = replace(unknowns, units=unknowns.units[:0])  # the law's constants say what the unit is
        fit = (
            None if is_over() or not len(part.train) else fit_trajectories(law, fitted.dataset(part), unknowns=unknowns)
        )
        if fit is not None and fit.unknowns is not None:
            kept, told = fitted, told | np.isfinite(fit.unknowns.errors)
            fitted = replace(with_values(fitted, fit), law=kept.law, errors=kept.errors)
    return replace(
        fitted, properties=tuple(_untold(p, own, told) for p, own in zip(fitted.properties, found.numbers, strict=True))
    )


def _on_levels(
    law: ComposedLaw, fitted: FittedProperties, dataset: GraphDataset
) -> tuple[ComposedLaw, FittedProperties]:
    """The law followed once more with objects tied to levels, where values fall into few and positions allow it."""
    for p in fitted.properties:
        levels, last = levels_of(p, dataset) if p.levels is None else None, law.followed
        if levels is None or last is None:
            continue
        others = [replace(q, levels=levels) if q is p else q for q in fitted.properties]
        tied = replace(fitted, properties=tuple(others))
        unknowns = unknowns_of(tied, dataset)
        fit = fit_trajectories(fitted.law, fitted.dataset(dataset), last.begun, unknowns=unknowns)
        if fit is not None and fit.misfit <= AS_GOOD * last.misfit:
            law = replace(law, law=fit.law, followed=fit, estimates=followed_estimates(fit))
            fitted = with_values(tied, fit)
    return law, fitted


def _untold(
    p: FittedProperty, numbers: Int[np.ndarray, "systems nodes"], told: Bool[np.ndarray, " numbers"]
) -> FittedProperty:
    """A property whose values that positions did not tell have no errors."""
    silent = (numbers != HELD) & ~np.append(told, True)[numbers]
    return replace(p, standard_errors=np.where(silent, np.inf, p.standard_errors), determined=p.determined & ~silent)


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
            units.append((k, np.sign(values[-1]) * np.bincount(which, ~p.bounds[free])))
    total = np.concatenate([np.zeros(0), *values])
    weights = np.zeros((len(units), len(total)))
    for row, (k, weight) in zip(weights, units, strict=True):
        start = sum(map(len, values[:k]))
        row[start : start + len(weight)] = weight
    names = tuple(p.name for p in fitted.properties)
    return Unknowns(names=names, numbers=numbers, values=total, errors=np.full(len(total), np.inf), units=weights)


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
    bounds = p.bounds & ~(values > CERTAIN * errors)
    least = values**2 / np.where(bounds, errors, 1.0)
    values, errors = np.where(bounds & told, least, values), np.where(bounds & told, least, errors)
    determined = (np.abs(values) > CERTAIN * errors) & ~bounds
    return replace(p, values=values, standard_errors=errors, determined=determined, bounds=bounds, levels=levels)
