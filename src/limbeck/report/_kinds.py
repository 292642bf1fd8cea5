"""A law of kinds, kind by kind."""

from collections.abc import Mapping
from typing import Any

from limbeck.expressions import parse, to_readable

from ._numbers import spelt
from ._tables import Table

ENDS = ("receiver", "sender")


def kinds_table(result: Mapping[str, Any]) -> Table:
    """What each kind does to each.

    Args:
        result: Content of `result.json`.

    Returns:
        A row for each receiver, and for each receiver and sender, with a column for each channel that knows of them.
    """
    rows = result.get("kinds") or ()
    keys = tuple(dict.fromkeys(key for row in rows for key in row))
    texts = tuple(tuple(_readable(row.get(key) or "", is_formula=key not in ENDS) for key in keys) for row in rows)
    return Table(headings=tuple(map(spelt, keys)), rows=texts, code=frozenset(range(2, len(keys))))


def _readable(text: str, *, is_formula: bool) -> str:
    """A label as it is, a formula with as many digits as people read."""
    return to_readable(parse(text)) if is_formula and text else text
