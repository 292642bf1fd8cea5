"""A symbolic regression problem: a table, a target, and what may be used to explain it."""

from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from limbeck._errors import InputError
from limbeck._types import Samples, Table
from limbeck.expressions import Expression

DEFAULT_OPERATORS = ("+", "-", "*", "/", "^", "exp", "log")
LOSSES = ("squared", "robust")
COMPARISONS = ("<", ">", "<=", ">=")
KNOWN_OPERATORS = (*DEFAULT_OPERATORS, "sqrt", "sin", "cos", "tanh", "abs", "min", "max", *COMPARISONS, "IF")


@dataclass(frozen=True, kw_only=True, eq=False)
class Problem:
    """One function to find.

    Attributes:
        name: What the target is called.
        variables: Name of each column.
        inputs: One row a sample.
        target: Value at each sample.
        operators: Operator symbols that an equation may use.
        units: Unit of each variable, where known.
        weights: How much the square of each sample's error counts; None counts all alike.
        stretch: What standard errors are multiplied by, where the weights were estimated with the fit.
        leaves: Expressions of the variables that enumeration counts as it counts a variable.
    """

    name: str
    variables: tuple[str, ...]
    inputs: Table
    target: Samples
    operators: tuple[str, ...] = DEFAULT_OPERATORS
    units: dict[str, str] = field(default_factory=dict)
    weights: Samples | None = None
    stretch: float = 1.0
    leaves: tuple[Expression, ...] = ()

    def __post_init__(self) -> None:
        """Check that table and target fit together and are finite.

        Raises:
            InputError: If shapes disagree, a name stands twice, a value is not finite, a weight is
                negative or all are 0, or an operator is unknown.
        """
        if len(set(self.variables)) < len(self.variables):
            raise InputError(f"problem {self.name!r}: a variable stands twice in {', '.join(self.variables)}")
        if self.inputs.shape != (len(self.target), len(self.variables)):
            raise InputError(
                f"problem {self.name!r}: {len(self.target)} targets of {len(self.variables)} variables need inputs of "
                f"shape {(len(self.target), len(self.variables))}; got {self.inputs.shape}"
            )
        if len(self.target) < 3:
            raise InputError(f"problem {self.name!r}: at least 3 samples are needed; got {len(self.target)}")
        if not (np.isfinite(self.inputs).all() and np.isfinite(self.target).all()):
            raise InputError(f"problem {self.name!r}: inputs and target must be finite")
        if self.weights is not None:
            self._check_weights(self.weights)
        check_operators(self.operators)

    def _check_weights(self, weights: Samples) -> None:
        """Refuse weights that do not say how much a sample counts."""
        if weights.shape != self.target.shape:
            raise InputError(
                f"problem {self.name!r}: {len(self.target)} samples need as many weights; got {weights.shape}"
            )
        if not (np.isfinite(weights).all() and (weights >= 0).all()):
            raise InputError(f"problem {self.name!r}: weights must be finite and not negative")
        if np.sum(weights > 0) < 3:
            raise InputError(f"problem {self.name!r}: at least 3 samples need a weight above 0")

    def rows(self, chosen: Int[np.ndarray, " rows"]) -> "Problem":
        """The problem on some of its samples.

        Args:
            chosen: Numbers of the samples; where fewer than three are left, all are taken.

        Returns:
            A smaller table.
        """
        if len(chosen) < 3:
            chosen = np.arange(len(self.target)) if self.weights is None else np.flatnonzero(self.weights > 0)
        weights = None if self.weights is None else self.weights[chosen]
        return replace(self, inputs=self.inputs[chosen], target=self.target[chosen], weights=weights)


def check_operators(operators: tuple[str, ...]) -> None:
    """Refuse operators that no engine knows.

    Args:
        operators: Symbols such as `+` or `exp`.

    Raises:
        InputError: If one is unknown or there is none.
    """
    unknown = [symbol for symbol in operators if symbol not in KNOWN_OPERATORS]
    if unknown or not operators:
        named = ", ".join(map(repr, unknown)) or "(none given)"
        raise InputError(f"unknown operator {named}: choose from {' '.join(KNOWN_OPERATORS)}")


def check_loss(name: str) -> str:
    """Refuse a loss that there is not.

    Args:
        name: `squared` or `robust`.

    Returns:
        The same name.

    Raises:
        InputError: If it is another.
    """
    if name not in LOSSES:
        raise InputError(f"unknown loss {name!r}: choose from {', '.join(LOSSES)}")
    return name


@dataclass(frozen=True, kw_only=True)
class SearchConfig:
    """How long and how wide to search.

    Attributes:
        evaluations: Equations that may be tried, each with its constants fitted.
        population: Equations that live at a time.
        max_complexity: Largest tree, in the engine's own nodes.
        constant_steps: Levenberg-Marquardt steps for the constants of each equation.
        threads: Threads of the engine. Only 1 repeats exactly for a seed: with 2, a short search of
            PyOperon gave another front in 3 of 8 runs, with a longer one in none.
        time_limit: Seconds after which a search is ended; 0 is none. A search that it ends is not repeatable.
        past_noise: Whether enumeration goes on where what an equation leaves over looks like noise already.
    """

    evaluations: int = 120_000
    population: int = 1_000
    max_complexity: int = 24
    constant_steps: int = 5
    threads: int = 1
    time_limit: float = 0.0
    past_noise: bool = False

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            InputError: If a setting is out of range.
        """
        for name in ("evaluations", "population", "max_complexity", "constant_steps", "threads"):
            if getattr(self, name) < 1:
                raise InputError(f"search.{name} must be at least 1; got {getattr(self, name)}")
        if not self.time_limit >= 0:
            raise InputError(f"search.time_limit must not be negative; got {self.time_limit}")


class Found(NamedTuple):
    """What an engine hands back.

    Attributes:
        candidates: Expressions, each with the engine's own count of its size.
        evaluations: Number of expressions that it tried.
        out_of_time: Whether the time limit ended the search.
        symmetry: What symmetries leave of the target, such as `m*f(v/c)`; empty where none was used.
    """

    candidates: list[tuple[Expression, int]]
    evaluations: int
    out_of_time: bool
    symmetry: str = ""
