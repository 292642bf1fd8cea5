"""Errors of fitted numbers where neighbouring errors are not independent, and some last."""

import numpy as np
from jaxtyping import Float

from ._group_equations import RIDGE, Inverse

CERTAIN = 3.0  # times its chance value from which on a correlation is one


def errors_by_block(
    error: np.ndarray, slopes: np.ndarray, blocks: np.ndarray, owners: np.ndarray
) -> Float[np.ndarray, " numbers"]:
    """Standard errors by blocks, and by what a lasting error of each object's accelerations does in the worst case.

    Args:
        error: Weighted errors at the least squares (particles dim).
        slopes: Their slopes in every number (particles dim numbers).
        blocks: Which errors of particles count as dependent.
        owners: Object of each particle, in the order of time.

    Returns:
        One error for each number; infinite where nothing depends on it, or it can change together with others.

    Source:
        Liang and Zeger (1986), Biometrika 73, 13, the robust covariance.
    """
    flat = slopes.reshape(error.size, -1)
    size = np.linalg.norm(flat, axis=0)
    moving = size > 0
    kept = flat[:, moving] / size[moving]
    solved = Inverse.of(kept.T @ kept, np.ones(kept.shape[1]), RIDGE)
    inverse = solved.matrix
    influence = np.einsum("pq,rdq->rdp", inverse, kept.reshape(*error.shape, -1)) * error[..., None]
    summed = np.zeros((int(blocks.max()) + 1, kept.shape[1]))
    np.add.at(summed, blocks, influence.sum(axis=1))
    count = len(summed)
    freedom = error.size / max(error.size - kept.shape[1], 1)
    variance = np.sum(summed**2, axis=0) * count / max(count - 1, 1) * freedom
    # What a law leaves out (relativity, the figure of the Earth) pushes the same way at every time, and adds up
    # in the worst case; noise does not. The share of the error that one snapshot hands to the next tells them apart.
    systematic = np.zeros(kept.shape[1])
    for owner in np.unique(owners):
        mine = owners == owner
        reach = np.abs(influence[mine]).sum(axis=(0, 1))
        systematic += (_persistence(error[mine]) * reach) ** 2
    found = np.zeros(flat.shape[1])
    found[moving] = np.where(np.isfinite(solved.variances), np.sqrt(variance + systematic) / size[moving], np.inf)
    return np.where(moving, found, np.inf)


def _persistence(error: Float[np.ndarray, "times dim"]) -> float:
    """Correlation of errors of neighbouring times, as far as it is certain."""
    total = float(np.sum(error**2))
    if total == 0.0 or len(error) < 3:
        return 0.0
    share = float(np.sum(error[1:] * error[:-1])) / total
    return share if share > CERTAIN / np.sqrt(error.size) else 0.0
