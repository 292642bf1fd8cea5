"""Read a published network as forces: the map from its messages, and whether its node model divides by an inertia."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import numpy as np
from jaxtyping import Array, Float, Int

from limbeck._errors import InputError
from limbeck._types import Samples
from limbeck.graphs import GraphDataset, PairList, Snapshots
from limbeck.models import Biases, ForceNetwork, HamiltonianNetwork, MessageNetwork, PairIndex
from limbeck.train import to_device

from ._draw_edges import draw_edges
from ._force_map import ForceMap, force_map, plain_map

SNAPSHOTS = 2_000
EDGES = 10_000
FRICTION_ROUNDS = 4
LARGEST_DISTORTION = 0.1  # part of messages across their pairs, or of the node's response across the force


class NodeResponse(NamedTuple):
    """What the node model makes of the summed force, taken apart by symmetry.

    Attributes:
        force: Summed force on each particle.
        to_force: Part of the acceleration that turns with the force.
        to_velocity: Part that is left without force, and turns with the velocity.
        to_neither: Part that is left without either.
    """

    force: Float[np.ndarray, "samples nodes dim"]
    to_force: Float[np.ndarray, "samples nodes dim"]
    to_velocity: Float[np.ndarray, "samples nodes dim"]
    to_neither: Float[np.ndarray, "samples nodes dim"]


class EdgeForces(NamedTuple):
    """Forces on the receivers of some edges.

    Attributes:
        sample: Snapshot of each edge.
        receiver: Particle that it acts on.
        sender: Particle that acts.
        force: Force, up to one factor.
    """

    sample: Int[np.ndarray, " edges"]
    receiver: Int[np.ndarray, " edges"]
    sender: Int[np.ndarray, " edges"]
    force: Float[np.ndarray, "edges dim"]


@dataclass(frozen=True, kw_only=True, eq=False)
class ForceReading:
    """A published network as forces, and how far it can be read so.

    Attributes:
        network: The network with the map of its messages; None where they span fewer directions than space has.
        along: Part of the messages, each counted by its direction, that is a force along its pair, or friction.
        second_law: Part of the node model's response, counted alike, that is along the summed force.
    """

    network: ForceNetwork | None
    along: float
    second_law: float

    @property
    def reason(self) -> str:
        """Why no law can be read from the network; empty where one can."""
        if self.network is None:
            return "the messages span fewer directions than space has, so no force can be read from them"
        if not self.along >= 1.0 - LARGEST_DISTORTION:
            return (
                f"the messages are no linear map of forces along pairs: {self.along:.0%} of them are, "
                f"{1.0 - LARGEST_DISTORTION:.0%} were needed (translation and the third law make them so)"
            )
        if not self.second_law >= 1.0 - LARGEST_DISTORTION:
            return (
                f"the node model does not divide the summed force by an inertia: {self.second_law:.0%} of its "
                f"response is along the force, {1.0 - LARGEST_DISTORTION:.0%} were needed"
            )
        return ""


def read_forces(
    network: MessageNetwork | HamiltonianNetwork, pairs: PairIndex, dataset: GraphDataset, *, seed: int = 0
) -> ForceReading:
    """Find the map from a network's messages to forces, on validation snapshots.

    Args:
        network: A trained network.
        pairs: The pairs it was trained with.
        dataset: Its data; training snapshots are not looked at.
        seed: Decides which edges are drawn.

    Returns:
        The network as one of forces, with what speaks for reading it so.

    Raises:
        InputError: If no pair interacts in the validation snapshots.
    """
    generator = np.random.default_rng(seed)
    batch = some_snapshots(dataset, generator, SNAPSHOTS)
    identity = np.eye(_components(network, dataset.trajectories.dim))
    whole = ForceNetwork(network=network, to_force=identity, offset=np.zeros(len(identity)), biases=_biases(network))
    edges = edge_forces(whole, pairs, dataset.pairs, batch, generator, EDGES)
    if len(edges.sample) == 0:
        raise InputError("no pair interacts in the validation snapshots, so no force can be read")
    unit, relative = directions(batch, edges)
    fit = plain_map if isinstance(network, HamiltonianNetwork) else force_map
    found = fit(edges.force, unit, antisymmetric=whole.biases.third_law)
    if found is None:
        return ForceReading(network=None, along=0.0, second_law=0.0)
    found, along = _with_friction(fit, found, edges.force, unit, relative, whole.biases.third_law)
    scale = 1.0 / np.median(np.abs(edges.force @ found.to_force))
    mapped = ForceNetwork(
        network=network,
        to_force=(scale * found.to_force).astype(np.float32),
        offset=found.offset.astype(np.float32),
        biases=whole.biases,
    )
    response = node_response(mapped, pairs, batch)
    sign, second_law = _alignment(response, batch)
    mapped = ForceNetwork(network=network, to_force=sign * mapped.to_force, offset=mapped.offset, biases=mapped.biases)
    return ForceReading(network=mapped, along=along, second_law=second_law)


def _components(network: MessageNetwork | HamiltonianNetwork, dim: int) -> int:
    """Components of a message; those of energies are forces already."""
    return dim if isinstance(network, HamiltonianNetwork) else network.message_dim


def _biases(network: MessageNetwork | HamiltonianNetwork) -> Biases:
    """What a law that is read from the network assumes: a law of forces along pairs."""
    reciprocal = network.translation if isinstance(network, HamiltonianNetwork) else network.third_law
    return Biases(translation=True, rotation=True, reflection=True, third_law=reciprocal, second_law=True)


def some_snapshots(dataset: GraphDataset, generator: np.random.Generator, most: int) -> Snapshots:
    """Validation snapshots in order of time.

    Args:
        dataset: The data.
        generator: Draws them.
        most: How many at most.

    Returns:
        The snapshots, on the host.
    """
    rows = generator.permutation(len(dataset.validation))[:most]
    return dataset.batch(dataset.validation[np.sort(rows)])


def edge_forces(
    network: ForceNetwork,
    pairs: PairIndex,
    ends: PairList,
    batch: Snapshots,
    generator: np.random.Generator,
    n_samples: int,
) -> EdgeForces:
    """Forces on the receivers of directed edges, drawn half evenly over log distance, half as they come.

    Args:
        network: The network.
        pairs: Its pairs.
        ends: The same pairs with their weights.
        batch: Snapshots.
        generator: Draws the edges.
        n_samples: How many are drawn, about.

    Returns:
        The edges with their forces.
    """
    device = to_device(batch, centred=network.origin_free)
    forces = np.stack([np.asarray(f, dtype=float) for f in _edge_messages(network, device, pairs)])
    who = np.stack([ends.first, ends.second])
    distance = np.linalg.norm(batch.positions[:, who[0]] - batch.positions[:, who[1]], axis=-1)
    acts = np.stack([batch.forward, batch.backward]) > 0
    way, sample, pair = draw_edges(np.broadcast_to(distance, acts.shape), acts, generator, n_samples)
    return EdgeForces(sample, who[way, pair], who[1 - way, pair], forces[way, sample, pair])


@eqx.filter_jit
def _edge_messages(network: ForceNetwork, snapshots: Snapshots, pairs: PairIndex) -> Any:
    """Forces either way, in one compiled program."""
    return network.edge_messages(snapshots, pairs)


@eqx.filter_jit
def _reversed(network: ForceNetwork, snapshots: Snapshots, pairs: PairIndex) -> tuple[Array, list[Array]]:
    """Summed messages without offset, and accelerations with messages, velocities, or both reversed."""
    summed, offsets = network.aggregated(snapshots, pairs), network.offsets(snapshots, pairs)
    back = snapshots._replace(velocities=-snapshots.velocities)
    ways = [
        network.node_prediction(states, messages)
        for states in (snapshots, back)
        for messages in (summed, 2.0 * offsets - summed)
    ]
    return summed - offsets, ways


def directions(
    batch: Snapshots, edges: EdgeForces
) -> tuple[Float[np.ndarray, "edges dim"], Float[np.ndarray, "edges dim"]]:
    """Unit vectors and relative velocities of edges, receiver minus sender.

    Args:
        batch: The snapshots.
        edges: Edges of them.

    Returns:
        Unit vectors and relative velocities.
    """
    displacement, relative = (
        a[edges.sample, edges.receiver] - a[edges.sample, edges.sender] for a in (batch.positions, batch.velocities)
    )
    return displacement / np.linalg.norm(displacement, axis=1, keepdims=True), relative


def across_pairs(
    vectors: Float[np.ndarray, "edges dim"], unit: Float[np.ndarray, "edges dim"]
) -> Float[np.ndarray, "edges dim"]:
    """The part of vectors at right angles to their pairs.

    Args:
        vectors: Forces or velocities.
        unit: Unit vectors of the pairs.

    Returns:
        The vectors without their part along the pairs.
    """
    return vectors - np.sum(vectors * unit, axis=1, keepdims=True) * unit


def friction_coefficient(
    forces: Float[np.ndarray, "edges dim"],
    unit: Float[np.ndarray, "edges dim"],
    relative: Float[np.ndarray, "edges dim"],
) -> float:
    """Factor of the relative velocity in the forces, as far as it is one number.

    Args:
        forces: Forces on receivers.
        unit: Unit vectors of their pairs.
        relative: Relative velocities.

    Returns:
        The factor that explains most of what is across the pairs.
    """
    size = np.linalg.norm(forces, axis=1)
    weights = 1.0 / (size + np.median(size)) ** 2
    left, right = across_pairs(forces, unit), across_pairs(relative, unit)
    norm = float(np.sum(weights * np.sum(right**2, axis=1)))
    return float(np.sum(weights * np.sum(left * right, axis=1))) / norm if norm > 0 else 0.0


def _with_friction(
    fit: Callable[..., ForceMap | None],
    found: ForceMap,
    messages: Float[np.ndarray, "edges message_dim"],
    unit: Float[np.ndarray, "edges dim"],
    relative: Float[np.ndarray, "edges dim"],
    antisymmetric: bool,
) -> tuple[ForceMap, float]:
    """The map once more where friction turns forces off their pairs, and the part of the forces that is explained."""
    along = found.along
    for _ in range(FRICTION_ROUNDS):
        forces = (messages - found.offset) @ found.to_force
        explained = _explained(forces, unit, relative)
        if 1.0 - explained > 0.5 * (1.0 - along):  # friction does not explain what is across the pairs
            break
        friction = friction_coefficient(forces, unit, relative)
        radial = np.sum((forces - friction * relative) * unit, axis=1, keepdims=True)
        turned = radial * unit + friction * relative
        again = fit(messages, turned / np.linalg.norm(turned, axis=1, keepdims=True), antisymmetric=antisymmetric)
        found, along = again or found, explained
    return found, max(along, _explained((messages - found.offset) @ found.to_force, unit, relative))


def _explained(
    forces: Float[np.ndarray, "edges dim"],
    unit: Float[np.ndarray, "edges dim"],
    relative: Float[np.ndarray, "edges dim"],
) -> float:
    """Part of the forces, each counted by its direction, that is along the pairs or friction of one strength."""
    size = np.linalg.norm(forces, axis=1)
    weights = 1.0 / (size + np.median(size)) ** 2
    rest = across_pairs(forces - friction_coefficient(forces, unit, relative) * relative, unit)
    return 1.0 - float(np.sum(weights * np.sum(rest**2, axis=1)) / np.sum(weights * size**2))


def node_response(network: ForceNetwork, pairs: PairIndex, batch: Snapshots) -> NodeResponse:
    """Take the node model apart: what it predicts with force and velocity reversed tells inertia, drag and the rest.

    Args:
        network: The network.
        pairs: Its pairs.
        batch: Snapshots, on the host.

    Returns:
        The parts of the accelerations.
    """
    device = to_device(batch, centred=network.origin_free)
    summed, ways = _reversed(network, device, pairs)
    with_both, against_force, against_velocity, against_both = (np.asarray(way, dtype=float) for way in ways)
    force = np.asarray(summed, dtype=float) @ np.asarray(network.to_force, dtype=float)
    return NodeResponse(
        force=force,
        to_force=(with_both - against_force + against_velocity - against_both) / 4.0,
        to_velocity=(with_both + against_force - against_velocity - against_both) / 4.0,
        to_neither=(with_both + against_force + against_velocity + against_both) / 4.0,
    )


def _alignment(response: NodeResponse, batch: Snapshots) -> tuple[float, float]:
    """Sign for which the node model accelerates along the force, and the part of its response that does."""
    there = batch.targeted()
    force, answer = response.force[there], response.to_force[there]
    parallel = np.sum(force * answer, axis=1)
    sign = 1.0 if np.median(parallel) >= 0 else -1.0
    size: Samples = np.linalg.norm(answer, axis=1)
    weights = 1.0 / (size + np.median(size)) ** 2
    cosine = sign * parallel / np.maximum(np.linalg.norm(force, axis=1) * size, 1e-300)
    return sign, float(np.sum(weights * size**2 * np.clip(cosine, 0.0, 1.0) ** 2) / np.sum(weights * size**2))
