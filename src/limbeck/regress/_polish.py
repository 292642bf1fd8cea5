"""Equations of a table near those that an engine found: refitted, changed, refitted again.

The bench is a table cut in two: constants are fitted to one part, forms are judged on the
other. Engines give rough forms, and this finds the exact one that is a few changes away.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from limbeck._types import Constants, Samples
from limbeck.expressions import (
    Call,
    Constant,
    Expression,
    Variable,
    complexity,
    evaluate,
    free_constants,
    least_squares,
    simplify,
    skeleton,
    value_and_jacobian,
    variables,
    with_constants,
)

from ._climb import EXACT, HOPELESS, AbstractBench, Climb, price, unit_price
from ._hall_of_fame import measure
from ._moves import neighbours
from ._noise_level import NoiseTest
from ._problem import Problem
from ._sample import draw

SCREEN_SAMPLES = 150
FIT_SAMPLES = 600
JUDGE_SAMPLES = 600
SCREENING_STEPS = 8
FITTING_STEPS = 20
SLACK = 1.05  # of the loss at the level of noise, on the samples that judge
MOST_EXPANDED, MOST_TRIED = 12, 400
FORMS_A_ROW = 2
LAST_EXPANDED, LAST_TRIED = 4, 160


@dataclass(frozen=True)
class Polished:
    """A refitted equation with its error.

    Attributes:
        expression: The equation, in its simplest writing.
        loss: Root mean square error over the target's spread, on samples it was not fitted to.
        size: Complexity; of two equal ones, the equation with fewer fitted numbers is the smaller.
        is_allowed: True: any equation may be chosen.
    """

    expression: Expression
    loss: float
    size: float
    is_allowed: bool = True


def polish(
    starts: Iterable[Expression], problem: Problem, *, seed: int, is_over: Callable[[], bool]
) -> tuple[Polished, ...]:
    """Climb from rough equations to the best ones near them.

    Args:
        starts: Equations to begin with.
        problem: The table.
        seed: Decides which samples fit and which judge.
        is_over: Tells when time has run out.

    Returns:
        Every equation that was refitted, simplest first.
    """
    climb = Climb(_TableBench.prepare(problem, seed))
    for start in starts:
        climb.add(with_factor(simplify(start)))
    content = _content(climb.ranked(), problem, seed)
    # The best of many forms on few rows is the luckiest: more forms than they can tell apart only cost time.
    few = FORMS_A_ROW * len(problem.target)
    tried = min(MOST_TRIED, len(climb.tried) + few)
    climb.run(is_over=is_over, most_expanded=MOST_EXPANDED, most_tried=tried, content_with=content)
    # What is looked for at a high price of size is near; what is chosen in the end pays what noise asks for.
    climb.rate = unit_price(len(problem.target))
    last = tried + min(LAST_TRIED, few)
    climb.run(is_over=is_over, most_expanded=LAST_EXPANDED, most_tried=last, content_with=content)
    return climb.ranked()


def _content(ranked: Sequence[Polished], problem: Problem, seed: int) -> float:
    """The loss below which nothing better is looked for: that of an equation that leaves noise, else rounding."""
    if not ranked:
        return EXACT
    unit = unit_price(len(problem.target))
    best = min(ranked, key=lambda polished: price(polished, unit))
    leaves_noise = NoiseTest(draw(problem, len(problem.target), seed)).passes(fitted(best.expression, problem))
    return max(SLACK * best.loss, EXACT) if leaves_noise else EXACT


@dataclass(frozen=True)
class _TableBench(AbstractBench[Expression, Polished]):
    """Samples to try, to fit and to judge on."""

    screen_on: Problem
    fit_on: Problem
    judge_on: Problem
    shiftable: frozenset[str]

    @classmethod
    def prepare(cls, problem: Problem, seed: int) -> "_TableBench":
        """Cut the table."""
        # Sorted first, so that the draw hangs on the values alone and not on the order of the rows.
        order = np.lexsort((*problem.inputs.T, problem.target))
        order = order[np.random.default_rng(seed).permutation(len(order))]
        cut = max(min(len(order) // 2, FIT_SAMPLES), 3)
        judged = order[cut : cut + JUDGE_SAMPLES] if len(order) - cut >= 3 else order
        return cls(
            screen_on=problem.rows(order[: min(cut, SCREEN_SAMPLES)]),
            fit_on=problem.rows(order[:cut]),
            judge_on=problem.rows(judged),
            shiftable=positive_variables(problem),
        )

    def key(self, form: Expression) -> Hashable:
        """The form without its numbers."""
        return skeleton(with_factor(form))

    def form(self, judged: Polished) -> Expression:
        """The refitted equation."""
        return judged.expression

    def judged(self, form: Expression, cheapest: float) -> Polished | None:
        """Refit and judge an equation; in full only if a first try shows promise."""
        polished = self._polished(fitted(with_factor(form), self.screen_on, steps=SCREENING_STEPS))
        if price(polished) < cheapest + HOPELESS:
            full = self._polished(fitted(with_factor(polished.expression), self.fit_on))
            polished = full if full.loss < polished.loss else polished
        return polished if math.isfinite(polished.loss) else None

    def _polished(self, expression: Expression) -> Polished:
        """An equation in its simplest writing, with its error on the judging samples."""
        simple = simplify(expression)
        return Polished(simple, loss_of(expression, self.judge_on), size_of(simple))

    def neighbours(self, form: Expression) -> Iterator[Expression]:
        """Equations one change away."""
        return nearby(form, self.fit_on, self.shiftable)


def nearby(form: Expression, problem: Problem, shiftable: frozenset[str]) -> Iterator[Expression]:
    """Equations one change away, and those with one more variable as a factor or a term.

    Args:
        form: An equation.
        problem: The table whose variables may be added.
        shiftable: Variables to which a constant may be added.

    Yields:
        Simplified equations.
    """
    yield from neighbours(form, shiftable & variables(form))
    for name in problem.variables:
        variable = Variable(name)
        yield simplify(Call("mul", (form, variable)))
        yield simplify(Call("div", (form, variable)))
        yield simplify(Call("add", (form, Call("mul", (Constant(1e-2), variable)))))


def positive_variables(problem: Problem) -> frozenset[str]:
    """Variables that are positive throughout, as distances and masses are.

    Args:
        problem: The table.

    Returns:
        Their names.
    """
    return frozenset(name for name, column in columns_of(problem).items() if np.all(column > 0))


def size_of(expression: Expression) -> float:
    """Complexity plus a tenth for each number to fit.

    Args:
        expression: An equation.

    Returns:
        Its size.
    """
    return complexity(expression) + 0.1 * len(free_constants(expression))


def with_factor(expression: Expression) -> Expression:
    """Give an equation a free overall factor, which a fitted 1 may have hidden.

    Args:
        expression: Any equation.

    Returns:
        The same function, whose scale can be refitted.
    """
    first = expression.args[0] if isinstance(expression, Call) and expression.op == "mul" else expression
    if isinstance(first, Constant) and first.free:
        return expression
    return Call("mul", (Constant(1.0), expression))


def columns_of(problem: Problem) -> Mapping[str, Samples]:
    """The inputs of a table by name.

    Args:
        problem: The table.

    Returns:
        One column a variable.
    """
    return dict(zip(problem.variables, problem.inputs.T, strict=True))


def loss_of(expression: Expression, problem: Problem) -> float:
    """Root mean square error over the target's spread; infinite where the equation is undefined.

    Args:
        expression: The equation.
        problem: The table.

    Returns:
        The loss, weighted where the table has weights.
    """
    return measure(expression, problem.inputs, problem.variables, problem.target, problem.weights)


def residual(expression: Expression, problem: Problem) -> Samples:
    """What an equation leaves over at each sample.

    Args:
        expression: The equation.
        problem: The table.

    Returns:
        Target minus equation.
    """
    return problem.target - np.broadcast_to(evaluate(expression, columns_of(problem)), problem.target.shape)


def fitted(expression: Expression, problem: Problem, *, steps: int = FITTING_STEPS) -> Expression:
    """Fit the free constants of an equation to a table by least squares.

    Args:
        expression: Form and starting values.
        problem: The table.
        steps: Levenberg-Marquardt steps.

    Returns:
        The same form with the best constants found.
    """
    start = free_constants(expression)
    if len(start) == 0:
        return expression
    columns = columns_of(problem)
    root = np.ones(len(problem.target)) if problem.weights is None else np.sqrt(problem.weights)

    def errors(constants: Constants) -> tuple[Samples, np.ndarray]:
        with np.errstate(all="ignore"):
            value, slopes = value_and_jacobian(expression, columns, constants)
            return (value - problem.target) * root, slopes * root[:, None]

    return with_constants(expression, least_squares(errors, start, steps=steps))
