"""Trajectories from a file, a table or a dataset: the door of limbeck.

Everything that comes in is checked here, so nothing behind the door has to
doubt it. What a source lacks is derived and said so.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from limbeck._errors import InputError
from limbeck._files import check_uncompressed, first_bytes

from ._columns import Choices
from ._derive import derive
from ._states import States
from ._trajectories import Edges, Trajectories
from ._units import check_units
from ._unseen import with_remark

FORMATS = {".csv": "csv", ".parquet": "parquet", ".pq": "parquet", ".nc": "netcdf", ".h5netcdf": "netcdf"}
MANY_KINDS = 3  # labels from which on codes in their order bend a law
KNOWN = "known are CSV (.csv), Parquet (.parquet, .pq) and NetCDF (.nc, .h5netcdf)"


def load_trajectories(
    source: object,
    *,
    rename: Mapping[str, str] | None = None,
    attributes: Sequence[str] | None = None,
    ignore: Sequence[str] = (),
    species: Sequence[str] = (),
    per: str = "",
    units: Mapping[str, str] | None = None,
    edges: str | os.PathLike[str] | None = None,
    radius: float | None = None,
    allow_gaps: bool = False,
    shared_particles: bool = False,
    learned: Sequence[str] = (),
    learning: bool = True,
    lenient: bool = False,
) -> Trajectories:
    """States of interacting particles over time, read, checked and completed.

    A table has the columns `simulation, time, particle, x[, y[, z]]`, if known velocities `vx, ...` and accelerations
    `ax, ...`, and their standard errors `x_err, ...`; every other numeric column is an attribute of the particle,
    constant in time. NetCDF has the dimensions (simulation, time, particle, space), the variables `position`,
    `velocity`, `acceleration`, and attributes on (simulation, particle) or (particle). Velocities that are missing are
    derived from positions, accelerations from given velocities, else from positions; that needs 5 times a simulation.

    Args:
        source: Path of a CSV, Parquet or NetCDF file, a pandas DataFrame or an xarray Dataset.
        rename: New names of columns by their names in the source.
        attributes: Columns to use as attributes; None for every numeric column that is left.
        ignore: Columns to leave out.
        species: Columns that hold labels, to be used as categorical attributes.
        per: Column that holds labels, each of which is to have one value of every property that is learned.
        units: Units of `x`, `time` and attributes; those of a NetCDF file hold otherwise.
        edges: CSV file that says who acts on whom (columns `sender`, `receiver`, optionally `simulation`).
        radius: Largest distance at which a pair interacts [length unit of the source], > 0.
        allow_gaps: Whether particles may be missing at some times, and times may differ between simulations.
        shared_particles: Whether a particle's name means the same object in every simulation.
        learned: Properties that are to be learned; columns of these names, if there are any, are not looked at.
        learning: Whether accelerations are needed. Where not, a source without them may have any number of times.
        lenient: Whether names of columns that the source lacks, and further columns beside the `attributes` that were
            asked for, mean nothing, rather than being mistakes.

    Returns:
        The trajectories, complete: with velocities, accelerations (NaN where there is no target) and what was done.

    Raises:
        InputError: If the source can't be read or breaks the contract; the message names row and column.
    """
    choices = Choices(
        rename=dict(rename or {}),
        attributes=None if attributes is None else _names(attributes),
        ignore=_names(ignore),
        species=_names(species),
        per=per,
        learned=_names(learned),
        lenient=lenient,
    )
    _check_reach(edges, radius)
    states = derive(_read(source, choices, allow_gaps), learning=learning)
    both = check_units(units or {}, states.units, states.attributes, states.where, lenient=lenient)
    if edges is not None:
        states = replace(states, edges=_edges(_path(edges), states), radius=None)
    if radius is not None:
        states = replace(states, edges=None, radius=float(radius))
    shared = shared_particles or states.shared_particles
    found = _record(states, both, shared_particles=shared, per=per if per in states.categories else "")
    return with_remark(found) if learning else found


def _names(given: Sequence[str]) -> tuple[str, ...]:
    """Take one name, or several."""
    return (given,) if isinstance(given, str) else tuple(given)


def _check_reach(edges: object, radius: float | None) -> None:
    """Refuse a radius that is none, and two answers to one question."""
    if radius is None:
        return
    if edges is not None:
        raise InputError("both --edges and --radius were given; who acts on whom is said by one of them: choose one")
    number = isinstance(radius, int | float | np.integer | np.floating) and not isinstance(radius, bool)
    if not (number and np.isfinite(radius) and radius > 0):
        raise InputError(f"--radius: got {radius!r}; expected a finite distance above 0")


def _read(source: Any, choices: Choices, allow_gaps: bool) -> States:
    """Read a source by what it is; heavy libraries are imported only for what needs them."""
    pandas, xarray = sys.modules.get("pandas"), sys.modules.get("xarray")
    if pandas is not None and isinstance(source, pandas.DataFrame):
        from ._table import states_from_frame

        return states_from_frame(source, choices, allow_gaps=allow_gaps)
    if xarray is not None and isinstance(source, xarray.Dataset):
        from ._arrays import states_from_fields
        from ._netcdf import fields_from_xarray

        return states_from_fields(fields_from_xarray(source), choices, allow_gaps=allow_gaps, kind="Dataset")
    if not isinstance(source, str | os.PathLike):
        raise InputError(
            f"trajectories come from a path, a pandas DataFrame or an xarray Dataset; got {type(source).__name__}: "
            "put arrays into a DataFrame with one row for each particle and time, or build a limbeck Trajectories"
        )
    path = _path(source)
    kind = _format(path)
    if kind == "netcdf":
        from ._arrays import states_from_fields
        from ._netcdf import read_fields

        return states_from_fields(read_fields(path), choices, allow_gaps=allow_gaps, kind=kind)
    from ._table import states_from_csv, states_from_parquet

    return (states_from_csv if kind == "csv" else states_from_parquet)(path, choices, allow_gaps=allow_gaps)


def _path(given: str | os.PathLike[str]) -> Path:
    """Take a path, and refuse one that no file can have."""
    text = os.fspath(given)
    if not isinstance(text, str) or "\0" in text:
        raise InputError(f"{text!r} is no path of a file: write it as text without zero bytes")
    return Path(text)


def _format(path: Path) -> str:
    """Find the format of a file by its name and its first bytes, which must agree."""
    start = first_bytes(path, KNOWN)
    check_uncompressed(path, start)
    named, found = FORMATS.get(path.suffix.lower()), _sniffed(start)
    if not start:
        raise InputError(f"{path}: the file is empty; {KNOWN}")
    if named is None and found is None:
        raise InputError(f"{path}: the format can't be told from name or content; {KNOWN}")
    if named is not None and found != named and not (named == "csv" and found is None):
        raise InputError(
            f"{path}: the name says {named}, the content {found or 'something else (damaged, or cut short?)'}; "
            f"{KNOWN}: rename the file or write it again"
        )
    return named or str(found)


def _sniffed(start: bytes) -> str | None:
    """Tell a format by a file's first bytes."""
    if start.startswith(b"PAR1"):
        return "parquet"
    if start.startswith((b"\x89HDF\r\n\x1a\n", b"CDF\x01", b"CDF\x02", b"CDF\x05")):
        return "netcdf"
    header = start.split(b"\n", 1)[0]
    return "csv" if b"," in header and b"\0" not in start else None


def _edges(file: Path, states: States) -> Edges:
    """Read who acts on whom."""
    try:
        first_bytes(file, "a CSV file with columns sender, receiver")
    except InputError as error:
        raise InputError(f"--edges: {error}") from None
    from ._edges import read_edges

    return read_edges(file, states.system_names, states.particle_names)


def _record(states: States, units: dict[str, str], *, shared_particles: bool, per: str) -> Trajectories:
    """Make the record of states in which nothing is missing."""
    assert states.velocities is not None
    assert states.accelerations is not None
    return Trajectories(
        times=states.times,
        positions=states.positions,
        velocities=states.velocities,
        accelerations=states.accelerations,
        present=states.present,
        attributes=states.attributes,
        categories=states.categories,
        edges=states.edges,
        radius=states.radius,
        system_names=states.system_names,
        particle_names=states.particle_names,
        shared_particles=shared_particles,
        per=per,
        velocities_are=states.velocities_are,
        accelerations_are=states.accelerations_are,
        position_errors=states.position_errors,
        velocity_errors=states.velocity_errors,
        acceleration_errors=states.acceleration_errors,
        measured_positions=states.measured_positions,
        measured_noise=states.measured_noise,
        units=units,
        source={"path" if states.format in FORMATS.values() else "object": states.where, "format": states.format},
        notes=tuple(dict.fromkeys((*states.notes, *_on_labels(states.categories, per)))),
    )


def _on_labels(categories: Mapping[str, tuple[str, ...]], per: str) -> Iterator[str]:
    """What is to be said of kinds that one number can't put in an order: a law has to bend through their codes."""
    for name, labels in categories.items():
        if len(labels) >= MANY_KINDS and name != per:
            yield (
                f"The {len(labels)} labels of {name!r} enter as 0, 1, 2, ..., through which a law is seldom found: "
                f"--per {name} --learn q learns a number for each label instead."
            )
