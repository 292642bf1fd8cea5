"""Rules of integration for what laws are made of.

Powers of a linear function, polynomials and Laurent sums times an exponential,
logarithms times a power, and single functions of a linear argument.
"""

from collections.abc import Callable, Mapping, Sequence

from ._expression import Call, Constant, Expression, Variable, variables
from ._laurent import (
    Linear,
    Powers,
    accumulate,
    integrated,
    linear,
    number,
    product,
    ratio,
    times_power,
)
from ._numbers import ONE, ZERO
from ._simplify import simplify

_LARGEST_EXPANSION = 6
_MOST_TERMS = 60


def by_rules(expr: Expression, name: str) -> Expression | None:
    """Antiderivative of a simplified tree by the rules of this page.

    Args:
        expr: The tree.
        name: The variable.

    Returns:
        An antiderivative, not yet simplified or checked; None if no rule applies.
    """
    terms = expanded(expr, name)
    if terms is None:
        return None
    parts: list[Expression] = []
    groups: dict[Expression, list[Expression]] = {}
    for term in terms:
        single = _single(term, name)
        if single is not None:
            parts.append(single)
        else:
            groups.setdefault(_exponent_of(term, name), []).append(term)
    for exponent, members in groups.items():
        found = _group(exponent, members, name)
        if found is None:
            return None
        parts.append(found)
    return _sum(parts)


def _sum(parts: Sequence[Expression]) -> Expression:
    """A sum of any number of parts."""
    if len(parts) < 2:
        return parts[0] if parts else ZERO
    return Call("add", tuple(parts))


def expanded(expr: Expression, name: str) -> list[Expression] | None:
    """Terms of a tree, with products of sums multiplied out.

    Args:
        expr: A simplified tree.
        name: The variable; only factors that contain it are multiplied out.

    Returns:
        The terms; None if there would be too many.
    """
    done: list[Expression] = []
    waiting = [expr]
    while waiting:
        term = waiting.pop()
        pieces = _split_once(term, name)
        if pieces is None:
            done.append(term)
        else:
            waiting.extend(pieces)
        if len(done) + len(waiting) > _MOST_TERMS:
            return None
    return done


def _split_once(term: Expression, name: str) -> list[Expression] | None:
    """Multiply out one sum of a term; None if there is nothing to do."""
    if isinstance(term, Call) and term.op == "add":
        return list(term.args)
    factors = _factors(term)
    varying = sum(name in variables(factor) for factor in factors)
    for k, factor in enumerate(factors):
        if name not in variables(factor) or (varying == 1 and _is_linear_power(factor, name)):
            continue
        opened = _opened(factor)
        if opened is None or (_is_linear_power(factor, name) and not _blocks(factors, k, name)):
            continue
        rest = factors[:k] + factors[k + 1 :]
        return [simplify(Call("mul", (ONE, *rest, *piece))) for piece in opened]
    return None


def _blocks(factors: tuple[Expression, ...], at: int, name: str) -> bool:
    """Whether something beside this factor is more than linear powers and exponentials."""
    others = factors[:at] + factors[at + 1 :]
    simple = [
        name not in variables(f) or _is_linear_power(f, name) or (isinstance(f, Call) and f.op == "exp") for f in others
    ]
    return not all(simple)


def _opened(factor: Expression) -> list[tuple[Expression, ...]] | None:
    """A sum, or a small power of one, as terms that each replace it."""
    if isinstance(factor, Call) and factor.op == "add":
        return [(term,) for term in factor.args]
    if not (isinstance(factor, Call) and factor.op == "pow"):
        return None
    base, exponent = factor.args
    if not (isinstance(base, Call) and base.op == "add" and isinstance(exponent, Constant)):
        return None
    if not float(exponent.value).is_integer() or not 2 <= exponent.value <= _LARGEST_EXPANSION:
        return None
    lower = Call("pow", (base, Constant(exponent.value - 1, exponent.free)))
    return [(term, lower) for term in base.args]


def _factors(term: Expression) -> tuple[Expression, ...]:
    """Factors of a term, with powers of products taken apart."""
    if isinstance(term, Call) and term.op == "mul":
        return tuple(inner for factor in term.args for inner in _factors(factor))
    if isinstance(term, Call) and term.op == "pow" and isinstance(term.args[0], Call) and term.args[0].op == "mul":
        exponent = term.args[1]
        if isinstance(exponent, Constant) and float(exponent.value).is_integer():
            return tuple(simplify(Call("pow", (inner, exponent))) for inner in term.args[0].args)
    return (term,)


def _base_and_exponent(factor: Expression) -> tuple[Expression, Expression]:
    """A factor as a power."""
    if isinstance(factor, Call) and factor.op == "pow":
        return factor.args[0], factor.args[1]
    return factor, ONE


def _is_linear_power(factor: Expression, name: str) -> bool:
    """Whether a factor is a constant power of a linear function."""
    base, exponent = _base_and_exponent(factor)
    return isinstance(exponent, Constant) and linear(base, name) is not None


def _single(term: Expression, name: str) -> Expression | None:
    """Antiderivative of a term with one varying factor, or with a logarithm and a power."""
    factors = _factors(term)
    varying = [factor for factor in factors if name in variables(factor)]
    rest = [factor for factor in factors if name not in variables(factor)]
    if not varying:
        return product(*rest, Variable(name))
    inner = _of_factor(varying[0], name) if len(varying) == 1 else _power_times_log(varying, name)
    return None if inner is None else product(*rest, inner)


def _of_factor(factor: Expression, name: str) -> Expression | None:
    """Antiderivative of one factor."""
    base, exponent = _base_and_exponent(factor)
    inside = linear(base, name)
    if inside is not None and name not in variables(exponent):
        return _of_power(base, exponent, inside)
    if not (isinstance(factor, Call) and factor.op in _FUNCTIONS):
        return None
    inside = linear(factor.args[0], name)
    if inside is None:
        return None
    return ratio(_FUNCTIONS[factor.op](factor.args[0], factor), inside.slope)


def _of_power(base: Expression, exponent: Expression, inside: Linear) -> Expression:
    """Antiderivative of a power of a linear function."""
    if isinstance(exponent, Constant) and exponent.value == -1:
        return ratio(_log(base, inside), inside.slope)
    higher = simplify(Call("add", (exponent, ONE)))
    if isinstance(exponent, Constant):
        higher = Constant(exponent.value + 1, exponent.free)
    return ratio(Call("pow", (base, higher)), product(higher, inside.slope))


def _log(base: Expression, inside: Linear) -> Expression:
    """The logarithm of what is positive at positive distances, or of its absolute value."""
    numbers = [part for part in (inside.slope, inside.offset) if isinstance(part, Constant)]
    positive = len(numbers) == 2 and numbers[0].value > 0 and numbers[1].value >= 0
    return Call("log", (base if positive else Call("abs", (base,)),))


def _power_times_log(varying: list[Expression], name: str) -> Expression | None:
    """Antiderivative of `L**p * log(L)` for a linear L."""
    logs = [f for f in varying if isinstance(f, Call) and f.op == "log"]
    powers = [f for f in varying if f not in logs]
    if len(logs) != 1 or len(powers) != 1 or not isinstance(logs[0], Call):
        return None
    base, exponent = _base_and_exponent(powers[0])
    inside = linear(base, name)
    if inside is None or logs[0].args[0] != base or not isinstance(exponent, Constant):
        return None
    log = logs[0]
    if exponent.value == -1:
        return ratio(Call("pow", (log, number(2.0))), product(number(2.0), inside.slope))
    higher = Constant(exponent.value + 1, exponent.free)
    bracket = Call("sub", (log, Call("div", (ONE, higher))))
    return ratio(Call("mul", (Call("pow", (base, higher)), bracket)), product(higher, inside.slope))


def _exponent_of(term: Expression, name: str) -> Expression:
    """Argument of the exponential of a term, 0 if it has none."""
    for factor in _factors(term):
        if isinstance(factor, Call) and factor.op == "exp" and name in variables(factor):
            return factor.args[0]
    return ZERO


def _group(exponent: Expression, terms: list[Expression], name: str) -> Expression | None:
    """Antiderivative of terms that share one exponential."""
    shift = _shift(terms, name)
    powers: Powers = {}
    for term in terms:
        one = _powers_of(term, exponent, shift, name)
        if one is None:
            return None
        for power, coefficient in one.items():
            accumulate(powers, power, coefficient)
    rate = None if exponent == ZERO else linear(exponent, name)
    if exponent != ZERO and rate is None:
        return None
    solved = integrated(powers, None if rate is None else rate.slope)
    if solved is None:
        return None
    u = simplify(Call("add", (Variable(name), shift)))
    parts: list[Expression] = [product(c, Call("pow", (u, number(p)))) for p, c in solved[0].items()]
    if solved[1] != ZERO:
        parts.append(product(solved[1], _log(u, Linear(ONE, shift))))
    total = simplify(_sum(parts))
    return total if rate is None else Call("mul", (total, Call("exp", (exponent,))))


def _shift(terms: list[Expression], name: str) -> Expression:
    """The shift in which a negative power occurs, 0 if there is none."""
    for term in terms:
        for factor in _factors(term):
            base, exponent = _base_and_exponent(factor)
            inside = linear(base, name)
            if inside is None or not isinstance(exponent, Constant):
                continue
            if exponent.value < 0 or not float(exponent.value).is_integer():
                return ratio(inside.offset, inside.slope)
    return ZERO


def _powers_of(term: Expression, exponent: Expression, shift: Expression, name: str) -> Powers | None:
    """A term without its exponential as a Laurent sum."""
    found: Powers | None = {0.0: ONE}
    for factor in _factors(term):
        if name not in variables(factor):
            found = {p: product(c, factor) for p, c in found.items()}
            continue
        if isinstance(factor, Call) and factor.op == "exp" and factor.args[0] == exponent:
            continue
        base, power = _base_and_exponent(factor)
        inside = linear(base, name)
        if inside is None or not isinstance(power, Constant):
            return None
        found = times_power(found, inside, float(power.value), shift)
        if found is None:
            return None
    return found


def _of_log(x: Expression, y: Expression) -> Expression:
    """`x*log(x) - x`."""
    return Call("sub", (Call("mul", (x, y)), x))


# Antiderivative of a function in its argument, from the argument and the call.
_FUNCTIONS: Mapping[str, Callable[[Expression, Expression], Expression]] = {
    "exp": lambda x, y: y,  # noqa: ARG005 - the rules share one signature
    "sin": lambda x, y: Call("neg", (Call("cos", (x,)),)),  # noqa: ARG005
    "cos": lambda x, y: Call("sin", (x,)),  # noqa: ARG005
    "sinh": lambda x, y: Call("cosh", (x,)),  # noqa: ARG005
    "cosh": lambda x, y: Call("sinh", (x,)),  # noqa: ARG005
    "tan": lambda x, y: Call("neg", (Call("log", (Call("abs", (Call("cos", (x,)),)),)),)),  # noqa: ARG005
    "tanh": lambda x, y: Call("log", (Call("cosh", (x,)),)),  # noqa: ARG005
    "log": _of_log,
}
