"""Products and powers in normal form: one number, then powers of unlike bases.

Every rule keeps the value wherever the original is finite (it may become
finite in more places), so `(x**2)**0.5` is `Abs(x)` while `sqrt(x)**2` is `x`.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from . import _functions as functions
from ._expression import Call, Constant, Expression, opened
from ._numbers import MINUS_ONE, ONE, ZERO, is_even, is_integer, is_number, plus, raised, times
from ._order import ordered
from ._sums import add, assembled, content, distributes, gather, leads_negative, negated, scaled, terms_of


@dataclass
class _Product:
    """A product under construction: number, powers, arguments of exponentials."""

    number: Constant = ONE
    powers: dict[Expression, Constant] = field(default_factory=dict)
    exponents: list[Expression] = field(default_factory=list)

    def put(self, base: Expression, exponent: Constant) -> None:
        """Multiply by a power of a base that cannot be taken apart."""
        known = self.powers.get(base)
        total = exponent if known is None else plus(known, exponent)
        self.powers.pop(base, None)
        if total.value != 0:
            self.powers[base] = total

    def put_number(self, base: Constant, exponent: Constant) -> None:
        """Multiply by a power of a number."""
        self.number = times(self.number, base if exponent.value == 1 else raised(base, exponent))


def multiply(exprs: Iterable[Expression]) -> Expression:
    """The product of trees in normal form.

    Args:
        exprs: Trees in normal form.

    Returns:
        Their product in normal form.
    """
    product = _Product()
    for expr in exprs:
        _gather(expr, ONE, product)
    return _finished(product)


def power(base: Expression, exponent: Expression) -> Expression:
    """A power of trees in normal form.

    Args:
        base: Tree in normal form.
        exponent: Tree in normal form.

    Returns:
        The power in normal form.
    """
    if not isinstance(exponent, Constant):
        return ONE if is_number(base, 1.0) else Call("pow", (base, exponent))
    if exponent.value == 0:
        return ONE
    product = _Product()
    _gather(base, exponent, product)
    return _finished(product)


def _gather(expr: Expression, exponent: Constant, product: _Product) -> None:
    """Multiply the product by `expr**exponent`."""
    if isinstance(expr, Constant):
        product.put_number(expr, exponent)
        return
    op, args = opened(expr)
    if op == "mul":
        _gather_mul(args, exponent, product)
    elif op == "pow" and isinstance(args[1], Constant):
        _gather_pow(args[0], args[1], exponent, product)
    elif op == "exp":
        product.exponents.append(multiply([exponent, args[0]]))
    elif op == "abs" and is_even(exponent):
        _gather(args[0], exponent, product)
    else:
        product.put(expr, exponent)


def _gather_mul(args: tuple[Expression, ...], exponent: Constant, product: _Product) -> None:
    """Multiply by a power of a product; only an integer one may be taken apart entirely."""
    if is_integer(exponent):
        for argument in args:
            _gather(argument, exponent, product)
        return
    number, rest = (args[0], args[1:]) if isinstance(args[0], Constant) else (ONE, args)
    if exponent.free and not number.free and abs(number.value) != 1:
        product.put(Call("mul", args), exponent)
        return
    product.put_number(Constant(abs(number.value), number.free), exponent)
    base = rest[0] if len(rest) == 1 else Call("mul", rest)
    if number.value >= 0 and len(rest) == 1:
        _gather(base, exponent, product)
    else:
        product.put(scaled(MINUS_ONE if number.value < 0 else ONE, base), exponent)


def _gather_pow(base: Expression, inner: Constant, outer: Constant, product: _Product) -> None:
    """Multiply by `(base**inner)**outer`."""
    exponent = inner if outer == ONE else times(inner, outer)
    if not is_integer(outer) and is_even(inner) and not is_even(exponent):
        base = functions.absolute(base)
    if isinstance(base, Call) and base.op == "pow" and outer == ONE:
        product.put(Call("pow", (base, inner)), ONE)
    elif outer == ONE and not is_integer(exponent):
        product.put(base, exponent)
    else:
        _gather(base, exponent, product)


def _finished(product: _Product) -> Expression:
    """The tree of a product."""
    if product.number.value == 0:
        return ZERO
    _merge_exponentials(product)
    _pull_numbers(product)
    if len(product.powers) == 1 and product.number.value != 1:
        ((base, exponent),) = product.powers.items()
        if exponent.value == 1 and isinstance(base, Call):
            short = _number_times(product.number, base)
            if short is not None:
                return short
    _turn_sign(product)
    factors = _grouped(product.powers)
    if product.number.value != 1 or not factors:
        factors = [product.number, *factors]
    return factors[0] if len(factors) == 1 else Call("mul", tuple(factors))


def _merge_exponentials(product: _Product) -> None:
    """Turn `exp(a)*exp(b)` into `exp(a + b)` and take out what the sum sets free."""
    if not product.exponents:
        return
    argument = product.exponents[0] if len(product.exponents) == 1 else add(product.exponents)
    product.exponents = []
    for factor in functions.exponential_factors(argument):
        if isinstance(factor, Call) and factor.op == "exp":
            product.put(factor, ONE)
        else:
            _gather(factor, ONE, product)
    if product.exponents:
        _merge_exponentials(product)


def _pull_numbers(product: _Product) -> None:
    """Move leading numbers of sums into the number of the product.

    First from sums of free numbers only; when that or anything else made the
    number free, also from sums that have one fixed number.
    """
    for _ in range(2):
        for base, exponent in list(product.powers.items()):
            if not (isinstance(base, Call) and base.op == "add"):
                continue
            alone = len(product.powers) == 1 and exponent.value == 1
            if alone and not product.number.free:
                continue
            number, rest = content(base, product.number.free)
            if number != ONE:
                _pull(product, base, exponent, number, rest)


def _pull(product: _Product, base: Call, exponent: Constant, number: Constant, rest: Expression) -> None:
    """Replace `base**exponent` by `number**exponent * rest**exponent`, where that is allowed."""
    if not is_integer(exponent):
        if number.value < 0:
            number = Constant(-number.value, number.free)
            rest = negated(rest) if isinstance(rest, Call) and rest.op == "add" else rest
        if number.value == 1 or (exponent.free and not number.free):
            return
    del product.powers[base]
    product.put_number(number, exponent)
    product.put(rest, exponent)


def _number_times(number: Constant, base: Call) -> Expression | None:
    """A number times one sum or one conditional, where it can move inside."""
    if base.op == "add":
        terms = terms_of(base)
        if ONE in terms and len(terms) == 2 and number.value != -1:
            return None
        return add([_expanded(number, base)]) if distributes(number, base) else None
    if base.op == "if" and number.value != -1:
        test, then, otherwise = base.args
        if is_number(then, 0.0) or is_number(otherwise, 0.0):
            return Call("if", (test, multiply([number, then]), multiply([number, otherwise])))
    return None


def _expanded(number: Constant, base: Call) -> Expression:
    """`number * (a + b)` as the sum `number*a + number*b`."""
    terms: dict[Expression, Constant] = {}
    gather(base, Constant(number.value, number.free and abs(number.value) != 1), terms)
    return assembled(terms)


def _turn_sign(product: _Product) -> None:
    """`-(c - x)*y` is shorter as `(x - c)*y`; sums in even powers begin with a plus."""
    for base, exponent in list(product.powers.items()):
        if not (isinstance(base, Call) and base.op == "add" and is_integer(exponent)):
            continue
        if is_even(exponent) and leads_negative(base):
            del product.powers[base]
            product.put(negated(base), exponent)
        elif not is_even(exponent) and product.number.value < 0 and not product.number.free:
            if all(c.value > 0 for c in terms_of(base).values()):
                continue
            del product.powers[base]
            product.put(negated(base), exponent)
            product.number = times(MINUS_ONE, product.number)


def _grouped(powers: dict[Expression, Constant]) -> list[Expression]:
    """Factors in order; bases with one fixed exponent are raised together."""
    groups: dict[float, list[Expression]] = {}
    singles: list[Expression] = []
    for base, exponent in powers.items():
        if exponent.free or abs(exponent.value) == 1:
            singles.append(_raised(base, exponent))
        else:
            groups.setdefault(abs(exponent.value), []).append(base)
    for size, bases in groups.items():
        singles.append(_group(size, bases, powers))
    return ordered([factor for single in singles for factor in _factors(single)])


def _group(size: float, bases: list[Expression], powers: dict[Expression, Constant]) -> Expression:
    """One power of all bases whose exponents are `size` or `-size`."""
    if len(bases) == 1:
        return _raised(bases[0], powers[bases[0]])
    sign = 1.0 if any(powers[base].value > 0 for base in bases) else -1.0
    inner = [_raised(base, Constant(sign * powers[base].value / size, free=False)) for base in bases]
    return Call("pow", (Call("mul", tuple(ordered(inner))), Constant(sign * size, free=False)))


def _raised(base: Expression, exponent: Constant) -> Expression:
    """A power as it is kept in the tree."""
    return base if exponent.value == 1 else Call("pow", (base, exponent))


def _factors(expr: Expression) -> tuple[Expression, ...]:
    """Factors of a product, or the tree itself."""
    return expr.args if isinstance(expr, Call) and expr.op == "mul" else (expr,)
