"""A regression whose errors may be gross: weights from a first equation, then the law, until the weights stand still.

Each round is a whole regression with weights that the round before has settled. What comes
out is doubted more than a least-squares fit: rows without weight have to be few, and strewn.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from limbeck._types import Samples
from limbeck.expressions import Expression, same_form

from ._hall_of_fame import Equation
from ._polish import residual
from ._problem import Problem
from ._regression import Regression, RegressionConfig
from ._residuals import alike_among_neighbours
from ._robust import Tails, best_tails, m_scale, neighbour_weights, settled, weighted

MOST_LEFT_OUT = 0.2  # share of rows without weight above which an equation is no law of the table
LEFT_OUT = 1e-3  # weight below which a row counts as left out
SAME = 0.05  # mean change of the weights that another round is not worth
ROUNDS = 3
FIRST_SHARE = 0.3  # of the time, for the first equation
FORMS = 12  # equations that each round compares

Run = Callable[[Problem, RegressionConfig, float], Regression]


def regress_robustly(problem: Problem, config: RegressionConfig, deadline: float, run: Run) -> Regression:
    """Find an equation while leaving out gross errors.

    Args:
        problem: The table with its own weights.
        config: How long and how wide to search.
        deadline: Moment of `time.monotonic` at which to end.
        run: A regression by weighted least squares: table, settings and its own deadline.

    Returns:
        The outcome, its noise the scale of the errors of the rows that count.
    """
    started = time.monotonic()
    first = deadline if math.isinf(deadline) else started + FIRST_SHARE * (deadline - started)
    weights = neighbour_weights(problem)
    found = run(weighted(problem, weights), replace(config, searches=1), first)
    tails = best_tails(_forms(found), problem, weights)
    for _ in range(ROUNDS):
        found = run(weighted(problem, tails.weights, tails.stretch), config, deadline)
        best = best_tails(_forms(found), problem, tails.weights)
        own = settled(found.chosen.expression, problem, tails.weights)
        is_still = same_form(own.expression, best.expression) or own.cost <= best.cost + 1e-9
        changed = float(np.mean(np.abs(best.weights - tails.weights)))
        if (is_still and changed < SAME) or time.monotonic() > deadline:
            break
        tails = best
    return _judged(found, problem, tails, time.monotonic() - started)


def _forms(found: Regression) -> list[Expression]:
    """The answer and the equations of the front with the lowest errors."""
    front: Sequence[Equation] = sorted(found.hall.front, key=lambda e: e.heldout_loss)[: FORMS - 1]
    return [found.chosen.expression, *(e.expression for e in front)]


def _judged(found: Regression, problem: Problem, tails: Tails, seconds: float) -> Regression:
    """The outcome with what the rows that were left out say against it or beside it."""
    doubts = left_out_doubts(tails.weights, problem)
    # Gross errors raise the scale that withstands them; without them it is that of the noise.
    noise = m_scale(residual(found.chosen.expression, problem)[tails.weights > LEFT_OUT])
    kept = found.reasons if found.verdict != "found" or not doubts else ()
    return replace(
        found,
        verdict="not found" if doubts else found.verdict,
        reasons=(*kept, *doubts, left_out_remark(tails.weights, noise)),
        noise=noise,
        row_weights=tails.weights,
        seconds=seconds,
    )


def left_out_doubts(weights: Samples, problem: Problem) -> list[str]:
    """What the rows without weight say against an equation.

    Args:
        weights: Weight of each row.
        problem: The table.

    Returns:
        A sentence for each doubt.
    """
    out = weights < LEFT_OUT
    found = []
    if np.mean(out) > MOST_LEFT_OUT:
        found.append(f"{np.mean(out):.0%} of the rows do not follow the equation: too many to be gross errors")
    alike = alike_among_neighbours(out.astype(float), problem.inputs)
    if alike > 0:
        found.append(
            f"the rows that do not follow the equation lie together (correlation {alike:.2f}): they are not gross "
            f"errors, and the equation holds for a part of the table only"
        )
    return found


def left_out_remark(weights: Samples, scale: float) -> str:
    """How many rows a robust fit left out.

    Args:
        weights: Weight of each row.
        scale: Scale of the others' errors.

    Returns:
        A sentence.
    """
    count = int(np.sum(weights < LEFT_OUT))
    return f"robust loss: {count} of {len(weights)} rows lie too far off to count (scale of the others {scale:.2g})"
