"""The last fit of a law with a property that was learned: law and property at once."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np

from limbeck.graphs import GraphDataset
from limbeck.regress import ConstantEstimate
from limbeck.trajectories import objects_return

from ._compose import ComposedLaw, places_of
from ._exponents import with_free_exponents
from ._fit_properties import CHUNKS, FittedProperties, fit_properties
from ._pruned_fit import pruned_fit
from ._refit import interval


def with_properties_fitted(
    composed: ComposedLaw, name: str, dataset: GraphDataset
) -> tuple[ComposedLaw, FittedProperties]:
    """Fit a composed law together with a property of the particles.

    Numbers that may be zero in this fit are left out. Exponents of distances that the law has as whole
    numbers are fitted too, in a fit of their own, and listed among the constants; the law keeps the whole numbers.

    Args:
        composed: The law, with the property among its attributes.
        name: The property.
        dataset: The data, with the property as it is known so far.

    Returns:
        The law with new constants and intervals that allow for the property's own error, and the property.
    """
    fitted = pruned_fit(lambda law: fit_properties(law, name, dataset), composed.law)
    assert fitted is not None  # a law can always be fitted to accelerations
    t = dataset.trajectories
    blocks = CHUNKS if objects_return(t) else t.n_systems
    numbers = zip(fitted.law.constants, fitted.errors, places_of(fitted.law), strict=True)
    estimates = [_estimate(k, v, e, place, blocks) for k, (v, e, place) in enumerate(numbers)]
    freed, places = with_free_exponents(fitted.law)
    if places:
        again = fit_properties(freed, name, dataset)
        estimates += list(_exponents(again, places, len(estimates), blocks))
    return replace(composed, law=fitted.law, estimates=tuple(estimates)), fitted


def _exponents(
    fitted: FittedProperties, places: Mapping[int, str], count: int, blocks: int
) -> Iterator[ConstantEstimate]:
    """The fitted exponents that the data determine."""
    for k, (number, place) in enumerate(sorted(places.items())):
        value, error = fitted.law.constants[number], fitted.errors[number]
        if np.isfinite(error):
            yield _estimate(count + k, value, error, f"{place}, fitted in place of the whole number", blocks)


def _estimate(number: int, value: float, error: float, place: str, blocks: int) -> ConstantEstimate:
    """One constant with its interval."""
    low, high = interval(float(value), float(error), blocks)
    return ConstantEstimate(
        name=f"c{number + 1}", value=float(value), standard_error=float(error), low=low, high=high, place=place
    )
