"""From a weighted table to one equation with its constants, and whether it can be stood behind.

Two searches with other seeds and samples go all the way, from engines through refinement
to a choice; a third decides where they disagree. The verdict rests on their agreement, on
constants that are not zero, on errors that look like noise, and on no other form being as good.
"""

import math
import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace

import numpy as np

from limbeck._errors import InputError
from limbeck._types import Samples
from limbeck.expressions import Expression, complexity, same_form, same_function

from ._choose import Described, choose, measured, short_list
from ._climb import FLOOR
from ._constants import ConstantEstimate, with_ones
from ._description import EXACT, TELLING, TELLING_CUT_SHORT
from ._doubts import doubts, grounds, trend_doubts, unfinished_doubts
from ._estimates import estimates_of
from ._hall_of_fame import Equation, HallOfFame, gather, scores
from ._noise_level import NoiseTest
from ._polish import Polished, columns_of, fitted, loss_of, polish, residual
from ._problem import Problem, SearchConfig
from ._rivals import Rival, rivals
from ._sample import draw
from ._search import check_engine, search

Progress = Callable[[str, object], None]
STARTS = 12  # equations of each front that are refined
MOST_SAMPLES = 4_000  # that searches see
SEARCH_SHARE = 0.5  # of the time, for the engines; the rest is for refinement


@dataclass(frozen=True, kw_only=True, eq=False)
class RegressionConfig:
    """Settings of one regression.

    Attributes:
        search: How long and how wide each search is.
        searches: Independent searches; where no two of them agree, one more is made.
    """

    search: SearchConfig = field(default_factory=SearchConfig)
    searches: int = 2

    def __post_init__(self) -> None:
        """Check the range.

        Raises:
            InputError: If there is no search.
        """
        if not 1 <= self.searches <= 100:
            raise InputError(f"searches must be 1 to 100; got {self.searches}")


@dataclass(frozen=True, kw_only=True, eq=False)
class Regression:
    """The outcome of a regression.

    Attributes:
        problem: What was to be explained.
        hall: Best equation at each complexity over everything that was tried.
        chosen: The answer, by our rule.
        by_score: The answer by the published score.
        constants: Numbers of the answer, whole ones included.
        verdict: `found` or `not found`.
        reasons: Why.
        noise: Estimated standard deviation of the target's noise, in its units; None where unknown.
        agreement: Share of the independent searches that chose this form.
        out_of_time: Whether the clock ended something early.
        seconds: Wall time [s].
        rivals: Other forms that the data do not rule out.
        row_weights: Weight that a robust loss gave each row; None under squares.
        stability: Share of bootstrap resamples of the rows that choose this form on the front; None where not asked.
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
    rivals: tuple[Rival, ...] = ()
    row_weights: Samples | None = None
    stability: float | None = None


@dataclass(frozen=True)
class _Attempt:
    """One search, refined, and what it chose."""

    hall: HallOfFame
    ranked: tuple[Polished, ...]
    listed: tuple[Described, ...]
    chosen: Described


def regress_squares(
    problem: Problem,
    config: RegressionConfig,
    *,
    engine: str = "auto",
    seed: int,
    deadline: float = math.inf,
    listener: Progress | None = None,
) -> Regression:
    """Find the equation behind a table by weighted least squares.

    Args:
        problem: Table, target and operators.
        config: How long and how wide to search.
        engine: `auto` asks our own enumeration, and PyOperon too where that leaves doubt; else an engine's name.
        seed: Decides everything random.
        deadline: Moment of `time.monotonic` at which to end.
        listener: Told about progress: name of the event and its figure.

    Returns:
        The equation, what stands beside it, and the verdict.
    """
    started = time.monotonic()
    looked_at = _at_most(problem, seed)

    def refined(halls: Sequence[HallOfFame], k: int) -> _Attempt:
        ends = _share(deadline, max(config.searches - k, 1))
        attempt = _refined(halls, looked_at, problem, seed + k, ends)
        _tell(listener, k + 1, max(config.searches, k + 1))
        return attempt

    first = _searched(looked_at, config.search, [_first_engine(engine)] * config.searches, seed, deadline)
    attempts = [refined([hall], k) for k, hall in enumerate(first)]
    noise = NoiseTest(draw(problem, len(problem.target), seed))
    if _is_doubtful(attempts, problem, noise) and time.monotonic() < deadline:
        both = _engines(engine, problem.operators)
        thorough = replace(config.search, past_noise=True)
        attempts.append(refined(_searched(looked_at, thorough, both, seed + len(first), deadline), len(first)))
    best, agreement = _agreement(attempts, problem)
    answer = measured(best.chosen, problem)
    hall = _merged(attempts, answer, looked_at)
    chosen = replace(_equation(answer), heldout_loss=_held_out(answer.expression, problem, seed))
    constants = estimates_of(chosen.expression, problem)
    free = [constant for constant in constants if not constant.whole]
    left = residual(chosen.expression, problem)
    cut_short = any(a.hall.out_of_time for a in attempts)
    out_of_time = cut_short or time.monotonic() > deadline
    # A search that was cut short has not seen what may be better: what it has seen must stand out more.
    telling = TELLING_CUT_SHORT if out_of_time else TELLING
    others = rivals(best.chosen, [d for a in attempts for d in (a.chosen, *a.listed)], problem, telling=telling)
    against = doubts(chosen, free, agreement, len(attempts), problem.inputs, left, others)
    if cut_short:
        against += unfinished_doubts(chosen)
    if chosen.loss > EXACT:
        against += trend_doubts(noise.trend(chosen.expression))
    return Regression(
        problem=problem,
        hall=hall,
        chosen=chosen,
        by_score=_by_score(hall),
        constants=constants,
        verdict="not found" if against else "found",
        reasons=tuple(against) or (grounds(chosen, agreement, len(attempts)),),
        noise=float(np.sqrt(np.sum(left**2) / max(len(left) - len(free), 1))),
        agreement=agreement,
        rivals=others,
        out_of_time=out_of_time,
        seconds=time.monotonic() - started,
    )


def _tell(listener: Progress | None, done: int, of: int) -> None:
    """Report progress."""
    if listener is not None:
        listener("progress", {"done": done, "of": of})


def _share(deadline: float, shares: int) -> float:
    """Moment at which the next of several equal parts must end."""
    now = time.monotonic()
    return deadline if math.isinf(deadline) else now + max(deadline - now, 0.2) / shares


def _at_most(problem: Problem, seed: int) -> Problem:
    """The table, or a draw of its samples where there are many."""
    count = len(problem.target)
    if count <= MOST_SAMPLES:
        return problem
    return problem.rows(np.sort(np.random.default_rng(seed).permutation(count)[:MOST_SAMPLES]))


def _first_engine(engine: str) -> str:
    """Our own enumeration, unless an engine was asked for."""
    name = check_engine(engine)
    return "enumerate" if engine == "auto" else name


def _engines(engine: str, operators: tuple[str, ...]) -> list[str]:
    """Engines of the search that decides: by default our own and the installed one, so that two kinds are heard."""
    name = check_engine(engine)
    if engine != "auto" or "IF" in operators:  # PyOperon has no counterpart of a condition
        return [_first_engine(engine)]
    return list(dict.fromkeys(["enumerate", name]))


def _searched(
    problem: Problem, config: SearchConfig, engines: Sequence[str], seed: int, deadline: float
) -> list[HallOfFame]:
    """Ask engines, each with a seed of its own; side by side, since they let the interpreter go."""
    if math.isfinite(deadline):
        limit = max(SEARCH_SHARE * (deadline - time.monotonic()), 0.1)
        config = replace(config, time_limit=min(limit, config.time_limit or math.inf))
    pool = ThreadPoolExecutor(min(len(engines), os.cpu_count() or 1))
    try:
        begun = [pool.submit(search, problem, config, engine=e, seed=seed + k) for k, e in enumerate(engines)]
        return [future.result() for future in begun]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupt does not wait for a search


def _refined(halls: Sequence[HallOfFame], looked_at: Problem, problem: Problem, seed: int, ends: float) -> _Attempt:
    """Refine what engines found, and decide."""
    starts = [form for hall in halls for form in hall.starts] + [
        e.expression for hall in halls for e in hall.hopeful[:STARTS]
    ]
    ranked = polish(starts, looked_at, seed=seed, is_over=lambda: time.monotonic() > ends)
    listed = short_list(ranked, problem)
    return _Attempt(_joined(halls), ranked, listed, choose(listed, problem))


def _is_doubtful(attempts: Sequence[_Attempt], problem: Problem, noise: NoiseTest) -> bool:
    """Whether no two of several searches agree, or what they agree on leaves more than noise."""
    if len(attempts) < 2:
        return False
    best, agreement = _agreement(attempts, problem)
    if agreement * len(attempts) < 1.5:
        return True
    return best.chosen.loss > FLOOR and not noise.passes(best.chosen.expression)


def _joined(halls: Sequence[HallOfFame]) -> HallOfFame:
    """The halls of several engines as one."""
    best: dict[int, Equation] = {}
    for equation in sorted((e for hall in halls for e in hall.equations), key=lambda e: e.loss):
        best.setdefault(equation.complexity, equation)
    return replace(
        halls[0],
        equations=tuple(best[size] for size in sorted(best)),
        engine="+".join(dict.fromkeys(hall.engine for hall in halls)),
        version="+".join(dict.fromkeys(hall.version for hall in halls)),
        evaluations=sum(hall.evaluations for hall in halls),
        seconds=max(hall.seconds for hall in halls),
        out_of_time=any(hall.out_of_time for hall in halls),
        symmetry=next((hall.symmetry for hall in halls if hall.symmetry), ""),
    )


def _agreement(attempts: Sequence[_Attempt], problem: Problem) -> tuple[_Attempt, float]:
    """The cheapest choice, and the share of the searches that made it."""
    columns = columns_of(problem)

    def alike(a: Expression, b: Expression) -> bool:
        # Of a number that is 1, different writings fit the digits at different places.
        return same_form(a, b) or same_function(a, b, columns) or same_form(with_ones(a), with_ones(b))

    def votes(one: _Attempt) -> int:
        return sum(alike(one.chosen.expression, other.chosen.expression) for other in attempts)

    # All choices are priced on the same rows: a dearer one was only searched for less well.
    best = min(attempts, key=lambda a: (a.chosen.cost, -votes(a)))
    return best, votes(best) / len(attempts)


def _merged(attempts: Sequence[_Attempt], chosen: Described, problem: Problem) -> HallOfFame:
    """Everything that was found and refined, the best at each complexity; the choice among them."""
    found = [(e.expression, e.backend_complexity) for a in attempts for e in a.hall.equations]
    refined = [(p.expression, 0) for a in attempts for p in a.ranked]
    equations = {e.complexity: e for e in gather(found + refined, problem, problem)}
    answer = _equation(chosen)
    equations[answer.complexity] = answer
    return replace(_joined([a.hall for a in attempts]), equations=tuple(equations[size] for size in sorted(equations)))


def _equation(chosen: Described) -> Equation:
    """The choice as an equation of the hall of fame."""
    return Equation(
        expression=chosen.expression,
        complexity=complexity(chosen.expression),
        backend_complexity=0,
        loss=chosen.loss,
        heldout_loss=chosen.loss,
    )


def _held_out(expression: Expression, problem: Problem, seed: int) -> float:
    """Loss on a quarter of the rows, the numbers fitted to the others."""
    order = np.random.default_rng(seed).permutation(len(problem.target))
    cut = max(len(order) // 4, 3)
    return loss_of(fitted(expression, problem.rows(order[cut:])), problem.rows(order[:cut]))


def _by_score(hall: HallOfFame) -> Equation:
    """The equation with the highest published score."""
    front = hall.front
    return max(zip(front, scores(front), strict=True), key=lambda pair: pair[1] or 0.0)[0]
