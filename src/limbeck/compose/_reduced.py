"""Windows whose states are eliminated: which of them count, the step of the constants, and its errors."""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck._types import Constants

OUTLYING = 3.0  # misfit of a window, in medians, beyond which it is left out at first
SPOILT = 1.6  # and near the end, beyond which it is left out: under noise alone it varies by some 5 %
FEWEST_BLOCKS = 10
CONTRADICTED = 25.0  # squared distance of a window's constants from those of all others, in units of their variance

Weights = Float[np.ndarray, " windows"]


@dataclass(frozen=True, eq=False)
class Reduced:
    """What is left of windows without their states, one row a window; weights of windows are 0 or 1.

    Attributes:
        cost: Sum of squared distances from the measurements, in units of the noise; infinite where a window can't be
            followed, and all else is 0 there.
        freedom: Degrees of freedom.
        changes: Sum of squared changes of the distances from a snapshot to the next.
        n_changes: Their number.
        growth: Factor by which the worst change of a position at the beginning grows.
        normal: Normal matrix of the constants.
        gradient: Half the slope of the cost in the constants.
        own: Step of the states at the same constants.
        coupled: And its change with the constants.
    """

    cost: Float[np.ndarray, " windows"]
    freedom: Float[np.ndarray, " windows"]
    changes: Float[np.ndarray, " windows"]
    n_changes: Float[np.ndarray, " windows"]
    growth: Float[np.ndarray, " windows"]
    normal: Float[np.ndarray, "windows constants constants"]
    gradient: Float[np.ndarray, "windows constants"]
    own: Float[np.ndarray, "windows coordinates"]
    coupled: Float[np.ndarray, "windows coordinates constants"]

    @cached_property
    def misfits(self) -> Float[np.ndarray, " windows"]:
        """Root mean square distance of each window in units of the noise; infinite where it can't be followed."""
        used = np.isfinite(self.cost) & (self.freedom > 0)
        return np.sqrt(np.divide(self.cost, self.freedom, out=np.full(len(used), np.inf), where=used))

    @cached_property
    def misfit(self) -> float:
        """Median of the windows that can be followed; 0 where none can."""
        known = self.misfits[np.isfinite(self.misfits)]
        return float(np.median(known)) if len(known) else 0.0

    def replaced(self, chosen: Bool[np.ndarray, " windows"], other: "Reduced") -> "Reduced":
        """The same windows, some of them from another evaluation.

        Args:
            chosen: Which are the other's.
            other: The other.

        Returns:
            Both together.
        """
        pairs = [(getattr(self, f.name), getattr(other, f.name)) for f in fields(self)]
        return Reduced(*(np.where(chosen.reshape(-1, *[1] * (old.ndim - 1)), new, old) for old, new in pairs))

    def variance(self, weight: Weights) -> float:
        """Mean square distance over the windows that count."""
        used = weight > 0
        return float(np.sum(self.cost[used]) / np.sum(self.freedom[used]))

    def whiteness(self, weight: Weights) -> float:
        """Durbin and Watson's statistic of the windows that count, together; 2 where nothing can be said."""
        used = weight > 0
        squares, changes = np.sum(self.cost[used]), np.sum(self.changes[used])
        if not (squares > 0 and changes > 0):
            return 2.0
        return float(changes / np.sum(self.n_changes[used])) / self.variance(weight)

    def weights(self, largest_growth: float, *, late: bool) -> Weights:
        """Weight of each window: none where it fits far worse than others, as across a jump or a close encounter.

        Nor where an error as large as the noise grows as large as the system: the state that was found is one of many.

        Args:
            largest_growth: Growth from which that is so.
            late: Whether the fit is near its end, where windows fit alike.

        Returns:
            0 or 1 for each window.
        """
        far = max(self._far(late=late), np.finfo(float).tiny)
        return ((self.misfits <= far) & (self.growth <= largest_growth)).astype(float)

    def is_worse_than(self, before: "Reduced", *, late: bool) -> bool:
        """Whether windows fit worse as a whole; one that is missed by far counts as just missed, by whatever it is.

        Args:
            before: The same windows.
            late: Whether the fit is near its end.

        Returns:
            True if so.
        """
        far = before._far(late=late)
        old, new = (np.sum(before.freedom * np.minimum(one.misfits, far) ** 2) for one in (before, self))
        return bool(new > old * (1 + 1e-6))

    def _far(self, *, late: bool) -> float:
        """Misfit beyond which a window is missed."""
        return (SPOILT if late else OUTLYING) * self.misfit

    def step(self, weight: Weights, damping: float) -> Constants | None:
        """A damped step of the constants; None where there is none.

        Args:
            weight: Of each window.
            damping: Part of each constant's own curvature that is added to it.

        Returns:
            The step.
        """
        normal, gradient = np.einsum("w,wjk->jk", weight, self.normal), weight @ self.gradient
        scale = np.sqrt(np.maximum(np.diag(normal), 0.0))
        scale[scale == 0] = 1.0
        try:
            scaled = normal / np.outer(scale, scale) + damping * np.eye(len(scale))
            step = -np.linalg.solve(scaled, gradient / scale) / scale
        except np.linalg.LinAlgError:
            return None
        return step if np.isfinite(step).all() else None

    def contradicted(self, weight: Weights) -> int | None:
        """The window that all others together contradict most; None where they do by no more than chance does.

        Where a motion is chaotic, a window has many nearest states, and the one found may ask for any constants, with a
        precision that no other window has.

        Args:
            weight: Of each window.

        Returns:
            Its number.
        """
        used = np.flatnonzero(weight > 0)
        if len(used) <= FEWEST_BLOCKS:
            return None
        normal, gradient = self.normal[used], self.gradient[used]
        scale = np.sqrt(np.maximum(np.einsum("wjj->j", normal), np.finfo(float).tiny))
        normal, gradient = normal / np.outer(scale, scale), gradient / scale
        rest, pull = normal.sum(axis=0) - normal, gradient.sum(axis=0) - gradient
        # What a window alone determines, nothing contradicts.
        inverse = np.linalg.pinv(rest, rcond=1e-12, hermitian=True)
        against = np.einsum("wj,wjk,wk->w", pull, inverse, pull) / self.variance(weight)
        return int(used[np.argmax(against)]) if against.max() > CONTRADICTED else None

    def standard_errors(
        self, weight: Weights, systems: Int[np.ndarray, " windows"]
    ) -> tuple[Float[np.ndarray, " constants"], int]:
        """Standard errors of the constants.

        Args:
            weight: Of each window.
            systems: Simulation of each window.

        Returns:
            The errors, and the number of blocks that they rest on: simulations, or windows where there are few.
        """
        used = weight > 0
        blocks = np.unique(systems[used], return_inverse=True)[1]
        if blocks.max(initial=-1) + 1 < FEWEST_BLOCKS:
            blocks = np.arange(int(used.sum()))
        n_blocks = int(blocks.max()) + 1
        normal = np.einsum("w,wjk->jk", weight, self.normal)
        scale = np.sqrt(np.maximum(np.diag(normal), 0.0))
        scale[scale == 0] = 1.0
        normal = normal / np.outer(scale, scale)
        if n_blocks < 2 or np.linalg.cond(normal) > 1e13:
            return np.full(len(scale), np.inf), n_blocks
        scores = np.zeros((n_blocks, len(scale)))
        np.add.at(scores, blocks, (weight[:, None] * self.gradient / scale)[used])
        inverse = np.linalg.inv(normal)
        variance = np.diag(inverse @ scores.T @ scores @ inverse) * n_blocks / (n_blocks - 1)
        # The sandwich sees what is alike in a block; what follows from the noise alone sees where one window decides.
        white = np.diag(inverse) * self.variance(weight)
        return np.sqrt(np.maximum(np.maximum(variance, white), 0.0)) / scale, n_blocks
