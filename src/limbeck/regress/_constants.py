"""A fitted constant with its uncertainty, as every result shows it."""

from collections.abc import Iterator
from dataclasses import dataclass

from limbeck.expressions import Constant, Expression, Variable


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
    """

    name: str
    value: float
    standard_error: float
    low: float
    high: float
    place: str
    unit: str | None = None


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
