"""A target seen through an outer function: `1/y`, `y**2` and `log(y)` may be the simpler sum."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from limbeck._types import Samples
from limbeck.expressions import Call, Expression, Variable

from ._factors import power_call
from ._sample import Sample, sampled
from ._terms import ONE

SMALLEST = 1e-6  # of the largest value: nearer to zero, an inverse is all about one sample


class Target(NamedTuple):
    """A target and what brings it back.

    Attributes:
        sample: The samples with the new target, weighted so that errors count as they would in the old one.
        outer: Makes an expression for the old target out of one for the new.
        plain: Whether the two are the same.
    """

    sample: Sample
    outer: Callable[[Expression], Expression]
    plain: bool = False


def targets(sample: Sample, operators: tuple[str, ...]) -> Iterator[Target]:
    """The target through what the operators can undo.

    Args:
        sample: The samples.
        operators: Operator symbols that may be used.

    Yields:
        Targets.
    """
    y = sample.target
    size = np.abs(y)
    if not size.min() > SMALLEST * size.max():
        return
    made: list[tuple[Samples, Samples, Callable[[Expression], Expression]]] = []
    with np.errstate(all="ignore"):
        if "/" in operators:
            made.append((1 / y, y**2, lambda inner: Call("div", (ONE, inner))))
        if (y > 0).all() and ("sqrt" in operators or "^" in operators):
            made.append((y**2, 1 / y, lambda inner: power_call(inner, 0.5)))
        if (y > 0).all() and "exp" in operators:
            made.append((np.log(y), y, lambda inner: Call("exp", (inner,))))
    for target, slope, outer in made:
        # At the ends of the range of numbers, squares and inverses are none.
        if np.isfinite(target).all() and np.isfinite(slope).all() and slope.any():
            yield Target(_through(sample, target, slope), outer)


def multiples(sample: Sample, operators: tuple[str, ...]) -> Iterator[Target]:
    """The target times powers of the only variable: `y*x**2` where `y` may be `(1 - cos(x))/x**2`.

    Samples keep their weights. Weighted as in the old target, the few where the variable is next to zero would be
    all there is to see.

    Args:
        sample: The samples.
        operators: Operator symbols that may be used.

    Yields:
        Targets; none where there are several variables.
    """
    if len(sample.columns) != 1 or not {"*", "/"} <= set(operators):
        return
    ((name, column),) = sample.columns.items()
    for exponent in (-2.0, -1.0, 1.0, 2.0):
        with np.errstate(all="ignore"):
            target = sample.target * column**exponent
        if np.isfinite(target).all():
            factor = power_call(Variable(name), -exponent)
            yield Target(
                sampled(sample.columns, target, sample.root), lambda inner, by=factor: Call("mul", (by, inner))
            )


def _through(sample: Sample, target: Samples, slope: Samples) -> Sample:
    """The samples with another target, their weights times the old target's slope in it."""
    return sampled(sample.columns, target, sample.root * np.abs(slope))
