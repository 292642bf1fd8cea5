"""The form of a law, apart from its free numbers: are two laws the same?"""

import math

from ._expression import Call, Constant, Expression, Variable
from ._simplify import canonical

# A fitted number this near to a structural one counts as that one.
_TOLERANCE = 1e-6
_LARGEST_SNAP = 6.0


def skeleton(expr: Expression) -> Expression:
    """The form of an expression.

    Args:
        expr: Any tree.

    Returns:
        The canonical tree with the value of each free constant set to 1. It is a
        key to compare by: simplifying it again would drop those.
    """
    return _masked(canonical(expr))


def _masked(expr: Expression) -> Expression:
    """Set free constants to 1."""
    if isinstance(expr, Constant):
        return Constant(1.0) if expr.free else expr
    if isinstance(expr, Variable):
        return expr
    return Call(expr.op, tuple(_masked(argument) for argument in expr.args))


def same_form(a: Expression, b: Expression) -> bool:
    """Whether two expressions are one law up to the values of free constants.

    Args:
        a: One expression.
        b: The other.

    Returns:
        True if their simplified trees agree: free constants may differ, fixed ones
        must not, and a free one within 1e-6 of a fixed one (or of an absent 1)
        counts as that.
    """
    return any(_matches(x, y) for x in _readings(a) for y in _readings(b))


def _readings(expr: Expression) -> list[Expression]:
    """The tree simplified as it is, and with near-integer free numbers taken as fixed."""
    plain = canonical(expr)
    readings = [plain]
    for everywhere in (False, True):
        other = canonical(_snapped(plain, everywhere))
        if other not in readings:
            readings.append(other)
    return readings


def _snapped(expr: Expression, snap: bool) -> Expression:
    """Fix free numbers that are integers or halves to 1e-6, in exponents or everywhere."""
    if isinstance(expr, Constant):
        nearest = round(2 * expr.value) / 2 if abs(expr.value) < _LARGEST_SNAP else 0.0
        near = expr.free and nearest != 0 and math.isclose(expr.value, nearest, rel_tol=_TOLERANCE)
        return Constant(nearest, free=False) if snap and near else expr
    if isinstance(expr, Variable):
        return expr
    parts = enumerate(expr.args)
    return Call(expr.op, tuple(_snapped(part, snap or (expr.op == "pow" and k == 1)) for k, part in parts))


def _matches(a: Expression, b: Expression) -> bool:
    """Whether two simplified trees agree."""
    if isinstance(a, Constant) and isinstance(b, Constant):
        if a.free and b.free:
            return True
        return math.isclose(a.value, b.value, rel_tol=_TOLERANCE if a.free or b.free else 1e-12)
    if isinstance(a, Call) and isinstance(b, Call):
        if a.op != b.op or len(a.args) != len(b.args):
            return False
        return all(_matches(x, y) for x, y in zip(a.args, b.args, strict=True))
    return a == b
