"""Every small tree over some leaves, none twice, all of a size at once.

Trees stand in arrays (operator, left, right) beside their values on the samples;
an `Expression` is made only of those that are asked for. A tree whose values are
a multiple of those of an earlier one is dropped, which also takes care of
commuted, re-associated and cancelled forms: what stays is canonical.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck.expressions import Call, Constant, Expression

from ._sample import Terms

CHUNK = 4096  # trees made at a time: 8 MB at 256 samples
MOST_TREES = 100_000  # kept with their values: 200 MB at 256 samples
KEPT_WHEN_FULL = 8  # of each chunk beyond that, the best by `score`
SMALLEST = 1e-250  # of a value that can be divided by
DIGITS = 1e8  # values that agree to 8 digits are the same

Unary = Callable[[Terms], Terms]
UNARY: dict[str, tuple[str, Unary]] = {
    "inverse": ("/", lambda u: 1.0 / u),
    "square": ("^", lambda u: u * u),
    "exp": ("exp", np.exp),
    "falling": ("exp", lambda u: np.exp(-u)),
    "log": ("log", np.log),
    "sqrt": ("sqrt", np.sqrt),
    "sin": ("sin", np.sin),
    "cos": ("cos", np.cos),
    "tanh": ("tanh", np.tanh),
    "abs": ("abs", np.abs),
}
BINARY = {
    "mul": ("*", np.multiply),
    "add": ("+", np.add),
    "sub": ("-", np.subtract),
    "div": ("/", np.divide),
    "min": ("min", np.minimum),
    "max": ("max", np.maximum),
}


def unary_call(kind: str, argument: Expression) -> Expression:
    """A function of a tree.

    Args:
        kind: A key of `UNARY`.
        argument: The tree.

    Returns:
        The expression; constants that make it are part of its form.
    """
    if kind == "inverse":
        return Call("div", (Constant(1.0, free=False), argument))
    if kind == "square":
        return Call("pow", (argument, Constant(2.0, free=False)))
    if kind == "falling":
        return Call("exp", (Call("neg", (argument,)),))
    return Call(kind, (argument,))


class _Batch(NamedTuple):
    """Trees that are made by one operator."""

    kind: str
    left: Int[np.ndarray, " terms"]
    right: Int[np.ndarray, " terms"]


@dataclass
class Forest:
    """Trees with their values.

    Attributes:
        leaves: Trees of size 1.
        values: Values of each tree.
        sizes: Number of nodes of each tree, a leaf counting 1.
        parents: Operator, left and right tree of each tree; empty and -1 for a leaf.
        evaluated: Trees that were evaluated, those that were dropped included.
    """

    leaves: list[Expression]
    values: Terms
    sizes: Int[np.ndarray, " terms"]
    parents: list[tuple[str, int, int]] = field(default_factory=list)
    evaluated: int = 0

    def expression(self, index: int) -> Expression:
        """The tree at an index.

        Args:
            index: Its place.

        Returns:
            The tree as an expression.
        """
        kind, left, right = self.parents[index]
        if not kind:
            return self.leaves[left]
        if kind in UNARY:
            return unary_call(kind, self.expression(left))
        return Call(kind, (self.expression(left), self.expression(right)))


def grow(
    leaves: list[Expression],
    values: Terms,
    operators: tuple[str, ...],
    *,
    budget: int,
    largest: int,
    score: Callable[[Terms], Float[np.ndarray, " terms"]],
    too_late: Callable[[], bool],
) -> Forest:
    """List trees by size until the budget, the largest size or the time is reached.

    Args:
        leaves: Trees to begin with.
        values: Their values.
        operators: Operator symbols that may be used.
        budget: Trees that may be evaluated.
        largest: Size of the largest trees.
        score: How well trees explain the target; asked where not all can be kept.
        too_late: Whether the time is over.

    Returns:
        The trees, the smallest first.
    """
    nursery = _Nursery(leaves, values, score)
    sizes = {1: np.arange(len(nursery.parents))}
    for size in range(2, largest + 1):
        first = len(nursery.parents)
        for batch in _batches(sizes, size, operators):
            if nursery.evaluated >= budget or too_late():
                break
            left = budget - nursery.evaluated
            nursery.make(_Batch(batch.kind, batch.left[:left], batch.right[:left]), size)
        nursery.settle()
        sizes[size] = np.arange(first, len(nursery.parents))
        if nursery.evaluated >= budget or too_late():
            break
    return Forest(leaves, nursery.values, np.array(nursery.sizes, dtype=int), nursery.parents, nursery.evaluated)


def _batches(sizes: dict[int, Int[np.ndarray, " terms"]], size: int, operators: tuple[str, ...]) -> Iterator[_Batch]:
    """All trees of a size, a chunk at a time."""
    below = sizes[size - 1]
    for kind, (symbol, _) in UNARY.items():
        if symbol in operators:
            for start in range(0, len(below), CHUNK):
                left = below[start : start + CHUNK]
                yield _Batch(kind, left, np.full(len(left), -1))
    for small in range(1, size - 1):
        one, two = sizes[small], sizes[size - 1 - small]
        for kind, (symbol, _) in BINARY.items():
            # Only a quotient changes with the order of its two trees by more than a factor.
            if symbol in operators and (kind == "div" or small <= size - 1 - small):
                rows = max(1, CHUNK // max(1, len(two)))
                for start in range(0, len(one), rows):
                    left = one[start : start + rows]
                    yield _Batch(kind, np.repeat(left, len(two)), np.tile(two, len(left)))


class Known:
    """Values that were seen, up to a factor."""

    def __init__(self, samples: int) -> None:
        """Begin with none.

        Args:
            samples: How many samples values have.
        """
        # Any two directions do: they only tell values apart.
        self.directions = np.random.default_rng(0).uniform(0.5, 1.5, (samples, 2))
        self.seen: set[tuple[int, int]] = set()

    def add(self, values: Terms) -> Bool[np.ndarray, " terms"]:
        """Remember values.

        Args:
            values: One row a tree.

        Returns:
            Which are finite, vary, and are no multiple of any that was seen.
        """
        with np.errstate(all="ignore"):
            largest = np.max(np.abs(values), axis=1, initial=0.0)
            usable = np.isfinite(largest) & (largest > SMALLEST) & (np.ptp(values, axis=1) > 1e-9 * largest)
        found = np.zeros(len(values), dtype=bool)
        places = np.flatnonzero(usable)
        keys = np.rint((values[places] / largest[places, None]) @ self.directions * DIGITS).astype(np.int64)
        # Of a tree and its negative, one is kept.
        keys *= np.where(keys[:, :1] < 0, -1, 1)
        for place, key in zip(places.tolist(), map(tuple, keys.tolist()), strict=True):
            if key not in self.seen:
                self.seen.add(key)
                found[place] = True
        return found


class _Nursery:
    """Where trees are made and duplicates dropped."""

    def __init__(
        self, leaves: list[Expression], values: Terms, score: Callable[[Terms], Float[np.ndarray, " terms"]]
    ) -> None:
        """Plant the leaves."""
        samples = values.shape[1]
        self.score = score
        self.known = Known(samples)
        self.parents: list[tuple[str, int, int]] = []
        self.sizes: list[int] = []
        self.fresh: list[Terms] = []
        self.values: Terms = np.zeros((0, samples))
        self.evaluated = len(leaves)
        kept = self.known.add(values)
        self._add(values[kept], [("", int(k), -1) for k in np.flatnonzero(kept)], 1)
        self.settle()

    def make(self, batch: _Batch, size: int) -> None:
        """Evaluate trees and keep the new ones."""
        self.evaluated += len(batch.left)
        with np.errstate(all="ignore"):
            if batch.kind in UNARY:
                values = UNARY[batch.kind][1](self.values[batch.left])
            else:
                values = BINARY[batch.kind][1](self.values[batch.left], self.values[batch.right])
        kept = np.flatnonzero(self.known.add(values))
        if len(self.parents) >= MOST_TREES and len(kept):
            kept = np.sort(kept[np.argsort(-self.score(values[kept]), kind="stable")[:KEPT_WHEN_FULL]])
        pairs = zip(batch.left[kept].tolist(), batch.right[kept].tolist(), strict=True)
        self._add(values[kept], [(batch.kind, left, right) for left, right in pairs], size)

    def _add(self, values: Terms, parents: list[tuple[str, int, int]], size: int) -> None:
        """Remember trees; their values are joined to the rest when the size is complete."""
        self.fresh.append(values)
        self.parents += parents
        self.sizes += [size] * len(parents)

    def settle(self) -> None:
        """Let trees of this size be arguments of larger ones."""
        self.values = np.concatenate([self.values, *self.fresh])
        self.fresh = []
