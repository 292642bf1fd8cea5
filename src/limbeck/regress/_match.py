"""Does a formula hold a known truth? By refitting its constants to the truth itself.

Two formulas of one form can be written in many ways, which no rule for normal
forms sees through. A form holds a truth if some values of its free constants give
the truth's values; and the formula is the truth if it has those values already.
So the nearest image of the truth that is allowed (a scale, an offset, a linear map
of components) is taken, the constants are refitted to it, and then compared.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from limbeck._types import Constants, Samples, Table
from limbeck.expressions import (
    Call,
    Constant,
    Expression,
    complexity,
    evaluate,
    free_constants,
    simplify,
    spread,
    value_and_jacobian,
    with_constants,
)

Columns = Mapping[str, Float[np.ndarray, " samples"]]
# Coefficients of the image of a truth, and points of constants and coefficients together.
Coefficients = Float[np.ndarray, " coefficients"]
Point = Float[np.ndarray, " point"]
Residual = Callable[[Point], tuple[Samples, Float[np.ndarray, "samples point"]]]
Intervals = Sequence[tuple[float, float]]

RESOLUTION = 1e-6  # deviations below this, relative, are rounding and not another form
VANISHED = 1e-3  # a constant that falls by this factor when refitted to the truth has no part in it
LEAST_AGREEMENT = 0.5  # share of the variation that the image of the truth must explain before it is refitted
_STEPS = 40
_UNNEEDED = 4  # complexity of a factor near 1 and a term near 0, which many engines always write
_HALVINGS = 8
_LEAST_FALL = 0.999  # near a root a step of Newton's halves the cost many times over; slower is no root
_RANK = 1e-7  # directions that move the values by less than this, relative, move them by rounding only
_COMPARISONS = ("lt", "le", "gt", "ge")


@dataclass(frozen=True, kw_only=True)
class Match:
    """A formula against a truth.

    Attributes:
        same: Whether form and constants agree.
        kernel: Whether they do but for a term that the truth lacks.
        reason: Why not; empty where they agree.
        coefficients: Factor of each component of the truth in its nearest image.
        offset: What is added to them.
    """

    same: bool = False
    kernel: bool = False
    reason: str = ""
    coefficients: tuple[float, ...] = ()
    offset: float = 0.0


def match(
    candidate: Expression,
    components: Sequence[Expression],
    columns: Columns,
    *,
    scale: bool,
    offset: bool,
    tolerance: float,
    intervals: Intervals | None = None,
) -> Match:
    """Compare a formula with the images of a truth that are allowed.

    Args:
        candidate: The formula, simplified.
        components: The truth; several for the components of a vector.
        columns: Samples of each variable.
        scale: Whether a factor (for components: a linear combination) is free.
        offset: Whether a constant may be added.
        tolerance: Largest relative deviation of a constant.
        intervals: Interval of each free constant of the candidate, which counts besides the tolerance.

    Returns:
        Whether they agree, or why not.
    """
    values, table = _values(candidate, columns), np.stack([_values(part, columns) for part in components], axis=1)
    used = np.isfinite(table).all(axis=1)
    if not np.isfinite(values[used]).all():
        return Match(reason="undefined where the truth is not")
    rows = {name: column[used] for name, column in columns.items()}
    view = _View(values[used], table[used], scale=scale, offset=offset)
    if view.is_unlike:
        return Match(reason="another form")
    if complexity(candidate) > 2 * complexity(view.written(components)) + _UNNEEDED:
        # What is so long may come near any smooth truth.
        return Match(reason="more than twice as complex as the truth")
    if np.max(np.abs(view.deviation(values[used], view.start))) <= RESOLUTION:
        return view.matched(view.start, "", is_kernel=True)
    aligned = _with_thresholds(candidate, components, tolerance)
    constants, image = _refitted(aligned, rows, view)
    left = np.max(np.abs(view.deviation(_values(with_constants(aligned, constants), rows), image)))
    # A formula and an image that shrink to nothing together agree, and say nothing. NaN must not pass either.
    if not (left <= RESOLUTION and view.size(image) >= LEAST_AGREEMENT * view.size(view.start)):
        return Match(reason="another form: no values of its constants give the truth")
    comparison = _Comparison(aligned, constants, rows, view, tolerance)
    return view.matched(image, *comparison.difference(intervals))


class _View:
    """A truth as seen from a candidate: which images of it are allowed, and how deviations are weighed."""

    def __init__(self, values: Samples, table: Table, *, scale: bool, offset: bool) -> None:
        """Find the nearest image; `start` holds its free coefficients."""
        self.table, self.scale, self.offset = table, scale, offset
        self.weights = 1.0 / (spread(values) + np.abs(values))
        ones = np.ones((len(values), 1))
        self.fixed = np.zeros(len(values)) if scale else table[:, 0]
        self.design = np.hstack([table if scale else table[:, :0], ones if offset else ones[:, :0]])
        weighed = self.design * self.weights[:, None]
        lengths = np.maximum(np.linalg.norm(weighed, axis=0), 1e-300)
        self.start = np.linalg.lstsq(weighed / lengths, (values - self.fixed) * self.weights, rcond=None)[0] / lengths
        variation = self.weights * (values - values.mean())
        left = np.std(self.deviation(values, self.start))
        moved = self.size(self.start)
        self.anchor = self._anchor(weighed)
        self.is_unlike = bool(moved < 1e-9 or left > (1.0 - LEAST_AGREEMENT) * np.std(variation))

    def image(self, coefficients: Coefficients) -> Samples:
        """The image with these coefficients."""
        return self.fixed + self.design @ coefficients

    def _anchor(self, weighed: Table) -> Coefficients:
        """What a change of the coefficients is multiplied by to give the relative change of the image's size."""
        anchor = np.zeros(len(self.start))
        if self.scale:
            count = self.table.shape[1]
            signal = weighed[:, :count] @ self.start[:count]
            anchor[:count] = weighed[:, :count].T @ signal / max(float(signal @ signal), 1e-300)
        return anchor * np.sqrt(len(self.weights))

    def size(self, coefficients: Coefficients) -> float:
        """How much the image varies."""
        image = self.image(coefficients)
        return float(np.std(self.weights * (image - image.mean())))

    def deviation(self, values: Samples, coefficients: Coefficients) -> Samples:
        """Weighted deviation of values from the image."""
        return self.weights * (values - self.image(coefficients))

    def written(self, components: Sequence[Expression]) -> Expression:
        """The nearest image as a formula, without components that take no part."""
        factors = self.start[: len(components)].tolist() if self.scale else [1.0]
        largest = max(abs(factor) for factor in factors)
        terms: list[Expression] = [
            Call("mul", (Constant(factor), part)) if factor != 1 else part
            for factor, part in zip(factors, components, strict=True)
            if abs(factor) > VANISHED * largest
        ]
        terms += [Constant(float(self.start[-1]))] if self.offset else []
        return simplify(terms[0] if len(terms) == 1 else Call("add", tuple(terms)))

    def matched(self, coefficients: Coefficients, reason: str, is_kernel: bool) -> Match:
        """The outcome with these coefficients."""
        factors = tuple(coefficients[: self.table.shape[1]].tolist()) if self.scale else (1.0,)
        added = float(coefficients[-1]) if self.offset else 0.0
        return Match(same=not reason, kernel=is_kernel, reason=reason, coefficients=factors, offset=added)


def _values(expr: Expression, columns: Columns) -> Samples:
    """Values on the samples."""
    size = len(next(iter(columns.values())))
    return np.array(np.broadcast_to(np.asarray(evaluate(expr, columns), dtype=float), (size,)))


def _thresholds(expr: Expression) -> Iterator[float]:
    """Numbers that something is compared with, in normal form."""
    if isinstance(expr, Call):
        if expr.op in _COMPARISONS and isinstance(expr.args[1], Constant):
            yield expr.args[1].value
        for argument in expr.args:
            yield from _thresholds(argument)


def _with_thresholds(candidate: Expression, components: Sequence[Expression], tolerance: float) -> Expression:
    """The candidate with the truth's thresholds where its own are within the tolerance: no slope can refit them."""
    known = [value for part in components for value in _thresholds(simplify(part))]
    return _moved(candidate, known, tolerance) if known else candidate


def _moved(expr: Expression, known: Sequence[float], tolerance: float) -> Expression:
    """The tree with thresholds moved to known ones."""
    if not isinstance(expr, Call):
        return expr
    args = tuple(_moved(argument, known, tolerance) for argument in expr.args)
    if expr.op in _COMPARISONS and isinstance(args[1], Constant):
        nearest = known[int(np.argmin(np.abs(np.asarray(known) - args[1].value)))]
        if abs(nearest - args[1].value) <= tolerance * abs(nearest):
            args = (args[0], Constant(nearest, args[1].free))
    return Call(expr.op, args)


def _refitted(candidate: Expression, columns: Columns, view: _View) -> tuple[Constants, Coefficients]:
    """Constants of the candidate and coefficients of the image at which the two agree best."""
    own = free_constants(candidate)
    count = len(own)
    start = np.concatenate([own, view.start])
    # With its size held, an image cannot shrink to nothing together with a candidate that has a factor of its
    # own; a candidate without one needs the image's size free.
    unheld = _Residual(candidate, columns, view, None)
    held = _nearest_root(_Residual(candidate, columns, view, view.anchor), start)
    if np.max(np.abs(unheld(held)[0])) <= RESOLUTION:
        return held[:count], held[count:]
    free = _nearest_root(unheld, start)
    return free[:count], free[count:]


@dataclass(frozen=True)
class _Residual:
    """Weighted deviation of a candidate from an image, and its slopes; with an anchor, the image's size is held."""

    candidate: Expression
    columns: Columns
    view: _View
    anchor: Coefficients | None

    def __call__(self, point: Point) -> tuple[Samples, Float[np.ndarray, "samples point"]]:
        """At given constants and coefficients."""
        count = len(point) - len(self.view.start)
        value, slopes = value_and_jacobian(self.candidate, self.columns, point[:count])
        deviation = self.view.deviation(np.broadcast_to(value, self.view.weights.shape), point[count:])
        jacobian = self.view.weights[:, None] * np.hstack([slopes, -self.view.design])
        if self.anchor is None:
            return deviation, jacobian
        pull = self.anchor @ (point[count:] - self.view.start)
        held = np.concatenate([np.zeros(count), self.anchor])
        return np.append(deviation, pull), np.vstack([jacobian, held])


def _nearest_root(residual: Residual, start: Point) -> Point:
    """Gauss and Newton's steps of least relative length, which follow no direction that changes no value."""
    point = start.copy()
    value, slopes = residual(point)
    for _ in range(_STEPS):
        if not (np.isfinite(value).all() and np.isfinite(slopes).all()):
            break
        # Relative to each number, or for one near 0 to what would move the values by a thousandth.
        scale = np.maximum(np.abs(point), 1e-3 / np.maximum(np.sqrt(np.mean(slopes**2, axis=0)), 1e-300))
        scale[~np.any(slopes, axis=0)] = 1.0
        step = scale * np.linalg.lstsq(slopes * scale, value, rcond=_RANK)[0]
        found = _helpful(residual, point, step, float(value @ value))
        if found is None:
            break
        point, value, slopes = found
    return point


def _helpful(
    residual: Residual, point: Point, step: Point, cost: float
) -> tuple[Point, Samples, Float[np.ndarray, "samples point"]] | None:
    """The longest of a step and its halves that lowers the cost enough."""
    for _ in range(_HALVINGS):
        value, slopes = residual(point - step)
        if value @ value < _LEAST_FALL * cost:
            return point - step, value, slopes
        step = step / 2
    return None


@dataclass(frozen=True)
class _Comparison:
    """The constants of a candidate beside those that give the truth."""

    candidate: Expression
    fitted: Constants
    columns: Columns
    view: _View
    tolerance: float

    def difference(self, intervals: Intervals | None) -> tuple[str, bool]:
        """Why constants disagree, and whether only by a term that the truth lacks."""
        own, fitted = free_constants(self.candidate), self._aligned()
        exponents = list(_exponents(self.candidate, inside=False))
        extra = ""
        for k, (value, true) in enumerate(zip(own.tolist(), fitted.tolist(), strict=True)):
            if exponents[k] and _is_structural(true):
                if abs(value - true) > RESOLUTION * max(1.0, abs(true)):
                    return f"exponent {value:.6g} where the truth has {round(2 * true) / 2:g}", False
                continue
            covered = intervals is not None and intervals[k][0] <= true <= intervals[k][1]
            if covered or abs(value - true) <= self.tolerance * abs(true) or self._is_negligible(k):
                continue
            if abs(true) > VANISHED * abs(value):
                return f"constant {value:.4g} where the truth has {true:.4g}", False
            extra = f"with a term that the truth lacks, of constant {value:.4g}"
        return extra, True

    def _aligned(self) -> Constants:
        """The constants that give the truth, moved toward the candidate's along directions that change no value."""
        own, fitted = free_constants(self.candidate), self.fitted
        _, slopes = value_and_jacobian(self.candidate, self.columns, fitted)
        scale = np.maximum(np.abs(fitted), 1e-3 * np.abs(own) + 1e-12)
        joint = self.view.weights[:, None] * np.hstack([slopes * scale, -self.view.design])
        lengths = np.linalg.norm(joint, axis=0)
        lengths[lengths == 0] = 1.0  # a threshold, say, which no slope moves
        _, sizes, directions = np.linalg.svd(joint / lengths, full_matrices=False)
        still = directions[sizes <= _RANK * sizes[0]][:, : len(own)] / lengths[: len(own)]
        if not len(still):
            return fitted
        gap = (own - fitted) / scale
        return fitted + scale * (still.T @ np.linalg.lstsq(still.T, gap, rcond=None)[0])

    def _is_negligible(self, k: int) -> bool:
        """Whether another value of a constant only shifts all values, by less than the tolerance of their spread."""
        with_it = self.fitted.copy()
        with_it[k] = free_constants(self.candidate)[k]
        trees = (with_constants(self.candidate, constants) for constants in (self.fitted, with_it))
        without, shifted = (_values(tree, self.columns) for tree in trees)
        shift, scale = shifted - without, self.tolerance * spread(without)
        return bool(np.ptp(shift) <= RESOLUTION * scale + 1e-12 and np.max(np.abs(shift)) <= scale)


def _exponents(expr: Expression, *, inside: bool) -> Iterator[bool]:
    """For each free constant, in order, whether it stands in an exponent."""
    if isinstance(expr, Constant) and expr.free:
        yield inside
    elif isinstance(expr, Call):
        for k, argument in enumerate(expr.args):
            yield from _exponents(argument, inside=inside or (expr.op == "pow" and k == 1))


def _is_structural(exponent: float) -> bool:
    """Whether the truth's exponent is a whole number or a half, which belongs to the form."""
    return abs(2 * exponent - round(2 * exponent)) < 1e-4
