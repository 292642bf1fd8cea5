"""Laws of few variables without units: sums under a power of what stands beside 1, and functions seen from outside.

Where symmetries have made variables pure numbers, laws are mostly quotients and roots of `1 + x`, `1 - x**2`
or `1 + x*y`, or a function of one of them inside an inverse, a root or an exponential.
"""

from collections.abc import Iterator, Sequence
from itertools import combinations

import numpy as np

from limbeck._types import Samples, Table
from limbeck.expressions import Call, Expression, Variable, evaluate, simplify

from ._climb import unit_price
from ._factors import power_call
from ._families import atoms_of
from ._grow import Forest
from ._inner_constants import cost_of
from ._sample import Sample
from ._target import Target
from ._terms import ONE, best_groups, coefficients, combined, directions, leading_groups, written

ABOUT_ONE = 2.0  # up to which a quantity may stand beside 1 as it is
MOST_PARTS = 9  # to which 1 is added
TREES = 150  # the smallest of which sums are made under each power of a leaf
WRITTEN, OFFERED = 40, 12  # sums under each whose numbers are solved for, and of them those that are kept
POWERS = (1.0, -1.0, 0.5, -0.5, 2.0, -2.0)
FUNCTIONS, FORMS = 600, 50  # of each variable, and of their forms those that are fitted

Law = tuple[Expression, float | None]  # with its loss where that is known


def leaves_of(names: Sequence[str], table: Table) -> tuple[Expression, ...]:
    """1 plus and minus each variable, products and quotients of two, and the squares of them all.

    Between variables without a unit, numbers are mostly 1: `1 - v**2/c**2`, `(u + v)/(1 + u*v/c**2)`.

    Args:
        names: Name of each variable.
        table: Its values.

    Returns:
        Those that have one sign throughout.
    """
    columns = dict(zip(names, table.T, strict=True))
    parts: list[Expression] = [Variable(name) for name in names]
    for one, two in combinations(parts[:], 2):
        parts += [Call("mul", (one, two)), Call("div", (one, two))]
    made: list[Expression] = []
    for part in parts[:MOST_PARTS]:
        with np.errstate(all="ignore"):
            typical = float(np.median(np.abs(evaluate(part, columns))))
        # Of a quantity and its inverse, the one that is smaller than 1 stands beside it more often.
        ways = [part] * (typical < ABOUT_ONE) + [power_call(part, -1.0)] * bool(typical * ABOUT_ONE > 1)
        made += [Call(op, (ONE, one)) for way in ways for one in (way, power_call(way, 2.0)) for op in ("add", "sub")]
    with np.errstate(all="ignore"):
        return tuple(leaf for leaf in map(simplify, made) if has_one_sign(evaluate(leaf, columns)))


def has_one_sign(values: Samples) -> bool:
    """Whether all values are above zero and finite, or all below.

    Args:
        values: Numbers.

    Returns:
        True if so.
    """
    return bool(np.isfinite(values).all() and ((values > 0).all() or (values < 0).all()))


def sums_under_leaves(
    leaves: Sequence[Expression], forest: Forest, sample: Sample, *, sums: bool
) -> Iterator[list[Law]]:
    """Sums of trees under a power of a leaf.

    Args:
        leaves: The leaves.
        forest: The trees.
        sample: What is to be explained.
        sums: Whether terms may be added.

    Yields:
        The best sums under each power of each leaf.
    """
    values, sizes = forest.values[:TREES], forest.sizes[:TREES]
    for leaf in leaves:
        base = evaluate(leaf, sample.columns)
        for power in (p for p in POWERS if p % 1 == 0 or (base > 0).all()):
            factor = (power_call(leaf, power), base**power)
            alone = coefficients(np.ones((1, len(base))), sample, factor[1])
            found: list[Law] = [] if alone is None else [(combined([ONE], alone.tolist(), factor[0]), None)]
            fits: list[tuple[Expression, float]] = []
            looked_at = directions(values, sample, factor[1])
            groups = best_groups(looked_at, sizes, sums=sums)
            for group in leading_groups(groups, sizes, looked_at, unit_price(len(base)), WRITTEN):
                terms = [forest.expression(k) for k in group]
                fits += written(terms, forest.values[list(group)], sample, factor)
            # By cost: in noise, those with the lowest loss are sums with a number for every term.
            yield [*found, *sorted(fits, key=lambda law: cost_of(law[0], law[1], len(base)))[:OFFERED]]


def functions_seen_through(seen: Sequence[Target], sample: Sample, operators: tuple[str, ...]) -> Iterator[list[Law]]:
    """Functions of one variable, or of its inverse, with a constant inside, seen through outer functions.

    Args:
        seen: The target, plain and through outer functions.
        sample: The variables.
        operators: Operator symbols that may be used.

    Yields:
        The best functions of each variable for each outer function.
    """
    none = np.ones(len(sample.target))
    for name, column in sample.columns.items():
        with np.errstate(all="ignore"):
            ways = ((Variable(name), column), (Call("div", (ONE, Variable(name))), 1 / column))
        for argument, values in ways:
            if not np.isfinite(values).all():
                continue
            atoms = atoms_of(argument, values, operators, FUNCTIONS, products=False)
            for target in seen if len(atoms.pairs) else ():
                explained = directions(atoms.values, target.sample, none).explained
                fits = [
                    law
                    for k in atoms.best_of_forms(explained)[:FORMS]
                    for law in written([atoms.expression(k)], atoms.values[[k]], target.sample, (ONE, none))
                ]
                yield [(target.outer(inner), None) for inner, _ in fits]
