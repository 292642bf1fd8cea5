"""What a property that nobody measured may do: resist, couple, or both; or one of two properties each."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from limbeck.graphs import GraphDataset
from limbeck.trajectories import object_index, objects_return

from ._couplings import Role

MOST_SHARED = 40  # objects between whose pairs strengths are fitted one by one
DOES = {
    "both": "resists and couples",
    "inertia": "resists",
    "coupling": "couples",
    "unlike": "resists, the other couples",
}


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a property may do, or two.

    Attributes:
        role: Whether it is the coupling, the inertia, or both; or, where two are learned, the first the inertia and the
            second the coupling.
        inertia: Given attribute that is the inertia, where no learned property is; empty for none.
        coupling: Given attribute that couples too; empty for none.
        is_damped: Whether drag and friction act beside it.
    """

    role: Role
    inertia: str = ""
    coupling: str = ""
    is_damped: bool = False

    def __str__(self) -> str:
        """In words."""
        beside = [f"{self.coupling} couples"] * bool(self.coupling) + [f"{self.inertia} resists"] * bool(self.inertia)
        return ", ".join([DOES[self.role], *beside, *["with drag and friction"] * self.is_damped])

    def resists(self, names: tuple[str, ...]) -> str:
        """The property that is the inertia.

        Args:
            names: The learned ones, in order.

        Returns:
            Its name, which may be a given attribute's; empty where all inertias are 1.
        """
        return self.inertia if self.role == "coupling" else names[0]

    def couples(self, names: tuple[str, ...]) -> str:
        """The learned property that couples.

        Args:
            names: The learned ones, in order.

        Returns:
            Its name; empty where none does.
        """
        return {"both": names[0], "inertia": ""}.get(self.role, names[-1])

    def idle(self, names: tuple[str, ...]) -> dict[str, str]:
        """Properties that the force has no need of, and what they are taken for.

        Args:
            names: The learned ones, in order.

        Returns:
            What is to be said of each.
        """
        part = {self.resists(names), self.couples(names)}
        instead = {
            "both": f"{names[0]} takes its place: only their ratio, one for all particles, could be asked for",
            "inertia": "it counts as 1 for every particle",
            "coupling": f"{self.inertia or '1 for every particle'} is the inertia",
        }
        return {
            name: f"not determined: the accelerations need no {name}; {instead[self.role]}"
            for name in names
            if name not in part
        }


def readings(dataset: GraphDataset, names: tuple[str, ...]) -> Iterator[Reading]:
    """Every reading, what explains most with least first.

    Args:
        dataset: The data, without the properties.
        names: One property, or two.

    Yields:
        Readings without drag.
    """
    given = ("", *dataset.attribute_names)
    positive = ("", *(n for n in dataset.attribute_names if np.all(dataset.trajectories.attributes[n] > 0)))
    for role in ("both", "inertia"):
        yield from (Reading(role=role, coupling=coupling) for coupling in given)
    if objects_return(dataset.trajectories) and len(np.unique(object_index(dataset.trajectories))) > MOST_SHARED:
        return
    for inertia in positive:
        yield from (Reading(role="coupling", inertia=inertia, coupling=c) for c in given)
    if len(names) == 2:
        yield from (Reading(role="unlike", coupling=coupling) for coupling in given)
