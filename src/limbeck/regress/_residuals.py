"""What is left over: is it noise, or a part of the law that the equation lacks?

Noise of one sample knows nothing of its neighbour's. A wrong form leaves an error that is
smooth, so that samples next to each other err alike, however small the error is.
"""

import numpy as np
from scipy.spatial import KDTree

from limbeck._types import Samples, Table

CERTAIN = 5.0  # standard deviations by which neighbours must err alike
STRONG = 0.15  # and the correlation that makes up a share of the error worth a doubt
MOST = 4_000
FEWEST = 30


def structure_left(residual: Samples, inputs: Table) -> float:
    """Correlation between the errors of neighbouring samples, where it is certain.

    Neighbours are those next to each other in one of the inputs, or nearest in all of them.

    Args:
        residual: Errors of an equation.
        inputs: The inputs that it may depend on.

    Returns:
        The largest correlation that is strong and certain; 0 where there is none.
    """
    rows = slice(None, None, max(1, len(residual) // MOST))
    return _largest(_ranked(residual[rows]), inputs[rows])


def alike_among_neighbours(values: Samples, inputs: Table) -> float:
    """Correlation between values of neighbouring samples as they are, where it is certain.

    Args:
        values: One for each sample, such as 1 for those that are left out.
        inputs: The inputs that it may depend on.

    Returns:
        The largest correlation that is strong and certain; 0 where there is none.
    """
    rows = slice(None, None, max(1, len(values) // MOST))
    values = values[rows] - np.mean(values[rows])
    return _largest(values / (np.std(values) or 1.0), inputs[rows])


def _largest(error: Samples, table: Table) -> float:
    """The largest correlation of neighbours that is strong and certain."""
    if len(error) < FEWEST:
        return 0.0
    found = [_alike(error, order[:-1], order[1:]) for order in np.argsort(table, axis=0, kind="stable").T]
    spread = table.std(axis=0)
    if (spread > 0).any():
        scaled = table[:, spread > 0] / spread[spread > 0]
        nearest = np.asarray(KDTree(scaled).query(scaled, k=2)[1])[:, 1]
        found.append(_alike(error, np.arange(len(error)), nearest))
    largest = max(found, default=0.0)
    return largest if largest > max(STRONG, CERTAIN / np.sqrt(len(error))) else 0.0


def _ranked(residual: Samples) -> Samples:
    """Errors by rank, so that a few large ones do not decide; mean 0, variance 1."""
    ranks = np.argsort(np.argsort(residual, kind="stable"), kind="stable").astype(float)
    return (ranks - ranks.mean()) / (ranks.std() or 1.0)


def _alike(error: Samples, one: np.ndarray, other: np.ndarray) -> float:
    """Mean product of the errors of neighbours."""
    return float(np.mean(error[one] * error[other]))
