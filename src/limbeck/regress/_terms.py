"""Sums of one, two or three terms: which explain a target best, with their coefficients solved exactly.

Nothing is evaluated here: the fit of every pair is read off the terms' scalar
products, so that a million pairs cost a fraction of a second. A common factor
multiplies all terms and the offset, so that a law `m_1*m_2*(a*f(r) + b*g(r))`
is a sum of two terms too.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float, Int

from limbeck._types import Samples
from limbeck.expressions import Call, Constant, Expression

from ._sample import Sample, Terms

ROUNDING = 1e-11  # a term of this size beside the largest
SAME = 1e-7  # terms whose squared correlation is nearer to 1 are one term
RIDGE = 1e-14  # of scalar products, so that a term which is nothing but offset has a share of 0
CROWD = 25  # groups looked at for each that is kept: grid points of one form crowd together
IN_SUMS = 1_000  # terms of which all pairs are tried
SINGLES = 10  # kept of each size
PAIRS = 12  # kept of each total size
TRIPLES = 2  # kept for each pair
ONE = Constant(1.0, free=False)


@dataclass(frozen=True, eq=False)
class Directions:
    """Terms and target with the offset taken out, each of length 1.

    Attributes:
        terms: Terms, 0 where one is a multiple of the offset.
        target: The target.
    """

    terms: Terms
    target: Samples

    @cached_property
    def along(self) -> Float[np.ndarray, " terms"]:
        """Cosine between each term and the target."""
        return self.terms @ self.target

    @cached_property
    def cosines(self) -> Float[np.ndarray, "terms terms"]:
        """Cosine between each two terms."""
        return self.terms @ self.terms.T

    @property
    def explained(self) -> Float[np.ndarray, " terms"]:
        """Share of the target's variance that each term explains."""
        return self.along**2

    def of(self, places: Int[np.ndarray, " some"]) -> "Directions":
        """Some of the terms.

        Args:
            places: Their indices.

        Returns:
            The same target, those terms.
        """
        return Directions(self.terms[places], self.target)


def directions(values: Terms, sample: Sample, factor: Samples) -> Directions:
    """Take the offset out of terms and target.

    Args:
        values: The terms, without the factor.
        sample: Target and weights.
        factor: What multiplies every term and the offset.

    Returns:
        What is left, of length 1.
    """
    weight = factor * sample.root
    base = weight / np.linalg.norm(weight)
    with np.errstate(all="ignore"):
        terms = values * weight
        terms = terms / np.max(np.abs(terms), axis=1, keepdims=True, initial=1e-300)
        before = np.linalg.norm(terms, axis=1)
        terms -= np.outer(terms @ base, base)
        length = np.linalg.norm(terms, axis=1)
        good = np.isfinite(length) & (length > 1e-9 * before)
        terms = np.where(good[:, None], terms / np.where(good, length, 1.0)[:, None], 0.0)
    target = sample.target * sample.root
    target = target - (target @ base) * base
    return Directions(terms, target / (np.linalg.norm(target) or 1.0))


def best_singles(found: Directions, sizes: Int[np.ndarray, " terms"], keep: int) -> list[tuple[int, ...]]:
    """The terms that explain most at each size.

    Args:
        found: Terms and target.
        sizes: Size of each term.
        keep: How many of each size.

    Returns:
        Indices.
    """
    explained = found.explained
    kept: list[tuple[int, ...]] = []
    for size in np.unique(sizes):
        places = np.flatnonzero(sizes == size)
        order = np.argsort(-explained[places], kind="stable")[:keep]
        kept += [(int(k),) for k in places[order]]
    return kept


def best_pairs(
    found: Directions, sizes: Int[np.ndarray, " terms"], kinds: Int[np.ndarray, " terms"], keep: int
) -> list[tuple[int, ...]]:
    """The pairs that explain most at each total size, over all pairs.

    Args:
        found: Terms and target.
        sizes: Size of each term.
        kinds: Terms of one kind differ by a constant inside; of two kinds one pair is kept.
        keep: How many of each total size.

    Returns:
        Pairs of indices.
    """
    one, two = np.triu_indices(len(found.along), 1)
    cosine, a, b = found.cosines[one, two], found.along[one], found.along[two]
    apart = 1.0 - cosine**2
    explained = np.where(apart > SAME, (a * a + b * b - 2 * a * b * cosine) / np.maximum(apart, SAME), -1.0)
    total = sizes[one] + sizes[two]
    kept: list[tuple[int, ...]] = []
    most = _crowd(kinds) * keep
    for size in np.unique(total):
        places = np.flatnonzero(total == size)
        some = places[np.argpartition(-explained[places], most)[:most]] if len(places) > most else places
        order = some[np.lexsort((some, -explained[some]))]
        kept += _distinct([(int(one[k]), int(two[k])) for k in order if explained[k] > 0], kinds, keep)
    return kept


def _crowd(kinds: Int[np.ndarray, " terms"]) -> int:
    """Groups to look at for each that is kept."""
    return 1 if len(np.unique(kinds)) == len(kinds) else CROWD


def _distinct(groups: list[tuple[int, ...]], kinds: Int[np.ndarray, " terms"], keep: int) -> list[tuple[int, ...]]:
    """The first groups of each combination of kinds."""
    first: dict[tuple[int, ...], tuple[int, ...]] = {}
    for group in groups:
        first.setdefault(tuple(sorted(kinds[list(group)].tolist())), group)
    return list(first.values())[:keep]


def best_triples(
    found: Directions, pairs: Sequence[tuple[int, ...]], kinds: Int[np.ndarray, " terms"], keep: int
) -> list[tuple[int, ...]]:
    """The third terms that explain most beside each of some pairs.

    Args:
        found: Terms and target.
        pairs: Pairs of indices.
        kinds: Terms of one kind differ by a constant inside; each pair is given thirds of different kinds.
        keep: How many for each pair.

    Returns:
        Triples of indices, none twice.
    """
    if not pairs:
        return []
    cosine, places = found.cosines, np.array(pairs)
    beside, within = cosine[places], cosine[places[:, :, None], places[:, None, :]]
    # What is left of terms and target beside a pair, read off the scalar products.
    shares = np.linalg.solve(within + RIDGE * np.eye(2), beside)
    length = np.diag(cosine) - np.einsum("pik,pik->pk", beside, shares)
    along = found.along - np.einsum("pik,pi->pk", shares, found.along[places])
    explained = np.where(length > SAME, along**2 / np.maximum(length, SAME), -1.0)
    orders = np.argsort(-explained, axis=1, kind="stable")[:, : _crowd(kinds) * keep].tolist()
    kept: dict[tuple[int, ...], None] = {}
    for pair, order, share in zip(pairs, orders, explained, strict=True):
        for third in _distinct([(k,) for k in order if share[k] > 0], kinds, keep):
            kept[tuple(sorted((*pair, *third)))] = None
    return list(kept)


def best_groups(
    found: Directions,
    sizes: Int[np.ndarray, " terms"],
    *,
    kinds: Int[np.ndarray, " terms"] | None = None,
    sums: bool,
) -> list[tuple[int, ...]]:
    """The terms, pairs and triples that explain a target best.

    Args:
        found: Terms and target.
        sizes: Size of each term.
        kinds: Terms of one kind differ by a constant inside; None where all differ in form.
        sums: Whether terms may be added.

    Returns:
        Groups of indices.
    """
    count = len(sizes)
    groups = best_singles(found, sizes, SINGLES)
    if sums and count > 1:
        leading = np.argsort(-found.explained, kind="stable")[: IN_SUMS // 2]
        some = np.unique(np.concatenate([np.arange(min(count, IN_SUMS // 2)), leading]))
        part = found.of(some)
        own = (np.arange(count) if kinds is None else kinds)[some]
        pairs = best_pairs(part, sizes[some], own, PAIRS)
        for group in (*pairs, *best_triples(part, pairs, own, TRIPLES)):
            groups.append(tuple(int(some[k]) for k in group))
    return groups


def leading_groups(
    groups: Sequence[tuple[int, ...]], sizes: Int[np.ndarray, " terms"], found: Directions, price: float, most: int
) -> list[tuple[int, ...]]:
    """Of groups of terms, those that are cheapest by what they leave and the size of their terms.

    Args:
        groups: Groups of indices.
        sizes: Size of each term.
        found: Terms and target.
        price: What a unit of size must lower the log-loss by.
        most: How many are kept.

    Returns:
        Groups, the cheapest first.
    """
    costs: list[tuple[float, tuple[int, ...]]] = []
    for count in sorted({len(group) for group in groups}):
        alike = [group for group in groups if len(group) == count]
        places = np.array(alike)
        terms = found.terms[places]
        products = terms @ np.swapaxes(terms, 1, 2) + RIDGE * np.eye(count)
        along = found.along[places]
        left = 1.0 - np.einsum("gk,gk->g", along, np.linalg.solve(products, along[:, :, None])[:, :, 0])
        cost = 0.5 * np.log(np.maximum(left, ROUNDING)) + price * (sizes[places].sum(axis=1) + 2 * count)
        costs += zip(cost.tolist(), alike, strict=True)
    return [group for _, group in sorted(costs)[:most]]


def written(
    terms: Sequence[Expression], values: Terms, sample: Sample, factor: tuple[Expression, Samples]
) -> Iterator[tuple[Expression, float]]:
    """A sum of terms under a factor, with its coefficients, without and with an offset.

    Args:
        terms: The terms.
        values: Their values.
        sample: Target and weights.
        factor: What multiplies the sum.

    Yields:
        Expressions with their losses.
    """
    for offset in (False, True):
        columns = np.vstack([values, np.ones(values.shape[1])]) if offset else values
        numbers = coefficients(columns, sample, factor[1])
        if numbers is None:
            continue
        parts = numbers[:, None] * columns * (factor[1] * sample.root)
        size = np.max(np.abs(parts), axis=1)
        # A sum with a term that is rounding is a shorter sum, which is tried as such.
        if size.min() > ROUNDING * size.max():
            error = parts.sum(axis=0) - sample.target * sample.root
            loss = float(np.sqrt(np.mean(error**2))) / sample.spread
            yield combined([*terms, ONE] if offset else terms, numbers.tolist(), factor[0]), loss


def coefficients(values: Terms, sample: Sample, factor: Samples) -> Float[np.ndarray, " terms"] | None:
    """Least-squares coefficients of terms under a factor.

    Args:
        values: Terms, the offset among them if there is one.
        sample: Target and weights.
        factor: What multiplies every term.

    Returns:
        The coefficients; None where the terms are undefined.
    """
    with np.errstate(all="ignore"):
        design = (values * (factor * sample.root)).T
        scale = np.max(np.abs(design), axis=0, initial=0.0)
    if not (np.isfinite(scale).all() and (scale > 0).all()):
        return None
    return np.linalg.lstsq(design / scale, sample.target * sample.root, rcond=1e-14)[0] / scale


def combined(terms: Sequence[Expression], numbers: Sequence[float], factor: Expression) -> Expression:
    """Factor times a sum of terms with coefficients.

    Args:
        terms: The terms; `ONE` is the offset.
        numbers: Their coefficients.
        factor: The factor; `ONE` is none.

    Returns:
        The expression.
    """
    parts: list[Expression] = [
        Constant(float(number)) if term == ONE else Call("mul", (Constant(float(number)), term))
        for term, number in zip(terms, numbers, strict=True)
    ]
    whole = parts[0] if len(parts) == 1 else Call("add", tuple(parts))
    return whole if factor == ONE else Call("mul", (factor, whole))
