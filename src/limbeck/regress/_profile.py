"""Where a conditional law changes: thresholds, which no slope can find, by their profile.

The loss is a step function of a threshold: it changes where the threshold passes a sample. So it
is tried between all neighbouring samples, and its interval runs over those that noise allows.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from limbeck._types import Samples
from limbeck.expressions import COMPARISONS, Call, Constant, Expression, Variable, evaluate

from ._constants import ConstantEstimate
from ._polish import columns_of, fitted
from ._problem import Problem

WINDOW = 20  # neighbouring samples to each side that are tried in the end
COARSE = 10  # coarse steps to each side before
ROUNDING = 1e-24
ALLOWED = 3.84  # squared standard errors: 95 % of a chi-square with one degree of freedom
REFITS = 3


@dataclass(frozen=True)
class Threshold:
    """A comparison of a variable with a number.

    Attributes:
        variable: Its name; empty where something else is compared.
        value: The number.
    """

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
    found = list(thresholds(expression))
    if not found:
        return expression, ()
    estimates: list[ConstantEstimate] = []
    for _ in range(REFITS):
        estimates, values = [], [t.value for t in found]
        for k, threshold in enumerate(found):
            low, high = _interval(expression, problem, k, values)
            values[k] = roundest(low, high)
            estimates.append(threshold_estimate(k, threshold.variable, values[k], low, high))
        expression = fitted(fixed_thresholds(expression, iter(values)), problem)
        found = list(thresholds(expression))
    return expression, tuple(estimates)


def thresholds(part: Expression) -> Iterator[Threshold]:
    """Comparisons with a number, in depth-first order, as `fixed_thresholds` takes them.

    Args:
        part: An equation.

    Yields:
        Each of them.
    """
    if not isinstance(part, Call):
        return
    if part.op in COMPARISONS and isinstance(part.args[1], Constant):
        name = part.args[0].name if isinstance(part.args[0], Variable) else ""
        yield Threshold(name, float(part.args[1].value))
        yield from thresholds(part.args[0])  # a comparison may stand in what is compared
        return
    for child in part.args:
        yield from thresholds(child)


def _interval(expression: Expression, problem: Problem, which: int, values: list[float]) -> tuple[float, float]:
    """Samples between which one threshold lies, all others as they are."""
    found = list(thresholds(expression))
    columns = columns_of(problem)
    if found[which].variable not in columns:
        return values[which], values[which]

    def squares(value: float) -> float:
        return _squares(expression, problem, [*values[:which], value, *values[which + 1 :]])

    levels = np.unique(columns[found[which].variable])
    smallest = float(np.sum(problem.target**2)) * ROUNDING
    return located(levels, values[which], squares, n_samples=len(problem.target), rounding=smallest)


def located(
    levels: Samples, start: float, squares: Callable[[float], float], *, n_samples: int, rounding: float
) -> tuple[float, float]:
    """Between which samples a threshold lies: coarse steps around a start, then every neighbouring sample.

    Args:
        levels: Sorted values of the variable, each once; at least two.
        start: Where the threshold is thought to be.
        squares: Sum of squares of the errors for a threshold, in units where noise has one size.
        n_samples: Number of errors.
        rounding: Sum of squares that is all rounding.

    Returns:
        The 95 % interval by the profile of the sum of squares: the nearest samples where nothing is noisy.
    """
    place, span = int(np.searchsorted(levels, start)), len(levels) // 8
    while span > WINDOW:
        places = np.unique(np.clip(np.linspace(place - span, place + span, 2 * COARSE + 1), 1, len(levels) - 1))
        sums = [squares(float(levels[int(k) - 1] + levels[int(k)]) / 2) for k in places]
        place, span = int(places[int(np.argmin(sums))]), 2 * span // COARSE
    places = np.unique(np.clip(np.arange(place - WINDOW, place + WINDOW + 1), 1, len(levels) - 1))
    sums = np.array([squares(float(levels[k - 1] + levels[k]) / 2) for k in places])
    best = int(np.argmin(sums))
    refused = np.flatnonzero(sums > sums[best] * (1.0 + ALLOWED / max(n_samples, 1)) + rounding)
    low = max((k for k in refused if k < best), default=-1) + 1
    high = min((k for k in refused if k > best), default=len(sums)) - 1
    return float(levels[places[low] - 1]), float(levels[places[high]])


def _squares(expression: Expression, problem: Problem, values: list[float]) -> float:
    """Sum of squares with given thresholds."""
    changed = fixed_thresholds(expression, iter(values))
    value: Samples = np.broadcast_to(evaluate(changed, columns_of(problem)), problem.target.shape)
    weights = 1.0 if problem.weights is None else problem.weights
    return float(np.sum(weights * (problem.target - value) ** 2))


def roundest(low: float, high: float) -> float:
    """The number with the fewest decimals between two.

    Args:
        low: Lower end.
        high: Upper end.

    Returns:
        A number between them.
    """
    middle = (low + high) / 2
    for digits in range(-6, 12):
        rounded = round(middle, digits)
        if low < rounded < high:
            return float(rounded)
    return middle


def threshold_estimate(number: int, variable: str, value: float, low: float, high: float) -> ConstantEstimate:
    """A threshold as a constant; its interval is all that is known of it.

    Args:
        number: How many thresholds stand before it.
        variable: What is compared with it.
        value: The threshold.
        low: Lower end of its interval.
        high: Upper end.

    Returns:
        The estimate.
    """
    return ConstantEstimate(
        name=f"t{number + 1}",
        value=value,
        standard_error=(high - low) / 4,
        low=low,
        high=high,
        place=f"threshold of {variable}" if variable else "threshold",
    )
