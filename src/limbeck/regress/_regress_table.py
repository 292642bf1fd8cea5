"""The way into a regression of a table: by squares or robustly, and how sure the choice is."""

import math
import time
from dataclasses import replace

from limbeck._threads import one_blas_thread

from ._dimensions import suits_units
from ._polish import with_factor
from ._problem import Problem, check_loss
from ._regression import Progress, Regression, RegressionConfig, regress_squares
from ._robust import far_out, weighted
from ._robust_rounds import regress_robustly
from ._stability import STABLE, choice_stability


@one_blas_thread
def regress_table(
    problem: Problem,
    config: RegressionConfig,
    *,
    engine: str = "auto",
    loss: str = "squared",
    seed: int,
    deadline: float = math.inf,
    listener: Progress | None = None,
) -> Regression:
    """Find the equation behind a table.

    Args:
        problem: Table, target and operators.
        config: How long and how wide to search.
        engine: `auto` asks PyOperon, where it is installed, and our own enumeration; else the name of an engine.
        loss: `squared`, or `robust` where a part of the rows, less than a fifth, may be grossly wrong.
        seed: Decides everything random.
        deadline: Moment of `time.monotonic` at which to end.
        listener: Told about progress: name of the event and its figure.

    Returns:
        The equation, what stands beside it, and the verdict.

    Raises:
        InputError: If there is no such engine or loss.
    """
    started = time.monotonic()

    def run(weighed: Problem, settings: RegressionConfig, ends: float) -> Regression:
        return regress_squares(weighed, settings, engine=engine, seed=seed, deadline=ends, listener=listener)

    if check_loss(loss) == "robust":
        found = regress_robustly(problem, config, deadline, run)
    else:
        found = _with_remark(run(problem, config, deadline), problem)
    found = _with_units(found, problem)
    return replace(_with_stability(found, problem, seed), problem=problem, seconds=time.monotonic() - started)


def _with_remark(found: Regression, problem: Problem) -> Regression:
    """The outcome, with a remark where errors have heavy tails."""
    count = far_out(found.chosen.expression, problem) if found.chosen.loss > 1e-7 else 0
    if not count:
        return found
    remark = (
        f"{count} of {len(problem.target)} rows lie more than 6 scales of the errors off: the errors have heavy tails, "
        f"which squares follow; compare with the robust loss"
    )
    return replace(found, reasons=(*found.reasons, remark))


def _with_units(found: Regression, problem: Problem) -> Regression:
    """The outcome, refused where no units of its constants make the equation hold."""
    if suits_units(found.chosen.expression, problem):
        return found
    doubt = (
        "no equation of those found can hold in the units given: sums, powers or functions join what has other units"
    )
    kept = found.reasons if found.verdict != "found" else ()
    return replace(found, verdict="not found", reasons=(doubt, *kept))


def _with_stability(found: Regression, problem: Problem, seed: int) -> Regression:
    """The outcome with the share of resamples that choose its form."""
    table = problem if found.row_weights is None else weighted(problem, found.row_weights)
    forms = [e.expression for e in found.hall.equations if suits_units(with_factor(e.expression), problem)]
    share = choice_stability(found.chosen.expression, forms, table, seed=seed)
    remark = (f"only {share:.0%} of bootstrap resamples of the rows choose this form",) if share < STABLE else ()
    return replace(found, stability=share, reasons=(*found.reasons, *remark))
