"""What training a message network minimises: prediction loss, penalty of messages, penalty of weights."""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, PRNGKeyArray

from limbeck.graphs import Snapshots
from limbeck.models import MessageConfig, MessageNetwork, PairIndex, Scales

from ._loss import relative_loss
from ._penalty import message_penalty, weight_penalty
from ._recipe import Recipe


class MessageObjective(eqx.Module):
    """Prediction loss plus penalties, of one member.

    With scaled features the absolute loss is in units of the mean acceleration, as the messages have no
    unit there, so that one penalty means the same for all data.

    Attributes:
        weight: Factor of the mean message penalty of an edge; one for each member.
        floor: Of the relative loss [length/time²].
        unit: Of the absolute loss [length/time²].
        loss: "absolute" or "relative".
        reduction: "node", "graph" or "component".
        weight_penalty: Factor of the penalty of the weights.
        weight_scale: "sum" or "mean".
    """

    weight: Float[Array, " seeds"] | Float[Array, ""]
    floor: Float[Array, ""]
    unit: float = eqx.field(static=True)
    loss: str = eqx.field(static=True)
    reduction: str = eqx.field(static=True)
    weight_penalty: float = eqx.field(static=True)
    weight_scale: str = eqx.field(static=True)

    @classmethod
    def prepare(
        cls, recipe: Recipe, scales: Scales, config: MessageConfig, weights: Float[np.ndarray, " seeds"], size: float
    ) -> "MessageObjective":
        """Take from a recipe what the loss depends on.

        Args:
            recipe: The recipe.
            scales: Typical sizes of the data.
            config: Form of the networks.
            weights: Factor of the mean penalty of an edge of each member.
            size: Typical acceleration.

        Returns:
            The objective of all members.
        """
        return cls(
            weight=jnp.asarray(weights, jnp.float32),
            floor=jnp.asarray(recipe.relative * size, jnp.float32),
            unit=scales.acceleration if config.features == "scaled" else 1.0,
            loss=recipe.loss,
            reduction=recipe.reduction,
            weight_penalty=recipe.weight_penalty,
            weight_scale=recipe.weight_scale,
        )

    def axes(self) -> Any:
        """Which arrays have an axis of members, for `jax.vmap`."""
        shared = jax.tree.map(lambda _: None, self)
        return eqx.tree_at(lambda o: o.weight, shared, 0, is_leaf=lambda leaf: leaf is None)

    def __call__(
        self, model: MessageNetwork, snapshots: Snapshots, pairs: PairIndex, key: PRNGKeyArray | None
    ) -> Float[Array, ""]:
        """The objective of a batch; the key samples messages of a KL network."""
        if model.size in ("l1", "kl"):
            statistics = model.edge_statistics(snapshots, pairs)
            predicted = model.predict(snapshots, statistics, pairs, key)
            total = self.prediction_loss(model, predicted, snapshots)
            total = total + self.weight * message_penalty(model, statistics, snapshots)
        else:
            total = self.prediction_loss(model, model(snapshots, pairs, key), snapshots)
        if self.reduction == "graph":
            total = total * snapshots.weights.shape[-1]
        if self.weight_penalty:
            total = total + self.weight_penalty * weight_penalty(model, self.weight_scale)
        return total

    def prediction_loss(
        self, model: MessageNetwork, predicted: Float[Array, "*batch nodes dim"], snapshots: Snapshots
    ) -> Float[Array, ""]:
        """Mean over the nodes that have a target (and over components, if the reduction says so)."""
        if self.loss == "relative":
            return relative_loss(predicted, snapshots, self.floor, model.scales.acceleration)
        errors = jnp.sum(jnp.abs(predicted - snapshots.targets), axis=-1) / self.unit
        if self.reduction == "component":
            errors = errors / predicted.shape[-1]
        return jnp.sum(snapshots.weights * errors) / jnp.maximum(jnp.sum(snapshots.weights), 1.0)
