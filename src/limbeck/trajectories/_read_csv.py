"""A CSV file into a table, with the line of each row kept for messages.

It reads and refuses what is no CSV with commas in UTF-8; what the columns mean
is for others to say.
"""

import csv
import io
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from limbeck._errors import InputError
from limbeck._files import check_uncompressed

MISSING = ["", "NaN", "nan", "NAN", "-nan", "-NaN", "NA", "N/A", "n/a", "null", "NULL", "None", "#N/A"]
# From 3.1 pandas reads floats exactly by default and warns when asked to; before, it must be asked.
EXACT: Any = (
    {} if tuple(int(part) for part in pd.__version__.split(".")[:2]) >= (3, 1) else {"float_precision": "round_trip"}
)


def read_csv(
    path: Path,
    text_columns: Collection[str],
    *,
    example: str = "simulation,time,particle,x",
    rows: str = "the states, one row for each particle and time",
) -> pd.DataFrame:
    """Read a CSV file; the index holds the line of each row, the header being line 1.

    Args:
        path: The file.
        text_columns: Columns to take as text, whatever they look like.
        example: How the first line of such a table may begin, for messages.
        rows: What its rows are, for messages.

    Returns:
        The table, without blank lines.

    Raises:
        InputError: If the file isn't a table with a header, commas and at least one row.
    """
    header = _read_header(path, example)
    text = [name for name in header if name in text_columns]
    missing = {name: [""] if name in text else MISSING for name in header}
    try:
        frame = pd.read_csv(
            path,
            encoding="utf-8-sig",
            header=0,
            names=header,
            index_col=False if len(header) == 1 else None,
            dtype=dict.fromkeys(text, object),  # as categories pandas reads 01 as 1, and 1e3 as 1000
            compression=None,  # whatever the name ends with
            na_values=missing,
            keep_default_na=False,
            skip_blank_lines=False,
            skipinitialspace=True,
            low_memory=False,
            **EXACT,
        )
    except UnicodeDecodeError:
        raise InputError(f"{path}: the file is not text in UTF-8; save it as CSV in UTF-8") from None
    except (pd.errors.ParserError, pd.errors.EmptyDataError, OverflowError) as error:
        raise InputError(
            f"{path}: the table can't be read: {_plain(error)}; each row needs {len(header)} cells"
        ) from None
    frame = frame.astype(dict.fromkeys(text, "category"))
    frame.index = pd.RangeIndex(2, len(frame) + 2)
    frame = _without_blank_rows(frame)
    if frame.empty:
        raise InputError(f"{path}: the file has a header and no rows; add {rows}")
    if frame[header[-1]].isna().any():
        _check_short_rows(path, len(header))
    nameless = [name for name in header if name.startswith("Unnamed: ") and frame[name].isna().all()]
    return frame.drop(columns=nameless)  # left by commas at the ends of lines


def _read_header(path: Path, example: str) -> list[str]:
    """Read the names of the columns and refuse what is no header."""
    start = path.read_bytes() if path.stat().st_size < 65536 else _first_bytes(path)
    check_uncompressed(path, start)
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(f"{path}: the file is text in UTF-16; save it as CSV in UTF-8")
    if b"\0" in start:
        raise InputError(f"{path}: the file is not text (it holds zero bytes); save it as CSV in UTF-8")
    if not start.strip(b"\xef\xbb\xbf \r\n\t"):
        raise InputError(f"{path}: the file is empty; a table starts with {example}")
    rows = csv.reader(io.StringIO(start.decode("utf-8-sig", errors="replace")), skipinitialspace=True)
    try:
        header, first = [name.strip() for name in next(rows, [])], next(rows, [])
    except csv.Error as error:
        raise InputError(f"{path}: row 1: the header can't be read: {_plain(error)}") from None
    _check_header(path, header)
    if len(first) > len(header):
        raise InputError(
            f"{path}: row 2 (line 2 of the file) has {len(first)} cells, the header {len(header)}; "
            "each row needs one cell for each column"
        )
    return [name or f"Unnamed: {index}" for index, name in enumerate(header)]


def _check_header(path: Path, header: list[str]) -> None:
    """Refuse other separators, a missing header and names that stand twice."""
    if not header:
        raise InputError(f"{path}: row 1 (line 1 of the file) is empty; the first line names the columns")
    if len(header) == 1:
        for separator, name in ((";", "semicolons"), ("\t", "tabs"), ("|", "bars"), (" ", "spaces")):
            if separator in header[0]:
                raise InputError(
                    f"{path}: row 1: the columns are separated by {name}; a table is separated by commas, "
                    "with a point in decimal numbers: save it so"
                )
    for name in header:
        if name and header.count(name) > 1:
            raise InputError(f"{path}: row 1: column {name!r} stands twice; each column needs its own name")
    if any("\ufffd" in name for name in header):
        raise InputError(f"{path}: row 1: the header is not text in UTF-8; save the file as CSV in UTF-8")


def _first_bytes(path: Path) -> bytes:
    """Read the first lines of a long file."""
    with path.open("rb") as file:
        return file.read(65536)


def _check_short_rows(path: Path, cells: int) -> None:
    """Refuse rows with fewer cells than the header has: cut short, or a separator forgotten."""
    with path.open("rb") as file:
        for line, content in enumerate(file, 1):
            found = content.count(b",") + 1
            if found < cells and b'"' not in content and content.strip():
                raise InputError(
                    f"{path}: row {line} (line {line} of the file) is cut short: {found} cells where the header has "
                    f"{cells}; complete the row, or copy the file again"
                )


def _without_blank_rows(frame: pd.DataFrame) -> pd.DataFrame:
    """Drop rows in which nothing stands."""
    empty = np.ones(len(frame), dtype=bool)
    for name in frame.columns:
        empty &= frame[name].isna().to_numpy()
        if not empty.any():
            return frame
    return frame[~empty]


def _plain(error: Exception) -> str:
    """Write a parser's message in one line."""
    return " ".join(str(error).removeprefix("Error tokenizing data. C error: ").split())
