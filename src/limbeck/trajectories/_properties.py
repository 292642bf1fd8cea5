"""Properties of particles among named arrays: on (simulation, particle), on (particle), or constant in time."""

import numpy as np
from jaxtyping import Int

from limbeck._errors import InputError
from limbeck._types import NodeScalars, Presence

from ._columns import Choices, check_attribute_name
from ._ids import sorted_ids
from ._netcdf import Field, Fields
from ._remarks import check_codes, own_labels
from ._variables import DIMS, EDGES, KNOWN, MEASURED, PLACES, Names, is_ours, numbers, place


def attributes_of(
    fields: Fields, choices: Choices, present: Presence, order: Int[np.ndarray, "systems times"], names: Names
) -> tuple[dict[str, NodeScalars], dict[str, tuple[str, ...]]]:
    """Take the properties of particles: variables on (simulation, particle), (particle), or constant in time."""
    attributes, categories = {}, {}
    there = np.asarray(present.any(axis=1))
    for name in _candidates(fields, choices):
        one = fields.variable(name)
        values, labels = one.values, own_labels(fields, name)
        if labels is not None:
            categories[name] = labels
        elif name in choices.labelled:
            values, categories[name] = _codes(one)
        elif values.dtype.kind in "OUS":
            raise InputError(
                f"{fields.where}: variable {name!r} holds text; an attribute is a number: use --species {name} if it "
                f"holds labels, or --ignore {name}"
            )
        check_attribute_name(name, fields.where)
        numbers = _on_particles(fields.where, name, Field(dims=one.dims, values=values), present, order)
        wrong = there & ~np.isfinite(numbers)
        if wrong.any():
            system, node = (int(index[0]) for index in np.nonzero(wrong))
            raise InputError(
                f"{fields.where}: variable {name!r}, simulation {names[0][system]!r}, particle "
                f"{names[1][system][node]!r}: got {numbers[system, node]}; an attribute is finite: correct it"
            )
        if labels is not None:
            check_codes(fields, name, numbers, there, len(labels))
        attributes[name] = numbers
    return attributes, categories


def left_out(fields: Fields) -> tuple[str, ...]:
    """Say which numbers of a whole simulation are not used: they belong to none of its particles."""
    return tuple(
        f"Variable {name!r} is on (simulation) alone and was left out: a property of particles is on "
        "(simulation, particle)."
        for name, one in fields.variables.items()
        if one.dims == DIMS[:1] and name not in _known(fields) and one.values.dtype.kind in "iuf"
    )


def _known(fields: Fields) -> set[str]:
    """Names that mean something else than a property."""
    return KNOWN | {*EDGES, *PLACES, *MEASURED} if is_ours(fields) else KNOWN


def _candidates(fields: Fields, choices: Choices) -> dict[str, Field]:
    """Choose the variables that are properties of particles."""
    found = {}
    known = _known(fields)
    for name, one in fields.variables.items():
        chosen = name in choices.labelled or name in (choices.attributes or ())
        possible = "particle" in one.dims and set(one.dims) <= set(DIMS[:3])
        if name in known or not (possible or chosen):
            continue
        if not possible:
            raise InputError(
                f"{fields.where}: variable {name!r} has the dimensions ({', '.join(one.dims)}); an attribute has "
                "(simulation, particle) or (particle)"
            )
        text = one.values.dtype.kind in "OUS" and not choices.lenient
        if chosen or choices.attributes is None or text:
            found[name] = one
    chosen = choices.attributes
    return found if chosen is None else {n: found[n] for n in (*chosen, *(f for f in found if f not in chosen))}


def _codes(one: Field) -> tuple[np.ndarray, tuple[str, ...]]:
    """Replace labels by codes."""
    labels = [str(value) for value in one.values.flat]
    names = sorted_ids(set(labels))
    place = {label: float(index) for index, label in enumerate(names)}
    return np.array([place[label] for label in labels]).reshape(one.values.shape), names


def _on_particles(
    where: str, name: str, one: Field, present: Presence, order: Int[np.ndarray, "systems times"]
) -> NodeScalars:
    """Bring a property onto (simulation, particle), and refuse one that varies in time."""
    values, dims = numbers(where, name, one.values), list(one.dims)
    for axis, dim in enumerate(DIMS[:3]):
        if dim not in dims:
            values, dims = np.expand_dims(values, axis), [*dims[:axis], dim, *dims[axis:]]
    values = np.transpose(values, [dims.index(dim) for dim in DIMS[:3]])
    values = np.broadcast_to(values, (present.shape[0], values.shape[1], present.shape[2]))
    if values.shape[1] == 1:
        return values[:, 0].copy()
    values = np.take_along_axis(values, order[:, :, None], axis=1)
    first = np.take_along_axis(values, present.argmax(axis=1)[:, None, :], axis=1)
    varies = present & (values != first) & ~(np.isnan(values) & np.isnan(first))
    if varies.any():
        raise InputError(
            f"{where}: variable {name!r}, {place(varies)}: the attribute varies in time; "
            f"attributes are constant in time: use --ignore {name}"
        )
    return first[:, 0].copy()
