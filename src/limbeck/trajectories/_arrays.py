"""NetCDF variables into states: the contract of named dimensions.

It takes the variables of a file or of an xarray Dataset, checks every value
that is used, and gives states. Particles whose position is NaN at all times of
a simulation are padding; at some times, gaps.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Int

from limbeck._errors import InputError
from limbeck._types import NodeScalars, NodeVectors, Presence, Times

from ._columns import Choices, final_names, known_choices, listing, nearest
from ._ids import without_points
from ._layout import same_time
from ._netcdf import Field, Fields
from ._own_edges import own_edges, packed_edges
from ._properties import attributes_of, left_out
from ._remarks import (
    are_shared,
    own_notes,
    own_particle_names,
    own_provenance,
    own_radius,
)
from ._states import States, check_presence, filled
from ._variables import DIMS, MEASURED, VECTORS, Names, cell, is_ours, numbers, ordered, place


def states_from_fields(fields: Fields, choices: Choices, *, allow_gaps: bool, kind: str) -> States:
    """Read the states in named arrays.

    Args:
        fields: The variables.
        choices: What the user said about them.
        allow_gaps: Whether particles may be missing at some times.
        kind: What kind of source it is.

    Returns:
        The states.

    Raises:
        InputError: If the variables break the contract of NetCDF.
    """
    choices = choices.among(_names(fields))
    fields = _renamed(fields, choices)
    where = fields.where
    vectors = {name: _vector(fields, name) for name in VECTORS if name in fields.variables}
    shape = vectors["position"].shape
    _check_sizes(where, shape, vectors)
    order, times = _times(fields, shape, allow_gaps=allow_gaps)
    vectors |= {
        f"{name}_err": _errors(fields, name, vectors.get(name), shape)
        for name in VECTORS
        if f"{name}_err" in fields.variables
    }
    vectors |= _measured(fields, shape)
    vectors = {name: np.take_along_axis(values, order[:, :, None, None], axis=1) for name, values in vectors.items()}
    names = _system_names(fields, shape[0]), _particle_names(fields, shape)
    present = _presence(where, times, vectors["position"], names)
    attributes, categories = attributes_of(fields, choices, present, order, names)
    for name in ("velocity", "acceleration"):
        if name in vectors:
            vectors[name] = _moving(where, name, vectors[name], present, times, names)
    edges, left = own_edges(fields, shape[0], shape[2])
    pack = np.argsort(~present.any(axis=1), axis=1, kind="stable")
    if (pack != np.arange(pack.shape[1])).any():
        edges = None if edges is None else packed_edges(edges, pack, np.asarray(present.any(axis=1)))
        vectors, present, attributes, names = _packed(pack, vectors, present, attributes, names)
    there = np.asarray(present.any(axis=1))
    states = States(
        times=times,
        positions=np.where(present[..., None], vectors["position"], 0.0),
        velocities=vectors.get("velocity"),
        accelerations=vectors.get("acceleration"),
        present=present,
        position_errors=vectors.get("position_err"),
        velocity_errors=vectors.get("velocity_err"),
        acceleration_errors=vectors.get("acceleration_err"),
        measured_positions=vectors.get("measured_position"),
        measured_noise=vectors["measured_noise"][..., 0] if "measured_noise" in vectors else None,
        attributes={name: filled(values, there) for name, values in attributes.items()},
        categories=categories,
        edges=edges,
        radius=own_radius(fields),
        shared_particles=are_shared(fields),
        system_names=names[0],
        particle_names=tuple(mine[:count] for mine, count in zip(names[1], there.sum(axis=1), strict=True)),
        velocities_are=own_provenance(fields, "velocity"),
        accelerations_are=own_provenance(fields, "acceleration"),
        units=_units(fields),
        where=where,
        format=kind,
        notes=(*own_notes(fields), *left_out(fields), *left),
    )
    check_presence(states, allow_gaps=allow_gaps, same_times=False)
    return states


def _packed(
    pack: Int[np.ndarray, "systems nodes"],
    vectors: dict[str, NodeVectors],
    present: Presence,
    attributes: dict[str, NodeScalars],
    names: Names,
) -> tuple[dict[str, NodeVectors], Presence, dict[str, NodeScalars], Names]:
    """Move padding behind the particles that are there."""
    by_node = pack[:, None, :, None]
    moved = tuple(tuple(mine[i] for i in row) for mine, row in zip(names[1], pack, strict=True))
    return (
        {name: np.take_along_axis(values, by_node, axis=2) for name, values in vectors.items()},
        np.take_along_axis(present, pack[:, None, :], axis=2),
        {name: np.take_along_axis(values, pack, axis=1) for name, values in attributes.items()},
        (names[0], moved),
    )


def _names(fields: Fields) -> list[str]:
    """Names of all variables and dimensions."""
    dims = [dim for one in fields.variables.values() for dim in one.dims]
    return list(dict.fromkeys([*fields.variables, *dims]))


def _renamed(fields: Fields, choices: Choices) -> Fields:
    """Rename variables and dimensions, and leave out what is to be ignored."""
    names, everything = list(fields.variables), _names(fields)
    new = dict(zip(everything, final_names(everything, choices.rename, fields.where), strict=True))
    known_choices([new[name] for name in names], choices, fields.where)
    variables = {
        new[name]: replace(one, dims=tuple(new[dim] for dim in one.dims))
        for name, one in fields.variables.items()
        if new[name] not in choices.ignore
    }
    for name in ("position", "time"):
        if name not in variables:
            raise InputError(
                f"{fields.where}: variable {name!r} is missing{nearest(name, variables)}; a file has position, time "
                f"and, if known, velocity and acceleration, this one has {listing(variables)}; use --rename OLD={name}"
            )
    return Fields(variables=variables, attrs=fields.attrs, where=fields.where)


def _vector(fields: Fields, name: str) -> NodeVectors:
    """Take a vector, and refuse infinities."""
    values = numbers(fields.where, name, ordered(fields.where, name, fields.variable(name), DIMS))
    if np.isinf(values).any():
        raise InputError(
            f"{fields.where}: variable {name!r}, {place(np.isinf(values))}: got an infinite value; correct it"
        )
    return values


def _check_sizes(where: str, shape: tuple[int, ...], vectors: dict[str, NodeVectors]) -> None:
    """Refuse empty dimensions, too many dimensions of space and vectors of other sizes."""
    if min(shape) < 1 or shape[3] > 3:
        sizes = ", ".join(f"{dim}={size}" for dim, size in zip(DIMS, shape, strict=True))
        raise InputError(
            f"{where}: variable 'position' has the sizes {sizes}; expected at least 1 of each, and space 1 to 3"
        )
    for name, values in vectors.items():
        if values.shape != shape:
            raise InputError(
                f"{where}: variable {name!r} has shape {values.shape}, 'position' {shape}; they must agree"
            )
    if shape[2] < 2:
        raise InputError(
            f"{where}: dimension 'particle' has fewer than two particles ({shape[2]}); "
            "a law of interaction needs at least two"
        )


def _times(
    fields: Fields, shape: tuple[int, ...], *, allow_gaps: bool
) -> tuple[Int[np.ndarray, "systems times"], Times]:
    """Take the times in increasing order, and the order that makes them so."""
    where, one = fields.where, fields.variable("time")
    values = numbers(where, "time", one.values)
    if one.dims == ("time",):
        values = np.broadcast_to(values, shape[:2])
    else:
        values = ordered(where, "time", Field(dims=one.dims, values=values), DIMS[:2])
    allowed = np.isnan(values) & allow_gaps  # a shorter simulation is padded with NaN
    if not (np.isfinite(values) | allowed).all() or allowed.all(axis=1).any():
        raise InputError(
            f"{where}: variable 'time', {place(~np.isfinite(values))}: got a time that is not finite; correct it"
        )
    order = np.argsort(values, axis=1, kind="stable")
    times = np.take_along_axis(values, order, axis=1)
    twice = np.diff(times, axis=1) <= same_time(times)
    if twice.any():
        system, snapshot = (int(index[0]) for index in np.nonzero(twice))
        time = float(times[system, snapshot])
        raise InputError(
            f"{where}: variable 'time', simulation index {system}: time {time!r} stands twice, up to rounding; "
            "each snapshot needs its own time"
        )
    return order, times


def _presence(where: str, times: Times, positions: NodeVectors, names: Names) -> Presence:
    """Say which particle is there when, and refuse positions that are partly there."""
    missing = np.isnan(positions)
    absent = np.asarray(missing.all(axis=-1))
    partly = np.asarray(missing.any(axis=-1)) & ~absent
    outside = ~absent & np.isnan(times)[:, :, None]
    for wrong, what in ((partly, "got NaN in some components"), (outside, "got a position at a time that is NaN")):
        if wrong.any():
            raise InputError(
                f"{where}: variable 'position', {cell(wrong, times, names)}: {what}; a position is finite, "
                "or NaN in all components where the particle isn't there: correct it"
            )
    return ~absent


def _moving(where: str, name: str, values: NodeVectors, present: Presence, times: Times, names: Names) -> NodeVectors:
    """Take velocities, or accelerations, which may be NaN in all components: there is no target then."""
    partly = name == "acceleration"
    missing = np.isnan(values)
    wrong = present & (missing.any(axis=-1) & ~missing.all(axis=-1) if partly else missing.any(axis=-1))
    if wrong.any():
        allowed = "finite, or NaN in all components" if partly else "finite where the particle is there"
        raise InputError(
            f"{where}: variable {name!r}, {cell(wrong, times, names)}: got NaN; it must be {allowed}: correct it"
        )
    nowhere = ~np.asarray(present.any(axis=1, keepdims=True))
    moves = nowhere & np.asarray((np.abs(np.nan_to_num(values)) > 0).any(axis=-1))
    if moves.any():
        raise InputError(
            f"{where}: variable 'position', {cell(moves, times, names)}: got NaN at every time of the simulation, but "
            f"{name!r} has values there; a particle that isn't there has none: correct one of them"
        )
    return np.where(present[..., None], values, np.nan if partly else 0.0)


def _errors(fields: Fields, name: str, values: NodeVectors | None, shape: tuple[int, ...]) -> NodeVectors:
    """Take standard errors, which are not negative; those that we derived are NaN where they could not be told."""
    errors = _vector(fields, f"{name}_err")
    if (
        values is None
        or errors.shape != shape
        or (errors < 0).any()
        or not (is_ours(fields) or np.isfinite(errors[np.isfinite(values)]).all())
    ):
        raise InputError(
            f"{fields.where}: variable '{name}_err' holds standard errors: it needs {name!r} beside it, the same shape "
            f"{shape}, and no value that is negative or NaN where {name!r} has one; correct it, or use "
            f"--ignore {name}_err"
        )
    return errors


def _measured(fields: Fields, shape: tuple[int, ...]) -> dict[str, NodeVectors]:
    """Take positions before they were smoothed and their noise (one component), from a file that limbeck wrote."""
    if not (is_ours(fields) and MEASURED.keys() <= fields.variables.keys()):
        return {}
    positions, name = _vector(fields, "measured_position"), "measured_noise"
    noise = numbers(fields.where, name, ordered(fields.where, name, fields.variable(name), MEASURED[name]))
    if positions.shape != shape or noise.shape != shape[:3] or not ((noise >= 0) & np.isfinite(noise)).all():
        raise InputError(
            f"{fields.where}: 'measured_position' and its noise do not belong to 'position': write the file again"
        )
    return {"measured_position": np.nan_to_num(positions), "measured_noise": noise[..., None]}


def _system_names(fields: Fields, count: int) -> tuple[str, ...]:
    """Take the names of the simulations, or number them."""
    return _labels(fields, "simulation") or tuple(str(index) for index in range(count))


def _particle_names(fields: Fields, shape: tuple[int, ...]) -> tuple[tuple[str, ...], ...]:
    """Take the names of the particles of each simulation, or number them."""
    own = own_particle_names(fields)
    if own is not None:
        return own
    return (_labels(fields, "particle") or tuple(str(index) for index in range(shape[2])),) * shape[0]


def _labels(fields: Fields, name: str) -> tuple[str, ...] | None:
    """Write the names along a dimension as text, each once; None where there are none."""
    if name not in fields.variables or fields.variables[name].dims != (name,):
        return None
    labels = tuple(without_points([str(value) for value in fields.variable(name).values.tolist()]))
    if len(set(labels)) < len(labels):
        twice = next(label for label in labels if labels.count(label) > 1)
        raise InputError(f"{fields.where}: variable {name!r}: the name {twice!r} stands twice; each needs its own")
    return labels


def _units(fields: Fields) -> dict[str, str]:
    """Take the units: of positions as `x`, of velocities as `v`, of accelerations as `a`."""
    units = {}
    for name, one in fields.variables.items():
        unit = one.attrs.get("units")
        if isinstance(unit, str):
            units[VECTORS.get(name, name)] = unit.split(" since ")[0] if name == "time" else unit
    per_time = f"{units.get('x')}/{units.get('time')}"
    for name, implied in (("v", per_time), ("a", f"{per_time}^2")):
        if units.get(name) == implied:
            del units[name]
    return units
