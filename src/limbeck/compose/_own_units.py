"""Units in which a law is looked for, where those of the data are far from the sizes of what moves.

Engines and the changes of a formula that are tried on the way begin at numbers near 1: a softening at 0.02, a range at
10. In metres between atoms, or between stars, these are nothing or everything. So where a typical size lies outside
1e-4 to 1e4, searches see the data in units next to it, and what they find is written in the data's own units again.
Units are powers of two: nothing is rounded on either way, and all else of a run never hears of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from limbeck.analyse import Channel
from limbeck.expressions import complexity, rescaled
from limbeck.graphs import GraphDataset
from limbeck.models import measure_scales, own_unit
from limbeck.regress import Equation, HallOfFame
from limbeck.trajectories import Trajectories

from ._law import Law
from ._refine import Scored
from ._states import AXES, States
from ._unknowns import HELD, Unknowns
from ._writing import normalised


@dataclass(frozen=True, kw_only=True)
class OwnUnits:
    """Units of length, time and attributes; all are 1 where the data's own will do.

    Attributes:
        length: Unit of length, in the data's.
        time: Unit of time, in the data's.
        attributes: Unit of each attribute, in the data's.
    """

    length: float = 1.0
    time: float = 1.0
    attributes: Mapping[str, float]

    @classmethod
    def of(cls, dataset: GraphDataset) -> "OwnUnits":
        """Choose units by the typical distance, acceleration and attributes of the training part.

        Args:
            dataset: The data.

        Returns:
            The units.
        """
        scales = measure_scales(dataset)
        return cls(
            length=own_unit(scales.length),
            time=own_unit(float(np.sqrt(scales.length / scales.acceleration))),
            attributes=dict(zip(dataset.attribute_names, map(own_unit, scales.attributes), strict=True)),
        )

    @property
    def are_given(self) -> bool:
        """Whether they are the data's own."""
        return self.length == 1 and self.time == 1 and all(unit == 1 for unit in self.attributes.values())

    @property
    def speed(self) -> float:
        """Unit of velocities."""
        return self.length / self.time

    @property
    def acceleration(self) -> float:
        """Unit of accelerations."""
        return self.length / self.time / self.time

    @cached_property
    def variables(self) -> Mapping[str, float]:
        """Unit of every variable that an equation may name."""
        lengths = ("r", "r_1", *(f"d{a}" for a in AXES), *(f"{a}_1" for a in AXES))
        speeds = ("v_1", *(f"dv{a}" for a in AXES), *(f"v{a}_1" for a in AXES))
        return {
            **dict.fromkeys(lengths, self.length),
            **dict.fromkeys(speeds, self.speed),
            **{f"{name}_{end}": unit for name, unit in self.attributes.items() for end in "12"},
        }

    def dataset(self, dataset: GraphDataset) -> GraphDataset:
        """The data in these units.

        Args:
            dataset: The data.

        Returns:
            The same graphs and parts.
        """
        if self.are_given:
            return dataset
        return replace(
            dataset, trajectories=self._trajectories(dataset.trajectories), reach=dataset.reach / self.length
        )

    def _trajectories(self, t: Trajectories) -> Trajectories:
        """Trajectories in these units."""
        units = {
            "times": self.time,
            "positions": self.length,
            "velocities": self.speed,
            "accelerations": self.acceleration,
            "position_errors": self.length,
            "velocity_errors": self.speed,
            "acceleration_errors": self.acceleration,
            "measured_positions": self.length,
            "measured_noise": self.length,
            "radius": self.length,
        }
        given = {name: getattr(t, name) for name in units}
        told = {name: None if value is None else value / units[name] for name, value in given.items()}
        attributes = {name: values / self.attributes.get(name, 1.0) for name, values in t.attributes.items()}
        return replace(t, attributes=attributes, **told)

    def unknowns(self, unknowns: Unknowns) -> Unknowns:
        """Values of properties that were found in these units, in the data's.

        Args:
            unknowns: The values.

        Returns:
            The same numbers.
        """
        of, units = np.ones(len(unknowns.values)), np.array([self.attributes[name] for name in unknowns.names])
        for unit, numbers in zip(units, unknowns.numbers, strict=True):
            of[numbers[numbers != HELD]] = unit
        given = unknowns.given * units[:, None, None]
        return replace(unknowns, given=given, values=unknowns.values * of, errors=unknowns.errors * of)

    def states(self, states: States) -> States:
        """States that were laid out, in these units.

        Args:
            states: Columns in the data's units.

        Returns:
            The same particles and edges.
        """
        if self.are_given:
            return states
        edges, nodes = (
            {name: values / self.variables[name] for name, values in columns.items()}
            for columns in (states.edges, states.nodes)
        )
        targets, weights = states.targets / self.acceleration, states.weights * self.acceleration
        return replace(states, edges=edges, nodes=nodes, targets=targets, weights=weights)

    def channel(self, channel: Channel) -> tuple[Channel, float]:
        """Samples of a function in these units.

        Args:
            channel: The samples.

        Returns:
            Samples that a search can take, and the unit that their values are counted in.
        """
        unit = own_unit(float(np.median(np.abs(channel.values)))) if len(channel.values) else 1.0
        columns = np.array([self.variables.get(name, 1.0) for name in channel.variables])
        return replace(channel, inputs=channel.inputs / columns, values=channel.values / unit), unit

    def hall_of(self, hall: HallOfFame, unit: float) -> HallOfFame:
        """What a search found, in the data's units.

        Args:
            hall: Equations of variables in these units.
            unit: Unit of their values.

        Returns:
            The same equations; of those that a unit gives one size, the best.
        """
        if unit == 1 and self.are_given:
            return hall
        best: dict[int, Equation] = {}
        for equation in hall.equations:
            given = rescaled(equation.expression, self.variables, unit)
            size = complexity(given)
            if size not in best or equation.loss < best[size].loss:
                best[size] = replace(equation, expression=given, complexity=size)
        starts = tuple(rescaled(start, self.variables, unit) for start in hall.starts)
        return replace(hall, equations=tuple(best[size] for size in sorted(best)), starts=starts)

    def law_in(self, law: Law) -> Law:
        """A law in the data's units, told in these.

        Args:
            law: The law.

        Returns:
            The same accelerations.
        """
        if self.are_given:
            return law
        components = {
            name: rescaled(expression, self._inverse, 1.0 / self._unit_of(name))
            for name, expression in law.components.items()
        }
        return Law(components=components, dim=law.dim)

    def law(self, law: Law) -> Law:
        """A law that was found in these units, in the data's.

        Args:
            law: The law.

        Returns:
            The same accelerations, the inertia's leading coefficient 1.
        """
        if self.are_given:
            return law
        components = {
            name: rescaled(expression, self.variables, self._unit_of(name))
            for name, expression in law.components.items()
        }
        return normalised(Law(components=components, dim=law.dim))

    def front(self, front: Sequence[Scored]) -> tuple[Scored, ...]:
        """Laws of a front in the data's units, with the figures that they had in these.

        Args:
            front: The laws.

        Returns:
            The same laws.
        """
        return tuple(replace(scored, law=self.law(scored.law)) for scored in front)

    @cached_property
    def _inverse(self) -> Mapping[str, float]:
        """The data's units, in these."""
        return {name: 1.0 / unit for name, unit in self.variables.items()}

    def _unit_of(self, channel: str) -> float:
        """Unit of a channel whose inertia has none: an acceleration, over what the channel multiplies."""
        if channel == "inertia":
            return 1.0
        return self.acceleration / {"friction": self.speed, "drag": self.speed, "central": self.length}.get(
            channel, 1.0
        )
