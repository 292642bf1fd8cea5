"""What a report is made from: the result and the samples behind its pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from limbeck.compose import Behaviour, Rollout, Scored
from limbeck.regress import HallOfFame


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainingStage:
    """One network of the run.

    Attributes:
        bias: Biases it was trained with, as on the command line.
        steps_per_chunk: Steps between two validations.
        errors: Median relative error on validation after each chunk, by seed.
        losses: Mean training loss in each chunk, by seed.
        validation_error: Error of the network that was kept.
        status: How the training ended.
    """

    bias: tuple[str, ...]
    steps_per_chunk: int
    errors: Float[np.ndarray, "chunks seeds"]
    losses: Float[np.ndarray, "chunks seeds"]
    validation_error: float
    status: str


@dataclass(frozen=True, kw_only=True, eq=False)
class MessageSamples:
    """Messages of the network beside the force of the law.

    Attributes:
        distance: Distance of each pair [length].
        message: Radial message of the network, in the law's unit of force.
        law_force: Radial force of the law for the same pairs.
        true_force: The true radial force where it is known.
    """

    distance: Float[np.ndarray, " samples"]
    message: Float[np.ndarray, " samples"]
    law_force: Float[np.ndarray, " samples"]
    true_force: Float[np.ndarray, " samples"] | None


@dataclass(frozen=True, kw_only=True, eq=False)
class Report:
    """Everything that the page shows.

    Attributes:
        result: Content of `result.json`.
        training: Every network of the run, in order.
        halls: Hall of fame of each channel of the first search.
        front: Refitted laws whose loss is lower than that of every simpler one.
        messages: Messages beside forces, or None without a law.
        rollout: Rollout of law and network, or None without one.
        behaviour: What the rollout shows beside its errors, or None.
    """

    result: Mapping[str, Any]
    training: tuple[TrainingStage, ...]
    halls: Mapping[str, HallOfFame]
    front: tuple[Scored, ...]
    messages: MessageSamples | None
    rollout: Rollout | None
    behaviour: Behaviour | None = None
