"""Is what an equation leaves over nothing but noise? Then a search may end: nothing larger could be told from it.

Stricter than the doubts about a result (`_residuals`), which need a strong sign against an
equation: here a weak sign is enough to search on, since that costs time only.
Errors of a wrong form follow the inputs, or the equation's own value, in their mean or in their
size; errors that do in neither are noise as far as so many samples can tell.
"""

from collections.abc import Iterator
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.spatial import KDTree
from scipy.special import chdtrc

from limbeck._types import Samples, Table
from limbeck.expressions import Expression, evaluate

from ._ranks import ranks
from ._sample import Sample

MOST = 2_000  # samples that are looked at
FEWEST = 120  # samples by which so many curves can be told from noise
KNOTS = 9  # of a curve, at quantiles
CHANCE = 0.003  # that noise alone is taken for more
NEIGHBOURS = 3.5  # standard deviations by which nearest neighbours may err alike

Columns = Float[np.ndarray, "samples columns"]
Basis = Float[np.ndarray, "samples directions"]


class _Variable(NamedTuple):
    """What errors may follow."""

    curve: Basis
    waves: tuple[Samples, Samples]


class NoiseTest:
    """The samples of a problem, prepared to judge many equations."""

    def __init__(self, sample: Sample) -> None:
        """Look at some of the samples.

        Args:
            sample: Columns, target and weights.
        """
        rows = slice(None, None, -(-len(sample.target) // MOST))
        self.columns = {name: values[rows] for name, values in sample.columns.items()}
        self.target, self.root = sample.target[rows], sample.root[rows]
        self.known = [_variable(values) for values in self.columns.values() if np.ptp(values) > 0]
        self.pairs = [_crossed(one, two) for one, two in combinations(self.known, 2)]
        self.near = _nearest(self.columns)

    def passes(self, expression: Expression) -> bool:
        """Whether the errors of an equation look like noise of one size.

        Args:
            expression: The equation, its numbers fitted.

        Returns:
            False where anything speaks against it, and where there are too few samples to tell.
        """
        if len(self.target) < FEWEST:
            return False
        value = np.broadcast_to(evaluate(expression, self.columns), self.target.shape)
        with np.errstate(all="ignore"):
            error = (self.target - value) * self.root
        if not (np.isfinite(error).all() and np.ptp(error) > 0):
            return False
        ranked = _scores(error)
        if self.near is not None and np.mean(ranked * ranked[self.near]) * np.sqrt(len(ranked)) > NEIGHBOURS:
            return False
        chances = list(self._chances(error, ranked, value))
        return min(chances, default=1.0) * len(chances) > CHANCE or not chances

    def trend(self, expression: Expression) -> float:
        """The chance that noise follows the inputs or the equation as much in its mean; its size may follow them.

        Args:
            expression: The equation, its numbers fitted.

        Returns:
            The chance, times the number of things that it may follow; 1 where there are too few samples to tell.
        """
        value = np.broadcast_to(evaluate(expression, self.columns), self.target.shape)
        error = (self.target - value) * self.root
        if len(self.target) < FEWEST or not (np.isfinite(error).all() and np.ptp(error) > 0):
            return 1.0
        own = [_variable(value)] if np.ptp(value) > 0 else []
        known, ranked = [*self.known, *own], _scores(error)
        bases = [*(v.curve for v in known), *self.pairs, *(_crossed(one, two) for one in self.known for two in own)]
        return min(1.0, len(bases) * min((_chance(basis, ranked) for basis in bases), default=1.0))

    def _chances(self, error: Samples, ranked: Samples, value: Samples) -> Iterator[float]:
        """For each thing that errors may follow, the chance that noise follows it as much."""
        own = [_variable(value)] if np.ptp(value) > 0 else []
        size = _scores(np.abs(error))
        for variable in (*self.known, *own):
            yield _chance(variable.curve, ranked)
            yield _chance(variable.curve, size)
        for basis in (*self.pairs, *(_crossed(one, two) for one in self.known for two in own)):
            yield _chance(basis, ranked)
        if own:  # a law that spans orders of magnitude errs where it is large, on a few samples only
            shapes = [value, *(value * variable.waves[0] for variable in self.known)]
            centred = error - error.mean()
            yield _chance(_basis(np.column_stack(shapes) * self.root[:, None]), centred / np.std(centred))


def _scores(values: Samples) -> Samples:
    """Values by rank, so that a few large ones do not decide; mean 0, variance 1."""
    ranked = ranks(values)
    return (ranked - ranked.mean()) / (ranked.std() or 1.0)


def _variable(values: Samples) -> _Variable:
    """Curves of a variable, by its quantiles and by its ranks."""
    knots = np.unique(np.quantile(values, np.linspace(0, 1, KNOTS)))
    hats = np.column_stack([np.interp(values, knots, row) for row in np.eye(len(knots))])
    scores = _scores(values) / np.sqrt(3.0)
    return _Variable(_basis(hats[:, 1:]), (scores, 1.5 * scores**2 - 0.5))


def _crossed(one: _Variable, two: _Variable) -> Basis:
    """Products of the waves of two variables."""
    return _basis(np.column_stack([a * b for a in one.waves for b in two.waves]))


def _basis(columns: Columns) -> Basis:
    """The directions of some columns, their means taken out."""
    columns = columns - columns.mean(axis=0)
    left, sizes, _ = np.linalg.svd(columns / (np.linalg.norm(columns, axis=0) + 1e-300), full_matrices=False)
    return left[:, sizes > 1e-6]


def _chance(basis: Basis, scores: Samples) -> float:
    """The chance that noise has as much along some directions."""
    return float(chdtrc(basis.shape[1], np.sum((basis.T @ scores) ** 2))) if basis.shape[1] else 1.0


def _nearest(columns: dict[str, Samples]) -> np.ndarray | None:
    """The nearest other sample of each, in units of each variable's spread."""
    scaled = [values / np.std(values) for values in columns.values() if np.std(values) > 0]
    if not scaled or len(scaled[0]) < 2:
        return None
    table: Table = np.column_stack(scaled)
    return np.asarray(KDTree(table).query(table, k=2)[1])[:, 1]
