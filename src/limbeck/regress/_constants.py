"""A fitted constant with its uncertainty, as every result shows it."""

from dataclasses import dataclass


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
    """

    name: str
    value: float
    standard_error: float
    low: float
    high: float
    place: str
