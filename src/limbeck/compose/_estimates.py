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
    return listed(law, *standard_errors(law, states))


def followed_estimates(fit: TrajectoryFit) -> tuple[ConstantEstimate, ...]:
    """Constants that were fitted to positions, with errors, intervals and places.

    Args:
        fit: The fit through the integrator.

    Returns:
        One estimate for each free constant.
    """
    return listed(fit.law, fit.errors, fit.n_blocks)


def listed(law: Law, errors: Float[np.ndarray, " constants"], n_blocks: int) -> tuple[ConstantEstimate, ...]:
    """Constants with errors, intervals and places.

    Args:
        law: The fitted law.
        errors: Standard error of each of its constants.
        n_blocks: Number of independent blocks of data that the errors rest on.

    Returns:
        One estimate for each free constant.
    """
    numbers = zip(law.constants, errors, places_of(law), strict=True)
    return tuple(estimate(k, value, error, place, n_blocks) for k, (value, error, place) in enumerate(numbers))


def estimate(number: int, value: float, error: float, place: str, n_blocks: int) -> ConstantEstimate:
    """One constant with its interval.

    Args:
        number: How many stand before it.
        value: The constant.
        error: Its standard error.
        place: Where it stands.
        n_blocks: Number of independent blocks of data that the error rests on.

    Returns:
        The estimate.
    """
    low, high = interval(float(value), float(error), n_blocks)
    return ConstantEstimate(
        name=f"c{number + 1}", value=float(value), standard_error=float(error), low=low, high=high, place=place
    )


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
