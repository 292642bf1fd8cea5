"""Which product of powers times a function of one thing a target may be.

Laws are mostly products: `m_1*m_2*f(r)`. For each product of powers and each
argument (a variable, or a sum, difference, product or quotient of two), a free
curve of the argument is fitted under the factor; the splits that it explains
best are worth a search of one-dimensional functions each. All factors are tried
at once for an argument, as sums over the samples.
"""

from collections.abc import Callable
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from limbeck._types import Samples, Table
from limbeck.expressions import Call, Constant, Expression, Variable, variables

from ._grow import BINARY, Known
from ._sample import Sample, Terms
from ._terms import ONE

KNOTS = 9  # of the free curve, at quantiles of the argument
MOST_FACTORS = 4_000
HOPELESS = 0.7  # share left by a split that is not worth a search
BEHIND = 30.0  # times what the best split leaves
ALWAYS = 2  # splits that are searched whatever they leave
CLEAR = 0.05  # share left by a split that may well be the law's own
RIDGE = 1e-9
POWERS = {1.0: "*", -1.0: "/", 2.0: "^", -2.0: "^", 0.5: "sqrt", -0.5: "sqrt", 1.5: "^", 3.0: "^"}
IN_TRIPLES = (1.0, -1.0, 2.0, -2.0)


class Split(NamedTuple):
    """A factor and the argument of the function that it multiplies.

    Attributes:
        factor: Product of powers; `ONE` is none.
        argument: What the function is of.
        unexplained: Share of the variance that a free curve leaves.
    """

    factor: Expression
    argument: Expression
    unexplained: float


class Factor(NamedTuple):
    """A product of powers with its values."""

    expression: Expression
    values: Samples


def powers_of(values: Samples, operators: tuple[str, ...]) -> dict[float, Samples]:
    """Powers of a variable that are defined on all samples and may be used.

    Args:
        values: Its values.
        operators: Operator symbols that may be used.

    Returns:
        Values by exponent.
    """
    found = {}
    with np.errstate(all="ignore"):
        for exponent, symbol in POWERS.items():
            squares_by_product = exponent in (2.0, -2.0) and "*" in operators
            roots_by_power = symbol == "sqrt" and "^" in operators
            if symbol in operators or squares_by_product or roots_by_power:
                value = values**exponent
                if np.isfinite(value).all():
                    found[exponent] = value
    return found if "*" in operators or "/" in operators else {}


def power_call(base: Expression, exponent: float) -> Expression:
    """A power with a fixed exponent, as it would be written.

    Args:
        base: The base.
        exponent: The exponent.

    Returns:
        The expression.
    """
    if exponent == 1.0:
        return base
    if exponent == -1.0:
        return Call("div", (ONE, base))
    return Call("pow", (base, Constant(exponent, free=False)))


def times(one: Expression, two: Expression) -> Expression:
    """A product in which 1 is left out.

    Args:
        one: A factor.
        two: Another.

    Returns:
        The product.
    """
    if one == ONE:
        return two
    return one if two == ONE else Call("mul", (one, two))


def factors(sample: Sample, operators: tuple[str, ...], most: int = MOST_FACTORS) -> list[Factor]:
    """Products of powers of up to three variables.

    Args:
        sample: The samples.
        operators: Operator symbols that may be used.
        most: How many at most.

    Returns:
        The products, 1 first, the simplest first.
    """
    made = [Factor(ONE, np.ones(len(sample.target)))]
    known = Known(len(sample.target))
    powers = {name: powers_of(values, operators) for name, values in sample.columns.items()}
    for count in (1, 2, 3):
        for names in combinations(sample.columns, count):
            allowed = [[e for e in powers[name] if count < 3 or e in IN_TRIPLES] for name in names]
            for exponents in product(*allowed):
                if len(made) >= most:
                    return made
                expression: Expression = ONE
                values = np.ones(len(sample.target))
                for name, exponent in zip(names, exponents, strict=True):
                    expression = times(expression, power_call(Variable(name), exponent))
                    values = values * powers[name][exponent]
                if known.add(values[None])[0]:
                    made.append(Factor(expression, values))
    return made


def arguments(sample: Sample, operators: tuple[str, ...]) -> list[tuple[Expression, Samples]]:
    """What a function may be of: each variable, and each two of them joined by an operator.

    Args:
        sample: The samples.
        operators: Operator symbols that may be used.

    Returns:
        Expressions with their values.
    """
    found: list[tuple[Expression, Samples]] = [(Variable(name), values) for name, values in sample.columns.items()]
    for one, two in combinations(sample.columns, 2):
        for kind in ("mul", "div", "sub", "add"):
            if BINARY[kind][0] in operators:
                with np.errstate(all="ignore"):
                    values = BINARY[kind][1](sample.columns[one], sample.columns[two])
                found.append((Call(kind, (Variable(one), Variable(two))), values))
    return [(expression, values) for expression, values in found if np.isfinite(values).all() and np.ptp(values) > 0]


def splits(
    sample: Sample,
    tried: list[Factor],
    candidates: list[tuple[Expression, Samples]],
    keep: int,
    too_late: Callable[[], bool] = lambda: False,
) -> list[Split]:
    """The splits that a free curve explains best.

    Args:
        sample: The samples.
        tried: Factors.
        candidates: Arguments.
        keep: How many.
        too_late: Whether the time is over; then no further argument is tried.

    Returns:
        Splits, the best first.
    """
    values = np.stack([factor.values for factor in tried])
    values /= np.max(np.abs(values), axis=1, keepdims=True)
    used = [variables(factor.expression) for factor in tried]
    found: list[Split] = []
    for argument, argument_values in candidates:
        if too_late():
            break
        own = variables(argument)
        # A power of the argument itself is a part of the free curve.
        apart = np.array([k for k, names in enumerate(used) if len(own) > 1 or not (own & names)])
        left = _unexplained(values[apart], _curve(argument_values), sample)
        best = np.argsort(left, kind="stable")[:keep]
        found += [Split(tried[apart[k]].expression, argument, float(left[k])) for k in best]
    found.sort(key=lambda split: split.unexplained)
    limit = min(HOPELESS, BEHIND * (found[0].unexplained + 1e-3)) if found else 0.0
    most = keep if found and found[0].unexplained < CLEAR else ALWAYS + 1
    return [split for k, split in enumerate(found[:most]) if k < ALWAYS or split.unexplained <= limit]


def _curve(values: Samples) -> Table:
    """A basis of curves: hats between quantiles, and the argument with its inverses."""
    knots = np.unique(np.quantile(values, np.linspace(0, 1, KNOTS)))
    columns = [np.interp(values, knots, row) for row in np.eye(len(knots))]
    with np.errstate(all="ignore"):
        columns += [value for value in (values, 1 / values, 1 / values**2) if np.isfinite(value).all()]
    basis = np.column_stack(columns)
    sizes = np.max(np.abs(basis), axis=0)
    return basis[:, sizes > 0] / sizes[sizes > 0]


def _unexplained(factors: Terms, basis: Table, sample: Sample) -> Float[np.ndarray, " terms"]:
    """Share of the variance that a curve under each factor leaves."""
    weights = sample.root**2
    count = basis.shape[1]
    squares = (basis[:, :, None] * basis[:, None, :]).reshape(len(basis), -1)
    normal = ((factors**2 * weights) @ squares).reshape(-1, count, count)
    target = sample.target / sample.spread
    right = (factors * (weights * target)) @ basis
    scale = np.maximum(np.trace(normal, axis1=1, axis2=2), 1e-300)
    normal = normal / scale[:, None, None] + RIDGE * np.eye(count)
    solved = np.linalg.solve(normal, (right / scale[:, None])[:, :, None])[:, :, 0]
    # What is left after a ridge fit: y.y - 2 c.b + c.N.c, where N is the unridged matrix.
    normal = normal - RIDGE * np.eye(count)
    fit = 2 * np.sum(solved * right, axis=1) - scale * np.einsum("ki,kij,kj->k", solved, normal, solved)
    centred = target - np.average(target, weights=weights)
    return np.maximum(weights @ target**2 - fit, 0.0) / max(float(weights @ centred**2), 1e-300)
