"""Two powers of one shifted variable: a start for forces that change their sign with the distance.

Attraction far off and repulsion near by (Lennard-Jones, Mie) is a sum of two powers that all but
cancel somewhere. Genetic programming tends to bend one fractional power until it fits; linear
least squares over a grid of exponents and shifts finds the two at once.
"""

import math
import time
from collections.abc import Callable, Sequence
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from limbeck._types import Samples
from limbeck.expressions import Call, Constant, Expression, Variable

from ._problem import Problem

EXPONENTS = np.arange(-14, 4)
# Shifts, in medians of the variable: a few to choose factors by, many to choose exponents by.
COARSE = (0.0, 3e-3, 0.02, 0.07, 0.2)
FINE = (0.0, *np.geomspace(1e-3, 0.6, 80).tolist())
MOST_FACTORS = 6  # of the other variables, products of subsets are tried
KEPT = 3
GOOD = 0.05  # share of the weighted squares that may be left
NEEDED = 0.2  # of what one power leaves
FAIR = 0.1  # of the median target, below which errors count absolutely


class PowerPair(NamedTuple):
    """Two powers of one shifted variable.

    Attributes:
        left: Squares that their sum leaves.
        shift: What is added to the variable.
        exponents: The two whole exponents.
        scales: Factor of each power.
    """

    left: float
    shift: float
    exponents: tuple[int, int]
    scales: tuple[float, float]


def two_powers(problem: Problem, deadline: float = math.inf) -> list[Expression]:
    """Sums of two whole powers of a positive variable plus a shift, times other variables, that are near the target.

    Args:
        problem: Table and target.
        deadline: Moment of `time.monotonic` after which no further variable or factor is tried.

    Returns:
        The best few of those tried, best first; none where two powers explain little, or little more than one.
    """
    size = np.abs(problem.target)
    if not size.any():
        return []
    weights = 1.0 / (size + FAIR * (np.median(size) or np.mean(size)))
    total = float(np.sum((weights * problem.target) ** 2))
    bases = [k for k, base in enumerate(problem.inputs.T) if base.min() > 0 and np.ptp(base) > 1e-9 * base.max()]
    rough = [
        (min(pair.left for pair in pairs), k, factors)
        for k in bases
        for factors in _products(k, problem.inputs.shape[1])
        if time.monotonic() < deadline and (pairs := _fitted(problem, k, factors, COARSE, weights)[1])
    ]
    if not rough:
        return []
    _, k, factors = min(rough)
    single, pairs = _fitted(problem, k, factors, FINE, weights)
    nearest: dict[tuple[int, int], PowerPair] = {}
    for pair in sorted(pairs):
        if pair.left < min(GOOD * total, NEEDED * single):
            nearest.setdefault(pair.exponents, pair)
    variable = Variable(problem.variables[k])
    sums = [sum_of_powers(variable, pair) for pair in list(nearest.values())[:KEPT]]
    front = [Variable(problem.variables[j]) for j in factors]
    return [Call("mul", (*front, whole)) if front else whole for whole in sums]


def _products(base: int, n_variables: int) -> list[tuple[int, ...]]:
    """Sets of the other variables whose product may stand before the sum."""
    others = [j for j in range(n_variables) if j != base][:MOST_FACTORS]
    return [chosen for count in range(len(others) + 1) for chosen in combinations(others, count)]


def _fitted(
    problem: Problem, k: int, factors: tuple[int, ...], shifts: Sequence[float], weights: Samples
) -> tuple[float, list[PowerPair]]:
    """What the best single power leaves, and the best pairs, over all shifts."""
    base = problem.inputs[:, k]
    scaled = weights * np.prod(problem.inputs[:, list(factors)], axis=1)

    def columns(shift: float, unit: float) -> Float[np.ndarray, "samples exponents"]:
        return scaled[:, None] * ((base[:, None] + shift) / unit) ** EXPONENTS

    return power_pairs(columns, weights * problem.target, float(np.median(base)), shifts)


def power_pairs(
    columns: Callable[[float, float], Float[np.ndarray, "samples exponents"]],
    target: Samples,
    middle: float,
    shifts: Sequence[float] = FINE,
) -> tuple[float, list[PowerPair]]:
    """Fit sums of two powers of a shifted variable, for every pair of exponents.

    Args:
        columns: Gives, for a shift and a unit, what each of `EXPONENTS` of ((variable + shift) / unit) contributes.
        target: What the sum is to explain.
        middle: Typical value of the variable.
        shifts: Shifts to try, in typical values.

    Returns:
        The squares that the best single power leaves, and the best few pairs of each shift.
    """
    each = [_best_pairs(columns, target, middle, shift * middle) for shift in shifts]
    return min(one for one, _ in each), [pair for _, pairs in each for pair in pairs]


def _best_pairs(
    columns: Callable[[float, float], Float[np.ndarray, "samples exponents"]],
    target: Samples,
    middle: float,
    shift: float,
) -> tuple[float, list[PowerPair]]:
    """What the best power leaves, and the pairs that leave least, for one shift."""
    unit = middle + shift
    table = columns(shift, unit)
    norms = np.linalg.norm(table, axis=0)
    table = table / np.where(norms > 0, norms, 1.0)
    overlaps, along = table.T @ table, table.T @ target
    i, j = np.array(list(combinations(range(len(EXPONENTS)), 2))).T
    determinant = 1.0 - overlaps[i, j] ** 2
    solvable = determinant > 1e-9
    one = (along[i] - overlaps[i, j] * along[j]) / np.where(solvable, determinant, 1.0)
    two = (along[j] - overlaps[i, j] * along[i]) / np.where(solvable, determinant, 1.0)
    explained = np.where(solvable, one * along[i] + two * along[j], -np.inf)
    found = []
    for n in np.argsort(-explained)[:KEPT]:
        powers = (int(EXPONENTS[i[n]]), int(EXPONENTS[j[n]]))
        pairs = zip((one[n], two[n]), (norms[i[n]], norms[j[n]]), powers, strict=True)
        with np.errstate(all="ignore"):  # of a unit at the ends of the range of numbers there are no powers
            first, second = (float(size / norm / np.float64(unit) ** power) for size, norm, power in pairs)
        if np.isfinite([first, second]).all():
            found.append(PowerPair(float(target @ target - explained[n]), shift, powers, (first, second)))
    return float(target @ target - np.max(along**2)), found


def sum_of_powers(distance: Variable, pair: PowerPair) -> Expression:
    """The expression of a pair; without a shift where none was needed.

    Args:
        distance: The variable.
        pair: Shift, exponents and scales.

    Returns:
        A sum of two terms.
    """
    shifted: Expression = distance if pair.shift == 0 else Call("add", (distance, Constant(pair.shift)))
    terms = [
        Call("mul", (Constant(scale), Call("pow", (shifted, Constant(exponent, free=False)))))
        for scale, exponent in zip(pair.scales, pair.exponents, strict=True)
    ]
    return Call("add", tuple(terms))
