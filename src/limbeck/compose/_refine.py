"""From halls of fame to one law: put equations together, refit, change, refit, choose.

The candidates come from samples of the network; they are judged on accelerations
of training snapshots (fit) and validation snapshots (choice). A part has to earn
its complexity: each unit must lower the log-loss by `PRICE`.
"""

import math
from collections.abc import Callable, Hashable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from limbeck.expressions import (
    Call,
    Constant,
    Expression,
    Variable,
    evaluate,
    free_constants,
    simplify,
    variables,
)
from limbeck.regress import EXACT, HOPELESS, AbstractBench, Climb, HallOfFame, falling, least_price, neighbours, price

from ._law import Law, is_one_body
from ._refit import law_loss, refit
from ._states import States
from ._two_powers import two_power_laws
from ._writing import canonical, form_key, with_leading_constants

EXPANDED_AGAIN = 6  # formulas whose neighbours are looked at once more, after two powers have joined
STARTS = 12  # equations of a front that are tried in the law
SCREENING_STEPS = 8
MANY_NUMBERS = 8  # in a channel: a climb adds none to them, since exact data would pay for each without an end
DISTANCES = frozenset({"r", "r_1", "v_1"})


@dataclass(frozen=True)
class Scored:
    """A refitted law with its error on validation snapshots.

    Attributes:
        law: The law.
        loss: `law_loss` on the validation snapshots.
        is_allowed: Whether it keeps the third law, where that is asked for.
        size: Complexity; of two equal ones, the law with fewer fitted numbers is the smaller.
    """

    law: Law
    loss: float
    is_allowed: bool
    size: float

    @property
    def price(self) -> float:
        """What is minimised: log-loss plus the price of the size."""
        return price(self)


@dataclass(frozen=True, kw_only=True)
class Refined:
    """The law that was chosen, among those that were tried.

    Attributes:
        chosen: The law with the lowest price.
        front: Laws whose loss is lower than that of every simpler one, simplest first.
        tried: Number of laws that were refitted.
        starts: Laws that it began with.
    """

    chosen: Scored
    front: tuple[Scored, ...]
    tried: int
    starts: tuple[Law, ...] = ()


def refine(
    starts: Iterable[Law],
    screen_on: States,
    fit_on: States,
    judge_on: States,
    *,
    extras: tuple[str, ...],
    signs: frozenset[str],
    reciprocal: bool,
    is_over: Callable[[], bool],
) -> Refined | None:
    """Find the best law near some.

    Args:
        starts: Where to begin.
        screen_on: Few snapshots that every law is tried on first.
        fit_on: Snapshots that constants are fitted to.
        judge_on: Snapshots that laws are compared on.
        extras: Channels that may be added as a constant (`friction`, `drag`, `uniform_x`, ...).
        signs: Variables with one magnitude throughout.
        reciprocal: Whether only laws that keep the third law may be chosen, where there are any.
        is_over: Tells when time has run out.

    Returns:
        The best law and the front, or None if no candidate is defined on the data.
    """
    attributes = tuple(name[:-2] for name in fit_on.edges if name.endswith("_2"))
    bench = _LawBench(screen_on, fit_on, judge_on, reciprocal, extras, attributes, signs)
    climb, starts = Climb(bench), tuple(starts)
    for law in starts:
        climb.add(bench.canonical(law))
    climb.run(is_over=is_over)
    if climb.ranked() and not is_over() and min(climb.ranked(), key=price).loss > EXACT:
        for law in two_power_laws(min(climb.ranked(), key=price).law, fit_on):
            climb.add(bench.canonical(law))
        climb.run(is_over=is_over, most_expanded=EXPANDED_AGAIN)
    ranked = climb.ranked()
    if not ranked:
        return None
    return Refined(chosen=min(ranked, key=price), front=falling(ranked), tried=len(climb.tried), starts=starts)


@dataclass(frozen=True)
class _LawBench(AbstractBench[Law, Scored]):
    """How laws are refitted, judged and changed."""

    screen_on: States
    fit_on: States
    judge_on: States
    reciprocal: bool
    extras: tuple[str, ...]
    attributes: tuple[str, ...]
    signs: frozenset[str]

    def canonical(self, law: Law) -> Law:
        """The law as all laws are written here."""
        return canonical(law, self.signs)

    def key(self, form: Law) -> Hashable:
        """The form without its numbers, every force with a factor."""
        return form_key(with_leading_constants(form))

    def form(self, judged: Scored) -> Law:
        """The refitted law."""
        return judged.law

    def judged(self, form: Law, cheapest: float) -> Scored | None:
        """Refit and score a law; in full only if a first try shows promise."""
        if not form.components or least_price(_size(form)) > cheapest:
            return None
        law = with_leading_constants(form)
        scored = self._scored(refit(law, self.screen_on, steps=SCREENING_STEPS, rounds=1))
        if scored.price >= cheapest + HOPELESS:
            # A few particles that a form does not mean to describe bend a first fit; its own numbers may be right.
            scored = min(scored, self._scored(law), key=price)
        if scored.price < cheapest + HOPELESS:
            full = self._scored(refit(with_leading_constants(scored.law), self.fit_on))
            scored = full if full.loss < scored.loss else scored
        return scored if math.isfinite(scored.loss) else None

    def _scored(self, law: Law) -> Scored:
        """A law in its simplest writing, with its loss on the judging snapshots."""
        law = Law(components={name: simplify(e) for name, e in law.components.items()}, dim=law.dim)
        loss = law_loss(law, self.judge_on)
        return Scored(law, loss, not self.reciprocal or is_reciprocal(law, self.judge_on), _size(law))

    def neighbours(self, form: Law) -> list[Law]:
        """Laws one change away; of many numbers only those that have no more."""
        most = max(MANY_NUMBERS, _numbers(form))
        laws = (self.canonical(law) for law in neighbouring_laws(form, self.extras, self.attributes))
        return [law for law in laws if _numbers(law) <= most]


def _numbers(law: Law) -> int:
    """Fitted numbers of the channel that has most."""
    return max((len(free_constants(e)) for e in law.components.values()), default=0)


def _size(law: Law) -> float:
    """Complexity; of two equal ones, the law with fewer fitted numbers is the smaller."""
    return law.complexity + 0.1 * len(law.constants)


def is_reciprocal(law: Law, states: States) -> bool:
    """Whether the force on the sender is minus the force on the receiver, on the given states.

    Args:
        law: A law.
        states: Snapshots as columns.

    Returns:
        True if every pair channel keeps the third law to one part in a thousand.
    """
    columns = dict(states.edges)
    swapped = {}
    for name, values in columns.items():
        stem, _, end = name.rpartition("_")
        if stem:
            swapped[name] = columns[f"{stem}_{'2' if end == '1' else '1'}"]
        else:
            swapped[name] = values if name == "r" else -values
    for name, expression in law.components.items():
        if name == "inertia" or is_one_body(name):
            continue
        sign = -1.0 if name.startswith("message_") else 1.0
        with np.errstate(all="ignore"):
            there, back = (np.asarray(evaluate(expression, c), dtype=float) for c in (columns, swapped))
            kept = np.abs(there - sign * back) <= 1e-3 * (np.abs(there) + np.median(np.abs(there)))
        if not kept.all():
            return False
    return True


def starts_of(halls: Mapping[str, HallOfFame], dim: int) -> list[Law]:
    """The main channel's starts and front, each with the best equation of every other channel.

    Args:
        halls: A hall of fame for each channel.
        dim: Dimension of space.

    Returns:
        Laws.
    """
    main = max(halls, key=lambda name: (name == "radial", name.startswith("message"), name))
    others = {name: hall.hopeful[0].expression for name, hall in halls.items() if name != main}
    forms = [*halls[main].starts, *(equation.expression for equation in halls[main].hopeful[:STARTS])]
    return [Law(components={main: form, **others}, dim=dim) for form in forms]


def neighbouring_laws(law: Law, extras: tuple[str, ...], attributes: tuple[str, ...]) -> list[Law]:
    """Laws with one channel changed, left out or added, or with another attribute in the place of one.

    Args:
        law: Where to start.
        extras: Channels that may be added as a constant.
        attributes: Attributes that a channel may couple to.

    Returns:
        Laws one change away.
    """
    found = _with_others(law, attributes)
    if "inertia" in law.components:
        found += [_with_inertia(law, Variable(f"{name}_1")) for name in attributes]
    for name, expression in law.components.items():
        rest = {k: e for k, e in law.components.items() if k != name}
        if name == "inertia" or any(other != "inertia" for other in rest):
            found.append(Law(components=rest, dim=law.dim))
        changed = neighbours(expression, DISTANCES & variables(expression))
        coupled = [Call("mul", (expression, factor)) for factor in couplings(name, attributes)]
        found += [Law(components={**law.components, name: new}, dim=law.dim) for new in (*changed, *coupled)]
    for name in (extra for extra in extras if extra not in law.components):
        for start in (Constant(1e-3), *(Call("mul", (Constant(1e-3), f)) for f in couplings(name, attributes))):
            found.append(Law(components={**law.components, name: start}, dim=law.dim))
    return found


def _with_others(law: Law, attributes: tuple[str, ...]) -> list[Law]:
    """Laws with another attribute in the place of each."""
    used = [name for name in attributes if law.depends_on(name)]
    return [law.with_other(old, new) for old in used for new in attributes if new != old]


def _with_inertia(law: Law, inertia: Variable) -> Law:
    """A law in which one attribute resists, as in most; functions that are nearly it may be many steps away from it."""
    was = law.components["inertia"]
    with np.errstate(all="ignore"):
        size = float(evaluate(was, dict.fromkeys(variables(was), np.float64(1.0))))  # attributes are of about this size
    scale = Constant(1.0 / size if np.isfinite(size) and size else 1.0)
    forces = {name: Call("mul", (scale, e)) for name, e in law.components.items() if name != "inertia"}
    return Law(components={**forces, "inertia": inertia}, dim=law.dim)


def couplings(channel: str, attributes: tuple[str, ...]) -> list[Expression]:
    """Attributes that a channel may couple to: the receiver's own, or the product of both ends.

    Args:
        channel: Name of the channel.
        attributes: Names of attributes.

    Returns:
        A factor for each; none where a channel has no use for them.
    """
    if channel == "inertia" or channel.startswith("message_"):
        return []
    if is_one_body(channel):
        return [Variable(f"{name}_1") for name in attributes]
    return [Call("mul", (Variable(f"{name}_1"), Variable(f"{name}_2"))) for name in attributes]
