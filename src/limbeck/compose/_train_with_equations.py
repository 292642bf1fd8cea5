"""Train a network with equations as one: their constants together with what is still a perceptron."""

from collections.abc import Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from limbeck._errors import InputError, TrainingDiverged
from limbeck.graphs import GraphDataset
from limbeck.train import pair_index

from ._fit_equations import WINDOW, formulas_in
from ._fit_targets import MOST_SNAPSHOTS, ON, Targets, fit_targets
from ._symbolic_network import Network

CHECKS = 20  # times at which the error on validation data is looked at
MOST_ROWS = 20_000  # training snapshots or windows that batches are drawn from
NORM = 1.0  # largest norm of a slope


def train_with_equations(
    network: Network,
    dataset: GraphDataset,
    *,
    on: str = ON[0],
    steps: int = 500,
    batch_size: int = 64,
    learning_rate: float = 1e-3,
    window: int = WINDOW,
    key: PRNGKeyArray,
) -> Network:
    """Train the constants of all equations in a network and all that is still learned, together.

    Adam on the squares that `fit_equations` minimises, in single precision, with a rate that falls to 0. The network
    of the lowest error on validation data is kept; the one that was given is the first of them.

    Args:
        network: A network with equations, of `with_equations`.
        dataset: Its data; training and validation snapshots are looked at.
        on: "accelerations", or "trajectories" followed through an integrator.
        steps: Number of steps, at least 1.
        batch_size: Snapshots or windows in each step.
        learning_rate: Highest rate.
        window: States that a trajectory is followed over.
        key: Decides the batches.

    Returns:
        The best network; `equations_of` reads its equations.

    Raises:
        InputError: If the network has no equation, a setting is out of range, or a part of the data has too few
            consecutive states.
        TrainingDiverged: If the error is undefined at the beginning, or in every check.
    """
    _check(network, steps, batch_size, learning_rate)
    training, validation = (
        _narrow(fit_targets(network, dataset, rows, on=on, window=window, most=most))
        for rows, most in ((dataset.train, MOST_ROWS), (dataset.validation, MOST_SNAPSHOTS))
    )
    pairs, optimiser = pair_index(dataset), _optimiser(learning_rate, steps)
    weights, static = eqx.partition(_narrow(network), eqx.is_inexact_array)

    def squares(weights: Any, targets: Targets) -> Float[Array, ""]:
        return jnp.mean(targets.errors(eqx.combine(weights, static), pairs) ** 2)

    @eqx.filter_jit
    def step(weights: Any, state: Any, training: Targets, rows: Array) -> tuple[Any, Any]:
        targets = jax.tree.map(lambda array: array[rows], training)
        updates, state = optimiser.update(jax.grad(squares)(weights, targets), state, weights)
        return optax.apply_updates(weights, updates), state

    judge = eqx.filter_jit(squares)
    seen, best, state = [float(judge(weights, validation))], None, optimiser.init(weights)
    if not np.isfinite(seen[0]):
        raise TrainingDiverged(f"the network's {on} are undefined at a validation state")
    batches = _batches(key, len(jax.tree.leaves(training)[0]), batch_size, steps)
    for number, rows in enumerate(batches, start=1):
        weights, state = step(weights, state, training, jnp.asarray(rows))
        if number % max(1, steps // CHECKS) == 0 or number == steps:
            seen.append(float(judge(weights, validation)))
            best = weights if seen[-1] <= np.nanmin(seen) else best
    if not np.isfinite(seen[1:]).any():
        raise TrainingDiverged("the error was undefined in every check: lower the learning rate")
    return network if best is None else eqx.combine(best, static)


def _check(network: Any, steps: int, batch_size: int, learning_rate: float) -> None:
    """Refuse what can't be trained."""
    if not formulas_in(network):
        raise InputError("the network has no equation; train it with limbeck.train, or put one in first")
    if steps < 1 or batch_size < 1 or learning_rate <= 0:
        given = f"{steps}, {batch_size}, {learning_rate}"
        raise InputError(f"expected positive steps, batch_size, learning_rate; got {given}")


def _narrow(tree: Any) -> Any:
    """Numbers of a tree in single precision, as arrays of the training library."""
    return jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float32 if eqx.is_inexact_array(leaf) else None), tree)


def _optimiser(learning_rate: float, steps: int) -> optax.GradientTransformation:
    """Adam with a rate that falls to 0, and slopes that are cut."""
    schedule = optax.cosine_decay_schedule(learning_rate, steps)
    return optax.chain(optax.clip_by_global_norm(NORM), optax.adam(schedule))


def _batches(key: PRNGKeyArray, n_rows: int, size: int, steps: int) -> Iterator[np.ndarray]:
    """Rows of each batch: every row once, in any order, before one comes again."""
    generator = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel().tolist())
    size, order = min(size, n_rows), np.zeros(0, int)
    for _ in range(steps):
        if len(order) < size:
            order = np.concatenate([order, generator.permutation(n_rows)])
        yield order[:size]
        order = order[size:]
