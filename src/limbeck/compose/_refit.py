"""Fit a law's constants to accelerations, and say how well they are known."""

import math

import numpy as np
from jaxtyping import Float
from scipy import stats

from limbeck._types import Constants
from limbeck.expressions import least_squares

from ._law import Law
from ._states import States

ROUNDING = 1e-9
OUTLIER = 5.0  # residuals beyond this many medians lose weight (Huber's rule)


def refit(law: Law, states: States, *, steps: int = 15, rounds: int = 2) -> Law:
    """Fit the free constants of a law to accelerations.

    Squares of the weighted error are minimised, and once more with less weight on
    outliers such as derivatives taken across a close encounter.

    Args:
        law: Form and starting values.
        states: Snapshots to fit.
        steps: Levenberg-Marquardt steps of each round.
        rounds: 1 leaves outliers their weight, 2 fits once more without it.

    Returns:
        The same form with the best constants found.
    """
    constants = law.constants
    if len(constants) == 0:
        return law
    weights = states.weights
    for turn in range(rounds):
        constants = _fit(law, states, weights, constants, steps)
        if turn == rounds - 1:
            break
        residual = states.weights * np.linalg.norm(
            law.with_constants(constants).accelerations(states) - states.targets, axis=1
        )
        if not np.isfinite(residual).all():
            break
        size = residual / (OUTLIER * np.median(residual) + np.finfo(float).tiny)
        if np.max(size) <= 1.0:
            break
        weights = states.weights / np.sqrt(np.maximum(size, 1.0))
    return law.with_constants(constants)


def _fit(law: Law, states: States, weights: np.ndarray, start: Constants, steps: int) -> Constants:
    """One weighted least-squares fit."""

    def residual(constants: Constants) -> tuple[np.ndarray, np.ndarray]:
        with np.errstate(all="ignore"):
            value, slopes = law.accelerations_and_slopes(constants, states)
            error = (value - states.targets) * weights[:, None]
            return error.ravel(), (slopes * weights[:, None, None]).reshape(error.size, -1)

    return least_squares(residual, start, steps=steps)


def law_loss(law: Law, states: States) -> float:
    """Geometric mean of the median and the 90th percentile of the relative errors.

    The two numbers that decide whether a law is found, in one.

    Args:
        law: The law.
        states: Snapshots to judge on.

    Returns:
        The loss; infinite where the law is undefined on more than a tenth of the particles.
    """
    middle, high = np.quantile(states.relative_errors(law.accelerations(states)), [0.5, 0.9], method="higher")
    return math.sqrt(middle * high)


def standard_errors(law: Law, states: States) -> Float[np.ndarray, " constants"]:
    """Standard errors of the free constants at their best values.

    The sandwich estimator with one block for each simulation, since errors of
    neighbouring snapshots are not independent; with fewer than ten simulations,
    blocks of a hundred consecutive particles stand in.

    Args:
        law: The refitted law.
        states: The snapshots that it was fitted to.

    Returns:
        One error for each free constant; infinite where the data do not determine it.

    Source:
        Liang and Zeger (1986), Biometrika 73, 13, the robust covariance.
    """
    value, slopes = law.accelerations_and_slopes(law.constants, states)
    n_constants = slopes.shape[-1]
    if n_constants == 0:
        return np.zeros(0)
    slopes = slopes * states.weights[:, None, None]
    residual = (value - states.targets) * states.weights[:, None]
    blocks = states.systems
    if len(np.unique(blocks)) < 10:
        blocks = np.arange(len(blocks)) // 100
    contributions = np.einsum("pd,pdc->pc", residual, slopes)
    summed = np.zeros((int(blocks.max()) + 1, n_constants))
    np.add.at(summed, blocks, contributions)
    flat = slopes.reshape(-1, n_constants)
    scale = np.linalg.norm(flat, axis=0)
    scale[scale == 0] = 1.0
    # Columns of one size make the inverse safe for constants of very different sizes.
    normal = (flat / scale).T @ (flat / scale)
    if np.linalg.cond(normal) > 1e13:
        return np.full(n_constants, np.inf)
    inverse = np.linalg.inv(normal)
    n_blocks = max(2, len(np.unique(blocks)))
    middle = (summed / scale).T @ (summed / scale) * (n_blocks / (n_blocks - 1))
    variance = np.diag(inverse @ middle @ inverse) / scale**2
    # Rounding in the data and the end of the iteration leave this much even where nothing is noisy.
    return np.sqrt(np.maximum(variance, 0.0)) + ROUNDING * np.abs(law.constants)


def interval(value: float, error: float, n_blocks: int) -> tuple[float, float]:
    """The 95 % interval of an estimate by Student's t with the blocks' degrees of freedom.

    Args:
        value: The estimate.
        error: Its standard error.
        n_blocks: Number of independent blocks of data.

    Returns:
        Lower and upper end.
    """
    reach = float(stats.t.ppf(0.975, max(n_blocks - 1, 1))) * error
    return value - reach, value + reach
