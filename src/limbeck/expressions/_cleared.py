"""Fractions within sums multiplied out: `1/(x*(1 - 1/x))` is `1/(x - 1)`, and `1 - 1/(x/y + 1)` is `x/(x + y)`.

Where a search looks at few variables (`v/c` for `v` and `c`), what it finds has their quotients inside. The normal form
(`_simplify`) takes no sum apart; here it becomes what people write.
"""

from collections.abc import Iterator, Set
from itertools import chain
from typing import NamedTuple

from ._count import printed_complexity
from ._expression import Call, Constant, Expression, Variable, depth, free_constants, opened, walk
from ._numbers import ONE
from ._products import multiply, power
from ._simplify import MAX_DEPTH, is_finite, simplify
from ._sums import add, split_number

_MAX_PASSES = 6
_MAX_POWER = 2  # of a sum below the line that is brought over one denominator
_MAX_TERMS = 8  # of its numerator

Powers = dict[Expression, float]


class _Product(NamedTuple):
    """A number times powers with fixed exponents of bases that are no products."""

    number: Constant
    powers: Powers


def cleared(expr: Expression, positive: Set[str] = frozenset()) -> Expression:
    """The same function without fractions inside its sums, where that is shorter.

    Args:
        expr: Any tree.
        positive: Variables that are never negative, which may be taken through roots.

    Returns:
        A tree in normal form that is shorter as printed, or as long and names fewer variables; it has no more free
        numbers, and the same value wherever that is finite (and the variables are as said). The given one where
        there is none, or the tree is too deep.
    """
    if depth(expr) > MAX_DEPTH:
        return expr
    for _ in range(_MAX_PASSES):
        shorter = _pass(expr, positive)
        if not _is_shorter(shorter, expr):
            break
        expr = shorter
    return expr


def _pass(expr: Expression, positive: Set[str]) -> Expression:
    """Clear every part once, from the leaves to the root."""
    if not isinstance(expr, Call):
        return expr
    inner = Call(expr.op, tuple(_pass(argument, positive) for argument in expr.args))
    best = simplify(inner) if inner != expr else expr
    for candidate in _candidates(best, positive):
        if _is_shorter(candidate, best):
            best = candidate
    return best


def _is_shorter(new: Expression, old: Expression) -> bool:
    """Whether a tree says in fewer symbols or variables, and with no more free numbers, what another says."""
    if _length(new) >= _length(old) or len(free_constants(new)) > len(free_constants(old)):
        return False
    return is_finite(new) or not is_finite(old)


def _length(expr: Expression) -> tuple[int, int]:
    """Symbols, and how many of them are variables."""
    return printed_complexity(expr), sum(isinstance(node, Variable) for node in walk(expr))


def _candidates(expr: Expression, positive: Set[str]) -> Iterator[Expression]:
    """Other ways to write one part."""
    op, _ = opened(expr)
    if op in ("mul", "add", "pow"):
        yield from _multiplied_out(expr, positive)
        yield from _multiplied_in(expr, positive)
    for whole in _over_one_denominator(expr, positive):
        yield simplify(whole)
        yield from _multiplied_out(whole, positive)


def _multiplied_out(expr: Expression, positive: Set[str]) -> Iterator[Expression]:
    """What the terms of its sums share taken out of them, of none, all and each of the sums."""
    product = _product(expr, positive)
    shared = {
        base: common
        for base, exponent in product.powers.items()
        if opened(base)[0] == "add" and (common := _shared(base, exponent, positive))
    }
    each = [{base: common} for base, common in shared.items()]
    for chosen in [{}, *([shared] if len(each) > 1 else []), *each]:
        factors: list[Expression] = [product.number]
        for base, exponent in product.powers.items():
            common = chosen.get(base, {})
            inverse = [_power(b, -e) for b, e in common.items()]
            rest = add(multiply([term, *inverse]) for term in base.args) if common and isinstance(base, Call) else base
            factors += [_power(rest, exponent), *(_power(b, e * exponent) for b, e in common.items())]
        yield simplify(multiply(factors))


def _multiplied_in(expr: Expression, positive: Set[str]) -> Iterator[Expression]:
    """A sum times those powers of the product that it has in its terms: `(x/y - 1)/x` is `1/y - 1/x`."""
    number, powers = _product(expr, positive)
    for total in (base for base, exponent in powers.items() if exponent == 1 and opened(base)[0] == "add"):
        terms = opened(total)[1]
        met = set(chain.from_iterable(_product(term, positive).powers for term in terms)) & powers.keys()
        if met:
            by = [_power(base, powers[base]) for base in powers if base in met]
            others = [_power(base, e) for base, e in powers.items() if base not in met and base != total]
            yield simplify(multiply([number, *others, add(multiply([term, *by]) for term in terms)]))


def _shared(total: Expression, exponent: float, positive: Set[str]) -> Powers:
    """Powers that a sum shares in all its terms, or has below the line in one: `1/x` in `1/x + y`."""
    terms = [_product(term, positive).powers for term in opened(total)[1]]
    bases = dict.fromkeys(chain.from_iterable(terms))
    lowest = {base: min(powers.get(base, 0.0) for powers in terms) for base in bases}
    return {base: least for base, least in lowest.items() if least != 0 and _may_leave(base, least, exponent, positive)}


def _may_leave(base: Expression, inner: float, outer: float, positive: Set[str]) -> bool:
    """Whether `(base**inner * rest)**outer` is `base**(inner*outer) * rest**outer`."""
    if outer == round(outer) or (isinstance(base, Variable) and base.name in positive):
        return True
    return inner % 2 == 0 and inner * outer % 2 == 0


def _over_one_denominator(expr: Expression, positive: Set[str]) -> Iterator[Expression]:
    """A sum of fractions as one, also where it is a factor."""
    op, args = opened(expr)
    if op == "add":
        yield from _one_fraction(expr, positive)
    elif op == "mul":
        for k, factor in enumerate(args):
            for whole in _one_fraction(factor, positive) if opened(factor)[0] == "add" else ():
                yield multiply([*args[:k], whole, *args[k + 1 :]])


def _one_fraction(total: Expression, positive: Set[str]) -> Iterator[Expression]:
    """A sum of fractions as one, for each sum that stands below the line."""
    terms = [_product(term, positive) for term in opened(total)[1]]
    for base in dict.fromkeys(chain.from_iterable(term.powers for term in terms)):
        most = -min(term.powers.get(base, 0.0) for term in terms)
        if opened(base)[0] != "add" or most not in range(1, _MAX_POWER + 1):
            continue
        above = list(chain.from_iterable(_times_power(term, base, int(most)) for term in terms))
        if len(above) <= _MAX_TERMS:
            yield multiply([add(above), _power(base, -most)])


def _times_power(term: _Product, total: Expression, most: int) -> Iterator[Expression]:
    """The terms of a term times a power of a sum, as far as that is not cancelled."""
    left = term.powers.get(total, 0.0) + most
    rest = multiply([term.number, *(_power(b, e) for b, e in term.powers.items() if b != total)])
    if left not in range(1, _MAX_POWER + 1):
        yield multiply([rest, _power(total, left)])
        return
    expanded: list[Expression] = [rest]
    for _ in range(int(left)):
        expanded = [multiply([known, part]) for known in expanded for part in opened(total)[1]]
    yield from expanded


def _product(expr: Expression, positive: Set[str]) -> _Product:
    """A tree as a number times powers."""
    number, rest = split_number(expr)
    powers: Powers = {}
    _collect(rest, 1.0, positive, powers)
    powers.pop(ONE, None)
    return _Product(number, {base: exponent for base, exponent in powers.items() if exponent != 0})


def _collect(expr: Expression, exponent: float, positive: Set[str], powers: Powers) -> None:
    """Multiply by a power; what may not be taken apart is a base."""
    op, args = opened(expr)
    if op == "mul":
        kept = []
        for factor in args:
            base, inner = _opened_power(factor)
            if _may_leave(base, inner, exponent, positive):
                _collect(base, inner * exponent, positive, powers)
            else:
                kept.append(factor)
        expr = multiply(kept)
    elif op == "pow" and exponent == round(exponent) and (opened_power := _opened_power(expr))[1] != 1:
        base, inner = opened_power
        _collect(base, inner * exponent, positive, powers)
        return
    if expr != ONE:
        powers[expr] = powers.get(expr, 0.0) + exponent


def _opened_power(expr: Expression) -> tuple[Expression, float]:
    """Base and fixed exponent."""
    op, args = opened(expr)
    if op == "pow" and isinstance(args[1], Constant) and not args[1].free:
        return args[0], args[1].value
    return expr, 1.0


def _power(base: Expression, exponent: float) -> Expression:
    """A power with a fixed exponent."""
    return power(base, Constant(exponent, free=False))
