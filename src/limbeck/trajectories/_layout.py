"""Rows of a table into arrays: which row holds which state.

Everything is done on whole columns, so a table of millions of rows takes
seconds. The order of rows leaves no trace.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float, Int

from limbeck._errors import InputError
from limbeck._types import Presence, Times

from ._rows import Rows

SAME_TIME = 1e-6  # part of the shortest step below which times are one: steps that were added up lose as many digits
LARGEST = 4_000_000_000  # bytes of one padded array beyond which a ragged table is refused


@dataclass(frozen=True, kw_only=True, eq=False)
class Layout:
    """Where each state of each particle stands in a table.

    Attributes:
        rows: Row of each state, -1 where there is none.
        times: Time of each snapshot; NaN where a shorter simulation is padded.
        system_names: Names of the simulations.
        particle_names: Names of the particles of each simulation.
        cells: For each row, the simulation, snapshot and particle it holds.
    """

    rows: Int[np.ndarray, "systems times nodes"]
    times: Times
    system_names: tuple[str, ...]
    particle_names: tuple[tuple[str, ...], ...]
    cells: tuple[Int[np.ndarray, " rows"], Int[np.ndarray, " rows"], Int[np.ndarray, " rows"]]

    @property
    def present(self) -> Presence:
        """Whether the particle is there at that time."""
        return self.rows >= 0

    def row_beside(self, system: int, time: int) -> int:
        """Find a row of a simulation, at that time if there is one.

        Args:
            system: Index of the simulation.
            time: Index of the snapshot.

        Returns:
            The first such row of the table.
        """
        for rows in (self.rows[system, time], self.rows[system]):
            if (rows >= 0).any():
                return int(rows[rows >= 0].min())
        return 0

    def spread(self, column: Float[np.ndarray, " rows"], fill: float) -> Float[np.ndarray, "systems times nodes"]:
        """Put the values of a column in their places.

        Args:
            column: One value for each row.
            fill: Value where there is no row.

        Returns:
            The values by simulation, snapshot and particle.
        """
        values = column[self.rows]
        values[self.rows < 0] = fill
        return values


def lay_out(
    systems: tuple[Int[np.ndarray, " rows"], tuple[str, ...]],
    times: Float[np.ndarray, " rows"],
    particles: tuple[Int[np.ndarray, " rows"], tuple[str, ...]],
    names_of_rows: Rows,
) -> Layout:
    """Find the place of each row, and refuse two rows for one state.

    Args:
        systems: Code of each row's simulation, and the names of the codes.
        times: Time of each row.
        particles: Code of each row's particle, and the names of the codes.
        names_of_rows: Names of the rows, for messages.

    Returns:
        The places.

    Raises:
        InputError: If two rows hold one state, or the padded arrays would not fit in memory.
    """
    system, system_names = systems
    particle, names = particles
    node, node_pairs, n_nodes = _ranks(system, particle, len(system_names), len(names))
    grid, snapshot = _snapped(times, system.astype(np.int64) * len(names) + particle)
    time, time_pairs, n_times = _ranks(system, snapshot, len(system_names), len(grid))
    shape = (len(system_names), n_times, n_nodes)
    if np.prod(shape, dtype=float) * 8 > max(LARGEST, 100.0 * len(times)):
        raise InputError(
            f"simulations differ too much in size: {shape[0]} simulations x {n_times} times x {n_nodes} particles, "
            f"most of them empty, would not fit in memory; split the table"
        )
    rows = np.full(shape, -1, dtype=np.int64)
    rows[system, time, node] = np.arange(len(times))
    twice = rows[system, time, node] != np.arange(len(times))
    if twice.any():
        _refuse_duplicate(twice, rows[system, time, node], names_of_rows)
    padded = np.full(shape[:2], np.nan)
    padded[time_pairs[0], time_pairs[2]] = grid[time_pairs[1]]
    split = np.split(node_pairs[1], np.searchsorted(node_pairs[0], np.arange(1, shape[0])))
    labels = np.array(names, dtype=object)
    shared = {}  # simulations with the same particles share one tuple
    particle_names = tuple(shared.setdefault(mine, mine) for part in split for mine in [tuple(labels[part])])
    return Layout(
        rows=rows, times=padded, system_names=system_names, particle_names=particle_names, cells=(system, time, node)
    )


def _refuse_duplicate(twice: Bool[np.ndarray, " rows"], holder: Int[np.ndarray, " rows"], names_of_rows: Rows) -> None:
    """Name the first two rows that hold one state."""
    first = int(twice.argmax())
    second = first + 1 + int((holder[first + 1 :] == holder[first]).argmax())
    raise InputError(
        f"{names_of_rows.locate(second)}, columns 'simulation', 'time', 'particle': this state stands already in "
        f"{names_of_rows.name(first)}; each particle has one row at each time: remove one of them"
    )


def _ranks(
    system: Int[np.ndarray, " rows"], code: Int[np.ndarray, " rows"], n_systems: int, n_codes: int
) -> tuple[Int[np.ndarray, " rows"], tuple[np.ndarray, np.ndarray, np.ndarray], int]:
    """Number the codes within each simulation; gives numbers, distinct (system, code, number), largest count."""
    key = system.astype(np.int64) * n_codes + code
    place, distinct = pd.factorize(key)
    order = np.argsort(distinct)
    distinct = np.asarray(distinct)[order]
    systems = distinct // n_codes
    starts = np.searchsorted(systems, np.arange(n_systems))
    number = np.arange(len(distinct)) - starts[systems]
    back = np.empty(len(order), dtype=np.int64)
    back[order] = number
    return back[place], (systems, distinct % n_codes, number), int(number.max()) + 1


def same_time(times: Float[np.ndarray, "..."]) -> float:
    """Largest difference between times that differ by rounding alone.

    Args:
        times: The times of a source; NaN where there is none.

    Returns:
        The difference, in the unit of the times.
    """
    return float(8 * np.spacing(np.nanmax(np.abs(times))))


def _snapped(
    times: Float[np.ndarray, " rows"], owner: Int[np.ndarray, " rows"]
) -> tuple[Float[np.ndarray, " grid"], Int[np.ndarray, " rows"]]:
    """Number the distinct times; times that differ by rounding alone, or by next to nothing of a step, are one time."""
    place, distinct = pd.factorize(times)
    distinct = np.asarray(distinct)
    order = np.argsort(distinct)
    grid = distinct[order]
    gaps, rounding = np.diff(grid), same_time(grid)
    close = gaps <= rounding
    # One particle's shortest step bounds that of all; few tables need more than that.
    if (gaps <= SAME_TIME * _shortest_step(times[owner == owner[0]], rounding)).any():
        step = _shortest_step(times, rounding, owner)
        close |= np.isfinite(step) & (gaps <= SAME_TIME * step)
    number = np.concatenate([[0], np.cumsum(~close)]).astype(np.int64)
    back = np.empty(len(order), dtype=np.int64)
    back[order] = number
    return grid[np.concatenate([[True], ~close])], back[place]


def _shortest_step(
    times: Float[np.ndarray, " rows"], rounding: float, owner: Int[np.ndarray, " rows"] | None = None
) -> float:
    """Shortest time between two rows of one particle; infinite where there are none."""
    owner = np.zeros(len(times), dtype=np.int64) if owner is None else owner
    order = np.lexsort((times, owner))
    steps = np.diff(times[order])[np.diff(owner[order]) == 0]
    return float(np.min(steps[steps > rounding], initial=np.inf))
