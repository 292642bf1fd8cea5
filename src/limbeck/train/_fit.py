"""Fit a graph network to accelerations, in compiled chunks of streamed batches.

Batches are gathered on the host for one chunk of steps at a time, so data may be
larger than the device's memory. Every chunk draws its batches from the key and
its own number: a training that starts again from the state after any chunk
gives the same weights as one that never stopped.
"""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, Int, PRNGKeyArray

from limbeck._errors import InputError, TrainingDiverged
from limbeck.graphs import GraphDataset, Snapshots
from limbeck.models import Biases, GraphNetwork, ModelConfig, PairIndex, build_model, measure_scales

from ._config import TrainConfig
from ._loss import loss, predict, relative_errors, typical_size
from ._sampler import Sampler

VALIDATION_SNAPSHOTS = 1_000
MOST_PAIRS = 200_000  # pairs in one evaluation: some 400 MB of hidden units
MOST_GATHERED = 16_000_000  # pairs in the batches of one chunk: 256 MB of edge weights
HOPELESS = 0.9  # share of the error of predicting zero acceleration above which nothing was learnt
MOST_OVERFLOWS = 100
GOAL = 3e-2  # validation error that discovery is content with (house plan, "The main job")
FAR = 3.0  # times the goal: nearer to it, a training is never given up
STALLED = 0.9  # the best error, as a share of what it was in half as many chunks, above which it has ceased to fall


class TrainState(NamedTuple):
    """Everything that training needs to go on after a chunk.

    Attributes:
        weights: Trainable arrays of every seed.
        best: Weights of every seed at its lowest validation error.
        optimiser: State of the optimiser of every seed.
        chunk: Number of finished chunks.
        errors: Validation error of every seed after each chunk; NaN for chunks to come.
        losses: Mean training loss of every seed in each chunk.
    """

    weights: Any
    best: Any
    optimiser: Any
    chunk: int
    errors: Float[np.ndarray, "chunks seeds"]
    losses: Float[np.ndarray, "chunks seeds"]


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedModel:
    """A fitted network with its history.

    Attributes:
        model: The best network on validation data.
        pairs: The pairs it was trained with.
        validation_error: Its median relative error on validation snapshots.
        errors: Validation error after each chunk, by seed.
        losses: Training loss in each chunk, by seed.
        steps: Steps that were taken.
        status: "finished", "stopped early" or "out of time".
    """

    model: GraphNetwork
    pairs: PairIndex
    validation_error: float
    errors: Float[np.ndarray, "chunks seeds"]
    losses: Float[np.ndarray, "chunks seeds"]
    steps: int
    status: str

    def accelerations(self, snapshots: Snapshots) -> Float[np.ndarray, "samples nodes dim"]:
        """Predict accelerations.

        Args:
            snapshots: States in float64.

        Returns:
            The network's accelerations, in float64.
        """
        slab = max(1, MOST_PAIRS // max(len(self.pairs.first), 1))
        parts = []
        for start in range(0, len(snapshots.positions), slab):
            part = Snapshots(*(array[start : start + slab] for array in snapshots))
            device = to_device(part, centred=self.model.biases.origin_free)
            parts.append(np.asarray(predict(self.model, device, self.pairs), dtype=float))
        return np.concatenate(parts)


Progress = Callable[[TrainState, int], bool]  # after each chunk; returning False ends training


def to_device(snapshots: Snapshots, *, centred: bool = False) -> Snapshots:
    """Cast snapshots to the training precision.

    Args:
        snapshots: States in float64.
        centred: Whether positions are first measured from the mean of their snapshot, so that nothing
            is lost in single precision where the origin is far away; for models that can't see the origin.

    Returns:
        The same states as float32 arrays of JAX.
    """
    if centred:
        positions = np.asarray(snapshots.positions)
        snapshots = snapshots._replace(positions=positions - positions.mean(axis=-2, keepdims=True))
    return Snapshots(*(jnp.asarray(array, jnp.float32) for array in snapshots))


def fit(
    dataset: GraphDataset,
    biases: Biases,
    model_config: ModelConfig,
    config: TrainConfig,
    *,
    resume: TrainState | None = None,
    progress: Progress | None = None,
    goal: float = GOAL,
    key: PRNGKeyArray,
) -> TrainedModel:
    """Train a graph network with the given biases.

    A training is given up when much of it is over (`config.patience`) and nothing has been
    learnt, or its error is far from the goal and has ceased to fall.

    Args:
        dataset: Graphs with their parts; only train and validation are used.
        biases: What the network assumes.
        model_config: Size of its functions.
        config: How it is fitted.
        resume: State after some chunk of the same training, to go on from.
        progress: Called after each chunk with the state and the number of chunks.
        goal: Validation error from three times which on a training that no longer improves goes on.
        key: Decides weights and batches.

    Returns:
        The best network on validation data.

    Raises:
        InputError: If the state belongs to a training of another length or number of seeds.
        TrainingDiverged: If the loss of every seed is undefined.
    """
    trainer = _Trainer.prepare(dataset, biases, model_config, config, key)
    state = trainer.start() if resume is None else trainer.checked(resume)
    status = "finished"
    while state.chunk < trainer.n_chunks:
        # Asked before a chunk and not after it, so that a resumed training stops where the first would have.
        if trainer.is_hopeless(state, goal):
            status = "stopped early"
            break
        state = trainer.advance(state)
        if not np.isfinite(state.losses[state.chunk - 1]).any():
            step = state.chunk * trainer.chunk
            raise TrainingDiverged(f"training diverged in step {step}; try a lower train.learning_rate")
        if progress is not None and not progress(state, trainer.n_chunks):
            status = "out of time"
            break
    return trainer.finish(state, status)


def initial_state(
    dataset: GraphDataset, biases: Biases, model_config: ModelConfig, config: TrainConfig, *, key: PRNGKeyArray
) -> TrainState:
    """The state before the first chunk of the training that `fit` would make of the same arguments.

    Args:
        dataset: Graphs with their parts.
        biases: What the network assumes.
        model_config: Size of its functions.
        config: How it is fitted.
        key: Decides weights and batches.

    Returns:
        A state whose structure a stored one can be read into.
    """
    return _Trainer.prepare(dataset, biases, model_config, config, key).start()


@dataclass(frozen=True, kw_only=True, eq=False)
class _Trainer:
    """What stays fixed during one training."""

    dataset: GraphDataset
    config: TrainConfig
    static: GraphNetwork
    initial: Any
    pairs: PairIndex
    optimiser: optax.GradientTransformation
    validation: Snapshots
    device_validation: Snapshots
    floor: Float[Array, ""]
    sampler: Sampler
    entropy: tuple[int, ...]

    @classmethod
    def prepare(
        cls, dataset: GraphDataset, biases: Biases, model_config: ModelConfig, config: TrainConfig, key: PRNGKeyArray
    ) -> "_Trainer":
        """Build the networks of all seeds and the validation batch."""
        scales = measure_scales(dataset)
        keys = jax.random.split(key, config.seeds)
        models = [build_model(biases, model_config, scales, dim=dataset.trajectories.dim, key=k) for k in keys]
        weights = [eqx.filter(model, eqx.is_array) for model in models]
        entropy = tuple(int(word) for word in np.asarray(jax.random.key_data(key)).ravel())
        n_validation = min(VALIDATION_SNAPSHOTS, max(20, MOST_PAIRS // max(len(dataset.pairs.first), 1)))
        validation = dataset.batch(_spread(dataset.validation, n_validation))
        size = _loss_size(np.linalg.norm(validation.targets[validation.targeted()], axis=-1))
        return cls(
            dataset=dataset,
            config=config,
            static=eqx.filter(models[0], eqx.is_array, inverse=True),
            initial=jax.tree.map(lambda *leaves: np.stack(leaves), *weights),
            pairs=PairIndex(*(np.asarray(index, np.int32) for index in (dataset.pairs.first, dataset.pairs.second))),
            optimiser=_optimiser(config),
            validation=validation,
            device_validation=to_device(validation, centred=biases.origin_free),
            floor=jnp.asarray(config.relative * size, jnp.float32),
            sampler=Sampler.prepare(dataset, size),
            entropy=entropy,
        )

    @property
    def n_chunks(self) -> int:
        """Number of chunks of a full training."""
        return -(-self.config.steps // self.chunk)

    @property
    def chunk(self) -> int:
        """Steps of a chunk; no more than the whole training has, nor than memory holds batches of."""
        held = MOST_GATHERED // (self.config.batch_size * max(len(self.dataset.pairs.first), 1))
        return min(self.config.chunk, self.config.steps, max(held, 1))

    def start(self) -> TrainState:
        """The state before the first chunk."""
        blank = np.full((self.n_chunks, self.config.seeds), np.nan)
        optimiser = jax.vmap(self.optimiser.init)(self.initial)
        return TrainState(self.initial, self.initial, optimiser, 0, blank, blank.copy())

    def checked(self, state: TrainState) -> TrainState:
        """Check that a state belongs to this training.

        Returns:
            The same state, its number of chunks a plain one whatever it was stored as.

        Raises:
            InputError: If it has another number of chunks or of seeds.
        """
        expected = (self.n_chunks, self.config.seeds)
        if state.errors.shape != expected:
            raise InputError(f"the state to resume is of {state.errors.shape} chunks and seeds; expected {expected}")
        return state._replace(chunk=int(state.chunk))

    def advance(self, state: TrainState) -> TrainState:
        """Take one chunk of steps and validate."""
        batches = self._batches(state.chunk)
        weights, optimiser, losses = _run_chunk(
            self.optimiser, self.static, self.pairs, state.weights, state.optimiser, batches, self.floor
        )
        seeds = range(self.config.seeds)
        errors = np.array([self._validation_error(jax.tree.map(lambda a, i=i: a[i], weights)) for i in seeds])
        known = np.nan_to_num(state.errors[: state.chunk], nan=np.inf)
        improved = errors < (known.min(axis=0) if state.chunk else np.inf)
        best = jax.tree.map(
            lambda new, old: jnp.where(improved.reshape(-1, *[1] * (new.ndim - 1)), new, old), weights, state.best
        )
        all_errors, all_losses = state.errors.copy(), state.losses.copy()
        all_errors[state.chunk], all_losses[state.chunk] = errors, np.asarray(losses)
        return TrainState(weights, best, optimiser, state.chunk + 1, all_errors, all_losses)

    def _batches(self, chunk: int) -> Snapshots:
        """Gather the batches of one chunk on the host; an axis of steps comes first."""
        generator = np.random.default_rng([*self.entropy, chunk])
        shape = (self.chunk, self.config.batch_size)
        rows = self.sampler.draw(generator, shape[0] * shape[1])
        flat = to_device(self.dataset.batch(self.dataset.train[rows]), centred=self.static.biases.origin_free)
        return Snapshots(*(array.reshape(*shape, *array.shape[1:]) for array in flat))

    def _validation_error(self, weights: Any) -> float:
        """Median relative error of one seed on the validation snapshots."""
        model = eqx.combine(weights, self.static)
        predicted = np.asarray(predict(model, self.device_validation, self.pairs), dtype=float)
        return float(np.median(relative_errors(predicted, self.validation)))

    def is_hopeless(self, state: TrainState, goal: float) -> bool:
        """Whether nothing, or nothing more, is learnt although much of the training is over."""
        if state.chunk < self.config.patience * self.n_chunks:
            return False
        errors = np.min(state.errors[: state.chunk], axis=1)
        best = errors.min()
        stalled = state.chunk > 1 and best > STALLED * errors[: state.chunk // 2].min()
        return bool(best > HOPELESS or (best > FAR * goal and stalled))

    def finish(self, state: TrainState, status: str) -> TrainedModel:
        """Choose the best seed."""
        errors = np.nan_to_num(state.errors[: state.chunk], nan=np.inf)
        seed = int(np.argmin(errors.min(axis=0)))
        return TrainedModel(
            model=eqx.combine(jax.tree.map(lambda a: jnp.asarray(a)[seed], state.best), self.static),
            pairs=self.pairs,
            validation_error=float(errors[:, seed].min()),
            errors=state.errors[: state.chunk],
            losses=state.losses[: state.chunk],
            steps=state.chunk * self.chunk,
            status=status,
        )


def _spread(rows: Int[np.ndarray, "samples 2"], most: int) -> Int[np.ndarray, "some_samples 2"]:
    """At most so many rows, evenly spaced."""
    return rows[:: max(1, -(-len(rows) // most))]


def _loss_size(sizes: Float[np.ndarray, " particles"]) -> float:
    """Acceleration that the loss's floor is a part of: between median and mean, at most three medians."""
    # The median alone would spend a training on the end of a damped motion, where forces of
    # size 1 cancel to a thousandth; the mean alone, on close encounters.
    middle = typical_size(sizes)
    return min(float(np.sqrt(middle * max(float(np.mean(sizes)), middle))), 3.0 * middle)


@functools.cache  # one object for one configuration, so that a second training need not be compiled again
def _optimiser(config: TrainConfig) -> optax.GradientTransformation:
    """Adam with clipped gradients under a one-cycle schedule."""
    schedule = optax.cosine_onecycle_schedule(config.steps, config.learning_rate, config.warmup, 10.0, 1_000.0)
    adam = optax.chain(optax.clip_by_global_norm(config.clip), optax.adam(schedule))
    # A gradient that overflows (two particles all but in one place) is left out, not fatal; many in a row are.
    return optax.apply_if_finite(adam, max_consecutive_errors=MOST_OVERFLOWS)


@eqx.filter_jit(donate="none")
def _run_chunk(
    optimiser: optax.GradientTransformation,
    static: GraphNetwork,
    pairs: PairIndex,
    weights: Any,
    optimiser_state: Any,
    batches: Snapshots,
    floor: Float[Array, ""],
) -> tuple[Any, Any, Float[Array, " seeds"]]:
    """Scan over the steps of a chunk, all seeds side by side."""

    def seed_loss(trainable: Any, batch: Snapshots) -> Float[Array, ""]:
        return loss(eqx.combine(trainable, static), batch, pairs, floor)

    def step(carry: tuple[Any, Any], batch: Snapshots) -> tuple[tuple[Any, Any], Float[Array, " seeds"]]:
        trainable, moments = carry
        values, slopes = jax.vmap(jax.value_and_grad(seed_loss), in_axes=(0, None))(trainable, batch)
        updates, moments = jax.vmap(optimiser.update)(slopes, moments, trainable)
        return (optax.apply_updates(trainable, updates), moments), values

    (weights, optimiser_state), losses = jax.lax.scan(step, (weights, optimiser_state), batches)
    return weights, optimiser_state, jnp.mean(losses, axis=0)
