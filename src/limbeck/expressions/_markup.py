"""An expression as people read it on a page: LaTeX and presentation MathML.

One walk over the tree serves both; a style says how a sum, a fraction, a power
or a name is written. Everything that comes from a name is escaped.
"""

from dataclasses import dataclass

from ._display import Fraction, fraction, is_sum, signed_terms
from ._expression import COMPARISONS, Call, Constant, Expression, Variable
from ._format import short_number
from ._styles import Latex, MathML, Style

_SUM, _PRODUCT, _ATOM = 1, 2, 3


def to_latex(expr: Expression, digits: int = 4) -> str:
    """LaTeX of an expression.

    Args:
        expr: The tree.
        digits: Significant digits of each number.

    Returns:
        LaTeX for mathematics mode, without dollars.
    """
    return _Page(Latex(), digits).whole(expr)


def to_mathml(expr: Expression, digits: int = 4) -> str:
    """Presentation MathML of an expression.

    Args:
        expr: The tree.
        digits: Significant digits of each number.

    Returns:
        One `<math>` element, which browsers draw without scripts or fonts.
    """
    inner = _Page(MathML(), digits).whole(expr)
    return f'<math xmlns="http://www.w3.org/1998/Math/MathML"><mrow>{inner}</mrow></math>'


@dataclass(frozen=True)
class _Page:
    """A style and the number of digits."""

    style: Style
    digits: int

    def whole(self, expr: Expression) -> str:
        """A whole expression; a comparison may stand alone."""
        if isinstance(expr, Call) and expr.op in COMPARISONS:
            return self.condition(expr)
        return self.piece(expr)[0]

    def piece(self, expr: Expression) -> tuple[str, int]:
        """Text of a tree, and how strongly it binds."""
        if isinstance(expr, Variable):
            return self.style.name(expr.name), _ATOM
        if isinstance(expr, Constant):
            text = self.style.number(short_number(float(expr.value), self.digits))
            return text, _ATOM if expr.value >= 0 else _SUM
        if is_sum(expr):
            return self.sum(expr), _SUM
        parts = fraction(expr)
        if parts.negative or not parts.is_single or parts.above[0] != expr:
            return self.fraction(parts)
        return self.call(expr), _ATOM

    def wrapped(self, expr: Expression, lowest: int) -> str:
        """Text of a tree, in brackets where it binds less than asked."""
        text, strength = self.piece(expr)
        return text if strength >= lowest else self.style.brackets(text)

    def sum(self, expr: Expression) -> str:
        """Signed terms."""
        words = []
        for k, (negative, term) in enumerate(signed_terms(expr)):
            sign = self.style.operator("-" if negative else "+") if k else self.style.minus * negative
            words.append(sign + self.wrapped(term, _PRODUCT))
        return self.style.row(words)

    def product(self, factors: tuple[Expression, ...]) -> str:
        """Factors side by side; a sum alone needs no brackets."""
        if len(factors) == 1:
            return self.piece(factors[0])[0]
        words = [self.wrapped(factor, _ATOM) for factor in factors]
        between = [self._between(factor) for factor in factors[1:]]
        mixed = [words[0], *(word for pair in zip(between, words[1:], strict=True) for word in pair)]
        return self.style.row(mixed)

    def _between(self, following: Expression) -> str:
        """A visible sign where two numbers would run into each other."""
        base = following
        while isinstance(base, Call) and base.op == "pow":
            base = base.args[0]
        return self.style.operator("*") if isinstance(base, Constant) else self.style.times

    def fraction(self, parts: Fraction) -> tuple[str, int]:
        """A signed fraction."""
        minus = self.style.minus if parts.negative else ""
        if not parts.below:
            lowest = _PRODUCT if parts.negative and parts.is_single else _SUM
            text = self.wrapped(parts.above[0], lowest) if parts.is_single else self.product(parts.above)
            return self.style.row([minus, text]), _SUM if parts.negative else _PRODUCT
        text = self.style.quotient(self.product(parts.above), self.product(parts.below))
        return self.style.row([minus, text]), _SUM if parts.negative else _PRODUCT

    def call(self, expr: Call) -> str:
        """A power, a function, a conditional, or a comparison used as a number."""
        if expr.op == "pow":
            return self.power(expr)
        if expr.op == "if":
            return self.cases(expr)
        if expr.op in COMPARISONS:
            zero, one = (self.style.number(text) for text in ("0", "1"))
            return self.style.cases([(one, self.condition(expr))], zero)
        args = [self.piece(argument)[0] for argument in expr.args]
        if expr.op == "sqrt":
            return self.style.root(args[0])
        return self.style.absolute(args[0]) if expr.op == "abs" else self.style.function(expr.op, args)

    def power(self, expr: Call) -> str:
        """A power; the square root by its sign."""
        base, exponent = expr.args
        if exponent == Constant(0.5, free=False):
            return self.style.root(self.piece(base)[0])
        plain = isinstance(base, Variable) or (isinstance(base, Constant) and self._is_short(base))
        text = self.piece(base)[0]
        return self.style.power(text if plain else self.style.brackets(text), self.piece(exponent)[0])

    def _is_short(self, number: Constant) -> bool:
        """Whether a number is written as digits alone, without a sign or a power of ten."""
        return 0 <= number.value < 1e4 and "e" not in short_number(float(number.value), self.digits)

    def cases(self, expr: Call) -> str:
        """A conditional; one in the last branch adds a line."""
        branches, rest = [], expr
        while isinstance(rest, Call) and rest.op == "if":
            test, then, rest = rest.args
            branches.append((self.piece(then)[0], self.condition(test)))
        return self.style.cases(branches, self.piece(rest)[0])

    def condition(self, expr: Expression) -> str:
        """A comparison; a number holds as a condition where it is not 0."""
        if isinstance(expr, Call) and expr.op in COMPARISONS:
            left, right = (self.piece(argument)[0] for argument in expr.args)
            return self.style.row([left, self.style.operator(expr.op), right])
        zero = self.style.number("0")
        return self.style.row([self.piece(expr)[0], self.style.operator("ne"), zero])
