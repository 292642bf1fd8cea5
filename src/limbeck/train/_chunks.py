"""Training in compiled chunks of streamed batches, for any network and any objective.

Batches are gathered on the host for one chunk of steps at a time, so data may be
larger than the device's memory. Every chunk draws its batches from the key and
its own number: a training that starts again from the state after any chunk
gives the same weights as one that never stopped. Networks of one shape, its
members, are trained side by side on the same batches.
"""

import contextlib
import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Key, PRNGKeyArray

from limbeck._errors import InputError, TrainingDiverged
from limbeck.graphs import GraphDataset, Snapshots
from limbeck.models import PairIndex

from ._evaluate import to_device
from ._loss import median_error, predict
from ._sampler import Sampler
from ._state import Hook, Progress, TrainState

MOST_GATHERED = 16_000_000  # pairs in the batches of one chunk: 256 MB of edge weights


@dataclass(frozen=True, kw_only=True, eq=False)
class Trainer:
    """What stays fixed during one training.

    Attributes:
        dataset: Graphs with their parts.
        steps: Optimiser steps, rounded up to whole chunks.
        batch_size: Snapshots in each step.
        longest_chunk: Steps in one compiled loop, if memory holds its batches.
        static: What the members share and is not trained.
        initial: Trainable arrays, members along the first axis.
        pairs: The pairs of all graphs.
        optimiser: Applied to each member on its own.
        objective: `(model, snapshots, pairs, key) -> scalar`, a tree of arrays.
        objective_axes: Which of its arrays have an axis of members, as `jax.vmap` takes it.
        validation: Snapshots that every chunk ends with, on the host.
        sampler: Draws training rows.
        entropy: Words of the key that decides batches.
        key: Decides what an objective draws in each step, or None.
        shift: Standard deviation of the random translation of each batch [length].
        precision: Of products of matrices, as `jax.default_matmul_precision` takes it, or None.
        sharded: Whether several devices share each batch.
        hook: Called after each chunk, or None.
    """

    dataset: GraphDataset
    steps: int
    batch_size: int
    longest_chunk: int
    static: Any
    initial: Any
    pairs: PairIndex
    optimiser: optax.GradientTransformation
    objective: Any
    objective_axes: Any = None
    validation: Snapshots
    sampler: Sampler
    entropy: tuple[int, ...]
    key: PRNGKeyArray | None = None
    shift: float = 0.0
    precision: str | None = None
    sharded: bool = False
    hook: Hook | None = None

    @property
    def members(self) -> int:
        """Number of networks trained side by side."""
        return len(jax.tree.leaves(self.initial)[0])

    @property
    def n_chunks(self) -> int:
        """Number of chunks of a full training."""
        return -(-self.steps // self.chunk)

    @property
    def chunk(self) -> int:
        """Steps of a chunk; no more than the whole training has, nor than memory holds batches of."""
        held = MOST_GATHERED // (self.batch_size * max(len(self.dataset.pairs.first), 1))
        return min(self.longest_chunk, self.steps, max(held, 1))

    def start(self) -> TrainState:
        """The state before the first chunk."""
        blank = np.full((self.n_chunks, self.members), np.nan)
        optimiser = jax.vmap(self.optimiser.init)(self.initial)
        state = TrainState(self.initial, self.initial, optimiser, 0, blank, blank.copy())
        return state if self.hook is None else state._replace(memory=self.hook.start(state))

    def checked(self, state: TrainState) -> TrainState:
        """Check that a state belongs to this training.

        Returns:
            The same state, its number of chunks a plain one whatever it was stored as.

        Raises:
            InputError: If it has another number of chunks or of seeds.
        """
        expected = (self.n_chunks, self.members)
        if state.errors.shape != expected:
            raise InputError(f"the state to resume is of {state.errors.shape} chunks and seeds; expected {expected}")
        return state._replace(chunk=int(state.chunk))

    def run(
        self, state: TrainState, progress: Progress | None, give_up: Callable[[TrainState], bool] | None = None
    ) -> tuple[TrainState, str]:
        """Take the chunks that are left.

        Args:
            state: State after some chunk.
            progress: Called after each chunk; returning False ends training.
            give_up: Asked before each chunk whether to go on is hopeless.

        Returns:
            The last state and "finished", "stopped early" or "out of time".

        Raises:
            TrainingDiverged: If the loss of every member is undefined.
        """
        while state.chunk < self.n_chunks:
            # Asked before a chunk and not after it, so that a resumed training stops where the first would have.
            if give_up is not None and give_up(state):
                return state, "stopped early"
            state = self.advance(state)
            if not np.isfinite(state.losses[state.chunk - 1]).any():
                step = state.chunk * self.chunk
                raise TrainingDiverged(f"training diverged in step {step}; try a lower train.learning_rate")
            if progress is not None and not progress(state, self.n_chunks):
                return state, "out of time"
        return state, "finished"

    def advance(self, state: TrainState) -> TrainState:
        """Take one chunk of steps and validate."""
        batches, keys = self._shared(self._batches(state.chunk)), self._keys(state.chunk)
        weights, moments = state.weights, state.optimiser
        if self.sharded:
            weights, moments = jax.device_put((weights, moments), jax.sharding.NamedSharding(_mesh(), _EVERYWHERE))
        precision = contextlib.nullcontext() if self.precision is None else jax.default_matmul_precision(self.precision)
        with precision:
            weights, optimiser, losses = self._stepped(weights, moments, batches, keys)
        errors = self.validation_errors(weights)
        improved = errors < self.best_errors(state)
        best = jax.tree.map(
            lambda new, old: jnp.where(improved.reshape(-1, *[1] * (new.ndim - 1)), new, old), weights, state.best
        )
        all_errors, all_losses = state.errors.copy(), state.losses.copy()
        all_errors[state.chunk], all_losses[state.chunk] = errors, np.asarray(losses)
        state = TrainState(weights, best, optimiser, state.chunk + 1, all_errors, all_losses, state.memory)
        return state if self.hook is None else self.hook(state, self)

    def _stepped(self, weights: Any, moments: Any, batches: Snapshots, keys: Any) -> tuple[Any, Any, Any]:
        """Take the steps of a chunk with every member."""

        def run(weights: Any, moments: Any, objective: Any, keys: Any) -> tuple[Any, Any, Any]:
            fixed = self.optimiser, self.static, self.pairs, objective, self.objective_axes
            return _compiled_chunk()(*fixed, weights, moments, batches, keys)

        # Products of matrices of several members in one call fall out of a CPU's cache; on a GPU they fill it.
        if self.members == 1 or jax.default_backend() != "cpu" or self.sharded:
            return run(weights, moments, self.objective, keys)
        parts = [
            run(
                _alone(weights, i),
                _alone(moments, i),
                _objective_alone(self.objective, self.objective_axes, i),
                None if keys is None else keys[:, i : i + 1],
            )
            for i in self._numbers()
        ]
        return jax.tree.map(lambda *leaves: jnp.concatenate(leaves), *parts)

    def best_errors(self, state: TrainState) -> Float[np.ndarray, " seeds"]:
        """Lowest validation error of each member among the chunks that may be compared; infinite for none."""
        known = np.nan_to_num(state.errors[: state.chunk], nan=np.inf)
        if self.hook is not None:
            early = np.arange(state.chunk)[:, None] < self.hook.since(state.memory)
            known = np.where(early, np.inf, known)
        return known.min(axis=0, initial=np.inf)

    def member(self, weights: Any, number: int) -> Any:
        """The network of one member."""
        return eqx.combine(jax.tree.map(lambda a: jnp.asarray(a)[number], weights), self.static)

    def validation_errors(self, weights: Any) -> Float[np.ndarray, " seeds"]:
        """Median relative error of each member on the validation snapshots."""
        return np.array([self._validation_error(jax.tree.map(lambda a, i=i: a[i], weights)) for i in self._numbers()])

    @functools.cached_property
    def device_validation(self) -> Snapshots:
        """The validation snapshots as the networks see them."""
        return to_device(self.validation, centred=self.static.origin_free)

    def _numbers(self) -> range:
        """Numbers of the members."""
        return range(self.members)

    def _validation_error(self, weights: Any) -> float:
        """Median relative error of one member on the validation snapshots."""
        model = eqx.combine(weights, self.static)
        predicted = np.asarray(predict(model, self.device_validation, self.pairs), dtype=float)
        return median_error(predicted, self.validation)

    def _batches(self, chunk: int) -> Snapshots:
        """Gather the batches of one chunk on the host; an axis of steps comes first."""
        generator = np.random.default_rng([*self.entropy, chunk])
        shape = (self.chunk, self.batch_size)
        rows = self.sampler.draw(generator, shape[0] * shape[1])
        batch = self.dataset.batch(self.dataset.train[rows])
        if self.shift and not self.static.origin_free:
            moved = generator.normal(0.0, self.shift, (self.chunk, 1, 1, batch.positions.shape[-1]))
            positions = batch.positions.reshape(*shape, *batch.positions.shape[1:]) + moved
            batch = batch._replace(positions=positions.reshape(batch.positions.shape))
        flat = to_device(batch, centred=self.static.origin_free)
        return Snapshots(*(array.reshape(*shape, *array.shape[1:]) for array in flat))

    def _keys(self, chunk: int) -> Key[Array, "steps seeds"] | None:
        """A key for each step of a chunk and each member, if the objective draws anything."""
        if self.key is None:
            return None
        return jax.random.split(jax.random.fold_in(self.key, chunk), (self.chunk, self.members))

    def _shared(self, batches: Snapshots) -> Snapshots:
        """The batches, spread over the devices."""
        if not self.sharded:
            return batches
        return jax.device_put(batches, jax.sharding.NamedSharding(_mesh(), jax.sharding.PartitionSpec(None, "batch")))


_EVERYWHERE = jax.sharding.PartitionSpec()


def _mesh() -> jax.sharding.Mesh:
    """All devices in a row."""
    return jax.sharding.Mesh(np.array(jax.devices()), ("batch",))


def stack_members(models: list[Any]) -> tuple[Any, Any]:
    """Put networks of one shape side by side.

    Args:
        models: The networks.

    Returns:
        What they share, and their arrays with an axis of members first.
    """
    weights = [eqx.filter(model, eqx.is_array) for model in models]
    static = eqx.filter(models[0], eqx.is_array, inverse=True)
    return static, jax.tree.map(lambda *leaves: np.stack(leaves), *weights)


@functools.cache  # one function, so that a second training finds its program
def _compiled_chunk() -> Callable[..., Any]:
    """The compiled form of `_run_chunk`."""
    jit: Any = eqx.filter_jit  # its overloads leave out what it passes on to `jax.jit`
    return jit(_run_chunk, donate="none", compiler_options=_compiler_options())


def _compiler_options() -> dict[str, str | bool]:
    """Options of the compiler that this backend takes and a chunk gains from."""
    # On a CPU the library that fuses products of matrices takes a fifth longer than plain ones do at 64 units. On a
    # GPU trying out kernels for them takes most of the compilation, and those chosen at 64 units are slower by half.
    gains: dict[str, dict[str, str | bool]] = {
        "cpu": {"xla_cpu_experimental_ynn_fusion_type": ""},
        "gpu": {"xla_gpu_enable_triton_gemm": False},
    }
    options = gains.get(jax.default_backend(), {})
    try:
        jax.jit(lambda x: x, compiler_options=options).lower(0.0).compile()
    except jax.errors.JaxRuntimeError:  # another version of the compiler has no such option
        return {}
    return options


def _run_chunk(
    optimiser: optax.GradientTransformation,
    static: Any,
    pairs: PairIndex,
    objective: Any,
    objective_axes: Any,
    weights: Any,
    optimiser_state: Any,
    batches: Snapshots,
    keys: Key[Array, "steps seeds"] | None,
) -> tuple[Any, Any, Float[Array, " seeds"]]:
    """Scan over the steps of a chunk, all members side by side."""

    def slopes_of(trainable: Any, minimised: Any, batch: Snapshots, key: PRNGKeyArray | None) -> Any:
        return jax.value_and_grad(lambda t: minimised(eqx.combine(t, static), batch, pairs, key))(trainable)

    axes = (0, objective_axes, None, None if keys is None else 0)

    def step(carry: tuple[Any, Any], drawn: Any) -> tuple[tuple[Any, Any], Float[Array, " seeds"]]:
        trainable, moments = carry
        values, slopes = jax.vmap(slopes_of, in_axes=axes)(trainable, objective, *drawn)
        updates, moments = jax.vmap(optimiser.update)(slopes, moments, trainable)
        return (optax.apply_updates(trainable, updates), moments), values

    (trained, moments), losses = jax.lax.scan(step, (weights, optimiser_state), (batches, keys))
    return trained, moments, jnp.mean(losses, axis=0)


def _alone(tree: Any, number: int) -> Any:
    """The part of one member, as of a training that has no other."""
    return jax.tree.map(lambda leaf: leaf[number : number + 1], tree)


def _objective_alone(objective: Any, axes: Any, number: int) -> Any:
    """The objective of one member; `axes` says which of its arrays have an axis of members."""
    if axes is None:
        return objective
    return jax.tree.map(
        lambda axis, leaf: leaf if axis is None else _alone(leaf, number), axes, objective, is_leaf=lambda n: n is None
    )
