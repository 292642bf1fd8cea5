"""The stages of one search: in fewer variables where symmetries leave some, then in all; what explains all ends it."""

import heapq
import math
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cached_property
from itertools import islice

from limbeck.expressions import Expression, free_constants, simplify

from ._constants import is_near_one, with_ones
from ._description import description_price, is_series, saved_by_whole, symbols, told_apart
from ._inner_constants import EXACT, cost_of, form_of
from ._noise_level import NoiseTest
from ._problem import Found, Problem, SearchConfig
from ._reduce import reduced
from ._sample import draw, fitted, loss_of

Ask = Callable[[Problem, SearchConfig], Found]
SHORT = 12.0  # symbols of an equation that needs no second look
NEAR = 10  # a search for what is near has one of so many evaluations
# Of the time: how long symmetries are looked for, until when what is near, until when fewer variables.
REDUCING_SHARE, NEAR_SHARE, REDUCED_SHARE = 0.3, 0.3, 0.9
CLEAR = (
    1e-3  # error of the smooth function up to which symmetries are seen well enough for fewer variables to come first
)
CHEAPEST = 16  # equations of a search that are handed on beside the best of each size
JUDGED = 3  # equations that are looked at to see whether a stage is enough
FITTING_STEPS = 20


def staged(ask: Ask, problem: Problem, config: SearchConfig, seed: int, *, nearest_first: bool) -> Found:
    """Ask an engine stage by stage.

    Args:
        ask: The engine.
        problem: Table and target.
        config: How long and how wide to search.
        seed: Decides which samples are looked at for symmetries.
        nearest_first: Whether the engine finds what is small first, so that a short search of all is worth it.

    Returns:
        What the stages found that were needed.
    """
    started, judge = time.monotonic(), Judge(problem, seed)

    def asked(of: Problem, evaluations: int, share: float) -> Found:
        left = config.time_limit and max(share * config.time_limit - (time.monotonic() - started), 0.1)
        return ask(of, replace(config, evaluations=max(evaluations, 1), time_limit=left))

    def enough(found: Found, largest: float) -> Found | None:
        law = judge.explaining((e for e, _ in found.candidates), 0.0 if config.past_noise else largest)
        return None if law is None else found._replace(candidates=[*found.candidates, (law, 0)])

    before: list[Found] = []
    smaller = reduced(problem, seed, REDUCING_SHARE * config.time_limit)
    if nearest_first and (smaller is None or smaller.error > CLEAR):
        near = asked(problem, config.evaluations // NEAR, NEAR_SHARE)
        told = enough(near, SHORT)  # what is longer and fits to noise may stand for a shorter law
        if told is not None:
            return told
        before.append(near)
    if smaller is not None:
        inner = asked(smaller.problem, config.evaluations, REDUCED_SHARE)
        candidates = [(smaller.lifted(e), size) for e, size in inner.candidates]
        lifted = inner._replace(candidates=candidates, symmetry=str(smaller))
        told = enough(lifted, math.inf)
        if told is not None:
            return _joined(told, *before)
        before.append(lifted)
    return _joined(asked(problem, config.evaluations, 1.0), *before)


def _joined(last: Found, *before: Found) -> Found:
    """What several stages found; the last one says whether time ran out."""
    candidates = [candidate for found in (last, *before) for candidate in found.candidates]
    symmetry = next((found.symmetry for found in (last, *before) if found.symmetry), "")
    return Found(candidates, last.evaluations + sum(found.evaluations for found in before), last.out_of_time, symmetry)


class Judge:
    """The samples of a problem, on which equations are priced and compared with noise."""

    def __init__(self, problem: Problem, seed: int) -> None:
        """Look at all samples.

        Args:
            problem: Table and target.
            seed: Decides their order.
        """
        self.sample = draw(problem, len(problem.target), seed)

    @cached_property
    def _noise(self) -> NoiseTest:
        """What errors are compared with."""
        return NoiseTest(self.sample)

    def explaining(self, expressions: Iterable[Expression], largest: float) -> Expression | None:
        """One of the cheapest equations that, refitted, leaves nothing over, or no more than noise.

        Args:
            expressions: Equations.
            largest: Symbols up to which leaving noise is enough.

        Returns:
            The equation; None where no such is among them.
        """
        rows = len(self.sample.target)
        costs = ((cost_of(e, loss_of(e, self.sample), rows), e) for e in expressions)
        for _, expression in heapq.nsmallest(JUDGED, costs, key=lambda item: item[0]):
            law, loss = fitted(expression, self.sample, FITTING_STEPS)
            if loss < EXACT or (_is_enough(law, largest) and self._noise.passes(law)):
                return law
        return None

    def cheapest(self, expressions: Iterable[Expression]) -> list[Expression]:
        """The equations with the shortest description.

        Where there is noise, the best of each size is one with many numbers in it, which hide a law without any.

        Args:
            expressions: Equations.

        Returns:
            A few, the cheapest first, no form twice.
        """
        kept: dict[Expression, tuple[float, Expression]] = {}
        for expression in map(simplify, expressions):
            self._keep(kept, expression, loss_of(expression, self.sample))
        best, rows = min((cost for cost, _ in kept.values()), default=math.inf), len(self.sample.target)
        for cost, expression in list(kept.values()):
            free = free_constants(expression)
            near = sum(is_near_one(float(value)) for value in free)
            if near and cost - near * saved_by_whole(rows) < best:
                ones, loss = fitted(with_ones(expression), self.sample, FITTING_STEPS)
                self._keep(kept, simplify(ones), loss)
        in_order = [e for _, e in sorted(kept.values(), key=lambda item: item[0])]
        return [in_order[k] for k in islice(told_apart([loss_of(e, self.sample) for e in in_order]), CHEAPEST)]

    def _keep(self, kept: dict[Expression, tuple[float, Expression]], expression: Expression, loss: float) -> None:
        """Take in an equation where it is the cheapest of its form."""
        cost = math.log(max(loss, EXACT)) + description_price(expression, len(self.sample.target))
        form = form_of(expression)
        if form not in kept or cost < kept[form][0]:
            kept[form] = (cost, expression)


def _is_enough(law: Expression, largest: float) -> bool:
    """Whether a law that leaves noise is short enough for the search to end."""
    short = simplify(law)
    return math.isinf(largest) or (symbols(short) <= largest and not is_series(short))
