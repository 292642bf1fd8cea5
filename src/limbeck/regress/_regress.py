"""The Python face of a regression: a table in, an equation that is also a function out."""

import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from numbers import Integral, Real
from typing import TYPE_CHECKING

import numpy as np

from limbeck._errors import InputError
from limbeck._types import Samples
from limbeck.expressions import Expression, evaluate, to_latex, to_readable, to_sympy

from ._arrays import table_of, vector_of
from ._constants import ConstantEstimate
from ._hall_of_fame import HallOfFame
from ._problem import DEFAULT_OPERATORS
from ._regress_table import regress_table
from ._regression import Regression, RegressionConfig
from ._tabular import FEWEST_ROWS, tabular_problem

if TYPE_CHECKING:
    import sympy


@dataclass(frozen=True, kw_only=True, eq=False)
class RegressedLaw:
    """An equation as a formula and as a function.

    Attributes:
        regression: Everything that was found.
        columns: The table's name of every column of X, in order.
        variables: Column of X by the name of a variable of the equation.
        notes: What was changed or left out, in sentences.
    """

    regression: Regression
    columns: tuple[str, ...]
    variables: Mapping[str, str]
    notes: tuple[str, ...]

    @property
    def expression(self) -> Expression:
        """The equation; where the verdict is not `found`, a candidate only."""
        return self.regression.chosen.expression

    @property
    def sympy(self) -> "sympy.Basic":
        """The equation for SymPy."""
        return to_sympy(self.expression)

    @property
    def latex(self) -> str:
        """The equation in LaTeX."""
        return to_latex(self.expression)

    @property
    def constants(self) -> tuple[ConstantEstimate, ...]:
        """Fitted numbers with standard errors and 95 % intervals."""
        return self.regression.constants

    @property
    def hall_of_fame(self) -> HallOfFame:
        """Best equation at each complexity."""
        return self.regression.hall

    @property
    def verdict(self) -> str:
        """`found` or `not found`."""
        return self.regression.verdict

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why."""
        return self.regression.reasons

    @property
    def found(self) -> bool:
        """Whether the equation can be stood behind."""
        return self.verdict == "found"

    def __call__(self, X: object) -> Samples:
        """Value of the equation.

        Args:
            X: A table with the same columns: an array, or a DataFrame that names them.

        Returns:
            One value for each row; NaN or infinite where the equation is undefined.

        Raises:
            InputError: If X is no such table.
        """
        inputs, columns = table_of(X, None)
        if columns is None:
            columns = self.columns
            if inputs.shape[1] != len(columns):
                raise InputError(f"X has {inputs.shape[1]} columns; the equation was found with {len(columns)}")
        missing = [column for column in self.variables.values() if column not in columns]
        if missing:
            raise InputError(f"X lacks the column {missing[0]!r}; it has {', '.join(columns)}")
        twice = [column for column in self.variables.values() if columns.count(column) > 1]
        if twice:
            raise InputError(f"X has the column {twice[0]!r} twice; each column needs its own name")
        values = {name: inputs[:, columns.index(column)] for name, column in self.variables.items()}
        return np.broadcast_to(evaluate(self.expression, values), len(inputs)).astype(float)

    def __str__(self) -> str:
        """The verdict and the equation, for people."""
        lines = [self.verdict, f"{self.regression.problem.name} = {to_readable(self.expression)}"]
        return "\n".join(lines if self.found else [*lines, *(f"- {reason}" for reason in self.reasons)])


def regress(
    X: object,
    y: object,
    names: Sequence[str] | None = None,
    *,
    weights: object = None,
    operators: Sequence[str] = DEFAULT_OPERATORS,
    engine: str = "auto",
    loss: str = "squared",
    seed: int = 0,
    time_limit: float | None = 0.0,
    units: Mapping[str, str] | None = None,
    config: RegressionConfig | None = None,
) -> RegressedLaw:
    """Find the equation behind a table.

    Args:
        X: One row a sample, one column a variable: an array, or a DataFrame that names its columns.
        y: The target, one value a row.
        names: Names of the columns; by default a DataFrame's own, else `x0, x1, ...`.
        weights: Weight of each row in sums of squares, >= 0.
        operators: Operator symbols that the search builds equations of; products of powers, and sums of two, that lie
            near the target are tried whatever they are.
        engine: `auto` or the name of an engine.
        loss: `squared`, or `robust` where a part of the rows, less than a fifth, may be grossly wrong.
        seed: Decides everything random.
        time_limit: Seconds for everything; 0 or None is none. What it cuts short promises no bitwise repeat.
        units: Unit by name of a column.
        config: How long and how wide to search.

    Returns:
        The equation with its verdict: `found` is claimed only where it can be stood behind.

    Raises:
        InputError: If table, target or options are wrong.

    Example:
        >>> import numpy as np
        >>> s = np.linspace(0.1, 5.0, 40)
        >>> law = regress(s[:, None], 3.0 * s + 1.0, ["s"])
        >>> law.verdict, float(np.round(law([[2.0]])[0], 6))
        ('found', 7.0)
    """
    return regressed(
        X,
        y,
        names,
        weights=weights,
        operators=tuple(operators),
        engine=engine,
        loss=loss,
        seed=seed,
        time_limit=time_limit,
        units=units,
        config=config or RegressionConfig(),
    )


def regressed(
    X: object,
    y: object,
    names: Sequence[str] | None,
    *,
    config: RegressionConfig,
    seed: int,
    weights: object = None,
    operators: tuple[str, ...] = DEFAULT_OPERATORS,
    engine: str = "auto",
    loss: str = "squared",
    time_limit: float | None = 0.0,
    units: Mapping[str, str] | None = None,
    fewest_rows: int = FEWEST_ROWS,
) -> RegressedLaw:
    """Do what `regress` says, with as few rows as the caller likes; too few of them never make a law.

    Args:
        X: One row a sample, one column a variable.
        y: The target.
        names: Names of the columns, or None.
        config: How long and how wide to search.
        seed: Decides everything random.
        weights: Weight of each row.
        operators: Operator symbols that an equation may use.
        engine: `auto` or the name of an engine.
        loss: `squared` or `robust`.
        time_limit: Seconds for everything; 0 or None is none.
        units: Unit by name of a column.
        fewest_rows: Rows without which nothing is tried, at least 3.

    Returns:
        The equation with its verdict.

    Raises:
        InputError: If table, target or options are wrong.
    """
    deadline = _deadline(time_limit)
    _check_seed(seed)
    inputs, columns = table_of(X, names)
    columns = columns or tuple(f"x{k}" for k in range(inputs.shape[1]))
    tabular = tabular_problem(
        inputs,
        vector_of(y, "y", len(inputs)),
        columns,
        _target_name(y, columns),
        operators=operators,
        units=units,
        weights=None if weights is None else vector_of(weights, "weights", len(inputs)),
        fewest_rows=fewest_rows,
    )
    found = regress_table(tabular.problem, config, engine=engine, loss=loss, seed=seed, deadline=deadline)
    if len(inputs) < FEWEST_ROWS:
        found = replace(found, verdict="not found", reasons=(f"{len(inputs)} rows are too few to tell a law from",))
    return RegressedLaw(regression=found, columns=columns, variables=tabular.columns, notes=tabular.notes)


def _deadline(time_limit: float | None) -> float:
    """The moment at which to end; infinite without a limit."""
    if time_limit is None:
        return math.inf
    is_number = isinstance(time_limit, Real) and not isinstance(time_limit, bool)
    if not (is_number and math.isfinite(time_limit) and time_limit >= 0):
        raise InputError(f"the time limit must be a number of seconds, 0 for none; got {time_limit!r}")
    return time.monotonic() + time_limit if time_limit else math.inf


def _check_seed(seed: object) -> None:
    """Refuse what is no whole number; a search says which of them it takes."""
    if isinstance(seed, bool) or not isinstance(seed, Integral):
        raise InputError(f"the seed must be a whole number; got {seed!r}")


def _target_name(y: object, columns: tuple[str, ...]) -> str:
    """The name of the target: a Series' own, else the first of `y`, `target`, `target_2`, ... that no column has."""
    own = getattr(y, "name", None)
    if isinstance(own, str) and own and own not in columns:
        return own
    return next(name for name in chain(("y", "target"), (f"target_{k}" for k in count(2))) if name not in columns)
