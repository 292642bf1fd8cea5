"""A last fit without the numbers that it finds may be zero.

A law that was fitted in another way before (to derived accelerations, or with a property taken for
known) may hold a term that stands for nothing but what that way got wrong. In the last fit it vanishes.
"""

from collections.abc import Callable
from typing import Protocol, TypeVar, runtime_checkable

import numpy as np
from jaxtyping import Float

from ._law import Law
from ._prune import CERTAIN, without_number
from ._refit import ROUNDING

AS_GOOD = 1.02  # largest growth of the misfit where a number is left out


@runtime_checkable
class Fit(Protocol):
    """A law with its fitted constants, their standard errors and how far it is from the data."""

    @property
    def law(self) -> Law:
        """The law."""
        ...

    @property
    def errors(self) -> Float[np.ndarray, " constants"]:
        """Standard errors of its constants."""
        ...

    @property
    def misfit(self) -> float:
        """Root mean square of its errors."""
        ...


AnyFit = TypeVar("AnyFit", bound=Fit)


def pruned_fit(fitted: Callable[[Law], AnyFit | None], law: Law) -> AnyFit | None:
    """Fit a law, and leave out numbers that may be zero where it fits as well without.

    Args:
        fitted: Fits a law from its own constants; None where it can't be.
        law: Form and starting values.

    Returns:
        The fit, or None where the law can't be fitted.
    """
    fit = fitted(law)
    while fit is not None:
        shorter = _shorter(fitted, fit)
        if shorter is None:
            return fit
        fit = shorter
    return None


def _shorter(fitted: Callable[[Law], AnyFit | None], fit: AnyFit) -> AnyFit | None:
    """The fit without its most doubtful number; None where it has none, or needs it."""
    doubt = np.abs(fit.law.constants) / fit.errors
    if doubt.min(initial=np.inf) > CERTAIN or not np.isfinite(fit.misfit):  # beside an undefined law all are as good
        return None
    # Numbers that can change together without any effect are doubtful alike: one of them is one too many.
    for number in np.flatnonzero(doubt == doubt.min()):
        trials = list(without_number(fit.law, int(number)))
        if np.isinf(fit.errors[number]) and len(trials[0].components) < len(fit.law.components):
            # Where the factor of a whole force is not determined, other numbers are not: 1 would make them up.
            trials = trials[:1]
        for trial in trials:
            found = fitted(trial) if trial.components else None
            if found is not None and found.misfit <= max(AS_GOOD * fit.misfit, ROUNDING):
                return found
    return None
