"""Fit a law's constants to measured positions through the integrator.

Accelerations derived from noisy positions carry what smoothing took away of the motion, and
constants fitted to them are biased. Here nothing is differentiated and nothing smoothed: the law is
followed through short windows, the constants shared and the state at the beginning of each window
free, and the distance from the measured positions is minimised (multiple shooting). States are
eliminated window by window, so the size of the problem is that of the constants.

Source:
    Bock (1983), multiple shooting; Golub and Pereyra (1973), SIAM J. Numer. Anal. 10, 413, variable projection.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import Float, Int

from limbeck._types import Constants
from limbeck.graphs import GraphDataset, Snapshots

from ._follow import Form, followed, form_of, reduced_windows
from ._law import Law
from ._windows import Windows, windows_of

SUBSTEPS = (1, 4, 16)  # Runge-Kutta steps between two snapshots; close encounters need many
ACCURATE = 0.1  # largest error of the integrator, in units of the noise
CHUNK = 16
ROUNDS, LEAST_ROUNDS = 14, 4
DAMPING = 1e-6
ROUNDING = 1e-9
SETTLED = 0.05  # change of every constant, in standard errors, at which the fit ends
OUTLYING = 3.0  # misfit of a window, in medians, beyond which it is left out at first
SPOILT = 1.6  # and near the end, beyond which it is left out: under noise alone it varies by some 5 %
MOST = 0.75  # windows that a step must not make worse
FEWEST_BLOCKS = 10


@dataclass(frozen=True, kw_only=True, eq=False)
class TrajectoryFit:
    """A law fitted to measured positions.

    Attributes:
        law: The law with the constants found.
        errors: Their standard errors.
        misfit: Distance of the fitted windows from the measurements in units of the noise, median over windows:
            1 where the law is true and the noise is known.
        n_windows: Number of windows that were followed.
        n_blocks: Number of independent blocks that the errors rest on.
        length: Snapshots of a window.
        misfits: Distance of every window from the measurements in units of the noise; infinite for those that can't
            be followed.
        freedom: Numbers measured in every window less those that its state takes up.
    """

    law: Law
    errors: Float[np.ndarray, " constants"]
    misfit: float
    n_windows: int
    n_blocks: int
    length: int
    misfits: Float[np.ndarray, " windows"]
    freedom: Float[np.ndarray, " windows"]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Reduced:
    """What is left of windows when their states are eliminated, one row a window."""

    cost: Float[np.ndarray, " windows"]
    freedom: Float[np.ndarray, " windows"]
    normal: Float[np.ndarray, "windows constants constants"]
    gradient: Float[np.ndarray, "windows constants"]
    own: Float[np.ndarray, "windows coordinates"]  # step of the states at the same constants
    coupled: Float[np.ndarray, "windows coordinates constants"]  # and its change with the constants


def fit_trajectories(law: Law, dataset: GraphDataset) -> TrajectoryFit | None:
    """Fit the free constants of a law to measured positions.

    Args:
        law: Form and starting values.
        dataset: Trajectories whose positions were smoothed; training snapshots only are looked at.

    Returns:
        The fit, or None where positions were not smoothed, there is no constant or no stretch to follow, or the fit
        does not settle.
    """
    windows = windows_of(dataset) if len(law.constants) else None
    if windows is None:
        return None
    with jax.enable_x64(True):
        shooting = _Shooting.prepare(law, dataset, windows)
        return None if shooting is None else shooting.fit()


@dataclass(frozen=True, kw_only=True, eq=False)
class _Shooting:
    """Windows with the steps that each needs, and the compiled integrator."""

    law: Law
    form: Form
    windows: Windows
    substeps: Int[np.ndarray, " windows"]

    @classmethod
    def prepare(cls, law: Law, dataset: GraphDataset, windows: Windows) -> "_Shooting | None":
        """Find the steps of each window; those that no number of steps serves are left out."""
        form, substeps = form_of(law, dataset), np.zeros(len(windows), dtype=int)
        states = windows.start.positions, windows.start.velocities
        for number in SUBSTEPS:
            for rows in _chunks(np.flatnonzero(substeps == 0)):
                start, spans = _begin(states, windows, rows), windows.spans[rows]
                coarse, fine = (
                    np.asarray(followed(form, law.constants, start, spans, np.asarray(n))) for n in (number, 2 * number)
                )
                with np.errstate(invalid="ignore", over="ignore"):
                    error = np.abs(coarse - fine) * windows.weights[rows][..., None]
                good = np.all(error < ACCURATE, axis=(1, 2, 3))  # false where undefined
                substeps[rows[good]] = number
        return cls(law=law, form=form, windows=windows, substeps=substeps) if substeps.any() else None

    def fit(self) -> TrajectoryFit | None:
        """Gauss and Newton's steps, damped where they lead upwards; None where they do not settle."""
        constants, damping = self.law.constants, DAMPING
        states = self._smoothed()
        now = self._evaluate(constants, states)
        weight = _weights(now, settled=False)
        for turn in range(ROUNDS):
            errors, _ = _errors(now, weight, self.windows.systems)
            step = _step(now, weight, damping)
            if step is None or not np.isfinite(errors).all():
                return None
            moved = self._moved(states, now, step, weight)
            trial = self._evaluate(constants + step, moved)
            if _is_worse(trial, now):
                damping = 30 * max(damping, 1e-4)
                continue
            constants, states, now, damping = constants + step, moved, trial, damping / 30
            if turn >= LEAST_ROUNDS and np.all(np.abs(step) < SETTLED * errors + ROUNDING * np.abs(constants)):
                return self._fitted(constants, now, weight)
            fresh = _weights(now, settled=turn + 1 >= LEAST_ROUNDS)
            # A window that has lost its weight near the end does not get it back: in and out would never settle.
            weight = np.minimum(weight, fresh) if turn >= LEAST_ROUNDS else fresh
            # One that went astray begins again where it was smoothed, under better constants.
            kept = (weight > 0)[:, None, None]
            again = self._smoothed()
            states = np.where(kept, states[0], again[0]), np.where(kept, states[1], again[1])
        return None

    def _smoothed(self) -> tuple[np.ndarray, np.ndarray]:
        """The states that windows begin from."""
        return self.windows.start.positions, self.windows.start.velocities

    def _evaluate(self, constants: Constants, states: tuple[np.ndarray, np.ndarray]) -> _Reduced:
        """Reduced problems of all windows; those left out have no weight."""
        n_windows, coordinates = len(self.windows), 2 * int(np.prod(states[0].shape[1:]))
        shapes = (), (), (len(constants),) * 2, (len(constants),), (coordinates,), (coordinates, len(constants))
        found = [np.zeros((n_windows, *shape)) for shape in shapes]
        found[0][:] = np.inf
        for steps in SUBSTEPS:
            for rows in _chunks(np.flatnonzero(self.substeps == steps)):
                w, start = self.windows, _begin(states, self.windows, rows)
                data = w.spans[rows], w.measured[rows], w.weights[rows], np.asarray(steps)
                parts = reduced_windows(self.form, constants, start, *data)
                for whole, part in zip(found, parts, strict=True):
                    whole[rows] = np.asarray(part)
        bad = ~np.isfinite(found[0])
        for whole in found[1:]:
            bad |= ~np.isfinite(whole).all(axis=tuple(range(1, whole.ndim)))
        for whole in found[1:]:
            whole[bad] = 0.0
        found[0][bad] = np.inf
        return _Reduced(
            cost=found[0], freedom=found[1], normal=found[2], gradient=found[3], own=found[4], coupled=found[5]
        )

    def _moved(
        self, states: tuple[np.ndarray, np.ndarray], now: _Reduced, step: Constants, weight: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """States at the beginnings after a step of the constants."""
        change = (weight > 0)[:, None] * (now.own + now.coupled @ step)
        change = change.reshape(len(self.windows), 2, *states[0].shape[1:])
        return states[0] + change[:, 0], states[1] + change[:, 1]

    def _fitted(
        self, constants: Constants, now: _Reduced, weight: Float[np.ndarray, " windows"]
    ) -> TrajectoryFit | None:
        """What is said of the settled fit."""
        errors, n_blocks = _errors(now, weight, self.windows.systems)
        if not np.isfinite(errors).all():
            return None
        return TrajectoryFit(
            law=self.law.with_constants(constants),
            errors=errors + ROUNDING * np.abs(constants),
            misfit=_middle(now),
            n_windows=int((weight > 0).sum()),
            n_blocks=n_blocks,
            length=self.windows.measured.shape[1],
            misfits=_misfits(now),
            freedom=self.windows.freedom,
        )


def _chunks(rows: Int[np.ndarray, " windows"]) -> Iterator[Int[np.ndarray, " chunk"]]:
    """Windows in chunks of one size, so that one compiled program serves; the last row fills the last chunk."""
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        yield np.concatenate([part, np.repeat(part[-1:], CHUNK - len(part))])


def _begin(states: tuple[np.ndarray, np.ndarray], windows: Windows, rows: Int[np.ndarray, " chunk"]) -> Snapshots:
    """States at the beginnings of some windows."""
    start = windows.start
    return Snapshots(
        positions=states[0][rows],
        velocities=states[1][rows],
        attributes=start.attributes[rows],
        forward=start.forward[rows],
        backward=start.backward[rows],
        targets=None,
        weights=None,
    )


def _misfits(now: _Reduced) -> Float[np.ndarray, " windows"]:
    """Root mean square distance of each window in units of the noise; infinite where it can't be followed."""
    used = np.isfinite(now.cost) & (now.freedom > 0)
    return np.sqrt(np.divide(now.cost, now.freedom, out=np.full(len(used), np.inf), where=used))


def _middle(now: _Reduced) -> float:
    """Median misfit of the windows that can be followed; 0 where none can."""
    misfits = _misfits(now)
    known = misfits[np.isfinite(misfits)]
    return float(np.median(known)) if len(known) else 0.0


def _weights(now: _Reduced, *, settled: bool) -> Float[np.ndarray, " windows"]:
    """Weight of each window: none where it fits far worse than others, as across a jump or a close encounter."""
    misfits = _misfits(now)
    size = misfits / max((SPOILT if settled else OUTLYING) * _middle(now), np.finfo(float).tiny)
    return (size <= 1.0).astype(float)


def _is_worse(trial: _Reduced, now: _Reduced) -> bool:
    """Whether most windows fit worse: the few of close encounters may, and do, on the way."""
    before, after = (np.sort(_misfits(one)) for one in (now, trial))
    most = slice(0, max(1, int(MOST * np.isfinite(before).sum())))
    return bool(np.sum(after[most] ** 2) > np.sum(before[most] ** 2) * (1 + 1e-6))


def _step(now: _Reduced, weight: Float[np.ndarray, " windows"], damping: float) -> Constants | None:
    """A damped step of the constants."""
    normal, gradient = np.einsum("w,wjk->jk", weight, now.normal), weight @ now.gradient
    scale = np.sqrt(np.maximum(np.diag(normal), 0.0))
    scale[scale == 0] = 1.0
    try:
        scaled = normal / np.outer(scale, scale) + damping * np.eye(len(scale))
        step = -np.linalg.solve(scaled, gradient / scale) / scale
    except np.linalg.LinAlgError:
        return None
    return step if np.isfinite(step).all() else None


def _errors(
    now: _Reduced, weight: Float[np.ndarray, " windows"], systems: Int[np.ndarray, " windows"]
) -> tuple[Float[np.ndarray, " constants"], int]:
    """Standard errors and the number of blocks that they rest on: simulations, or windows where there are few."""
    used = weight > 0
    blocks = np.unique(systems[used], return_inverse=True)[1]
    if blocks.max(initial=-1) + 1 < FEWEST_BLOCKS:
        blocks = np.arange(int(used.sum()))
    n_blocks = int(blocks.max()) + 1
    normal = np.einsum("w,wjk->jk", weight, now.normal)
    scale = np.sqrt(np.maximum(np.diag(normal), 0.0))
    scale[scale == 0] = 1.0
    normal = normal / np.outer(scale, scale)
    if n_blocks < 2 or np.linalg.cond(normal) > 1e13:
        return np.full(len(scale), np.inf), n_blocks
    scores = np.zeros((n_blocks, len(scale)))
    np.add.at(scores, blocks, (weight[:, None] * now.gradient / scale)[used])
    inverse = np.linalg.inv(normal)
    variance = np.diag(inverse @ scores.T @ scores @ inverse) * n_blocks / (n_blocks - 1)
    # The sandwich sees what is alike in a block; what follows from the noise alone sees where one window decides.
    white = np.diag(inverse) * np.sum(now.cost[used]) / np.sum(now.freedom[used])
    return np.sqrt(np.maximum(np.maximum(variance, white), 0.0)) / scale, n_blocks
