"""A table as people have it, turned into a problem: names, constant columns, and what can't be searched.

Columns keep their names where an equation can bear them. Other names are changed, and that is said.
"""

import builtins
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import BuiltinFunctionType
from unicodedata import normalize

import numpy as np

from limbeck._errors import InputError
from limbeck._types import Samples, Table
from limbeck.expressions import Variable, parse

from ._problem import DEFAULT_OPERATORS, Problem
from ._units import check_unit

FEWEST_ROWS = 10
MOST_COLUMNS = 1000
LARGEST = 1e100  # size of a value


@dataclass(frozen=True, kw_only=True, eq=False)
class TabularProblem:
    """A problem with the names that its table has.

    Attributes:
        problem: What is searched; columns with one value throughout are left out.
        columns: The table's own name of each variable that may stand in an equation.
        notes: What was changed or left out, in sentences.
    """

    problem: Problem
    columns: Mapping[str, str]
    notes: tuple[str, ...]


def variable_name(column: str, taken: Sequence[str] = ()) -> str:
    """The name under which a column stands in equations.

    Args:
        column: The column's own name.
        taken: Names that other columns have.

    Returns:
        The same name where an equation can bear it, else the nearest that it can.
    """
    name = column
    if not _is_name(name):
        name = re.sub(r"[^0-9A-Za-z]+", "_", column).strip("_") or "x"
        name = f"x{name}" if name[0].isdigit() else name
        name = name if _is_name(name) else f"{name}_"
    stem, number = name, 2
    while name in taken:
        name, number = f"{stem}_{number}", number + 1
    return name


def tabular_problem(
    inputs: Table,
    target: Samples,
    columns: Sequence[str],
    target_column: str,
    *,
    operators: tuple[str, ...] = DEFAULT_OPERATORS,
    units: Mapping[str, str] | None = None,
    weights: Samples | None = None,
    fewest_rows: int = FEWEST_ROWS,
) -> TabularProblem:
    """Make a problem of the columns of a table.

    Args:
        inputs: One row a sample, finite.
        target: Value at each sample, finite.
        columns: The table's name of each column of `inputs`.
        target_column: The table's name of the target.
        operators: Operator symbols that an equation may use.
        units: Unit by name of a column.
        weights: Weight of each sample; samples without any are left out.
        fewest_rows: Rows without which nothing is tried, at least 3.

    Returns:
        The problem and what was changed.

    Raises:
        InputError: If there are too few rows, nothing varies, a name or an operator is unknown, or a unit can't be
            read.
    """
    notes: list[str] = []
    weights = None if weights is None else _of_common_size(weights)
    if weights is not None and (weights == 0).any():
        counted = weights != 0
        if not counted.any():
            raise InputError("weights: no row has a weight above 0")
        inputs, target, weights = inputs[counted], target[counted], weights[counted]
        notes.append(f"{np.sum(~counted)} rows have no weight and are left out")
    _check(inputs, target, columns, target_column, fewest_rows)
    renamed = _renamed(columns, target_column)
    changed = {column: name for column, name in renamed.items() if column != name}
    notes += [f"the column {column!r} is called {name} in equations" for column, name in changed.items()]
    used = [k for k in range(len(columns)) if np.ptp(inputs[:, k]) > 0]
    for k in sorted(set(range(len(columns))) - set(used)):
        value = float(inputs[0, k])
        notes.append(f"the column {columns[k]!r} has the value {value:g} throughout: no equation can tell its part")
    if not used:
        raise InputError(f"no column varies that could explain {target_column!r}")
    notes += _sympy_note([renamed[columns[k]] for k in used])
    problem = Problem(
        name=renamed[target_column],
        variables=tuple(renamed[columns[k]] for k in used),
        inputs=np.ascontiguousarray(inputs[:, used]),
        target=target,
        operators=operators,
        units=_units(units or {}, renamed),
        weights=weights,
    )
    return TabularProblem(problem=problem, columns={renamed[columns[k]]: columns[k] for k in used}, notes=tuple(notes))


def _of_common_size(weights: Samples) -> Samples:
    """Weights whose sums of squares are numbers: only what they are to each other counts, so the largest may be 1."""
    largest = float(np.max(weights, initial=0.0))
    return weights if largest == 0 or 1 / LARGEST <= largest <= LARGEST else weights / largest


def _check(inputs: Table, target: Samples, columns: Sequence[str], target_column: str, fewest_rows: int) -> None:
    """Refuse what can't be searched."""
    if not columns:
        raise InputError(f"no column is left to explain {target_column!r}")
    if len(columns) > MOST_COLUMNS:
        raise InputError(f"{len(columns)} columns are too many to search; choose at most {MOST_COLUMNS}")
    if len(target) < fewest_rows:
        raise InputError(f"at least {fewest_rows} rows are needed; got n_samples = {len(target)}")
    for column, values in zip((target_column, *columns), (target, *inputs.T), strict=True):
        largest = float(np.max(np.abs(values)))
        if largest > 0 and not 1 / LARGEST < largest < LARGEST:
            raise InputError(
                f"the column {column!r} has values of up to {largest:.0e}: powers of such numbers are none; give it in "
                f"another unit, between {1 / LARGEST:g} and {LARGEST:g}"
            )
    if np.ptp(target) == 0:
        raise InputError(f"the target {target_column!r} has the value {target[0]:g} in every row: nothing to explain")


def _renamed(columns: Sequence[str], target_column: str) -> dict[str, str]:
    """Name in equations by column; columns that need no change come first, so that they keep their names."""
    found: dict[str, str] = {}
    for column in sorted((target_column, *columns), key=lambda name: not _is_name(name)):
        if column in found:
            raise InputError(f"the column {column!r} stands twice; each column needs its own name")
        found[column] = variable_name(column, tuple(found.values()))
    return found


def _is_name(name: str) -> bool:
    """Whether an equation can bear a name: our parser reads it as a variable, and Python as no other one."""
    try:
        return name == normalize("NFKC", name.strip()) and parse(name) == Variable(name)
    except InputError:
        return False


def _sympy_note(names: Sequence[str]) -> list[str]:
    """A warning where SymPy would take a name for something of its own."""
    own = [name for name in names if _is_sympys(name)]
    if not own:
        return []
    symbols = ", ".join(f"{name!r}: Symbol({name!r})" for name in own)
    return [
        f"SymPy has a meaning of its own for {', '.join(own)}: read the expression with "
        f"sympify(expression, locals={{{symbols}}})"
    ]


def _is_sympys(name: str) -> bool:
    """Whether `sympify` reads a name as something of its own: Euler's number, a special function, a builtin."""
    import sympy

    return name in sympy.__all__ or isinstance(getattr(builtins, name, None), BuiltinFunctionType)


def _units(units: Mapping[str, str], renamed: Mapping[str, str]) -> dict[str, str]:
    """Unit by name in equations."""
    unknown = [column for column in units if column not in renamed]
    if unknown:
        raise InputError(f"units: there is no column {unknown[0]!r}; there are {', '.join(renamed)}")
    for column, unit in units.items():
        check_unit(unit, f"the column {column!r}")
    return {renamed[column]: unit for column, unit in units.items()}
