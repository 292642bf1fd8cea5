"""Best-first search among formulas and their neighbours, each refitted before it is judged.

Engines give rough forms. Here they are refitted on the data, the neighbours of the best
are tried, and so on. What a formula is, how it is fitted and what its neighbours
are is the bench's business: `regress` climbs on tables, `compose` on laws.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, Protocol, TypeVar, runtime_checkable

PRICE = 0.1
FLOOR = 1e-8  # losses below this are rounding: simpler wins
EXACT = 1e-6  # a formula this good can only be beaten by a smaller one
EXPANDED = 24  # formulas whose neighbours are looked at
MOST_TRIED = 700  # formulas that are tried
HOPELESS = 2.0  # a formula this much dearer than the best after a first try is not fitted in full

Form = TypeVar("Form")


@runtime_checkable
class Candidate(Protocol):
    """A refitted formula."""

    @property
    def loss(self) -> float:
        """Error on samples that it was not fitted to."""
        ...

    @property
    def size(self) -> float:
        """Complexity; of two equal ones, the formula with fewer fitted numbers is the smaller."""
        ...

    @property
    def is_allowed(self) -> bool:
        """Whether it may be chosen, where any is."""
        ...


Judged = TypeVar("Judged", bound=Candidate)


class AbstractBench(ABC, Generic[Form, Judged]):
    """What formulas are fitted to and judged on."""

    @abstractmethod
    def key(self, form: Form) -> Hashable:
        """What two forms share if they differ in numbers only."""

    @abstractmethod
    def judged(self, form: Form, cheapest: float) -> Judged | None:
        """The refitted form with its error; in full only if it may come near the cheapest price; None if undefined."""

    @abstractmethod
    def form(self, judged: Judged) -> Form:
        """The refitted form."""

    @abstractmethod
    def neighbours(self, form: Form) -> Iterable[Form]:
        """Forms one change away."""


def price(candidate: Candidate, rate: float = PRICE) -> float:
    """What is minimised: log-loss plus so much for each unit of size.

    Args:
        candidate: A refitted formula.
        rate: Fall of the log-loss that a unit of size must buy.

    Returns:
        The price.
    """
    return math.log(max(candidate.loss, FLOOR)) + rate * candidate.size


def least_price(size: float) -> float:
    """What a formula of some size costs at least, however well it fits.

    Args:
        size: Its complexity.

    Returns:
        The price with a loss that is rounding.
    """
    return math.log(FLOOR) + PRICE * size


def unit_price(n_samples: int) -> float:
    """What a unit of complexity must lower the log-loss by: log(n)/n.

    Half of that a number would cost by the Bayesian information criterion; a unit of form
    is paid as much again and more, since hundreds of forms are tried.

    Args:
        n_samples: Number of samples.

    Returns:
        The price of a unit.

    Source:
        Schwarz (1978), Annals of Statistics 6, 461, for the cost of a number.
    """
    return math.log(max(n_samples, 2)) / max(n_samples, 2)


def falling(ordered: Iterable[Judged]) -> tuple[Judged, ...]:
    """Those whose loss is lower than that of every simpler one.

    Args:
        ordered: Candidates, simplest first.

    Returns:
        The front, simplest first.
    """
    kept: list[Judged] = []
    for candidate in ordered:
        if not kept or candidate.loss < kept[-1].loss:
            kept.append(candidate)
    return tuple(kept)


class Climb(Generic[Form, Judged]):
    """Formulas that were refitted, one for each form.

    Attributes:
        rate: Fall of the log-loss that a unit of size must buy, to be looked at next.
        tried: Keys of the forms that were tried.
    """

    def __init__(self, bench: AbstractBench[Form, Judged]) -> None:
        """Start empty."""
        self.bench = bench
        self.rate = PRICE
        self.tried: set[Hashable] = set()
        self._judged: dict[Hashable, Judged] = {}
        self._cheapest = math.inf

    def add(self, form: Form) -> None:
        """Refit and judge a form, unless it was tried.

        Args:
            form: A formula with starting values of its constants.
        """
        key = self.bench.key(form)
        if key in self.tried:
            return
        self.tried.add(key)
        judged = self.bench.judged(form, self._cheapest)
        if judged is not None:
            self._judged[key] = judged
            self._cheapest = min(self._cheapest, price(judged)) if judged.is_allowed else self._cheapest

    def run(
        self,
        *,
        is_over: Callable[[], bool],
        most_expanded: int = EXPANDED,
        most_tried: int = MOST_TRIED,
        content_with: float = 0.0,
    ) -> None:
        """Try the neighbours of the best until none is left or the budget is spent.

        Args:
            is_over: Tells when time has run out.
            most_expanded: Formulas whose neighbours are looked at.
            most_tried: Formulas that are tried.
            content_with: Loss below which the cheapest formula's own neighbours are the last that are tried.
        """
        expanded: set[Hashable] = set()
        while len(expanded) < most_expanded and len(self.tried) < most_tried and self._judged and not is_over():
            judged = self._waiting(expanded)
            if judged is None:
                return
            form = self.bench.form(judged)
            expanded.add(self.bench.key(form))
            for neighbour in self.bench.neighbours(form):
                self.add(neighbour)
            cheapest = min(self.ranked(), key=self._price)
            if cheapest.loss < content_with and self.bench.key(self.bench.form(cheapest)) in expanded:
                return

    def _price(self, judged: Judged) -> float:
        """Price at the rate that counts now."""
        return price(judged, self.rate)

    def ranked(self) -> tuple[Judged, ...]:
        """The formulas that may be chosen, simplest first."""
        ordered = sorted(self._judged.values(), key=lambda s: (s.size, s.loss))
        return tuple(s for s in ordered if s.is_allowed) or tuple(ordered)

    def _waiting(self, expanded: set[Hashable]) -> Judged | None:
        """The cheapest formula whose neighbours were not looked at, on the front or nearly as cheap as the best."""
        ranked = self.ranked()
        cheapest = sorted(ranked, key=self._price)
        candidates = [*cheapest[:1], *sorted(falling(ranked), key=self._price), *cheapest[1:3]]
        if cheapest[0].loss < EXACT:
            candidates = [s for s in candidates if s.size <= cheapest[0].size]
        return next((s for s in candidates if self.bench.key(self.bench.form(s)) not in expanded), None)
