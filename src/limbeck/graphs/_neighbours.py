"""Who is near enough to act: edges by radius or by nearest neighbours.

Takes positions, gives directed edges in receiver-major order, from a k-d tree: memory and time
grow with the number of edges, never with the square of the number of nodes. In a periodic box
a pair is joined through its nearest image.
"""

import numpy as np
from jaxtyping import Float, Int, Num
from scipy.spatial import KDTree

from limbeck._errors import InputError

_Edges = tuple[Int[np.ndarray, " edges"], Int[np.ndarray, " edges"]]


def radius_edges(
    positions: Num[np.ndarray, "nodes dim"], radius: float, *, box: float | tuple[float, ...] | None = None
) -> _Edges:
    """Directed edges between all nodes nearer than a radius, both directions of each pair.

    Args:
        positions: Where the nodes are [length].
        radius: Distance from which on nothing acts, as in `connect` [length], > 0.
        box: Side of a periodic box, or one side for each direction, more than twice the radius
            [length]; None for open space.

    Returns:
        Senders and receivers, ordered by receiver, then by sender. A node with nobody near has no edge.

    Raises:
        InputError: If a position, the radius or the box is none, or the box is too small for one image.
    """
    sides = _checked(positions, box)
    if not (np.isfinite(radius) and radius > 0):
        raise InputError(f"the radius of a graph must be a positive number; got {radius}")
    if sides is not None and not 2 * radius < sides.min():
        raise InputError(f"the radius must be less than half the box, {sides.min() / 2:g}; got {radius:g}")
    n_nodes = len(positions)
    # The tree takes pairs up to and including a distance; a pair at the radius itself does not act.
    below = float(np.nextafter(radius, 0.0))
    pairs = _tree(positions, sides).query_pairs(below, output_type="ndarray")
    codes = np.concatenate([pairs[:, 0] * n_nodes + pairs[:, 1], pairs[:, 1] * n_nodes + pairs[:, 0]])
    del pairs
    codes.sort()
    receivers, senders = np.divmod(codes, n_nodes)
    return senders.astype(np.int32), receivers.astype(np.int32)


def nearest_edges(
    positions: Num[np.ndarray, "nodes dim"], k: int, *, box: float | tuple[float, ...] | None = None
) -> _Edges:
    """Directed edges from the k nearest other nodes to each node.

    That a node is among the nearest of another does not make the other one of its own.

    Args:
        positions: Where the nodes are [length].
        k: Senders of each node, 1 or more and fewer than there are nodes.
        box: Side of a periodic box, or one side for each direction [length]; None for open space.

    Returns:
        Senders and receivers, ordered by receiver, then from the nearest sender to the farthest.

    Raises:
        InputError: If a position or the box is none, or there are not k other nodes.
    """
    sides = _checked(positions, box)
    n_nodes = len(positions)
    if not 1 <= k < n_nodes:
        raise InputError(f"k nearest neighbours of {n_nodes} nodes need 1 <= k < {n_nodes}; got {k}")
    tree = _tree(positions, sides)
    found = np.asarray(tree.query(tree.data, k=k + 1)[1])
    own = found == np.arange(n_nodes)[:, None]
    own[~own.any(axis=1), -1] = True  # among many nodes in one place a node may miss itself
    receivers = np.repeat(np.arange(n_nodes, dtype=np.int32), k)
    return found[~own].astype(np.int32), receivers


def edge_displacements(
    positions: Num[np.ndarray, "nodes dim"],
    senders: Int[np.ndarray, " edges"],
    receivers: Int[np.ndarray, " edges"],
    *,
    box: float | tuple[float, ...] | None = None,
) -> Float[np.ndarray, "edges dim"]:
    """Displacement along each edge, receiver minus sender.

    Args:
        positions: Where the nodes are [length].
        senders: Node that each edge starts from.
        receivers: Node that it leads to.
        box: Side of a periodic box, or one side for each direction [length]; None for open space.

    Returns:
        The displacement [length]; in a box from the nearest image of the sender.

    Raises:
        InputError: If a position or the box is none.
    """
    sides = _checked(positions, box)
    whole = np.issubdtype(positions.dtype, np.integer)  # those without a sign can't even be subtracted
    positions = positions.astype(float) if whole else positions
    displacement = positions[receivers] - positions[senders]
    if sides is not None:
        displacement -= sides * np.round(displacement / sides)
    return displacement


def _checked(
    positions: Num[np.ndarray, "nodes dim"], box: float | tuple[float, ...] | None
) -> Float[np.ndarray, " dim"] | None:
    """The sides of the box as an array, after a look at the input."""
    if positions.ndim != 2 or 0 in positions.shape:
        raise InputError(f"positions: expected shape (nodes, dim), got {positions.shape}")
    if not np.isfinite(positions).all():
        raise InputError("positions: some are infinite or undefined")
    if box is None:
        return None
    sides = np.asarray(box, dtype=float)
    dim = positions.shape[1]
    if sides.shape not in ((), (dim,)) or not (np.isfinite(sides).all() and (sides > 0).all()):
        raise InputError(f"a box needs one positive side, or {dim}; got {box}")
    return np.broadcast_to(sides, (dim,))


def _tree(positions: Num[np.ndarray, "nodes dim"], sides: Float[np.ndarray, " dim"] | None) -> KDTree:
    """A tree of the positions, folded into the box."""
    if sides is None:
        return KDTree(positions)
    folded = np.mod(positions, sides)
    folded = np.where(folded < sides, folded, 0.0)  # just below zero, the remainder rounds to the side itself
    return KDTree(folded, boxsize=sides)
