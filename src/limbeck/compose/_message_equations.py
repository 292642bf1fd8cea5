"""Equations in a published network: components of its messages, and what its node model makes of their sums."""

from functools import partial

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from limbeck.graphs import Snapshots
from limbeck.models import EdgeStatistics, MessageNetwork, PairIndex

from ._equation_part import (
    AbstractEquations,
    Columns,
    End,
    Names,
    Place,
    components_of,
    fields_of,
    node_columns,
    node_variables,
    pair_columns,
    pair_variables,
)
from ._formula import Formula
from ._states import AXES

MESSAGE, ACCELERATION = "message_", "acceleration_"  # channels; a number of a component, an axis follows
SUMMED = "M"  # variable of the node's equations; the number of a component follows, never after a `_`


class EquationMessageNetwork(MessageNetwork, AbstractEquations):
    """A message network of which components of the message, or of the acceleration, are equations.

    To whoever takes a `MessageNetwork` it is one. Component k of the message is the channel `message_k`, numbered
    as in `messages.json`; its sum at the receiver is the variable `Mk` of the node's equations. A message to the
    second of a pair is the equation with the second as receiver: the third law holds as far as the equation says so.

    Attributes:
        formulas: Equation of each channel that has one.
        names: Names of the attributes.
    """

    formulas: dict[str, Formula]
    names: Names = eqx.field(static=True)

    def learned(self) -> MessageNetwork:
        """The network as it was learned."""
        return MessageNetwork(**fields_of(self, MessageNetwork))

    @property
    def _sums_hidden(self) -> bool:
        """Whether messages may be summed before they are made; not those that are equations."""
        return not any(name.startswith(MESSAGE) for name in self.formulas) and super()._sums_hidden

    def edge_statistics(self, snapshots: Snapshots, pairs: PairIndex) -> EdgeStatistics:
        """Messages, by equation or as learned; variances of a KL network stay as they are."""
        mine = {k: f for k in range(self.message_dim) if (f := self.formulas.get(f"{MESSAGE}{k}")) is not None}
        if len(mine) == self.message_dim and self.size != "kl":
            ways = self._pair_columns(snapshots, pairs)
            shape = ways[0]["r"].shape
            return EdgeStatistics(*(jnp.stack([mine[k](way, shape) for k in mine], axis=-1) for way in ways))
        said = super().edge_statistics(snapshots, pairs)
        if not mine:
            return said
        messages = [said.forward, said.backward]
        for way, columns in enumerate(self._pair_columns(snapshots, pairs)):
            for k, formula in mine.items():
                messages[way] = messages[way].at[..., k].set(formula(columns, columns["r"].shape))
        return said._replace(forward=messages[0], backward=messages[1])

    def node_prediction(
        self, snapshots: Snapshots, summed: Float[Array, "*batch nodes message_dim"]
    ) -> Float[Array, "*batch nodes dim"]:
        """Accelerations from aggregated messages, by equation or as learned."""
        node = End(snapshots.positions, snapshots.velocities, snapshots.attributes)
        columns = node_columns(self.names, node, self.scales.position, self.scales.speed)
        columns |= {f"{SUMMED}{k}": summed[..., k] for k in range(self.message_dim)}
        learned = partial(super().node_prediction, snapshots, summed)
        return components_of(ACCELERATION, self.formulas, columns, snapshots.positions, learned)

    def _pair_columns(self, snapshots: Snapshots, pairs: PairIndex) -> tuple[Columns, Columns]:
        """What equations of messages see, to the first and to the second of each pair."""
        acts = (snapshots.forward + snapshots.backward)[..., None] > 0
        first, second = (
            End(*(a[..., at, :] for a in (snapshots.positions, snapshots.velocities, snapshots.attributes)))
            for at in (pairs.first, pairs.second)
        )
        # A message that weighs nothing must still be finite, wherever its ends are.
        first = first._replace(positions=jnp.where(acts, first.positions, second.positions + self.scales.length))
        length = self.scales.length
        return pair_columns(self.names, first, second, length), pair_columns(self.names, second, first, length)


def message_places(network: MessageNetwork, names: Names) -> list[Place]:
    """What equations may replace in a message network.

    Args:
        network: A network without equations.
        names: Names of its attributes.

    Returns:
        Every component of the message that was not pruned, and every component of the acceleration.
    """
    dim, absolute = network.node_model.biases[-1].shape[-1], not network.translation
    edge = pair_variables(names, dim, absolute=absolute)
    kept = np.flatnonzero(np.asarray(network.mask) != 0)
    node = node_variables(names, dim, absolute=absolute) | {f"{SUMMED}{k}" for k in kept}
    known = {f"{MESSAGE}{k}": edge for k in kept} | {f"{ACCELERATION}{axis}": node for axis in AXES[:dim]}

    def put(formulas: dict[str, Formula], names: Names) -> EquationMessageNetwork:
        return EquationMessageNetwork(**fields_of(network, MessageNetwork), formulas=formulas, names=names)

    return [Place("", known, put)]
