"""Products of powers and exponentials of one variable: starts for a curve that is known well.

The logarithm of such a product is linear in its exponents and rates, so that least squares give them at once for
each softening; that is tried over a grid and refined. Cut-off powers (Gaussian wells, Ricker), softened ones
(Plummer) and saturating ones are of this kind. The curve must not change its sign.
"""

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float
from scipy.optimize import least_squares

from limbeck._types import Samples
from limbeck.expressions import Call, Constant, Expression, Variable, simplify

from ._two_powers import FAIR
from ._two_terms import FLOOR, cheapest

SOFTENINGS = np.geomspace(3e-3, 10.0, 32)  # in medians of the variable
WHOLE = 0.1  # exponents this near a multiple of a half may be that
MUCH_WORSE = 3.0  # times the error, that making exponents whole may not cost
LARGEST = 12.0  # exponents beyond it stand for something else
UNSEEN, FEWEST = 0.01, 20  # what a sample must count for at least, and how many must

Factors = tuple[str, ...]
_Table = Float[np.ndarray, "samples numbers"]


class _Curve(NamedTuple):
    """What products are fitted to.

    Attributes:
        sizes: Values of the variable, in medians.
        logarithms: Those of the curve's sizes.
        counts: How much each sample counts; little where next to nothing is left of the curve.
    """

    sizes: Samples
    logarithms: Samples
    counts: Samples

    def fitted(
        self, table: _Table, known: Samples | None = None, free: Bool[np.ndarray, " numbers"] | None = None
    ) -> tuple[Samples, float]:
        """Numbers by least squares, some of which may be known, and the relative error that they leave."""
        numbers = np.zeros(table.shape[1]) if known is None else known.copy()
        free = np.ones(table.shape[1], dtype=bool) if free is None else free
        rest = (self.logarithms - table @ np.where(free, 0.0, numbers)) * self.counts
        numbers[free] = np.linalg.lstsq(table[:, free] * self.counts[:, None], rest, rcond=None)[0]
        return numbers, float(np.sqrt(np.mean(self.errors(table, numbers) ** 2)))

    def errors(self, table: _Table, numbers: Samples) -> Samples:
        """Relative errors, as much as they count."""
        return (table @ numbers - self.logarithms) * self.counts


def one_product(variable: str, sizes: Samples, values: Samples, *, with_exp: bool = True) -> list[Expression]:
    """Products of powers, softened powers and exponentials that lie near a curve.

    Args:
        variable: Name of the variable.
        sizes: Its values, > 0.
        values: The curve's, all of one sign.
        with_exp: Whether a factor may be an exponential.

    Returns:
        The best few, best first, by their trade of error for size; none where the curve changes its sign or is nothing.
    """
    if not (len(values) and np.all(np.isfinite(values))):
        return []
    counts = np.abs(values) / (np.abs(values) + FAIR * np.median(np.abs(values)) + np.finfo(float).tiny)
    seen = counts > UNSEEN  # where next to nothing is left of a curve, its sign is chance
    sign = np.sign(np.sum(values[seen]))
    if np.count_nonzero(seen) < FEWEST or np.any(np.sign(values[seen]) != sign):
        return []
    middle = float(np.median(sizes))
    curve = _Curve(sizes[seen] / middle, np.log(np.abs(values[seen])), counts[seen])
    found: list[tuple[float, Expression]] = []
    for factors in _choices(with_exp):
        softening, numbers, left = _fitted(factors, curve)
        if np.max(np.abs(numbers[1:])) > LARGEST:
            continue
        whole = simplify(_written(factors, Variable(variable), middle, softening, numbers, float(sign)))
        found.append((left, whole))
    return cheapest(found)


def _choices(with_exp: bool) -> Iterator[Factors]:
    """Factors that stand together."""
    decays = ((), ("decay",), ("shell",), ("decay", "shell")) if with_exp else ((),)
    for power, soft, decay in product(((), ("power",)), ((), ("shifted",), ("round",)), decays):
        if power or soft or decay:
            yield (*power, *soft, *decay)


def _fitted(factors: Factors, curve: _Curve) -> tuple[float, Samples, float]:
    """The softening, the amplitude's logarithm and the exponents, and what they leave."""
    softening = 0.0
    if {"shifted", "round"} & set(factors):
        start = min(SOFTENINGS, key=lambda s: curve.fitted(_table(factors, curve.sizes, float(s)))[1])

        def errors(logarithm: Samples) -> Samples:
            table = _table(factors, curve.sizes, float(np.exp(logarithm[0])))
            return curve.errors(table, curve.fitted(table)[0])

        fit = least_squares(errors, [np.log(start)], xtol=1e-14, ftol=1e-14, gtol=1e-14)
        softening = float(np.exp(fit.x[0]))
    table = _table(factors, curve.sizes, softening)
    numbers, left = curve.fitted(table)
    whole = np.array([name in ("power", "shifted", "round") for name in ("amplitude", *factors)])
    halves = np.where(whole, np.round(2 * numbers) / 2, 0.0)
    whole &= np.abs(halves - numbers) < WHOLE
    if whole.any():
        numbers_near, left_near = curve.fitted(table, np.where(whole, halves, 0.0), ~whole)
        if left_near <= MUCH_WORSE * left + FLOOR:
            return softening, numbers_near, left_near
    return softening, numbers, left


def _table(factors: Factors, x: Samples, softening: float) -> _Table:
    """Logarithms of the factors, side by side, behind the amplitude's."""
    logarithms = {
        "power": lambda: np.log(x),
        "shifted": lambda: np.log(x + softening),
        "round": lambda: np.log(x * x + softening * softening),
        "decay": lambda: -x,
        "shell": lambda: -x * x,
    }
    return np.stack([np.ones_like(x), *(logarithms[name]() for name in factors)], axis=1)


def _written(
    factors: Factors, variable: Variable, unit: float, softening: float, numbers: Samples, sign: float
) -> Expression:
    """The product in units of the variable."""
    square = Call("pow", (variable, Constant(2, free=False)))
    scale, parts = float(numbers[0]), []
    for name, exponent in zip(factors, numbers[1:], strict=True):
        if name in ("decay", "shell"):
            size, power = (variable, 1) if name == "decay" else (square, 2)
            parts.append(Call("exp", (Call("mul", (Constant(-float(exponent) / unit**power), size)),)))
            continue
        base = {
            "power": variable,
            "shifted": Call("add", (variable, Constant(softening * unit))),
            "round": Call("add", (square, Constant((softening * unit) ** 2))),
        }[name]
        scale -= float(exponent) * (2 if name == "round" else 1) * np.log(unit)
        parts.append(Call("pow", (base, Constant(float(exponent), free=float(exponent) % 0.5 != 0))))
    whole: Expression = Constant(sign * float(np.exp(scale)))
    for part in parts:
        whole = Call("mul", (whole, part))
    return whole
