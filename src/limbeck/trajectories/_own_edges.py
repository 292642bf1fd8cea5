"""Who acts on whom in a file that limbeck wrote, also where its particles or simulations stand in another order since.

Edges are stored as numbers of places, and beside them the number that each place had when they were written, which
moves with the place. Files without such numbers are taken to be in the order in which they were written.
"""

import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck._errors import InputError

from ._netcdf import Fields
from ._trajectories import Edges
from ._variables import DIMS, EDGES, PLACES, is_ours, numbers, ordered

Column = Float[np.ndarray, " edges"]
Packing = Int[np.ndarray, "systems nodes"]


def has_own_edges(fields: Fields) -> bool:
    """Say whether limbeck wrote who acts on whom."""
    return is_ours(fields) and any(name in fields.variables for name in EDGES)


def own_edges(fields: Fields, n_systems: int, n_nodes: int) -> tuple[Edges | None, tuple[str, ...]]:
    """Take the edges that limbeck wrote, and say how many joined what is no longer there."""
    if not has_own_edges(fields):
        return None, ()
    missing = [name for name in EDGES if name not in fields.variables]
    if missing:
        raise InputError(
            f"{fields.where}: variable {missing[0]!r} is missing; edges need {', '.join(EDGES)}: write the file "
            f"again, or use --ignore {','.join(name for name in EDGES if name not in missing)}"
        )
    system, senders, receivers = (
        numbers(fields.where, name, ordered(fields.where, name, fields.variable(name), ("edge",))) for name in EDGES
    )
    particles = _written(fields, PLACES[1], DIMS[2], n_nodes)
    found = [
        _now_at(fields, EDGES[0], system, _written(fields, PLACES[0], DIMS[0], n_systems), -1),
        _now_at(fields, EDGES[1], senders, particles, 0),
        _now_at(fields, EDGES[2], receivers, particles, 0),
    ]
    there = np.logical_and.reduce([known for _, known in found])
    kept = [place[there] for place, _ in found]
    edges = Edges(system=kept[0], senders=kept[1], receivers=kept[2])
    lost = f"{(~there).sum()} of {len(there)} edges were left out: what they join is no longer in the source."
    return edges, () if there.all() else (lost,)


def packed_edges(edges: Edges, pack: Packing, there: Bool[np.ndarray, "systems nodes"]) -> Edges:
    """Renumber edges after padding moved behind the particles that are there.

    Args:
        edges: Edges between the former places.
        pack: Former place of each present one.
        there: Whether there is a particle, by former places.

    Returns:
        The same edges; one of all simulations is written out where its particles moved to different places.
    """
    system, senders, receivers = edges.system, edges.senders, edges.receivers
    place = np.argsort(pack, axis=1)
    shared = system < 0
    if shared.any() and (place != place[0]).any():
        count, own = len(pack), ~shared
        system = np.concatenate([system[own], np.repeat(np.arange(count), shared.sum())])
        senders = np.concatenate([senders[own], np.tile(senders[shared], count)])
        receivers = np.concatenate([receivers[own], np.tile(receivers[shared], count)])
        kept = there[system, senders] & there[system, receivers]
        system, senders, receivers = system[kept], senders[kept], receivers[kept]
    row = np.maximum(system, 0)
    return Edges(system=system, senders=place[row, senders], receivers=place[row, receivers])


def _written(fields: Fields, name: str, dim: str, count: int) -> Float[np.ndarray, " places"]:
    """The number that each place had when the edges were written."""
    if name not in fields.variables:
        return np.arange(count, dtype=float)
    found = numbers(fields.where, name, ordered(fields.where, name, fields.variable(name), (dim,)))
    if len(np.unique(found)) < len(found):
        raise InputError(
            f"{fields.where}: variable {name!r} has a number twice, so that edges do not say which {dim} they mean: "
            f"join the sources without edges, by --ignore {','.join(EDGES)}, and give a file with --edges"
        )
    return found


def _now_at(
    fields: Fields, name: str, values: Column, written: Float[np.ndarray, " places"], lowest: int
) -> tuple[Int[np.ndarray, " edges"], Bool[np.ndarray, " edges"]]:
    """Where each number stands now, and whether it does; -1 is every simulation."""
    order = np.argsort(written)
    at = order[np.minimum(np.searchsorted(written[order], values), len(written) - 1)]
    every = (values == -1) & (lowest == -1)
    there = every | (written[at] == values)
    moved = PLACES[0 if name == EDGES[0] else 1] in fields.variables
    wrong = (values != np.floor(values)) | (values < lowest) if moved else ~there
    if wrong.any():
        last = "" if moved else f" to {len(written) - 1}"
        raise InputError(
            f"{fields.where}: variable {name!r} names what isn't there; expected whole numbers from {lowest}{last}: "
            "write the file again"
        )
    return np.where(every, -1, at), there
