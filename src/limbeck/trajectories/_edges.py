"""Who acts on whom, from a file of edges."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from jaxtyping import Int

from limbeck._errors import InputError

from ._columns import listing, nearest
from ._ids import WHOLE_AS_FLOAT
from ._read_csv import read_csv
from ._trajectories import Edges

COLUMNS = ("simulation", "sender", "receiver")

Names = tuple[str, ...]


def read_edges(path: Path, system_names: Names, particle_names: tuple[Names, ...]) -> Edges:
    """Read a CSV file with the columns sender, receiver and, if it likes, simulation.

    Args:
        path: The file.
        system_names: Names of the simulations.
        particle_names: Names of the particles of each simulation.

    Returns:
        The edges. Without a column `simulation` they hold in every simulation.

    Raises:
        InputError: If a column or a name isn't known, or an edge stands twice or joins a particle to itself.
    """
    frame = read_csv(path, COLUMNS, example="sender,receiver", rows="the edges, one row each")
    for name in frame.columns:
        if name not in COLUMNS:
            raise InputError(
                f"{path}: row 1: column {name!r} is not known{nearest(name, COLUMNS)}; edges have columns "
                "simulation (optional), sender, receiver"
            )
    for name in ("sender", "receiver"):
        if name not in frame:
            raise InputError(
                f"{path}: row 1: column {name!r} is missing; edges have columns simulation (optional), sender, "
                f"receiver, this file has {listing(frame.columns)}"
            )
    lines = frame.index.to_numpy()
    known = {name for names in {system_names, *particle_names} for name in names}
    columns = {name: _clean(path, frame[name], name, known) for name in frame.columns}
    if "simulation" in columns:
        system = _places(path, columns["simulation"], system_names, lines, "simulation", "the trajectories")
    elif all(names == particle_names[0] for names in particle_names):
        system = np.full(len(frame), -1)
    else:  # the same name is another place in other simulations: write the edges out
        system = np.repeat(np.arange(len(system_names)), len(frame))
        lines = np.tile(lines, len(system_names))
        columns = {name: pd.concat([column] * len(system_names)) for name, column in columns.items()}
    ends = [_ends(path, columns[name], name, system, lines, system_names, particle_names) for name in COLUMNS[1:]]
    _check(path, system, ends[0], ends[1], lines)
    return Edges(system=system, senders=ends[0], receivers=ends[1])


def _clean(path: Path, column: Any, name: str, known: set[str]) -> pd.Series:
    """Write names as the table of trajectories does, and refuse empty cells."""
    missing = column.isna().to_numpy()
    if missing.any():
        line = int(column.index[int(missing.argmax())])
        raise InputError(f"{path}: row {line} (line {line} of the file), column {name!r}: the name is missing")
    text = column.astype(str).str.strip()
    return text.map({label: _as_known(label, known) for label in text.unique()})


def _as_known(label: str, known: set[str]) -> str:
    """Write a whole number without a point, as trajectories do unless their names are other text too."""
    whole = WHOLE_AS_FLOAT.fullmatch(label)
    return whole[1] if whole and label not in known else label


def _places(
    path: Path, column: Any, names: Names, lines: Int[np.ndarray, " rows"], name: str, where: str
) -> Int[np.ndarray, " rows"]:
    """Find each name among those known."""
    places = pd.Index(names, dtype=object).get_indexer(pd.Index(column.to_numpy(dtype=object), dtype=object))
    if (places < 0).any():
        row = int((places < 0).argmax())
        raise InputError(
            f"{path}: row {lines[row]} (line {lines[row]} of the file), column {name!r}: there is no "
            f"{'simulation' if name == 'simulation' else 'particle'} {column.iloc[row]!r} in {where}; "
            f"there are {listing(names)}"
        )
    return places.astype(np.int64)


def _ends(
    path: Path,
    column: Any,
    name: str,
    system: Int[np.ndarray, " rows"],
    lines: Int[np.ndarray, " rows"],
    system_names: Names,
    particle_names: tuple[Names, ...],
) -> Int[np.ndarray, " rows"]:
    """Find the particles at one end of the edges."""
    places = np.empty(len(system), dtype=np.int64)
    order = np.argsort(system, kind="stable")
    for chosen in np.split(order, np.flatnonzero(np.diff(system[order])) + 1):
        one = max(int(system[chosen[0]]), 0)
        where = f"simulation {system_names[one]!r}"
        places[chosen] = _places(path, column.iloc[chosen], particle_names[one], lines[chosen], name, where)
    return places


def _check(
    path: Path,
    system: Int[np.ndarray, " rows"],
    senders: Int[np.ndarray, " rows"],
    receivers: Int[np.ndarray, " rows"],
    lines: Int[np.ndarray, " rows"],
) -> None:
    """Refuse edges from a particle to itself and edges that stand twice."""
    own = senders == receivers
    twice = pd.DataFrame({"system": system, "sender": senders, "receiver": receivers}).duplicated().to_numpy()
    for wrong, what in ((own, "joins a particle to itself"), (twice, "stands twice")):
        if wrong.any():
            line = int(lines[int(wrong.argmax())])
            raise InputError(
                f"{path}: row {line} (line {line} of the file), columns 'sender', 'receiver': the edge {what}: "
                "remove it"
            )
