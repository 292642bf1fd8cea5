"""Sums of two terms of one variable, each with a number inside: starts for a curve that is known well.

Screening (Yukawa), wells (Morse, Buckingham), shells (Gaussians) and softened powers are such sums. An engine
meets them by luck; over a grid of the inner numbers linear least squares tries all pairs at once, and the best of
each kind is refined. It takes a curve without much noise to tell them apart.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import combinations_with_replacement
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.optimize import least_squares

from limbeck._types import Samples
from limbeck.expressions import Call, Constant, Expression, Variable, complexity, simplify

from ._climb import PRICE
from ._two_powers import FAIR

RATES = np.geomspace(0.05, 20.0, 48)  # in medians of the variable
SHIFTS = np.array([0.0, *np.geomspace(3e-3, 1.0, 24)])
POWERS = (-6, -5, -4, -3, -2, -1, 1, 2, 3)
HOPEFUL = 10.0  # times what the best pair of the grid leaves: more, and refining will not make it the best
FLOOR = 1e-9  # share of the curve that is rounding
HOPELESS = 1e6  # error of terms that are undefined somewhere
KEPT = 6


class _Kind(NamedTuple):
    """A function of the variable and of one number.

    Attributes:
        values: The function of both.
        written: The expression of a variable and a number.
        grid: Numbers to begin at, for a variable whose median is 1.
        unit: Power of the variable's unit that the number is counted in.
        power: And the function itself.
        family: Kinds that may share their number.
    """

    values: Callable[[Samples, float], Samples]
    written: Callable[[Expression, float], Expression]
    grid: Samples
    unit: int
    power: int
    family: str


def two_terms(variable: str, sizes: Samples, values: Samples, *, with_exp: bool = True) -> list[Expression]:
    """Sums of two terms that lie near a curve.

    Args:
        variable: Name of the variable.
        sizes: Its values, > 0.
        values: The curve's.
        with_exp: Whether terms may hold exponentials beside powers.

    Returns:
        The best few, best first, by their trade of error for size; none where the curve is nothing.
    """
    largest = float(np.max(np.abs(values), initial=0.0))
    if not 0 < largest < np.inf:
        return []
    middle = float(np.median(sizes))
    x, y = sizes / middle, values / largest
    weights = 1.0 / (np.abs(y) + FAIR * np.median(np.abs(y)) + 1e-12)
    found: list[tuple[float, Expression]] = []
    for kinds, numbers in _refined(KINDS if with_exp else POWERS_ALONE, x, y, weights):
        amplitudes, errors = _fitted(kinds, numbers, x, y, weights)
        left = float(np.linalg.norm(errors) / np.linalg.norm(y * weights))
        terms = [
            Call(
                "mul",
                (
                    Constant(largest * float(a) / middle**kind.power),
                    kind.written(Variable(variable), float(k) * middle**kind.unit),
                ),
            )
            for kind, k, a in zip(kinds, numbers, amplitudes, strict=True)
        ]
        whole = simplify(Call("add", tuple(terms)))
        found.append((left, whole))
    return cheapest(found)


def cheapest(found: Iterable[tuple[float, Expression]]) -> list[Expression]:
    """The best few of some expressions by their trade of error for size.

    Args:
        found: Relative errors and expressions.

    Returns:
        Expressions, best first.
    """

    def cost(one: tuple[float, Expression]) -> float:
        left, whole = one
        return float(np.log(max(left, FLOOR))) + PRICE * complexity(whole)

    return [whole for _, whole in sorted(found, key=cost)[:KEPT]]


def _refined(
    among: tuple[_Kind, ...], x: Samples, y: Samples, weights: Samples
) -> Iterator[tuple[tuple[_Kind, ...], Samples]]:
    """The best pair of each two kinds, its inner numbers refined; of those that may share one, also with one number."""
    pairs = _best_of_grid(among, x, y, weights)
    least = min((left for left, *_ in pairs), default=0.0)
    for left, kinds, start in pairs:
        if left > HOPEFUL * least + FLOOR:
            continue
        yield kinds, _solved(lambda k, kinds=kinds: _fitted(kinds, k, x, y, weights)[1], start)
        if kinds[0].family == kinds[1].family and kinds[0].family != "power" and kinds[0] is not kinds[1]:
            middle = np.sqrt(np.prod(start, keepdims=True))
            one = _solved(lambda k, kinds=kinds: _fitted(kinds, np.repeat(k, 2), x, y, weights)[1], middle)
            yield kinds, np.repeat(one, 2)


def _fitted(
    kinds: tuple[_Kind, ...], numbers: Samples, x: Samples, y: Samples, weights: Samples
) -> tuple[Samples, Samples]:
    """Amplitudes of the best sum of these terms, and what it leaves at every sample, weighted."""
    table = _table(kinds, numbers, x) * weights[:, None]
    if not np.isfinite(table).all():
        return np.zeros(len(kinds)), np.full(len(y), HOPELESS)
    amplitudes = np.linalg.lstsq(table, y * weights, rcond=None)[0]
    return amplitudes, table @ amplitudes - y * weights


def _solved(errors: Callable[[Samples], Samples], start: Samples) -> Samples:
    """Inner numbers refined from a point of the grid."""
    return least_squares(errors, start, x_scale=np.abs(start) + 1e-3, max_nfev=40, xtol=1e-14, ftol=1e-14).x


def _table(kinds: tuple[_Kind, ...], numbers: Samples, x: Samples) -> Float[np.ndarray, "samples terms"]:
    """The terms' functions, side by side."""
    with np.errstate(all="ignore"):
        return np.stack([kind.values(x, float(k)) for kind, k in zip(kinds, numbers, strict=True)], axis=1)


def _best_of_grid(
    among: tuple[_Kind, ...], x: Samples, y: Samples, weights: Samples
) -> list[tuple[float, tuple[_Kind, _Kind], Float[np.ndarray, " two"]]]:
    """What the best pair of each two kinds leaves on the grid, and its inner numbers."""
    numbers = np.concatenate([kind.grid for kind in among])
    owners = np.repeat(np.arange(len(among)), [len(kind.grid) for kind in among])
    table = _table(tuple(among[k] for k in owners), numbers, x) * weights[:, None]
    sizes = np.linalg.norm(table, axis=0)
    table = table / np.where(sizes > 0, sizes, 1.0)
    target = y * weights
    overlaps, along = table.T @ table, table.T @ target
    determinant = 1.0 - overlaps**2
    with np.errstate(all="ignore"):
        explained = (along[:, None] ** 2 + along**2 - 2 * overlaps * along[:, None] * along) / determinant
    explained = np.where(determinant > 1e-10, explained, -np.inf)
    total, found = float(target @ target), []
    for i, j in combinations_with_replacement(range(len(among)), 2):
        block = explained[np.ix_(owners == i, owners == j)]
        a, b = np.unravel_index(int(np.argmax(block)), block.shape)
        left = np.sqrt(max(total - float(block[a, b]), 0.0) / total)
        found.append((float(left), (among[i], among[j]), np.array([among[i].grid[a], among[j].grid[b]])))
    return [one for one in found if np.isfinite(one[0])]


def _power(exponent: int) -> _Kind:
    """A power of the shifted variable."""
    return _Kind(
        lambda x, s: (x + s) ** float(exponent),
        lambda v, s: Call("pow", (_shifted(v, s), Constant(exponent, free=False))) if exponent != 1 else _shifted(v, s),
        SHIFTS,
        1,
        exponent,
        "power",
    )


def _shifted(variable: Expression, shift: float) -> Expression:
    """The variable and a number, without one that is nothing."""
    return variable if abs(shift) < FLOOR else Call("add", (variable, Constant(shift)))


def _screened(power: int) -> _Kind:
    """A power of the variable that an exponential cuts off."""

    def written(variable: Expression, rate: float) -> Expression:
        decay = Call("exp", (Call("mul", (Constant(-rate), variable)),))
        return Call("mul", (decay, Call("pow", (variable, Constant(power, free=False))))) if power else decay

    return _Kind(lambda x, k: np.exp(-k * x) * x ** float(power), written, RATES, -1, power, "screened")


def _shell(power: int) -> _Kind:
    """A power of the variable that a Gaussian cuts off."""

    def written(variable: Expression, rate: float) -> Expression:
        square = Call("pow", (variable, Constant(2, free=False)))
        decay = Call("exp", (Call("mul", (Constant(-rate), square)),))
        return Call("mul", (decay, variable)) if power else decay

    return _Kind(lambda x, k: np.exp(-k * x * x) * x ** float(power), written, RATES, -2, power, "shell")


KINDS = (*(_power(n) for n in POWERS), *(_screened(n) for n in (0, 1, -1, -2)), _shell(0), _shell(1))
POWERS_ALONE = KINDS[: len(POWERS)]
