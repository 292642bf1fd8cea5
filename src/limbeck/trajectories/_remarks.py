"""What limbeck itself writes into a file of named arrays beside the states: names, labels and notes.

Files of others may have variables and attributes of the same names with other meanings, so all of this is read only
where limbeck wrote the file, and refused where it was changed since.
"""

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from jaxtyping import Bool

from limbeck._errors import InputError
from limbeck._types import NodeScalars

from ._netcdf import Fields
from ._trajectories import Provenance
from ._variables import DIMS, is_ours, ordered


def own_particle_names(fields: Fields) -> tuple[tuple[str, ...], ...] | None:
    """Take the names of the particles of each simulation, if limbeck wrote them."""
    if not is_ours(fields) or "particle_name" not in fields.variables:
        return None
    one = fields.variable("particle_name")
    names = ordered(fields.where, "particle_name", one, (DIMS[0], DIMS[2]))
    return tuple(tuple(str(name) for name in row) for row in names)


def own_labels(fields: Fields, name: str) -> tuple[str, ...] | None:
    """Take the labels of a property, if limbeck wrote some."""
    attrs = fields.variables[name].attrs
    return (
        _words(fields, f"the labels of variable {name!r}", attrs["labels"]) if _has(fields, attrs, "labels") else None
    )


def check_codes(
    fields: Fields, name: str, codes: NodeScalars, there: Bool[np.ndarray, "systems nodes"], count: int
) -> None:
    """Refuse codes that have no label."""
    wrong = there & ~np.isin(codes, np.arange(count))
    if wrong.any():
        raise InputError(
            f"{fields.where}: variable {name!r} holds the code {codes[wrong][0]:g} and has {count} labels; "
            "write the file again"
        )


def own_notes(fields: Fields) -> tuple[str, ...]:
    """Take the notes on what was done to the data."""
    return _words(fields, "the notes", fields.attrs["notes"]) if _has(fields, fields.attrs, "notes") else ()


def own_radius(fields: Fields) -> float | None:
    """Take the largest distance at which a pair interacts."""
    if not _has(fields, fields.attrs, "radius"):
        return None
    given = np.asarray(fields.attrs["radius"])
    if given.size != 1 or given.dtype.kind not in "iuf" or not (np.isfinite(given).all() and (given > 0).all()):
        raise _changed(fields, "the radius", fields.attrs["radius"])
    return float(given.item())


def are_shared(fields: Fields) -> bool:
    """Say whether a particle's name means the same object in every simulation."""
    if not _has(fields, fields.attrs, "shared_particles"):
        return False
    return bool(np.any(np.asarray(fields.attrs["shared_particles"]) == 1))


def own_provenance(fields: Fields, name: str) -> Provenance:
    """Say whether a vector was given or derived."""
    one = fields.variables.get(name)
    return "derived" if one is not None and is_ours(fields) and one.attrs.get("provenance") == "derived" else "given"


def _has(fields: Fields, attrs: Mapping[str, Any], name: str) -> bool:
    """Say whether limbeck wrote a remark."""
    return is_ours(fields) and name in attrs


def _words(fields: Fields, what: str, text: object) -> tuple[str, ...]:
    """Read a list of texts."""
    try:
        words = json.loads(text) if isinstance(text, str | bytes) else None
    except ValueError:
        words = None
    if not isinstance(words, list) or not all(isinstance(word, str) for word in words):
        raise _changed(fields, what, text)
    return tuple(words)


def _changed(fields: Fields, what: str, found: object) -> InputError:
    """Say that a remark is not what limbeck wrote."""
    return InputError(
        f"{fields.where}: {what}: got {str(found)[:60]!r}, which limbeck didn't write; write the file again"
    )
