"""Functions of one argument with a constant inside, on a grid of that constant.

A grid point near the true constant explains nearly all; which family fits is
then known, and Levenberg-Marquardt finds the digits. The grid is laid over the
argument's own scale, so that units do not matter.
"""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from limbeck._types import Samples
from limbeck.expressions import Call, Constant, Expression, free_constants

from ._factors import power_call
from ._inner_constants import form_of
from ._sample import Sample, Terms
from ._terms import ONE, coefficients, combined

SHIFTS = (0.003, 0.01, 0.03, 0.1, 0.3, 1.0, 3.0)  # in units of the argument's median size
RATES = (0.1, 0.15, 0.22, 0.33, 0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0, 6.0, 9.0)  # the same, inverted
BEST_WAVES = 3
WAVES = 60  # frequencies, from half a period to this many half periods over the range
WHOLE = (*range(-14, 0), 1, 2, 3, 4)
LOW = (2.0, -2.0, -3.0, 0.5, -0.5)
HALVES = (-3.5, -2.5, -1.5, -0.5, 0.5, 1.5, 2.5)
SHIFTED_POWERS = (-3.0, -2.0, -1.0, -0.5, 0.5, 2.0)
SOFTENED_POWERS = (-2.0, -1.5, -1.0, -0.5, 0.5)  # of the argument's square plus a constant
PLAIN_SIZE = 3  # of a function without a constant inside; one more with it


class Atom(NamedTuple):
    """A function of the argument.

    Attributes:
        expression: What it is.
        values: Its values.
        size: What it costs in the ranking.
        plain: Whether it has no fitted constant inside.
    """

    expression: Expression
    values: Samples
    size: int
    plain: bool

    @property
    def is_low_power(self) -> bool:
        """Whether it is the argument, its square or root, or an inverse of those."""
        if not self.plain or not isinstance(self.expression, Call):
            return self.size == 1
        last = self.expression.args[-1]
        return self.expression.op == "div" or (
            self.expression.op == "pow" and isinstance(last, Constant) and last.value in LOW
        )


class Atoms(NamedTuple):
    """Functions of one argument, and products of two of them.

    Attributes:
        atoms: The functions.
        values: Values of all terms.
        sizes: Size of each term.
        pairs: Which functions a term is the product of; -1 for none.
    """

    atoms: list[Atom]
    values: Terms
    sizes: Int[np.ndarray, " terms"]
    pairs: list[tuple[int, int]]

    @property
    def kinds(self) -> Int[np.ndarray, " terms"]:
        """A number for each form: grid points of one form share it."""
        numbers: dict[Expression, int] = {}
        kinds = [numbers.setdefault(form_of(atom.expression), len(numbers)) for atom in self.atoms]
        return np.array([kinds[i] + (len(numbers) * (1 + kinds[j]) if j >= 0 else 0) for i, j in self.pairs], dtype=int)

    def expression(self, index: int) -> Expression:
        """A term.

        Args:
            index: Its place.

        Returns:
            The term.
        """
        one, two = self.pairs[index]
        first = self.atoms[one].expression
        return first if two < 0 else Call("mul", (first, self.atoms[two].expression))

    def best_of_forms(self, explained: Float[np.ndarray, " terms"]) -> list[int]:
        """The grid point of each form that explains most.

        Args:
            explained: Share of the variance that each term explains.

        Returns:
            Indices, products last, the best first.
        """
        kinds = self.kinds
        forms: dict[int, int] = {}
        for k in np.argsort(-explained, kind="stable").tolist():
            forms.setdefault(int(kinds[k]), k)
        return sorted(forms.values(), key=lambda k: self.pairs[k][1] >= 0)


def _typical(values: Samples) -> float:
    """Median size of the argument."""
    return float(np.median(np.abs(values))) or float(np.max(np.abs(values))) or 1.0


def _raw(argument: Expression, values: Samples, operators: tuple[str, ...]) -> Iterator[tuple[Expression, Samples]]:
    """Every function of the argument that the operators allow."""
    yield argument, values
    yield from _powers(argument, values, operators)
    makers: dict[str, Callable[[Expression, Samples], Iterator[tuple[Expression, Samples]]]] = {
        "exp": _exponentials,
        "log": _logarithms,
        "tanh": _steps,
        "abs": _kinks,
        "min": lambda e, v: _bounds("min", e, v),
        "max": lambda e, v: _bounds("max", e, v),
    }
    for symbol, maker in makers.items():
        if symbol in operators:
            yield from maker(argument, values)
    for symbol in ("sin", "cos"):
        if symbol in operators:
            for rate in frequencies(values):
                yield Call(symbol, (_scaled(argument, rate),)), getattr(np, symbol)(rate * values)


def frequencies(values: Samples) -> list[float]:
    """Rates that a wave over the argument's range may have.

    Args:
        values: The argument.

    Returns:
        Rates, half a period apart over the range.
    """
    low, high = np.quantile(values, [0.02, 0.98])
    width = float(high - low) or float(np.ptp(values)) or 1.0
    return [np.pi * k / (2 * width) for k in range(1, WAVES)]


def _scaled(argument: Expression, rate: float) -> Expression:
    """The argument times a free constant."""
    return Call("mul", (Constant(float(rate)), argument))


def _shifted(argument: Expression, shift: float) -> Expression:
    """The argument plus a free constant."""
    return Call("add", (argument, Constant(float(shift))))


def _allowed(exponent: float, operators: tuple[str, ...]) -> bool:
    """Whether a power can be written with the operators."""
    simple = {-1.0: "/", 0.5: "sqrt", 2.0: "*", -2.0: "/", 3.0: "*", -3.0: "/"}
    return "^" in operators or simple.get(exponent, "^") in operators


def _powers(argument: Expression, values: Samples, operators: tuple[str, ...]) -> Iterator[tuple[Expression, Samples]]:
    """Powers of the argument, of the argument plus a constant, and of its square plus a constant."""
    for exponent in (*map(float, WHOLE), *HALVES):
        if exponent != 1.0 and _allowed(exponent, operators):
            yield power_call(argument, exponent), values**exponent
    scale = _typical(values)
    for exponent in (e for e in SHIFTED_POWERS if _allowed(e, operators)):
        for shift in (sign * scale * step for step in SHIFTS for sign in (1, -1)):
            yield power_call(_shifted(argument, shift), exponent), (values + shift) ** exponent
    square = power_call(argument, 2.0)
    for exponent in (e for e in SOFTENED_POWERS if _allowed(2.0, operators) and _allowed(e, operators)):
        for shift in ((scale * step) ** 2 for step in SHIFTS):
            yield power_call(_shifted(square, shift), exponent), (values**2 + shift) ** exponent


def _exponentials(argument: Expression, values: Samples) -> Iterator[tuple[Expression, Samples]]:
    """Exponentials of the argument and of its square, rising and falling."""
    scale = _typical(values)
    for rate in (sign * step / scale for step in RATES for sign in (-1, 1)):
        yield Call("exp", (_scaled(argument, rate),)), np.exp(rate * values)
    for rate in (-step / scale**2 for step in RATES):
        yield Call("exp", (_scaled(power_call(argument, 2.0), rate),)), np.exp(rate * values**2)


def _logarithms(argument: Expression, values: Samples) -> Iterator[tuple[Expression, Samples]]:
    """Logarithms of the argument, alone and with a constant added."""
    yield Call("log", (argument,)), np.log(values)
    for shift in (_typical(values) * step for step in SHIFTS):
        yield Call("log", (_shifted(argument, shift),)), np.log(values + shift)


def _steps(argument: Expression, values: Samples) -> Iterator[tuple[Expression, Samples]]:
    """Smooth steps."""
    for rate in (step / _typical(values) for step in RATES):
        yield Call("tanh", (_scaled(argument, rate),)), np.tanh(rate * values)


def _places(values: Samples) -> list[float]:
    """Places along the argument."""
    return np.quantile(values, np.linspace(0.1, 0.9, 9)).tolist()


def _kinks(argument: Expression, values: Samples) -> Iterator[tuple[Expression, Samples]]:
    """The distance from a place."""
    yield Call("abs", (argument,)), np.abs(values)
    for place in _places(values):
        yield Call("abs", (_shifted(argument, -place),)), np.abs(values - place)


def _bounds(op: str, argument: Expression, values: Samples) -> Iterator[tuple[Expression, Samples]]:
    """The argument bounded by a constant."""
    function = np.minimum if op == "min" else np.maximum
    for place in _places(values):
        yield Call(op, (argument, Constant(place))), function(values, place)


def atoms_of(
    argument: Expression, values: Samples, operators: tuple[str, ...], most: int, *, products: bool = True
) -> Atoms:
    """Functions of an argument with their products.

    Args:
        argument: What they are of.
        values: Its values.
        operators: Operator symbols that may be used.
        most: How many terms at most.
        products: Whether products of two functions are among them.

    Returns:
        The terms that are defined on all samples.
    """
    found: list[Atom] = []
    with np.errstate(all="ignore"):
        for expression, value in _raw(argument, values, operators):
            if np.isfinite(value).all() and np.ptp(value) > 0 and len(found) < most:
                plain = not len(free_constants(expression))
                size = 1 if expression == argument else PLAIN_SIZE + (not plain)
                found.append(Atom(expression, value, size, plain))
    pairs = [(k, -1) for k in range(len(found))]
    if products and "*" in operators:
        pairs += _products(found, most - len(found))
    columns = [found[i].values if j < 0 else found[i].values * found[j].values for i, j in pairs]
    sizes = [found[i].size + (1 + found[j].size if j >= 0 else 0) for i, j in pairs]
    return Atoms(found, np.array(columns).reshape(len(pairs), len(values)), np.array(sizes, dtype=int), pairs)


def _products(found: list[Atom], most: int) -> list[tuple[int, int]]:
    """Products of a low power of the argument and a function with a constant inside."""
    low = [k for k, atom in enumerate(found) if atom.is_low_power]
    inner = [k for k, atom in enumerate(found) if not atom.plain]
    # Low powers first: where the budget ends early, every inner function has met some.
    return [(i, j) for i in low for j in inner][: max(0, most)]


def waves(
    argument: Expression, values: Samples, sample: Sample, factor: tuple[Expression, Samples]
) -> list[Expression]:
    """Waves with a phase and an offset at the frequencies that explain most.

    Args:
        argument: What they are of.
        values: Its values.
        sample: Target and weights.
        factor: What multiplies the wave and its offset.

    Returns:
        `factor*(a*sin(w*argument + p) + b)`, the best first.
    """
    made = []
    for rate in frequencies(values):
        columns = np.stack([np.sin(rate * values), np.cos(rate * values), np.ones_like(values)])
        numbers = coefficients(columns, sample, factor[1])
        if numbers is None:
            continue
        error = float(np.linalg.norm(sample.root * (factor[1] * (numbers @ columns) - sample.target)))
        phase = Call("add", (_scaled(argument, rate), Constant(float(np.arctan2(numbers[1], numbers[0])))))
        size = [float(np.hypot(numbers[0], numbers[1])), float(numbers[2])]
        made.append((error, combined([Call("sin", (phase,)), ONE], size, factor[0])))
    return [expression for _, expression in sorted(made, key=lambda item: item[0])[:BEST_WAVES]]
