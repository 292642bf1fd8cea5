"""Which of many refitted equations is the law: the shortest description, and numbers that are whole where they may be.

With n samples of independent noise, a part of a formula has to lower the log-loss by more
than chance does in the best of many tries. Where nothing is noisy, the exact form has no
loss left and wins by any rule.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice

import numpy as np

from limbeck.expressions import (
    Call,
    Constant,
    Expression,
    Variable,
    free_constants,
    simplify,
)

from ._climb import FLOOR
from ._constants import whole_numbers, with_freed
from ._description import description_price, saved_by_whole, symbol_price, told_apart
from ._dimensions import suits_units
from ._estimates import ROUNDING, standard_errors
from ._polish import Polished, fitted, loss_of, nearby, positive_variables, with_factor
from ._problem import Problem
from ._profile import fixed_thresholds, profiled

SHORT_LIST = 12  # equations that are fitted to every sample
DENOMINATORS = (1, 2, 3, 4)
LARGEST_WHOLE = 12
NEAR = 2.0  # standard errors within which a number may be a whole one or a simple fraction
NEAR_ZERO = 3.0  # the same for zero: a number that may be zero is a doubt about the whole equation
ZERO_SAVES = 0.9  # of a symbol
FITTED = 0.75  # nats by which a fitted number must be better than a whole one
KNOWN_WELL = 0.1  # share of the distance between such numbers that the standard error must stay under
MOST_DESCENTS = 4
QUICK_STEPS = 6
SNAPPED = 6  # equations whose numbers are made whole before one is chosen
NEARLY, NEAREST = 0.05, 4  # neighbours that are fitted in full: how much dearer at first, and how many


@dataclass(frozen=True)
class Described:
    """An equation fitted to every sample, with the length of what it leaves unsaid.

    Attributes:
        expression: The equation.
        loss: Root mean square error over the target's spread, on all samples.
        cost: Log-loss plus the price of the size; the lowest is chosen.
    """

    expression: Expression
    loss: float
    cost: float


def described(equation: Expression, problem: Problem) -> Described:
    """Fit an equation to every sample and say what it costs.

    Args:
        equation: The equation.
        problem: The table.

    Returns:
        The equation with its cost.
    """
    start = fixed_thresholds(equation)
    full, _ = profiled(fitted(with_factor(start), problem), problem)
    expression = simplify(full) if loss_of(full, problem) <= loss_of(start, problem) else start
    return _described(expression, problem)


def _described(expression: Expression, problem: Problem) -> Described:
    """An equation with its cost."""
    loss = loss_of(expression, problem)
    return Described(expression, loss, _cost(expression, loss, len(problem.target)))


def _cost(expression: Expression, loss: float, n_samples: int) -> float:
    """Log-loss plus the price of the description."""
    return math.log(max(loss, FLOOR)) + description_price(expression, n_samples)


def short_list(ranked: Sequence[Polished], problem: Problem) -> tuple[Described, ...]:
    """The equations that may be the shortest description, fitted to every sample.

    Args:
        ranked: Refitted equations.
        problem: The table.

    Returns:
        A few, the cheapest first.
    """
    ranked = [p for p in ranked if suits_units(with_factor(p.expression), problem)] or ranked
    in_order = sorted(ranked, key=lambda p: _cost(p.expression, p.loss, len(problem.target)))
    hopeful = [in_order[k] for k in islice(told_apart([p.loss for p in in_order]), SHORT_LIST)]
    candidates = sorted((described(p.expression, problem) for p in hopeful), key=lambda d: d.cost)
    candidates = [d for d in candidates if suits_units(d.expression, problem)] or candidates
    # A form with a number that the data say nothing of is another one's overgrown writing.
    known = [d for d in candidates if np.isfinite(standard_errors(d.expression, problem)).all()]
    return tuple(known or candidates[:1])


def choose(listed: Sequence[Described], problem: Problem) -> Described:
    """The equation with the shortest description.

    Args:
        listed: Equations fitted to every sample, the cheapest first.
        problem: The table.

    Returns:
        The cheapest, its numbers whole or simple fractions where the data allow it.
    """
    reachable = [d for d in listed if lowest_cost(d, problem) <= listed[0].cost][:SNAPPED]
    best = min((snapped(d, problem) for d in reachable), key=lambda d: d.cost)
    return snapped(_descended(best, problem), problem)


def measured(best: Described, problem: Problem) -> Described:
    """Give those whole numbers back their digits that the data speak against, however weakly.

    A law without fitted numbers is told by them, but a 0.99 that may be 1 within two standard errors is not 1 for that.

    Args:
        best: An equation, its numbers whole where they may be.
        problem: The table.

    Returns:
        The equation, at the cost that it had.
    """
    expression, loss = best.expression, best.loss
    for k in reversed(range(len(whole_numbers(expression)))):
        freed = fitted(with_freed(expression, k), problem)
        other = loss_of(freed, problem)
        if len(problem.target) * math.log(max(loss, FLOOR) / max(other, FLOOR)) > FITTED:
            expression, loss = freed, other
    return Described(expression, loss, best.cost)


def lowest_cost(equation: Described, problem: Problem) -> float:
    """What an equation may cost at best once its numbers are whole: a law without any is told by it.

    Args:
        equation: The equation.
        problem: The table.

    Returns:
        A bound of its cost.
    """
    return equation.cost - saved_by_whole(len(problem.target)) * len(free_constants(equation.expression))


def _descended(best: Described, problem: Problem) -> Described:
    """The cheapest equation that is reached by small changes, each of which makes the description shorter."""
    shiftable = positive_variables(problem)
    for _ in range(MOST_DESCENTS):
        quick = (
            _described(fitted(with_factor(form), problem, steps=QUICK_STEPS), problem)
            for form in nearby(best.expression, problem, shiftable)
            if suits_units(with_factor(form), problem)
        )
        hopeful = sorted((d for d in quick if d.cost < best.cost + NEARLY), key=lambda d: d.cost)[:NEAREST]
        full = (described(d.expression, problem) for d in hopeful)
        found = min((d for d in full if suits_units(d.expression, problem)), key=lambda d: d.cost, default=best)
        if not found.cost < best.cost:
            return best
        best = found
    return best


def snapped(best: Described, problem: Problem) -> Described:
    """Fix numbers at whole ones or simple fractions, one at a time, where that costs less.

    Args:
        best: An equation with fitted numbers.
        problem: The table.

    Returns:
        The equation, perhaps with fewer numbers to fit.
    """
    rows = len(problem.target)
    for k in reversed(range(len(free_constants(best.expression)))):
        estimates = standard_errors(best.expression, problem)
        if k >= len(estimates):  # simplification has merged numbers
            continue
        value, error = float(free_constants(best.expression)[k]), float(estimates[k])
        for nearest in _simple_numbers(value, error):
            fixed = with_fixed(best.expression, k, nearest)
            other = _described(simplify(fitted(fixed, problem)), problem)
            # Zero in the place of a number, such as one side of a condition, is as long but says a symbol less.
            dearest = best.cost + (ZERO_SAVES * symbol_price(rows) if nearest == 0 else 0.0)
            # A number that has a unit is whole by the choice of the unit only.
            if other.cost <= dearest and suits_units(other.expression, problem):
                best = other
                break
    return best


def _simple_numbers(value: float, error: float) -> Iterator[float]:
    """Zero, whole numbers and simple fractions that a number may be, simplest first."""
    if abs(value) <= NEAR_ZERO * error:
        yield 0.0
    for denominator in DENOMINATORS:
        nearest = Fraction(round(value * denominator), denominator)
        allowed = max(NEAR * error, ROUNDING * max(abs(value), 1.0))
        if nearest.denominator != denominator or abs(nearest) > LARGEST_WHOLE or nearest == 0:
            continue
        if abs(value - nearest) <= allowed and error < KNOWN_WELL / denominator:
            yield float(nearest)


def with_fixed(expression: Expression, number: int, value: float) -> Expression:
    """The expression with one free constant, in depth-first order, made a part of the form.

    Args:
        expression: Any equation.
        number: Which of its free constants.
        value: What it is fixed at.

    Returns:
        The equation with one number fewer to fit.
    """
    seen = -1

    def walk(part: Expression) -> Expression:
        nonlocal seen
        if isinstance(part, Constant):
            seen += part.free
            whole = int(value) if value.is_integer() else value
            return Constant(whole, free=False) if part.free and seen == number else part
        if isinstance(part, Variable):
            return part
        return Call(part.op, tuple(walk(child) for child in part.args))

    return walk(expression)
