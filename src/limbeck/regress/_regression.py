"""From a table to one equation with its constants, and whether it can be stood behind."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace

import numpy as np
from scipy import stats

from limbeck._types import Constants
from limbeck.expressions import (
    Constant,
    Expression,
    Variable,
    complexity,
    free_constants,
    least_squares,
    same_form,
    simplify,
    to_readable,
    value_and_jacobian,
    with_constants,
)

from ._constants import ConstantEstimate
from ._hall_of_fame import Equation, HallOfFame, measure, scores
from ._problem import Problem, SearchConfig
from ._search import search

Progress = Callable[[str, object], None]
PRICE = 0.1  # fall of the log-loss that a unit of complexity must buy
LARGEST_LOSS = 0.05  # more than this share of the target's spread left over is no law
ROUNDING = 1e-6  # losses below it are told apart by size alone


@dataclass(frozen=True, kw_only=True, eq=False)
class RegressionConfig:
    """Settings of one regression.

    Attributes:
        search: How long and how wide each search is.
        searches: Independent searches.
    """

    search: SearchConfig = field(default_factory=SearchConfig)
    searches: int = 2


@dataclass(frozen=True, kw_only=True, eq=False)
class Regression:
    """The outcome of a regression.

    Attributes:
        problem: What was to be explained.
        hall: Best equation at each complexity over everything that was tried.
        chosen: The answer, by our rule.
        by_score: The answer by the published score.
        constants: Fitted numbers of the answer.
        verdict: `found` or `not found`.
        reasons: Why.
        noise: Estimated standard deviation of the target's noise, in its units; None where unknown.
        agreement: Share of the independent searches that chose this form.
        out_of_time: Whether the clock ended something early.
        seconds: Wall time [s].
    """

    problem: Problem
    hall: HallOfFame
    chosen: Equation
    by_score: Equation
    constants: tuple[ConstantEstimate, ...]
    verdict: str
    reasons: tuple[str, ...]
    noise: float | None
    agreement: float
    out_of_time: bool
    seconds: float


def regress_table(
    problem: Problem,
    config: RegressionConfig,
    *,
    engine: str = "auto",
    seed: int,
    deadline: float = math.inf,
    listener: Progress | None = None,
) -> Regression:
    """Find the equation behind a table.

    Args:
        problem: Table, target and operators.
        config: How long and how wide to search.
        engine: `auto` or the name of an engine.
        seed: Decides everything random.
        deadline: Moment of `time.monotonic` at which to end.
        listener: Told about progress: name of the event and its figure.

    Returns:
        The equation, what stands beside it, and the verdict.
    """
    started = time.monotonic()
    halls = []
    for k in range(config.searches):
        settings = _with_share(config.search, deadline, config.searches - k)
        halls.append(search(problem, settings, engine=engine, seed=seed + k))
        if listener is not None:
            listener("progress", {"done": k + 1, "of": config.searches})
    picks = [_pruned(_chosen(hall), problem) for hall in halls]
    chosen = min(picks, key=_price)
    agreement = sum(same_form(pick.expression, chosen.expression) for pick in picks) / len(picks)
    fitted = chosen.expression
    equations = {e.complexity: e for hall in halls for e in sorted(hall.equations, key=lambda e: -e.heldout_loss)}
    hall = replace(halls[0], equations=tuple(equations[size] for size in sorted(equations)))
    constants = _estimates(fitted, problem)
    reasons = _doubts(chosen, agreement)
    left = measure(fitted, problem.inputs, problem.variables, problem.target)
    return Regression(
        problem=problem,
        hall=hall,
        chosen=chosen,
        by_score=_by_score(hall),
        constants=constants,
        verdict="not found" if reasons else "found",
        reasons=tuple(reasons) or (f"{agreement:.0%} of the searches agree",),
        noise=float(left * np.std(problem.target)),
        agreement=agreement,
        out_of_time=any(hall.out_of_time for hall in halls),
        seconds=time.monotonic() - started,
    )


def _with_share(config: SearchConfig, deadline: float, shares: int) -> SearchConfig:
    """The settings of one search, with its share of the time that is left."""
    if not math.isfinite(deadline):
        return config
    share = max((deadline - time.monotonic()) / shares, 0.1)
    return replace(config, time_limit=min(share, config.time_limit or math.inf))


def _price(equation: Equation) -> float:
    """What an equation costs: its error and its size."""
    return math.log(max(equation.heldout_loss, ROUNDING)) + PRICE * equation.complexity


def _chosen(hall: HallOfFame) -> Equation:
    """The cheapest equation of a search."""
    return min(hall.equations, key=_price)


def _pruned(pick: Equation, problem: Problem) -> Equation:
    """The equation with fitted constants, and without those that are better zero."""
    best = _measured(pick, pick.expression, problem)
    for k in range(len(free_constants(best.expression)) - 1, -1, -1):
        values = free_constants(best.expression)
        if k >= len(values):  # went with another one
            continue
        values[k] = 0.0
        less = _measured(pick, simplify(with_constants(best.expression, values)), problem)
        best = less if _price(less) < _price(best) else best
    return best


def _measured(pick: Equation, expression: Expression, problem: Problem) -> Equation:
    """An equation with fitted constants and its size and error."""
    fitted = _fitted(expression, problem)
    loss = measure(fitted, problem.inputs, problem.variables, problem.target)
    return replace(pick, expression=fitted, complexity=complexity(fitted), loss=loss, heldout_loss=loss)


def _by_score(hall: HallOfFame) -> Equation:
    """The equation with the highest published score."""
    front = hall.front
    return max(zip(front, scores(front), strict=True), key=lambda pair: pair[1] or 0.0)[0]


def _fitted(expression: Expression, problem: Problem) -> Expression:
    """The expression with its constants fitted to all samples."""
    columns = dict(zip(problem.variables, problem.inputs.T, strict=True))
    root = np.ones_like(problem.target) if problem.weights is None else np.sqrt(problem.weights)

    def residual(constants: Constants) -> tuple[np.ndarray, np.ndarray]:
        value, slopes = value_and_jacobian(expression, columns, constants)
        return (value - problem.target) * root, slopes * root[:, None]

    start = free_constants(expression)
    return with_constants(expression, least_squares(residual, start)) if len(start) else expression


def _estimates(expression: Expression, problem: Problem) -> tuple[ConstantEstimate, ...]:
    """Constants with the errors that least squares gives."""
    values = free_constants(expression)
    if not len(values):
        return ()
    columns = dict(zip(problem.variables, problem.inputs.T, strict=True))
    value, slopes = value_and_jacobian(expression, columns)
    freedom = max(len(value) - len(values), 1)
    variance = float(np.sum((value - problem.target) ** 2)) / freedom
    errors = np.sqrt(np.maximum(np.diag(np.linalg.pinv(slopes.T @ slopes)) * variance, 0.0))
    place = to_readable(_named(expression, iter(range(1, len(values) + 1))))
    reach = float(stats.t.ppf(0.975, freedom)) * errors
    return tuple(
        ConstantEstimate(
            name=f"c{k + 1}",
            value=float(values[k]),
            standard_error=float(errors[k]),
            low=float(values[k] - reach[k]),
            high=float(values[k] + reach[k]),
            place=place,
        )
        for k in range(len(values))
    )


def _named(expression: Expression, numbers: Iterator[int]) -> Expression:
    """The expression with names for its free constants, in depth-first order."""
    if isinstance(expression, Constant):
        return Variable(f"c{next(numbers)}") if expression.free else expression
    if isinstance(expression, Variable):
        return expression
    return type(expression)(expression.op, tuple(_named(child, numbers) for child in expression.args))


def _doubts(chosen: Equation, agreement: float) -> list[str]:
    """What speaks against an equation."""
    doubts = []
    if not chosen.heldout_loss <= LARGEST_LOSS:
        doubts.append(f"{chosen.heldout_loss:.2g} of the target's spread is left over on held-out rows")
    if agreement < 1.0:
        doubts.append("independent searches chose different forms")
    return doubts
