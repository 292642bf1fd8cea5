"""Constants of a law with their errors, intervals and places."""

from itertools import count

import numpy as np
from jaxtyping import Float

from limbeck.expressions import free_constants, to_readable
from limbeck.regress import ConstantEstimate, named

from ._law import Law
from ._refit import interval, standard_errors
from ._shoot import TrajectoryFit
from ._states import States


def estimates_of(law: Law, states: States) -> tuple[ConstantEstimate, ...]:
    """Constants that were fitted to accelerations, with errors, intervals and places.

    Args:
        law: The refitted law.
        states: The snapshots that it was fitted to.

    Returns:
        One estimate for each free constant.
    """
    return _listed(law, *standard_errors(law, states))


def followed_estimates(fit: TrajectoryFit) -> tuple[ConstantEstimate, ...]:
    """Constants that were fitted to positions, with errors, intervals and places.

    Args:
        fit: The fit through the integrator.

    Returns:
        One estimate for each free constant.
    """
    return _listed(fit.law, fit.errors, fit.n_blocks)


def _listed(law: Law, errors: Float[np.ndarray, " constants"], blocks: int) -> tuple[ConstantEstimate, ...]:
    """Constants with errors, intervals and places."""
    places = places_of(law)
    found = []
    for k, (value, error) in enumerate(zip(law.constants, errors, strict=True)):
        low, high = interval(float(value), float(error), blocks)
        found.append(
            ConstantEstimate(
                name=f"c{k + 1}", value=float(value), standard_error=float(error), low=low, high=high, place=places[k]
            )
        )
    return tuple(found)


def places_of(law: Law) -> list[str]:
    """Where each constant stands: the channel's formula with names for numbers.

    Args:
        law: A law.

    Returns:
        One text for each free constant.
    """
    places, numbers = [], count(1)
    for name, expression in law.components.items():
        places += [f"{name}: {to_readable(named(expression, numbers))}"] * len(free_constants(expression))
    return places
