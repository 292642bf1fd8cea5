"""Other forms that describe a table nearly as well: where there is one, the data do not tell which is the law.

In noise a wrong form may pass every test of what it leaves over, and two searches may agree on it, since both
see the same rows. What gives it away is company: of a wrong form that is good enough there are mostly several.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from limbeck.expressions import Expression, evaluate, same_form, same_function, simplify, skeleton

from ._choose import Described, lowest_cost, snapped
from ._constants import with_ones
from ._description import EXACT, TELLING
from ._dimensions import suits_units
from ._polish import columns_of, fitted, loss_of, with_factor
from ._problem import Problem

MOST = 12  # forms that are compared
SAME = 3e-3  # of what the answer leaves over: two functions this near are one


class Rival(NamedTuple):
    """Another form that the data do not rule out.

    Attributes:
        expression: The form, its numbers fitted.
        loss: Root mean square error over the target's spread.
        dearer: Nats by which its description of the table is longer than the answer's.
    """

    expression: Expression
    loss: float
    dearer: float


def rivals(
    chosen: Described, others: Iterable[Described], problem: Problem, *, telling: float = TELLING
) -> tuple[Rival, ...]:
    """Forms whose description is no longer than the answer's by what would tell them apart.

    Forms that hold the answer as a special case, or are one of it, are no rivals.

    Args:
        chosen: The answer.
        others: What else was fitted to all samples.
        problem: The table.
        telling: Nats that tell two descriptions apart.

    Returns:
        The rivals, the cheapest first.
    """
    if chosen.loss < EXACT:
        return ()
    rows, columns = len(problem.target), columns_of(problem)
    highest = chosen.cost + telling / rows
    # With digits that are hardly known, two writings of one law are two families that meet where they are whole.
    own = (chosen.expression, snapped(chosen, problem).expression, simplify(with_ones(chosen.expression)))
    found: list[Rival] = []
    for other in _apart(chosen, others, problem, highest):
        near = snapped(other, problem)
        known = [*own, *(rival.expression for rival in found)]
        if near.cost < highest and not any(
            same_form(near.expression, one)
            or same_function(near.expression, one, columns)
            or _holds(near.expression, one, problem)
            or _holds(one, near.expression, problem)
            for one in known
        ):
            found.append(Rival(near.expression, near.loss, rows * (near.cost - chosen.cost)))
    return tuple(sorted(found, key=lambda rival: rival.dearer))


def _apart(chosen: Described, others: Iterable[Described], problem: Problem, highest: float) -> Iterator[Described]:
    """Forms that may come near, each once, the cheapest first."""
    seen, left = {skeleton(with_factor(chosen.expression))}, MOST
    for other in sorted(others, key=lambda d: d.cost):
        form = skeleton(with_factor(other.expression))
        reachable = lowest_cost(other, problem) < highest
        if left and reachable and form not in seen and suits_units(with_factor(other.expression), problem):
            seen.add(form)
            left -= 1
            yield other


def _holds(family: Expression, member: Expression, problem: Problem) -> bool:
    """Whether a form can take the values of another one by its numbers."""
    values = np.broadcast_to(evaluate(member, columns_of(problem)), problem.target.shape)
    if not (np.isfinite(values).all() and np.ptp(values) > 0):
        return False
    exact = replace(problem, target=values.astype(float))
    return loss_of(fitted(with_factor(family), exact), exact) < SAME * loss_of(member, problem)
