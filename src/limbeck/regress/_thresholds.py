"""Laws of two sides: one expression where a variable is beyond a threshold, another elsewhere.

For each variable and each of some thresholds both sides are fitted apart, every
tree on each; for the best, every gap between neighbouring samples is tried as
the threshold. A comparison without `IF` is a step of height 1.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from limbeck._types import Samples
from limbeck.expressions import Call, Constant, Expression, Variable

from ._grow import Forest
from ._sample import Sample, Terms, loss_of
from ._terms import ONE, coefficients, combined, directions

COMPARISONS = {">=": "ge", ">": "gt", "<=": "le", "<": "lt"}
THRESHOLDS = 24
ON_A_SIDE = 300  # trees tried on each side
FEWEST = 8  # samples on a side
KEPT = 6
EMPTY = 1e-9  # of the spread: a side that is nothing but one number


class _Gate(NamedTuple):
    """Where the sides part."""

    variable: str
    threshold: float

    def beyond(self, sample: Sample) -> Bool[np.ndarray, " samples"]:
        """Which samples lie beyond the threshold."""
        return sample.columns[self.variable] >= self.threshold


def two_sided(forest: Forest, sample: Sample, operators: tuple[str, ...]) -> list[Expression]:
    """The best laws of two sides.

    Args:
        forest: Trees to put on either side.
        sample: The samples.
        operators: Operator symbols that may be used; `IF` brings `>=` along where no comparison is named.

    Returns:
        Laws with their coefficients fitted; none where neither `IF` nor a comparison is allowed.
    """
    named = [symbol for symbol in COMPARISONS if symbol in operators]
    if "IF" not in operators and not named:
        return []
    comparison = COMPARISONS[named[0]] if named else "ge"
    make = _conditional if "IF" in operators else _step
    found = []
    for gate in _gates(sample):
        for law in make(gate, comparison, forest, sample):
            found.append((loss_of(law, sample), len(found), gate, law))
    best = sorted(found, key=lambda item: item[:2])[:KEPT]
    laws = [law for *_, law in best]
    for gate in dict.fromkeys(_nearest(gate, sample, forest, comparison, make) for _, _, gate, _ in best[:3]):
        laws += make(gate, comparison, forest, sample)
    return laws


def _gates(sample: Sample) -> Iterator[_Gate]:
    """Thresholds along each variable."""
    for name, values in sample.columns.items():
        for share in np.linspace(0, 1, THRESHOLDS + 2)[1:-1]:
            place = float(np.quantile(values, share))
            if _sides_are_filled(values, place):
                yield _Gate(name, place)


def _sides_are_filled(values: Samples, threshold: float) -> bool:
    """Whether there are enough samples on both sides."""
    beyond = int(np.sum(values >= threshold))
    return min(beyond, len(values) - beyond) >= FEWEST


def _nearest(gate: _Gate, sample: Sample, forest: Forest, comparison: str, make) -> _Gate:
    """The gap between neighbouring samples at which the sides are explained best."""
    values = np.unique(sample.columns[gate.variable])
    places = (values[1:] + values[:-1]) / 2
    # Two grid steps on either side hold the true gap.
    near = np.argsort(np.abs(np.searchsorted(places, gate.threshold) - np.arange(len(places))), kind="stable")
    width = 2 * len(places) // THRESHOLDS + 2
    best, lowest = gate, np.inf
    for place in places[np.sort(near[: 2 * width])].tolist():
        if _sides_are_filled(sample.columns[gate.variable], place):
            moved = _Gate(gate.variable, place)
            loss = min((loss_of(law, sample) for law in make(moved, comparison, forest, sample)), default=np.inf)
            best, lowest = (moved, loss) if loss < lowest else (best, lowest)
    return best


def _test(gate: _Gate, comparison: str) -> tuple[Expression, bool]:
    """The comparison, and whether it holds beyond the threshold."""
    test = Call(comparison, (Variable(gate.variable), Constant(gate.threshold)))
    return test, comparison in ("ge", "gt")


def _conditional(gate: _Gate, comparison: str, forest: Forest, sample: Sample) -> Iterator[Expression]:
    """`IF` with the best on either side."""
    beyond = gate.beyond(sample)
    test, holds_beyond = _test(gate, comparison)
    for upper in _side(beyond, forest, sample):
        for lower in _side(~beyond, forest, sample):
            yield Call("if", (test, upper, lower) if holds_beyond else (test, lower, upper))


def _step(gate: _Gate, comparison: str, forest: Forest, sample: Sample) -> Iterator[Expression]:
    """A step at the threshold, with its height and an offset."""
    test, holds_beyond = _test(gate, comparison)
    truth = gate.beyond(sample) if holds_beyond else ~gate.beyond(sample)
    numbers = coefficients(np.stack([truth.astype(float), np.ones(len(truth))]), sample, np.ones(len(truth)))
    if numbers is not None:
        yield combined([test, ONE], numbers.tolist(), ONE)


def _side(rows: Bool[np.ndarray, " samples"], forest: Forest, sample: Sample) -> list[Expression]:
    """The best number and the best tree with slope and offset on some samples."""
    part = Sample({}, sample.target[rows], sample.root[rows])
    mean = float(np.average(part.target, weights=part.root**2))
    plain: Expression = Constant(mean)
    if np.ptp(part.target) <= EMPTY * sample.spread:
        return [plain]
    values: Terms = forest.values[:ON_A_SIDE][:, rows]
    ones = np.ones(int(rows.sum()))
    best = int(np.argmax(directions(values, part, ones).explained))
    made = [plain]
    for terms in (values[best : best + 1], np.vstack([values[best], ones])):
        numbers = coefficients(terms, part, ones)
        if numbers is not None:
            made.append(combined([forest.expression(best), ONE][: len(terms)], numbers.tolist(), ONE))
    return made
