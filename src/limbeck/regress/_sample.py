"""The samples that a search of our own looks at, and the fit of an expression's constants to them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from limbeck._types import Constants, Jacobian, Samples, Table
from limbeck.expressions import (
    Expression,
    evaluate,
    free_constants,
    least_squares,
    value_and_jacobian,
    with_constants,
)

from ._problem import Problem

Terms = Float[np.ndarray, "terms samples"]


class Sample(NamedTuple):
    """Columns by name, a target, and the root of each sample's weight.

    Attributes:
        columns: Values of each variable.
        target: What is to be explained.
        root: Square root of the weights, whose mean is 1.
    """

    columns: dict[str, Samples]
    target: Samples
    root: Samples

    @property
    def spread(self) -> float:
        """Weighted standard deviation of the target, the unit of a loss."""
        mean = float(np.average(self.target, weights=self.root**2))
        return float(np.sqrt(np.mean((self.root * (self.target - mean)) ** 2))) or 1.0


def draw(problem: Problem, most: int, seed: int) -> Sample:
    """Some samples of a problem.

    Args:
        problem: Table and target.
        most: How many at most; samples without weight are never drawn.
        seed: Decides which.

    Returns:
        The samples.
    """
    weights = np.ones(len(problem.target)) if problem.weights is None else problem.weights
    usable = np.flatnonzero(weights > 0)
    rows = np.sort(np.random.default_rng(seed).permutation(usable)[:most])
    root = np.sqrt(weights[rows] / weights[rows].mean())
    columns = {name: problem.inputs[rows, k] for k, name in enumerate(problem.variables)}
    return Sample(columns, problem.target[rows], root)


def loss_of(expression: Expression, sample: Sample) -> float:
    """Root mean square error over the target's spread; infinite where the expression is undefined.

    Args:
        expression: What is judged.
        sample: On what.

    Returns:
        The loss.
    """
    with np.errstate(all="ignore"):
        error = sample.root * (evaluate(expression, sample.columns) - sample.target)
        loss = float(np.sqrt(np.mean(error**2))) / sample.spread
    return loss if np.isfinite(loss) else np.inf


def fitted(expression: Expression, sample: Sample, steps: int) -> tuple[Expression, float]:
    """The expression with its free constants fitted by Levenberg-Marquardt.

    Args:
        expression: Where to begin.
        sample: What is fitted.
        steps: Steps at most.

    Returns:
        The expression and its loss, never worse than at the start.
    """
    start = free_constants(expression)
    before = loss_of(expression, sample)
    if not len(start) or not np.isfinite(before):
        return expression, before
    scale = sample.root / (sample.spread * np.sqrt(len(sample.target)))

    def residual(constants: Constants) -> tuple[Samples, Jacobian]:
        value, slopes = value_and_jacobian(expression, sample.columns, constants)
        with np.errstate(all="ignore"):
            return scale * (value - sample.target), scale[:, None] * slopes

    found = with_constants(expression, least_squares(residual, start, steps=steps))
    after = loss_of(found, sample)
    return (found, after) if after < before else (expression, before)


def matrix(sample: Sample) -> Table:
    """The columns side by side.

    Args:
        sample: The samples.

    Returns:
        One row a sample.
    """
    return np.column_stack(list(sample.columns.values()))
