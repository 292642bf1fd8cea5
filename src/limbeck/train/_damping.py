"""Forces along velocities, beside a force whose couplings are learned."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ._pair_rows import PairRows


@dataclass(frozen=True, kw_only=True)
class Damping:
    """Forces along velocities.

    Attributes:
        friction: Force between two objects of coupling 1 over their relative velocity.
        drag: One-body force over the velocity; where it grows with the inertia, per inertia.
        grows: Whether the drag grows with the inertia, so that it is an acceleration.
    """

    friction: float
    drag: float
    grows: bool


def drag_of_each(
    rows: PairRows, speeds: Float[np.ndarray, "rows nodes dim"], unexplained: Float[np.ndarray, "rows nodes dim"]
) -> Float[np.ndarray, "rows nodes"]:
    """A factor of the velocity for every object: how it goes with the inertia is asked afterwards.

    Args:
        rows: The snapshots.
        speeds: Weighted velocities.
        unexplained: What the pairs leave of the weighted accelerations.

    Returns:
        The factor of the object that each particle is.
    """
    where = (np.broadcast_to(rows.groups[:, None], rows.slots.shape), rows.slots)
    above, below = np.zeros((2, rows.n_groups, rows.n_slots))
    np.add.at(above, where, np.sum(speeds * unexplained, axis=-1))
    np.add.at(below, where, np.sum(speeds**2, axis=-1))
    return (above / np.maximum(below, np.finfo(float).tiny))[where]


def damping_of(
    rows: PairRows,
    inertia: Float[np.ndarray, "rows nodes"],
    unexplained: Float[np.ndarray, "rows nodes dim"],
    friction: float,
) -> Damping:
    """One drag for all: a force, or a force that grows with the inertia, whichever explains more.

    Args:
        rows: The snapshots.
        inertia: Inertia of each particle.
        unexplained: What the pairs leave of the weighted accelerations.
        friction: Force of a pair over its relative velocity.

    Returns:
        Drag and friction.
    """
    speeds = rows.velocities * rows.weights[..., None]
    with np.errstate(divide="ignore", invalid="ignore"):
        slowed = np.nan_to_num(speeds / inertia[..., None], posinf=0.0, neginf=0.0)
    fits = []
    for column, grows in ((slowed, False), (speeds, True)):
        drag = float(np.sum(column * unexplained) / max(float(np.sum(column**2)), np.finfo(float).tiny))
        fits.append((float(np.sum((unexplained - drag * column) ** 2)), drag, grows))
    _, drag, grows = min(fits)
    return Damping(friction=friction, drag=drag, grows=grows)
