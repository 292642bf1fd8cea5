"""Fit the constants of a formula: Levenberg-Marquardt for a residual with its slopes.

SciPy's MINPACK wrapper costs more than the fits it would make here, thousands of
them with one to five constants, and cannot be told to stop at a step count that
is the same on every machine; so the loop stands here, in the textbook form with
Marquardt's scaling (Moré 1978, "The Levenberg-Marquardt algorithm").
"""

from collections.abc import Callable

import numpy as np
from jaxtyping import Float

from limbeck._types import Constants

Residual = Callable[[Constants], tuple[Float[np.ndarray, " samples"], Float[np.ndarray, "samples constants"]]]


def least_squares(residual: Residual, start: Constants, *, steps: int = 30, tolerance: float = 1e-12) -> Constants:
    """Minimise a sum of squares from a starting point.

    Args:
        residual: Gives the residuals and their slopes at a point.
        start: Where to begin.
        steps: Largest number of steps that are tried.
        tolerance: Relative fall of the sum below which the search ends.

    Returns:
        The best point found; the start where no step helps.
    """
    best = np.array(start, dtype=float)
    value, slopes = residual(best)
    cost = _cost(value)
    damping = 1e-3
    for _ in range(steps):
        step = _step(value, slopes, damping)
        if step is None:
            return best
        new_value, new_slopes = residual(best - step)
        new_cost = _cost(new_value)
        if not new_cost < cost:
            damping *= 8.0
            if damping > 1e12:
                return best
            continue
        fall = 1.0 - new_cost / cost
        best, value, slopes, cost = best - step, new_value, new_slopes, new_cost
        damping = max(damping / 8.0, 1e-12)
        if fall < tolerance:
            return best
    return best


def _cost(value: Float[np.ndarray, " samples"]) -> float:
    """Sum of squares, infinite where a residual is undefined."""
    with np.errstate(all="ignore"):
        cost = float(value @ value)
    return cost if np.isfinite(cost) else np.inf


def _step(
    value: Float[np.ndarray, " samples"], slopes: Float[np.ndarray, "samples constants"], damping: float
) -> Constants | None:
    """One damped Gauss-Newton step, or None where the slopes are undefined."""
    with np.errstate(all="ignore"):
        normal = slopes.T @ slopes
        gradient = slopes.T @ value
    if not (np.isfinite(normal).all() and np.isfinite(gradient).all()):
        return None
    scale = np.sqrt(np.diag(normal))
    scale[scale == 0] = 1.0
    scaled = normal / np.outer(scale, scale) + damping * np.eye(len(scale))
    try:
        return np.linalg.solve(scaled, gradient / scale) / scale
    except np.linalg.LinAlgError:
        return None
