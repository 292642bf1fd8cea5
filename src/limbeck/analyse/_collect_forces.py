"""Record what a published network says as forces, inertia and one-body terms, on held-out data.

The edge model gives a force on each edge, once its linear map is known; the node model, asked again with the
force and with the velocity reversed, tells what it divides by and what it adds. These are the channels that
networks with biases of form have by construction, so that everything after this is one way for both.
"""

from collections.abc import Iterator
from typing import cast

import numpy as np
from jaxtyping import Float

from limbeck.graphs import GraphDataset, Snapshots
from limbeck.models import ForceNetwork
from limbeck.train import TrainedModel, median_error

from ._draw_edges import draw_nodes
from ._message_table import Drawn, MessageTable, message_table
from ._read_forces import (
    EdgeForces,
    NodeResponse,
    across_pairs,
    directions,
    edge_forces,
    friction_coefficient,
    node_response,
    some_snapshots,
)

AXES = "xyz"
DISTINCT = 0.5  # part of what forces have across their pairs that friction must explain to be a channel
VISIBLE = 1e-3  # part of the squares of forces across their pairs below which there is nothing to explain


def collect_forces(trained: TrainedModel, dataset: GraphDataset, *, n_samples: int = 2_000, seed: int) -> MessageTable:
    """Sample forces, inertia and one-body terms of a `ForceNetwork` on validation snapshots.

    Args:
        trained: The network.
        dataset: Its data; training snapshots are not looked at.
        n_samples: Samples for each channel.
        seed: Decides which samples are drawn.

    Returns:
        The channels that matter and the names of those that do not.
    """
    network = cast(ForceNetwork, trained.model)
    generator = np.random.default_rng(seed)
    batch = some_snapshots(dataset, generator, max(50, n_samples))
    edges = edge_forces(network, trained.pairs, dataset.pairs, batch, generator, n_samples)
    drawn = list(_pair_channels(dataset.attribute_names, batch, edges))
    importance = {name: float("inf") for name, *_ in drawn}
    response = node_response(network, trained.pairs, batch)
    for channel, without in _node_channels(dataset.attribute_names, batch, response, generator, n_samples):
        drawn.append(channel)
        importance[channel[0]] = float("inf") if without is None else _share(trained, batch, without)
    return message_table(drawn, importance)


def _pair_channels(names: tuple[str, ...], batch: Snapshots, edges: EdgeForces) -> Iterator[Drawn]:
    """Force along the pair, and friction along the relative velocity where there is any."""
    unit, relative = directions(batch, edges)
    distance = np.linalg.norm(
        batch.positions[edges.sample, edges.receiver] - batch.positions[edges.sample, edges.sender], axis=1
    )
    variables = ("r", *(f"{a}_1" for a in names), *(f"{a}_2" for a in names))
    attributes = (batch.attributes[edges.sample, end] for end in (edges.receiver, edges.sender))
    inputs = np.concatenate([distance[:, None], *attributes], axis=1)
    friction = friction_coefficient(edges.force, unit, relative)
    left, right = across_pairs(edges.force, unit), across_pairs(relative, unit)
    squares = np.sum(left**2)
    is_friction = np.sum((left - friction * right) ** 2) < (1.0 - DISTINCT) * squares
    if not (is_friction and squares > VISIBLE * np.sum(edges.force**2)):
        yield "radial", variables, inputs, np.sum(edges.force * unit, axis=1)
        return
    yield "radial", variables, inputs, np.sum((edges.force - friction * relative) * unit, axis=1)
    seen = np.sum(right**2, axis=1)
    clear = seen > np.median(seen)
    yield "friction", variables, inputs[clear], (np.sum(left * right, axis=1)[clear] / seen[clear])


def _node_channels(
    names: tuple[str, ...], batch: Snapshots, response: NodeResponse, generator: np.random.Generator, n_samples: int
) -> Iterator[tuple[Drawn, Float[np.ndarray, "samples nodes dim"] | None]]:
    """Inertia, drag and uniform force, each with the part of the accelerations that goes without it."""
    sample, node = draw_nodes(batch, generator, 2 * n_samples)
    force, answer = response.force[sample, node], response.to_force[sample, node]
    with np.errstate(all="ignore"):
        inertia = np.sum(force**2, axis=1) / np.sum(force * answer, axis=1)
    size = np.linalg.norm(force, axis=1)
    good = (size >= np.median(size)) & np.isfinite(inertia) & (inertia > 0)
    sample, node, inertia = sample[good], node[good], inertia[good]
    own, attributes = tuple(f"{a}_1" for a in names), batch.attributes[sample, node]
    if names:
        yield ("inertia", own, attributes, inertia), None
    velocity = batch.velocities[sample, node]
    speed = np.linalg.norm(velocity, axis=1)
    moving = speed > 0.5 * np.median(speed)
    drag = np.sum(velocity * response.to_velocity[sample, node], axis=1)[moving] / speed[moving] ** 2
    inputs = np.column_stack([speed, attributes])[moving]
    yield ("drag", ("v_1", *own), inputs, inertia[moving] * drag), response.to_velocity
    for k, axis in enumerate(AXES[: force.shape[1]]):
        part = np.zeros_like(response.to_neither)
        part[..., k] = response.to_neither[..., k]
        yield (f"uniform_{axis}", own, attributes, inertia * response.to_neither[sample, node, k]), part


def _share(trained: TrainedModel, batch: Snapshots, part: Float[np.ndarray, "samples nodes dim"]) -> float:
    """Median error of the network without a part of its accelerations over the error with all."""
    predicted = trained.accelerations(batch)
    whole = median_error(predicted, batch)
    return median_error(predicted - part, batch) / max(whole, 1e-12)
