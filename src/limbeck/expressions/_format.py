"""An expression as text: exact for files, short for people.

`to_string` inlines every number at full precision and writes only what both
our own parser and SymPy read back to the same values; `to_readable` rounds.
"""

from collections.abc import Callable

from ._display import Fraction, fraction, is_sum, signed_terms
from ._expression import COMPARISONS, OPERATORS, Call, Constant, Expression, Variable, variables

# How strongly the outermost operator of a piece of text binds.
_SUM, _PRODUCT, _POWER, _ATOM = 1, 2, 3, 4
_NUMBER = Callable[[float], str]


def to_string(expr: Expression) -> str:
    """Exact text for files.

    Args:
        expr: The tree.

    Returns:
        Text with numbers at full precision, only `+ - * / **`, functions under
        SymPy's names, comparisons and `Piecewise((a, cond), (b, True))`.
    """
    return _written(expr, _exact)


def to_readable(expr: Expression, digits: int = 4) -> str:
    """Short text for people.

    Args:
        expr: The tree.
        digits: Significant digits of each number.

    Returns:
        Text as `to_string` writes it, with rounded numbers.
    """
    return _written(expr, lambda value: short_number(value, digits))


def short_number(value: float, digits: int) -> str:
    """A number with a few significant digits.

    Args:
        value: The number.
        digits: Significant digits.

    Returns:
        The shortest text, `1.5e-07` style where that is shorter.
    """
    text = f"{value:.{digits}g}"
    return text.replace("inf", "oo").replace("e+", "e") if text != "-0" else "0"


def _exact(value: float) -> str:
    """A number that reads back to itself; integers without a point."""
    if value != value:
        return "nan"
    if abs(value) == float("inf"):
        return "oo" if value > 0 else "-oo"
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _written(expr: Expression, number: _NUMBER) -> str:
    """A whole expression; a comparison may stand alone."""
    if isinstance(expr, Call) and expr.op in COMPARISONS:
        return _condition(expr, number)
    return _piece(expr, number)[0]


def _piece(expr: Expression, number: _NUMBER) -> tuple[str, int]:
    """Text of a tree, and how strongly it binds."""
    if isinstance(expr, Variable):
        return expr.name, _ATOM
    if isinstance(expr, Constant):
        return number(float(expr.value)), _ATOM if expr.value >= 0 else _SUM
    if is_sum(expr):
        return _sum(expr, number), _SUM
    parts = fraction(expr)
    if parts.negative or not parts.is_single or parts.above[0] != expr:
        return _fraction(parts, number)
    return _call(expr, number)


def _wrapped(expr: Expression, number: _NUMBER, lowest: int) -> str:
    """Text of a tree, in brackets where it binds less than asked."""
    text, strength = _piece(expr, number)
    return text if strength >= lowest else f"({text})"


def _sum(expr: Expression, number: _NUMBER) -> str:
    """Signed terms."""
    words = []
    for k, (negative, term) in enumerate(signed_terms(expr)):
        sign = ("-" if negative else "") if k == 0 else (" - " if negative else " + ")
        words.append(sign + _wrapped(term, number, _PRODUCT))
    return "".join(words)


def _fraction(parts: Fraction, number: _NUMBER) -> tuple[str, int]:
    """A signed fraction."""
    single = parts.is_single and not parts.negative
    if single:
        return _piece(parts.above[0], number)
    text = "*".join(_wrapped(factor, number, _POWER) for factor in parts.above)
    if parts.below:
        below = "*".join(_wrapped(factor, number, _POWER) for factor in parts.below)
        text += f"/({below})" if len(parts.below) > 1 else f"/{below}"
    return ("-" + text, _SUM) if parts.negative else (text, _PRODUCT)


def _call(expr: Call, number: _NUMBER) -> tuple[str, int]:
    """A function, a power, a conditional, or a comparison used as a number."""
    if expr.op == "pow":
        return _power(expr, number)
    if expr.op == "if":
        return _piecewise(expr, number), _ATOM
    if expr.op in COMPARISONS:
        return f"Piecewise((1, {_condition(expr, number)}), (0, True))", _ATOM
    words = ", ".join(_piece(argument, number)[0] for argument in expr.args)
    return f"{OPERATORS[expr.op].symbol}({words})", _ATOM


def _power(expr: Call, number: _NUMBER) -> tuple[str, int]:
    """A power; the square root by its name."""
    base, exponent = expr.args
    if exponent == Constant(0.5, free=False):
        return f"sqrt({_piece(base, number)[0]})", _ATOM
    return f"{_base(base, exponent, number)}**{_wrapped(exponent, number, _ATOM)}", _POWER


def _base(base: Expression, exponent: Expression, number: _NUMBER) -> str:
    """The base of a power; a number raised to a number keeps its point."""
    # SymPy would otherwise compute 9**9**9 in exact integers.
    text = _wrapped(base, number, _ATOM)
    constant = isinstance(base, Constant) and not variables(exponent)
    return text + ".0" if constant and text.isdecimal() else text


def _piecewise(expr: Call, number: _NUMBER) -> str:
    """A conditional; one in the last branch adds a branch."""
    branches, rest = [], expr
    while isinstance(rest, Call) and rest.op == "if":
        test, then, rest = rest.args
        branches.append(f"({_piece(then, number)[0]}, {_condition(test, number)})")
    return f"Piecewise({', '.join(branches)}, ({_piece(rest, number)[0]}, True))"


def _condition(expr: Expression, number: _NUMBER) -> str:
    """A comparison; a number holds as a condition where it is not 0."""
    if isinstance(expr, Call) and expr.op in COMPARISONS:
        left, right = (_piece(argument, number)[0] for argument in expr.args)
        return f"{left} {OPERATORS[expr.op].symbol} {right}"
    return f"Abs({_piece(expr, number)[0]}) > 0"
