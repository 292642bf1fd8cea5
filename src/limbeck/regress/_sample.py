"""The samples that a search of our own looks at, and the fit of an expression's constants to them."""

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from limbeck._types import Constants, Jacobian, Samples
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
        spread: Weighted standard deviation of the target, the unit of a loss.
    """

    columns: dict[str, Samples]
    target: Samples
    root: Samples
    spread: float


def sampled(columns: dict[str, Samples], target: Samples, root: Samples) -> Sample:
    """Samples with their weights and spread worked out.

    Args:
        columns: Values of each variable.
        target: What is to be explained.
        root: Square root of the weights, up to a factor.

    Returns:
        The samples.
    """
    root = root / np.sqrt(np.mean(root**2))
    mean = float(np.average(target, weights=root**2))
    spread = float(np.sqrt(np.mean((root * (target - mean)) ** 2)))
    return Sample(columns, target, root, spread or 1.0)


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
    columns = {name: problem.inputs[rows, k] for k, name in enumerate(problem.variables)}
    return sampled(columns, problem.target[rows], np.sqrt(weights[rows]))


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
