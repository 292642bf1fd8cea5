"""The power law nearest to a table: a start that every search is given.

Most pair forces are close to a product of powers. Least squares on logarithms
finds it at once, whatever the orders of magnitude that the target spans, which
is where a search on squared errors is weakest.
"""

import math
import time
from itertools import combinations

import numpy as np
from jaxtyping import Float

from limbeck._types import Samples, Table
from limbeck.expressions import Call, Constant, Expression, Variable

from ._problem import Problem

IRRELEVANT = 0.12  # exponents nearer to zero are left out
AGREEMENT = 0.9  # share of samples whose sign a product of variables must give
MOST_SIGNS = 4


def power_laws(problem: Problem, deadline: float = math.inf) -> list[Expression]:
    """The product of powers nearest to the target, its exponents rounded to halves.

    A variable of both signs takes an odd power where it gives the target its sign, else an even one.

    Args:
        problem: Table and target.
        deadline: Moment of `time.monotonic` after which no further signs are tried.

    Returns:
        One expression; none where the target has no such shape.
    """
    used = problem.target != 0
    if used.sum() < 3 * (len(problem.variables) + 1):
        return []
    inputs, target = problem.inputs[used], problem.target[used]
    signs = _sign_factors(inputs, target, deadline)
    if signs is None:
        return []
    exponents = _exponents(inputs, target)
    signed = _both_signs(inputs)
    rounded = [
        _odd(value) if k in signs else 2.0 * round(value / 2) if k in signed else round(2 * value) / 2
        for k, value in enumerate(exponents.tolist())
    ]
    scale = float(np.sign(np.median(target * np.prod(inputs[:, list(signs)], axis=1))))
    with np.errstate(over="ignore"):
        size = np.exp(np.median(np.log(np.abs(target)) - _logs(inputs) @ np.asarray(rounded)))
    if not 0 < size < np.inf:
        return []
    return [_product(problem.variables, rounded, scale * float(size))]


def _logs(inputs: Table) -> Table:
    """Logarithms of magnitudes; 0 where a column vanishes somewhere or has one magnitude."""
    sizes = np.abs(inputs)
    usable = (sizes.min(axis=0) > 0) & (np.ptp(sizes, axis=0) > 1e-9 * sizes.max(axis=0))
    return np.where(usable, np.log(np.where(usable, sizes, 1.0)), 0.0)


def _exponents(inputs: Table, target: Samples) -> Float[np.ndarray, " variables"]:
    """Exponents by least squares on logarithms, twice more with less weight on outliers."""
    design = np.column_stack([_logs(inputs), np.ones(len(target))])
    values = np.log(np.abs(target))
    solution = np.linalg.lstsq(design, values, rcond=None)[0]
    for _ in range(2):
        residual = np.abs(values - design @ solution)
        weights = 1.0 / np.sqrt(1.0 + (residual / (np.median(residual) + 1e-9)) ** 2)
        solution = np.linalg.lstsq(design * weights[:, None], values * weights, rcond=None)[0]
    exponents = solution[:-1]
    return np.where(np.abs(exponents) < IRRELEVANT, 0.0, exponents)


def _both_signs(inputs: Table) -> list[int]:
    """Columns with positive and negative values."""
    return [k for k in range(inputs.shape[1]) if (inputs[:, k] > 0).any() and (inputs[:, k] < 0).any()]


def _sign_factors(inputs: Table, target: Samples, deadline: float) -> tuple[int, ...] | None:
    """Columns whose product has the target's sign (or the opposite) nearly always."""
    both = _both_signs(inputs)
    sign = np.sign(target)
    for count in range(min(len(both), MOST_SIGNS) + 1):
        for chosen in combinations(both, count):
            if time.monotonic() > deadline:
                return None
            agreement = np.mean(np.prod(np.sign(inputs[:, list(chosen)]), axis=1) == sign)
            if max(agreement, 1.0 - agreement) >= AGREEMENT:
                return chosen
    return None


def _odd(value: float) -> float:
    """The odd whole number nearest to a value; 1 for values near zero."""
    whole = 2 * round((value - 1) / 2) + 1
    return float(whole) if abs(value) > 0.5 else 1.0


def _product(names: tuple[str, ...], exponents: list[float], scale: float) -> Expression:
    """Scale times each variable to its power."""
    factors: list[Expression] = [Constant(scale)]
    for name, exponent in zip(names, exponents, strict=True):
        if exponent == 1:
            factors.append(Variable(name))
        elif exponent != 0:
            power = int(exponent) if float(exponent).is_integer() else float(exponent)
            factors.append(Call("pow", (Variable(name), Constant(power, free=False))))
    return Call("mul", tuple(factors)) if len(factors) > 1 else factors[0]
