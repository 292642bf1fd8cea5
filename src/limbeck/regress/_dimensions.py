"""Can an equation hold in the units of its table, and which unit has each of its constants?

A fitted constant has whatever unit its place demands; numbers that belong to the form have
none. What sums, comparisons, powers and functions demand is a linear system for the powers
of base units, solved in fractions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from limbeck.expressions import COMPARISONS, Call, Constant, Expression, Variable, free_constants

from ._problem import Problem
from ._units import Powers, powers_of, unit_text

Key = tuple[str, str | int]  # a base unit, or an unknown: of a constant, a variable, or a zero
Dimension = Mapping[Key, Fraction]
ALIKE = frozenset({"add", "sub", "min", "max"})
BARE = frozenset({"exp", "log", "sin", "cos", "tan", "tanh", "sinh", "cosh"})
FINEST = 1_000  # largest denominator of an exponent


@dataclass(frozen=True, kw_only=True)
class Dimensions:
    """What units say of an equation.

    Attributes:
        is_consistent: Whether units for the constants exist with which it holds.
        constants: Powers of base units of each free constant, depth first; None where the units leave it open.
    """

    is_consistent: bool
    constants: tuple[Powers | None, ...]


def dimensions(expression: Expression, units: Mapping[str, str], target: str | None = None) -> Dimensions:
    """Solve for the units of an equation's constants.

    Args:
        expression: The equation.
        units: Unit of each variable; one that is not named may have any.
        target: Unit of what the equation gives; None where it may be any.

    Returns:
        Whether there is a solution, and the units that all solutions share.
    """
    system = _System(units)
    value = system.of(expression)
    if target is not None:
        system.demand(value, _known(powers_of(target)))
    return _solved(system.demands, len(free_constants(expression)))


def suits_units(expression: Expression, problem: Problem) -> bool:
    """Whether an equation can hold in the units of its table.

    Args:
        expression: The equation.
        problem: The table.

    Returns:
        True where no units are given.
    """
    if not problem.units:
        return True
    return dimensions(expression, problem.units, problem.units.get(problem.name)).is_consistent


def constant_units(expression: Expression, problem: Problem) -> tuple[str | None, ...]:
    """Units of the free constants of an equation.

    Args:
        expression: The equation.
        problem: The table.

    Returns:
        One for each, depth first; None where no units are given or they leave it open.
    """
    if not problem.units:
        return (None,) * len(free_constants(expression))
    found = dimensions(expression, problem.units, problem.units.get(problem.name))
    return tuple(None if powers is None else unit_text(powers) for powers in found.constants)


class _System:
    """Dimensions of the parts of an equation, and what they demand."""

    def __init__(self, units: Mapping[str, str]) -> None:
        """Start without demands."""
        self.units = units
        self.demands: list[Dimension] = []
        self._constants, self._any = 0, 0

    def demand(self, one: Dimension, other: Dimension) -> None:
        """Two dimensions must be equal."""
        self.demands.append(_sum(one, other, Fraction(-1)))

    def of(self, part: Expression) -> Dimension:
        """The dimension of a part."""
        if isinstance(part, Constant):
            return self._constant(part)
        if isinstance(part, Variable):
            unit = self.units.get(part.name)
            return {("variable", part.name): Fraction(1)} if unit is None else _known(powers_of(unit))
        if part.op in ALIKE:
            return self._alike(part.args, _has_free_term(part))
        if part.op in COMPARISONS:
            self._alike(part.args, are_any=True)
            return {}
        return self._call(part)

    def _constant(self, part: Constant) -> Dimension:
        """A free constant has any dimension, zero too, other numbers none."""
        if part.free:
            self._constants += 1
            return {("constant", self._constants - 1): Fraction(1)}
        return {} if part.value else self._whatever()

    def _whatever(self) -> Dimension:
        """A dimension that nobody asks for."""
        self._any += 1
        return {("any", self._any): Fraction(1)}

    def _alike(self, parts: Sequence[Expression], has_free_term: bool = False, are_any: bool = False) -> Dimension:
        """Parts with one dimension; the number that a variable is compared with has its unit."""
        found = []
        for part in parts:
            if are_any and isinstance(part, Constant) and not part.free:
                found.append(self._whatever())
            elif has_free_term and _is_logarithm(part):
                found.append(self._logarithm(part))
            else:
                found.append(self.of(part))
        for other in found[1:]:
            self.demand(found[0], other)
        return found[0]

    def _logarithm(self, part: Expression) -> Dimension:
        """A multiple of log(x) beside a free term, which holds the logarithm of the unit of x."""
        if isinstance(part, Call) and part.op == "mul":
            total: Dimension = {}
            for factor in part.args:
                total = _sum(total, self._logarithm(factor))
            return total
        if isinstance(part, Call):
            self.of(part.args[0])
            return {}
        return self.of(part)

    def _call(self, part: Call) -> Dimension:
        """Products, powers and functions."""
        if part.op == "pow":
            return self._power(*part.args)
        found = [self.of(argument) for argument in part.args]
        if part.op in ("mul", "div"):
            total = found[0]
            for other in found[1:]:
                total = _sum(total, other, Fraction(1 if part.op == "mul" else -1))
            return total
        if part.op in BARE:
            self.demand(found[0], {})
        if part.op == "if":
            self.demand(found[1], found[2])
            return found[1]
        kept = {"sqrt": Fraction(1, 2), "neg": Fraction(1), "abs": Fraction(1)}.get(part.op, Fraction(0))
        return _sum({}, found[0], kept)

    def _power(self, base: Expression, exponent: Expression) -> Dimension:
        """An exponent has no dimension; where it varies, its base has none either."""
        one, other = self.of(base), self.of(exponent)
        self.demand(other, {})
        if isinstance(exponent, Constant):
            return _sum({}, one, Fraction(exponent.value).limit_denominator(FINEST))
        self.demand(one, {})
        return {}


def _has_free_term(part: Call) -> bool:
    """Whether a sum has a fitted number among its terms."""
    return part.op in ("add", "sub") and any(isinstance(a, Constant) and a.free for a in part.args)


def _is_logarithm(part: Expression) -> bool:
    """Whether a part is a logarithm times numbers."""
    if not isinstance(part, Call):
        return False
    if part.op == "mul":
        others = [a for a in part.args if not isinstance(a, Constant)]
        return len(others) == 1 and isinstance(others[0], Call) and others[0].op == "log"
    return part.op == "log"


def _known(powers: Powers) -> Dimension:
    """A given unit."""
    return {("unit", name): power for name, power in powers.items()}


def _sum(one: Dimension, other: Dimension, factor: Fraction = Fraction(1)) -> Dimension:
    """One dimension plus a multiple of another."""
    total = dict(one)
    for key, power in other.items():
        total[key] = total.get(key, Fraction(0)) + factor * power
    return {key: power for key, power in total.items() if power}


def _solved(demands: Sequence[Dimension], n_constants: int) -> Dimensions:
    """Gauss and Jordan's elimination of the unknowns."""
    rows: dict[Key, Dimension] = {}
    for demand in demands:
        left = demand
        for pivot, row in rows.items():
            left = _sum(left, row, -left.get(pivot, Fraction(0)))
        unknown = next((key for key in left if key[0] != "unit"), None)
        if unknown is None:
            if left:
                return Dimensions(is_consistent=False, constants=(None,) * n_constants)
            continue
        left = _sum({}, left, 1 / left[unknown])
        rows = {pivot: _sum(row, left, -row.get(unknown, Fraction(0))) for pivot, row in rows.items()}
        rows[unknown] = left
    found = (rows.get(("constant", k)) for k in range(n_constants))
    return Dimensions(is_consistent=True, constants=tuple(map(_settled, found)))


def _settled(row: Dimension | None) -> Powers | None:
    """The powers of an unknown, where no other unknown is left beside it."""
    if row is None or sum(key[0] != "unit" for key in row) > 1:
        return None
    return {str(name): -power for (kind, name), power in row.items() if kind == "unit"}
