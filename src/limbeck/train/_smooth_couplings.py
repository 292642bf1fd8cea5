"""Couplings of one sign by continuation: first a straight force in logarithms, then a force as bent as the data ask.

Where objects of very different strength return in every snapshot (the Sun and its
planets), turns of least squares settle in wrong places, and a spline says nothing
across a gap between the distances that occur. Here the logarithms of properties and
force are fitted at once by Levenberg-Marquardt's steps, with a price on curvature
that falls by and by. No exponent is put in: starts are drawn, and the best is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ._couplings import Couplings, Factors, Role
from ._pair_rows import LogSplines, PairRows

STIFFNESS = (10.0, 1.0, 0.1, 1e-2, 1e-3, 1e-4)  # price on the second difference of the force's logarithm
STEPS = 60
LONGEST = 3.0  # change of a logarithm in one step
LOST = 12.0  # a property that fell this far (in logarithms) below the median can't come back by itself
SLOPES = (-3.0, 1.0)  # of the first force in logarithms
SPREAD = 3.0  # of the first properties in logarithms


def continue_from(
    rows: PairRows, role: Role, factors: Factors, generator: np.random.Generator, sign: float
) -> Couplings:
    """Fit properties and force from a start that is drawn.

    Args:
        rows: The snapshots of one group.
        role: `both` or `inertia`.
        factors: What is given.
        generator: Draws the start.
        sign: Sign of the force: 1 pushes apart.

    Returns:
        Properties, positive, and the force.
    """
    fit = _Fit.prepare(rows, role, factors, sign)
    line = generator.uniform(*SLOPES) * fit.splines.centres
    numbers = np.concatenate([line, SPREAD * generator.normal(size=rows.n_slots)])
    numbers[: fit.splines.count] += fit.level(numbers)
    for stiffness in STIFFNESS:
        numbers, error = fit.settled(numbers, stiffness)
    numbers, error = fit.settled(fit.with_lost_raised(numbers), STIFFNESS[-2])
    numbers, error = fit.settled(numbers, STIFFNESS[-1])
    logs = numbers[fit.splines.count :]
    logs = logs - logs.max()
    values = np.exp(-logs if role == "inertia" else logs)
    shift = numbers[fit.splines.count :].max()
    return Couplings(
        values=values[None],
        splines=fit.splines,
        # Response of the receiver or strength of the sender: either multiplies the acceleration once.
        forces=numbers[: fit.splines.count] + shift,
        is_logarithm=True,
        sign=sign,
        error=error,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Fit:
    """The problem that is solved."""

    rows: PairRows
    role: Role
    splines: LogSplines
    basis: Float[np.ndarray, "rows nodes nodes splines"]
    direction: Float[np.ndarray, "rows nodes nodes dim"]
    target: Float[np.ndarray, "rows nodes dim"]

    @classmethod
    def prepare(cls, rows: PairRows, role: Role, factors: Factors, sign: float) -> "_Fit":
        """Everything that does not depend on the numbers."""
        splines = LogSplines.over(rows.logs[rows.acts])
        weight = (sign * factors.pair * rows.weights[..., None])[..., None]
        return cls(
            rows=rows,
            role=role,
            splines=splines,
            basis=splines(rows.logs),
            direction=rows.unit * weight,
            target=rows.weighted_targets(),
        )

    def level(self, numbers: np.ndarray) -> float:
        """What must be added to the force's logarithm so that accelerations are of the right size."""
        predicted = self._forces(numbers).sum(axis=2)
        known = np.linalg.norm(self.target, axis=-1) > 0
        if not np.any(known):
            return 0.0
        sizes = [np.linalg.norm(array, axis=-1)[known] for array in (self.target, predicted)]
        with np.errstate(divide="ignore"):
            found = float(np.median(np.log(sizes[0] / np.maximum(sizes[1], 1e-300))))
        return found if np.isfinite(found) else 0.0

    def with_lost_raised(self, numbers: np.ndarray) -> np.ndarray:
        """Properties that fell to nothing, raised to where their pull is felt again."""
        logs = numbers[self.splines.count :]
        middle = np.median(logs)
        lost = np.abs(logs - middle) > LOST if self.role == "inertia" else logs < middle - LOST
        return np.concatenate([numbers[: self.splines.count], np.where(lost, middle, logs)])

    def settled(self, numbers: np.ndarray, stiffness: float) -> tuple[np.ndarray, float]:
        """Levenberg-Marquardt steps until nothing changes; gives numbers and root mean square error."""
        count, n_slots = self.splines.count, self.rows.n_slots
        bend = np.zeros((count - 2, count + n_slots))
        # Differences per log-distance, so that a line costs nothing on uneven centres either.
        centres = self.splines.centres
        for k in range(count - 2):
            left, right = centres[k + 1] - centres[k], centres[k + 2] - centres[k + 1]
            bend[k, k : k + 3] = 1.0 / left, -1.0 / left - 1.0 / right, 1.0 / right
        bend *= stiffness * np.mean(np.diff(centres))
        unit = 1.0 / np.sqrt(self.target.size)

        def residual(at: np.ndarray, forces: np.ndarray) -> np.ndarray:
            return np.concatenate([(forces.sum(axis=2) - self.target).ravel() * unit, bend @ at])

        def jacobian(forces: np.ndarray) -> np.ndarray:
            return np.concatenate([self._slopes(forces) * unit, bend])

        numbers, _ = _marquardt(numbers, self._forces, residual, jacobian)
        error = self._forces(numbers).sum(axis=2) - self.target
        return numbers, float(np.sqrt(np.mean(error**2)))

    def _forces(self, numbers: np.ndarray) -> Float[np.ndarray, "rows nodes nodes dim"]:
        """Weighted acceleration of each receiver by each sender."""
        count, slots = self.splines.count, self.rows.slots
        own = numbers[count:][slots]
        own = own[:, :, None] if self.role == "inertia" else own[:, None, :]
        return np.exp(np.clip(self.basis @ numbers[:count] + own, -600.0, 300.0))[..., None] * self.direction

    def _slopes(self, forces: np.ndarray) -> Float[np.ndarray, "equations numbers"]:
        """Derivatives of the accelerations in every number."""
        rows, n, dim = len(forces), forces.shape[1], forces.shape[-1]
        by_spline = np.einsum("lijd,lijk->lidk", forces, self.basis, optimize=True)
        by_slot = np.zeros((rows, n, dim, self.rows.n_slots))
        slots = self.rows.slots
        row = np.arange(rows)[:, None]
        if self.role == "inertia":
            by_slot[row, np.arange(n), :, slots] = forces.sum(axis=2)
        else:
            for j in range(n):
                by_slot[np.arange(rows), :, :, slots[:, j]] += forces[:, :, j]
        return np.concatenate([by_spline, by_slot], axis=-1).reshape(rows * n * dim, -1)


def _marquardt(
    numbers: np.ndarray,
    forces_of: Callable[[np.ndarray], np.ndarray],
    residual: Callable[[np.ndarray, np.ndarray], np.ndarray],
    jacobian: Callable[[np.ndarray], np.ndarray],
) -> tuple[np.ndarray, float]:
    """Damped steps downhill; a step in logarithms is never longer than `LONGEST`."""
    # `expressions.least_squares` damps every number relative to its own slopes. Here a body whose pull is hardly felt
    # has next to none, and would be sent anywhere: three of six starts on the Solar System never came back, and all
    # six do with the small absolute part of the damping.
    forces = forces_of(numbers)
    left = residual(numbers, forces)
    value, damping = float(left @ left), 1e-3
    for _ in range(STEPS):
        slopes = jacobian(forces)
        normal, gradient = slopes.T @ slopes, slopes.T @ left
        for _ in range(8):
            step = -np.linalg.solve(normal + damping * np.diag(np.diag(normal) + 1e-9), gradient)
            step *= min(1.0, LONGEST / np.max(np.abs(step)))
            trial = forces_of(numbers + step)
            new = residual(numbers + step, trial)
            if new @ new < value:
                break
            damping *= 4.0
        else:
            return numbers, value
        gain = value - float(new @ new)
        numbers, forces, left, value, damping = numbers + step, trial, new, float(new @ new), max(damping / 5, 1e-9)
        if gain < 1e-6 * value:
            return numbers, value
    return numbers, value
