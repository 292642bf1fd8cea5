"""A table, from a file or from memory, into states: the contract of columns.

It takes a CSV or Parquet file or a pandas DataFrame with one row for each
particle, time and simulation, checks every cell that is used, and gives
arrays. What is missing is derived later.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from limbeck._errors import InputError
from limbeck._types import NodeScalars, NodeVectors

from ._columns import Choices, Roles, assign_roles, final_names
from ._ids import encode_ids
from ._layout import Layout, lay_out
from ._read_csv import read_csv
from ._rows import Rows
from ._states import States, check_presence, filled


@dataclass(frozen=True, kw_only=True, eq=False)
class Table:
    """A table with the names of its columns after renaming.

    Attributes:
        frame: The columns; the index holds row numbers, the header being row 1.
        where: What to call the source in a message.
        is_text_file: Whether rows are lines of a file.
    """

    frame: pd.DataFrame
    where: str
    is_text_file: bool = False

    def column(self, name: str) -> Any:
        """Take one column.

        Args:
            name: Its name.

        Returns:
            A `pandas.Series`; not annotated, since pandas' own types say it may be a frame.
        """
        return self.frame[name]

    @property
    def rows(self) -> Rows:
        """Names of the rows."""
        return Rows(where=self.where, numbers=self.frame.index.to_numpy(), is_text_file=self.is_text_file)


def states_from_csv(path: Path, choices: Choices, *, allow_gaps: bool) -> States:
    """Read the states in a CSV file.

    Args:
        path: The file.
        choices: What the user said about columns.
        allow_gaps: Whether particles may be missing and times may differ.

    Returns:
        The states.

    Raises:
        InputError: If the file breaks the contract of tables.
    """
    text = {"simulation", "particle", *choices.labelled} - set(choices.rename)
    text |= {old for old, new in choices.rename.items() if new in ("simulation", "particle", *choices.labelled)}
    frame = read_csv(path, text)
    choices = choices.among(frame.columns)
    frame.columns = final_names(list(frame.columns), choices.rename, str(path))
    return _states(Table(frame=frame, where=str(path), is_text_file=True), choices, allow_gaps, "csv")


def states_from_parquet(path: Path, choices: Choices, *, allow_gaps: bool) -> States:
    """Read the states in a Parquet file.

    Args:
        path: The file.
        choices: What the user said about columns.
        allow_gaps: Whether particles may be missing and times may differ.

    Returns:
        The states.

    Raises:
        InputError: If the file breaks the contract of tables, or no reader of Parquet is installed.
    """
    try:
        frame = pd.read_parquet(path)
    except ImportError:
        raise InputError(
            f"{path}: reading Parquet needs pyarrow; install it with pip install 'limbeck[parquet]'"
        ) from None
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: not a whole Parquet file: {' '.join(str(error).split())[:200]}") from None
    return states_from_frame(frame, choices, allow_gaps=allow_gaps, where=str(path), kind="parquet")


def states_from_frame(
    frame: pd.DataFrame, choices: Choices, *, allow_gaps: bool, where: str = "DataFrame", kind: str = "DataFrame"
) -> States:
    """Read the states in a pandas DataFrame, which is left as it is.

    Args:
        frame: One row for each state; levels of the index that have names count as columns.
        choices: What the user said about columns.
        allow_gaps: Whether particles may be missing and times may differ.
        where: What to call the source in a message.
        kind: What kind of source it is.

    Returns:
        The states.

    Raises:
        InputError: If the frame breaks the contract of tables.
    """
    levels = [name for name in frame.index.names if name is not None]
    units = frame.attrs.get("units", {})
    columns = [*levels, *frame.columns]
    wrong = [name for name in columns if not isinstance(name, str)]
    if wrong:
        raise InputError(f"{where}: row 1: column {wrong[0]!r} is not named by text; give each column a name")
    for name in columns:
        if columns.count(name) > 1:
            raise InputError(f"{where}: row 1: column {name!r} stands twice; each column needs its own name")
    if not isinstance(units, Mapping):
        raise InputError(
            f"{where}: attrs['units'] is {units!r}; expected a mapping such as {{'x': 'AU', 'time': 'day'}}: "
            "correct or remove it"
        )
    frame = frame.reset_index(level=levels) if levels else frame.copy(deep=False)
    choices = choices.among(frame.columns)
    frame.columns = final_names(list(frame.columns), choices.rename, where)
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    if frame.empty:
        raise InputError(f"{where}: the table has no rows; add the states, one row for each particle and time")
    return _states(Table(frame=frame, where=where), choices, allow_gaps, kind, dict(units))


def _states(table: Table, choices: Choices, allow_gaps: bool, kind: str, units: dict[str, str] | None = None) -> States:
    """Check the columns of a table and put their values in arrays."""
    names = list(table.frame.columns)
    roles = assign_roles(names, _text_columns(table, choices), choices, table.where)
    times = _numbers(table, "time")
    vectors = {prefix: _vector(table, roles, prefix) for prefix in roles.vectors}
    errors = {prefix: _errors(table, roles, prefix, vectors[prefix]) for prefix in roles.errors}
    systems, particles = (encode_ids(table.column(key), key, table.rows) for key in ("simulation", "particle"))
    layout = lay_out(systems, times, particles, table.rows)
    attributes, categories = _attributes(table, roles, layout)
    states = States(
        times=layout.times,
        positions=_spread(layout, vectors[""], 0.0),
        velocities=_spread(layout, vectors["v"], 0.0) if "v" in vectors else None,
        accelerations=_spread(layout, vectors["a"], np.nan) if "a" in vectors else None,
        present=layout.present,
        position_errors=_spread(layout, errors[""], np.nan) if "" in errors else None,
        velocity_errors=_spread(layout, errors["v"], np.nan) if "v" in errors else None,
        acceleration_errors=_spread(layout, errors["a"], np.nan) if "a" in errors else None,
        attributes=attributes,
        categories=categories,
        system_names=layout.system_names,
        particle_names=layout.particle_names,
        units=units or {},
        where=table.where,
        format=kind,
    )
    check_presence(
        states,
        allow_gaps=allow_gaps,
        same_times=True,
        place=lambda system, time: f": {table.rows.name(layout.row_beside(system, time))}, column",
    )
    return states


def _text_columns(table: Table, choices: Choices) -> dict[str, str]:
    """Find the columns with text among those that could be attributes, and where it first stands."""
    skip = {"simulation", "particle", *choices.labelled, *choices.ignore}
    found = {}
    for name in table.frame.columns:
        if name not in skip and _holds_text(table.column(name)):
            row, text, _ = _first_text(table.column(name))
            found[name] = f"{table.rows.name(row)}, column {name!r}: got the text {text!r}"
    return found


def _holds_text(column: Any) -> bool:
    """Say whether there is text in a column."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return _holds_text(column.cat.categories.to_series())
    if column.dtype.kind in "biufcMm":
        return False
    return isinstance(column.dtype, pd.StringDtype) or any(isinstance(value, str) for value in column)


def _first_text(column: Any) -> tuple[int, str, bool]:
    """Find the first text that is no number, else the first cell; say whether there is such text."""
    values = column.astype(object)
    present = values.notna().to_numpy()
    parsed = pd.to_numeric(values.where(values.map(_is_textual), 0.0), errors="coerce").to_numpy(dtype=float)
    bad = np.isnan(parsed) & present
    row = int(bad.argmax()) if bad.any() else int(present.argmax())
    return row, str(values.iloc[row]), bool(bad.any())


def _is_textual(value: object) -> bool:
    """Say whether a cell holds text."""
    return isinstance(value, str)


def _numbers(table: Table, name: str, *, nan: bool = False) -> Float[np.ndarray, " rows"]:
    """Take a column as numbers, and refuse everything that is none."""
    column = table.column(name)
    wrong = {"b": "booleans", "c": "complex numbers", "M": "dates", "m": "durations"}.get(column.dtype.kind)
    if wrong is None and column.dtype.kind not in "iuf":
        wrong = _wrong_object(table, name)
    if wrong:
        row = int(column.notna().to_numpy().argmax())
        raise InputError(
            f"{table.rows.locate(row)}, column {name!r}: the column holds {wrong} ({column.iloc[row]}); expected real "
            f"numbers: convert it, or use --ignore {name}"
        )
    try:
        values = column.to_numpy(dtype=np.float64, na_value=np.nan, copy=True)
    except (OverflowError, TypeError, ValueError) as error:
        raise InputError(
            f"{table.where}: column {name!r}: expected numbers within the range of doubles; {error}"
        ) from None
    bad = np.isinf(values) if nan else ~np.isfinite(values)
    if bad.any():
        _refuse_value(table, name, bad)
    return values


def _wrong_object(table: Table, name: str) -> str | None:
    """Name what stands in a column of objects besides numbers; text is refused here."""
    column = table.column(name)
    if _holds_text(column):
        row, text, unreadable = _first_text(column)
        fix = "correct the cell" if unreadable else "convert the column to numbers"
        raise InputError(
            f"{table.rows.locate(row)}, column {name!r}: got the text {text!r}; expected a finite number: {fix}"
        )
    for value in column:
        if isinstance(value, bool | np.bool_):
            return "booleans"
        if isinstance(value, complex | np.complexfloating):
            return "complex numbers"
    return None


def _refuse_value(table: Table, name: str, bad: Bool[np.ndarray, " rows"], what: str = "") -> None:
    """Name the first cell with a value that is not allowed."""
    row = int(bad.argmax())
    value = table.column(name).iloc[row]
    got = "an empty cell or NaN" if pd.isna(value) else str(value)
    expected = what or "expected a finite number (only all components of an acceleration may be NaN together)"
    raise InputError(
        f"{table.rows.locate(row)}, column {name!r}: got {got}; {expected}: correct the cell or drop the row"
    )


def _vector(table: Table, roles: Roles, prefix: str) -> Float[np.ndarray, "rows dim"]:
    """Take the components of a vector; accelerations may be NaN in all components together."""
    names = roles.names(prefix)
    values = np.stack([_numbers(table, name, nan=prefix == "a") for name in names], axis=1)
    missing = np.isnan(values)
    partly = missing & ~missing.all(axis=1, keepdims=True)
    if partly.any():
        axis = int(partly.any(axis=0).argmax())
        _refuse_value(table, names[axis], partly[:, axis], "the other components are numbers; give all or none")
    return values


def _errors(
    table: Table, roles: Roles, prefix: str, vector: Float[np.ndarray, "rows dim"]
) -> Float[np.ndarray, "rows dim"]:
    """Take the standard errors of a vector, which are not negative."""
    columns = []
    for axis, name in enumerate(roles.names(prefix, "_err")):
        values = _numbers(table, name, nan=prefix == "a")
        bad = (np.isnan(values) & ~np.isnan(vector[:, axis])) | (values < 0)
        if bad.any():
            _refuse_value(table, name, bad, "a standard error is a finite number of at least 0")
        columns.append(values)
    return np.stack(columns, axis=1)


def _attributes(
    table: Table, roles: Roles, layout: Layout
) -> tuple[dict[str, NodeScalars], dict[str, tuple[str, ...]]]:
    """Take the properties of the particles, and refuse those that vary in time."""
    attributes, categories = {}, {}
    there = np.asarray(layout.present.any(axis=1))
    first = np.take_along_axis(layout.rows, layout.present.argmax(axis=1)[:, None, :], axis=1)[:, 0, :]
    system, _, node = layout.cells
    for name in (*roles.attributes, *roles.labelled):
        if name in roles.labelled:
            codes, categories[name] = encode_ids(table.column(name), name, table.rows)
            values = codes.astype(np.float64)
        else:
            values = _numbers(table, name)
        constant = values[first]
        varies = values != constant[system, node]
        if varies.any():
            row = int(varies.argmax())
            other = int(first[system[row], node[row]])
            here, there_ = (table.column(name).iloc[place] for place in (row, other))
            raise InputError(
                f"{table.rows.locate(row)}, column {name!r}: the attribute varies in time: {here} here, {there_} in "
                f"{table.rows.name(other)}; attributes are constant in time: use --ignore {name}"
            )
        attributes[name] = filled(constant, there)
    return attributes, categories


def _spread(layout: Layout, values: Float[np.ndarray, "rows dim"], fill: float) -> NodeVectors:
    """Put the components of a vector in their places."""
    return np.stack([layout.spread(np.ascontiguousarray(column), fill) for column in values.T], axis=-1)
