"""What fixes the scale of learned properties, where the data leave it free."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck.trajectories import Trajectories, object_index, object_name, objects_return

FREE = 1e-9  # share of the slopes below which a common change of the properties changes no acceleration
TAKES_PART = 0.1  # part of a property in such a change
MANY = 3  # particles of a simulation that tell what each of them does


@dataclass(frozen=True, kw_only=True, eq=False)
class Units:
    """Which values are units.

    Attributes:
        fixed: Values that do not move, by property and object.
        counted: Values that a mean is taken over: what nothing depends on, or can change with others, has no size.
        means: Properties whose mean size is the unit.
        own_scale: Property of which each simulation has a unit of its own; -1 for none.
    """

    fixed: Bool[np.ndarray, "properties objects"]
    counted: Bool[np.ndarray, "properties objects"]
    means: tuple[int, ...]
    own_scale: int

    @classmethod
    def of_returning(
        cls, start: Float[np.ndarray, "properties objects"], acts: Bool[np.ndarray, "properties objects"]
    ) -> "Units":
        """Units where all objects return: the largest of each property.

        Args:
            start: Values.
            acts: Whether anything depends on each.

        Returns:
            The units.
        """
        fixed = np.zeros(start.shape, dtype=bool)
        fixed[np.arange(len(start)), np.argmax(np.where(acts, np.abs(start), -1.0), axis=1)] = True
        return cls(fixed=fixed, counted=acts, means=(), own_scale=-1)

    @classmethod
    def of_groups(
        cls,
        start: Float[np.ndarray, "properties objects"],
        acts: Bool[np.ndarray, "properties objects"],
        group: Int[np.ndarray, " objects"],
        by_scale: Float[np.ndarray, "particles dim properties"],
    ) -> tuple["Units", Float[np.ndarray, "properties objects"]]:
        """Units where each group has objects of its own.

        Args:
            start: Values.
            acts: Whether anything depends on each.
            group: Group of each object.
            by_scale: Slopes of the accelerations in the logarithm of each property's scale.

        Returns:
            The mean size of each property; but where properties of one group can change together without any
            acceleration changing, the largest value of one of them in each group. The values in these, too.
        """
        fixed, every = np.zeros(start.shape, dtype=bool), tuple(range(len(start)))
        moving = np.flatnonzero(acts.any(axis=1))
        # Not by the squares of the slopes, whose rounding alone may be larger than what is asked.
        slopes = by_scale.reshape(-1, len(start))[:, moving]
        _, sizes, directions = np.linalg.svd(slopes, full_matrices=False)
        if len(moving) < 2 or not sizes[-1] <= FREE * sizes[0]:
            return cls(fixed=fixed, counted=acts, means=every, own_scale=-1), start
        free = np.zeros(len(start))
        free[moving] = directions[-1]
        chosen = int(np.flatnonzero(np.abs(free) > TAKES_PART)[-1])
        values, size = start.copy(), np.where(acts[chosen], np.abs(start[chosen]), -1.0)
        for k in np.unique(group):
            largest = int(np.argmax(np.where(group == k, size, -2.0)))
            if size[largest] <= 0:  # nothing depends on any of this group
                continue
            fixed[chosen, largest] = True
            values[:, group == k] *= (size[largest] ** (-free / free[chosen]))[:, None]
        return cls(fixed=fixed, counted=acts, means=tuple(k for k in every if k != chosen), own_scale=chosen), values

    def without(
        self, faint: Bool[np.ndarray, "properties objects"], values: Float[np.ndarray, "properties objects"]
    ) -> "Units":
        """Units that no faint value has a part in, of each property that has others.

        Args:
            faint: Values that are no good unit.
            values: All values.

        Returns:
            The units; the same ones where nothing faint has a part in them.
        """
        faint = faint & np.any(self.counted & ~faint, axis=1, keepdims=True)
        if not np.any(self.counted & faint):
            return self
        fixed, counted = self.fixed & ~faint, self.counted & ~faint
        for k in np.flatnonzero(np.any(self.fixed & faint, axis=1)):
            fixed[k, np.argmax(np.where(counted[k], np.abs(values[k]), -1.0))] = True
        return replace(self, fixed=fixed, counted=counted)

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
        if not self.counted[number].any():
            return f"not determined: the accelerations need no {name}"
        if objects_return(trajectories):
            unit = known[int(np.argmax(self.fixed[number]))]
            system, node = (int(i[0]) for i in np.nonzero(object_index(trajectories) == unit))
            who = object_name(trajectories, system, node)
            return f"only ratios of {name} are determined: that of {who} is taken as 1"
        if number == self.own_scale:
            return f"only ratios of {name} within a simulation are determined: the largest of each is taken as 1"
        told = f"only ratios of {name} are determined: the mean size of all is taken as 1"
        if not self.counted[number].all():
            told = told.replace("of all", "of all that are determined")
        if trajectories.present.any(axis=1).sum(axis=1).max() < MANY:
            told += "; two particles alone do not tell whether it resists or couples"
        if self.own_scale < 0:
            return told
        return f"{told}; between simulations they hold for the units of {names[self.own_scale]} in each"
