"""The candidates of one search: the best numbers of every form that was tried."""

import heapq
from collections.abc import Callable, Iterable

import numpy as np

from limbeck.expressions import Expression

from ._inner_constants import EXACT, Candidate, cost_of, decorated, form_of, size_of
from ._sample import Sample, fitted, loss_of

HOPELESS = 4.0  # times the loss of what is no larger
PROMISING = 0.7  # fall of the loss within the first steps that is worth more of them


class Pool:
    """Candidates by form, and what the search has spent."""

    def __init__(self, sample: Sample, operators: tuple[str, ...], budget: int, too_late: Callable[[], bool]) -> None:
        """Begin with nothing.

        Args:
            sample: What candidates are judged on.
            operators: Operator symbols that may be used.
            budget: Evaluations that may be spent.
            too_late: Whether the time is over.
        """
        self.sample = sample
        self.operators = operators
        self.budget = budget
        self.too_late = too_late
        self.spent = 0
        self.found: dict[Expression, Candidate] = {}
        self.refined: set[Expression] = set()
        self.best_loss = np.inf

    @property
    def empty(self) -> bool:
        """Whether budget or time is spent."""
        return self.spent >= self.budget or self.too_late()

    @property
    def over(self) -> bool:
        """Whether budget or time is spent, or the samples are explained to rounding."""
        return self.empty or self.best_loss < EXACT

    def offer(self, expression: Expression, loss: float | None = None) -> Expression:
        """Take a candidate in if it is better than others of its form.

        Args:
            expression: The candidate.
            loss: Its loss where that is known.

        Returns:
            Its form.
        """
        if loss is None:
            loss = loss_of(expression, self.sample)
        form = form_of(expression)
        if np.isfinite(loss) and (form not in self.found or loss < self.found[form].loss):
            self.found[form] = Candidate(expression, loss, size_of(expression))
            self.best_loss = min(self.best_loss, loss)
        return form

    def leaders(
        self, each: int, within: Iterable[Expression] | None = None, behind: float = HOPELESS
    ) -> list[tuple[Expression, Candidate]]:
        """The best candidates of each size that are not far behind a smaller one.

        Args:
            each: How many of a size.
            within: Forms to choose from; None for all.
            behind: Times the loss of what is no larger that a candidate may have.

        Returns:
            Forms with their candidates, the lowest loss first.
        """
        forms = self.found if within is None else dict.fromkeys(f for f in within if f in self.found)
        by_size: dict[int, list[tuple[Expression, Candidate]]] = {}
        for form in forms:
            by_size.setdefault(self.found[form].size, []).append((form, self.found[form]))
        kept, lowest = [], np.inf
        for size in sorted(by_size):
            best = sorted(by_size[size], key=lambda item: item[1].loss)[:each]
            lowest = min(lowest, best[0][1].loss)
            kept += [item for item in best if item[1].loss <= behind * lowest]
        return sorted(kept, key=lambda item: item[1].loss)

    def cheapest(self, count: int) -> list[tuple[Expression, Candidate]]:
        """The candidates with the shortest description.

        Under noise, the best of each size are those with many numbers in them, and a law without any is not among them.

        Args:
            count: How many.

        Returns:
            Forms with their candidates, the cheapest first.
        """
        rows = len(self.sample.target)
        return heapq.nsmallest(count, self.found.items(), key=lambda c: cost_of(c[1].expression, c[1].loss, rows))

    def front(self) -> list[tuple[Expression, Candidate]]:
        """Candidates that nothing of their size or smaller beats, the lowest loss first, then the runners-up.

        Returns:
            Forms with their candidates.
        """
        leading, others, smallest = [], [], np.inf
        for form, candidate in self.leaders(2):
            (leading if candidate.size < smallest else others).append((form, candidate))
            smallest = min(smallest, candidate.size)
        return leading + others

    def refine(self, chosen: list[tuple[Expression, Candidate]], steps: int) -> None:
        """Fit all numbers of some candidates that were not fitted yet.

        Args:
            chosen: Forms with their candidates.
            steps: Levenberg-Marquardt steps at most.
        """
        for form, candidate in chosen:
            if form in self.refined:
                continue
            if self.empty:
                return
            self.refined.add(form)
            self._fit(candidate.expression, steps)

    def _fit(self, expression: Expression, steps: int) -> None:
        """Fit the numbers and take the result in; a promising one gets four times as long."""
        self.spent += steps
        before = loss_of(expression, self.sample)
        better, loss = fitted(expression, self.sample, steps)
        if EXACT < loss < PROMISING * before or loss < PROMISING * self.best_loss:
            self.spent += 4 * steps
            better, loss = fitted(better, self.sample, 4 * steps)
        self.offer(better, loss)

    def decorate(self, chosen: list[tuple[Expression, Candidate]], steps: int) -> None:
        """Give some candidates one more number each, at every place.

        Args:
            chosen: Forms with their candidates.
            steps: Levenberg-Marquardt steps at most.
        """
        for _, candidate in chosen:
            for expression in decorated(candidate.expression, self.sample, self.operators):
                if self.over:
                    return
                form = form_of(expression)
                if form not in self.refined or self.found.get(form) is None:
                    self._fit(expression, steps)
                self.refined.add(form)
