"""A fit through the integrator without the numbers that it finds may be zero.

Smoothing takes something away of every motion, and a law fitted to derived accelerations may hold a
term that stands for nothing else. Fitted to positions such a term vanishes.
"""

import numpy as np

from limbeck.graphs import GraphDataset

from ._law import Law
from ._prune import CERTAIN, without_number
from ._shoot import TrajectoryFit, fit_trajectories

AS_GOOD = 1.02  # largest growth of the misfit where a number is left out


def pruned_fit(law: Law, dataset: GraphDataset) -> TrajectoryFit | None:
    """Fit a law to measured positions, and leave out numbers that may be zero where it fits as well without.

    Args:
        law: Form and starting values.
        dataset: Trajectories; only positions that were smoothed are fitted.

    Returns:
        The fit, or None as of `fit_trajectories`.
    """
    fit = fit_trajectories(law, dataset)
    while fit is not None:
        shorter = _shorter(fit, dataset)
        if shorter is None:
            return fit
        fit = shorter
    return None


def _shorter(fit: TrajectoryFit, dataset: GraphDataset) -> TrajectoryFit | None:
    """The fit without its most doubtful number; None where it has none, or needs it."""
    doubt = np.abs(fit.law.constants) / fit.errors
    if doubt.min(initial=np.inf) > CERTAIN:
        return None
    for trial in without_number(fit.law, int(np.argmin(doubt))):
        found = fit_trajectories(trial, dataset) if trial.components else None
        if found is not None and found.misfit <= AS_GOOD * fit.misfit:
            return found
    return None
