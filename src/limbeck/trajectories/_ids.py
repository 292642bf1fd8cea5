"""Names of simulations, particles and categories: text in a fixed order.

Names come as numbers or text, in any order of rows. They leave as text, sorted
by value if all are whole numbers, so nothing downstream depends on the order
of rows or on how a format stores numbers. A whole number with zeros or a sign
in front, such as 007, is text like any other.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int

from limbeck._errors import InputError

from ._rows import Rows

WHOLE = re.compile(r"0|-?[1-9][0-9]*")
WHOLE_AS_FLOAT = re.compile(r"(0|-?[1-9][0-9]*)(?:\.0*)?")


def encode_ids(column: Any, name: str, rows: Rows) -> tuple[Int[np.ndarray, " rows"], tuple[str, ...]]:
    """Replace names by codes, in the order of the sorted names.

    Args:
        column: Names, one for each row: text or whole numbers.
        name: Name of the column, for messages.
        rows: Names of the rows, for messages.

    Returns:
        The code of each row, and the name of each code.

    Raises:
        InputError: If a name is missing, or names are neither text nor whole numbers, or both.
    """
    codes, values = pd.factorize(column)
    if (codes < 0).any():
        raise InputError(
            f"{rows.locate(int((codes < 0).argmax()))}, column {name!r}: the name is missing; give each one"
        )
    labels = without_points(_as_text(list(values), column, name, rows))
    names = sorted_ids(set(labels))
    place = {label: index for index, label in enumerate(names)}
    return np.array([place[label] for label in labels], dtype=np.int64)[codes], names


def without_points(labels: Sequence[str]) -> list[str]:
    """Write whole numbers without a point, if all names are whole numbers: then 1.0 is 1.

    Args:
        labels: Names.

    Returns:
        A name for each.
    """
    whole = [found[1] for label in labels if (found := WHOLE_AS_FLOAT.fullmatch(label))]
    return whole if len(whole) == len(labels) else list(labels)


def sorted_ids(labels: set[str]) -> tuple[str, ...]:
    """Sort names: by value if all are whole numbers, otherwise as text.

    Args:
        labels: Names that differ.

    Returns:
        The same names in order.
    """
    if all(WHOLE.fullmatch(label) and len(label) < 4000 for label in labels):
        return tuple(sorted(labels, key=int))
    return tuple(sorted(labels))


def _as_text(values: list, column: Any, name: str, rows: Rows) -> list[str]:
    """Write each distinct name as text, and refuse what is no name."""
    kinds = {_kind(value) for value in values}
    if kinds <= {"text"}:
        labels = [str(value).strip() for value in values]
        if "" in labels:
            row = int((column == values[labels.index("")]).argmax())
            raise InputError(f"{rows.locate(row)}, column {name!r}: the name is empty; give each one")
        return labels
    if kinds <= {"number"}:
        return [str(int(value)) for value in values]
    wrong = next((value for value in values if _kind(value) not in ("text", "number")), None)
    if wrong is None:
        wrong = next(value for value in values if _kind(value) != _kind(values[0]))
        found = f"got {wrong!r} where {values[0]!r} came before: text and numbers are mixed"
    else:
        found = f"got {wrong!r}"
    row = int((column == wrong).argmax())
    raise InputError(
        f"{rows.locate(row)}, column {name!r}: {found}; names are text throughout or whole numbers throughout: "
        f"convert the column"
    )


def _kind(value: object) -> str:
    """Say what a name is: text, a whole number, or something else."""
    if isinstance(value, str):
        return "text"
    if isinstance(value, bool | np.bool_):
        return "boolean"
    if isinstance(value, int | np.integer):
        return "number"
    if isinstance(value, float | np.floating) and np.isfinite(value) and value == np.floor(value):
        return "number"
    return "other"
