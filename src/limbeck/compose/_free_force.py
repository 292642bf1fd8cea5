"""Free functions in the place of a law's own, fitted to accelerations.

Accelerations are linear in the force. With the factors that attributes make known from a law, what
remains of each channel is a smooth curve of one size (the distance of a pair, the speed of a particle) that least
squares give more exactly than any network: the nonparametric counterpart of a refit. It says how well any law
with these factors could do, so whether a form is exact or an approximation, and shows a search what it has to be.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from jaxtyping import Float
from scipy.interpolate import BSpline

from limbeck._types import Samples
from limbeck.analyse import Channel
from limbeck.expressions import Call, Expression, complexity, evaluate
from limbeck.regress import PRICE, HallOfFame, one_product, two_terms

from ._fronts import Factors, fronts_of, times
from ._law import Law, channel_directions, is_one_body
from ._states import States

# What each channel's curve is a function of.
SIZES = {"radial": "r", "friction": "r", "transverse": "r", "drag": "v_1", "central": "r_1"}
DEGREE = 5
MOST_PIECES = 60
ROWS_A_COEFFICIENT = 30  # components of accelerations for each, so that noise is not fitted
WITHIN = (0.01, 0.99)  # quantiles of the size between which a curve is shown: at its ends it is known worst
SAMPLES = 400
RIDGE = 1e-13  # of the largest singular value: pieces that no pair ever visits stay at nothing
ROUNDING = 1e-9  # share of a curve that says nothing
STARTS = 12  # equations of a curve that are tried in the law


@dataclass(frozen=True, kw_only=True, eq=False)
class FreePart:
    """One term of a channel: factors of attributes times a free function.

    Attributes:
        channel: The channel.
        factors: What stands before the function.
        curve: The function of the channel's size.
        reach: Sizes between which it is known well.
    """

    channel: str
    factors: Factors
    curve: BSpline
    reach: tuple[float, float]

    def values(self, states: States) -> Samples:
        """The term on every edge, or on every particle; beyond the curve's ends its last values count."""
        columns = _columns_of(self.channel, states)
        ends = self.curve.t[[0, -1]]
        return _product(self.factors, columns, self.channel) * self.curve(np.clip(columns[SIZES[self.channel]], *ends))

    def samples(self, name: str) -> Channel:
        """What a search may see of the function.

        Args:
            name: What it is called there.

        Returns:
            Sizes, and the curve at them.
        """
        size = np.geomspace(*self.reach, SAMPLES)
        return Channel(
            name=name, variables=(SIZES[self.channel],), inputs=size[:, None], values=self.curve(size), importance=1.0
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class FreeForce:
    """A law with free functions in the place of its own.

    Attributes:
        rest: What of the law stays as it is.
        parts: Terms with a free function.
    """

    rest: Law
    parts: tuple[FreePart, ...]

    def accelerations(self, states: States) -> Float[np.ndarray, "particles dim"]:
        """Accelerations of every particle with a target.

        Args:
            states: Snapshots as columns.

        Returns:
            Accelerations.
        """
        total = np.zeros_like(states.targets)
        for part in self.parts:
            values = part.values(states)
            for k, direction in enumerate(channel_directions(part.channel, states)):
                if direction is not None:
                    forces = direction * values
                    total[:, k] += forces if is_one_body(part.channel) else states.gather @ forces
        return self.rest.accelerations(states) + total / self.rest.inertia(states)[:, None]

    def channels(self) -> list[Channel]:
        """Samples of every function, for a search; they are called `radial_0` and so on."""
        return [part.samples(f"radial_{k}") for k, part in enumerate(self.parts)]

    def laws(self, halls: Sequence[HallOfFame]) -> list[Law]:
        """Laws with equations in the place of the functions.

        Args:
            halls: What a search found for each function.

        Returns:
            Every equation of a function beside the best of all others.
        """
        ranked = self.forms(halls)
        best = [forms[0] for forms in ranked]
        return [self.law([*best[:k], form, *best[k + 1 :]]) for k, forms in enumerate(ranked) for form in forms]

    def forms(self, halls: Sequence[HallOfFame]) -> list[list[Expression]]:
        """Equations near each function.

        Args:
            halls: What a search found for each.

        Returns:
            Those of the search, sums of two terms and products, best first by their trade of error for size.
        """
        return [_near(channel, hall) for channel, hall in zip(self.channels(), halls, strict=True)]

    def law(self, forms: Sequence[Expression]) -> Law:
        """The law with equations in the place of the functions.

        Args:
            forms: One for each function.

        Returns:
            The law.
        """
        terms: dict[str, list[Expression]] = {}
        for part, form in zip(self.parts, forms, strict=True):
            terms.setdefault(part.channel, []).append(times(part.factors, form))
        sums = {name: each[0] if len(each) == 1 else Call("add", tuple(each)) for name, each in terms.items()}
        return Law(components={**self.rest.components, **sums}, dim=self.rest.dim)


def free_force(law: Law, states: States) -> FreeForce | None:
    """Fit free functions in the place of a law's own.

    Args:
        law: A refitted law; factors that know nothing of a channel's size are kept, and so are channels that are no
            sums of such factors times functions of that size.
        states: Snapshots to fit.

    Returns:
        The fitted functions; None where no channel can be taken apart, or the data are too few.
    """
    apart = {
        name: fronts for name, e in law.components.items() if name in SIZES and (fronts := fronts_of(e, SIZES[name]))
    }
    terms = [(name, factors) for name, each in apart.items() for factors in each]
    return fitted(
        terms, Law(components={k: e for k, e in law.components.items() if k not in apart}, dim=law.dim), states
    )


def fitted(terms: Sequence[tuple[str, Factors]], rest: Law, states: States) -> FreeForce | None:
    """Fit free functions beside what is known of a law.

    Args:
        terms: Channel of each function, and the factors before it.
        rest: The channels that are known, the inertia among them.
        states: Snapshots to fit.

    Returns:
        The fitted functions; None without any, or where the data are too few.
    """
    target = ((states.targets - rest.accelerations(states)) * states.weights[:, None]).T.ravel()
    pieces = min(MOST_PIECES, target.size // (ROWS_A_COEFFICIENT * max(len(terms), 1)))
    knots = [_knots(_columns_of(name, states)[SIZES[name]], pieces) for name, _ in terms]
    if not terms or any(k is None for k in knots) or not np.isfinite(target).all():
        return None
    tables = [_table(*term, k, rest, states) for term, k in zip(terms, knots, strict=True) if k is not None]
    table = np.concatenate(tables, axis=1)
    if not np.isfinite(table).all():
        return None
    sizes = np.linalg.norm(table, axis=0)
    sizes[sizes == 0] = 1.0
    found = np.linalg.lstsq(table / sizes, target, rcond=RIDGE)[0] / sizes
    pieces_of = np.split(found, np.cumsum([t.shape[1] for t in tables])[:-1])
    parts = [
        FreePart(channel=name, factors=factors, curve=BSpline(k, own, DEGREE), reach=_reach(name, states))
        for (name, factors), k, own in zip(terms, knots, pieces_of, strict=True)
    ]
    return FreeForce(rest=rest, parts=tuple(parts))


def _near(channel: Channel, hall: HallOfFame) -> list[Expression]:
    """Equations near a curve, best first by their trade of error for size: those of a search, sums and products."""
    size, curve = channel.inputs[:, 0], channel.values
    forms = [*hall.starts, *(equation.expression for equation in hall.hopeful[:STARTS])]
    with_exp = not hall.operators or "exp" in hall.operators
    for family in (two_terms, one_product):
        forms += family(channel.variables[0], size, curve, with_exp=with_exp)

    def cost(form: Expression) -> float:
        with np.errstate(all="ignore"):
            left = np.std(evaluate(form, {channel.variables[0]: size}) - curve) / (np.std(curve) or 1.0)
        return math.log(max(left, ROUNDING)) + PRICE * complexity(form) if math.isfinite(left) else math.inf

    return sorted(forms, key=cost)


def _table(
    channel: str, factors: Factors, knots: Float[np.ndarray, " knots"], rest: Law, states: States
) -> Float[np.ndarray, "components coefficients"]:
    """What each coefficient of a curve contributes to the weighted accelerations, axis after axis."""
    columns = _columns_of(channel, states)
    basis = BSpline.design_matrix(columns[SIZES[channel]], knots, DEGREE)
    factor = _product(factors, columns, channel)
    scale = states.weights / rest.inertia(states)
    parts = []
    for direction in channel_directions(channel, states):
        pull = np.zeros_like(factor) if direction is None else direction * factor
        forces = sp.csr_matrix(sp.diags(pull) @ basis)
        sums = forces if is_one_body(channel) else sp.csr_matrix(states.gather @ forces)
        parts.append(scale[:, None] * sums.toarray())
    return np.concatenate(parts, axis=0)


def _columns_of(channel: str, states: States) -> Mapping[str, Samples]:
    """Columns that a channel's equation names."""
    return states.nodes if is_one_body(channel) else states.edges


def _product(factors: Factors, columns: Mapping[str, Samples], channel: str) -> Samples:
    """Product of a term's factors, row by row."""
    value = np.ones(len(columns[SIZES[channel]]))
    for factor in factors:
        value = value * evaluate(factor, columns)
    return value


def _reach(channel: str, states: States) -> tuple[float, float]:
    """Sizes between which nearly all lie, without 0, of which there is no logarithm."""
    sizes = _columns_of(channel, states)[SIZES[channel]]
    low, high = np.quantile(sizes[sizes > 0], WITHIN)
    return float(low), float(high)


def _knots(size: Samples, pieces: int) -> Float[np.ndarray, " knots"] | None:
    """Knots, half at quantiles and half in equal ratios; None where there are too few for a curve."""
    above = size[size > 0]
    if pieces < 2 * DEGREE or not len(above) or not np.ptp(above):
        return None
    share = (pieces - DEGREE) // 2 + 1
    inner = [np.quantile(above, np.linspace(0, 1, share)), np.geomspace(above.min(), above.max(), share)]
    inside = np.sort(np.concatenate(inner))[2:-2]
    ends = size.min(), size.max()
    return np.concatenate([[ends[0]] * (DEGREE + 1), inside, [ends[1]] * (DEGREE + 1)])
