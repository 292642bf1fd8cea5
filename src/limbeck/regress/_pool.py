"""The candidates of one search: the best numbers of every form that was tried."""

from collections.abc import Callable, Iterable

import numpy as np

from limbeck.expressions import Expression

from ._inner_constants import Candidate, decorated, form_of, size_of
from ._sample import Sample, fitted, loss_of

EXACT = 1e-9  # loss below which the samples are explained to rounding


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

    @property
    def over(self) -> bool:
        """Whether budget or time is spent, or the samples are explained to rounding."""
        return self.spent >= self.budget or self.too_late() or self.best_loss < EXACT

    @property
    def best_loss(self) -> float:
        """The lowest loss."""
        return min((candidate.loss for candidate in self.found.values()), default=np.inf)

    def offer(self, expression: Expression) -> None:
        """Take a candidate in if it is better than others of its form.

        Args:
            expression: The candidate.
        """
        self._keep(expression, loss_of(expression, self.sample))

    def _keep(self, expression: Expression, loss: float) -> None:
        """Take a candidate of known loss in."""
        form = form_of(expression)
        if np.isfinite(loss) and (form not in self.found or loss < self.found[form].loss):
            self.found[form] = Candidate(expression, loss, size_of(expression))

    def leaders(self, each: int, within: Iterable[Expression] | None = None) -> list[tuple[Expression, Candidate]]:
        """The best candidates of each size that are better than nothing.

        Args:
            each: How many of a size.
            within: Forms to choose from; None for all.

        Returns:
            Forms with their candidates, the lowest loss first.
        """
        forms = self.found if within is None else dict.fromkeys(f for f in within if f in self.found)
        taken: dict[int, int] = {}
        kept = []
        for form, candidate in sorted(((f, self.found[f]) for f in forms), key=lambda item: item[1].loss):
            if taken.get(candidate.size, 0) < each:
                taken[candidate.size] = taken.get(candidate.size, 0) + 1
                kept.append((form, candidate))
        return kept

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
            if self.over:
                return
            self.refined.add(form)
            self._fit(candidate.expression, steps)

    def _fit(self, expression: Expression, steps: int) -> None:
        """Fit the numbers and take the result in; a promising one gets four times as long."""
        self.spent += steps
        better, loss = fitted(expression, self.sample, steps)
        if loss < 1.5 * self.best_loss:
            self.spent += 4 * steps
            better, loss = fitted(better, self.sample, 4 * steps)
        self._keep(better, loss)

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
