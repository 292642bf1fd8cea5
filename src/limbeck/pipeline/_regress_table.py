"""A file with a table into a problem: every cell that is used is checked, and refused with its place."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from pandas.api.types import is_scalar

from limbeck._errors import InputError
from limbeck._files import first_bytes
from limbeck._types import Samples
from limbeck.regress import TabularProblem, loses_digits, tabular_problem
from limbeck.trajectories import Rows, parse_units
from limbeck.trajectories._read_csv import read_csv  # not a public name: the package would load pandas with it

from ._regress_study import RegressionStudy

PARQUET = (".parquet", ".pq")
NETCDF = (b"\x89HDF", b"CDF\x01", b"CDF\x02", b"CDF\x05")  # how files of NetCDF-4 and of the three older kinds begin
KNOWN = "known are CSV (.csv) and Parquet (.parquet, .pq)"


def read_table(study: RegressionStudy) -> TabularProblem:
    """Read the table of a study.

    Args:
        study: The file, and the part of each column.

    Returns:
        The problem.

    Raises:
        InputError: If the file can't be read or a cell or a name is wrong; the message names row and column.
    """
    path = Path(study.table)
    frame, rows = _read(path)
    names = list(frame.columns)
    if not study.target:
        raise InputError(f"{path}: no target is named; choose one with --target from {_listing(names)}")
    given = {"--target": [study.target], "--weights": [study.weights] if study.weights else []}
    for option, columns in {**given, "--variables": study.variables, "--ignore": study.ignore}.items():
        for name in columns:
            _check_known(path, option, name, names)
    apart = {study.target, study.weights, *study.ignore}
    columns = tuple(study.variables) or tuple(name for name in names if name not in apart)
    inputs = [_numbers(frame[name], name, rows, f", or use --ignore {name}") for name in columns]
    target = _numbers(frame[study.target], study.target, rows)
    weights = _weights(frame[study.weights], study.weights, rows) if study.weights else None
    try:
        return tabular_problem(
            np.stack(inputs, axis=1) if inputs else np.zeros((len(frame), 0)),
            target,
            columns,
            study.target,
            operators=study.operators,
            units=parse_units(study.units),
            weights=weights,
        )
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def _read(path: Path) -> tuple[Any, Rows]:
    """The table and the names of its rows."""
    _check_file(path)
    if path.suffix.lower() not in PARQUET:
        frame = read_csv(path, (), example="x,y", rows="the samples, one row for each")
        return frame, Rows(where=str(path), numbers=frame.index.to_numpy(), is_text_file=True)
    try:
        frame = pd.read_parquet(path)
    except ImportError:
        raise InputError(
            f"{path}: reading Parquet needs pyarrow; install it with pip install 'limbeck[parquet]'"
        ) from None
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path}: not a whole Parquet file: {' '.join(str(error).split())[:200]}") from None
    levels = [name for name in frame.index.names if name is not None]
    _check_once(path, [str(name) for name in (*levels, *frame.columns)])
    frame = frame.reset_index(level=levels) if levels else frame
    frame.columns = [str(name) for name in frame.columns]
    if frame.empty:
        raise InputError(f"{path}: the table has no rows; add the samples, one row for each")
    return frame, Rows(where=str(path), numbers=np.arange(2, len(frame) + 2))


def _check_once(path: Path, names: list[str]) -> None:
    """Refuse a Parquet file in which a name stands twice; a named index is a column like the others."""
    for name in names:
        if names.count(name) > 1:
            raise InputError(
                f"{path}: column {name!r} stands twice, or the index has that name too; each column needs its own name"
            )


def _check_file(path: Path) -> None:
    """Refuse what is no such file."""
    start = first_bytes(path, KNOWN)[:4]
    named, found = path.suffix.lower() in PARQUET, start == b"PAR1"
    if start and (named != found or start in NETCDF):
        raise InputError(f"{path}: name and content do not agree on a format; {KNOWN}")


def _check_known(path: Path, option: str, name: str, names: list[str]) -> None:
    """Refuse a column that is not there."""
    if name not in names:
        import difflib

        near = difflib.get_close_matches(name, names, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ""
        raise InputError(f"{path}: {option}: there is no column {name!r}{hint}; there are {_listing(names)}")


def _numbers(column: Any, name: str, rows: Rows, way_out: str = "") -> Samples:
    """A column as finite numbers; `way_out` is what else may be done about one that holds others."""
    wrong = {"b": "booleans", "c": "complex numbers", "M": "dates", "m": "durations"}.get(column.dtype.kind)
    if wrong is not None:
        raise InputError(
            f"{rows.locate(0)}, column {name!r}: the column holds {wrong}; expected real numbers: convert it{way_out}"
        )
    plain = column if column.dtype.kind in "iuf" else column.astype(object)
    try:
        values = pd.to_numeric(plain, errors="coerce").to_numpy(dtype=float, na_value=np.nan)
    except OverflowError:
        raise InputError(
            f"{rows.where}: column {name!r} holds a whole number that is too large for a float: give it in another "
            f"unit{way_out}"
        ) from None
    bad = ~np.isfinite(values)
    if bad.any():
        row = int(bad.argmax())
        raise InputError(
            f"{rows.locate(row)}, column {name!r}: got {_named(column.iloc[row])}; expected a finite number: correct "
            f"the cell or drop the row{way_out}"
        )
    if loses_digits(plain.to_numpy(), values):
        raise InputError(
            f"{rows.where}: column {name!r} holds whole numbers beyond 2**53, which lose digits: subtract an "
            f"offset{way_out}"
        )
    return np.ascontiguousarray(values)


def _named(cell: Any) -> str:
    """A cell that is no finite number, for a message."""
    if isinstance(cell, str):
        return f"the text {cell!r}"
    if not is_scalar(cell):
        return "a list or another thing that is no number"
    return "an empty cell or NaN" if pd.isna(cell) else str(cell)


def _weights(column: Any, name: str, rows: Rows) -> Samples:
    """A column of weights, all above 0."""
    values = _numbers(column, name, rows)
    bad = ~(values > 0)
    if bad.any():
        row = int(bad.argmax())
        raise InputError(f"{rows.locate(row)}, column {name!r}: got {values[row]:g}; a weight is a number above 0")
    return values


def _listing(names: Iterable[str]) -> str:
    """Names for a message, the first dozen of them."""
    names = list(names)
    return ", ".join(names[:12]) + (f" and {len(names) - 12} more" if len(names) > 12 else "")
