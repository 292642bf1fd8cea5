"""Evaluate the messages of a network on held-out snapshots: the one place where this analysis meets networks."""

from collections.abc import Callable
from typing import Any, NamedTuple, cast

import numpy as np
from jaxtyping import Array, Float, Int

from limbeck._errors import InputError
from limbeck._types import Samples, Table
from limbeck.graphs import GraphDataset, Snapshots
from limbeck.models import PairIndex
from limbeck.train import pair_index, to_device

from ._message_record import MessageRecord

AXES = "xyz"
MOST_ENTRIES = 20_000_000  # pairs times message components that are evaluated at once
MOST_KEPT = 10_000_000  # the same of a record: a reading of so many takes a quarter of a minute
BESIDE = 8  # numbers that a record keeps of an edge beside its message
LIKELY_DIM = 128  # components that a message is taken to have when slabs are cut

Columns = dict[str, Samples]
# Messages to the first and to the second of each pair, and the logarithms of their variances where there are any.
EdgeMessages = Callable[[Snapshots, PairIndex], tuple[Array | np.ndarray | None, ...]]


class _Edges(NamedTuple):
    """Which directed edges act, and who stands at their ends."""

    way: Int[np.ndarray, " edges"]
    sample: Int[np.ndarray, " edges"]
    pair: Int[np.ndarray, " edges"]
    receiver: Int[np.ndarray, " edges"]
    sender: Int[np.ndarray, " edges"]


def record_messages(
    source: Any,
    dataset: GraphDataset,
    *,
    true_force: Callable[[Columns], Samples | Table] | None = None,
    inertia: str | None = None,
    most_snapshots: int | None = None,
) -> MessageRecord:
    """Messages on every directed edge of the held-out snapshots, the extrapolation slice included.

    Args:
        source: A network with `edge_messages(snapshots, pairs)` (and `edge_statistics` where messages are
            distributions), one whose `edge_model` has `messages(geometry)`, a `TrainedModel` that holds either,
            or a function of snapshots and pairs. Messages are those to the first and to the second of each pair.
        dataset: Its data; only the test part is looked at.
        true_force: Force on the receiver as a function of the columns `r`, `dx`, ..., `dvx`, ..., and the attributes
            `_1` and `_2`: either the radial kernel, or one column for each axis. None where it is not known.
        inertia: Attribute that acts as inertia, or None where it is not known.
        most_snapshots: Snapshots that are read, spread evenly. None reads as many as memory and time allow: a
            million edges of a bottleneck, 90,000 of a message of 100 components.

    Returns:
        The record.

    Raises:
        InputError: If nothing was held out, no edge acts, or the attribute is not there.
    """
    if inertia is not None and inertia not in dataset.trajectories.attributes:
        there = ", ".join(dataset.trajectories.attributes) or "none"
        raise InputError(f"no attribute {inertia!r} to act as inertia; there are: {there}")
    held_out = np.concatenate([dataset.test, dataset.extrapolation])
    if len(held_out) == 0:
        raise InputError("no snapshot was held out, so there is nothing to read messages on")
    most = most_snapshots or max(1, MOST_KEPT // (_components(source) * 2 * len(dataset.pairs.first)))
    rows = held_out[:: max(1, -(-len(held_out) // most))]
    batch = dataset.batch(rows)
    edges = _acting_edges(batch, dataset)
    if len(edges.way) == 0:
        raise InputError("no pair interacts in any held-out snapshot, so there are no messages to read")
    messages, log_variances = _evaluated(source, dataset, batch, edges)
    columns, displacement = _columns(dataset, batch, edges)
    names = dataset.attribute_names
    return MessageRecord(
        messages=messages,
        forces=None if true_force is None else _true_forces(true_force, columns, displacement),
        displacements=displacement,
        distances=columns["r"],
        receivers=_table([columns[f"{name}_1"] for name in names], len(displacement)),
        senders=_table([columns[f"{name}_2"] for name in names], len(displacement)),
        attribute_names=names,
        receiver_velocities=batch.velocities[edges.sample, edges.receiver],
        inertia=None if inertia is None else _inertia(dataset, inertia, rows[edges.sample, 0], edges.receiver),
        log_variances=log_variances,
        groups=_groups(rows, edges.sample),
        coverage=len(rows) / len(held_out),
    )


def _acting_edges(batch: Snapshots, dataset: GraphDataset) -> _Edges:
    """Every edge that acts, first those to the first of each pair, then those to the second; none within one place."""
    apart = np.any(batch.positions[:, dataset.pairs.first] != batch.positions[:, dataset.pairs.second], axis=-1)
    way, sample, pair = np.nonzero((np.stack([batch.forward, batch.backward]) > 0) & apart)
    ends = np.stack([dataset.pairs.first, dataset.pairs.second])
    return _Edges(way, sample, pair, ends[way, pair], ends[1 - way, pair])


def _evaluated(
    source: Any, dataset: GraphDataset, batch: Snapshots, edges: _Edges
) -> tuple[Table, Float[np.ndarray, "edges message_dim"] | None]:
    """Messages and, where they are distributions, the logarithms of their variances, a slab at a time."""
    speak, centred = _speaker(source)
    pairs = pair_index(dataset)  # 32-bit, as in training: elsewhere 64-bit numbers may be in force
    slab = max(1, MOST_ENTRIES // (LIKELY_DIM * len(pairs.first)))
    found: list[list[np.ndarray]] = [[], []]
    order = []
    for start in range(0, len(batch.positions), slab):
        part = Snapshots(*(array[start : start + slab] for array in batch))
        said = tuple(speak(to_device(part, centred=centred), pairs))
        mine = np.flatnonzero((edges.sample >= start) & (edges.sample < start + slab))
        place = (edges.way[mine], edges.sample[mine] - start, edges.pair[mine])
        order.append(mine)
        for kept, ways in zip(found, (said[:2], said[2:]), strict=True):
            if ways and all(way is not None for way in ways):
                kept.append(np.stack([np.asarray(way, dtype=float) for way in ways])[place])
    back = np.argsort(np.concatenate(order))
    messages, log_variances = (np.concatenate(kept)[back] if kept else None for kept in found)
    if messages is None:
        raise InputError("the network gave no messages")
    return messages, log_variances


def _components(source: Any) -> int:
    """Numbers that a record keeps of an edge: the message, and where and when it was."""
    return BESIDE + int(getattr(getattr(source, "model", source), "message_dim", len(AXES)))


def _speaker(source: Any) -> tuple[EdgeMessages, bool]:
    """The function that gives messages (and log variances), and whether the origin may be moved."""
    model = getattr(source, "model", source)
    speak: EdgeMessages | None = getattr(model, "edge_statistics", None) or getattr(model, "edge_messages", None)
    edge_model = getattr(model, "edge_model", None)
    if speak is None and edge_model is not None:
        speak = lambda snapshots, pairs: edge_model.messages(model.pair_geometry(snapshots, pairs))  # noqa: E731
    if speak is not None:
        return speak, _sees_no_origin(model)
    if callable(model):
        return cast(EdgeMessages, model), False
    raise InputError(f"expected a network that gives messages, or a function; got {type(source).__name__}")


def _sees_no_origin(model: Any) -> bool:
    """Whether the network's messages stay as they are when all positions are shifted."""
    return bool(getattr(model, "origin_free", getattr(getattr(model, "biases", None), "origin_free", False)))


def _columns(dataset: GraphDataset, batch: Snapshots, edges: _Edges) -> tuple[Columns, Float[np.ndarray, "edges dim"]]:
    """Columns of the edges under the names of equations, and receiver minus sender."""
    sample, receiver, sender = edges.sample, edges.receiver, edges.sender
    displacement, relative = (a[sample, receiver] - a[sample, sender] for a in (batch.positions, batch.velocities))
    columns = {"r": np.linalg.norm(displacement, axis=-1)}
    for k, axis in enumerate(AXES[: displacement.shape[1]]):
        columns |= {f"d{axis}": displacement[:, k], f"dv{axis}": relative[:, k]}
    for k, name in enumerate(dataset.attribute_names):
        columns |= {
            f"{name}_1": batch.attributes[sample, receiver, k],
            f"{name}_2": batch.attributes[sample, sender, k],
        }
    return columns, displacement


def _true_forces(
    true_force: Callable[[Columns], Samples | Table], columns: Columns, displacement: Table
) -> Float[np.ndarray, "edges dim"]:
    """Force vectors from a radial kernel or from its components."""
    force = np.asarray(true_force(columns), dtype=float)
    if force.ndim == 2:
        return force
    distance = columns["r"][:, None]
    return force[..., None] * np.divide(displacement, distance, out=np.zeros_like(displacement), where=distance > 0)


def _table(columns: list[Samples], n_edges: int) -> Table:
    """Columns side by side, possibly none."""
    return np.column_stack(columns) if columns else np.zeros((n_edges, 0))


def _inertia(
    dataset: GraphDataset, name: str, system: Int[np.ndarray, " edges"], receiver: Int[np.ndarray, " edges"]
) -> Samples:
    """Inertia of each receiver, also where it has one value throughout."""
    return dataset.trajectories.attributes[name][system, receiver].astype(float)


def _groups(rows: Int[np.ndarray, "samples 2"], sample: Int[np.ndarray, " edges"]) -> Int[np.ndarray, " edges"]:
    """The simulation of each edge, or its snapshot where there is one simulation only."""
    return rows[sample, 0] if len(np.unique(rows[:, 0])) > 1 else sample.astype(rows.dtype)
