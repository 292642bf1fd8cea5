"""Properties that were learned, as `result.json` has them: what the data do not determine says so."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from limbeck.artefacts import finite
from limbeck.compose import FittedProperties, FittedProperty
from limbeck.graphs import GraphDataset
from limbeck.trajectories import Trajectories, object_index, object_name


def property_fields(
    properties: FittedProperties | None, idle: Mapping[str, str], dataset: GraphDataset
) -> list[dict[str, Any]]:
    """Learned properties of every object, one property after the other.

    Args:
        properties: The properties, or None where none was learned.
        idle: What is to be said of those that the law has no need of.
        dataset: The data with the names of simulations and particles.

    Returns:
        One mapping for each particle; one for each object where particles are shared, or for each label.
    """
    if properties is None:
        return []
    t = dataset.trajectories
    rows = [_row(t, place, p) for p in properties.properties for place in _places(t)]
    return rows + [_idle_row(t, place, name, told) for name, told in idle.items() for place in _places(t)]


def _places(trajectories: Trajectories) -> Iterator[tuple[int, int]]:
    """Where each object stands first."""
    objects, seen = object_index(trajectories), set()
    for system, node in zip(*np.nonzero(trajectories.present.any(axis=1)), strict=True):
        if objects[system, node] not in seen:
            seen.add(objects[system, node])
            yield int(system), int(node)


def _row(trajectories: Trajectories, place: tuple[int, int], fitted: FittedProperty) -> dict[str, Any]:
    """One property of one object."""
    error = finite(float(fitted.standard_errors[place]))
    level = -1 if fitted.levels is None else int(fitted.levels.of[place])
    told = fitted.levels is not None and level >= 0
    return {
        **_whose(trajectories, place),
        "name": fitted.name,
        "value": None if error is None else finite(float(fitted.values[place])),
        "standard_error": error,
        "determined": bool(fitted.determined[place]),
        "level": finite(float(fitted.levels.values[level])) if told and fitted.levels else None,
        "level_error": finite(float(fitted.levels.errors[level])) if told and fitted.levels else None,
        "scale": fitted.scale,
    }


def _idle_row(trajectories: Trajectories, place: tuple[int, int], name: str, told: str) -> dict[str, Any]:
    """A property that the law has no need of."""
    nothing = dict.fromkeys(("value", "standard_error"))
    unknown = {"determined": False, "level": None, "level_error": None, "scale": told}
    return {**_whose(trajectories, place), "name": name, **nothing, **unknown}


def _whose(trajectories: Trajectories, place: tuple[int, int]) -> dict[str, str | None]:
    """Names of simulation and particle, or the label."""
    t, (system, node) = trajectories, place
    if t.per:
        return {"simulation": None, "particle": None, "label": object_name(t, system, node)}
    whose = t.system_names[system] if system < len(t.system_names) else str(system)
    simulation = None if t.shared_particles else whose
    return {"simulation": simulation, "particle": object_name(t, system, node), "label": None}
