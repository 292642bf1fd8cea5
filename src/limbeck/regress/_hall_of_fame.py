"""The best equation found at each complexity, and what is read off it."""

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from limbeck._types import Samples, Table
from limbeck.expressions import Expression, complexity, evaluate, simplify

from ._climb import PRICE
from ._problem import Problem

EXACT = 1e-13  # a loss that is all rounding: nothing more complex can be better


@dataclass(frozen=True, kw_only=True)
class Equation:
    """An expression with its size and its error.

    Attributes:
        expression: The tree, simplified.
        complexity: Our count (house plan, "Recovered").
        backend_complexity: The engine's own count.
        loss: Root mean square error over the target's standard deviation, on the searched samples.
        heldout_loss: The same on samples that the search did not see.
    """

    expression: Expression
    complexity: int
    backend_complexity: int
    loss: float
    heldout_loss: float


@dataclass(frozen=True, kw_only=True)
class HallOfFame:
    """Best equations by complexity, simplest first.

    Attributes:
        component: What the equations are for.
        equations: At most one for each complexity.
        engine: Which engine found them.
        version: Its version.
        seed: Seed that the engine was given.
        evaluations: Equations that it tried.
        seconds: Wall time of the search [s].
        out_of_time: Whether the time limit ended the search.
        starts: Forms worth trying in the law whatever their error on the samples, such as the nearest power law.
        operators: Operators that the engine used; one without a counterpart in it is left out.
        symmetry: What symmetries leave of the target, such as `m*f(v/c)`; empty where none was used.
    """

    component: str
    equations: tuple[Equation, ...]
    engine: str
    version: str
    seed: int
    evaluations: int
    seconds: float
    out_of_time: bool
    starts: tuple[Expression, ...] = ()
    operators: tuple[str, ...] = ()
    symmetry: str = ""

    @property
    def front(self) -> tuple[Equation, ...]:
        """The Pareto front: equations whose loss is lower than that of every simpler one, by more than rounding."""
        kept: list[Equation] = []
        for equation in self.equations:
            best = kept[-1].heldout_loss if kept else math.inf
            if best > EXACT and equation.heldout_loss < best * (1.0 - 1e-9):
                kept.append(equation)
        return tuple(kept)

    @property
    def hopeful(self) -> tuple[Equation, ...]:
        """The front by its trade of error for size, the best first."""
        return tuple(sorted(self.front, key=lambda e: math.log(max(e.heldout_loss, 1e-12)) + PRICE * e.complexity))


def scores(front: tuple[Equation, ...]) -> tuple[float | None, ...]:
    """Fall of the log-loss per complexity against the next simpler equation on a front.

    Args:
        front: Equations, simplest first, losses falling.

    Returns:
        One score for each; None for the first, which has nothing to be compared with.

    Source:
        Cranmer et al. (2020), arXiv 2006.11287, section 3; the house plan's definition.
    """
    found: list[float | None] = [None] if front else []
    for simpler, equation in pairwise(front):
        drop = math.log(max(simpler.heldout_loss, 1e-300)) - math.log(max(equation.heldout_loss, 1e-300))
        found.append(drop / (equation.complexity - simpler.complexity))
    return tuple(found)


def measure(
    expression: Expression,
    inputs: Table,
    variables: tuple[str, ...],
    target: Samples,
    weights: Samples | None = None,
) -> float:
    """Root mean square error of an expression over the target's standard deviation.

    Args:
        expression: What to judge.
        inputs: One row a sample.
        variables: Name of each column.
        target: Value at each sample.
        weights: How much the square of each sample's error counts; None counts all alike.

    Returns:
        The error; infinite where the expression is undefined on any sample.
    """
    value = np.broadcast_to(evaluate(expression, dict(zip(variables, inputs.T, strict=True))), target.shape)
    with np.errstate(all="ignore"):
        error = _root_mean_square(value - target, weights)
    spread = (
        float(_root_mean_square(target - np.average(target, weights=weights), weights))
        or float(np.max(np.abs(target)))
        or 1.0
    )
    return error / spread if np.isfinite(error) else math.inf


def _root_mean_square(values: Samples, weights: Samples | None) -> float:
    """Root of the weighted mean of squares."""
    squares = values**2
    return float(np.sqrt(np.mean(squares) if weights is None else np.average(squares, weights=weights)))


def gather(candidates: list[tuple[Expression, int]], problem: Problem, heldout: Problem) -> tuple[Equation, ...]:
    """Simplify, measure and keep the best candidate of each complexity.

    Args:
        candidates: Expressions with the engine's own count.
        problem: The samples that were searched.
        heldout: Samples that were not.

    Returns:
        Equations, simplest first; none that is undefined on any sample.
    """
    best: dict[int, Equation] = {}
    for raw, backend_complexity in candidates:
        expression = simplify(raw)
        size = complexity(expression)
        loss = measure(expression, problem.inputs, problem.variables, problem.target, problem.weights)
        if not math.isfinite(loss) or (size in best and best[size].loss <= loss):
            continue
        held = measure(expression, heldout.inputs, heldout.variables, heldout.target, heldout.weights)
        if not math.isfinite(held):
            continue  # undefined where it was not searched: nothing to be judged by
        best[size] = Equation(
            expression=expression,
            complexity=size,
            backend_complexity=backend_complexity,
            loss=loss,
            heldout_loss=held,
        )
    return tuple(best[size] for size in sorted(best))
