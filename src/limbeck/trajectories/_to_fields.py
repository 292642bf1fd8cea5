"""Trajectories as named arrays in the layout of the NetCDF files."""

import json

import numpy as np

from limbeck._errors import InputError

from ._netcdf import Field, Fields
from ._trajectories import Edges, Trajectories
from ._variables import EDGES, PLACES

STATE = ("simulation", "time", "particle", "space")
SCHEMA = 1


def to_fields(t: Trajectories) -> Fields:
    """Name the arrays of trajectories and their dimensions.

    Args:
        t: The trajectories.

    Returns:
        Every variable; positions, velocities and accelerations are NaN where a particle isn't there.

    Raises:
        InputError: If an attribute has the name of another variable.
    """
    variables = {
        "simulation": Field(dims=("simulation",), values=_numbers_or_text(system_labels(t))),
        "space": Field(dims=("space",), values=np.array(["x", "y", "z"][: t.dim], dtype=object)),
        "time": _time(t),
        **_particles(t),
        **_vectors(t),
    }
    if t.edges is not None:
        variables |= _edges(t.edges, t.n_systems, t.n_nodes)
    taken = {*variables, *(dim for one in variables.values() for dim in one.dims)}
    for name, values in t.attributes.items():
        if name in taken:
            raise InputError(f"the attribute {name!r} is called like a variable of limbeck's own files: rename it")
        attrs = {"units": t.units.get(name, "1")}
        if name in t.categories:
            attrs["labels"] = json.dumps(t.categories[name])
        variables[name] = Field(dims=("simulation", "particle"), values=values, attrs=attrs)
    attrs = {"limbeck_schema": SCHEMA, "shared_particles": int(t.shared_particles), "notes": json.dumps(t.notes)}
    if t.radius is not None:
        attrs["radius"] = float(t.radius)
    return Fields(variables=variables, attrs=attrs, where="trajectories")


def system_labels(t: Trajectories) -> tuple[str, ...]:
    """Names of the simulations, numbers where there are none.

    Args:
        t: The trajectories.

    Returns:
        One name for each simulation.
    """
    return t.system_names or tuple(str(index) for index in range(t.n_systems))


def particle_labels(t: Trajectories) -> tuple[tuple[str, ...], ...]:
    """Names of the particles of each simulation, numbers where there are none.

    Args:
        t: The trajectories.

    Returns:
        One tuple of names for each simulation.
    """
    return t.particle_names or (tuple(str(index) for index in range(t.n_nodes)),) * t.n_systems


def as_whole_numbers(names: tuple[str, ...]) -> np.ndarray | None:
    """Names as whole numbers, if they all are and come back as the same names.

    Args:
        names: The names.

    Returns:
        The numbers, or None.
    """
    numbers = []
    for name in names:
        digits = name.removeprefix("-")
        if len(name) > 18 or not digits.isascii() or not digits.isdigit() or str(int(name)) != name:
            return None
        numbers.append(int(name))
    return np.array(numbers, dtype=np.int64)


def _vectors(t: Trajectories) -> dict[str, Field]:
    """Positions, velocities and accelerations with their errors, units and provenance."""
    length, time = t.units.get("x"), t.units.get("time")
    per_time = f"{length}/{time}" if length and time else "1"
    per_time_squared = "1" if per_time == "1" else f"{per_time}^2"
    found = {}
    for name, values, errors, unit, provenance in (
        ("position", t.positions, t.position_errors, length or "1", "given"),
        ("velocity", t.velocities, t.velocity_errors, t.units.get("v", per_time), t.velocities_are),
        (
            "acceleration",
            t.accelerations,
            t.acceleration_errors,
            t.units.get("a", per_time_squared),
            t.accelerations_are,
        ),
    ):
        there = np.where(t.present[..., None], values, np.nan)
        found[name] = Field(dims=STATE, values=there, attrs={"units": unit, "provenance": provenance})
        if errors is not None:
            found[f"{name}_err"] = Field(dims=STATE, values=errors, attrs={"units": unit})
    if t.measured_positions is not None and t.measured_noise is not None:
        there = np.where(t.present[..., None], t.measured_positions, np.nan)
        found["measured_position"] = Field(dims=STATE, values=there, attrs={"units": length or "1"})
        found["measured_noise"] = Field(dims=STATE[:3], values=t.measured_noise, attrs={"units": length or "1"})
    return found


def _edges(edges: Edges, n_systems: int, n_nodes: int) -> dict[str, Field]:
    """Edges as numbers of places, and the numbers of the places, which move with them."""
    found = {
        PLACES[0]: Field(dims=STATE[:1], values=np.arange(n_systems)),
        PLACES[1]: Field(dims=STATE[2:3], values=np.arange(n_nodes)),
    }
    for name, values in zip(EDGES, (edges.system, edges.senders, edges.receivers), strict=True):
        found[name] = Field(dims=("edge",), values=np.asarray(values, dtype=np.int64))
    return found


def _numbers_or_text(names: tuple[str, ...]) -> np.ndarray:
    """Names as whole numbers if they are, else as text."""
    numbers = as_whole_numbers(names)
    return np.array(names, dtype=object) if numbers is None else numbers


def _time(t: Trajectories) -> Field:
    """Times once if all simulations share them, else by simulation."""
    attrs = {"units": t.units.get("time", "1")}
    if (t.times == t.times[0]).all():
        return Field(dims=("time",), values=t.times[0], attrs=attrs)
    return Field(dims=("simulation", "time"), values=t.times, attrs=attrs)


def _particles(t: Trajectories) -> dict[str, Field]:
    """Names of the particles: once if all simulations share them, else by simulation."""
    names = particle_labels(t)
    if all(mine == names[0] for mine in names) and len(names[0]) == t.n_nodes:
        return {"particle": Field(dims=("particle",), values=_numbers_or_text(names[0]))}
    table = np.full((t.n_systems, t.n_nodes), "", dtype=object)
    for row, mine in enumerate(names):
        table[row, : len(mine)] = mine[: t.n_nodes]
    return {"particle_name": Field(dims=("simulation", "particle"), values=table)}
