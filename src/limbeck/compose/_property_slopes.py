"""Accelerations under a law as functions of its constants and of one or more properties of every object."""

from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from limbeck._types import Constants
from limbeck.expressions import Expression, derivative, evaluate

from ._law import Law, channel_directions, is_one_body
from ._states import Objects, States

ROUNDING = 1e-12  # share of what a slope is the difference of, below which it is none


@dataclass(frozen=True, kw_only=True, eq=False)
class PropertySlopes:
    """A law on some snapshots, with some of its attributes unknown.

    Attributes:
        law: The law.
        names: The attributes.
        states: The snapshots.
        objects: Which object stands where.
        slots: Place of each object in its group.
        n_slots: Largest number of objects of a group.
    """

    law: Law
    names: tuple[str, ...]
    states: States
    objects: Objects
    slots: Int[np.ndarray, " objects"]
    n_slots: int

    def with_values(self, values: Float[np.ndarray, "properties objects"]) -> States:
        """The snapshots with other values of the attributes.

        Args:
            values: One for each attribute and object.

        Returns:
            States that differ in the columns of the attributes only.
        """
        o, edges, nodes = self.objects, dict(self.states.edges), dict(self.states.nodes)
        for name, own in zip(self.names, values, strict=True):
            edges |= {f"{name}_1": own[o.receivers], f"{name}_2": own[o.senders]}
            nodes[f"{name}_1"] = own[o.particles]
        return replace(self.states, edges=edges, nodes=nodes)

    def __call__(
        self, constants: Constants, values: Float[np.ndarray, "properties objects"]
    ) -> tuple[
        Float[np.ndarray, "particles dim"],
        Float[np.ndarray, "particles dim constants"],
        Float[np.ndarray, "particles dim unknowns"],
    ]:
        """Accelerations with their slopes in the constants and in the attributes of each object of the group.

        Args:
            constants: One number for each free constant of the law.
            values: The attributes of each object.

        Returns:
            Accelerations and both slopes; the slots of the first attribute before those of the second.
        """
        states = self.with_values(values)
        law = self.law.with_constants(constants)
        with np.errstate(all="ignore"):
            predicted, by_constants = law.accelerations_and_slopes(constants, states)
            by_slot = np.zeros((*predicted.shape, len(self.names), self.n_slots))
            inertia = _on(law.components.get("inertia"), states.nodes, len(predicted))
            for k, name in enumerate(self.names):
                parts = np.zeros(predicted.shape)
                for channel, expression in law.components.items():
                    self._add(by_slot[:, :, k], parts, name, channel, expression, states, predicted, inertia)
                self._without_rounding(by_slot[:, :, k], parts)
        return predicted, by_constants, by_slot.reshape(*predicted.shape, -1)

    def by_scale(
        self, values: Float[np.ndarray, "properties objects"], group: Int[np.ndarray, " objects"]
    ) -> Float[np.ndarray, "particles dim properties"]:
        """Slopes of accelerations in the logarithm of the scale of each property, within a group.

        Args:
            values: The properties.
            group: Group of each object.

        Returns:
            The slopes.
        """
        predicted, _, by_slot = self(self.law.constants, values)
        parted = by_slot.reshape(*predicted.shape, len(values), self.n_slots)
        laid = np.zeros((int(group.max()) + 1, len(values), self.n_slots))
        laid[group, :, self.slots] = values.T
        return np.einsum("rdkp,rkp->rdk", parted, laid[group[self.objects.particles]], optimize=True)

    def _without_rounding(
        self, by_slot: Float[np.ndarray, "particles dim slots"], parts: Float[np.ndarray, "particles dim"]
    ) -> None:
        """A receiver's own property that cancels (its mass, in gravity) has no slope, where rounding leaves one."""
        particle, own = np.arange(len(by_slot)), self.slots[self.objects.particles]
        mine = by_slot[particle, :, own]
        by_slot[particle, :, own] = np.where(np.abs(mine) <= ROUNDING * parts, 0.0, mine)

    def _add(
        self,
        by_slot: Float[np.ndarray, "particles dim slots"],
        parts: Float[np.ndarray, "particles dim"],
        name: str,
        channel: str,
        expression: Expression,
        states: States,
        predicted: Float[np.ndarray, "particles dim"],
        inertia: Float[np.ndarray, " particles"],
    ) -> None:
        """Add what one channel contributes to the slopes in one attribute, and to the sizes of the receiver's own."""
        particle = np.arange(len(predicted))
        own = self.slots[self.objects.particles]
        at_receiver = derivative(expression, f"{name}_1")
        if channel == "inertia":
            slope = _on(at_receiver, states.nodes, len(predicted))
            by_slot[particle, :, own] -= predicted * (slope / inertia)[:, None]
            parts += np.abs(predicted * (slope / inertia)[:, None])
            return
        axes = [(k, d) for k, d in enumerate(channel_directions(channel, states)) if d is not None]
        if is_one_body(channel):
            slope = _on(at_receiver, states.nodes, len(predicted)) / inertia
            for k, direction in axes:
                by_slot[particle, k, own] += direction * slope
                parts[:, k] += np.abs(direction * slope)
            return
        row = states.gather.tocsc().indices  # each edge arrives at one particle
        for end, objects in ((at_receiver, self.objects.receivers), (None, self.objects.senders)):
            slopes = derivative(expression, f"{name}_2") if end is None else end
            slope = _on(slopes, states.edges, len(row)) / inertia[row]
            for k, direction in axes:
                np.add.at(by_slot[:, k], (row, self.slots[objects]), direction * slope)
                if end is not None:
                    np.add.at(parts[:, k], row, np.abs(direction * slope))


def _on(expression: Expression | None, columns: dict | object, rows: int) -> Float[np.ndarray, " rows"]:
    """An expression on columns; 1 where there is none."""
    if expression is None:
        return np.ones(rows)
    return np.broadcast_to(np.asarray(evaluate(expression, columns), dtype=float), rows)  # type: ignore[arg-type]
