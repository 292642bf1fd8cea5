"""The last fit of a law with properties that were learned: law and properties at once."""

import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np

from limbeck.graphs import GraphDataset
from limbeck.regress import ConstantEstimate
from limbeck.trajectories import objects_return

from ._compose import ComposedLaw
from ._estimates import estimate, listed
from ._exponents import with_free_exponents
from ._fit_properties import FittedProperties, begun_properties, fit_properties, levels_of
from ._law import Law
from ._levels import Levels
from ._property_problem import CHUNKS, fitted_states
from ._pruned_fit import pruned_fit


def with_properties_fitted(
    composed: ComposedLaw, names: Sequence[str], dataset: GraphDataset
) -> tuple[ComposedLaw, FittedProperties]:
    """Fit a composed law together with properties of the particles.

    Numbers that may be zero in this fit are left out. Where a given attribute in the place of a property explains as
    much, the law has that one. Where the values of a property fall into few levels, its objects are tied to these if
    the fit is no worse for what it saves. Exponents of distances that the law has as whole numbers are fitted too, in a
    fit of their own, and listed among the constants; the law keeps the whole numbers.

    Args:
        composed: The law, with the properties among its attributes.
        names: The properties.
        dataset: The data, with the properties as they are known so far.

    Returns:
        The law with new constants and intervals that allow for the properties' own errors, and the properties; the law
        as it is where it has no need of any.
    """
    # Derivatives of noisy positions leave room for many forms; a law that positions could speak for would be theirs.
    is_lost = dataset.trajectories.measured_positions is not None
    if not any(composed.law.depends_on(name) for name in names):
        return replace(composed, is_lost=is_lost), begun_properties(composed.law, names, dataset)
    fitted = _without_needless(_fitted(composed.law, names, dataset), names, dataset)
    fitted, ties = _on_levels(fitted, names, dataset)
    t = dataset.trajectories
    blocks = CHUNKS if objects_return(t) else t.n_systems
    own = list(listed(fitted.law, fitted.errors, blocks))
    thresholds = composed.estimates[: len(composed.estimates) - len(composed.law.constants)]  # are not fitted again
    freed, places = with_free_exponents(fitted.law, fitted_states(fitted.dataset(dataset)))
    if places:
        again = fit_properties(freed, names, dataset, ties=ties)
        own += list(_exponents(again, places, len(own), blocks))
    return replace(composed, law=fitted.law, estimates=(*thresholds, *own), is_lost=is_lost), fitted


def _fitted(law: Law, names: Sequence[str], dataset: GraphDataset) -> FittedProperties:
    """A law and properties without numbers that may be zero."""
    fitted = pruned_fit(lambda form: fit_properties(form, names, dataset), law)
    assert fitted is not None  # a law can always be fitted to accelerations
    return fitted


def _without_needless(fitted: FittedProperties, names: Sequence[str], dataset: GraphDataset) -> FittedProperties:
    """The fit with a given attribute in the place of a property, where that explains as much with fewer numbers."""
    given = [name for name in dataset.attribute_names if name not in names]
    for old, new in itertools.product(names, given):
        if fitted.law.depends_on(old):
            again = _fitted(fitted.law.with_other(old, new), names, dataset)
            fitted = again if again.information < fitted.information else fitted
    return fitted


def _on_levels(
    fitted: FittedProperties, names: Sequence[str], dataset: GraphDataset
) -> tuple[FittedProperties, Mapping[str, Levels]]:
    """The fit with objects tied to levels, property by property, where the data allow it."""
    ties: dict[str, Levels] = {}
    for name in names:
        levels = levels_of(fitted[name], dataset)
        if levels is None:
            continue
        again = fit_properties(fitted.law, names, fitted.dataset(dataset), ties={**ties, name: levels})
        if again.information <= fitted.information:
            fitted, ties = again, {**ties, name: levels}
    return fitted, ties


def _exponents(
    fitted: FittedProperties, places: Mapping[int, str], count: int, blocks: int
) -> Iterator[ConstantEstimate]:
    """The fitted exponents that the data determine."""
    for k, (number, place) in enumerate(sorted(places.items())):
        value, error = fitted.law.constants[number], fitted.errors[number]
        if np.isfinite(error):
            yield estimate(count + k, value, error, f"{place}, fitted in place of the whole number", blocks)
