"""The linear map from messages to forces, from the directions of pairs alone.

Where a law of pairs is a scalar along the line that joins them, its messages are `Y = f H u + b`: all that is known
is the unit vector u. Messages have more components than space has directions, sizes over orders of magnitude, and
errors where f is small; so they are first reduced to their leading directions, each counted by its direction rather
than its size, and those that fit badly lose their weight.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

ROUNDS = 6
FAINT = 1e-3  # of the largest singular value, below which messages say nothing of a direction


@dataclass(frozen=True, kw_only=True, eq=False)
class ForceMap:
    """Messages as forces.

    Attributes:
        to_force: Map from a message without its offset to a force, up to a factor of either sign.
        offset: What every message carries besides the force.
        along: Part of the forces, each counted by its direction, that lies along the pairs: 1 for messages that are a
            linear map of a central force, 1 over the dimension of space for messages that have nothing to do with it.
    """

    to_force: Float[np.ndarray, "message_dim dim"]
    offset: Float[np.ndarray, " message_dim"]
    along: float


def force_map(
    messages: Float[np.ndarray, "edges message_dim"], unit: Float[np.ndarray, "edges dim"], *, antisymmetric: bool
) -> ForceMap | None:
    """Find the linear map that turns messages into vectors along their pairs.

    Args:
        messages: Messages to the receiver of each edge.
        unit: Unit vectors from sender to receiver.
        antisymmetric: Whether messages change sign with the pair, so that they carry no offset.

    Returns:
        The map; None where messages span fewer directions than space has.
    """
    offset = np.zeros(messages.shape[1]) if antisymmetric else np.median(messages, axis=0)
    found = _mapped(messages - offset, unit)
    for _ in range(0 if antisymmetric else ROUNDS):
        if found is None:
            break
        offset = _offset(messages, unit, found[0])
        found = _mapped(messages - offset, unit)
    return None if found is None else ForceMap(to_force=found[0], offset=offset, along=found[1])


def plain_map(
    forces: Float[np.ndarray, "edges dim"], unit: Float[np.ndarray, "edges dim"], *, antisymmetric: bool
) -> ForceMap:
    """The map of messages that are forces in space already: nothing but an offset is free.

    Args:
        forces: Forces on the receiver of each edge.
        unit: Unit vectors from sender to receiver.
        antisymmetric: Whether forces change sign with the pair, so that they carry no offset.

    Returns:
        The identity, the offset, and how much of the forces is along the pairs.
    """
    identity = np.eye(unit.shape[1])
    offset = np.zeros(len(identity)) if antisymmetric else _offset(forces, unit, identity)
    return ForceMap(to_force=identity, offset=offset, along=_along(forces - offset, unit))


def _mapped(
    messages: Float[np.ndarray, "edges message_dim"], unit: Float[np.ndarray, "edges dim"]
) -> tuple[Float[np.ndarray, "message_dim dim"], float] | None:
    """The map for messages without offset, and how much of them it brings into line."""
    dim = unit.shape[1]
    if messages.shape[1] < dim:
        return None
    size = np.linalg.norm(messages, axis=1)
    typical = np.median(size)
    if not typical > 0:
        return None
    weights = 1.0 / (size + typical)
    _, spread, directions = np.linalg.svd(messages * weights[:, None], full_matrices=False)
    if spread[dim - 1] <= FAINT * spread[0]:
        return None
    # Reduced messages of one spread in each direction, so that errors of one size count alike in all of them.
    reduction = directions[:dim].T / spread[:dim] * np.sqrt(len(messages))
    reduced = messages @ reduction
    mixing = _mixing(reduced, unit)
    if np.linalg.cond(mixing) > 1.0 / FAINT:
        return None
    to_force = reduction @ np.linalg.inv(mixing).T
    return to_force, _along(messages @ to_force, unit)


def _mixing(
    reduced: Float[np.ndarray, "edges dim"], unit: Float[np.ndarray, "edges dim"]
) -> Float[np.ndarray, "dim dim"]:
    """The matrix W for which reduced messages are parallel to W u, by reweighted least squares."""
    dim = unit.shape[1]
    planes = [(i, j) for i in range(dim) for j in range(i + 1, dim)]
    size = np.linalg.norm(reduced, axis=1)
    weights = 1.0 / (size + 0.3 * np.median(size))
    mixing = np.eye(dim)
    if not planes:  # on a line every message is along its pair
        return mixing
    rows = np.zeros((len(planes), len(unit), dim, dim))
    for number, (i, j) in enumerate(planes):
        rows[number, :, j] = reduced[:, i, None] * unit
        rows[number, :, i] = -reduced[:, j, None] * unit
    rows = rows.reshape(len(planes), len(unit), -1)
    counted = weights
    for _ in range(ROUNDS):
        scaled = (rows * counted[None, :, None]).reshape(-1, dim * dim)
        mixing = np.linalg.eigh(scaled.T @ scaled)[1][:, 0].reshape(dim, dim)
        across = weights * np.sqrt(np.sum((rows @ mixing.ravel()) ** 2, axis=0))
        counted = weights / np.sqrt(1.0 + (across / (3.0 * np.median(across) + 1e-12)) ** 2)
    return mixing


def _along(forces: Float[np.ndarray, "edges dim"], unit: Float[np.ndarray, "edges dim"]) -> float:
    """Part of the squares of forces along their pairs, faint forces counted by their size and others by direction."""
    size = np.linalg.norm(forces, axis=1)
    weights = 1.0 / (size + np.median(size)) ** 2
    radial = np.sum(forces * unit, axis=1)
    return float(np.sum(weights * radial**2) / np.sum(weights * size**2))


def _offset(
    messages: Float[np.ndarray, "edges message_dim"],
    unit: Float[np.ndarray, "edges dim"],
    to_force: Float[np.ndarray, "message_dim dim"],
) -> Float[np.ndarray, " message_dim"]:
    """The offset that leaves the least across the pairs, in the directions that the map sees."""
    dim = unit.shape[1]
    forces = messages @ to_force
    across = np.eye(dim) - unit[:, :, None] * unit[:, None, :]
    size = np.linalg.norm(forces - np.median(forces, axis=0), axis=1)
    weights = 1.0 / (size + 0.3 * np.median(size)) ** 2
    best = np.linalg.lstsq(
        np.einsum("n,nij->ij", weights, across), np.einsum("n,nij,nj->i", weights, across, forces), rcond=None
    )[0]
    rest = np.median(messages, axis=0)
    return rest + np.linalg.pinv(to_force.T) @ (best - rest @ to_force)
