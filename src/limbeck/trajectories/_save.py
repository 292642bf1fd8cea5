"""Trajectories into a file or a dataset, so that they come back as they were.

A file is written beside its place and moved there when it is whole. Numbers
keep all their digits. NetCDF holds the whole record; a table holds what a
table can.
"""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from limbeck._errors import InputError, RunError
from limbeck._files import check_file

from ._columns import AXES
from ._load import FORMATS, KNOWN
from ._trajectories import Trajectories

SCHEMA = 1


def save_trajectories(trajectories: Trajectories, path: str | os.PathLike[str]) -> tuple[str, ...]:
    """Write trajectories to a NetCDF, CSV or Parquet file, by the ending of its name.

    NetCDF holds everything but `source`. Tables hold simulation, time, particle, positions, given velocities and
    accelerations, errors and attributes; derived ones are left out, since reading derives them again. Positions that
    were smoothed are written as they were measured, without errors. Edges, radius, units (in CSV), notes and
    `shared_particles` don't fit in a table and are named in what is returned. Categories are written as labels: read
    them with `species`.

    Args:
        trajectories: What to write.
        path: The file; its folder must exist.

    Returns:
        What did not go into the file, in words.

    Raises:
        InputError: If the ending is not known, or nothing can be written there.
        RunError: If writing failed on the way; nothing is left in place of the file.
    """
    path = Path(path)
    kind = check_target(path)
    if kind == "netcdf":
        from ._netcdf import write_fields
        from ._to_fields import to_fields

        fields = to_fields(trajectories)
        _write_whole(path, lambda part: write_fields(fields, part))
        return ()
    frame = to_frame(trajectories)
    write = (
        (lambda part: frame.to_csv(part, index=False, lineterminator="\n"))
        if kind == "csv"
        else (lambda part: frame.to_parquet(part, index=False))
    )
    _write_whole(path, write)
    return _left_out(trajectories, kind)


def check_target(path: Path) -> str:
    """Refuse a file name that `save_trajectories` can't write to.

    Args:
        path: The file.

    Returns:
        The format that its ending names.

    Raises:
        InputError: If the ending is not known, or the folder does not exist or can't be written.
    """
    kind = FORMATS.get(path.suffix.lower())
    if kind is None:
        raise InputError(f"{path}: the ending {path.suffix!r} names no format; {KNOWN}")
    check_file(path)
    return kind


def to_xarray(trajectories: Trajectories) -> Any:
    """Make an xarray Dataset of trajectories, in the layout of the NetCDF files.

    Args:
        trajectories: What to convert.

    Returns:
        An `xarray.Dataset`; not annotated, since xarray is optional.
    """
    from ._netcdf import fields_to_xarray
    from ._to_fields import to_fields

    return fields_to_xarray(to_fields(trajectories))


def to_frame(trajectories: Trajectories) -> Any:
    """Make a pandas DataFrame of trajectories, one row for each state that is there.

    Args:
        trajectories: What to convert.

    Returns:
        A `pandas.DataFrame` in the layout of the tables; not annotated, since pandas is imported late.
    """
    import pandas as pd

    from ._to_fields import particle_labels, system_labels

    t = trajectories
    system, time, node = np.nonzero(t.present)
    labels = particle_labels(t)
    columns: dict[str, Any] = {
        "simulation": np.array(system_labels(t), dtype=object)[system],
        "time": t.times[system, time],
        "particle": _ragged(labels, t.n_nodes)[system, node],
    }
    for prefix, values in _vectors(t).items():
        columns |= {f"{prefix}{axis}": values[system, time, node, k] for k, axis in enumerate(AXES[: t.dim])}
    for prefix, values in _vector_errors(t).items():
        columns |= {f"{prefix}{axis}_err": values[system, time, node, k] for k, axis in enumerate(AXES[: t.dim])}
    for name, values in t.attributes.items():
        column = values[system, node]
        if name in t.categories:
            column = np.array(t.categories[name], dtype=object)[column.astype(int)]
        columns[name] = column
    frame = pd.DataFrame(columns)
    for key in ("simulation", "particle"):
        frame[key] = _whole_or_text(frame[key])
    if t.units:
        frame.attrs["units"] = dict(t.units)
    return frame


def _vectors(t: Trajectories) -> Mapping[str, np.ndarray]:
    """Choose the vectors of a table: those that were given."""
    found = {"": t.positions if t.measured_positions is None else t.measured_positions}
    if t.velocities_are == "given":
        found["v"] = t.velocities
    if t.accelerations_are == "given":
        found["a"] = t.accelerations
    return found


def _vector_errors(t: Trajectories) -> Mapping[str, np.ndarray]:
    """Choose the errors of a table: those of vectors that were given."""
    # Those of smoothed positions are not those of the measured ones, which reading finds again.
    errors = {
        "": None if t.measured_positions is not None else t.position_errors,
        "v": t.velocity_errors,
        "a": t.acceleration_errors,
    }
    return {prefix: values for prefix in _vectors(t) if (values := errors[prefix]) is not None}


def _ragged(names: tuple[tuple[str, ...], ...], width: int) -> np.ndarray:
    """Put names in an array, with empty text where a simulation has fewer particles."""
    table = np.full((len(names), width), "", dtype=object)
    for row, mine in enumerate(names):
        table[row, : len(mine)] = mine
    return table


def _whole_or_text(column: Any) -> Any:
    """Write names that are whole numbers as such."""
    from ._to_fields import as_whole_numbers

    codes, names = column.factorize()
    numbers = as_whole_numbers(tuple(names))
    return column if numbers is None else numbers[codes]


def _left_out(t: Trajectories, kind: str) -> tuple[str, ...]:
    """Say what a table could not hold."""
    left = {
        "edges (give their file as --edges, or write a .nc file, which holds them)": t.edges is not None,
        "the radius (give it as --radius)": t.radius is not None,
        "units (give them as --units)": bool(t.units) and kind == "csv",
        "that particles are shared between simulations (give --shared-particles)": t.shared_particles,
        "which columns are categories (give them as --species)": bool(t.categories),
        "derived velocities (derived again on reading)": t.velocities_are == "derived",
        "derived accelerations (derived again on reading)": t.accelerations_are == "derived",
        "smoothed positions and their errors (smoothed again on reading)": t.measured_positions is not None,
        "standard errors of positions, if they were given (add x_err, ...)": t.measured_positions is not None,
        "notes": bool(t.notes),
    }
    return tuple(what for what, out in left.items() if out)


def _write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file beside its place and move it there, so that it is whole or not there."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(part)
        part.replace(path)
    except ImportError as error:
        raise InputError(
            f"{path}: writing this format needs {error.name or 'pyarrow'}; install limbeck[parquet]"
        ) from None
    except (PermissionError, NotADirectoryError, FileNotFoundError) as error:
        raise InputError(f"{path}: nothing can be written there ({error.strerror}); choose another place") from None
    except OSError as error:
        if error.errno in (13, 30):  # h5py raises plain OSError where the folder may not be written
            raise InputError(f"{path}: nothing can be written there ({error}); choose another place") from None
        raise RunError(f"{path}: writing failed: {error}") from error
    finally:
        part.unlink(missing_ok=True)
