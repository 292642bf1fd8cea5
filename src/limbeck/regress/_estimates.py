"""How well an equation's numbers are known; whole ones by what the data say where they are free."""

from itertools import count

import numpy as np
from scipy.special import stdtrit

from limbeck.expressions import Expression, free_constants, to_readable, value_and_jacobian

from ._constants import ConstantEstimate, named, whole_numbers, with_freed
from ._dimensions import constant_units
from ._polish import columns_of, fitted
from ._problem import Problem
from ._profile import profiled

ROUNDING = 1e-9
ALONE = 0.9  # leverage above which a row tells most of a number alone


def standard_errors(expression: Expression, problem: Problem) -> np.ndarray:
    """Standard errors of the free constants, robust to noise that differs between samples.

    Args:
        expression: The fitted equation.
        problem: The table.

    Returns:
        One for each constant, in depth-first order; infinite where the data do not determine it.

    Source:
        White (1980), Econometrica 48, 817, each residual over 1 - leverage (HC3: MacKinnon and White, 1985, Journal of
        Econometrics 29, 305): rows near a pole pull the equation to themselves.
        Under a robust loss times the factor of Huber (1981), Robust Statistics, section 7.6: mean weight over
        mean slope of the pull, since a row's weight changes with its error.
    """
    value, slopes = value_and_jacobian(expression, columns_of(problem))
    n, k = slopes.shape
    if k == 0:
        return np.zeros(0)
    root = np.ones(n) if problem.weights is None else np.sqrt(problem.weights)
    slopes, residual = slopes * root[:, None], (value - problem.target) * root
    scale = np.linalg.norm(slopes, axis=0)
    scale[scale == 0] = 1.0
    slopes = slopes / scale
    normal = slopes.T @ slopes
    if not np.isfinite(normal).all() or np.linalg.cond(normal) > 1e13:
        return np.full(k, np.inf)
    inverse = np.linalg.inv(normal)
    leverage = np.sum((slopes @ inverse) * slopes, axis=1)
    squared = (residual / np.maximum(1.0 - leverage, 1.0 - ALONE)) ** 2
    # A row that alone tells a number is gone through exactly, and its own residual says nothing.
    squared = np.where(leverage > ALONE, np.maximum(squared, np.sum(residual**2) / max(n - k, 1)), squared)
    middle = (slopes * squared[:, None]).T @ slopes
    variance = np.diag(inverse @ middle @ inverse) / scale**2
    return problem.stretch * np.sqrt(np.maximum(variance, 0.0)) + ROUNDING * np.abs(free_constants(expression))


def estimates_of(expression: Expression, problem: Problem) -> tuple[ConstantEstimate, ...]:
    """Constants with their errors and 95 % intervals.

    Errors and intervals are those of a fit in which whole numbers are free too: what was made whole may not be, and
    its neighbours would make up for it. A whole number that the data say nothing of stays a part of the form.

    Args:
        expression: The fitted equation.
        problem: The table.

    Returns:
        Thresholds, then one estimate for each number in depth-first order.
    """
    told = _told(expression, problem)
    values = free_constants(expression).tolist()
    whole = [False] * len(values)
    for before, k in enumerate(told):
        place = _place(expression, k) + before
        values.insert(place, float(whole_numbers(expression)[k].value))
        whole.insert(place, True)
    start = _freed(expression, told)
    full = fitted(start, problem)
    centres, errors = free_constants(full), standard_errors(full, problem)
    units, place = constant_units(start, problem), to_readable(named(start, count(1)))
    reach = float(stdtrit(max(len(problem.target) - len(values), 1), 0.975))
    return profiled(expression, problem)[1] + tuple(
        ConstantEstimate(
            name=f"c{k + 1}",
            value=value,
            standard_error=float(errors[k]),
            low=min(value, float(centres[k] - reach * errors[k])),
            high=max(value, float(centres[k] + reach * errors[k])),
            place=place,
            unit=units[k],
            whole=whole[k],
        )
        for k, value in enumerate(values)
    )


def _told(expression: Expression, problem: Problem) -> list[int]:
    """Whole numbers that the data determine, all of them beside each other and the fitted ones."""
    told: list[int] = []
    if np.isfinite(standard_errors(expression, problem)).all():
        for k in range(len(whole_numbers(expression))):
            if np.isfinite(standard_errors(_freed(expression, [*told, k]), problem)).all():
                told.append(k)
    return told


def _freed(expression: Expression, numbers: list[int]) -> Expression:
    """The expression with some whole numbers free, in ascending order."""
    for k in reversed(numbers):
        expression = with_freed(expression, k)
    return expression


def _place(expression: Expression, number: int) -> int:
    """Place of a whole number among the free ones, were it one of them."""
    before, after = free_constants(expression), free_constants(with_freed(expression, number))
    return next((k for k, value in enumerate(before) if value != after[k]), len(before))
