"""The normal form of an expression, quick and without changing its values.

Rebuilds a tree from its leaves by the rules for sums, products, functions and
conditions until nothing moves. The result is never longer than what came in,
has the same value wherever that was finite, and is a fixed point.
"""

import math
from collections.abc import Callable, Mapping

from ._conditions import choose, compare, extreme, is_total, negative
from ._count import printed_complexity
from ._expression import COMPARISONS, Call, Constant, Expression, Variable, depth, walk
from ._functions import function
from ._numbers import MINUS_ONE
from ._order import form_key
from ._products import multiply, power
from ._sums import add

# Deeper trees stay as they are: each level costs some frames of Python's stack.
MAX_DEPTH = 80
_MAX_PASSES = 12
_HALF = Constant(0.5, free=False)
_TWO = Constant(2.0, free=False)


def simplify(expr: Expression) -> Expression:
    """The normal form of an expression.

    Flattens and orders sums and products, folds numbers (free if any part was),
    collects like terms and equal factors, merges redundant free numbers into one.
    An exact 1 as a factor or exponent and an exact 0 as a term go, even if free.
    `x*x` counts less than `x**2`, so each stays as it was written.

    Args:
        expr: Any tree.

    Returns:
        A tree of the same value wherever that is finite, never longer as printed;
        the given one where it is too deep or has no better form. Its operators
        are `add mul pow`, functions, comparisons, `min max` and `if`.
    """
    # A tree remembers its normal form, and a normal form that it is one: searches ask again and again.
    if not isinstance(expr, Call) or "_is_simple" in expr.__dict__:
        return expr
    known: Expression | None = expr.__dict__.get("_simple")
    if known is None:
        known = _simplified(expr)
        if isinstance(known, Call):
            object.__setattr__(known, "_is_simple", True)
        if known is not expr:
            object.__setattr__(expr, "_simple", known)
    return known


def _simplified(expr: Expression) -> Expression:
    """The normal form, or what is shorter."""
    best = canonical(expr)
    if best is expr:
        return expr
    allowed = printed_complexity(expr)
    for candidate in (best, _with_unrolled_squares(best)):
        if printed_complexity(candidate) <= allowed:
            return candidate
    return expr


def canonical(expr: Expression) -> Expression:
    """The normal form, even where that is longer: `x*x` becomes `x**2`.

    Args:
        expr: Any tree.

    Returns:
        What two trees are compared by; the given one where it is too deep or a
        number would no longer be finite.
    """
    if isinstance(expr, Constant | Variable) or depth(expr) > MAX_DEPTH:
        return expr
    best = _settled(expr)
    return expr if _lost_a_number(expr, best) else best


def _with_unrolled_squares(expr: Expression) -> Expression:
    """Write squares of variables as products, which count less than powers."""
    if isinstance(expr, Constant | Variable):
        return expr
    args = [_with_unrolled_squares(argument) for argument in expr.args]
    if expr.op == "mul":
        return Call("mul", tuple(factor for argument in args for factor in _unrolled(argument)))
    if expr.op == "pow" and args[1] == _TWO and isinstance(args[0], Variable):
        return Call("mul", (args[0], args[0]))
    return Call(expr.op, tuple(args))


def _unrolled(factor: Expression) -> tuple[Expression, ...]:
    """A factor, a square of a variable (also below the line) as two."""
    if not (isinstance(factor, Call) and isinstance(factor.args[0], Variable)):
        return (factor,)
    if factor.op == "mul" and factor.args[0] == factor.args[1]:
        return factor.args
    if factor.op == "pow" and factor.args[1] == Constant(-2.0, free=False):
        inverse = Call("pow", (factor.args[0], MINUS_ONE))
        return (inverse, inverse)
    return (factor,)


def _settled(expr: Expression) -> Expression:
    """Rebuild until nothing moves; of a cycle, its shortest member."""
    seen = [expr]
    for _ in range(_MAX_PASSES):
        following = rebuilt(seen[-1])
        for k, earlier in enumerate(seen):
            if agrees(earlier, following):
                return min(seen[k:], key=lambda e: (printed_complexity(e), form_key(e)))
        seen.append(following)
    return seen[0]


def agrees(a: Expression, b: Expression) -> bool:
    """Whether two trees are the same but for the last digits of their numbers.

    Args:
        a: One tree.
        b: The other.

    Returns:
        True if they are.
    """
    if isinstance(a, Constant) and isinstance(b, Constant):
        return a.free == b.free and (a.value == b.value or math.isclose(a.value, b.value, rel_tol=1e-12))
    if isinstance(a, Call) and isinstance(b, Call):
        same = a.op == b.op and len(a.args) == len(b.args)
        return same and all(agrees(x, y) for x, y in zip(a.args, b.args, strict=True))
    return a == b


def _lost_a_number(before: Expression, after: Expression) -> bool:
    """Whether folding went beyond the numbers that can be held."""
    return not is_finite(after) and is_finite(before)


def is_finite(expr: Expression) -> bool:
    """Whether every number of a tree is finite.

    Args:
        expr: The tree.

    Returns:
        True if it is.
    """
    return all(math.isfinite(node.value) for node in walk(expr) if isinstance(node, Constant))


def rebuilt(expr: Expression) -> Expression:
    """One pass of the rules, from the leaves to the root.

    Args:
        expr: Any tree.

    Returns:
        A tree that is nearer to its normal form.
    """
    if isinstance(expr, Constant | Variable):
        return expr
    if expr.op in COMPARISONS:
        return _comparison(expr)
    args = [rebuilt(argument) for argument in expr.args]
    rule = _RULES.get(expr.op)
    return rule(args) if rule else function(expr.op, args[0])


def _comparison(expr: Call) -> Expression:
    """A comparison, with its sides rebuilt where they are defined everywhere."""
    left, right = expr.args
    if not (_may_change(left) and _may_change(right)):
        return expr
    return compare(expr.op, rebuilt(left), rebuilt(right))


def _may_change(expr: Expression) -> bool:
    """Whether a side of a comparison may be simplified: it must be defined everywhere."""
    if isinstance(expr, Call) and expr.op == "div":
        below = expr.args[1]
        return _may_change(expr.args[0]) and (is_total(below) and not isinstance(below, Constant))
    return is_total(expr)


_RULES: Mapping[str, Callable[[list[Expression]], Expression]] = {
    "add": add,
    "mul": multiply,
    "sub": lambda args: add([args[0], negative(args[1])]),
    "div": lambda args: multiply([args[0], power(args[1], MINUS_ONE)]),
    "neg": lambda args: negative(args[0]),
    "pow": lambda args: power(args[0], args[1]),
    "sqrt": lambda args: power(args[0], _HALF),
    "min": lambda args: extreme("min", args[0], args[1]),
    "max": lambda args: extreme("max", args[0], args[1]),
    "if": lambda args: choose(args[0], args[1], args[2]),
}
