"""Free functions with plain factors: forces that accelerations give by themselves, without a network.

Accelerations are straight in the force. Where the factors before a function of the distance are plain (none, a product
of one property of both ends, one function for each pair of kinds), least squares give the function at once, and nothing
has to be trained. A network of kinds knows their forces, too, but a search would have to bend one formula through all.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product

import numpy as np

from limbeck.expressions import (
    Call,
    Constant,
    Expression,
    Variable,
    complexity,
    free_constants,
    simplify,
    with_constants,
)
from limbeck.graphs import GraphDataset
from limbeck.regress import PRICE, HallOfFame

from ._free_force import FreeForce, fitted
from ._fronts import Factors
from ._law import Law
from ._refit import error_of, law_loss, refit
from ._states import States
from ._writing import with_factor

MOST_KINDS = 3  # values of a property that count as kinds
MOST_FORMS = 12  # equations of a function that are fitted to accelerations
ENOUGH = 1e-5  # an error of free functions that is their own, and says nothing against their factors
PASSES = 2  # over all functions beside the equations of the others
EXACT = 1e-12  # an error that nothing need be below
NOT_WORSE = 1.5  # times the least error of all: what fewer functions may leave

NOTHING = Constant(0.0, free=False)  # kinds that do not act on each other

Term = tuple[str, Factors]


@dataclass(frozen=True, kw_only=True)
class PlainForce:
    """Factors before free functions, and the inertia.

    Attributes:
        terms: Channel and factors of each function.
        rest: The inertia, if there is any.
    """

    terms: tuple[Term, ...]
    rest: Law

    def fitted(self, states: States) -> FreeForce | None:
        """The functions, fitted to snapshots; None where these are too few."""
        return fitted(self.terms, self.rest, states)


def plain_force(dataset: GraphDataset, fit_on: States, judge_on: States) -> tuple[PlainForce, float] | None:
    """Choose the factors that explain accelerations best, with the fewest functions where several do about as well.

    Args:
        dataset: The data.
        fit_on: Snapshots that functions are fitted to.
        judge_on: Snapshots that they are judged on.

    Returns:
        The factors, and the error of the functions beside them, as laws are judged; None where none can be fitted.
    """
    errors: list[tuple[float, PlainForce]] = []
    for plain in _candidates(dataset):
        free = plain.fitted(fit_on)
        if free is not None:
            # Not the median: one function may be exact for the commonest kind, and wrong for all others.
            errors.append((error_of(free.accelerations(judge_on), judge_on), plain))
    if not errors:
        return None
    allowed = max(NOT_WORSE * min(error for error, _ in errors), ENOUGH)
    error, plain = min((one for one in errors if one[0] <= allowed), key=lambda one: len(one[1].terms))
    return plain, error


def law_along(free: FreeForce, halls: Sequence[HallOfFame], fit_on: States, judge_on: States) -> Law:
    """Choose an equation for each function: first beside all others as free as they are, then beside their equations.

    A law of many functions has no good start among equations of which several are slightly wrong: no error tells
    which. Beside free functions each stands alone; beside equations that are nearly right, what others leave is less.

    Args:
        free: The functions.
        halls: What a search found for each.
        fit_on: Snapshots that constants are fitted to.
        judge_on: Snapshots that equations are judged on.

    Returns:
        The law of the equations with the lowest price, its constants fitted.
    """
    options = [[NOTHING, *(with_factor(form) for form in forms[:MOST_FORMS])] for forms in free.forms(halls)]
    least = error_of(free.accelerations(judge_on), judge_on)
    chosen = [_alone(free, k, forms, fit_on, judge_on, least) for k, forms in enumerate(options)]
    chosen, lowest = _together(free, chosen, fit_on, judge_on)
    for _ in range(PASSES):
        before = lowest
        for k, form in ((k, form) for k, forms in enumerate(options) for form in forms):
            trial, price = _together(free, [*chosen[:k], form, *chosen[k + 1 :]], fit_on, judge_on)
            if price < lowest:
                chosen, lowest = trial, price
        if lowest == before:
            break
    return _simplified(free.law(chosen))


def _alone(
    free: FreeForce, number: int, forms: Sequence[Expression], fit_on: States, judge_on: States, least: float
) -> Expression:
    """The equation of one function beside all others as they are; no error below that of free functions counts."""
    alone = replace(free, parts=free.parts[number : number + 1])
    others = replace(free, parts=(*free.parts[:number], *free.parts[number + 1 :]))
    beside = others.accelerations(judge_on)
    left = replace(fit_on, targets=fit_on.targets - others.accelerations(fit_on))
    best, lowest = NOTHING, math.inf
    for form in forms:
        law = refit(alone.law([form]), left)
        loss = error_of(beside + law.accelerations(judge_on), judge_on)
        price = math.log(max(loss, least)) + PRICE * complexity(form)
        if price < lowest:
            best, lowest = with_constants(form, law.constants), price
    return best


def _together(
    free: FreeForce, forms: Sequence[Expression], fit_on: States, judge_on: States
) -> tuple[list[Expression], float]:
    """Equations of all functions with their constants fitted at once, and their price."""
    law = refit(free.law(forms), fit_on)
    ends = np.cumsum([len(free_constants(form)) for form in forms])[:-1]
    fitted_forms = [with_constants(*each) for each in zip(forms, np.split(law.constants, ends), strict=True)]
    loss = max(law_loss(law, judge_on), EXACT)
    return fitted_forms, math.log(loss) + PRICE * sum(map(complexity, fitted_forms))


def _simplified(law: Law) -> Law:
    """The law without what is nothing."""
    told = {name: simplify(expression) for name, expression in law.components.items()}
    return Law(components={name: e for name, e in told.items() if e != Constant(0.0, free=False)}, dim=law.dim)


def _candidates(dataset: GraphDataset) -> Iterator[PlainForce]:
    """Inertias and factors."""
    there = dataset.trajectories.present.any(axis=1)
    values = {name: dataset.trajectories.attributes[name][there] for name in dataset.attribute_names}
    inertias = ["", *(name for name, own in values.items() if np.all(own > 0))]
    for inertia, terms in product(inertias, _pairs(values)):
        components = {"inertia": Variable(f"{inertia}_1")} if inertia else {}
        yield PlainForce(terms=terms, rest=Law(components=components, dim=dataset.trajectories.dim))


def _pairs(values: dict[str, np.ndarray]) -> Iterator[tuple[Term, ...]]:
    """Factors of the radial force: one function for all pairs, or one for each pair of kinds."""
    couplings: list[Factors] = [(), *((Variable(f"{name}_1"), Variable(f"{name}_2")) for name in values)]
    yield from ((("radial", factors),) for factors in couplings)
    for name, own in values.items():
        levels = np.unique(own)
        if len(levels) <= MOST_KINDS:
            for reciprocal in (True, False):
                yield tuple(("radial", (factor,)) for factor in _of_kinds(name, levels, reciprocal=reciprocal))


def _of_kinds(name: str, levels: np.ndarray, *, reciprocal: bool) -> Iterator[Expression]:
    """A factor for each pair of kinds: 1 for it, and 0 for all others."""
    for i, j in product(range(len(levels)), repeat=2):
        one = _is(f"{name}_1", levels, i), _is(f"{name}_2", levels, j)
        if not reciprocal or i == j:
            yield Call("mul", one)
        elif i < j:
            other = _is(f"{name}_1", levels, j), _is(f"{name}_2", levels, i)
            yield Call("add", (Call("mul", one), Call("mul", other)))


def _is(variable: str, levels: Sequence[float] | np.ndarray, which: int) -> Expression:
    """Lagrange's polynomial of one level: 1 there, and 0 at all others."""
    factors: list[Expression] = []
    for k, level in enumerate(levels):
        if k != which:
            away = Call("sub", (Variable(variable), Constant(float(level), free=False)))
            factors.append(Call("div", (away, Constant(float(levels[which] - level), free=False))))
    return factors[0] if len(factors) == 1 else Call("mul", tuple(factors))
