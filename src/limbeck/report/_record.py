"""What a report is made from: the result and the samples behind its pictures."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from limbeck._errors import InputError
from limbeck.compose import Behaviour, Law, Rollout, Scored
from limbeck.expressions import parse, same_form
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


def selected_index(report: Report) -> int | None:
    """Which law of the front has the form of the run's law, if one has: its numbers were refitted since.

    Args:
        report: Everything the page shows.

    Returns:
        Index in `report.front`, or None.
    """
    try:
        law = {name: parse(text) for name, text in (report.result.get("law") or {}).items()}
    except InputError:  # a record that something else wrote
        return None

    def is_it(other: Law) -> bool:
        parts = other.components
        return parts.keys() == law.keys() and all(same_form(parts[name], law[name]) for name in law)

    return next((k for k, scored in enumerate(report.front) if is_it(scored.law)), None)
