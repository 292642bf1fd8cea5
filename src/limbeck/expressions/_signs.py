"""Variables that are only signs: with charges of +1 and -1, a quotient is a product.

`q_1*q_2`, `q_1/q_2` and `q_1**3*q_2` are one function of such charges. Ties are
broken toward products, so that equal laws are written alike.
"""

from collections.abc import Set

from ._expression import Call, Constant, Expression, Variable
from ._simplify import simplify

ROUNDS = 2  # a sign that has left a sum may meet another outside it, or stand in a power


def fold_signs(expression: Expression, signs: Set[str]) -> Expression:
    """Write powers of variables whose square is constant as the variable or a constant.

    Args:
        expression: Any formula.
        signs: Variables with one magnitude throughout.

    Returns:
        A simplified formula with the same values up to a constant factor of each power.
    """
    folded = simplify(expression)
    for _ in range(ROUNDS if signs else 0):
        folded = simplify(_fold(folded, signs))
    return folded


def _fold(part: Expression, signs: Set[str]) -> Expression:
    """Fold the powers and magnitudes in one part."""
    if not isinstance(part, Call):
        return part
    args = tuple(_fold(child, signs) for child in part.args)
    if part.op == "pow" and _is_sign(args[0], signs):
        exponent = args[1]
        if isinstance(exponent, Constant) and float(exponent.value).is_integer():
            return args[0] if int(exponent.value) % 2 else Constant(1.0)
    if part.op == "mul":
        return _product(args, signs)
    if part.op == "add":
        return _sum(args, signs)
    if part.op == "abs":
        return _magnitude(args[0], signs)
    return Call(part.op, args)


def _is_sign(part: Expression, signs: Set[str]) -> bool:
    """Whether a part is one of the variables."""
    return isinstance(part, Variable) and part.name in signs


def _product(args: tuple[Expression, ...], signs: Set[str]) -> Expression:
    """A product in which no sign stands twice, as in `q*q`."""
    flat = [factor for arg in args for factor in _factors(arg)]
    kept = [factor for factor in flat if not _is_sign(factor, signs)]
    odd = [factor for factor in dict.fromkeys(flat) if _is_sign(factor, signs) and flat.count(factor) % 2]
    factors = (*kept, *odd)
    if len(factors) < 2:
        return factors[0] if factors else Constant(1.0)
    return Call("mul", factors)


def _sum(args: tuple[Expression, ...], signs: Set[str]) -> Expression:
    """A sum with the signs that all of its terms share put before it, as in `q*r + q`."""
    shared = [f for f in _factors(args[0]) if _is_sign(f, signs) and all(f in _factors(arg) for arg in args)]
    if not shared:
        return Call("add", args)
    rest = [tuple(f for f in _factors(arg) if f not in shared) for arg in args]
    terms = tuple(f[0] if len(f) == 1 else Call("mul", f) if f else Constant(1.0) for f in rest)
    return Call("mul", (*shared, Call("add", terms)))


def _factors(part: Expression) -> tuple[Expression, ...]:
    """What a part is a product of."""
    return part.args if isinstance(part, Call) and part.op == "mul" else (part,)


def _magnitude(argument: Expression, signs: Set[str]) -> Expression:
    """`Abs` without the signs inside it."""
    kept = tuple(factor for factor in _factors(argument) if not _is_sign(factor, signs))
    if not kept:
        return Constant(1.0)
    return Call("abs", (kept[0] if len(kept) == 1 else Call("mul", kept),))
