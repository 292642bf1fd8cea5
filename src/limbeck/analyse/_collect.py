"""Record what a trained network's functions say on held-out data.

The message of a network with form biases is made of scalar channels (radial
force, pair friction, inertia, drag, ...). Each becomes a table of inputs, under
the names that equations use, and values. Channels whose removal leaves the
error as it was carry nothing, and are left out.
"""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any, cast

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck._errors import InputError
from limbeck._types import Samples
from limbeck.graphs import GraphDataset, Snapshots
from limbeck.models import (
    AttributeInertia,
    CoupledMessage,
    ForceNetwork,
    FreeField,
    GraphNetwork,
    Inertia,
    OneBodyField,
    Perceptron,
    VectorMessage,
)
from limbeck.train import TrainedModel, median_error, to_device

from ._collect_forces import collect_forces
from ._draw_edges import draw_edges, draw_nodes
from ._linear_fit import mean_score, plain_fit
from ._message_table import Drawn, MessageTable, message_table
from ._record_messages import record_messages

AXES = "xyz"
FELT = 1e-2  # part of the force on a particle from which on a pair is one that the data speak of


def collect_messages(
    trained: TrainedModel, dataset: GraphDataset, *, n_samples: int = 2_000, seed: int
) -> MessageTable:
    """Sample every channel of a network on validation snapshots.

    Pairs are drawn half evenly over the logarithm of the distance and half as
    they come, so that close encounters and the bulk both speak. Each pair that acts
    both ways counts from both ends: which stands first says nothing of who receives.

    Args:
        trained: The network.
        dataset: Its data; training snapshots are not looked at.
        n_samples: Samples for each channel.
        seed: Decides which samples are drawn.

    Returns:
        The channels that matter and the names of those that do not.
    """
    if isinstance(trained.model, ForceNetwork):
        return collect_forces(trained, dataset, n_samples=n_samples, seed=seed)
    generator = np.random.default_rng(seed)
    rows = generator.permutation(len(dataset.validation))[: max(50, n_samples)]
    batch = dataset.batch(dataset.validation[np.sort(rows)])
    drawn = [drawn for source in _sources(trained) for drawn in source(trained, dataset, batch, generator, n_samples)]
    importance = _importances(trained, batch, [name for name, *_ in drawn])
    return message_table(drawn, importance)


_Source = Callable[[TrainedModel, GraphDataset, Snapshots, np.random.Generator, int], Iterator[Drawn]]


def _network(trained: TrainedModel) -> GraphNetwork:
    """The network of a training; one that is read as forces does not come here."""
    return cast(GraphNetwork, trained.model)


def _sources(trained: TrainedModel) -> list[_Source]:
    """Which functions the network has."""
    model = _network(trained)
    sources: list[_Source] = [_pair_channels]
    inertia = model.inertia
    learned = isinstance(inertia, Inertia) and inertia.network is not None
    if learned or (isinstance(inertia, AttributeInertia) and inertia.attribute is not None):
        sources.append(_inertia)
    if isinstance(model.field, OneBodyField):
        sources.append(_one_body)
    if isinstance(model.field, FreeField):
        sources.append(_free_field)
    return sources


def _pair_channels(
    trained: TrainedModel, dataset: GraphDataset, batch: Snapshots, generator: np.random.Generator, n_samples: int
) -> Iterator[Drawn]:
    """Scalars (or components) of the message to the receiver of each directed edge."""
    edge = _network(trained).edge_model
    geometry = _network(trained).pair_geometry(
        to_device(batch, centred=_network(trained).biases.origin_free), trained.pairs
    )
    values = np.stack([np.asarray(edge.channels(g), dtype=float) for g in (geometry, geometry.swapped())])
    ends = np.stack([dataset.pairs.first, dataset.pairs.second])
    distance = np.linalg.norm(batch.positions[:, ends[0]] - batch.positions[:, ends[1]], axis=-1)
    acts = np.stack([batch.forward, batch.backward]) > 0
    if isinstance(edge, CoupledMessage):
        acts &= _felt(trained, batch, ends, values[0, ..., 0])
    way, sample, pair = draw_edges(np.broadcast_to(distance, acts.shape), acts, generator, n_samples)
    receiver, sender = ends[way, pair], ends[1 - way, pair]
    # Where few values occur, as of a few kinds of particles, a search would find other attributes that agree as well.
    own = edge.couplings if isinstance(edge, CoupledMessage) else range(len(dataset.attribute_names))
    names, attributes = [dataset.attribute_names[k] for k in own], batch.attributes[..., list(own)]
    variables = ("r", *(f"{a}_1" for a in names), *(f"{a}_2" for a in names))
    columns = [distance[sample, pair][:, None], attributes[sample, receiver], attributes[sample, sender]]
    labels = ("radial", "friction", "transverse")
    if isinstance(edge, VectorMessage):
        dim = batch.positions.shape[-1]
        labels = tuple(f"message_{axis}" for axis in AXES[:dim])
        variables += tuple(f"d{a}" for a in AXES[:dim]) + tuple(f"dv{a}" for a in AXES[:dim])
        columns += [array[sample, receiver] - array[sample, sender] for array in (batch.positions, batch.velocities)]
    inputs = np.concatenate(columns, axis=1)
    for k, label in enumerate(labels[: values.shape[-1]]):
        yield label, variables, inputs, values[way, sample, pair, k]


def _felt(
    trained: TrainedModel,
    batch: Snapshots,
    ends: Int[np.ndarray, "2 pairs"],
    forces: Float[np.ndarray, "samples pairs"],
) -> Bool[np.ndarray, "samples pairs"]:
    """Pairs whose force is a fair part of what moves either end: of others the data told the network nothing."""
    model = _network(trained)
    features = model.scales.node_features(jnp.asarray(batch.attributes, jnp.float32))
    resisting = np.asarray(model.inertia(features), dtype=float)
    sizes = np.linalg.norm(batch.targets, axis=-1) * resisting
    felt = [np.abs(forces) >= FELT * sizes[:, end] for end in ends]
    targeted = batch.targeted()
    return (felt[0] & targeted[:, ends[0]]) | (felt[1] & targeted[:, ends[1]])


def _inertia(
    trained: TrainedModel, dataset: GraphDataset, batch: Snapshots, generator: np.random.Generator, n_samples: int
) -> Iterator[Drawn]:
    """Inertia against the attributes of the receiver."""
    sample, node = draw_nodes(batch, generator, n_samples)
    attributes = batch.attributes[sample, node]
    features = _network(trained).scales.node_features(jnp.asarray(attributes, jnp.float32))
    inertia = _network(trained).inertia
    values = np.asarray(inertia(features), dtype=float)
    known = inertia.attribute if isinstance(inertia, AttributeInertia) else None
    own = list(range(attributes.shape[1])) if known is None else [known]
    yield "inertia", tuple(f"{dataset.attribute_names[k]}_1" for k in own), attributes[:, own], values


def _one_body(
    trained: TrainedModel, dataset: GraphDataset, batch: Snapshots, generator: np.random.Generator, n_samples: int
) -> Iterator[Drawn]:
    """Drag, central and uniform forces; `v_1` is the speed, `r_1` the distance from the origin."""
    field = cast(OneBodyField, _network(trained).field)  # `_sources` asked for it
    sample, node = draw_nodes(batch, generator, n_samples)
    attributes = batch.attributes[sample, node]
    own = tuple(f"{a}_1" for a in dataset.attribute_names)
    features = _network(trained).scales.node_features(jnp.asarray(attributes, jnp.float32))
    speed = np.linalg.norm(batch.velocities[sample, node], axis=-1)
    radius = np.linalg.norm(batch.positions[sample, node], axis=-1)
    drag = field.drag_factor(jnp.asarray(speed, jnp.float32), features)
    central = field.central_factor(jnp.asarray(radius, jnp.float32), features)
    yield "drag", ("v_1", *own), np.column_stack([speed, attributes]), np.asarray(drag, dtype=float)
    yield "central", ("r_1", *own), np.column_stack([radius, attributes]), np.asarray(central, dtype=float)
    uniform = np.asarray(field.uniform_vector(features), dtype=float)
    for k, axis in enumerate(AXES[: uniform.shape[-1]]):
        yield f"uniform_{axis}", own, attributes, uniform[:, k]


def _free_field(
    trained: TrainedModel, dataset: GraphDataset, batch: Snapshots, generator: np.random.Generator, n_samples: int
) -> Iterator[Drawn]:
    """Components of any one-body force."""
    field = cast(FreeField, _network(trained).field)  # `_sources` asked for it
    sample, node = draw_nodes(batch, generator, n_samples)
    x, v, attributes = (array[sample, node] for array in (batch.positions, batch.velocities, batch.attributes))
    axes = AXES[: x.shape[-1]]
    features = _network(trained).scales.node_features(jnp.asarray(attributes, jnp.float32))
    values = np.asarray(field(jnp.asarray(x, jnp.float32), jnp.asarray(v, jnp.float32), features), dtype=float)
    names = (*(f"{a}_1" for a in axes), *(f"v{a}_1" for a in axes), *(f"{a}_1" for a in dataset.attribute_names))
    for k, axis in enumerate(axes):
        yield f"field_{axis}", names, np.concatenate([x, v, attributes], axis=1), values[:, k]


def _importances(trained: TrainedModel, batch: Snapshots, names: list[str]) -> dict[str, float]:
    """Median error without each channel over the error with all."""
    whole = median_error(trained.accelerations(batch), batch)
    found = {}
    for name in names:
        if name in ("radial", "inertia") or name.startswith("message"):
            found[name] = float("inf")
            continue
        without = replace(trained, model=_silence(_network(trained), name))
        found[name] = median_error(without.accelerations(batch), batch) / max(whole, 1e-12)
    return found


def _silence(model: GraphNetwork, name: str) -> GraphNetwork:
    """The network with one channel fixed at zero, by zeros in the last layer behind it."""
    columns = {"radial": 0, "friction": 1, "transverse": 2}
    stem, _, axis = name.partition("_")
    if name in columns:
        return _zero_output(model, lambda m: m.edge_model.network, columns[name])
    if stem == "uniform":
        return _zero_output(model, lambda m: m.field.uniform, AXES.index(axis))
    if stem == "field":
        return _zero_output(model, lambda m: m.field.network, AXES.index(axis))
    return _zero_output(model, lambda m: getattr(m.field, name), 0)


def _zero_output(model: GraphNetwork, where: Callable[[Any], Perceptron], column: int) -> GraphNetwork:
    """The network with one output of one of its perceptrons fixed at zero."""
    network = where(model)
    weight, bias = jnp.asarray(network.weights[-1]), jnp.asarray(network.biases[-1])
    last = (weight.at[:, column].set(0.0), bias.at[column].set(0.0))
    return eqx.tree_at(lambda m: (where(m).weights[-1], where(m).biases[-1]), model, last)


def message_r2(
    trained: TrainedModel, dataset: GraphDataset, true_force: Callable[[dict[str, Samples]], Samples]
) -> float | None:
    """R² of the message components against linear combinations of the true force, all test pairs.

    Args:
        trained: The network.
        dataset: Its data; up to 2,000 test snapshots are looked at, none of their pairs left out.
        true_force: Radial kernel of the true force as a function of columns `r`, attributes `_1`, `_2`.

    Returns:
        R² averaged over components; None where the messages are not forces in space, or one has one value throughout.

    Source:
        Cranmer et al. (2020), arXiv 2006.11287, table 1; without trimming.
    """
    if not trained.model.biases.second_law or len(dataset.test) == 0:
        return None
    try:
        record = record_messages(trained, dataset, true_force=true_force)
    except InputError:  # no pair interacts in what was held out: there is nothing to ask
        return None
    if record.forces is None or not np.all(np.isfinite(record.messages)):
        return None
    return mean_score(plain_fit(record.forces, record.messages).r2)
