"""From text to an expression, by a whitelist and nothing else.

A precedence-climbing parser of our own: the text is never evaluated, and
whatever is not on the list (attributes, indexing, unknown functions, unknown
names) is refused with its position. Long chains of sums and products become
flat nodes, so that only real nesting makes a tree deep.
"""

import difflib
import keyword
import math
import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import reduce
from typing import NoReturn

from limbeck._errors import InputError

from ._expression import Call, Constant, Expression, Variable

MAX_LENGTH = 100_000
MAX_NESTING = 64

FUNCTIONS = {
    "exp": "exp",
    "log": "log",
    "ln": "log",
    "sqrt": "sqrt",
    "Abs": "abs",
    "abs": "abs",
    "sin": "sin",
    "cos": "cos",
    "tan": "tan",
    "tanh": "tanh",
    "sinh": "sinh",
    "cosh": "cosh",
    "sign": "sign",
    "Min": "min",
    "min": "min",
    "Max": "max",
    "max": "max",
}
NAMED_CONSTANTS = {"pi": math.pi, "oo": math.inf, "nan": math.nan}
COMPARISONS = {"<": "lt", "<=": "le", ">": "gt", ">=": "ge"}
RESERVED = frozenset(FUNCTIONS) | frozenset(NAMED_CONSTANTS) | {"Piecewise", "IF"}
ALLOWED = "+ - * / ** ^, < <= > >=, " + ", ".join(sorted(FUNCTIONS)) + ", Piecewise, IF, pi"

_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)"
    r"|(?P<name>[^\W\d]\w*)|(?P<sign>\*\*|<=|>=|[-+*/^(),<>]))"
)
_COMPARISON, _SUM, _PRODUCT, _UNARY, _POWER = 1, 2, 3, 4, 5
_PRECEDENCE = {
    **dict.fromkeys(COMPARISONS, _COMPARISON),
    **dict.fromkeys("+-", _SUM),
    **dict.fromkeys("*/", _PRODUCT),
    "**": _POWER,
}


@dataclass(frozen=True)
class _Token:
    """One word of the text: its kind, its letters and where it begins."""

    kind: str
    text: str
    position: int


def parse(text: str, variables: Collection[str] | None = None) -> Expression:
    """Read a formula.

    Integers in the place of an exponent belong to the form (`free=False`);
    every other number may be refitted.

    Args:
        text: The formula, with `+ - * / ** ^`, parentheses, numbers, whitelisted
            functions, comparisons, `Piecewise((a, cond), (b, True))`, `IF(cond, a, b)`.
        variables: Names that may stand in it; None admits any identifier.

    Returns:
        The tree as it was written; nothing is simplified.

    Raises:
        InputError: If the text is no such formula; says where and what is allowed.
    """
    if len(text) > MAX_LENGTH:
        raise InputError(f"the expression has {len(text)} characters; at most {MAX_LENGTH} are read")
    if not text.strip():
        raise InputError("the expression is empty")
    return _Parser(text, variables).whole()


def _tokens(text: str) -> list[_Token]:
    """Cut the text into words, with an end mark."""
    found, position = [], 0
    end = len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        at = position + len(text[position:]) - len(text[position:].lstrip())
        if match is not None and match.lastgroup == "name":
            at += _name_length(match.group("name"))
        if match is None or match.lastgroup is None or at < match.end("name"):
            raise InputError(f"unexpected {text[at]!r} at position {at + 1} of the expression; allowed: {ALLOWED}")
        word = match.group(match.lastgroup)
        word = "**" if word == "^" else word
        found.append(_Token(match.lastgroup, word, match.start(match.lastgroup)))
        position = match.end()
    found.append(_Token("end", "end of text", end))
    return found


def _name_length(word: str) -> int:
    """How far a word is a name: `x²` is not one, and `π` may be taken for the number."""
    if word == "π":
        return 0
    return next((k for k, sign in enumerate(word) if not f"_{sign}".isidentifier()), len(word))


class _Parser:
    """The reader's place in the text; each method reads one construct."""

    def __init__(self, text: str, variables: Collection[str] | None) -> None:
        """Start at the first word."""
        self.tokens = _tokens(text)
        self.at = 0
        self.nesting = 0
        self.variables = variables

    def whole(self) -> Expression:
        """The entire text as one expression."""
        expr = self.expression(0)
        if self.peek().kind != "end":
            self.refuse(f"unexpected {self.peek().text!r}")
        return expr

    def peek(self) -> _Token:
        """The next word, left in its place."""
        return self.tokens[self.at]

    def take(self) -> _Token:
        """The next word, read."""
        token = self.tokens[self.at]
        self.at += 1
        return token

    def accept(self, sign: str) -> bool:
        """Read the sign if it comes next."""
        token = self.peek()
        if token.kind == "sign" and token.text == sign:
            self.at += 1
            return True
        return False

    def expect(self, sign: str) -> None:
        """Read the sign or refuse the text."""
        if not self.accept(sign):
            self.refuse(f"expected {sign!r}, found {self.peek().text!r}")

    def refuse(self, reason: str, token: _Token | None = None) -> NoReturn:
        """Raise, naming the position and what is allowed."""
        where = (token or self.peek()).position + 1
        raise InputError(f"{reason} at position {where} of the expression; allowed: {ALLOWED}")

    def expression(self, lowest: int) -> Expression:
        """An expression whose operators bind at least as strongly as `lowest`."""
        self.nesting += 1
        if self.nesting > MAX_NESTING:
            self.refuse(f"nested more than {MAX_NESTING} levels deep")
        left = self.prefix()
        while (token := self.peek()).kind == "sign" and _PRECEDENCE.get(token.text, -1) >= lowest:
            left = self.infix(left, _PRECEDENCE[token.text])
            if _PRECEDENCE[token.text] == _COMPARISON:
                lowest = _SUM
        self.nesting -= 1
        return left

    def infix(self, left: Expression, precedence: int) -> Expression:
        """What follows a first operand, a whole chain at a time."""
        if precedence == _SUM:
            return self.sum(left)
        if precedence == _PRODUCT:
            return self.product(left)
        token = self.take()
        if precedence == _POWER:
            return Call("pow", (left, _as_exponent(self.expression(_UNARY))))
        return Call(COMPARISONS[token.text], (left, self.expression(_SUM)))

    def sum(self, first: Expression) -> Expression:
        """A chain of `+` and `-`, as one flat node."""
        terms = [(False, first)]
        while (token := self.peek()).kind == "sign" and token.text in ("+", "-"):
            self.at += 1
            terms.append((token.text == "-", self.expression(_PRODUCT)))
        if len(terms) == 2:
            return Call("sub" if terms[1][0] else "add", (first, terms[1][1]))
        return Call("add", tuple(_negated(term) if minus else term for minus, term in terms))

    def product(self, first: Expression) -> Expression:
        """A chain of `*` and `/`, as at most one flat fraction."""
        above, below = [first], []
        while (token := self.peek()).kind == "sign" and token.text in ("*", "/"):
            self.at += 1
            (below if token.text == "/" else above).append(self.expression(_UNARY))
        numerator = above[0] if len(above) == 1 else Call("mul", tuple(above))
        if not below:
            return numerator
        denominator = below[0] if len(below) == 1 else Call("mul", tuple(below))
        return Call("div", (numerator, denominator))

    def prefix(self) -> Expression:
        """An operand: a number, a name, a call, a bracket, or one with signs before it."""
        token = self.peek()
        if token.kind == "sign" and token.text in ("+", "-"):
            return self.signed()
        if token.kind == "number":
            self.at += 1
            return Constant(float(token.text))
        if token.kind == "name":
            return self.name()
        if not self.accept("("):
            self.refuse(f"expected a number, a name or '(', found {token.text!r}")
        inner = self.expression(0)
        self.expect(")")
        return inner

    def signed(self) -> Expression:
        """An operand with signs before it; a power binds more strongly than they."""
        minus = False
        while (token := self.peek()).kind == "sign" and token.text in ("+", "-"):
            self.at += 1
            minus ^= token.text == "-"
        operand = self.expression(_POWER)
        return _negated(operand) if minus else operand

    def name(self) -> Expression:
        """A variable, a named constant or a call of a function."""
        token = self.take()
        if self.accept("("):
            return self.call(token)
        if token.text in NAMED_CONSTANTS:
            return Constant(NAMED_CONSTANTS[token.text], free=False)
        if token.text in RESERVED:
            self.refuse(f"the function {token.text!r} needs arguments in parentheses", token)
        self.check_name(token)
        return Variable(token.text)

    def check_name(self, token: _Token) -> None:
        """Refuse a name that is not known, with the nearest one that is."""
        if self.variables is None:
            if keyword.iskeyword(token.text) or token.text.startswith("__"):
                self.refuse(f"{token.text!r} is not a variable name", token)
        elif token.text not in self.variables:
            known = sorted(self.variables)
            near = difflib.get_close_matches(token.text, [*known, *sorted(RESERVED)], n=1, cutoff=0.5)
            hint = f", did you mean {near[0]!r}?" if near else ""
            self.refuse(f"unknown name {token.text!r}{hint} (variables: {', '.join(known) or 'none'})", token)

    def call(self, token: _Token) -> Expression:
        """A function with its arguments; the opening bracket has been read."""
        if token.text == "Piecewise":
            return self.piecewise()
        if token.text == "IF":
            return self.conditional()
        if token.text not in FUNCTIONS:
            near = difflib.get_close_matches(token.text, sorted(RESERVED), n=1)
            self.refuse(f"unknown function {token.text!r}" + (f", did you mean {near[0]!r}?" if near else ""), token)
        args = [self.expression(0)]
        while self.accept(","):
            args.append(self.expression(0))
        self.expect(")")
        op = FUNCTIONS[token.text]
        if op in ("min", "max"):
            if not 2 <= len(args) <= MAX_NESTING:
                self.refuse(f"{token.text!r} takes two or more arguments", token)
            return reduce(lambda a, b: Call(op, (a, b)), args)
        if len(args) != 1:
            self.refuse(f"{token.text!r} takes one argument, got {len(args)}", token)
        return Call(op, (args[0],))

    def condition(self) -> Expression:
        """A comparison."""
        token = self.peek()
        expr = self.expression(0)
        if not (isinstance(expr, Call) and expr.op in COMPARISONS.values()):
            self.refuse("a condition must be a comparison (< <= > >=)", token)
        return expr

    def conditional(self) -> Expression:
        """`IF(condition, then, else)`."""
        test = self.condition()
        self.expect(",")
        then = self.expression(0)
        self.expect(",")
        otherwise = self.expression(0)
        self.expect(")")
        return Call("if", (test, then, otherwise))

    def piecewise(self) -> Expression:
        """`Piecewise((a, condition), ..., (b, True))`, as nested conditionals."""
        branches: list[tuple[Expression, Expression]] = []
        while True:
            self.expect("(")
            value = self.expression(0)
            self.expect(",")
            if self.peek().text == "True":
                self.at += 1
                break
            branches.append((self.condition(), value))
            self.expect(")")
            self.expect(",")
            if len(branches) > MAX_NESTING:
                self.refuse(f"more than {MAX_NESTING} branches")
        self.expect(")")
        self.expect(")")
        for test, then in reversed(branches):
            value = Call("if", (test, then, value))
        return value


def _negated(expr: Expression) -> Expression:
    """The expression with a minus; a number takes it into itself."""
    return Constant(-expr.value, expr.free) if isinstance(expr, Constant) else Call("neg", (expr,))


def _as_exponent(expr: Expression) -> Expression:
    """An integer exponent belongs to the form."""
    if isinstance(expr, Constant) and float(expr.value).is_integer():
        return Constant(expr.value, free=False)
    return expr
