"""Fits of messages to what they may stand for, and of what they may stand for to them.

The targets, simplest first: the force on the receiver, the acceleration that it causes, and the force after
any matrix and offset that depend on the receiver. Every fit gives R² on all edges and on the best nine
tenths; the targets are compared on simulations that the fit has not seen.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from limbeck._types import Samples, Table

from ._freedom import cross_predicted, free_columns, receiver_basis, trimmed
from ._linear_fit import (
    CONSTANT,
    Scores,
    determinations,
    mean_score,
    plain_fit,
    ridge,
    solve,
    trimmed_determinations,
    trimmed_fit,
)
from ._message_record import MessageRecord

FORCE, ACCELERATION, FREE = "force", "acceleration", "free"
TARGETS = (FORCE, ACCELERATION, FREE)
MEANINGS = {
    FORCE: "a linear map of the force on the receiver",
    ACCELERATION: "a linear map of the force over the receiver's inertia",
    FREE: "the force after a matrix and an offset that depend on the receiver",
}
ROWS_A_COLUMN = 10  # a flexible fit to fewer rows for each column says nothing


@dataclass(frozen=True, kw_only=True, eq=False)
class TargetFit:
    """How well the message components are linear in one target.

    Attributes:
        target: "force", "acceleration" or "free".
        r2: Of each component on all edges. Of the free target, on simulations that the fit has not seen.
        r2_trimmed: The same on the best nine tenths of the edges, which the fit saw alone too.
        r2_unseen: Of each component on all edges, each predicted by a fit to other simulations.
        r2_beyond: Of the free target, share that the force explains of what an offset of the receiver alone leaves,
            on simulations that neither fit has seen; empty for the others. Messages that say nothing but who
            receives them are no forces, however well an offset describes them.
        n_columns: Coefficients of the fit for each component, the constant included.
        refusal: Why the fit was not made, or empty; without it all R² are empty.
    """

    target: str
    r2: Scores
    r2_trimmed: Scores
    r2_unseen: Scores
    r2_beyond: Scores
    n_columns: int
    refusal: str

    @property
    def score(self) -> float | None:
        """Mean over components of R² on all edges."""
        return mean_score(self.r2)

    @property
    def score_trimmed(self) -> float | None:
        """Mean over components of R² on the best nine tenths of the edges."""
        return mean_score(self.r2_trimmed)

    @property
    def score_unseen(self) -> float | None:
        """Mean over components of R² on simulations that the fit has not seen; what targets are compared by."""
        return mean_score(self.r2_unseen)

    @property
    def score_beyond(self) -> float | None:
        """Mean over components of what the force adds to an offset of the receiver."""
        return mean_score(self.r2_beyond)


@dataclass(frozen=True, kw_only=True, eq=False)
class InverseFit:
    """How well a target is linear in all message components together.

    Attributes:
        target: "force" or "acceleration".
        r2: Of each axis of space, on all edges.
        r2_trimmed: On the best nine tenths of the edges, which the fit saw alone too.
        r2_unseen: On all edges, each predicted by a fit to other simulations; empty with one group of edges.
    """

    target: str
    r2: Scores
    r2_trimmed: Scores
    r2_unseen: Scores


def target_fit(
    record: MessageRecord, messages: Float[np.ndarray, "edges components"], target: str, *, velocities: bool
) -> TargetFit:
    """Fit message components to one target.

    Args:
        record: The edges.
        messages: The components to fit.
        target: "force", "acceleration" or "free".
        velocities: Whether the matrix and the offset of the free target may depend on the receiver's velocity.

    Returns:
        The fit, or why it was not made.
    """
    refusal = _refusal(record, target)
    if refusal:
        return no_fit(target, refusal)
    if target == FREE:
        return _free_fit(record, messages, velocities=velocities)
    columns = target_vectors(record, target)
    plain, best = plain_fit(columns, messages), trimmed_fit(columns, messages)
    unseen = plain.r2
    if n_groups(record) > 1:
        unseen = determinations(messages, cross_predicted(columns, messages, record.groups, solve))
    return TargetFit(
        target=target,
        r2=plain.r2,
        r2_trimmed=best.r2,
        r2_unseen=unseen,
        r2_beyond=(),
        n_columns=columns.shape[1] + 1,
        refusal="",
    )


def inverse_fit(record: MessageRecord, target: str) -> InverseFit:
    """Fit a target to all message components.

    Args:
        record: The edges, with true forces (and inertia).
        target: "force" or "acceleration".

    Returns:
        R² of each axis of space.
    """
    vectors, messages = target_vectors(record, target), record.messages
    unseen: Scores = ()
    if n_groups(record) > 1:
        unseen = determinations(vectors, cross_predicted(messages, vectors, record.groups, ridge))
    return InverseFit(
        target=target,
        r2=plain_fit(messages, vectors).r2,
        r2_trimmed=trimmed_fit(messages, vectors, ridge).r2,
        r2_unseen=unseen,
    )


def target_vectors(record: MessageRecord, target: str) -> Table:
    """The vectors that a target stands for.

    Args:
        record: The edges, with true forces (and inertia).
        target: "acceleration", or anything else for the force.

    Returns:
        One row for each edge.
    """
    forces, inertia = record.forces, record.inertia
    if forces is None:
        return np.zeros((record.n_edges, record.dim))
    return forces / inertia[:, None] if target == ACCELERATION and inertia is not None else forces


def n_groups(record: MessageRecord) -> int:
    """How many groups of edges can be held out in turn.

    Args:
        record: The edges.

    Returns:
        The number of different groups.
    """
    return len(np.unique(record.groups))


def _refusal(record: MessageRecord, target: str) -> str:
    """Why a target can't be fitted, or nothing."""
    if record.forces is None:
        return "the true force is not known"
    if target == ACCELERATION and record.inertia is None:
        return "the inertia of the receivers is not known"
    if target == FREE and n_groups(record) < 2:
        return "there is one group of edges only, so a flexible fit can't be scored on edges that it has not seen"
    return ""


def no_fit(target: str, refusal: str) -> TargetFit:
    """A fit that was not made.

    Args:
        target: "force", "acceleration" or "free".
        refusal: Why.

    Returns:
        A record without R².
    """
    empty = {"r2": (), "r2_trimmed": (), "r2_unseen": (), "r2_beyond": ()}
    return TargetFit(target=target, **empty, n_columns=0, refusal=refusal)


def _free_fit(record: MessageRecord, messages: Float[np.ndarray, "edges components"], *, velocities: bool) -> TargetFit:
    """The flexible fit, which is never scored on what it has seen."""
    basis = receiver_basis(record, velocities=velocities)
    columns = free_columns(record, target_vectors(record, FORCE), basis)
    if record.n_edges < ROWS_A_COLUMN * columns.shape[1]:
        needed = f"{ROWS_A_COLUMN * columns.shape[1]} edges for {columns.shape[1]} columns"
        return no_fit(FREE, f"a flexible fit needs {needed}; there are {record.n_edges}")
    predicted = cross_predicted(columns, messages, record.groups, ridge)
    offset = cross_predicted(basis[:, 1:], messages, record.groups, ridge)
    unseen = determinations(messages, predicted)
    best = cross_predicted(columns, messages, record.groups, trimmed(ridge))
    return TargetFit(
        target=FREE,
        r2=unseen,
        r2_trimmed=trimmed_determinations(messages, best),
        r2_unseen=unseen,
        r2_beyond=tuple(map(_beyond, messages.T, offset.T, predicted.T)),
        n_columns=columns.shape[1] + 1,
        refusal="",
    )


def _beyond(values: Samples, offset: Samples, predicted: Samples) -> float | None:
    """Share of what the offset leaves that the whole fit explains; None where the offset leaves nothing."""
    left = float(np.sum((values - offset) ** 2))
    spread = float(np.sum((values - values.mean()) ** 2))
    return 1.0 - float(np.sum((values - predicted) ** 2)) / left if left > CONSTANT * spread else None
