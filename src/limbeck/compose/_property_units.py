"""What fixes the scale of learned properties, where the data leave it free."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck.trajectories import Trajectories, object_index, objects_return

FREE = 1e-9  # share of the slopes below which a common change of the properties changes no acceleration
TAKES_PART = 0.1  # part of a property in such a change


@dataclass(frozen=True, kw_only=True, eq=False)
class Units:
    """Which values are units.

    Attributes:
        fixed: Values that do not move, by property and object.
        means: Properties whose mean size is the unit.
        own_scale: Property of which each simulation has a unit of its own; -1 for none.
    """

    fixed: Bool[np.ndarray, "properties objects"]
    means: tuple[int, ...]
    own_scale: int

    @classmethod
    def of_returning(cls, start: Float[np.ndarray, "properties objects"]) -> "Units":
        """Units where all objects return: the largest of each property.

        Args:
            start: Values.

        Returns:
            The units.
        """
        fixed = np.zeros(start.shape, dtype=bool)
        fixed[np.arange(len(start)), np.argmax(np.abs(start), axis=1)] = True
        return cls(fixed=fixed, means=(), own_scale=-1)

    @classmethod
    def of_groups(
        cls,
        start: Float[np.ndarray, "properties objects"],
        group: Int[np.ndarray, " objects"],
        by_scale: Float[np.ndarray, "particles dim properties"],
    ) -> tuple["Units", Float[np.ndarray, "properties objects"]]:
        """Units where each group has objects of its own.

        Args:
            start: Values.
            group: Group of each object.
            by_scale: Slopes of the accelerations in the logarithm of each property's scale.

        Returns:
            The mean size of each property; but where properties of one group can change together without any
            acceleration changing, the largest value of one of them in each group. The values in these, too.
        """
        fixed, every = np.zeros(start.shape, dtype=bool), tuple(range(len(start)))
        # Not by the squares of the slopes, whose rounding alone may be larger than what is asked.
        _, sizes, directions = np.linalg.svd(by_scale.reshape(-1, len(start)), full_matrices=False)
        if len(start) == 1 or not sizes[-1] <= FREE * sizes[0]:
            return cls(fixed=fixed, means=every, own_scale=-1), start
        free = directions[-1]
        chosen = int(np.flatnonzero(np.abs(free) > TAKES_PART)[-1])
        values, size = start.copy(), np.abs(start[chosen])
        for k in np.unique(group):
            largest = int(np.argmax(np.where(group == k, size, -1.0)))
            fixed[chosen, largest] = True
            unit = start[chosen, largest] if start[chosen, largest] != 0 else 1.0
            values[:, group == k] *= (np.abs(unit) ** (-free / free[chosen]))[:, None]
        return cls(fixed=fixed, means=tuple(k for k in every if k != chosen), own_scale=chosen), values

    @property
    def is_comparable(self) -> bool:
        """Whether values of different groups are in one unit."""
        return self.own_scale < 0

    def sentence(
        self, number: int, names: tuple[str, ...], known: Int[np.ndarray, " objects"], trajectories: Trajectories
    ) -> str:
        """What fixes the scale of one property.

        Args:
            number: Which property.
            names: All of them.
            known: Objects, in the numbering of the record.
            trajectories: The data.

        Returns:
            A sentence.
        """
        name = names[number]
        if objects_return(trajectories):
            unit = known[int(np.argmax(self.fixed[number]))]
            system, node = (int(i[0]) for i in np.nonzero(object_index(trajectories) == unit))
            who = trajectories.particle_names[system][node] if trajectories.particle_names else str(node)
            return f"only ratios of {name} are determined: that of {who} is taken as 1"
        if number == self.own_scale:
            return f"only ratios of {name} within a simulation are determined: the largest of each is taken as 1"
        told = f"only ratios of {name} are determined: the mean size of all is taken as 1"
        if self.own_scale < 0:
            return told
        return f"{told}; between simulations they hold for the units of {names[self.own_scale]} in each"
