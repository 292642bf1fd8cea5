"""Where a fit of a law and properties of every object stands."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from limbeck._types import Constants


@dataclass(frozen=True, kw_only=True, eq=False)
class PropertySolution:
    """Constants and values.

    Attributes:
        constants: Of the law.
        levels: Levels of the properties that have any, one property after the other.
        values: Of every object.
        places: Places of each property's levels.
    """

    constants: Constants
    levels: Float[np.ndarray, " levels"]
    values: Float[np.ndarray, "properties objects"]
    places: Mapping[int, slice]

    @property
    def shared(self) -> Float[np.ndarray, " shared"]:
        """What all groups share: constants and levels."""
        return np.concatenate([self.constants, self.levels])

    def levels_of(self, number: int) -> Float[np.ndarray, " own_levels"]:
        """Levels of one property.

        Args:
            number: Which.

        Returns:
            Its levels.
        """
        return self.levels[self.places[number]]


@dataclass(frozen=True, kw_only=True, eq=False)
class PropertyErrors:
    """Standard errors.

    Attributes:
        constants: Of the law's constants.
        values: Of every object's values.
    """

    constants: Float[np.ndarray, " constants"]
    values: Float[np.ndarray, "properties objects"]


def level_places(
    names: tuple[str, ...],
    ties: Mapping[str, Int[np.ndarray, "systems nodes"]],
    known: Int[np.ndarray, " objects"],
    objects: Int[np.ndarray, "systems nodes"],
) -> tuple[Int[np.ndarray, "properties objects"], dict[int, slice]]:
    """Number the levels of all properties in one row.

    Args:
        names: The properties.
        ties: Level of each particle, for properties that have levels.
        known: Objects that occur, in the numbering of the record.
        objects: Object of each particle.

    Returns:
        Level of each object, -1 where its value is its own, and the places of each property's levels.
    """
    levels, places, start = np.full((len(names), len(known)), -1), {}, 0
    for k, name in enumerate(names):
        if name not in ties:
            continue
        own = np.full(int(objects.max()) + 1, -1)
        own[objects] = ties[name]
        count = int(ties[name].max()) + 1
        levels[k] = np.where(own[known] >= 0, own[known] + start, -1)
        places[k] = slice(start, start + count)
        start += count
    return levels, places
