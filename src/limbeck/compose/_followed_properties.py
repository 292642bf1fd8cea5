"""A law and properties that nobody measured, followed through noisy positions together.

Derivatives of noisy positions are biased where forces are strong, and properties that are fitted to them are, too: a
softening shows in close encounters only, and vanishes in what was smoothed. So values of properties are sought
with the law's constants in the positions themselves, form by form.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Bool

from limbeck.expressions import fixed
from limbeck.graphs import GraphDataset
from limbeck.train import with_property

from ._compose import ComposedLaw
from ._estimates import followed_estimates
from ._fit_properties import FittedProperties, FittedProperty, begun_properties, levels_of
from ._law import Law
from ._own_units import OwnUnits
from ._property_numbers import unknowns_of, with_values
from ._shoot import TrajectoryFit, fit_trajectories
from ._unknowns import HELD, Unknowns
from ._windows import MOST_WINDOWS, windows_of

AS_GOOD = 1.02  # largest growth of the misfit where values are tied to levels
ROUNDS = 2  # of the choice of a form, where searches do not agree beside the values that were learned

Along = Callable[[GraphDataset], ComposedLaw | None]


def followed_with_properties(
    names: Sequence[str], dataset: GraphDataset, *, along: Along, is_over: Callable[[], bool]
) -> tuple[ComposedLaw, FittedProperties] | None:
    """Choose a law by noisy positions, together with the values of properties.

    Args:
        names: The properties.
        dataset: The data, with values that were learned beside a network.
        along: Chooses a law, beginning at the values of a dataset.
        is_over: Tells when time has run out; what is left to do is left then.

    Returns:
        The law and the properties that go with it; None where positions were not smoothed, or no law could be followed.
    """
    law, begun = None, dataset
    for _ in range(ROUNDS if windows_of(dataset) is not None else 0):
        other = None if is_over() else along(dataset)
        if other is None or other.followed is None or (law is not None and not other.followed.goes_through):
            break
        law, begun, dataset = other, dataset, _with_found(dataset, other.followed)
        if law.is_stable and other.followed.goes_through:
            break
    if law is None or law.followed is None:
        return None
    fitted = begun_properties(law.law, names, begun)
    if not _are_units_of(fitted, law.followed):  # they were those of a form that was considered before it
        fitted = begun_properties(law.law, names, dataset)
        fit = fit_trajectories(law.law, dataset, unknowns=unknowns_of(fitted, dataset))
        if fit is None:
            return None
        law = replace(law, law=fit.law, followed=fit, estimates=followed_estimates(fit))
    assert law.followed is not None
    fitted = _told_everywhere(with_values(fitted, law.followed), law.followed, dataset, is_over)
    if not is_over():
        law, fitted = _on_levels(law, fitted, dataset)
    return _in_units(law, fitted)


def _are_units_of(fitted: FittedProperties, fit: TrajectoryFit) -> bool:
    """Whether what is named as a unit did not move in a fit."""
    if fit.unknowns is None:
        return True
    units = np.stack([p.standard_errors == 0 for p in fitted.properties])
    return bool(np.all(fit.unknowns.numbers[units] == HELD))


def _with_found(dataset: GraphDataset, fit: TrajectoryFit) -> GraphDataset:
    """The data with the values that a fit found."""
    if fit.unknowns is None:
        return dataset
    for name, values in fit.unknowns.laid_out.items():
        dataset = with_property(dataset, name, values)
    return dataset


def _in_units(law: ComposedLaw, fitted: FittedProperties) -> tuple[ComposedLaw, FittedProperties]:
    """Law and properties in units of the value that is the unit, or of the mean size of what is determined."""
    sizes = {p.name: _unit_of(p) for p in fitted.properties if p.determined.any()}
    assert law.followed is not None
    units = OwnUnits(attributes={name: 1.0 / size for name, size in sizes.items()})
    told = units.law(law.law)
    ratio = np.abs(told.constants / law.law.constants) if len(told.constants) == len(law.law.constants) else None
    if ratio is None or not sizes:
        return law, fitted
    beside = law.followed.errors_beside
    fit = replace(
        law.followed,
        law=told,
        errors=law.followed.errors * ratio,
        errors_beside=None if beside is None else beside * ratio,
    )
    properties = tuple(p.in_units_of(sizes.get(p.name, 1.0)) for p in fitted.properties)
    others = tuple(map(units.law, law.others))
    law = replace(
        law, law=told, followed=fit, estimates=followed_estimates(fit), front=units.front(law.front), others=others
    )
    return law, replace(fitted, law=told, errors=fit.errors, properties=properties)


def _unit_of(p: FittedProperty) -> float:
    """The size that is the unit of a property: of one value if any does not move, else of those that are determined."""
    units = np.abs(p.values[(p.standard_errors == 0) & (p.values != 0)])
    return float(units.flat[0] if units.size else np.mean(np.abs(p.values[p.determined])))


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
    told = np.append(np.isfinite(found.errors), False)[found.numbers]
    # The law's constants say what the unit is, and what is told stays.
    found = replace(
        found,
        units=found.units[:0],
        numbers=np.where(told, HELD, found.numbers),
        given=np.stack(list(found.laid_out.values())),
    )
    silent = np.unique(np.nonzero(_silent(found))[1])
    for systems in np.array_split(silent, -(-len(silent) // MOST_WINDOWS) or 1):
        part = replace(dataset, train=dataset.train[np.isin(dataset.train[:, 0], systems)])
        if is_over() or not len(part.train):
            break
        fit = fit_trajectories(law, fitted.dataset(part), unknowns=found)
        if fit is None or fit.unknowns is None:
            continue
        fitted = replace(with_values(fitted, fit), law=fitted.law, errors=fitted.errors)
        told = np.isfinite(fit.unknowns.errors)
        found = replace(
            found,
            values=np.where(told, fit.unknowns.values, found.values),
            errors=np.where(told, fit.unknowns.errors, found.errors),
        )
    left = zip(fitted.properties, _silent(found), strict=True)
    return replace(fitted, properties=tuple(_untold(p, silent) for p, silent in left))


def _silent(found: Unknowns) -> Bool[np.ndarray, "properties systems nodes"]:
    """Values that were sought and not told."""
    return (found.numbers != HELD) & np.append(~np.isfinite(found.errors), False)[found.numbers]


def _untold(p: FittedProperty, silent: Bool[np.ndarray, "systems nodes"]) -> FittedProperty:
    """A property whose values that positions did not tell have no errors."""
    return replace(p, standard_errors=np.where(silent, np.inf, p.standard_errors), determined=p.determined & ~silent)


def _on_levels(
    law: ComposedLaw, fitted: FittedProperties, dataset: GraphDataset
) -> tuple[ComposedLaw, FittedProperties]:
    """The law followed once more with objects tied to levels, where values fall into few and positions allow it."""
    for name in [p.name for p in fitted.properties]:
        p, last = fitted[name], law.followed
        levels = levels_of(p, dataset) if p.levels is None else None
        if levels is None or last is None:
            continue
        others = [replace(q, levels=levels) if q is p else q for q in fitted.properties]
        tied = replace(fitted, properties=tuple(others))
        fit = fit_trajectories(fitted.law, fitted.dataset(dataset), unknowns=unknowns_of(tied, dataset))
        if fit is not None and fit.misfit <= AS_GOOD * last.misfit:
            law = replace(law, law=fit.law, followed=fit, estimates=followed_estimates(fit))
            fitted = with_values(tied, fit)
    return law, fitted
