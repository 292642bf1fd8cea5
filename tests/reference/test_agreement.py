"""The same weights in limbeck and in the PyTorch reference: outputs, losses, penalties and all gradients agree."""

import importlib.util
from pathlib import Path

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest

from limbeck.graphs import Snapshots
from limbeck.models import (
    HamiltonianConfig,
    MessageConfig,
    PairIndex,
    Scales,
    build_hamiltonian_network,
    build_message_network,
    hamiltonian_force_loss,
    hamiltonian_loss,
    hamiltonian_penalty,
    published_hamiltonian_objective,
    published_hamiltonian_penalty,
)
from limbeck.train._message_loss import MessageObjective
from limbeck.train._penalty import message_penalty, weight_penalty

torch = pytest.importorskip("torch")
# Test folders are no packages, and the reference stands beside this file.
_spec = importlib.util.spec_from_file_location("torch_models", Path(__file__).with_name("torch_models.py"))
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

GRAPHS, NODES, COMPONENTS, WIDTH, DEPTH = 5, 4, 7, 24, 3
HIDDEN = [WIDTH] * DEPTH
PAIRS = PairIndex(*(end.astype(np.int32) for end in np.triu_indices(NODES, k=1)))
SCALES = Scales(
    length=1.0, softening=0.1, speed=1.0, position=1.0, acceleration=1.0, attributes=(1.0, 1.0), positive=(True, False)
)
# Single precision: 1e-7 in each of some hundred sums; double: nine digits less of it.
TOLERANCES = {"float32": 1e-5, "float64": 1e-10}
precisions = pytest.mark.parametrize("dtype", ["float32", pytest.param("float64", marks=pytest.mark.slow)])


def states(dim, dtype):
    rng = np.random.default_rng(dim)
    x, v, a = rng.normal(size=(3, GRAPHS, NODES, dim))
    attributes = np.stack([rng.lognormal(size=(GRAPHS, NODES)), rng.normal(size=(GRAPHS, NODES))], axis=-1)
    ones = np.ones((GRAPHS, len(PAIRS.first)))
    arrays = (x, v, attributes, ones, ones, a, np.ones((GRAPHS, NODES)))
    return Snapshots(*(jnp.asarray(array, dtype) for array in arrays))


def as_graph(snapshots):
    """Nodes, edges and targets of a batch as the reference takes them; forward edges of all graphs come first."""
    arrays = (snapshots.positions, snapshots.velocities, snapshots.attributes)
    nodes = torch.tensor(np.concatenate(arrays, axis=-1)).flatten(0, 1)
    starts = NODES * np.arange(GRAPHS)[:, None]
    first, second = (torch.tensor((starts + end).ravel()) for end in PAIRS)
    edges = torch.cat([first, second]), torch.cat([second, first])
    return nodes, edges, torch.tensor(np.asarray(snapshots.targets)).flatten(0, 1)


def tell(perceptron, layers, columns=slice(None)):
    """Give the weights of a limbeck function to one of the reference, the outputs in some order."""
    with torch.no_grad():
        for number, (weight, bias) in enumerate(zip(layers.weights, layers.biases, strict=True)):
            chosen = columns if number == len(layers.weights) - 1 else slice(None)
            perceptron.linear[number].weight.copy_(torch.tensor(np.asarray(weight)[:, chosen].T.copy()))
            perceptron.linear[number].bias.copy_(torch.tensor(np.asarray(bias)[chosen].copy()))


def assert_slopes_agree(perceptron, layers, columns, tolerance):
    """Compare gradients of all weights and offsets of a function."""
    for number, (weight, bias) in enumerate(zip(layers.weights, layers.biases, strict=True)):
        chosen = columns if number == len(layers.weights) - 1 else slice(None)
        linear = perceptron.linear[number]
        for got, theirs in ((np.asarray(weight)[:, chosen].T, linear.weight), (np.asarray(bias)[chosen], linear.bias)):
            slope = theirs.grad if theirs.grad is not None else torch.zeros_like(theirs)
            assert_agree(got, slope, tolerance)


def assert_agree(got, theirs, tolerance):
    """Equal to a share of the largest entry."""
    theirs = theirs.detach().numpy()
    np.testing.assert_allclose(np.asarray(got), theirs, rtol=tolerance, atol=tolerance * np.abs(theirs).max())


def in_precision(model, dtype):
    return jax.tree.map(lambda array: jnp.asarray(array, dtype), model)


@eqx.filter_jit
def message_values(model, snapshots, pairs, objective, key):
    """All parts of the objective, and its slopes."""
    statistics = model.edge_statistics(snapshots, pairs)
    parts = model(snapshots, pairs), message_penalty(model, statistics, snapshots), weight_penalty(model, "sum")
    return *parts, *eqx.filter_value_and_grad(objective)(model, snapshots, pairs, key)


def same_noise(snapshots, key, dtype):
    """What limbeck draws for the messages, in the order of the reference's edges."""
    shape = (2, GRAPHS, len(PAIRS.first), COMPONENTS)
    return torch.tensor(np.asarray(jax.random.normal(key, shape, dtype))).reshape(-1, COMPONENTS)


def reference_parts(theirs, size, snapshots, key, dtype):
    """Prediction without noise, penalty and prediction loss of the reference."""
    nodes, edges, targets = as_graph(snapshots)
    if size == "kl":
        penalty = reference.kl_penalty(*theirs.statistics(nodes, edges))
        messages = theirs.messages(nodes, edges, same_noise(snapshots, key, dtype))
    else:
        messages = theirs.messages(nodes, edges)
        penalty = reference.l1_penalty(messages) if size == "l1" else torch.zeros((), dtype=nodes.dtype)
    loss = reference.prediction_loss(theirs.update(nodes, edges, messages), targets)
    return theirs(nodes, edges), penalty, loss


@precisions
@pytest.mark.parametrize(("size", "dim"), [("standard", 2), ("bottleneck", 3), ("l1", 2), ("kl", 2)])
def test_message_networks(size, dim, dtype):
    weight = {"l1": 1e-2, "kl": 1.0}.get(size, 0.0)
    config = MessageConfig(
        size=size, message_dim=0 if size == "bottleneck" else COMPONENTS, width=WIDTH, depth=DEPTH, activation="relu"
    )
    untrained = build_message_network(config, SCALES, dim, key=jax.random.key(3))
    key, components = jax.random.key(7), config.components(dim)
    with jax.enable_x64(dtype == "float64"):
        model, snapshots = in_precision(untrained, dtype), states(dim, dtype)
        floor = jnp.asarray(0.0, dtype)
        objective = MessageObjective(jnp.asarray(weight, dtype), floor, 1.0, "absolute", "node", 1e-8, "sum")
        output, penalty, squares, total, slopes = message_values(model, snapshots, PAIRS, objective, key)
        kind = reference.VariationalGraphNetwork if size == "kl" else reference.GraphNetwork
        theirs = kind(2 * dim + 2, components, dim, HIDDEN, getattr(torch, dtype))
        # Limbeck keeps the means before the log variances, the thesis takes them in turn.
        columns = np.arange(2 * components).reshape(2, -1).T.ravel() if size == "kl" else slice(None)
        tell(theirs.edge, model.edge_model, columns)
        tell(theirs.node, model.node_model)
        predicted, their_penalty, loss = reference_parts(theirs, size, snapshots, key, dtype)
        their_total = loss + weight * their_penalty + 1e-8 * theirs.squared_weights()
        their_total.backward()
        tolerance = TOLERANCES[dtype]
        assert_agree(output.reshape(-1, dim), predicted, tolerance)
        parts = zip((penalty, squares, total), (their_penalty, theirs.squared_weights(), their_total), strict=True)
        for got, expected in parts:
            assert_agree(got, expected, tolerance)
        assert_slopes_agree(theirs.edge, slopes.edge_model, columns, tolerance)
        assert_slopes_agree(theirs.node, slopes.node_model, slice(None), tolerance)


@eqx.filter_jit
def hamiltonian_values(model, snapshots, pairs, objectives):
    """Flow, accelerations, and every objective with its slopes."""
    slopes = [eqx.filter_value_and_grad(objective)(model, snapshots, pairs) for objective in objectives]
    return model.flow(snapshots, pairs), model(snapshots, pairs), slopes


def reference_objectives(theirs, snapshots):
    """The same objectives in the reference, in the order of the test."""
    nodes, edges, targets = as_graph(snapshots)
    dq, dp = theirs.flow(nodes, edges)
    force = reference.prediction_loss(theirs(nodes, edges), targets)
    both = force + reference.prediction_loss(dq, nodes[:, theirs.dim : 2 * theirs.dim])
    node = 1e-6 * theirs.node_penalty(nodes, edges) / GRAPHS
    pair = 1e-6 * theirs.pair_penalty(nodes, edges) / GRAPHS
    return (dq, dp), theirs(nodes, edges), [force, both, node, pair, force + node]


@pytest.mark.parametrize(("dim", "dtype"), [(2, "float32"), pytest.param(3, "float64", marks=pytest.mark.slow)])
def test_flat_hgn(dim, dtype):
    config = HamiltonianConfig(width=WIDTH, depth=DEPTH)
    untrained = build_hamiltonian_network(config, SCALES, dim=dim, inertia=0, key=jax.random.key(3))
    objectives = (
        hamiltonian_force_loss,
        hamiltonian_loss,
        published_hamiltonian_penalty,
        hamiltonian_penalty,
        published_hamiltonian_objective,
    )
    with jax.enable_x64(dtype == "float64"):
        model, snapshots = in_precision(untrained, dtype), states(dim, dtype)
        flow, output, results = hamiltonian_values(model, snapshots, PAIRS, objectives)
        theirs = reference.FlatHGN(2 * dim + 2, dim, HIDDEN, 0, getattr(torch, dtype))
        tell(theirs.pair, model.pair_energy)
        tell(theirs.self_energy, model.self_energy)
        their_flow, accelerations, values = reference_objectives(theirs, snapshots)
        tolerance = TOLERANCES[dtype]
        for got, expected in zip((*flow, output), (*their_flow, accelerations), strict=True):
            assert_agree(got.reshape(-1, dim), expected, tolerance)
        for (value, slopes), expected in zip(results, values, strict=True):
            theirs.zero_grad(set_to_none=True)
            expected.backward(retain_graph=True)
            assert_agree(value, expected, tolerance)
            assert_slopes_agree(theirs.pair, slopes.pair_energy, slice(None), tolerance)
            assert_slopes_agree(theirs.self_energy, slopes.self_energy, slice(None), tolerance)
