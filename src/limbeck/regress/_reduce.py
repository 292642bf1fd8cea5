"""A table with fewer variables that says the same: what matters is a few products, quotients and differences.

Symmetries (`_symmetries`) are proposed by the slopes of a smooth function through the samples and believed
where that function, laid through the variables that are left, predicts left-out samples no worse than before.
Engines then search few variables, and what they find is written in the table's own.

Source:
    That symmetries of data simplify the search for a formula: Udrescu and Tegmark (2020), arXiv 1905.11481, which
    trains a network for it. That scalings are found like all others, from slopes, is Buckingham's theorem read
    backwards, and is ours.
"""

import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from limbeck._types import Samples, Table
from limbeck.expressions import Call, Expression, Variable, simplify, substitute, to_readable

from ._factors import times
from ._leaves import has_one_sign, leaves_of
from ._problem import Problem
from ._surrogate import Smoothness, Surrogate, every_smoothness, nearby
from ._symmetries import Slopes, Symmetry, symmetries
from ._terms import ONE

FIRST = 2  # of so many samples, one is looked at for the scale of the target
CLOSER = 6  # symmetries that are given a smoothness of their own
ROWS = 260  # that are looked at
FEWEST_ROWS = 60
ROWS_EACH = 12  # for each variable, without which a smooth function says nothing
MOST_VARIABLES = 30
POOR = 0.5  # error of left-out samples, of the target's spread, at which the function says nothing
ALIKE = 1e-3  # error below which more of it may be left: a smooth function's own, not the samples'
WITHIN, GOOD = 1.3, 0.02  # times the error that may be left up to this one: it is known to a part only
NOTHING = 3e-5  # error that is as good as none
SLACK = 3.0  # times the error that may be left there
AS_SIMPLE = 1.2  # times the best error that a simpler symmetry may leave
SOON = 1e-3  # seconds that are left where none are
LIGHTEST = 1e-3  # weight of a sample beside the median's
SAME = 1e-9  # of logarithms that differ by rounding
CROWDED = 1.5  # skewness of logarithms beyond which a variable is seen as it is


@dataclass(frozen=True, kw_only=True, eq=False)
class Reduced:
    """A problem in fewer variables.

    Attributes:
        problem: The problem.
        variables: What each of its variables is in those of the table.
        factor: What its target is multiplied by.
        error: By how much a smooth function of those variables missed left-out samples, of the target's spread.
    """

    problem: Problem
    variables: Mapping[str, Expression]
    factor: Expression
    error: float

    def __str__(self) -> str:
        """What is left to find, such as `m*f(v/c)`."""
        left = f"f({', '.join(map(to_readable, self.variables.values()))})" if self.variables else "constant"
        factor = to_readable(self.factor)
        is_sum = isinstance(self.factor, Call) and self.factor.op == "add"
        return left if self.factor == ONE else f"({factor})*{left}" if is_sum else f"{factor} * {left}"

    def lifted(self, expression: Expression) -> Expression:
        """An equation in the variables of the table.

        Args:
            expression: An equation of the reduced problem.

        Returns:
            The same law for the table's own target.
        """
        return simplify(times(substitute(expression, self.variables), self.factor))

    def followed_by(self, further: "Reduced") -> "Reduced":
        """Both reductions as one.

        Args:
            further: A reduction of the smaller problem.

        Returns:
            The reduction from the table to the smallest problem.
        """
        variables = {name: simplify(substitute(e, self.variables)) for name, e in further.variables.items()}
        factor = self.lifted(further.factor)
        return Reduced(problem=further.problem, variables=variables, factor=factor, error=further.error)


def reduced(problem: Problem, seed: int, time_limit: float = 0.0) -> Reduced | None:
    """Take away variables that symmetries make superfluous.

    Args:
        problem: Table and target.
        seed: Decides which samples are looked at.
        time_limit: Seconds after which no further variable is taken away; 0 is none.

    Returns:
        The smaller problem; None where there is no symmetry, or too few samples to see one.
    """
    rows = np.arange(len(problem.target)) if problem.weights is None else np.flatnonzero(problem.weights > 0)
    width = len(problem.variables)
    if not 2 <= width <= MOST_VARIABLES or len(rows) < max(FEWEST_ROWS, ROWS_EACH * width):
        return None
    started = time.monotonic()
    some = problem.rows(np.sort(np.random.default_rng([seed, width]).permutation(rows)[:ROWS]))
    steps, error = _steps(some, lambda: 0 < time_limit <= time.monotonic() - started)
    smaller = _applied(problem, steps, error) if steps else None
    if smaller is None or len(smaller.problem.variables) < 2:
        return smaller
    # Other samples, in fewer variables, show what these did not.
    left = time_limit and max(time_limit - (time.monotonic() - started), SOON)
    further = reduced(smaller.problem, seed, left)
    return smaller if further is None else smaller.followed_by(further)


def _applied(problem: Problem, steps: list[Symmetry], error: float) -> Reduced | None:
    """The problem after some steps; None where a sample can't take them."""
    table, scale = problem.inputs, np.ones(len(problem.target))
    variables: list[Expression] = [Variable(name) for name in problem.variables]
    factor: Expression = ONE
    for step in steps:
        table, by = step.reduced(table)
        variables, written = step.written(variables)
        scale, factor = scale * by, times(factor, written)
    with np.errstate(all="ignore"):
        target = problem.target / scale
    if not (np.isfinite(table).all() and np.isfinite(target).all() and np.isfinite(scale).all()):
        return None
    weights = (1.0 if problem.weights is None else problem.weights) * scale**2
    names = tuple(f"z{k + 1}" for k in range(table.shape[1]))
    smaller = replace(
        problem,
        variables=names,
        inputs=table,
        target=target,
        weights=weights / np.mean(weights),
        units={},
        leaves=leaves_of(names, table) if {"+", "-", "*", "/"} <= set(problem.operators) else (),
    )
    return Reduced(
        problem=smaller,
        variables=dict(zip(names, map(simplify, variables), strict=True)),
        factor=simplify(factor),
        error=error,
    )


def _steps(problem: Problem, too_late: Callable[[], bool]) -> tuple[list[Symmetry], float]:
    """One symmetry after the other, as long as each is as good as none; and the error of the last view."""
    view, how = _first_view(problem)
    error = np.inf
    allowed = set(problem.operators) | ({"^"} if "sqrt" in problem.operators else set())
    found: list[Symmetry] = []
    while view.table.shape[1] and not view.is_constant and not too_late():
        how = view.surrogate.best(view.standard, nearby(how))
        error = view.error(how)
        step = _best_step(view, how, error, allowed) if error < POOR else None
        if step is None:
            break
        found.append(step)
        view = view.after(step)
    return found, float(error)


def _first_view(problem: Problem) -> "tuple[_View, Smoothness]":
    """The whole table on the scale of the target on which it is smoothest."""
    scales = ("plain", "logarithm", "weighted logarithm") if has_one_sign(problem.target) else ("plain",)
    few = problem.rows(np.arange(len(problem.target))[::FIRST])
    tried = []
    for scale in scales:
        view = _View(few.inputs, few.target, np.ones(len(few.target)), scale)
        how = view.surrogate.best(view.standard, every_smoothness())
        tried.append((view.error(how), scale, how))
    _, scale, how = min(tried)
    return _View(problem.inputs, problem.target, np.ones(len(problem.target)), scale), how


def _best_step(view: "_View", how: Smoothness, error: float, allowed: set[str]) -> Symmetry | None:
    """The simplest of the symmetries under which left-out samples are predicted best; None if worse than without."""
    tried = [(step, view.after(step)) for step in symmetries(view.slopes(how)) if step.operators <= allowed]
    errors = sorted(((o.error(how), k) for k, (_, o) in enumerate(tried) if o.is_usable), key=lambda one: one[0])
    # With a variable less, another smoothness may be right.
    looked_at = [(min(e, tried[k][1].least_error(how)) if e > error else e, tried[k][0]) for e, k in errors[:CLOSER]]
    best = min((left for left, _ in looked_at), default=np.inf)
    most = max(error, min(WITHIN * error, GOOD), min(SLACK * error, ALIKE), NOTHING)
    if not best <= most:
        return None
    # A symmetry that lowers the error at all is mostly a true one: among those that do so well, the simplest.
    near = min(max(AS_SIMPLE * best, math.sqrt(best * error)), most)
    return min((one for one in looked_at if one[0] <= near), key=lambda one: (one[1].size, one[0]))[1]


class _View:
    """A table as a smooth function sees it: on logarithmic scales where that is possible, all of one size."""

    def __init__(self, table: Table, whole: Samples, divisor: Samples, scale: str) -> None:
        """Look at variables, and at a target that is divided by something, on a scale."""
        self.table, self.whole, self.divisor, self.scale = table, whole, divisor, scale
        with np.errstate(all="ignore"):
            divided = whole / divisor
            self.values = divided if scale == "plain" else np.log(np.abs(divided))
            size = {"plain": np.abs(divisor), "logarithm": np.ones(len(whole)), "weighted logarithm": np.abs(whole)}
            self.weight = np.maximum(size[scale] / np.median(size[scale]), LIGHTEST)
        self.on_logs = [_is_on_logs(column) for column in table.T]
        columns = [np.log(np.abs(c)) if on_log else c for c, on_log in zip(table.T, self.on_logs, strict=True)]
        self.places = np.column_stack(columns) if columns else np.zeros((len(whole), 0))
        self.is_usable = bool(np.isfinite(self.places).all() and np.isfinite(self.values).all())
        self.sizes = np.maximum(self.places.std(axis=0), 1e-300)
        self.spread = float(np.std(self.values))
        self.standard = (self.values - self.values.mean()) / (self.spread or 1.0)
        self.surrogate = Surrogate((self.places - self.places.mean(axis=0)) / self.sizes, 1 / self.weight**2)

    @property
    def is_constant(self) -> bool:
        """Whether nothing is left to explain."""
        return not self.spread > 1e-9 * max(float(np.max(np.abs(self.values))), 1e-300)

    def after(self, step: Symmetry) -> "_View":
        """The table after a step."""
        table, by = step.reduced(self.table)
        return _View(table, self.whole, self.divisor * by, self.scale)

    def error(self, how: Smoothness) -> float:
        """Root mean square error of left-out samples beside the target's spread, the same for all divisors."""
        left = self.standard
        if self.table.shape[1]:
            left = self.surrogate.left_out(self.standard, how)
        if self.scale == "plain":
            return float(np.sqrt(np.mean((left * self.spread * self.divisor) ** 2)) / (np.std(self.whole) or 1.0))
        logs = np.log(np.abs(self.whole))
        spread = np.sqrt(np.mean((self.weight * (logs - np.average(logs, weights=self.weight**2))) ** 2))
        return float(np.sqrt(np.mean((left * self.spread * self.weight) ** 2)) / (spread or 1.0))

    def least_error(self, how: Smoothness) -> float:
        """Error under the best of a few settings."""
        return self.error(self.surrogate.best(self.standard, nearby(how))) if self.table.shape[1] else self.error(how)

    def slopes(self, how: Smoothness) -> Slopes:
        """Slopes of the values along the variables themselves."""
        plain = self.surrogate.slopes(self.standard, how) * self.spread / self.sizes
        by_column = zip(plain.T, self.table.T, self.on_logs, strict=True)
        plain = np.column_stack([slope / column if on_log else slope for slope, column, on_log in by_column])
        return Slopes(self.table, plain, self.values if self.scale == "plain" else np.ones(len(self.values)))


def _is_on_logs(column: Samples) -> bool:
    """Whether a variable has one sign and its logarithms do not crowd at one end."""
    if not has_one_sign(column):
        return False
    logs = np.log(np.abs(column))
    spread = np.std(logs)
    skewness = np.mean((logs - np.mean(logs)) ** 3) / (spread**3 or 1.0)
    return bool(spread > SAME * np.max(np.abs(logs)) and abs(skewness) < CROWDED)
