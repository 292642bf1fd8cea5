"""Changes of the variables that leave a law as it is: each makes one variable of a table superfluous.

- Scaling: all of some variables times a power of one number, the target too. Every formula in units has
  as many as its variables have independent units, and Buckingham's theorem takes one variable away for each.
- Shift: two variables plus the same number; only their difference (or sum) matters.
- Turn: two variables turned into one another; only the sum (or difference) of their squares matters.

They are read off the slopes of a smooth function: a sum of slopes that has to vanish, whatever the law.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from limbeck._types import Samples, Table
from limbeck.expressions import Call, Expression

from ._factors import power_call, times
from ._terms import ONE

Left = Float[np.ndarray, "samples left"]
Powers = Float[np.ndarray, "scalings variables"]
SMALL = (1, -1, 2, -2)  # powers of one scaling
KEPT = {1: 4, 2: 6, 3: 5, 4: 4}  # scalings of so many variables that are worth a closer look
MOST_IN_TRIPLES, MOST_IN_FOURS = 12, 7  # variables of which all threes and all fours are tried
CHANGES = 5  # shifts and turns that are worth a closer look
HOPELESS = 0.3  # share of the squares that may be left of what has to vanish


class Slopes(NamedTuple):
    """A table with the slopes of its target.

    Attributes:
        table: Variables.
        plain: Slope along each variable.
        target: What a change of the target by a factor adds to it: 1 for a logarithm, else its value.
    """

    table: Table
    plain: Table
    target: Samples


@dataclass(frozen=True, kw_only=True)
class Scaling:
    """Variables times powers of a number multiply the target by a power of it.

    Attributes:
        powers: Power of each variable; 0 where it stays.
        of_target: Power of the target.
        pivot: The variable that becomes 1.
    """

    powers: tuple[int, ...]
    of_target: float
    pivot: int

    @property
    def size(self) -> float:
        """How much there is to say."""
        return sum(map(abs, self.powers)) + abs(self.of_target)

    @property
    def operators(self) -> set[str]:
        """Operators that it is written with."""
        powers = [*self.exponents(), self.of_target / self.powers[self.pivot]]
        return {"*", "/"} | ({"^"} if any(power % 1 for power in powers) else set())

    def exponents(self) -> list[float]:
        """Powers of the pivot by which other variables are divided, its own place left out."""
        return [p / self.powers[self.pivot] for k, p in enumerate(self.powers) if k != self.pivot]

    def reduced(self, table: Table) -> tuple[Left, Samples]:
        """The variables that are left, and what the target is divided by.

        Args:
            table: Variables.

        Returns:
            A table with one column less, and the factor.
        """
        base = table[:, self.pivot]
        others = np.delete(table, self.pivot, axis=1)
        columns = [
            column * _power(base, -e) if e else column for column, e in zip(others.T, self.exponents(), strict=True)
        ]
        left = np.column_stack(columns) if columns else others
        return left, _power(base, self.of_target / self.powers[self.pivot])

    def written(self, variables: Sequence[Expression]) -> tuple[list[Expression], Expression]:
        """The same with expressions.

        Args:
            variables: What each variable is.

        Returns:
            What those are that are left, and the factor.
        """
        base = variables[self.pivot]
        others = [v for k, v in enumerate(variables) if k != self.pivot]
        left = [times(v, power_call(base, -e)) if e else v for v, e in zip(others, self.exponents(), strict=True)]
        power = self.of_target / self.powers[self.pivot]
        return left, power_call(base, power) if power else ONE


@dataclass(frozen=True, kw_only=True)
class Joining:
    """Two variables matter through one thing only.

    Attributes:
        pair: The two.
        op: `add`, `sub`, `mul` or `div`.
        are_squared: Whether their squares are joined.
    """

    pair: tuple[int, int]
    op: str
    are_squared: bool = False

    @property
    def size(self) -> float:
        """How much there is to say."""
        return 4.0 if self.are_squared else 2.0

    @property
    def operators(self) -> set[str]:
        """Operators that it is written with."""
        return {{"add": "+", "sub": "-", "mul": "*", "div": "/"}[self.op]} | ({"*"} if self.are_squared else set())

    def reduced(self, table: Table) -> tuple[Left, Samples]:
        """The variables that are left, the joined ones first, and 1."""
        one, two = (table[:, k] ** (2 if self.are_squared else 1) for k in self.pair)
        joined = {"add": one + two, "sub": one - two, "mul": one * two, "div": _quotient(one, two)}[self.op]
        rest = np.delete(table, self.pair, axis=1)
        return np.column_stack([joined, rest]), np.ones(len(table))

    def written(self, variables: Sequence[Expression]) -> tuple[list[Expression], Expression]:
        """The same with expressions."""
        one, two = (power_call(variables[k], 2.0) if self.are_squared else variables[k] for k in self.pair)
        return [Call(self.op, (one, two)), *(v for k, v in enumerate(variables) if k not in self.pair)], ONE


Symmetry = Scaling | Joining


def symmetries(slopes: Slopes) -> list[Symmetry]:
    """Symmetries that slopes allow, worth a closer look.

    Args:
        slopes: Of the target along the variables.

    Returns:
        Symmetries.
    """
    found = [scaling for count in KEPT for scaling in _scalings(slopes, count)]
    return found + _joinings(slopes)


def _scalings(slopes: Slopes, count: int) -> list[Symmetry]:
    """Scalings of so many variables."""
    width = slopes.table.shape[1]
    if count > width or (count == 3 and width > MOST_IN_TRIPLES) or (count == 4 and width > MOST_IN_FOURS):
        return []
    growth = slopes.table * slopes.plain
    among, with_target = growth.T @ growth, growth.T @ slopes.target
    of_target = float(slopes.target @ slopes.target)
    chosen, powers = _all_powers(width, count)
    of_powers = np.rint(2 * (powers @ with_target) / of_target) / 2
    left = np.einsum("ki,ij,kj->k", powers, among, powers) - 2 * of_powers * (powers @ with_target)
    left += of_powers**2 * of_target
    whole = powers**2 @ np.diag(among) + of_powers**2 * of_target
    left = np.where(whole > 0, left / np.maximum(whole, 1e-300), 0.0)
    found: list[Symmetry] = []
    for k in np.argsort(left, kind="stable")[: KEPT[count]].tolist():
        integers = tuple(int(p) for p in powers[k])
        pivot = _pivot(integers, float(of_powers[k]), slopes.table)
        if left[k] <= HOPELESS and pivot is not None:
            found.append(Scaling(powers=integers, of_target=float(of_powers[k]), pivot=pivot))
        elif left[k] <= HOPELESS and count == 2 and of_powers[k] == 0 and abs(powers[k]).max() == 1:
            pair = chosen[k]
            op = "mul" if powers[k, pair[0]] * powers[k, pair[1]] < 0 else "div"
            found.append(Joining(pair=pair, op=op))
    return found


def _all_powers(width: int, count: int) -> tuple[list[tuple[int, ...]], Powers]:
    """Each choice of so many variables with each choice of small powers, the first one positive."""
    values = [(1, *rest) for rest in product(SMALL, repeat=count - 1)]
    if 1 < count < 4:
        values += [(2, *rest) for rest in product((1, -1), repeat=count - 1)]
    chosen = [names for names in combinations(range(width), count) for _ in values]
    powers = np.zeros((len(chosen), width))
    for row, (names, value) in enumerate(product(combinations(range(width), count), values)):
        powers[row, list(names)] = value
    return chosen, powers


def _pivot(powers: tuple[int, ...], of_target: float, table: Table) -> int | None:
    """The variable that becomes 1: one that has no zero, and no sign where roots are taken of it."""
    usable = []
    for k, power in enumerate(powers):
        if not power or not np.abs(table[:, k]).min() > 0:
            continue
        is_whole = all(p % abs(power) == 0 for p in powers) and of_target % abs(power) == 0
        is_signed = not ((table[:, k] > 0).all() or (table[:, k] < 0).all())
        if (table[:, k] > 0).all() or (is_whole and not (is_signed and sum(map(bool, powers)) > 1)):
            usable.append((abs(power), is_signed, k))
    return min(usable)[2] if usable else None


def _joinings(slopes: Slopes) -> list[Symmetry]:
    """Shifts and turns."""
    tried = []
    for pair in combinations(range(slopes.table.shape[1]), 2):
        one, two = (slopes.plain[:, k] for k in pair)
        x, y = (slopes.table[:, k] for k in pair)
        for op, sign in (("sub", 1.0), ("add", -1.0)):
            tried.append((_left(one, sign * two), Joining(pair=pair, op=op)))
            tried.append((_left(y * one, sign * x * two), Joining(pair=pair, op=op, are_squared=True)))
    tried.sort(key=lambda item: item[0])
    return [joining for left, joining in tried[:CHANGES] if left <= HOPELESS]


def _left(one: Samples, two: Samples) -> float:
    """Share of the squares that a sum leaves."""
    return float(np.sum((one + two) ** 2) / max(np.sum(one**2) + np.sum(two**2), 1e-300))


def _power(base: Samples, exponent: float) -> Samples:
    """A power, which keeps the sign where the exponent is whole and odd; not finite where there is none."""
    with np.errstate(all="ignore"):
        return np.float_power(base, exponent)


def _quotient(one: Samples, two: Samples) -> Samples:
    """A quotient, not finite where the second is zero."""
    with np.errstate(all="ignore"):
        return one / two
