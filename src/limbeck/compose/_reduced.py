"""Windows whose states are eliminated: which of them count, the step of what they share, and its errors."""

from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from ._unknowns import Sharing

OUTLYING = 3.0  # misfit of a window, in medians, beyond which it is left out at first
SPOILT = 1.6  # and near the end, beyond which it is left out: under noise alone it varies by some 5 %
FEWEST_BLOCKS = 10
LEAST = 1e-6  # share of a window's own precision that others must add for it to be contradicted
CHANCE = 3.0  # what each value that is sought with the constants may add to the next
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
        normal: Normal matrix of the window's part in what is sought: constants, and values of its particles.
        gradient: Half the slope of the cost in these numbers.
        own: Step of the states at the same numbers.
        coupled: And its change with these.
    """

    cost: Float[np.ndarray, " windows"]
    freedom: Float[np.ndarray, " windows"]
    changes: Float[np.ndarray, " windows"]
    n_changes: Float[np.ndarray, " windows"]
    growth: Float[np.ndarray, " windows"]
    normal: Float[np.ndarray, "windows shared shared"]
    gradient: Float[np.ndarray, "windows shared"]
    own: Float[np.ndarray, "windows coordinates"]
    coupled: Float[np.ndarray, "windows coordinates shared"]

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

    def after(self, step: Float[np.ndarray, "windows shared"]) -> Float[np.ndarray, "windows coordinates"]:
        """Step of the states that goes with one of what windows share.

        Args:
            step: Of each window's numbers.

        Returns:
            It.
        """
        return self.own + np.einsum("wcs,ws->wc", self.coupled, step)

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

    def step(self, weight: Weights, damping: float, sharing: Sharing) -> Float[np.ndarray, " numbers"] | None:
        """A damped step of what is sought; None where there is none.

        Args:
            weight: Of each window.
            damping: Part of each number's own curvature that is added to it.
            sharing: Which window has which numbers.

        Returns:
            The step.
        """
        normal, scale, units = self._scaled(weight, sharing)
        gradient = sharing.summed(weight[:, None] * self.gradient)
        try:
            step = -np.linalg.solve(normal + units + damping * np.eye(len(scale)), gradient / scale) / scale
        except np.linalg.LinAlgError:
            return None
        return step if np.isfinite(step).all() else None

    def _scaled(
        self, weight: Weights, sharing: Sharing
    ) -> tuple[
        Float[np.ndarray, "numbers numbers"], Float[np.ndarray, " numbers"], Float[np.ndarray, "numbers numbers"]
    ]:
        """Normal matrix of all windows with a diagonal of 1, the scales, and what holds units in place."""
        normal = sharing.summed_pairs(weight[:, None, None] * self.normal)
        scale = np.sqrt(np.maximum(np.diag(normal), 0.0))
        idle = scale == 0
        scale[idle] = 1.0
        # The data say nothing of a common factor, so that holding a mean costs nothing. It is weighed by what is known
        # of each value, or the worst known one would decide, and rounding would let the others drift.
        units = sharing.units * scale * ~idle
        units /= np.maximum(np.linalg.norm(units, axis=1, keepdims=True), np.finfo(float).tiny)
        held = units.T @ units
        if len(sharing.among):  # a value that nothing depends on, and no constant, may be idle
            held += np.diag(idle.astype(float))
        return normal / np.outer(scale, scale), scale, held

    def contradicted(self, weight: Weights, sharing: Sharing) -> int | None:
        """The window that all others together contradict most; None where they do by no more than chance does.

        Where a motion is chaotic, a window has many nearest states, and the one found may ask for any constants, with a
        precision that no other window has.

        Args:
            weight: Of each window.
            sharing: Which window has which numbers.

        Returns:
            Its number.
        """
        used = np.flatnonzero(weight > 0)
        if len(used) <= FEWEST_BLOCKS:
            return None
        normal, scale, units = self._scaled(weight, sharing)
        inverse = np.pad(np.linalg.pinv(normal + units, rcond=1e-12, hermitian=True), (0, 1))
        places, own_scale = sharing.places[used], np.append(scale, 1.0)[sharing.places[used]]
        gradient = self.gradient[used] / own_scale
        own = self.normal[used] / (own_scale[:, :, None] * own_scale[:, None, :])
        # The inverse of all but one window, where that one has numbers: its part is taken off by Woodbury's formula.
        sizes, directions = np.linalg.eigh(inverse[places[:, :, None], places[:, None, :]])
        root = directions * np.sqrt(np.maximum(sizes, 0.0))[:, None, :]
        others, along = np.linalg.eigh(np.eye(root.shape[2]) - np.einsum("wji,wjk,wkl->wil", root, own, root))
        pull = np.einsum("wjk,wij,wi->wk", along, root, gradient)
        # What a window alone determines, nothing contradicts.
        against = np.sum(np.where(others > LEAST, pull**2 / np.maximum(others, LEAST), 0.0), axis=1)
        against /= self.variance(weight)
        own_values = places.shape[1] - (sharing.count - len(sharing.among))
        return int(used[np.argmax(against)]) if against.max() > CONTRADICTED + CHANCE * own_values else None

    def standard_errors(
        self, weight: Weights, systems: Int[np.ndarray, " windows"], sharing: Sharing
    ) -> tuple[Float[np.ndarray, " numbers"], int]:
        """Standard errors of what is sought.

        Args:
            weight: Of each window.
            systems: Simulation of each window.
            sharing: Which window has which numbers.

        Returns:
            The errors, and the number of blocks that they rest on: simulations, or windows where there are few.
        """
        used = weight > 0
        blocks = np.unique(systems[used], return_inverse=True)[1]
        if blocks.max(initial=-1) + 1 < FEWEST_BLOCKS:
            blocks = np.arange(int(used.sum()))
        n_blocks = int(blocks.max()) + 1
        normal, scale, units = self._scaled(weight, sharing)
        if n_blocks < 2 or np.linalg.cond(normal + units) > 1e13:
            return np.full(len(scale), np.inf), n_blocks
        scores = np.zeros((n_blocks, sharing.count + 1))
        np.add.at(scores, (blocks[:, None], sharing.places[used]), (weight[:, None] * self.gradient)[used])
        scores = scores[:, :-1] / scale
        inverse = np.linalg.inv(normal + units)
        variance = np.sum((scores @ inverse) ** 2, axis=0) * n_blocks / (n_blocks - 1)
        # The sandwich sees what is alike in a block; what follows from the noise alone sees where one window decides.
        white = np.diag(inverse @ normal @ inverse) * self.variance(weight)
        errors = np.sqrt(np.maximum(np.maximum(variance, white), 0.0)) / scale
        return np.where(np.diag(normal) > 0, errors, np.inf), n_blocks
