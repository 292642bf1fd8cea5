"""Laws of two sides: one expression where a variable is beyond a threshold, another elsewhere.

For each variable and each of some thresholds both sides are fitted apart, every
tree on each. For the best the threshold is then moved to the gap between
neighbouring samples where the two sides part best, found from sums over the
sorted samples, and the sides are fitted again. A comparison without `IF` is a
step of height 1.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool

from limbeck._types import Samples
from limbeck.expressions import Call, Constant, Expression, Variable, evaluate

from ._grow import Forest
from ._sample import Sample, Terms, fitted, loss_of, sampled
from ._terms import ONE, coefficients, combined, directions

COMPARISONS = {">=": "ge", ">": "gt", "<=": "le", "<": "lt"}
UPWARD = ("ge", "gt")
ZERO = Constant(0.0, free=False)
THRESHOLDS = 24
ON_A_SIDE = 300  # trees tried on each side
FEWEST = 8  # samples on a side
KEPT = 6
PASSES = 4  # of moving the threshold and fitting the sides
STEPS = 10
ERRORS_FROM_ZERO = 3.0  # a side whose mean is no more standard errors from zero is zero


class _Gate(NamedTuple):
    """Where the sides part."""

    variable: str
    threshold: float
    comparison: str

    def holds(self, sample: Sample) -> Bool[np.ndarray, " samples"]:
        """On which samples the comparison holds."""
        beyond = sample.columns[self.variable] >= self.threshold
        return beyond if self.comparison in UPWARD else ~beyond

    @property
    def test(self) -> Call:
        """The comparison."""
        return Call(self.comparison, (Variable(self.variable), Constant(self.threshold)))


Maker = Callable[[_Gate, Forest, Sample], Iterator[Expression]]


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
    make: Maker = _conditional if "IF" in operators else _step
    found = []
    for gate in _gates(sample, COMPARISONS[named[0]] if named else "ge"):
        found += [(loss_of(law, sample), gate, law) for law in make(gate, forest, sample)]
    best = sorted(found, key=lambda item: item[0])[:KEPT]
    laws = [placed(law, sample) for _, _, law in best]
    # Fitted anew on the samples that now are on each side, not only with other numbers.
    for law in laws[:2]:
        gate = _gate_of(law)
        if gate is not None:
            laws += [placed(made, sample) for made in make(gate, forest, sample)]
    return laws


def placed(expression: Expression, sample: Sample) -> Expression:
    """The expression with its threshold where the two sides part best, and its sides fitted.

    Args:
        expression: Any tree; one without a comparison of a variable with a number stays as it is.
        sample: The samples.

    Returns:
        The tree, never worse on the samples.
    """
    best, lowest = expression, loss_of(expression, sample)
    for _ in range(PASSES):
        gate = _gate_of(best)
        if gate is None:
            return best
        moved, loss = fitted(_moved(best, gate, sample), sample, STEPS)
        if not loss < lowest:
            return best
        best, lowest = moved, loss
    return best


def _gate_of(expression: Expression) -> _Gate | None:
    """The first comparison of a variable with a number in a tree."""
    if not isinstance(expression, Call):
        return None
    if expression.op in COMPARISONS.values():
        left, right = expression.args
        if isinstance(left, Variable) and isinstance(right, Constant):
            return _Gate(left.name, right.value, expression.op)
        return None
    return next((gate for gate in map(_gate_of, expression.args) if gate is not None), None)


def _put(expression: Expression, gate: _Gate, new: Expression) -> Expression:
    """The tree with something else in the place of a comparison."""
    if not isinstance(expression, Call):
        return expression
    if expression == gate.test:
        return new
    return Call(expression.op, tuple(_put(argument, gate, new) for argument in expression.args))


def _moved(expression: Expression, gate: _Gate, sample: Sample) -> Expression:
    """The tree with the threshold in the gap that leaves the smallest sum of squares."""
    values = sample.columns[gate.variable]
    costs = []
    for truth in (Constant(1.0, free=False), ZERO):
        value = evaluate(_put(expression, gate, truth), sample.columns)
        with np.errstate(all="ignore"):
            cost = (sample.root * (value - sample.target)) ** 2
        costs.append(np.where(np.isfinite(cost), cost, np.inf))
    above, below = costs if gate.comparison in UPWARD else costs[::-1]
    order = np.argsort(values, kind="stable")
    places = values[order]
    with np.errstate(all="ignore"):
        total = np.cumsum(below[order])[:-1] + np.cumsum(above[order][::-1])[::-1][1:]
    total = np.where((places[1:] > places[:-1]) & np.isfinite(total), total, np.inf)
    if not np.isfinite(total.min(initial=np.inf)):
        return expression
    k = int(np.argmin(total))
    moved = gate._replace(threshold=float((places[k] + places[k + 1]) / 2))
    return _put(expression, gate, moved.test)


def _gates(sample: Sample, comparison: str) -> Iterator[_Gate]:
    """Thresholds along each variable."""
    for name, values in sample.columns.items():
        for share in np.linspace(0, 1, THRESHOLDS + 2)[1:-1]:
            place = float(np.quantile(values, share))
            beyond = int(np.sum(values >= place))
            if min(beyond, len(values) - beyond) >= FEWEST:
                yield _Gate(name, place, comparison)


def _conditional(gate: _Gate, forest: Forest, sample: Sample) -> Iterator[Expression]:
    """`IF` with the best on either side."""
    holds = gate.holds(sample)
    if min(holds.sum(), (~holds).sum()) < 3:
        return
    for then in _side(holds, forest, sample):
        for otherwise in _side(~holds, forest, sample):
            yield Call("if", (gate.test, then, otherwise))


def _step(gate: _Gate, forest: Forest, sample: Sample) -> Iterator[Expression]:
    """A step at the threshold, with its height and an offset."""
    del forest  # a step multiplies nothing
    truth = gate.holds(sample).astype(float)
    ones = np.ones(len(truth))
    numbers = coefficients(np.stack([truth, ones]), sample, ones)
    if numbers is not None:
        yield combined([Call("mul", (ONE, gate.test)), ONE], numbers.tolist(), ONE)


def _side(rows: Bool[np.ndarray, " samples"], forest: Forest, sample: Sample) -> list[Expression]:
    """The best number, and the best tree with slope and offset, on some samples."""
    part = sampled({}, sample.target[rows], sample.root[rows])
    made: list[Expression] = [_number(part)]
    values: Terms = forest.values[:ON_A_SIDE][:, rows]
    ones = np.ones(len(part.target))
    if np.ptp(part.target) == 0:
        return made
    best = int(np.argmax(directions(values, part, ones).explained))
    for terms in (values[best : best + 1], np.vstack([values[best], ones])):
        numbers = coefficients(terms, part, ones)
        if numbers is not None:
            made.append(combined([forest.expression(best), ONE][: len(terms)], numbers.tolist(), ONE))
    return made


def _number(part: Sample) -> Constant:
    """The mean of a side, or zero where nothing tells it from that."""
    weights: Samples = part.root**2
    mean = float(np.average(part.target, weights=weights))
    error = float(np.sqrt(np.average((part.target - mean) ** 2, weights=weights) / len(weights)))
    return ZERO if abs(mean) <= ERRORS_FROM_ZERO * error else Constant(mean)
