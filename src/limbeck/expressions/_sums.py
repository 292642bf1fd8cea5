"""Sums in normal form: flat, like terms collected, in a fixed order.

A sum is a mapping from term to coefficient, the constant under the key `ONE`.
`add` decides how a sum stands by itself; `content` how it stands as a factor,
where its leading coefficient can move into the product. Neither gives the
family of functions more or fewer free directions than it had, except that
redundant ones merge.
"""

import math
from collections.abc import Iterable, Sequence

from ._expression import Call, Constant, Expression
from ._numbers import MINUS_ONE, ONE, ZERO, over, plus, times
from ._order import ordered

Terms = dict[Expression, Constant]


def add(exprs: Iterable[Expression]) -> Expression:
    """The sum of trees in normal form.

    Args:
        exprs: Trees in normal form.

    Returns:
        Their sum in normal form.
    """
    terms: Terms = {}
    for expr in exprs:
        gather(expr, ONE, terms)
    return _standing(arranged(terms))


def gather(expr: Expression, factor: Constant, terms: Terms) -> None:
    """Add `factor * expr` to a sum.

    Args:
        expr: A tree in normal form.
        factor: What it is multiplied by.
        terms: The sum, which is changed.
    """
    if isinstance(expr, Constant):
        _put(terms, ONE, times(factor, expr))
        return
    if isinstance(expr, Call) and expr.op == "add":
        for argument in expr.args:
            gather(argument, factor, terms)
        return
    coefficient, rest = split_number(expr)
    factor = times(factor, coefficient)
    if isinstance(rest, Call) and rest.op == "add" and distributes(factor, rest):
        # An exact -1 is a sign, whoever wrote it.
        sign = abs(factor.value) == 1
        gather(rest, Constant(factor.value, factor.free and not sign), terms)
    else:
        _put(terms, rest, factor)


def _put(terms: Terms, term: Expression, coefficient: Constant) -> None:
    """Add to the coefficient of a term."""
    terms[term] = plus(terms[term], coefficient) if term in terms else coefficient


def split_number(expr: Expression) -> tuple[Constant, Expression]:
    """The leading number of a product, and the rest.

    Args:
        expr: A tree in normal form.

    Returns:
        The number, 1 if there is none, and the tree without it.
    """
    if isinstance(expr, Constant):
        return expr, ONE
    if isinstance(expr, Call) and expr.op == "mul" and isinstance(expr.args[0], Constant):
        rest = expr.args[1:]
        return expr.args[0], rest[0] if len(rest) == 1 else Call("mul", rest)
    return ONE, expr


def scaled(coefficient: Constant, expr: Expression) -> Expression:
    """A number times a term that has no leading number.

    Args:
        coefficient: The number.
        expr: The term.

    Returns:
        The product, just the term for a coefficient of 1.
    """
    if expr == ONE:
        return coefficient
    if coefficient.value == 1:
        return expr
    args = expr.args if isinstance(expr, Call) and expr.op == "mul" else (expr,)
    return Call("mul", (coefficient, *args))


def terms_of(expr: Expression) -> Terms:
    """A sum as a mapping from term to coefficient.

    Args:
        expr: A tree in normal form.

    Returns:
        Its terms in their order.
    """
    args = expr.args if isinstance(expr, Call) and expr.op == "add" else (expr,)
    found: Terms = {}
    for argument in args:
        coefficient, rest = split_number(argument)
        found[rest] = coefficient
    return found


def arranged(terms: Terms) -> Terms:
    """Drop terms that are 0 and order the others, the constant last.

    Args:
        terms: A sum.

    Returns:
        The sum, ordered.
    """
    kept = {term: c for term, c in terms.items() if c.value != 0}
    order = ordered([term for term in kept if term != ONE])
    return {term: kept[term] for term in [*order, *([ONE] if ONE in kept else [])]}


def assembled(terms: Terms) -> Expression:
    """The tree of an ordered sum.

    Args:
        terms: The sum.

    Returns:
        A tree; 0 for an empty sum.
    """
    parts = tuple(scaled(c, term) for term, c in terms.items())
    if len(parts) < 2:
        return parts[0] if parts else ZERO
    return Call("add", parts)


def distributes(factor: Constant, expr: Call) -> bool:
    """Whether `factor * (a + b + ...)` may become a plain sum inside a sum.

    It may not where that makes the text longer, or a family with one free
    number a family with several.

    Args:
        factor: The number.
        expr: The sum.

    Returns:
        True if it may.
    """
    if abs(factor.value) == 1:
        return True
    terms = terms_of(expr)
    fixed = sum(not c.free for c in terms.values())
    if factor.free and fixed > 1:
        return False
    units = sum(abs(c.value) == 1 for term, c in terms.items() if term != ONE)
    return units == 0 or (len(terms) == 2 and ONE in terms)


def _standing(terms: Terms) -> Expression:
    """How an ordered sum stands by itself."""
    lead = _standing_lead(terms)
    if lead is None:
        return assembled(terms)
    divided = _divided(terms, lead)
    return assembled(terms) if divided is None else scaled(lead, assembled(divided))


def _standing_lead(terms: Terms) -> Constant | None:
    """The number to pull out of a sum that stands by itself, if any."""
    coefficients = list(terms.values())
    if len(coefficients) < 2:
        return None
    first, last = coefficients[0], coefficients[-1]
    if first.value == -1 and not first.free and all(c.value < 0 for c in coefficients):
        return MINUS_ONE
    if abs(first.value) == 1:
        return None
    varying = coefficients[:-1] if ONE in terms else coefficients
    if all(not c.free and abs(c.value) == abs(first.value) for c in varying):
        return first
    return first if len(varying) == 1 and first.free and last.free else None


def _divided(terms: Terms, lead: Constant) -> Terms | None:
    """All coefficients over the leading one; None where a number would be lost."""
    found = {term: over(c, lead) for term, c in terms.items()}
    usable = all(c.value != 0 and math.isfinite(c.value) for c in found.values())
    return found if usable else None


def content(expr: Call, outer_free: bool) -> tuple[Constant, Expression]:
    """Pull the leading coefficient out of a sum that is a factor.

    Args:
        expr: The sum.
        outer_free: Whether the product has a free coefficient already, which can
            take up one more number.

    Returns:
        The coefficient, and the sum without it.
    """
    terms = terms_of(expr)
    lead = _factor_lead(list(terms.values()), outer_free)
    if lead.value == 1:
        return ONE, expr
    divided = _divided(terms, lead)
    return (ONE, expr) if divided is None else (lead, assembled(divided))


def _factor_lead(coefficients: Sequence[Constant], outer_free: bool) -> Constant:
    """The coefficient of a sum that may leave it."""
    fixed = [c for c in coefficients if not c.free]
    if not fixed or (len(fixed) == 1 and outer_free):
        return coefficients[0]
    return next((c for c in fixed if abs(c.value) == 1), fixed[0])


def negated(expr: Call) -> Expression:
    """A sum with every sign turned.

    Args:
        expr: The sum.

    Returns:
        The sum of the negative terms, in the same order.
    """
    return assembled({term: times(MINUS_ONE, c) for term, c in terms_of(expr).items()})


def leads_negative(expr: Call) -> bool:
    """Whether the first term of a sum is subtracted.

    Args:
        expr: The sum.

    Returns:
        True if its coefficient is negative.
    """
    return next(iter(terms_of(expr).values())).value < 0
