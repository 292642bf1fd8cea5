"""Fit a law's constants to measured positions through the integrator.

Accelerations derived from noisy positions carry what smoothing took away of the motion, and
constants fitted to them are biased. Here nothing is differentiated and nothing smoothed: the law is
followed through short windows, the constants shared and the state at the beginning of each window
free, and the distance from the measured positions is minimised (multiple shooting). States are
eliminated window by window, so the size of the problem is that of the constants. Values of properties that nobody
measured may be sought with them.

Source:
    Bock (1983), multiple shooting; Golub and Pereyra (1973), SIAM J. Numer. Anal. 10, 413, variable projection;
    Durbin and Watson (1950), Biometrika 37, 409, what residuals of a wrong form look like.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import jax
import numpy as np
from jaxtyping import Bool, Float

from limbeck.graphs import GraphDataset

from ._follow import Form, form_of, reduced_windows
from ._law import Law
from ._reduced import Reduced
from ._steps import Begun, Chunk, begin, chunks_of
from ._unknowns import Sharing, Unknowns
from ._windows import Windows, windows_of

ROUNDS, LEAST_ROUNDS = 14, 4
DAMPING = 1e-6
ROUNDING = 1e-9  # of a constant, which no error is below
SETTLED = 0.05  # change of every constant, in standard errors, at which the fit ends
STALLED = 0.3  # the same where a step makes nothing better: what is left is the integrator's own unevenness
STUCK = 1e3  # damping at which no step helps
PASSES = 3
FEW_LEFT_OUT = 0.05  # share of windows; where more are left out, all are begun anew from the constants found
MISFIT = 1.5  # of fitted positions in units of the noise; 1 under a true law
FOLLOWED = 2 / 3  # of the windows; across close encounters not even a true law can be followed
COLOURED = 0.05  # how far below 2 Durbin and Watson's statistic of what a law leaves of positions may lie,
CHANCE = 5.0  # or so many of its standard errors


@dataclass(frozen=True, kw_only=True, eq=False)
class TrajectoryFit:
    """A law fitted to measured positions.

    Attributes:
        law: The law with the constants found.
        errors: Their standard errors.
        misfit: Distance of the fitted windows from the measurements in units of the noise, median over windows:
            1 where the law is true and the noise is known.
        whiteness: Durbin and Watson's statistic of what is left in the fitted windows, 2 where the law is true and
            the noise is white, whatever its size; less where the law departs from the motion.
        whiteness_error: Standard error of that statistic under white noise.
        n_windows: Number of windows that were followed.
        n_blocks: Number of independent blocks that the errors rest on.
        length: Snapshots of a window.
        misfits: Distance of every window from the measurements in units of the noise; infinite for those that can't
            be followed.
        freedom: Numbers measured in every window less those that its state takes up.
        begun: Positions and velocities that were found for the beginning of each window.
        unknowns: Values of properties that were found with the constants; None where none were sought.
        errors_beside: Standard errors of the constants beside these values, as they are: without what a common factor
            of all values leaves open; None where none were sought.
    """

    law: Law
    errors: Float[np.ndarray, " constants"]
    misfit: float
    whiteness: float
    whiteness_error: float
    n_windows: int
    n_blocks: int
    length: int
    misfits: Float[np.ndarray, " windows"]
    freedom: Float[np.ndarray, " windows"]
    begun: Begun
    unknowns: Unknowns | None = None
    errors_beside: Float[np.ndarray, " constants"] | None = None

    @property
    def n_values(self) -> int:
        """Number of values that were found with the constants."""
        return 0 if self.unknowns is None else int(np.isfinite(self.unknowns.errors).sum())

    @property
    def doubt_of_values(self) -> float:
        """Median relative standard error of the values that were found with the constants; 0 where none were."""
        if not self.n_values or self.unknowns is None:
            return 0.0
        told = np.isfinite(self.unknowns.errors)
        with np.errstate(divide="ignore"):
            return float(np.median(self.unknowns.errors[told] / np.abs(self.unknowns.values[told])))

    @property
    def least_whiteness(self) -> float:
        """What the whiteness must reach; under a true law and white noise it is 2."""
        return 2.0 - max(COLOURED, CHANCE * self.whiteness_error)

    @property
    def goes_through(self) -> bool:
        """Whether the law gives back the positions that were measured, in most windows and up to white noise."""
        enough = self.n_windows >= FOLLOWED * len(self.misfits)
        return enough and self.misfit <= MISFIT and self.whiteness >= self.least_whiteness


def fit_trajectories(
    law: Law,
    dataset: GraphDataset,
    begun: Begun | None = None,
    *,
    thorough: bool = True,
    shorter: int = 1,
    unknowns: Unknowns | None = None,
) -> TrajectoryFit | None:
    """Fit the free constants of a law to measured positions.

    Args:
        law: Form and starting values.
        dataset: Trajectories whose positions were smoothed; training snapshots only are looked at.
        begun: Positions and velocities that the windows begin near (each windows nodes dim), as other fits to the same
            dataset found them; None is where they were smoothed.
        thorough: Whether windows that a settled fit left out begin anew from its constants.
        shorter: How many times shorter than usual the windows are.
        unknowns: Values of properties that are sought with the constants, from where they stand.

    Returns:
        The fit, or None where positions were not smoothed, there is no constant or no stretch to follow, or the fit
        does not settle.
    """
    sought = len(law.constants) + (0 if unknowns is None else len(unknowns.values))
    windows = windows_of(dataset, shorter) if sought else None
    if windows is None:
        return None
    if begun is not None:
        windows = replace(windows, start=windows.start._replace(positions=begun[0], velocities=begun[1]))
    best: TrajectoryFit | None = None
    with jax.enable_x64(True):
        for _ in range(PASSES if begun is None else 1):
            # Under other constants other windows are near enough to be followed, and other steps serve.
            shooting = _Shooting.prepare(law, dataset, windows, unknowns)
            if shooting is None:
                break
            numbers, found = shooting.fit()
            is_last = best is not None or not thorough
            best, law, unknowns = found or best, shooting.law_at(numbers), shooting.unknowns_at(numbers)
            if best is not None and (is_last or len(windows) - best.n_windows <= FEW_LEFT_OUT * len(windows)):
                break
    return best


@dataclass(frozen=True, kw_only=True, eq=False)
class _Shooting:
    """Windows with the steps that each needs, and the compiled integrator."""

    law: Law
    form: Form
    windows: Windows
    chunks: Sequence[Chunk]
    unknowns: Unknowns | None
    sharing: Sharing

    @classmethod
    def prepare(
        cls, law: Law, dataset: GraphDataset, windows: Windows, unknowns: Unknowns | None
    ) -> "_Shooting | None":
        """Find the steps of each window; None where no number of steps serves any."""
        form = form_of(law, dataset, () if unknowns is None else unknowns.names)
        sharing = Sharing.of(len(law.constants), windows.systems, unknowns)
        shooting = cls(law=law, form=form, windows=windows, chunks=(), unknowns=unknowns, sharing=sharing)
        begun = shooting.attributes_at(shooting.start)
        windows = replace(windows, start=windows.start._replace(attributes=begun))
        chunks = chunks_of(form, law.constants, windows)
        return replace(shooting, windows=windows, chunks=chunks) if chunks and sharing.count else None

    @property
    def start(self) -> Float[np.ndarray, " numbers"]:
        """What is sought, where it begins: constants, then values of properties."""
        if self.unknowns is None:
            return self.law.constants
        return np.append(self.law.constants, self.unknowns.values[self.sharing.among])

    def law_at(self, numbers: Float[np.ndarray, " numbers"]) -> Law:
        """The law with its constants among some numbers."""
        return self.law.with_constants(numbers[: len(self.law.constants)])

    def unknowns_at(
        self, numbers: Float[np.ndarray, " numbers"], errors: Float[np.ndarray, " numbers"] | None = None
    ) -> Unknowns | None:
        """The values among some numbers, with their errors where they are known."""
        if self.unknowns is None:
            return None
        values, spread = self.unknowns.values.copy(), np.full(len(self.unknowns.values), np.inf)
        values[self.sharing.among] = numbers[len(self.law.constants) :]
        if errors is not None:
            spread[self.sharing.among] = errors[len(self.law.constants) :]
        return replace(self.unknowns, values=values, errors=spread)

    def attributes_at(self, numbers: Float[np.ndarray, " numbers"]) -> Float[np.ndarray, "windows nodes attributes"]:
        """Attributes of each window's particles."""
        given, found = self.windows.start.attributes, self.unknowns_at(numbers)
        if found is None:
            return given
        attributes = np.array(given, dtype=float)
        for column, values in zip(self.form.unknown, found.laid_out.values(), strict=True):
            attributes[..., column] = values[self.windows.systems]
        return attributes

    def fit(self) -> tuple[Float[np.ndarray, " numbers"], TrajectoryFit | None]:
        """Gauss and Newton's steps, damped where they lead upwards: what is sought, and the fit if it settles."""
        numbers, damping, sharing, sought = self.start, DAMPING, self.sharing, len(self.law.constants)
        smoothed, growth = (self.windows.start.positions, self.windows.start.velocities), self.windows.largest_growth
        states, now = smoothed, self._evaluate(numbers, smoothed)
        weight = now.weights(growth, late=False)
        for turn in range(ROUNDS):
            late = turn >= LEAST_ROUNDS
            errors, _ = now.standard_errors(weight, self.windows.systems, sharing)
            step = now.step(weight, damping, sharing)
            if step is None or not np.isfinite(errors[:sought]).all() or damping > STUCK:
                break
            moved = self._moved(states, (weight > 0)[:, None] * now.after(sharing.by_window(step)))
            trial = self._evaluate(numbers + step, moved)
            # A step that is short because it is damped says nothing.
            left = np.max((np.abs(step) - ROUNDING * np.abs(numbers)) / errors) if damping <= DAMPING else np.inf
            worse = trial.is_worse_than(now, late=late)
            if worse and not (late and left < STALLED):
                damping = 30 * max(damping, 1e-4)
                continue
            if not worse:
                numbers, states, now, damping = numbers + step, moved, trial, damping / 30
            if late and left < (STALLED if worse else SETTLED):
                alone = now.contradicted(weight, sharing)
                if alone is None:
                    return numbers, self._fitted(numbers, weight, *self._begun_anew(numbers, now, weight, states))
                weight[alone] = 0.0
            fresh = now.weights(growth, late=turn + 1 >= LEAST_ROUNDS)
            # A window that has lost its weight near the end does not get it back: in and out would never settle.
            weight = np.minimum(weight, fresh) if late else fresh
            # One that went astray begins again where it was smoothed, under better constants.
            kept = (weight > 0)[:, None, None]
            states = np.where(kept, states[0], smoothed[0]), np.where(kept, states[1], smoothed[1])
        return numbers, None

    def _evaluate(
        self,
        numbers: Float[np.ndarray, " numbers"],
        states: Begun,
        asked: Bool[np.ndarray, " windows"] | None = None,
    ) -> Reduced:
        """Reduced problems of all windows, or of those in chunks with one that is asked for; others have no weight."""
        n_windows, coordinates = len(self.windows), 2 * int(np.prod(states[0].shape[1:]))
        own, constants = self.sharing.places.shape[1], self.law_at(numbers).constants
        shapes = *[()] * 5, (own, own), (own,), (coordinates,), (coordinates, own)
        found = [np.zeros((n_windows, *shape)) for shape in shapes]
        found[0][:] = np.inf
        attributes = self.attributes_at(numbers)
        for rows, substeps in self.chunks:
            if asked is not None and not asked[rows].any():
                continue
            w, start = self.windows, begin(states, self.windows, rows)._replace(attributes=attributes[rows])
            parts = reduced_windows(
                self.form, constants, start, w.spans[rows], w.measured[rows], w.weights[rows], substeps
            )
            for whole, part in zip(found, parts, strict=True):
                whole[rows] = np.asarray(part)
        bad = ~np.isfinite(found[0])
        for whole in found[1:]:
            bad |= ~np.isfinite(whole).all(axis=tuple(range(1, whole.ndim)))
        for whole in found[1:]:
            whole[bad] = 0.0
        found[0][bad] = np.inf
        return Reduced(*found)

    def _moved(self, states: Begun, change: Float[np.ndarray, "windows coordinates"]) -> Begun:
        """States at the beginnings after a step."""
        change = change.reshape(len(self.windows), 2, *states[0].shape[1:])
        return states[0] + change[:, 0], states[1] + change[:, 1]

    def _begun_anew(
        self, numbers: Float[np.ndarray, " numbers"], now: Reduced, weight: Float[np.ndarray, " windows"], states: Begun
    ) -> tuple[Reduced, Begun]:
        """States of windows without weight, moved alone: how near the law comes is to tell, not where it was begun."""
        left_out = weight == 0
        if not left_out.any():
            return now, states
        reach = left_out.astype(float)  # of a step that leads upwards, a quarter
        for _ in range(LEAST_ROUNDS):
            moved = self._moved(states, reach[:, None] * now.own)
            trial = self._evaluate(numbers, moved, left_out)
            nearer = left_out & (trial.misfits < now.misfits)
            reach = np.where(nearer, 1.0, reach / 4)
            kept = nearer[:, None, None]
            states = np.where(kept, moved[0], states[0]), np.where(kept, moved[1], states[1])
            now = now.replaced(nearer, trial)
        return now, states

    def _fitted(
        self,
        numbers: Float[np.ndarray, " numbers"],
        weight: Float[np.ndarray, " windows"],
        now: Reduced,
        states: Begun,
    ) -> TrajectoryFit | None:
        """What is said of the settled fit."""
        errors, n_blocks = now.standard_errors(weight, self.windows.systems, self.sharing)
        errors, law = errors + ROUNDING * np.abs(numbers), self.law_at(numbers)
        if not np.isfinite(errors[: len(law.constants)]).all():
            return None
        return TrajectoryFit(
            law=law,
            errors=errors[: len(law.constants)],
            misfit=now.misfit,
            whiteness=now.whiteness(weight),
            whiteness_error=2.0 / math.sqrt(max(float(np.sum(now.freedom[weight > 0])), 1.0)),
            n_windows=int((weight > 0).sum()),
            n_blocks=n_blocks,
            length=self.windows.measured.shape[1],
            misfits=now.misfits,
            freedom=self.windows.freedom,
            begun=states,
            unknowns=self.unknowns_at(numbers, errors),
            errors_beside=self._errors_beside(weight, now),
        )

    def _errors_beside(
        self, weight: Float[np.ndarray, " windows"], now: Reduced
    ) -> Float[np.ndarray, " constants"] | None:
        """Standard errors of the constants beside the values that were found."""
        if self.unknowns is None or not len(self.law.constants):
            return None
        alone = self.sharing.of_first(len(self.law.constants))
        return now.standard_errors(weight, self.windows.systems, alone)[0]
