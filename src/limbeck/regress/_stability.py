"""Would other rows have chosen the same form? The choice repeated on bootstrap resamples, without a new search.

Each form is refitted to each resample by one Gauss-Newton step from its best constants,
which is exact for linear ones; all resamples of a form at once.
"""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from limbeck._types import Samples
from limbeck.expressions import Expression, same_form, same_function, value_and_jacobian

from ._climb import FLOOR
from ._description import description_price
from ._polish import columns_of, fitted, loss_of, with_factor
from ._problem import Problem

RESAMPLES = 200
FORMS = 12  # the cheapest of a front
MOST_ROWS = 2_000
STABLE = 0.8  # share of resamples below which a result says so


def choice_stability(chosen: Expression, forms: Sequence[Expression], problem: Problem, *, seed: int) -> float:
    """Share of resamples of the rows on which a form is still the cheapest description.

    Args:
        chosen: The form that all rows chose, fitted.
        forms: Others that might have been.
        problem: The table.
        seed: Decides the resamples.

    Returns:
        The share; 1 where there is no other form.
    """
    rng = np.random.default_rng([seed, len(problem.target)])
    looked_at = problem.rows(np.sort(rng.permutation(len(problem.target))[:MOST_ROWS]))
    n = len(looked_at.target)
    counts = rng.multinomial(n, np.full(n, 1.0 / n), size=RESAMPLES).astype(float)
    columns = columns_of(looked_at)

    def price(form: Expression) -> float:
        return math.log(max(loss_of(form, looked_at), FLOOR)) + description_price(form, n)

    others = [f for f in forms if not (same_form(f, chosen) or same_function(f, chosen, columns))]
    others = [fitted(f, looked_at, steps=6) for f in sorted(others, key=price)[:FORMS]]
    if not others:
        return 1.0
    weights = counts if looked_at.weights is None else counts * looked_at.weights
    spread = _spread(looked_at.target, weights)
    own = np.log(np.maximum(_losses(chosen, looked_at, weights) / spread, FLOOR)) + description_price(chosen, n)
    rest = [
        np.log(np.maximum(_losses(f, looked_at, weights) / spread, FLOOR)) + description_price(f, n) for f in others
    ]
    return float(np.mean(own <= np.min(rest, axis=0)))


def _spread(target: Samples, weights: Float[np.ndarray, "resamples samples"]) -> Float[np.ndarray, " resamples"]:
    """Weighted standard deviation of the target in each resample."""
    total = np.maximum(weights.sum(axis=1), np.finfo(float).tiny)
    centred = target - np.mean(target)
    mean = weights @ centred / total
    return np.sqrt(np.maximum(weights @ centred**2 / total - mean**2, 0.0)) + np.finfo(float).tiny


def _losses(
    form: Expression, problem: Problem, weights: Float[np.ndarray, "resamples samples"]
) -> Float[np.ndarray, " resamples"]:
    """Root mean square error of a form in each resample, its constants refitted by one step."""
    with np.errstate(all="ignore"):
        value, slopes = value_and_jacobian(with_factor(form), columns_of(problem))
    if not (np.isfinite(value).all() and np.isfinite(slopes).all()):
        return np.full(len(weights), np.inf)
    left = problem.target - value
    slopes = slopes / (np.linalg.norm(slopes, axis=0) + np.finfo(float).tiny)
    k = slopes.shape[1]
    products = (slopes[:, :, None] * slopes[:, None, :]).reshape(len(left), k * k)
    normal = (weights @ products).reshape(-1, k, k)
    gradient = weights @ (slopes * left[:, None])
    step = np.einsum("bij,bj->bi", np.linalg.pinv(normal, rcond=1e-12, hermitian=True), gradient)
    squares = weights @ left**2 - np.einsum("bi,bi->b", step, gradient)
    return np.sqrt(np.maximum(squares, 0.0) / np.maximum(weights.sum(axis=1), np.finfo(float).tiny))
