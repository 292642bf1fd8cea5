"""Standard errors of a law's constants and of the properties that were fitted with them."""

import numpy as np
from jaxtyping import Bool, Float
from scipy.linalg import null_space

from ._block_errors import errors_by_block
from ._group_equations import TAKES_PART, GroupEquations, Inverse, squares
from ._property_bounds import acting
from ._property_problem import PropertyProblem
from ._property_solution import PropertyErrors, PropertySolution


def errors_at(problem: PropertyProblem, at: PropertySolution) -> PropertyErrors:
    """Standard errors of constants and values.

    Args:
        problem: What was solved.
        at: The least squares.

    Returns:
        Errors; 0 for units, infinite where nothing is known.
    """
    error, by_c, by_s = problem.linear(at)
    shared, own = (
        _errors_of_groups(problem, at, error, by_c, by_s)
        if problem.units.means
        else _errors(problem, error, by_c, by_s)
    )
    values = np.where(problem.levels >= 0, np.append(shared[problem.n_constants :], np.inf)[problem.levels], own)
    # A unit is exact by its choice, if anything depends on it, and so is a level that holds it where all return.
    exact = problem.units.fixed & acting(problem.slopes, at.values, problem.group)
    if problem.n_levels and not problem.units.means:
        exact |= np.isin(problem.levels, problem.levels[exact & (problem.levels >= 0)])
    return PropertyErrors(constants=shared[: problem.n_constants], values=np.where(exact, 0.0, values))


def _errors(
    problem: PropertyProblem, error: np.ndarray, by_c: np.ndarray, by_s: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Errors by blocks, where all objects return; what nothing depends on is known to no accuracy."""
    both = np.concatenate([by_c, by_s], axis=-1)
    found = errors_by_block(error, both, problem.blocks, problem.slopes.objects.particles)
    return found[: by_c.shape[-1]], problem.by_object(found[None, by_c.shape[-1] :])


def _errors_of_groups(
    problem: PropertyProblem, at: PropertySolution, error: np.ndarray, by_c: np.ndarray, by_s: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The same where each simulation has objects of its own and mean sizes are units."""
    normal = GroupEquations.of(error, by_c, by_s, problem.rows, problem.n_groups)
    counted = problem.units.counted
    slope = np.sign(at.values) * counted / np.maximum(counted.sum(axis=1, keepdims=True), 1)  # of the mean size
    free = problem.free
    inverse, loose = normal.determined()
    across = np.einsum("gpq,gqc->gpc", inverse, normal.shared)
    kept = np.eye(by_c.shape[-1])
    for k in problem.units.means:
        mine = np.arange(len(problem.start))[:, None] == k
        if k in problem.places:  # the scale is one of the levels'
            in_levels = np.bincount(
                problem.levels[k][problem.levels[k] >= 0], slope[k][problem.levels[k] >= 0], problem.n_levels
            )
            kept = kept @ null_space(np.append(np.zeros(problem.n_constants), in_levels)[None] @ kept)
            continue
        weight = problem.by_group(np.where(mine & free, slope, 0.0), fill=0.0)
        towards = np.einsum("gpq,gq->gp", inverse, weight)
        stiffness = max(float(np.sum(weight * towards)), np.finfo(float).tiny)
        tied = np.einsum("gp,gpc->c", weight, across) / stiffness
        across = across - towards[:, :, None] * tied  # the mean size stays as it is
    schur = normal.constants.sum(axis=0) - np.einsum("gpc,gpd->cd", normal.shared, across)
    freedom = max(error.size - int(np.sum(free)) - by_c.shape[-1], 1)
    variance = squares(error) / freedom
    mine = _variances(problem, error, free)
    # Scores by group, as a sandwich needs them, are all zero: each group has numbers of its own to see to that.
    alone = np.sqrt(np.diag(kept.T @ normal.constants.sum(axis=0) @ kept))
    inner = Inverse.of(kept.T @ schur @ kept, alone)
    found = Inverse(matrix=kept @ inner.matrix @ kept.T, undetermined=kept @ inner.undetermined)
    known = ~loose
    spread = np.einsum("gpp->gp", inverse) * mine[:, None] + variance * np.einsum(
        "gpc,cd,gpd->gp", across, found.matrix, across, optimize=True
    )
    # A value that moves with what is not determined is not determined itself.
    moved = np.abs(across @ found.undetermined).max(axis=-1, initial=0.0)
    known &= ~(moved > TAKES_PART * moved.max(initial=0.0))
    own = np.where(known, np.sqrt(np.maximum(spread, 0.0)), np.inf)
    return np.sqrt(variance * found.variances), problem.by_object(own)


def _variances(
    problem: PropertyProblem, error: np.ndarray, free: Bool[np.ndarray, "properties objects"]
) -> Float[np.ndarray, " groups"]:
    """Variance of the weighted errors of each group."""
    squared, count, own = (np.zeros(problem.n_groups) for _ in range(3))
    np.add.at(squared, problem.rows, np.sum(error**2, axis=1))
    np.add.at(count, problem.rows, error.shape[1])
    np.add.at(own, problem.group, free.sum(axis=0))
    return squared / np.maximum(count - own, 1.0)
