"""Numbers that a law does not need: those that the data say nothing of, or that may be zero."""

import math
from collections.abc import Iterator

import numpy as np

from limbeck.expressions import Call, Constant, Expression, Variable, free_constants, simplify
from limbeck.regress import with_fixed

from ._law import Law
from ._refit import law_loss, refit, standard_errors
from ._states import States

CERTAIN = 3.0  # standard errors that a constant must lie from zero
AS_GOOD = 1.01
RUN_AWAY = 1e9  # size of a number that only wants to be infinite
ROUNDING = 1e-9  # loss below which any form is as good


def pruned(law: Law, states: States) -> Law:
    """Leave out numbers that may be zero, or a factor that another one repeats, where the law is as good without.

    Args:
        law: A refitted law.
        states: The snapshots that it was fitted to.

    Returns:
        A law with the same accelerations and fewer numbers, or the same law.
    """
    for _ in range(len(law.constants)):
        shorter = _shorter(law, states)
        if shorter is None:
            return law
        law = shorter
    return law


def _shorter(law: Law, states: States) -> Law | None:
    """The law without one of its doubtful numbers; None where it needs them all."""
    (errors, _), loss = standard_errors(law, states), law_loss(law, states)
    # Where nothing but rounding is left, errors say nothing of a number.
    doubtful = np.flatnonzero(~(np.abs(law.constants) > CERTAIN * errors) | (loss <= states.rounding))
    allowed = max(AS_GOOD * loss, ROUNDING)
    for number in sorted(doubtful, key=lambda k: abs(law.constants[k])):
        for trial in without_number(law, int(number)):
            fitted = refit(trial, states) if trial.components else trial
            if fitted.components and law_loss(fitted, states) <= allowed:
                return fitted
    return None


def without_number(law: Law, number: int) -> Iterator[Law]:
    """The law with one number fixed at 0, and at 1; and at infinity, if it has run away and leaves something there.

    Args:
        law: The law.
        number: Place of the number among the law's constants.

    Yields:
        Laws with one number less; without a channel that vanishes.
    """
    start = 0
    for name, expression in law.components.items():
        count = len(free_constants(expression))
        if start <= number < start + count:
            changes = [with_fixed(expression, number - start, value) for value in (0.0, 1.0)]
            if abs(law.constants[number]) > RUN_AWAY:
                limit = _limit(with_fixed(expression, number - start, math.inf))
                changes += [] if limit is None or _is_zero(simplify(limit)) else [limit]
            for changed in map(simplify, changes):
                components = {**law.components, name: changed}
                yield Law(components={k: e for k, e in components.items() if not _is_zero(e)}, dim=law.dim)
            return
        start += count


def _limit(expression: Expression) -> Expression | None:
    """What is left of an expression with an infinite number in it; None where it is infinite, or that is not told."""
    if isinstance(expression, Constant):
        return expression if math.isfinite(expression.value) else None
    if isinstance(expression, Variable):
        return expression
    parts = [_limit(part) for part in expression.args]
    known = tuple(part for part in parts if part is not None)
    if len(known) == len(parts):
        return Call(expression.op, known)
    power = parts[-1] if expression.op == "pow" else None
    falls = isinstance(power, Constant) and power.value < 0
    return Constant(0, free=False) if falls or (expression.op == "div" and parts[0] is not None) else None


def _is_zero(expression: Expression) -> bool:
    """Whether nothing is left."""
    return isinstance(expression, Constant) and expression.value == 0
