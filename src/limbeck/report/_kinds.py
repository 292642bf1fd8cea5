"""A law of kinds, kind by kind."""

from collections.abc import Mapping
from typing import Any

from ._numbers import shown, spelt
from ._tables import Table


def kinds_table(result: Mapping[str, Any]) -> Table:
    """What each kind does to each.

    Args:
        result: Content of `result.json`.

    Returns:
        A row for each receiver, and for each receiver and sender, with a column for each channel that knows of them.
    """
    rows = result.get("kinds") or ()
    keys = tuple(dict.fromkeys(key for row in rows for key in row))
    texts = tuple(tuple(shown(row[key]) if row.get(key) is not None else "" for key in keys) for row in rows)
    return Table(headings=tuple(map(spelt, keys)), rows=texts, code=frozenset(range(2, len(keys))))
