"""How well an equation's numbers are known; whole ones by what the data say where they are free."""

from itertools import count

import numpy as np
from scipy import stats

from limbeck.expressions import Expression, free_constants, to_readable, value_and_jacobian

from ._constants import ConstantEstimate, named, whole_numbers, with_freed
from ._dimensions import constant_units
from ._polish import columns_of, fitted
from ._problem import Problem
from ._profile import profiled

ROUNDING = 1e-9


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
    left_out = residual / np.maximum(1.0 - leverage, 1.0 / n)
    middle = (slopes * left_out[:, None] ** 2).T @ slopes
    variance = np.diag(inverse @ middle @ inverse) / scale**2
    return problem.stretch * np.sqrt(np.maximum(variance, 0.0)) + ROUNDING * np.abs(free_constants(expression))


def estimates_of(expression: Expression, problem: Problem) -> tuple[ConstantEstimate, ...]:
    """Constants with their errors and 95 % intervals.

    A whole number is a part of the form; its error and interval are those that it has where it is fitted beside the
    others. One that the data say nothing of is left out.

    Args:
        expression: The fitted equation.
        problem: The table.

    Returns:
        Thresholds, then one estimate for each number in depth-first order.
    """
    numbers = [
        (float(v), float(v), float(e), False)
        for v, e in zip(free_constants(expression), standard_errors(expression, problem), strict=True)
    ]
    told = []
    for k, constant in enumerate(whole_numbers(expression)):
        place, value, error = _where_free(expression, k, problem)
        if np.isfinite(error):
            numbers.insert(place + len(told), (float(constant.value), value, error, True))
            told.append(k)
    full = expression
    for k in reversed(told):
        full = with_freed(full, k)
    units, place = constant_units(full, problem), to_readable(named(full, count(1)))
    freedom = max(len(problem.target) - len(free_constants(expression)), 1)
    reach = float(stats.t.ppf(0.975, freedom))
    return profiled(expression, problem)[1] + tuple(
        ConstantEstimate(
            name=f"c{k + 1}",
            value=value,
            standard_error=error,
            low=centre - reach * error,
            high=centre + reach * error,
            place=place,
            unit=units[k],
            whole=whole,
        )
        for k, (value, centre, error, whole) in enumerate(numbers)
    )


def _where_free(expression: Expression, number: int, problem: Problem) -> tuple[int, float, float]:
    """Place of a whole number among the free ones, its value where it is fitted with them, and that value's error."""
    start = with_freed(expression, number)
    before, after = free_constants(expression), free_constants(start)
    place = next((k for k, value in enumerate(before) if value != after[k]), len(before))
    freed = fitted(start, problem)
    return place, float(free_constants(freed)[place]), float(standard_errors(freed, problem)[place])
