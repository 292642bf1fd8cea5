"""Fit a network to targets of the nodes, edges or wholes of sparse graphs.

The training graphs lie on the device in batches of one size; every chunk of steps deals them out
anew and runs as one compiled loop. The weights kept are those with the lowest validation error.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from limbeck._errors import InputError, TrainingDiverged
from limbeck.graphs import SparseGraph
from limbeck.models import SparseNetwork, build_sparse_network

from ._sparse_batches import SparseBatch, SparseDeck, Targets, check_targets
from ._sparse_config import SparseTrainConfig
from ._standardise import Standards, measure_standards


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedSparse:
    """A fitted network for sparse graphs.

    Attributes:
        model: The network with the lowest validation error; it works in the units of `standards`.
        standards: Centres and spreads of the training data.
        validation_error: Root mean square error over the spread of the training targets.
        errors: That error after each chunk.
        losses: Mean squared error in training, in the same units, in each chunk.
    """

    model: SparseNetwork
    standards: Standards
    validation_error: float
    errors: Float[np.ndarray, " chunks"]
    losses: Float[np.ndarray, " chunks"]

    def predict(self, graph: SparseGraph) -> Float[np.ndarray, "entries outputs"]:
        """Predict the targets of a graph or a batch.

        Args:
            graph: Features in the units of the training graphs.

        Returns:
            A row for each node, edge or graph, in the units of the training targets.

        Raises:
            InputError: If it has another number of features than the training graphs.
        """
        return self.standards.restored(np.asarray(_predict(self.model, self.standards.scaled(graph))))


def fit_sparse(
    graphs_train: Sequence[SparseGraph],
    targets_train: Targets,
    graphs_validation: Sequence[SparseGraph],
    targets_validation: Targets,
    config: SparseTrainConfig,
    *,
    key: PRNGKeyArray,
) -> TrainedSparse:
    """Build a network and fit it to targets.

    Args:
        graphs_train: Graphs to fit on.
        targets_train: For each of them a table with a row for each node, each edge or the whole graph.
        graphs_validation: Graphs to choose by.
        targets_validation: Their targets.
        config: The network and how it is fitted.
        key: Decides weights and batches.

    Returns:
        The best network on the validation graphs.

    Raises:
        InputError: If graphs and targets don't fit together.
        TrainingDiverged: If the loss becomes undefined.
    """
    check_targets(graphs_train, targets_train, config.level, "training")
    check_targets(graphs_validation, targets_validation, config.level, "validation")
    expected = _widths(graphs_train[0], targets_train[0])
    _check_widths(graphs_train, targets_train, expected, "training")
    _check_widths(graphs_validation, targets_validation, expected, "validation")
    model, standards = _prepared(graphs_train, targets_train, config, key)
    deck = SparseDeck.prepare(graphs_train, targets_train, config.level, standards, config.batch_size)
    held_out = SparseDeck.prepare(graphs_validation, targets_validation, config.level, standards, config.batch_size)
    validation = held_out.deal(np.arange(len(graphs_validation)))
    passes = max(1, round(config.chunk / deck.n_batches))
    n_chunks = -(-config.steps // (passes * deck.n_batches))
    optimiser = _optimiser(config, n_chunks * passes * deck.n_batches)
    weights, static = eqx.partition(model, eqx.is_array)
    state, best, errors, losses = optimiser.init(weights), weights, [], []
    generator = np.random.default_rng([*np.asarray(jax.random.key_data(key)).ravel().tolist(), 1])
    for _ in range(n_chunks):
        batches = deck.deal(generator.permutation(len(graphs_train)))
        order = np.concatenate([generator.permutation(deck.n_batches) for _ in range(passes)])
        weights, state, loss = _run_chunk(optimiser, static, weights, state, batches, order)
        losses.append(float(loss))
        errors.append(float(_error(weights, static, validation)))
        if not np.isfinite([losses[-1], errors[-1]]).all():
            raise TrainingDiverged(f"training diverged in chunk {len(losses)}; try a lower learning_rate")
        best = weights if errors[-1] == min(errors) else best
    return TrainedSparse(
        model=eqx.combine(best, static),
        standards=standards,
        validation_error=min(errors),
        errors=np.array(errors),
        losses=np.array(losses),
    )


def _widths(graph: SparseGraph, targets: Float[np.ndarray, "_ outputs"]) -> tuple[int, int, int, int]:
    """Columns of nodes, edges, globals and targets."""
    return graph.nodes.shape[1], graph.edges.shape[1], graph.globals.shape[1], targets.shape[1]


def _check_widths(graphs: Sequence[SparseGraph], targets: Targets, expected: tuple[int, ...], part: str) -> None:
    """Refuse graphs with other numbers of columns than the first training graph."""
    for number, (graph, table) in enumerate(zip(graphs, targets, strict=True)):
        got = _widths(graph, table)
        if got != expected:
            raise InputError(
                f"all graphs need as many features of nodes, edges and graphs, and targets, as the first training "
                f"graph, {expected}; {part} graph {number} has {got}"
            )


def _prepared(
    graphs: Sequence[SparseGraph], targets: Targets, config: SparseTrainConfig, key: PRNGKeyArray
) -> tuple[SparseNetwork, Standards]:
    """The untrained network, and the units that it works in."""
    # The weights of a convolution are what they are: a shift would let things act that don't.
    centre_edges = config.flavour.kind != "convolutional"
    standards = measure_standards(graphs, targets, level=config.level, centre_edges=centre_edges)
    widths = _widths(graphs[0], targets[0])
    return build_sparse_network(config.flavour, *widths, level=config.level, key=key), standards


@functools.cache  # one object for one configuration, so that a second training need not be compiled again
def _optimiser(config: SparseTrainConfig, steps: int) -> optax.GradientTransformation:
    """Adam with clipped gradients under a one-cycle schedule."""
    schedule = optax.cosine_onecycle_schedule(steps, config.learning_rate, config.warmup, 10.0, 1_000.0)
    return optax.chain(optax.clip_by_global_norm(config.clip), optax.adam(schedule))


def _squares(weights: Any, static: SparseNetwork, batch: SparseBatch) -> tuple[Float[Array, ""], Float[Array, ""]]:
    """Sum of the squared errors of a batch, averaged over outputs, and the number of its targets."""
    error = eqx.combine(weights, static)(batch.graph) - batch.targets
    return jnp.sum(batch.weights * jnp.mean(error**2, axis=-1)), jnp.sum(batch.weights)


@eqx.filter_jit
def _run_chunk(
    optimiser: optax.GradientTransformation,
    static: SparseNetwork,
    weights: Any,
    state: Any,
    batches: SparseBatch,
    order: Int[Any, " steps"],
) -> tuple[Any, Any, Float[Array, ""]]:
    """Scan over the steps of a chunk, each with the batch whose number comes next."""

    def loss(weights: Any, batch: SparseBatch) -> Float[Array, ""]:
        total, count = _squares(weights, static, batch)
        return total / jnp.maximum(count, 1.0)

    def step(carry: tuple[Any, Any], number: Int[Array, ""]) -> tuple[tuple[Any, Any], Float[Array, ""]]:
        weights, state = carry
        value, slopes = jax.value_and_grad(loss)(weights, jax.tree.map(lambda array: array[number], batches))
        updates, state = optimiser.update(slopes, state, weights)
        return (optax.apply_updates(weights, updates), state), value

    (weights, state), losses = jax.lax.scan(step, (weights, state), order)
    return weights, state, jnp.mean(losses)


@eqx.filter_jit
def _error(weights: Any, static: SparseNetwork, batches: SparseBatch) -> Float[Array, ""]:
    """Root mean square error over all targets of some batches."""
    totals, counts = jax.lax.map(lambda batch: _squares(weights, static, batch), batches)
    return jnp.sqrt(jnp.sum(totals) / jnp.sum(counts))


@eqx.filter_jit
def _predict(model: SparseNetwork, graph: SparseGraph) -> Float[Array, "entries outputs"]:
    """Predictions, compiled once for each size of graph."""
    return model(graph)
