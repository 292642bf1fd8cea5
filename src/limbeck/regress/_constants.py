"""Numbers of an equation: fitted ones with their uncertainty, as every result shows them, and whole ones."""

from collections.abc import Iterator
from dataclasses import dataclass

from limbeck.expressions import Call, Constant, Expression, Variable

NEAR_ONE = 0.05


@dataclass(frozen=True, kw_only=True)
class ConstantEstimate:
    """A fitted constant with its uncertainty.

    Attributes:
        name: `c1`, `c2`, ...
        value: Best value.
        standard_error: Standard error, for laws robust to correlations within a simulation.
        low: Lower end of the 95 % interval.
        high: Upper end.
        place: Formula in which it stands, for laws with its channel.
        unit: Its unit where the table's units fix it, else None.
        whole: Whether it is a part of the form; error and interval are those that it has where it is fitted.
    """

    name: str
    value: float
    standard_error: float
    low: float
    high: float
    place: str
    unit: str | None = None
    whole: bool = False


def named(expression: Expression, numbers: Iterator[int]) -> Expression:
    """The expression with names c1, c2, ... for its free constants, in depth-first order.

    Args:
        expression: Any equation.
        numbers: Number of each constant; several equations may share one count.

    Returns:
        The equation as a place of its constants is shown.
    """
    if isinstance(expression, Constant):
        return Variable(f"c{next(numbers)}") if expression.free else expression
    if isinstance(expression, Variable):
        return expression
    return type(expression)(expression.op, tuple(named(child, numbers) for child in expression.args))


def whole_numbers(part: Expression) -> list[Constant]:
    """Fixed numbers that stand as terms or factors, but for signs and zeros.

    Args:
        part: Any equation.

    Returns:
        The numbers, in depth-first order.
    """
    if not isinstance(part, Call):
        return [part] if isinstance(part, Constant) and not part.free and part.value != 0 else []
    inner = part.args[:1] if part.op == "pow" and isinstance(part.args[1], Constant) else part.args
    signs = part.op == "mul"
    return [n for a in inner if not (signs and isinstance(a, Constant) and abs(a.value) == 1) for n in whole_numbers(a)]


def with_freed(expression: Expression, number: int) -> Expression:
    """The expression with one whole number free to be fitted.

    Args:
        expression: Any equation.
        number: Which of its `whole_numbers`.

    Returns:
        The equation with one number more to fit.
    """
    wanted = whole_numbers(expression)[number]

    def walk(part: Expression) -> Expression:
        if part is wanted:
            return Constant(float(wanted.value))
        return Call(part.op, tuple(map(walk, part.args))) if isinstance(part, Call) else part

    return walk(expression)


def is_near_one(value: float) -> bool:
    """Whether a fitted number may be 1 or -1.

    Args:
        value: The number.

    Returns:
        True within 5 %.
    """
    return abs(abs(value) - 1.0) < NEAR_ONE


def with_ones(part: Expression) -> Expression:
    """The expression with those fitted numbers made whole that may be 1 or -1.

    Args:
        part: Any equation.

    Returns:
        The equation, not simplified.
    """
    if isinstance(part, Constant):
        return Constant(round(part.value), free=False) if part.free and is_near_one(part.value) else part
    return Call(part.op, tuple(map(with_ones, part.args))) if isinstance(part, Call) else part
