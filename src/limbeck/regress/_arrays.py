"""Tables and vectors as callers have them, turned into arrays of finite numbers, without a loss that nobody sees.

NumPy drops masks, imaginary parts and the last digits of long whole numbers silently, and takes dates for numbers.
"""

from collections.abc import Iterator, Sequence
from numbers import Integral
from typing import Any

import numpy as np

from limbeck._errors import InputError
from limbeck._types import Samples, Table

EXACT_INTEGER = 2**53  # up to here every whole number is a float
_KINDS = {"c": "complex numbers", "M": "dates", "m": "durations"}
_CLASSES = ((complex, "complex numbers"), (np.datetime64, "dates"), (np.timedelta64, "durations"))


def table_of(X: Any, names: Sequence[str] | None) -> tuple[Table, tuple[str, ...] | None]:
    """X as an array, and the names of its columns where they are known.

    Args:
        X: One row a sample, one column a variable: an array, nested sequences or a DataFrame.
        names: Names of the columns; None takes a DataFrame's own.

    Returns:
        The array and the names, None where there are none.

    Raises:
        InputError: If X is no table of finite numbers, or has another number of columns than there are names.
    """
    own = getattr(X, "columns", None) if names is None else names
    inputs = _floats(X, "X", "a table of numbers")
    if inputs.ndim != 2:
        raise InputError(f"X must have rows and columns; got {inputs.ndim} dimension{'s' if inputs.ndim != 1 else ''}")
    columns = None if own is None else tuple(map(str, own))
    if columns is not None and len(columns) != inputs.shape[1]:
        raise InputError(f"X has {inputs.shape[1]} columns and there are {len(columns)} names")
    _check_finite(inputs, "X", columns)
    return inputs, columns


def vector_of(values: Any, what: str, rows: int) -> Samples:
    """One number for each row.

    Args:
        values: An array, a sequence or a Series.
        what: What to call it in messages.
        rows: How many rows there are.

    Returns:
        The array.

    Raises:
        InputError: If it is not one finite number for each row.
    """
    vector = _floats(values, what, "numbers")
    if vector.shape != (rows,):
        raise InputError(f"{what} must be one value for each of the {rows} rows; got the shape {vector.shape}")
    _check_finite(vector, what, None)
    return vector


def loses_digits(values: np.ndarray, floats: np.ndarray) -> bool:
    """Whether whole numbers are others as floats, so that two of them may become one.

    Args:
        values: Numbers as they came, of any type.
        floats: The same as floats; none of the whole ones is infinite.

    Returns:
        True if one of the whole numbers is another.
    """
    if values.dtype.kind not in "iuO":
        return False
    large = np.abs(floats) >= EXACT_INTEGER
    pairs = zip(values[large].tolist(), floats[large].tolist(), strict=True)
    return any(isinstance(value, Integral) and int(value) != round(number) for value, number in pairs)


def _floats(values: Any, what: str, wanted: str) -> np.ndarray:
    """Numbers of any real type as floats."""
    if isinstance(values, np.ma.MaskedArray) and np.ma.is_masked(values):
        raise InputError(f"{what} must be {wanted}: some of its values are masked; leave those rows out")
    parts = _parts(values)
    wrong = next((kind for part in parts for kind in _wrong_kinds(part)), None)
    if wrong is not None:
        raise InputError(f"{what} must be {wanted}: it holds {wrong}")
    try:
        floats = np.array(values, dtype=float)
        is_exact = not any(loses_digits(part, part.astype(float)) for part in parts if part.dtype.kind in "iuO")
    except OverflowError:
        raise InputError(f"{what} must be {wanted}: it holds a whole number that is too large for a float") from None
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} must be {wanted}: {error}") from error
    if not is_exact:
        raise InputError(f"{what} holds whole numbers beyond 2**53, which lose digits: subtract an offset")
    return floats


def _parts(values: Any) -> list[np.ndarray]:
    """What was passed, each part in its own type: the columns of a DataFrame, else one array."""
    if hasattr(values, "iloc") and getattr(values, "ndim", 0) == 2:
        return [np.asarray(values.iloc[:, k]) for k in range(values.shape[1])]
    if hasattr(values, "__array__"):
        return [np.asarray(values)]
    try:  # beside floats in a plain list NumPy would make floats of whole numbers, too
        return [np.asarray(values, dtype=object)]
    except ValueError:  # sequences that are no table, which the cast says better
        return []


def _wrong_kinds(part: np.ndarray) -> Iterator[str]:
    """What an array holds that NumPy would make real numbers of."""
    if part.dtype.kind in _KINDS:
        yield _KINDS[part.dtype.kind]
    elif part.dtype.kind == "O":
        yield from (name for kinds, name in _CLASSES for value in part.flat if isinstance(value, kinds))


def _check_finite(values: np.ndarray, what: str, columns: tuple[str, ...] | None) -> None:
    """Refuse NaN and infinity, with their place."""
    bad = np.argwhere(~np.isfinite(values))
    if len(bad):
        row, *rest = bad[0].tolist()
        column = f", column {columns[rest[0]]!r}" if columns else f", column {rest[0]}" if rest else ""
        raise InputError(
            f"{what}, row {row} (the first is 0){column}: got {values[tuple(bad[0])]}, not a finite number"
        )
