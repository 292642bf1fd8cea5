"""Accelerations under a law as functions of its constants and of a property of every object."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from limbeck._types import Constants
from limbeck.expressions import Expression, derivative, evaluate

from ._law import Law, channel_directions, is_one_body
from ._states import Objects, States


@dataclass(frozen=True, kw_only=True, eq=False)
class PropertySlopes:
    """A law on some snapshots, with one of its attributes unknown.

    Attributes:
        law: The law.
        name: The attribute.
        states: The snapshots.
        objects: Which object stands where.
        slots: Place of each object in its group.
        n_slots: Largest number of objects of a group.
    """

    law: Law
    name: str
    states: States
    objects: Objects
    slots: Int[np.ndarray, " objects"]
    n_slots: int

    def with_values(self, values: Float[np.ndarray, " objects"]) -> States:
        """The snapshots with other values of the attribute.

        Args:
            values: One for each object.

        Returns:
            States that differ in the columns of the attribute only.
        """
        o, name = self.objects, self.name
        ends = {f"{name}_1": values[o.receivers], f"{name}_2": values[o.senders]}
        return replace(
            self.states,
            edges={**self.states.edges, **ends},
            nodes={**self.states.nodes, f"{name}_1": values[o.particles]},
        )

    def __call__(
        self, constants: Constants, values: Float[np.ndarray, " objects"]
    ) -> tuple[
        Float[np.ndarray, "particles dim"],
        Float[np.ndarray, "particles dim constants"],
        Float[np.ndarray, "particles dim slots"],
    ]:
        """Accelerations with their slopes in the constants and in the attribute of each object of the group.

        Args:
            constants: One number for each free constant of the law.
            values: The attribute of each object.

        Returns:
            Accelerations and both slopes.
        """
        states = self.with_values(values)
        law = self.law.with_constants(constants)
        with np.errstate(all="ignore"):
            predicted, by_constants = law.accelerations_and_slopes(constants, states)
            by_slot = np.zeros((*predicted.shape, self.n_slots))
            inertia = _on(law.components.get("inertia"), states.nodes, len(predicted))
            for channel, expression in law.components.items():
                self._add(by_slot, channel, expression, states, predicted, inertia)
        return predicted, by_constants, by_slot

    def _add(
        self,
        by_slot: Float[np.ndarray, "particles dim slots"],
        channel: str,
        expression: Expression,
        states: States,
        predicted: Float[np.ndarray, "particles dim"],
        inertia: Float[np.ndarray, " particles"],
    ) -> None:
        """Add what one channel contributes to the slopes."""
        particle = np.arange(len(predicted))
        own = self.slots[self.objects.particles]
        at_receiver = derivative(expression, f"{self.name}_1")
        if channel == "inertia":
            slope = _on(at_receiver, states.nodes, len(predicted))
            by_slot[particle, :, own] -= predicted * (slope / inertia)[:, None]
            return
        axes = [(k, d) for k, d in enumerate(channel_directions(channel, states)) if d is not None]
        if is_one_body(channel):
            slope = _on(at_receiver, states.nodes, len(predicted)) / inertia
            for k, direction in axes:
                by_slot[particle, k, own] += direction * slope
            return
        row = states.gather.tocsc().indices  # each edge arrives at one particle
        for end, objects in ((at_receiver, self.objects.receivers), (None, self.objects.senders)):
            slopes = derivative(expression, f"{self.name}_2") if end is None else end
            slope = _on(slopes, states.edges, len(row)) / inertia[row]
            for k, direction in axes:
                np.add.at(by_slot[:, k], (row, self.slots[objects]), direction * slope)


def _on(expression: Expression | None, columns: dict | object, rows: int) -> Float[np.ndarray, " rows"]:
    """An expression on columns; 1 where there is none."""
    if expression is None:
        return np.ones(rows)
    return np.broadcast_to(np.asarray(evaluate(expression, columns), dtype=float), rows)  # type: ignore[arg-type]
