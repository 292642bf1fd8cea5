"""Errors with heavy tails: a scale that gross errors do not move, and weights that leave them out.

A scale is an M-scale that stands as long as fewer than a quarter of the rows are wrong.
Weights are Tukey's: rows beyond a few scales have none. Both are read off an equation
that is refitted with them until they stand still; where there is no equation yet, rows are
compared with their neighbours.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from scipy.spatial import KDTree

from limbeck._types import Samples
from limbeck.expressions import Expression, simplify

from ._climb import FLOOR
from ._description import description_price
from ._polish import fitted, residual, with_factor
from ._problem import Problem
from ._ranks import ranks

BREAKDOWN = 0.25  # share of wrong rows that the scale withstands
CUT_OF_SCALE = 2.937  # makes the scale the standard deviation of normal errors, at that breakdown
CUT = 4.685  # scales from which on a row has no weight: 95 % efficient for normal errors
ROUNDING = 1e-9  # of a target's size: errors below it are none
ROUNDS = 30  # of refitting with new weights
STILL = 1e-4  # relative change of the scale that ends them
NEIGHBOURS = 12
FAR = 12.0  # spreads of its neighbourhood that leave a row out before there is an equation
FAR_OUT, FEWEST_FAR_OUT = 6.0, 3  # scales, and rows beyond them, that normal errors never show


@dataclass(frozen=True, kw_only=True, eq=False)
class Tails:
    """What a robust fit makes of the errors of an equation.

    Attributes:
        expression: The equation, refitted.
        weights: Weight of each row, from 0 for a gross error to 1, before the table's own weights.
        scale: Scale of the errors of the others, in the target's unit.
        stretch: Factor by which standard errors exceed those for weights that were known.
        cost: Log of the scale over the target's, plus the price of the size.
    """

    expression: Expression
    weights: Samples
    scale: float
    stretch: float
    cost: float


def m_scale(residual: Samples) -> float:
    """Scale of errors of which fewer than a quarter may be arbitrarily wrong: mean of rho(error/scale) = 1/4.

    Args:
        residual: Errors about zero.

    Returns:
        The scale; the standard deviation for normal errors.

    Source:
        Rousseeuw and Yohai (1984), S-estimators, with Tukey's rho.
    """
    size = np.abs(residual)
    scale = float(np.median(size)) / 0.6745 or float(np.quantile(size, 1.0 - BREAKDOWN))
    for _ in range(60):
        if not scale > 0:
            return 0.0
        share = np.mean(1.0 - np.clip(1.0 - (size / (CUT_OF_SCALE * scale)) ** 2, 0.0, None) ** 3)
        factor = math.sqrt(share / BREAKDOWN)
        scale *= factor
        if abs(factor - 1.0) < 1e-6:
            break
    return scale


def weights_of(residual: Samples, scale: Samples | float, cut: float = CUT) -> Samples:
    """Tukey's weights.

    Args:
        residual: Errors.
        scale: Their scale, > 0.
        cut: Scales from which on a row has no weight.

    Returns:
        1 for no error, falling to 0 at the cut.
    """
    return np.clip(1.0 - (residual / (cut * scale)) ** 2, 0.0, None) ** 2


def neighbour_weights(problem: Problem) -> Samples:
    """Weights before there is an equation: 0 for rows far from the median of their neighbours.

    Args:
        problem: The table.

    Returns:
        0 or 1 for each row; never 0 for a quarter or more.
    """
    ranked = np.column_stack([ranks(column) for column in problem.inputs.T])
    count = min(NEIGHBOURS, len(ranked) - 1)
    near = problem.target[np.asarray(KDTree(ranked).query(ranked, k=count + 1)[1])[:, 1:]]
    centre = np.median(near, axis=1)
    spread = np.median(np.abs(near - centre[:, None]), axis=1)
    error = np.abs(problem.target - centre) / (spread + 0.3 * np.median(spread) + np.finfo(float).tiny)
    return (error <= max(FAR, float(np.quantile(error, 1.0 - BREAKDOWN)))).astype(float)


def weighted(problem: Problem, weights: Samples, stretch: float = 1.0) -> Problem:
    """The table with weights on top of its own.

    Args:
        problem: The table.
        weights: A weight for each row.
        stretch: What standard errors are multiplied by.

    Returns:
        The table with the products.
    """
    own = 1.0 if problem.weights is None else problem.weights
    return replace(problem, weights=own * weights, stretch=stretch)


def settled(start: Expression, problem: Problem, weights: Samples) -> Tails:
    """Refit an equation and its weights in turns until the scale stands still.

    Args:
        start: Form and starting values.
        problem: The table with its own weights only.
        weights: Where to begin.

    Returns:
        Equation, weights, scale and cost.
    """
    expression = fitted(with_factor(simplify(start)), weighted(problem, weights))
    scale = m_scale(_errors(expression, problem))
    for _ in range(ROUNDS):
        pull = weights_of(_errors(expression, problem), _at_least(scale, problem), CUT_OF_SCALE)
        found = fitted(expression, weighted(problem, pull))
        smaller = m_scale(_errors(found, problem))
        if not smaller < scale:
            break
        fall, expression, scale = 1.0 - smaller / scale, found, smaller
        if fall < STILL:
            break
    return _tails(expression, problem, scale)


def _tails(expression: Expression, problem: Problem, scale: float) -> Tails:
    """The last weights, at a scale that stands, and what follows from them."""
    floor = _at_least(scale, problem)
    for _ in range(2):
        expression = fitted(expression, weighted(problem, weights_of(_errors(expression, problem), floor)))
    error = _errors(expression, problem)
    size = np.clip(1.0 - (error / (CUT * floor)) ** 2, 0.0, None)
    slope = size * (5.0 * size - 4.0)  # of weight times error, in the error: (1 - u^2)(1 - 5u^2)
    spread = m_scale(problem.target - np.median(problem.target)) or 1.0
    return Tails(
        expression=expression,
        weights=size**2,
        scale=scale,
        stretch=float(np.sum(size**2) / max(np.sum(slope), 0.2 * np.sum(size**2))),
        cost=math.log(max(scale / spread, FLOOR)) + description_price(simplify(expression), len(error)),
    )


def _errors(expression: Expression, problem: Problem) -> Samples:
    """Errors times the root of the table's own weights; large where the equation is undefined."""
    with np.errstate(all="ignore"):
        left = residual(expression, problem)
    if problem.weights is not None:
        left = left * np.sqrt(problem.weights / np.mean(problem.weights))
    return np.where(np.isfinite(left), left, 1e150)


def _at_least(scale: float, problem: Problem) -> Samples:
    """The scale, nowhere below the rounding of the target."""
    return np.maximum(scale, ROUNDING * (np.abs(problem.target) + np.median(np.abs(problem.target)))) + 1e-300


def best_tails(forms: Iterable[Expression], problem: Problem, weights: Samples) -> Tails:
    """The weights that the equation with the cheapest robust description gives.

    Args:
        forms: Equations to try, at least one.
        problem: The table with its own weights only.
        weights: Where each begins.

    Returns:
        What the cheapest makes of the errors.
    """
    return min((settled(form, problem, weights) for form in forms), key=lambda tails: tails.cost)


def far_out(expression: Expression, problem: Problem) -> int:
    """Number of rows so far out that the errors cannot be normal.

    Args:
        expression: The fitted equation.
        problem: The table.

    Returns:
        The number; 0 where it is too small to mean anything.
    """
    error = _errors(expression, problem)
    scale = _at_least(m_scale(error), problem)
    count = int(np.sum(np.abs(error) > FAR_OUT * scale))
    return count if count >= max(FEWEST_FAR_OUT, 2e-3 * len(error)) else 0
