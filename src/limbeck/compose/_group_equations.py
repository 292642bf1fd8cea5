"""Least squares whose unknowns are a few constants of all and many numbers of one group each."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from limbeck._types import Constants

NOTHING = 1e-100  # size of slopes below which nothing depends on an unknown
RIDGE = 1e-13
SAYS_NOTHING = 1e-9  # curvature along a direction, in units of what it would be alone, at which it is none
TAKES_PART = 1e-6  # share of a number in such a direction
LOOSE = 1e-12  # the same for unknowns of one group: slopes that are one up to a millionth


def squares(error: np.ndarray) -> float:
    """Sum of squares, infinite where something is undefined.

    Args:
        error: Any errors.

    Returns:
        The sum.
    """
    with np.errstate(all="ignore"):
        value = float(np.sum(error**2))
    return value if np.isfinite(value) else np.inf


@dataclass(frozen=True, kw_only=True, eq=False)
class Inverse:
    """A symmetric matrix inverted where it can be.

    Attributes:
        matrix: The inverse, along what is determined.
        undetermined: Directions along which nothing changes, as columns.
    """

    matrix: Float[np.ndarray, "numbers numbers"]
    undetermined: Float[np.ndarray, "numbers directions"]

    @classmethod
    def of(
        cls,
        normal: Float[np.ndarray, "numbers numbers"],
        sizes: Float[np.ndarray, " numbers"],
        least: float = SAYS_NOTHING,
    ) -> "Inverse":
        """Invert normal equations.

        Args:
            normal: The equations.
            sizes: Root of what the diagonal would be if no other number moved; 0 where nothing depends on one.
            least: Share of the largest curvature below which a direction is not determined.

        Returns:
            The inverse.
        """
        sizes = np.where(sizes > 0, sizes, 1.0)
        found, directions = np.linalg.eigh(normal / np.outer(sizes, sizes))
        kept = found > least * max(float(found[-1]), 1.0) if len(found) else np.zeros(0, dtype=bool)
        inverse = (directions[:, kept] / found[kept]) @ directions[:, kept].T
        return cls(matrix=inverse / np.outer(sizes, sizes), undetermined=directions[:, ~kept] / sizes[:, None])

    @property
    def variances(self) -> Float[np.ndarray, " numbers"]:
        """Diagonal of the inverse; infinite where a number has a part in what is not determined."""
        largest = np.max(np.abs(self.undetermined), axis=0, initial=0.0)
        with np.errstate(invalid="ignore", divide="ignore"):
            part = np.abs(self.undetermined) / largest
        taken = np.any(part > TAKES_PART, axis=1)
        return np.where(taken, np.inf, np.maximum(np.diag(self.matrix), 0.0))


@dataclass(frozen=True, kw_only=True, eq=False)
class GroupEquations:
    """Normal equations, group by group.

    Attributes:
        groups: Of each group's own unknowns.
        shared: Between those and the constants.
        constants: What each group adds to those of the constants.
        gradient_s: Slopes of the sum of squares in the own unknowns.
        gradient_c: The same in the constants.
    """

    groups: Float[np.ndarray, "groups slots slots"]
    shared: Float[np.ndarray, "groups slots constants"]
    constants: Float[np.ndarray, "groups constants constants"]
    gradient_s: Float[np.ndarray, "groups slots"]
    gradient_c: Float[np.ndarray, "groups constants"]

    @classmethod
    def of(
        cls, error: np.ndarray, by_c: np.ndarray, by_s: np.ndarray, rows: np.ndarray, n_groups: int
    ) -> "GroupEquations":
        """Sum over particles.

        Args:
            error: Weighted errors (particles dim).
            by_c: Their slopes in the constants (particles dim constants).
            by_s: Their slopes in the unknowns of the group (particles dim slots).
            rows: Group of each particle.
            n_groups: Number of groups.

        Returns:
            The equations.
        """

        def summed(terms: str, *arrays: np.ndarray) -> np.ndarray:
            each = np.einsum(terms, *arrays, optimize=True)
            total = np.zeros((n_groups, *each.shape[1:]))
            np.add.at(total, rows, each)
            return total

        return cls(
            groups=summed("rdp,rdq->rpq", by_s, by_s),
            shared=summed("rdp,rdc->rpc", by_s, by_c),
            constants=summed("rdc,rde->rce", by_c, by_c),
            gradient_s=summed("rdp,rd->rp", by_s, error),
            gradient_c=summed("rdc,rd->rc", by_c, error),
        )

    def inverse(self, damping: float) -> Float[np.ndarray, "groups slots slots"]:
        """Inverse of each group's equations; an unknown that nothing depends on has none.

        Args:
            damping: Share of the diagonal that is added to it.

        Returns:
            The inverses.
        """
        size = np.sqrt(np.einsum("gpp->gp", self.groups))
        size[size <= NOTHING] = 1.0
        scaled = self.groups / (size[:, :, None] * size[:, None, :])
        scaled = scaled + (damping + RIDGE) * np.eye(scaled.shape[1])
        return np.linalg.inv(scaled) / (size[:, :, None] * size[:, None, :])

    def determined(self) -> tuple[Float[np.ndarray, "groups slots slots"], Bool[np.ndarray, "groups slots"]]:
        """Inverse of each group's equations along what they determine, the constants being known.

        Returns:
            The inverses, and which unknowns can change, alone or together, without any effect.
        """
        size = np.sqrt(np.einsum("gpp->gp", self.groups))
        size[size <= NOTHING] = 1.0
        found, directions = np.linalg.eigh(self.groups / (size[:, :, None] * size[:, None, :]))
        kept = found > LOOSE * np.maximum(found[:, -1:], 1.0)
        factors = np.where(kept, 1.0 / np.where(kept, found, 1.0), 0.0)
        inverse = np.einsum("gpk,gk,gqk->gpq", directions, factors, directions, optimize=True)
        loose = np.any((np.abs(directions) > TAKES_PART) & ~kept[:, None, :], axis=2)
        return inverse / (size[:, :, None] * size[:, None, :]), loose

    def step(self, damping: float) -> tuple[Constants, Float[np.ndarray, "groups slots"]]:
        """One damped step in constants and slots.

        Args:
            damping: Share of the diagonal that is added to it.

        Returns:
            What is to be taken off both; NaN where the equations have no solution in floating point.
        """
        inverse = self.inverse(damping)
        across = np.einsum("gpq,gqc->gpc", inverse, self.shared)
        own = np.einsum("gpq,gq->gp", inverse, self.gradient_s)
        total = self.constants.sum(axis=0)
        schur = total + damping * np.diag(np.diag(total)) - np.einsum("gpc,gpd->cd", self.shared, across)
        right = self.gradient_c.sum(axis=0) - np.einsum("gpc,gp->c", self.shared, own)
        size = np.sqrt(np.maximum(np.diag(total), np.finfo(float).tiny))
        if not (np.isfinite(schur).all() and np.isfinite(right).all()):
            return np.full_like(right, np.nan), np.full_like(own, np.nan)
        step_c = np.linalg.lstsq(schur / np.outer(size, size), right / size, rcond=RIDGE)[0] / size
        return step_c, own - across @ step_c
