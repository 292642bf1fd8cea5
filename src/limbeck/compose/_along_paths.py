"""Laws compared on noisy positions themselves: integrated twice along smoothed paths, without a derivative.

The true acceleration along the true path, integrated twice, is the path but for a straight line. So a law's
accelerations along a smoothed path, far closer to the true one than the measurements, must give back the measured
positions within their noise, which is white. Nothing is differentiated and no law is followed: a form is fitted in
a fraction of a second, and forms that accelerations can't tell apart differ by hundreds of standard errors.

Source:
    Dattner and Klaassen (2015), Electronic Journal of Statistics 9, 1939, integral matching of smoothed paths.
"""

import math
from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck.expressions import least_squares, simplify
from limbeck.graphs import GraphDataset
from limbeck.regress import falling, unit_price
from limbeck.trajectories import Trajectories

from ._law import Law
from ._refine import is_reciprocal, neighbouring_laws
from ._states import States, lay_out
from ._windows import windows_of
from ._writing import canonical, form_key, with_leading_constants

MOST_WINDOWS = 32
STEPS, STILL = 12, 1e-6  # of a fit, and the share by which squares must still fall
MOST = 0.75  # windows by which a form is judged: close encounters spoil the rest
KEPT = 2  # laws that are left to be followed
ROUNDS = 6  # changes of a form, one after the other
UNIT = 3e-3  # share of the squares that a unit of complexity must explain at least: the paths' own error leaves as much
LEARNED = 3e-2  # and may have to explain where values of properties are known by a network only, whose errors forms fit
MOST_KEPT = 3  # laws that are left then
TINY = float(np.finfo(float).tiny)


@dataclass(frozen=True, kw_only=True, eq=False)
class PathFit:
    """A law fitted along paths.

    Attributes:
        law: The law with the constants found.
        misfits: Distance of each window from the measured positions in units of the noise.
    """

    law: Law
    misfits: Float[np.ndarray, " windows"]

    @property
    def misfit(self) -> float:
        """Median over windows."""
        return float(np.median(self.misfits))


class ScoredPath(NamedTuple):
    """A fit among others through the same windows.

    Attributes:
        law: The law.
        misfits: Distance of each window from the measured positions in units of the noise.
        loss: Mean square over the windows that it fits best.
        size: Complexity; of two equal ones, the law with fewer fitted numbers is the smaller.
        price: The logarithm of the squares, and so much for each unit of size.
        is_allowed: Every law that is scored may be chosen.
    """

    law: Law
    misfits: Float[np.ndarray, " windows"]
    loss: float
    size: float
    price: float
    is_allowed: bool = True


@dataclass(frozen=True, kw_only=True, eq=False)
class Paths:
    """Smoothed paths through windows, and the positions that were measured there.

    Attributes:
        states: Every state on the paths, as columns.
        there: Which particle is there in which window and snapshot.
        twice: Integrates the columns of a window twice over its times.
        measured: Positions that were measured (windows nodes times dim).
        weights: One over their noise, 0 where nothing was measured (windows nodes times).
        lines: Orthonormal weighted straight lines (windows nodes times 2).
        freedom: Numbers measured in each window less two for each particle and axis.
        attributes: Names of attributes.
        signs: Variables with one magnitude throughout, of which quotients are products.
    """

    states: States
    there: Bool[np.ndarray, "windows times nodes"]
    twice: Float[np.ndarray, "windows times times"]
    measured: Float[np.ndarray, "windows nodes times dim"]
    weights: Float[np.ndarray, "windows nodes times"]
    lines: Float[np.ndarray, "windows nodes times 2"]
    freedom: Float[np.ndarray, " windows"]
    attributes: tuple[str, ...]
    signs: frozenset[str] = frozenset()

    @classmethod
    def of(cls, dataset: GraphDataset, signs: frozenset[str] = frozenset()) -> "Paths | None":
        """Lay out the windows of the training part.

        Args:
            dataset: Trajectories whose positions were smoothed.
            signs: Variables with one magnitude throughout.

        Returns:
            The paths, or None where positions were not smoothed or no stretch is long enough.
        """
        windows = windows_of(dataset)
        if windows is None:
            return None
        t, some = dataset.trajectories, slice(None, None, max(1, -(-len(windows) // MOST_WINDOWS)))
        systems, firsts = windows.systems[some], windows.firsts[some]
        rows = firsts[:, None] + np.arange(windows.measured.shape[1])
        chosen = np.stack([np.broadcast_to(systems[:, None], rows.shape), rows], axis=-1).reshape(-1, 2)
        t = _filled(t, systems, rows)
        targets = np.where(t.present[..., None], np.zeros_like(t.positions), np.nan)
        everywhere = replace(t, accelerations=targets, acceleration_errors=None)
        batch = replace(dataset, trajectories=everywhere).batch(chosen)
        times = t.times[systems[:, None], rows]
        weights = np.moveaxis(windows.weights[some], 1, 2)
        return cls(
            states=lay_out(batch, dataset.pairs, dataset.attribute_names, chosen[:, 0]),
            there=t.present[systems[:, None], rows],
            twice=np.stack([_twice(one) for one in times]),
            measured=np.moveaxis(windows.measured[some], 1, 2),
            weights=weights,
            lines=_lines(times, weights),
            freedom=windows.freedom[some],
            attributes=dataset.attribute_names,
            signs=signs,
        )

    def fitted(self, law: Law) -> PathFit | None:
        """Fit the free constants of a law to all windows, and once more to those that it fits best.

        Args:
            law: Form and starting values.

        Returns:
            The fit; None where the law is undefined on the paths.
        """
        everything = np.ones(len(self.freedom), dtype=bool)
        fit = self._fitted_to(law, everything)
        if fit is None or not len(law.constants):
            return fit
        return self._fitted_to(fit.law, fit.misfits <= np.quantile(fit.misfits, MOST, method="higher")) or fit

    def _fitted_to(self, law: Law, used: Bool[np.ndarray, " windows"]) -> PathFit | None:
        """Fit the free constants to some windows."""
        target, n_constants = self._target, len(law.constants)

        def residual(constants: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            with np.errstate(all="ignore"):
                value, slopes = law.accelerations_and_slopes(constants, self.states)
                both = self._projected(np.concatenate([value[..., None], slopes], axis=-1))[used]
            return (both[..., 0] - target[used]).ravel(), both[..., 1:].reshape(-1, n_constants)

        constants = law.constants
        if n_constants:
            constants = least_squares(residual, constants, steps=STEPS, tolerance=STILL)
        law = law.with_constants(constants)
        with np.errstate(all="ignore"):
            error = self._projected(law.accelerations(self.states)[..., None])[..., 0] - target
            squares = np.sum(error**2, axis=(1, 2, 3)) / np.maximum(self.freedom, 1.0)
        return PathFit(law=law, misfits=np.sqrt(squares)) if np.isfinite(squares).all() else None

    def scored(self, fit: PathFit) -> ScoredPath:
        """Say what a fit costs by the windows that it fits best: close encounters may miss by any factor.

        Args:
            fit: The fit.

        Returns:
            The fit with its squares, its size and its price.
        """
        best = np.argsort(fit.misfits, kind="stable")[: max(1, int(MOST * len(fit.misfits)))]
        n = max(float(np.sum(self.freedom[best])), 2.0)
        squares = float(np.sum((self.freedom * fit.misfits**2)[best])) / n
        size = fit.law.complexity + 0.1 * len(fit.law.constants)
        price = math.log(max(squares, TINY)) + max(unit_price(int(n)), UNIT) * size
        return ScoredPath(fit.law, fit.misfits, squares, size, price)

    def best_of(self, law: Law, *, reciprocal: bool) -> ScoredPath | None:
        """Fit a form and say what it costs; one that was asked for before is not fitted again.

        Args:
            law: Form and starting values.
            reciprocal: Whether only a law that keeps the third law counts.

        Returns:
            The fit; None where there is none.
        """
        key = (tuple(law.components.items()), reciprocal)
        if key not in self._known:
            fit = _simplest(self.fitted(law))
            counts = fit is not None and (not reciprocal or is_reciprocal(fit.law, self.states))
            self._known[key] = self.scored(fit) if fit is not None and counts else None
        return self._known[key]

    @cached_property
    def _known(self) -> dict[Hashable, ScoredPath | None]:
        """What was asked for: the same forms come up in every round, and near every search."""
        return {}

    @cached_property
    def _target(self) -> np.ndarray:
        """Measured positions in units of the noise, without straight lines (windows nodes times dim)."""
        return self._residual(np.zeros((*self.there.shape, self.measured.shape[-1])), self.measured)

    def _projected(self, values: Float[np.ndarray, "particles dim columns"]) -> np.ndarray:
        """Accelerations integrated twice, in units of the noise, without straight lines (windows nodes times ...)."""
        spread = np.zeros((*self.there.shape, *values.shape[1:]))
        spread[self.there] = values
        return self._residual(spread, 0.0)

    def _residual(self, accelerations: np.ndarray, positions: np.ndarray | float) -> np.ndarray:
        """Positions plus the double integral of accelerations (windows times nodes ...), weighed, no straight lines."""
        shape = accelerations.shape
        flat = accelerations.reshape(*shape[:2], -1)
        path = np.moveaxis((self.twice @ flat).reshape(shape), 1, 2)
        path = path + positions
        weights, flat_shape = self.weights, path.shape
        path = path.reshape(*flat_shape[:3], -1) * weights[..., None]
        path = path - self.lines @ (np.moveaxis(self.lines, 2, 3) @ path)
        return path.reshape(flat_shape)


def _filled(
    t: Trajectories, systems: Int[np.ndarray, " windows"], rows: Int[np.ndarray, "windows times"]
) -> Trajectories:
    """Put particles that were not seen at some snapshots inside a window where they must have been."""
    from scipy.interpolate import CubicHermiteSpline  # late: noise is rare, and SciPy slow to import

    positions, velocities, present = t.positions.copy(), t.velocities.copy(), t.present.copy()
    for system, times in zip(systems, rows, strict=True):
        here = t.present[system, times]
        for node in np.flatnonzero(here.any(axis=0) & ~here.all(axis=0)):
            seen, unseen = times[here[:, node]], times[~here[:, node]]
            states = t.positions[system, seen, node], t.velocities[system, seen, node]
            path = CubicHermiteSpline(t.times[system, seen], *states)
            positions[system, unseen, node] = path(t.times[system, unseen])
            velocities[system, unseen, node] = path(t.times[system, unseen], 1)
            present[system, unseen, node] = True
    return replace(t, positions=positions, velocities=velocities, present=present)


def _twice(times: Float[np.ndarray, " times"]) -> Float[np.ndarray, "times times"]:
    """The matrix that integrates a cubic spline through values twice."""
    from scipy.interpolate import CubicSpline  # late: noise is rare, and SciPy slow to import

    middle = times - times.mean()
    return CubicSpline(middle, np.eye(len(times))).antiderivative(2)(middle)


def _lines(
    times: Float[np.ndarray, "windows times"], weights: Float[np.ndarray, "windows nodes times"]
) -> Float[np.ndarray, "windows nodes times 2"]:
    """Straight lines, weighed and made orthonormal; nothing where a particle is not measured."""
    since = times - times.mean(axis=1, keepdims=True)
    basis = np.stack([np.ones_like(since), since / np.abs(since).max()], axis=-1)[:, None] * weights[..., None]
    lines, _ = np.linalg.qr(basis)
    measured = np.any(weights > 0, axis=2, keepdims=True)[..., None]
    return np.where(measured, lines, 0.0)


def settled_along(
    laws: Sequence[Law], paths: Paths, extras: tuple[str, ...], *, reciprocal: bool, learned: bool = False
) -> tuple[Law, ...]:
    """The forms near some laws that measured positions speak for.

    Args:
        laws: Where to start.
        paths: The paths.
        extras: Channels that may be added as a constant.
        reciprocal: Whether only laws that keep the third law count.
        learned: Whether values of properties are those of a network, and not exact.

    Returns:
        The cheapest law that was met and the next simpler ones that no simpler one fits as well, their constants fitted
        along the paths: what paths leave open may be decided otherwise. Beside values that were learned, simpler ones
        that would be the cheapest if more had to be explained. None where no law is defined.
    """
    ranked = _ranked(laws, paths, reciprocal=reciprocal)
    for _ in range(ROUNDS):
        if not ranked:
            return ()
        best = ranked[0]
        near = neighbouring_laws(best.law, extras, paths.attributes)
        ranked = _ranked([*laws, *(one.law for one in _front(ranked)), *near], paths, reciprocal=reciprocal)
        if ranked and form_key(ranked[0].law) == form_key(best.law):
            break
    front = _front(ranked)
    last = next((k for k, one in enumerate(front) if one is ranked[0]), 0)
    simpler = _cheapest_at_more(front[: last + 1]) if learned else ()
    return tuple(one.law for one in (simpler if len(simpler) > 1 else front[max(0, last + 1 - KEPT) : last + 1][::-1]))


def nearest_along(laws: Sequence[Law], paths: Paths, count: int, *, reciprocal: bool) -> tuple[Law, ...]:
    """Of many laws those that measured positions speak for, as they are.

    Args:
        laws: The laws; their constants are fitted.
        paths: The paths.
        count: How many at most.
        reciprocal: Whether only laws that keep the third law count.

    Returns:
        The best, the first first.
    """
    return tuple(one.law for one in _ranked(laws, paths, reciprocal=reciprocal)[:count])


def _front(ranked: list[ScoredPath]) -> tuple[ScoredPath, ...]:
    """Laws whose squares are less than those of every simpler one, simplest first."""
    return falling(sorted(ranked, key=lambda one: (one.size, one.loss)))


def _cheapest_at_more(front: Sequence[ScoredPath]) -> tuple[ScoredPath, ...]:
    """The largest law of a front, and those that would be cheapest if a unit of complexity had to explain more.

    Returns:
        Laws on the lower hull of size and logarithm of squares, the largest first.
    """
    kept = list(front[-1:])
    while len(kept) < MOST_KEPT:
        simpler = [one for one in front if one.size < kept[-1].size]
        costs = [math.log(max(one.loss, TINY) / max(kept[-1].loss, TINY)) for one in simpler]
        gains = [cost / (kept[-1].size - one.size) for cost, one in zip(costs, simpler, strict=True)]
        if not gains or min(gains) > LEARNED:
            break
        kept.append(simpler[gains.index(min(gains))])
    return tuple(kept)


def _ranked(laws: Sequence[Law], paths: Paths, *, reciprocal: bool) -> list[ScoredPath]:
    """Fit each form once, the cheapest first."""
    found: dict[Hashable, ScoredPath] = {}
    for form in laws:
        law = with_leading_constants(canonical(form, paths.signs))
        if not law.components or (key := form_key(law)) in found:
            continue
        scored = paths.best_of(law, reciprocal=reciprocal)
        if scored is not None:
            found[key] = scored
    return sorted(found.values(), key=lambda one: one.price)


def _simplest(fit: PathFit | None) -> PathFit | None:
    """The fit with its law in its simplest writing."""
    if fit is None or not fit.law.components:
        return None
    law = Law(components={name: simplify(e) for name, e in fit.law.components.items()}, dim=fit.law.dim)
    return replace(fit, law=law)
