"""Where a conditional law changes: thresholds, which no slope can find, by their profile.

The loss is a step function of a threshold: it changes where the threshold passes a sample. So it
is tried between all neighbouring samples, and its interval runs over those that noise allows.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from limbeck._types import Samples
from limbeck.expressions import Call, Constant, Expression, Variable, evaluate

from ._constants import ConstantEstimate
from ._polish import columns_of, fitted
from ._problem import Problem

COMPARISONS = frozenset({"lt", "le", "gt", "ge"})
WINDOW = 40  # neighbouring samples to each side that are tried
ALLOWED = 3.84  # squared standard errors: 95 % of a chi-square with one degree of freedom
REFITS = 3


@dataclass(frozen=True)
class _Threshold:
    """A comparison of a variable with a number."""

    variable: str
    value: float


def fixed_thresholds(part: Expression, values: Iterator[float] | None = None) -> Expression:
    """Make the numbers that variables are compared with a part of the form, since no slope can fit them.

    Args:
        part: An equation.
        values: New values of the thresholds in depth-first order; None keeps them.

    Returns:
        The same equation, or that with other thresholds.
    """
    if not isinstance(part, Call):
        return part
    if part.op in COMPARISONS and isinstance(part.args[1], Constant):
        value = part.args[1].value if values is None else next(values)
        return Call(part.op, (fixed_thresholds(part.args[0], values), Constant(value, free=False)))
    return Call(part.op, tuple(fixed_thresholds(child, values) for child in part.args))


def profiled(expression: Expression, problem: Problem) -> tuple[Expression, tuple[ConstantEstimate, ...]]:
    """Fit the thresholds of an equation, its other numbers with them, and say how well they are known.

    Args:
        expression: An equation, perhaps conditional.
        problem: The table.

    Returns:
        The equation with fixed thresholds, each the roundest number of its interval, and an estimate for each.
    """
    found = list(_thresholds(expression))
    if not found:
        return expression, ()
    estimates: list[ConstantEstimate] = []
    for _ in range(REFITS):
        estimates, values = [], [t.value for t in found]
        for k, threshold in enumerate(found):
            low, high = _interval(expression, problem, k, values)
            values[k] = _roundest(low, high)
            estimates.append(_estimate(k, threshold.variable, values[k], low, high))
        expression = fitted(fixed_thresholds(expression, iter(values)), problem)
        found = list(_thresholds(expression))
    return expression, tuple(estimates)


def _thresholds(part: Expression) -> Iterator[_Threshold]:
    """Comparisons of a variable with a number, in depth-first order."""
    if not isinstance(part, Call):
        return
    if part.op in COMPARISONS and isinstance(part.args[1], Constant):
        name = part.args[0].name if isinstance(part.args[0], Variable) else ""
        yield _Threshold(name, float(part.args[1].value))
        return
    for child in part.args:
        yield from _thresholds(child)


def _interval(expression: Expression, problem: Problem, which: int, values: list[float]) -> tuple[float, float]:
    """Samples between which one threshold lies, all others as they are."""
    found = list(_thresholds(expression))
    columns = columns_of(problem)
    if found[which].variable not in columns:
        return values[which], values[which]
    levels = np.unique(columns[found[which].variable])
    place = int(np.clip(np.searchsorted(levels, values[which]), 1, len(levels) - 1))
    places = np.arange(max(1, place - WINDOW), min(len(levels) - 1, place + WINDOW) + 1)
    middles = (levels[places - 1] + levels[places]) / 2
    sums = np.array([_squares(expression, problem, [*values[:which], m, *values[which + 1 :]]) for m in middles])
    best = int(np.argmin(sums))
    allowed = sums <= sums[best] * (1.0 + ALLOWED / max(len(problem.target), 1)) + 1e-24 * np.sum(problem.target**2)
    low = best - int(np.argmin(allowed[best::-1])) + 1 if not allowed[: best + 1].all() else 0
    high = best + int(np.argmin(allowed[best:])) - 1 if not allowed[best:].all() else len(sums) - 1
    return float(levels[places[low] - 1]), float(levels[places[high]])


def _squares(expression: Expression, problem: Problem, values: list[float]) -> float:
    """Sum of squares with given thresholds."""
    changed = fixed_thresholds(expression, iter(values))
    value: Samples = np.broadcast_to(evaluate(changed, columns_of(problem)), problem.target.shape)
    weights = 1.0 if problem.weights is None else problem.weights
    return float(np.sum(weights * (problem.target - value) ** 2))


def _roundest(low: float, high: float) -> float:
    """The number with the fewest decimals between two."""
    middle = (low + high) / 2
    for digits in range(-6, 12):
        rounded = round(middle, digits)
        if low < rounded < high:
            return float(rounded)
    return middle


def _estimate(number: int, variable: str, value: float, low: float, high: float) -> ConstantEstimate:
    """A threshold as a constant; its interval is all that is known of it."""
    return ConstantEstimate(
        name=f"t{number + 1}",
        value=value,
        standard_error=(high - low) / 4,
        low=low,
        high=high,
        place=f"threshold of {variable}" if variable else "threshold",
    )
