"""Fit a law's constants to accelerations, and say how well they are known."""

import math

import numpy as np
from jaxtyping import Float, Int
from scipy.special import stdtrit

from limbeck._types import Constants
from limbeck.expressions import least_squares

from ._law import Law
from ._reduced import FEWEST_BLOCKS
from ._states import States

EXCUSED = 1e-6  # of the error in the tail: an error of most particles below it excuses no more
ROUNDING = 1e-9  # of a constant, which no error is below
LONGEST_BLOCK = 100  # particles in a row that stand for a simulation where there are few
OUTLIER = 5.0  # medians beyond which a residual loses weight; of white noise hardly any lies there
ROUNDS, NEARER = 10, 0.5  # fits at most, and share of the median error that one must come down to for another


def refit(law: Law, states: States, *, steps: int = 15, rounds: int = ROUNDS) -> Law:
    """Fit the free constants of a law to accelerations.

    Squares of the weighted error are minimised, and again with less weight on outliers, such as derivatives taken
    across a close encounter, as long as that brings most particles much nearer.

    Args:
        law: Form and starting values.
        states: Snapshots to fit.
        steps: Levenberg-Marquardt steps of each round.
        rounds: 1 leaves outliers their weight.

    Returns:
        The same form with the best constants found.
    """
    if len(law.constants) == 0:
        return law
    weights, before = states.weights, np.inf
    for turn in range(rounds):
        law = law.with_constants(_fit(law, states, weights, law.constants, steps))
        lowered, before = without_outliers(law.accelerations(states), states, before, is_first=turn == 0)
        if lowered is None:
            break
        weights = lowered
    return law


def without_outliers(
    predicted: Float[np.ndarray, "particles dim"], states: States, before: float, *, is_first: bool = False
) -> tuple[Float[np.ndarray, " particles"] | None, float]:
    """Weights for another fit that leaves outliers behind, such as derivatives taken across a close encounter.

    Args:
        predicted: Accelerations of the last fit.
        states: The snapshots, with weights that know of no outliers.
        before: Median error of the fit before it; infinite where there was none.
        is_first: Whether Huber's rule is due; where that shows most particles to be much nearer, outliers fall to what
            they count for.

    Returns:
        The weights, None where there are no outliers or leaving them behind brought most particles no nearer; and the
        median error now.
    """
    residual, middle = _residual(predicted, states), _middle(predicted, states)
    if not (np.isfinite(residual).all() and middle < NEARER * before and np.max(residual) > OUTLIER * middle):
        return None, middle
    return _lowered(states.weights, residual, middle, 0.5 if is_first else 1.0), middle


def _residual(predicted: Float[np.ndarray, "particles dim"], states: States) -> Float[np.ndarray, " particles"]:
    """Weighted size of the error of each acceleration."""
    with np.errstate(over="ignore", invalid="ignore"):  # a form that is undefined somewhere is told by what comes out
        return states.weights * np.linalg.norm(predicted - states.targets, axis=1)


def _middle(predicted: Float[np.ndarray, "particles dim"], states: States) -> float:
    """Median residual of the particles that a force acts on, but no less than rounding."""
    return max(float(np.median(_residual(predicted, states)[states.acted_on(predicted)])), ROUNDING)


def _lowered(
    weights: Float[np.ndarray, " particles"], residual: Float[np.ndarray, " particles"], middle: float, power: float
) -> Float[np.ndarray, " particles"]:
    """Weights that fall with a power of what a residual has above the limit; by Huber's rule with its root."""
    return weights / np.maximum(residual / (OUTLIER * middle), 1.0) ** power


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

    The two numbers that decide whether a law is found, in one; never below what the accelerations can tell. Particles
    that feel no force, by the data and by the law, do not count.

    Args:
        law: The law.
        states: Snapshots to judge on.

    Returns:
        The loss; infinite where the law is undefined on more than a tenth of the particles.
    """
    return error_of(law.accelerations(states), states)


def error_of(predicted: Float[np.ndarray, "particles dim"], states: States) -> float:
    """The same of any accelerations.

    Args:
        predicted: Accelerations of the particles with a target.
        states: Snapshots to judge on.

    Returns:
        The loss.
    """
    middle, high = np.quantile(states.counted_errors(predicted), [0.5, 0.9], method="higher")
    # What is exact for most particles and wrong for the rest is no better than that.
    return max(math.sqrt(max(middle, EXCUSED * high) * high), states.rounding)


def standard_errors(law: Law, states: States) -> tuple[Float[np.ndarray, " constants"], int]:
    """Standard errors of the free constants at their best values, and the number of blocks that they rest on.

    The sandwich estimator with one block for each simulation, since errors of
    neighbouring snapshots are not independent; with fewer than ten simulations,
    ten blocks and more of at most a hundred consecutive particles stand in. Errors are never
    below those of independent noise, to which few blocks are blind. Outliers weigh as
    little as at the end of a fit that left them behind.

    Args:
        law: The refitted law.
        states: The snapshots that it was fitted to.

    Returns:
        One error for each free constant, infinite where the data do not determine it or the law is undefined
        somewhere; and the number of blocks.

    Source:
        Liang and Zeger (1986), Biometrika 73, 13, the robust covariance.
    """
    value, slopes = law.accelerations_and_slopes(law.constants, states)
    n_constants = slopes.shape[-1]
    blocks = _blocks(states)
    n_blocks = int(blocks.max()) + 1
    if n_constants == 0 or not (np.isfinite(value).all() and np.isfinite(slopes).all()):
        return np.full(n_constants, np.inf), n_blocks
    weights = _lowered(states.weights, _residual(value, states), _middle(value, states), 1.0)
    slopes = slopes * weights[:, None, None]
    residual = (value - states.targets) * weights[:, None]
    # What moves no acceleration, such as a threshold between two pieces, is unknown itself and leaves the rest known.
    size, errors = np.linalg.norm(slopes.reshape(-1, n_constants), axis=0), np.full(n_constants, np.inf)
    told = size > 0
    slopes, scale, n_told = slopes if told.all() else slopes[..., told], size[told], int(told.sum())
    summed = np.zeros((n_blocks, n_told))
    np.add.at(summed, blocks, np.einsum("pd,pdc->pc", residual, slopes))
    flat = slopes.reshape(residual.size, n_told)
    # Columns of one size make the inverse safe for constants of very different sizes.
    normal = (flat / scale).T @ (flat / scale)
    if n_told == 0 or n_blocks < 2 or residual.size <= n_told or np.linalg.cond(normal) > 1e13:
        return errors, n_blocks
    inverse = np.linalg.inv(normal)
    middle = (summed / scale).T @ (summed / scale) * (n_blocks / (n_blocks - 1))
    counted = residual[states.acted_on(value)].size  # where nothing acts, nothing is missed, and no error is told
    white = np.diag(inverse) * np.sum(residual**2) / max(counted - n_told, 1)
    variance = np.maximum(np.diag(inverse @ middle @ inverse), white) / scale**2
    # Rounding in the data and the end of the iteration leave this much even where nothing is noisy.
    errors[told] = np.sqrt(np.maximum(variance, 0.0)) + ROUNDING * np.abs(law.constants[told])
    return errors, n_blocks


def _blocks(states: States) -> Int[np.ndarray, " particles"]:
    """Number of the block of each particle, from 0 on."""
    systems, blocks = np.unique(states.systems, return_inverse=True)
    if len(systems) >= FEWEST_BLOCKS:
        return blocks
    return np.arange(len(blocks)) // min(max(len(blocks) // FEWEST_BLOCKS, 1), LONGEST_BLOCK)


def interval(value: float, error: float, n_blocks: int) -> tuple[float, float]:
    """The 95 % interval of an estimate by Student's t with the blocks' degrees of freedom.

    Args:
        value: The estimate.
        error: Its standard error.
        n_blocks: Number of independent blocks of data.

    Returns:
        Lower and upper end.
    """
    reach = float(stdtrit(max(n_blocks - 1, 1), 0.975)) * error
    return value - reach, value + reach
