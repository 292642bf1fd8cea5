"""Strict TOML to and from frozen dataclasses; knows no stage.

Unknown keys are refused with the nearest known one, types are checked, and what
is written reads back to an equal record.
"""

import dataclasses
import difflib
import json
import tomllib
from types import UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import numpy as np

from limbeck._errors import InputError

Record = TypeVar("Record")


def from_toml(text: str, kind: type[Record], where: str = "study") -> Record:
    """Read a record from TOML.

    Args:
        text: The file's content.
        kind: A frozen dataclass.
        where: What to call the file in errors.

    Returns:
        The record; fields that the file leaves out keep their defaults.

    Raises:
        InputError: If the text is not TOML, or a key or value does not fit the record.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise InputError(f"{where} is not valid TOML: {error}") from error
    return from_mapping(table, kind, where)


def from_mapping(table: dict[str, Any], kind: type[Record], where: str) -> Record:
    """Build a record from a mapping.

    Args:
        table: Values by field name.
        kind: A frozen dataclass.
        where: Path of the table, for errors.

    Returns:
        The record.

    Raises:
        InputError: If a key is unknown or missing, or a value has the wrong type.
    """
    hints = get_type_hints(kind)
    known = {field.name: field for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    for key in table:
        if key not in known:
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"; did you mean {near[0]!r}?" if near else f"; known: {', '.join(known)}"
            raise InputError(f"{where}: unknown key {key!r}{hint}")
    for name, field in known.items():
        if name not in table and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise InputError(f"{where}: the key {name!r} is missing")
    return kind(**{key: _value(value, hints[key], f"{where}.{key}") for key, value in table.items()})


def _value(value: Any, hint: Any, where: str) -> Any:
    """Check one value against its annotation."""
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if not isinstance(value, dict):
            raise InputError(f"{where}: expected a table, got {value!r}")
        return from_mapping(value, hint, where)
    origin = get_origin(hint)
    if origin is UnionType:
        kinds = get_args(hint)
        return _value(
            value, next((k for k in kinds if isinstance(value, list) == (get_origin(k) is tuple)), kinds[0]), where
        )
    if origin is tuple and isinstance(value, list):
        return tuple(_value(item, get_args(hint)[0], where) for item in value)
    if origin is dict and isinstance(value, dict):
        return {key: _value(item, get_args(hint)[1], f"{where}.{key}") for key, item in value.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(hint, type) and isinstance(value, hint) and isinstance(value, bool) == (hint is bool):
        return value
    raise InputError(f"{where}: expected {getattr(hint, '__name__', hint)}, got {value!r}")


def to_toml(record: Any) -> str:
    """Write a record as TOML.

    Args:
        record: A dataclass of numbers (NumPy's too), strings, booleans, tuples, mappings and such dataclasses.

    Returns:
        Text that `from_toml` reads back to an equal record.
    """
    return "\n".join(_lines(dataclasses.asdict(record), "")).strip() + "\n"


def _lines(table: dict[str, Any], path: str) -> list[str]:
    """Plain values first, then sub-tables."""
    lines = [f"{_key(key)} = {_literal(value)}" for key, value in table.items() if not isinstance(value, dict)]
    for key, value in table.items():
        if isinstance(value, dict):
            inner = f"{path}.{_key(key)}" if path else _key(key)
            lines += ["", f"[{inner}]", *_lines(value, inner)]
    return lines


def _key(key: str) -> str:
    """A bare key where TOML allows one, else a quoted one."""
    bare = key.replace("_", "").replace("-", "")
    return key if bare.isascii() and bare.isalnum() else _quoted(key)


def _literal(value: Any) -> str:
    """A TOML literal."""
    if isinstance(value, np.generic):  # its repr is no TOML
        value = value.item()
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, list | tuple):
        return "[" + ", ".join(_literal(item) for item in value) + "]"
    return repr(value)


def _quoted(text: str) -> str:
    """A TOML basic string: JSON's, but for one control character and with every other character as it is."""
    return json.dumps(text, ensure_ascii=False).replace("\x7f", "\\u007f")
