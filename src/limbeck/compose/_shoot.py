"""Fit a law's constants to measured positions through the integrator.

Accelerations derived from noisy positions carry what smoothing took away of the motion, and
constants fitted to them are biased. Here nothing is differentiated and nothing smoothed: the law is
followed through short windows, the constants shared and the state at the beginning of each window
free, and the distance from the measured positions is minimised (multiple shooting). States are
eliminated window by window, so the size of the problem is that of the constants.

Source:
    Bock (1983), multiple shooting; Golub and Pereyra (1973), SIAM J. Numer. Anal. 10, 413, variable projection.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from limbeck._types import Constants
from limbeck.expressions import Call, Constant, Expression, Variable
from limbeck.graphs import GraphDataset

from ._callable import law_accelerations
from ._law import Law
from ._windows import Windows, windows_of

PLACE = "constant_"
SUBSTEPS = (1, 4, 16, 64)  # Runge-Kutta steps between two snapshots; close encounters need many
ACCURATE = 0.1  # largest error of the integrator, in units of the noise
CHUNK = 64
ROUNDS = 12
SETTLED = 0.02  # change of every constant, in standard errors, at which the fit ends
OUTLYING = 3.0  # misfit of a window, in medians, beyond which it loses weight
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
    """

    law: Law
    errors: Float[np.ndarray, " constants"]
    misfit: float
    n_windows: int
    n_blocks: int
    length: int


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
    windows: Windows
    substeps: Int[np.ndarray, " windows"]
    reduced: Callable[..., Any]

    @classmethod
    def prepare(cls, law: Law, dataset: GraphDataset, windows: Windows) -> "_Shooting | None":
        """Compile, and find the steps of each window; those that no number of steps serves are left out."""
        follow = _follower(law, dataset)
        quick = eqx.filter_jit(follow)
        substeps = np.zeros(len(windows), dtype=int)
        states = windows.start.positions, windows.start.velocities
        for count in SUBSTEPS:
            for rows in _chunks(np.flatnonzero(substeps == 0)):
                part = _part(windows, rows)
                coarse, fine = (
                    np.asarray(quick(law.constants, states[0][rows], states[1][rows], *part[:4], n))
                    for n in (count, 2 * count)
                )
                error = np.nanmax(np.abs(coarse - fine) * part[5][..., None], axis=(1, 2, 3))
                good = np.isfinite(coarse).all(axis=(1, 2, 3)) & np.isfinite(fine).all(axis=(1, 2, 3))
                substeps[rows[good & (error < ACCURATE)]] = count
        if not (substeps > 0).any():
            return None
        return cls(law=law, windows=windows, substeps=substeps, reduced=eqx.filter_jit(_reducer(follow)))

    def fit(self) -> TrajectoryFit | None:
        """Gauss and Newton's steps, damped where they lead upwards."""
        constants, damping = self.law.constants, 1e-6
        states = self.windows.start.positions, self.windows.start.velocities
        now = self._evaluate(constants, states)
        weight = np.where(now.freedom > 0, 1.0, 0.0)
        for turn in range(ROUNDS):
            weight = _weights(now) if turn > 1 else weight * np.isfinite(now.cost)
            if not weight.any():
                return None
            step = _step(now, weight, damping)
            errors, _ = _errors(now, weight, self.windows.systems)
            if step is None or not np.isfinite(errors).all():
                return None
            trial_states = self._moved(states, now, step)
            trial = self._evaluate(constants + step, trial_states)
            if not _total(trial, weight) <= _total(now, weight) * (1 + 1e-9):
                damping = max(damping, 1e-4) * 30
                if damping > 1e8:
                    return None
                continue
            constants, states, now, damping = constants + step, trial_states, trial, damping / 30
            if turn > 2 and np.all(np.abs(step) < SETTLED * errors + 1e-12 * np.abs(constants)):
                return self._fitted(constants, now)
        return None

    def _evaluate(self, constants: Constants, states: tuple[np.ndarray, np.ndarray]) -> _Reduced:
        """Reduced problems of all windows; those left out have no weight."""
        count, coordinates = len(self.windows), 2 * int(np.prod(states[0].shape[1:]))
        shapes = (), (), (len(constants),) * 2, (len(constants),), (coordinates,), (coordinates, len(constants))
        found = [np.zeros((count, *shape)) for shape in shapes]
        found[0][:] = np.inf
        for steps in SUBSTEPS:
            for rows in _chunks(np.flatnonzero(self.substeps == steps)):
                parts = self.reduced(constants, states[0][rows], states[1][rows], *_part(self.windows, rows), steps)
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
        self, states: tuple[np.ndarray, np.ndarray], now: _Reduced, step: Constants
    ) -> tuple[np.ndarray, np.ndarray]:
        """States at the beginnings after a step of the constants."""
        change = (now.own + now.coupled @ step).reshape(len(self.windows), 2, *states[0].shape[1:])
        return states[0] + change[:, 0], states[1] + change[:, 1]

    def _fitted(self, constants: Constants, now: _Reduced) -> TrajectoryFit | None:
        """What is said of the settled fit."""
        weight = _weights(now)
        errors, n_blocks = _errors(now, weight, self.windows.systems)
        if not np.isfinite(errors).all():
            return None
        used = np.isfinite(now.cost) & (now.freedom > 0)
        return TrajectoryFit(
            law=self.law.with_constants(constants),
            errors=errors,
            misfit=float(np.sqrt(np.median(now.cost[used] / now.freedom[used]))),
            n_windows=int(used.sum()),
            n_blocks=n_blocks,
            length=self.windows.measured.shape[1],
        )


def _chunks(rows: Int[np.ndarray, " windows"]) -> Iterator[Int[np.ndarray, " chunk"]]:
    """Windows in chunks of one size, so that one compiled program serves; the last row fills the last chunk."""
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        yield np.concatenate([part, np.repeat(part[-1:], CHUNK - len(part))])


def _part(windows: Windows, rows: Int[np.ndarray, " chunk"]) -> tuple[np.ndarray, ...]:
    """Arrays of some windows, in the order of the integrator's and the reducer's arguments."""
    start = windows.start
    fixed = (start.attributes[rows], start.forward[rows], start.backward[rows], windows.spans[rows])
    return (*fixed, windows.measured[rows], windows.weights[rows])


def _follower(law: Law, dataset: GraphDataset) -> Callable[..., Any]:
    """Positions at every snapshot of windows as a function of constants and states."""
    form, _ = _with_places(law)
    pairs, names, radius = dataset.pairs, dataset.attribute_names, dataset.trajectories.radius
    blank = dataset.batch(dataset.train[:1])

    def follow(
        constants: Any, x: Any, v: Any, attributes: Any, forward: Any, backward: Any, spans: Any, substeps: Any
    ) -> Any:
        places = {f"{PLACE}{k}": constants[k] for k in range(len(law.constants))}

        def acceleration(x: Any, v: Any) -> Any:
            within = 1.0
            if radius is not None:
                within = jnp.linalg.norm(x[:, pairs.first] - x[:, pairs.second], axis=-1) < radius
            snapshots = blank._replace(
                positions=x, velocities=v, attributes=attributes, forward=forward * within, backward=backward * within
            )
            return law_accelerations(form, snapshots, pairs.first, pairs.second, names, jnp, places)

        def advance(state: tuple[Any, Any], span: Any) -> tuple[tuple[Any, Any], Any]:
            h = (span / substeps)[:, None, None]
            state = jax.lax.fori_loop(0, substeps, lambda _, s: _runge_kutta(acceleration, *s, h), state)
            return state, state[0]

        _, later = jax.lax.scan(advance, (x, v), spans.T)
        return jnp.moveaxis(jnp.concatenate([x[None], later]), 0, 1)

    return follow


def _runge_kutta(acceleration: Callable[[Any, Any], Any], x: Any, v: Any, h: Any) -> tuple[Any, Any]:
    """One step of the classical fourth order."""
    a1 = acceleration(x, v)
    a2 = acceleration(x + 0.5 * h * v, v + 0.5 * h * a1)
    a3 = acceleration(x + 0.5 * h * v + 0.25 * h**2 * a1, v + 0.5 * h * a2)
    a4 = acceleration(x + h * v + 0.5 * h**2 * a2, v + h * a3)
    return x + h * v + h**2 / 6 * (a1 + a2 + a3), v + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4)


def _reducer(follow: Callable[..., Any]) -> Callable[..., Any]:
    """Windows' least-squares problems with their states eliminated, as a function of constants and states."""

    def reduced(
        constants: Any, x: Any, v: Any, attributes: Any, forward: Any, backward: Any, spans: Any,
        measured: Any, weights: Any, substeps: Any,
    ) -> tuple[Any, ...]:  # fmt: skip
        count, n_constants = x.shape[0], len(constants)
        size = x[0].size

        def along(direction: Any) -> tuple[Any, Any]:
            shift = direction[n_constants:].reshape(2, 1, *x.shape[1:])
            tangents = (direction[:n_constants], *(jnp.broadcast_to(part, x.shape) for part in shift))
            return jax.jvp(
                lambda c, x, v: follow(c, x, v, attributes, forward, backward, spans, substeps),
                (constants, x, v),
                tangents,
            )

        positions, slopes = jax.vmap(along, out_axes=(None, 0))(jnp.eye(n_constants + 2 * size))
        scale = weights[..., None]
        seen = weights > 0
        residual = jnp.where(seen[..., None], (positions - measured) * scale, 0.0).reshape(count, -1)
        slopes = jnp.where(seen[..., None], slopes * scale, 0.0).reshape(len(slopes), count, -1)
        normal = jnp.einsum("jwk,lwk->wjl", slopes, slopes)
        gradient = jnp.einsum("jwk,wk->wj", slopes, residual)
        there = jnp.diagonal(normal, axis1=1, axis2=2)[:, n_constants:] > 0
        freedom = seen.sum(axis=(1, 2)) * x.shape[-1] - there.sum(axis=1)
        return (jnp.sum(residual**2, axis=1), freedom.astype(float), *_eliminated(normal, gradient, n_constants))

    return reduced


def _eliminated(normal: Any, gradient: Any, n_constants: int) -> tuple[Any, Any, Any, Any]:
    """Schur complement of the states: normal matrix and gradient of the constants, and the states' steps."""
    c = slice(None, n_constants)
    s = slice(n_constants, None)
    scale = jnp.sqrt(jnp.diagonal(normal, axis1=1, axis2=2)[:, s])
    scale = jnp.where(scale > 0, scale, 1.0)  # a particle that isn't there moves nothing
    own = normal[:, s, s] / scale[:, :, None] / scale[:, None, :] + 1e-12 * jnp.eye(scale.shape[1])
    right = jnp.concatenate([gradient[:, s, None], normal[:, s, c]], axis=2) / scale[:, :, None]
    solved = jnp.linalg.solve(own, right) / scale[:, :, None]
    cross = normal[:, c, s]
    reduced = normal[:, c, c] - cross @ solved[:, :, 1:]
    return reduced, gradient[:, c] - (cross @ solved[:, :, :1])[..., 0], -solved[..., 0], -solved[..., 1:]


def _weights(now: _Reduced) -> Float[np.ndarray, " windows"]:
    """Weight of each window: less where it fits far worse than others, as across a jump."""
    used = np.isfinite(now.cost) & (now.freedom > 0)
    if not used.any():
        return np.zeros(len(used))
    misfit = np.full(len(used), np.inf)
    misfit[used] = np.sqrt(now.cost[used] / now.freedom[used])
    return np.minimum(1.0, OUTLYING * np.median(misfit[used]) / np.maximum(misfit, 1e-300)) ** 2 * used


def _total(now: _Reduced, weight: Float[np.ndarray, " windows"]) -> float:
    """Weighted sum of squares."""
    return float(np.sum(weight[weight > 0] * now.cost[weight > 0]))


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
    """Standard errors by the sandwich over simulations, and the number of these; over windows where there are few."""
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
    return np.sqrt(np.maximum(variance, 0.0)) / scale, n_blocks


def _with_places(law: Law) -> tuple[Law, int]:
    """The law with a variable in the place of each free constant, and their number."""
    count = 0

    def placed(expr: Expression) -> Expression:
        nonlocal count
        if isinstance(expr, Constant) and expr.free:
            count += 1
            return Variable(f"{PLACE}{count - 1}")
        if not isinstance(expr, Call):
            return expr
        return Call(expr.op, tuple(placed(argument) for argument in expr.args))

    return replace(law, components={name: placed(e) for name, e in law.components.items()}), count
