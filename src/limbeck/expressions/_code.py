"""An expression as source code of other languages: NumPy, JAX, PyTorch, C and Julia.

One writer walks the tree; a row of the table below says how a language names a
function, writes a power, a choice or a number. Numbers keep full precision, and
parts without variables are folded into one number. What is undefined is NaN or
infinite as in `evaluate`, but for Julia, which raises a `DomainError` there.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from limbeck._errors import InputError

from ._display import Fraction, fraction, is_sum, signed_terms
from ._evaluate import evaluate
from ._expression import COMPARISONS, OPERATORS, Call, Constant, Expression, Variable, variables

# How strongly the outermost operator of a piece of text binds.
_SUM, _PRODUCT, _POWER, _ATOM = 1, 2, 3, 4
# Whole exponents up to here are written as such; larger ones are numbers like any other.
_LARGEST_EXPONENT = 64
_MATH = ("exp", "log", "sqrt", "abs", "sign", "sin", "cos", "tan", "tanh", "sinh", "cosh", "min", "max")


@dataclass(frozen=True, kw_only=True)
class Language:
    """How a language writes what an expression is made of.

    Attributes:
        functions: Name of the function of each operator; a name with `{0}` is a template.
        power: Template of a power with base `{0}` and exponent `{1}`.
        power_binds: Whether a power is an infix operator.
        choice: Template of a conditional: condition, value where it holds, value elsewhere.
        number: Template of a number as the argument of a function or of a choice.
        infinity: How infinity is written.
        undefined: How NaN is written.
        taken: Names that no variable may have.
    """

    functions: Mapping[str, str]
    power: str
    power_binds: bool
    choice: str
    number: str
    infinity: str
    undefined: str
    taken: frozenset[str]


def _of_arrays(module: str, number: str = "{0}") -> Language:
    """A library of arrays in Python."""
    return Language(
        functions={op: f"{module}.{OPERATORS[op].function}" for op in _MATH},
        power="{0}**{1}",
        power_binds=True,
        choice=f"{module}.where({{0}}, {{1}}, {{2}})",
        number=number,
        infinity=f"{module}.inf",
        undefined=f"{module}.nan",
        taken=frozenset({module}),
    )


_C_WORDS = (
    "auto break case char const continue default do double else enum extern float for goto if inline int long "
    "register restrict return short signed sizeof static struct switch typedef union unsigned void volatile while "
    "pow fabs isnan INFINITY NAN y0 y1 j0 j1 gamma"
)
_JULIA_WORDS = (
    "baremodule begin break catch const continue do else elseif end export false finally for function global if "
    "import let local macro module quote return struct true try using while abs sign min max ifelse Inf NaN"
)
_TABLE: Mapping[str, Language] = {
    "numpy": _of_arrays("np"),
    "jax": _of_arrays("jnp"),
    # A bare Python number is no argument for PyTorch's functions, and as a tensor it would be rounded to single.
    "torch": _of_arrays("torch", "torch.tensor({0}, dtype=torch.float64)"),
    "c": Language(
        functions={
            **{op: op for op in _MATH},
            "abs": "fabs",
            # Comparisons, fmin and fmax would drop a NaN; these keep it.
            "sign": "(isnan({0}) ? {0} : (double)(({0} > 0.0) - ({0} < 0.0)))",
            "min": "((isnan({0}) || {0} < {1}) ? {0} : {1})",
            "max": "((isnan({0}) || {0} > {1}) ? {0} : {1})",
        },
        power="pow({0}, {1})",
        power_binds=False,
        choice="({0} ? {1} : {2})",
        number="{0}",
        infinity="INFINITY",
        undefined="NAN",
        taken=frozenset((*_MATH, *_C_WORDS.split())),
    ),
    "julia": Language(
        functions={op: op for op in _MATH},
        power="{0}^{1}",
        power_binds=True,
        choice="ifelse({0}, {1}, {2})",
        number="{0}",
        infinity="Inf",
        undefined="NaN",
        taken=frozenset((*_MATH, *_JULIA_WORDS.split())),
    ),
}
LANGUAGES: Mapping[str, Language] = MappingProxyType(dict(_TABLE))


def to_code(expr: Expression, language: str) -> str:
    """Source code of an expression.

    Python text expects `import numpy as np`, `import jax.numpy as jnp` or `import torch`, and arrays
    of floating point under the variables' names; C text `#include <math.h>` and variables of type
    `double`; Julia text floating-point scalars (write `@.` before it for arrays).

    Args:
        expr: The tree.
        language: `numpy`, `jax`, `torch`, `c` or `julia`.

    Returns:
        One expression of that language with the same values.

    Raises:
        InputError: If the language is unknown, or a variable has a name that it keeps for itself.

    Example:
        >>> from limbeck.expressions import parse
        >>> to_code(parse("IF(r >= 1.99, -2*(r - 0.99), 0)"), "numpy")
        'np.where(r >= 1.99, -2.0*(r - 0.99), 0.0)'
        >>> to_code(parse("m_1*m_2/r^2"), "c")
        'm_1*m_2/(r*r)'
    """
    if language not in LANGUAGES:
        raise InputError(f"unknown language {language!r}: choose from {', '.join(LANGUAGES)}")
    taken = sorted(variables(expr) & LANGUAGES[language].taken)
    if taken:
        raise InputError(f"{', '.join(taken)} cannot be the name of a variable in {language} code: rename it")
    return _Writer(LANGUAGES[language]).whole(_decided(expr))


@dataclass(frozen=True)
class _Writer:
    """Writes trees in one language."""

    language: Language

    def whole(self, expr: Expression) -> str:
        """A whole expression; a comparison may stand alone."""
        if isinstance(expr, Call) and expr.op in COMPARISONS:
            return self.condition(expr)
        return self.piece(expr)[0]

    def piece(self, expr: Expression) -> tuple[str, int]:
        """Text of a tree, and how strongly it binds."""
        if isinstance(expr, Variable):
            return expr.name, _ATOM
        if isinstance(expr, Constant) or not variables(expr):
            value = _value(expr)
            return self.number(value), _SUM if value < 0 else _ATOM
        if is_sum(expr):
            return self.sum(expr), _SUM
        parts = fraction(expr)
        if parts.negative or not parts.is_single or parts.above[0] != expr:
            return self.fraction(parts)
        return self.call(expr)

    def wrapped(self, expr: Expression, lowest: int) -> str:
        """Text of a tree, in brackets where it binds less than asked."""
        text, strength = self.piece(expr)
        return text if strength >= lowest else f"({text})"

    def number(self, value: float) -> str:
        """A number that reads back to itself, always of floating point."""
        if math.isnan(value):
            return self.language.undefined
        if math.isinf(value):
            return self.language.infinity if value > 0 else f"-{self.language.infinity}"
        return repr(value)

    def argument(self, expr: Expression) -> str:
        """An argument of a function, or a branch."""
        text = self.piece(expr)[0]
        return text if variables(expr) else self.language.number.format(text)

    def sum(self, expr: Expression) -> str:
        """Signed terms."""
        words = []
        for k, (negative, term) in enumerate(signed_terms(expr)):
            sign = ("-" if negative else "") if k == 0 else (" - " if negative else " + ")
            words.append(sign + self.wrapped(term, _PRODUCT))
        return "".join(words)

    def fraction(self, parts: Fraction) -> tuple[str, int]:
        """A signed fraction."""
        if parts.is_single and not parts.negative:
            return self.piece(parts.above[0])
        text = "*".join(self.wrapped(factor, _POWER) for factor in parts.above)
        if parts.below:
            below = "*".join(self.wrapped(factor, _POWER) for factor in parts.below)
            text += f"/({below})" if len(parts.below) > 1 else f"/{below}"
        return ("-" + text, _SUM) if parts.negative else (text, _PRODUCT)

    def call(self, expr: Call) -> tuple[str, int]:
        """A function, a power, a conditional, or a comparison used as a number."""
        if expr.op == "pow":
            return self.power(expr)
        if expr.op == "if":
            test, then, otherwise = expr.args
            branches = (self.argument(then), self.argument(otherwise))
            return self.language.choice.format(self.condition(test), *branches), _ATOM
        if expr.op in COMPARISONS:
            one, zero = (self.language.number.format(text) for text in ("1.0", "0.0"))
            return self.language.choice.format(self.condition(expr), one, zero), _ATOM
        name = self.language.functions[expr.op]
        if "{0}" in name:
            return name.format(*(self.wrapped(argument, _ATOM) for argument in expr.args)), _ATOM
        return f"{name}({', '.join(self.argument(argument) for argument in expr.args)})", _ATOM

    def power(self, expr: Call) -> tuple[str, int]:
        """A power; the square root by its name, small whole exponents without a logarithm."""
        base, exponent = expr.args
        if not variables(exponent):
            return self.constant_power(base, _value(exponent))
        strength = _ATOM if self.language.power_binds else _SUM
        text = self.language.power.format(self.wrapped(base, strength), self.wrapped(exponent, strength))
        return text, _POWER if self.language.power_binds else _ATOM

    def constant_power(self, base: Expression, exponent: float) -> tuple[str, int]:
        """A power whose exponent is a number."""
        if exponent == 0.5:
            return f"{self.language.functions['sqrt']}({self.argument(base)})", _ATOM
        binds = self.language.power_binds
        if not (exponent.is_integer() and abs(exponent) <= _LARGEST_EXPONENT):
            number = self.number(exponent)
            number = f"({number})" if binds and exponent < 0 else number
            text = self.language.power.format(self.wrapped(base, _ATOM if binds else _SUM), number)
        elif not binds and isinstance(base, Variable) and exponent in (2, 3):
            return f"({'*'.join([base.name] * int(exponent))})", _ATOM
        else:
            number = f"({int(exponent)})" if binds and exponent < 0 else str(int(exponent))
            text = self.language.power.format(self.wrapped(base, _ATOM if binds else _SUM), number)
        return text, _POWER if binds else _ATOM

    def condition(self, expr: Expression) -> str:
        """A comparison; a number holds as a condition where it is not 0."""
        if isinstance(expr, Call) and expr.op in COMPARISONS:
            left, right = (self.piece(argument)[0] for argument in expr.args)
            return f"{left} {OPERATORS[expr.op].symbol} {right}"
        return f"{self.language.functions['abs']}({self.argument(expr)}) > 0.0"


def _decided(expr: Expression) -> Expression:
    """The tree without conditionals that hang on numbers alone, so that what has variables is no bare number."""
    if not isinstance(expr, Call):
        return expr
    if expr.op == "if" and not variables(expr.args[0]):
        test, then, otherwise = expr.args
        return _decided(then if abs(_value(test)) > 0 else otherwise)
    return Call(expr.op, tuple(map(_decided, expr.args)))


def _value(expr: Expression) -> float:
    """Value of a tree without variables."""
    return float(evaluate(expr, {}))
