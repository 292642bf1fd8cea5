"""Where positions are counted from while a law is looked for, where the data's own origin is far from all particles.

Networks see positions in single precision: a million lengths from the origin, as on a map of a country, what lies
between neighbours is lost to those that see one-body forces. And of a force `c*x_1 + d` fitted there only a difference
of twelve digits is felt. So a run counts positions from among the particles, and the law that it found is written in
the data's own coordinates in the end.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from limbeck._types import NodeVectors, Presence
from limbeck.expressions import Call, Constant, Expression, Variable, simplify, substitute
from limbeck.graphs import GraphDataset
from limbeck.trajectories import Trajectories

from ._compose import ComposedLaw
from ._law import Law, is_one_body
from ._states import AXES

FAR = 100.0  # times the spread of the particles, from where an origin is far


@dataclass(frozen=True, kw_only=True)
class OwnOrigin:
    """An origin among the particles.

    Attributes:
        origin: Where it is, in the data's coordinates; empty where these will do.
    """

    origin: tuple[float, ...] = ()

    @classmethod
    def of(cls, dataset: GraphDataset) -> "OwnOrigin":
        """Choose an origin.

        Args:
            dataset: The data.

        Returns:
            The middle of all positions, rounded to a tenth of their spread or less; none where the data's is near.
        """
        t = dataset.trajectories
        there = t.positions[t.present]
        middle = np.median(there, axis=0)
        spread = float(np.sqrt(np.mean(np.sum((there - middle) ** 2, axis=1))))
        if not (spread > 0 and np.max(np.abs(middle)) > FAR * spread):
            return cls()
        unit = 10.0 ** np.floor(np.log10(spread))
        # A power of ten is a whole number of units or a whole part of one, so that this prints as short as it is.
        rounded = np.rint(middle / unit) * unit if unit >= 1 else np.rint(middle / unit) / np.rint(1 / unit)
        return cls(origin=tuple(map(float, rounded)))

    def dataset(self, dataset: GraphDataset) -> GraphDataset:
        """The data with positions from this origin, with a note that says so.

        Args:
            dataset: The data.

        Returns:
            The same graphs and parts.
        """
        if not self.origin:
            return dataset
        t = dataset.trajectories
        measured = None if t.measured_positions is None else self._from(t.measured_positions, t.present)
        moved: Trajectories = replace(
            t,
            positions=self._from(t.positions, t.present),
            measured_positions=measured,
            notes=(*t.notes, self._note),
        )
        return replace(dataset, trajectories=moved)

    def _from(self, positions: NodeVectors, present: Presence) -> NodeVectors:
        """Positions from this origin; 0 where there is none."""
        return np.where(present[..., None], positions - np.array(self.origin), 0.0)

    @property
    def _note(self) -> str:
        """What was done, for the report."""
        where = ", ".join(f"{place:.17g}" for place in self.origin)
        return (
            "The origin of the data is far from all particles: figures, and one-body forces in equations.csv, count "
            f"positions from ({where}); the law itself is in the data's coordinates."
        )

    def law(self, composed: ComposedLaw) -> ComposedLaw:
        """A law that was found from this origin, in the data's coordinates.

        Args:
            composed: The law.

        Returns:
            The same accelerations; a central force is one of each axis, since it is central no more.
        """
        if not self.origin:
            return composed
        variables = {f"{axis}_1": place for axis, place in self._places().items()}
        components = {
            name: substitute(expression, variables) if is_one_body(name) else expression
            for name, expression in composed.law.components.items()
        }
        central = components.pop("central", Constant(0))
        for axis, place in self._places().items() if "central" in composed.law.components else ():
            along = Call("mul", (substitute(central, {"r_1": self._distance()}), place))
            beside = components.get(f"field_{axis}", Constant(0))
            components[f"field_{axis}"] = simplify(Call("add", (beside, along)))
        return replace(composed, law=Law(components=components, dim=composed.law.dim))

    def _places(self) -> Mapping[str, Expression]:
        """Coordinates from this origin, in the data's."""
        return {
            axis: Call("sub", (Variable(f"{axis}_1"), Constant(place, free=False)))
            for axis, place in zip(AXES, self.origin, strict=False)
        }

    def _distance(self) -> Expression:
        """Distance from this origin, in the data's coordinates."""
        squares = [Call("pow", (place, Constant(2, free=False))) for place in self._places().values()]
        return Call("sqrt", (Call("add", tuple(squares)) if len(squares) > 1 else squares[0],))
