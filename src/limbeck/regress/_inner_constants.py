"""Where a constant may stand inside a tree, and the fit of those that pay.

Each candidate is a form whose numbers can be anything. A form is *decorated* by
one more free number: something is added to an argument, a part is multiplied by
it, or an exponent is set free. All numbers are then fitted together.
"""

import math
from collections.abc import Iterator
from typing import NamedTuple

import numpy as np

from limbeck.expressions import Call, Constant, Expression, Variable, evaluate, free_constants

from ._description import number_price, symbol_price
from ._sample import Sample, loss_of

STARTS = (0.02, 1.0)  # of a number that is added, in units of the median size of what it is added to
EXACT = 1e-12  # loss below which the samples are explained to rounding: a long form may come as near as 1e-10
TERM = 3  # symbols of the shortest term: its sign, a factor and a variable
PERIODIC = ("sin", "cos")
WIDE_STARTS = (0.5, 1.0, 2.0)  # of a rate inside a wave, where the fit has many minima
SCALED = ("exp", "sin", "cos", "tanh", "add", "sub", "min", "max")  # what does not take a factor outside


class Candidate(NamedTuple):
    """A form with its numbers and its error.

    Attributes:
        expression: The tree.
        loss: Root mean square error over the target's spread.
        size: Nodes of the tree.
    """

    expression: Expression
    loss: float
    size: int


def size_of(expression: Expression) -> int:
    """Nodes of a tree.

    Args:
        expression: The tree.

    Returns:
        How many there are.
    """
    return 1 + sum(map(size_of, expression.args)) if isinstance(expression, Call) else 1


def cost_of(expression: Expression, loss: float, rows: int) -> float:
    """Log-loss and a rough price of the description, nodes for symbols: quick, for the thousands of a search.

    Args:
        expression: The tree.
        loss: Its loss.
        rows: Samples that the loss was taken on.

    Returns:
        The cost.
    """
    numbers = len(free_constants(expression))
    price = size_of(expression) * symbol_price(rows) + numbers * number_price(rows)
    return math.log(max(loss, EXACT)) + price


def form_of(expression: Expression) -> Expression:
    """The tree with every free number set to 1, as a key.

    Args:
        expression: The tree.

    Returns:
        The key.
    """
    if isinstance(expression, Constant):
        return Constant(1.0) if expression.free else expression
    if isinstance(expression, Variable):
        return expression
    return Call(expression.op, tuple(map(form_of, expression.args)))


def decorated(
    expression: Expression, sample: Sample, operators: tuple[str, ...], starts: tuple[float, ...] = STARTS
) -> Iterator[Expression]:
    """The tree with one more free number, at every place where that may change its form.

    Args:
        expression: The tree.
        sample: Gives the scale of what is added.
        operators: Operator symbols that may be used.
        starts: Where numbers that are added begin, in units of the median size of what they are added to.

    Yields:
        Trees with start values.
    """
    if not isinstance(expression, Call):
        return
    for place, argument in enumerate(expression.args):
        for new in _at(expression, place, sample, operators, starts):
            yield _with(expression, place, new)
        for inner in decorated(argument, sample, operators, starts):
            yield _with(expression, place, inner)


def _with(parent: Call, place: int, argument: Expression) -> Call:
    """The parent with another argument."""
    return Call(parent.op, (*parent.args[:place], argument, *parent.args[place + 1 :]))


def _at(
    parent: Call, place: int, sample: Sample, operators: tuple[str, ...], starts: tuple[float, ...]
) -> Iterator[Expression]:
    """What may stand in the place of one argument."""
    argument = parent.args[place]
    if isinstance(argument, Constant):
        if parent.op == "pow" and not argument.free and "^" in operators:
            yield Constant(argument.value)
        return
    if "+" in operators or "-" in operators:
        yield from _shifts(parent, argument, sample, starts)
    if "*" in operators and parent.op in SCALED and not _has_factor(argument):
        for start in WIDE_STARTS if parent.op in PERIODIC else (1.0,):
            yield Call("mul", (Constant(start), argument))


def _shifts(parent: Call, argument: Expression, sample: Sample, starts: tuple[float, ...]) -> Iterator[Expression]:
    """An argument plus a number, unless it would join another number."""
    if parent.op in ("add", "sub", "exp") or _has_term(argument):
        return
    values = np.abs(evaluate(argument, sample.columns))
    typical = float(np.median(values)) if np.isfinite(values).all() else 0.0
    for start in starts:
        yield Call("add", (argument, Constant(start * typical)))


def _has_term(expression: Expression) -> bool:
    """Whether a free number is added already."""
    return isinstance(expression, Call) and expression.op == "add" and _holds_number(expression)


def _has_factor(expression: Expression) -> bool:
    """Whether a free number multiplies already."""
    return isinstance(expression, Call) and expression.op == "mul" and _holds_number(expression)


def _holds_number(expression: Call) -> bool:
    """Whether one of the arguments is a free number."""
    return any(isinstance(argument, Constant) and argument.free for argument in expression.args)


def shortened(expression: Expression, sample: Sample) -> Expression:
    """The tree without terms that buy less than they cost.

    Args:
        expression: The tree.
        sample: What it is judged on.

    Returns:
        The tree, its numbers as they were.
    """
    best, loss = expression, loss_of(expression, sample)
    rows = len(sample.target)
    limit = max(EXACT, loss * math.exp(TERM * symbol_price(rows) + number_price(rows)))
    while True:
        tries = [(loss_of(tree, sample), k, tree) for k, tree in enumerate(_without_a_term(best))]
        if not tries or not min(tries)[0] <= limit:
            return best
        best = min(tries)[2]


def _without_a_term(expression: Expression) -> Iterator[Expression]:
    """The tree with one term of one sum left out, in every way."""
    if not isinstance(expression, Call):
        return
    if expression.op == "add":
        for place in range(len(expression.args)):
            rest = (*expression.args[:place], *expression.args[place + 1 :])
            yield rest[0] if len(rest) == 1 else Call("add", rest)
    for place, argument in enumerate(expression.args):
        for inner in _without_a_term(argument):
            yield _with(expression, place, inner)
