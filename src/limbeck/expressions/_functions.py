"""Functions of one argument in normal form.

Numbers inside are brought outside where that is valid for all real values at
which the original is finite: `log(2*x)` is `log(x) + 0.693`, `exp(x + 1)` is
`2.718*exp(x)`, `Abs(-2*x)` is `2*Abs(x)`.
"""

import math
from collections.abc import Callable, Mapping

import numpy as np

from . import _products as products
from ._expression import OPERATORS, Call, Constant, Expression, opened
from ._numbers import MINUS_ONE, is_even, times
from ._sums import add, leads_negative, negated, scaled, split_number, terms_of

# Beyond this, taking exp(b) out of exp(a + b) could lose what cancels inside.
_LARGEST_SHIFT = 50.0
_ODD = frozenset({"sin", "tan", "tanh", "sinh"})
_EVEN = frozenset({"cos", "cosh"})


def function(op: str, argument: Expression) -> Expression:
    """A function of a tree in normal form.

    Args:
        op: A unary operator other than `neg` and `sqrt`.
        argument: Tree in normal form.

    Returns:
        The function's value in normal form.
    """
    if isinstance(argument, Constant):
        return _folded(op, argument)
    rule = _RULES.get(op)
    if rule is not None:
        return rule(argument)
    return _parity(op, argument)


def _folded(op: str, argument: Constant) -> Expression:
    """A function of a number; it stays where it has no finite value."""
    with np.errstate(all="ignore"):
        value = float(getattr(np, OPERATORS[op].function)(argument.value))
    return Constant(value, argument.free) if math.isfinite(value) else Call(op, (argument,))


def exponential_factors(argument: Expression) -> list[Expression]:
    """Factors of `exp(argument)`: a number, powers from logarithms, one exponential.

    Args:
        argument: Tree in normal form.

    Returns:
        The factors; at most one is an exponential, which cannot be taken apart.
    """
    if isinstance(argument, Constant):
        return [_folded("exp", argument)]
    coefficient, rest = split_number(argument)
    terms = [argument]
    if isinstance(rest, Call) and rest.op == "add":
        terms = [scaled(times(coefficient, c), term) for term, c in terms_of(rest).items()]
    factors, kept = [], []
    for term in terms:
        factor = _set_free(term)
        (kept if factor is None else factors).append(term if factor is None else factor)
    if not factors:
        return [Call("exp", (argument,))]
    return [*factors, Call("exp", (add(kept),))] if kept else factors


def _set_free(term: Expression) -> Expression | None:
    """`exp(term)` where it is simpler than that: a number, or a power from a logarithm."""
    if isinstance(term, Constant):
        usable = abs(term.value) < _LARGEST_SHIFT
        return Constant(math.exp(term.value), term.free) if usable else None
    exponent, rest = split_number(term)
    if isinstance(rest, Call) and rest.op == "log":
        return products.power(rest.args[0], exponent)
    return None


def _exponential(argument: Expression) -> Expression:
    """`exp`, by way of the product that it may be."""
    return products.multiply([Call("exp", (argument,))])


def _logarithm(argument: Expression) -> Expression:
    """`log`: positive numbers, powers and exponentials come out."""
    op, args = opened(argument)
    if op == "exp":
        return args[0]
    if op == "pow" and isinstance(args[1], Constant) and not is_even(args[1]):
        return products.multiply([args[1], _logarithm(args[0])])
    if op == "mul":
        return _logarithm_of_product(argument, args)
    return Call("log", (argument,))


def _logarithm_of_product(argument: Expression, args: tuple[Expression, ...]) -> Expression:
    """`log` of a product: positive numbers and exponentials come out."""
    out = [f for f in args if isinstance(f, Call) and f.op == "exp"]
    number, _ = split_number(argument)
    shift = math.log(number.value) if number.value > 0 else 0.0
    rest = [f for f in args if f not in out]
    if number.value > 0 and number is args[0]:
        rest = rest[1:]
    if len(rest) == len(args):
        return Call("log", (argument,))
    inner = [_logarithm(products.multiply(rest))] if rest else []
    return add([*inner, *(f.args[0] for f in out), Constant(shift, number.free)])


def absolute(argument: Expression) -> Expression:
    """`Abs`: numbers come out, and what is never negative stays as it is.

    Args:
        argument: Tree in normal form.

    Returns:
        Its absolute value in normal form.
    """
    if isinstance(argument, Constant):
        return Constant(abs(argument.value), argument.free)
    number, rest = split_number(argument)
    if number.value != 1:
        return products.multiply([Constant(abs(number.value), number.free), absolute(rest)])
    op, args = opened(argument)
    if op in ("abs", "exp", "cosh"):
        return argument
    if op == "pow" and isinstance(args[1], Constant) and (is_even(args[1]) or not float(args[1].value).is_integer()):
        return argument
    return Call("abs", (_turned(argument),))


def _sign(argument: Expression) -> Expression:
    """`sign`: of a number in front only its own sign remains."""
    number, rest = split_number(argument)
    if number.value != 1:
        inner = Call("sign", (rest,))
        return inner if number.value > 0 else Call("mul", (MINUS_ONE, inner))
    return Call("sign", (argument,))


def _parity(op: str, argument: Expression) -> Expression:
    """An even function ignores a sign, an odd one gives a bare minus away."""
    number, rest = split_number(argument)
    if op in _EVEN:
        if number.value < 0:
            argument = scaled(Constant(-number.value, number.free), rest)
        return Call(op, (_turned(argument),))
    if op in _ODD and number == MINUS_ONE:
        return Call("mul", (MINUS_ONE, Call(op, (rest,))))
    return Call(op, (argument,))


def _turned(argument: Expression) -> Expression:
    """A sum with its first term positive; anything else as it is."""
    if isinstance(argument, Call) and argument.op == "add" and leads_negative(argument):
        return negated(argument)
    return argument


_RULES: Mapping[str, Callable[[Expression], Expression]] = {
    "exp": _exponential,
    "log": _logarithm,
    "abs": absolute,
    "sign": _sign,
}
