"""Fit a graph network with biases of form to accelerations.

What is minimised, when a training is given up and which seed is kept; the
compiled loop itself is in `_chunks.py`.
"""

import functools
from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import optax
from jaxtyping import Array, Float, PRNGKeyArray

from limbeck.graphs import GraphDataset, Snapshots
from limbeck.models import Biases, ForceNetwork, GraphNetwork, ModelConfig, PairIndex, build_model, measure_scales

from ._chunks import Trainer, stack_members
from ._config import TrainConfig
from ._evaluate import accelerations_of, entropy_of, pair_index, validation_batch
from ._loss import loss, typical_size
from ._sampler import Sampler
from ._state import Progress, TrainState

HOPELESS = 0.9  # share of the error of predicting zero acceleration above which nothing was learnt
MOST_OVERFLOWS = 100
MOST_PAIRS = 16_384  # of a step: more of them teach it little more, and fifty particles have a thousand a snapshot
GOAL = 3e-2  # validation error that discovery is content with (house plan, "The main job")
FAR = 3.0  # times the goal: nearer to it, a training is never given up
STALLED = 0.9  # the best error, as a share of what it was in half as many chunks, above which it has ceased to fall


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedModel:
    """A fitted network with its history.

    Attributes:
        model: The best network on validation data, or a published one that is read as forces.
        pairs: The pairs it was trained with.
        validation_error: Its median relative error on validation snapshots.
        errors: Validation error after each chunk, by seed.
        losses: Training loss in each chunk, by seed.
        steps: Steps that were taken.
        status: "finished", "stopped early" or "out of time".
    """

    model: GraphNetwork | ForceNetwork
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
        return accelerations_of(self.model, snapshots, self.pairs)


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
    return trainer.finish(*trainer.run(state, progress, lambda reached: trainer.is_hopeless(reached, goal)))


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


def _batch_size(config: TrainConfig, dataset: GraphDataset) -> int:
    """Snapshots in each step: where each holds many pairs, fewer teach as much."""
    return max(1, min(config.batch_size, MOST_PAIRS // max(len(dataset.pairs.first), 1)))


class _RelativeLoss(eqx.Module):
    """What `fit` minimises.

    Attributes:
        floor: Acceleration below which errors count absolutely [length/time²].
    """

    floor: Float[Array, ""]

    def __call__(
        self, model: GraphNetwork, snapshots: Snapshots, pairs: PairIndex, key: PRNGKeyArray | None
    ) -> Float[Array, ""]:
        """Relative error of a batch; nothing is drawn."""
        assert key is None
        return loss(model, snapshots, pairs, self.floor)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Trainer(Trainer):
    """The training of a graph network with biases."""

    config: TrainConfig

    @classmethod
    def prepare(
        cls, dataset: GraphDataset, biases: Biases, model_config: ModelConfig, config: TrainConfig, key: PRNGKeyArray
    ) -> "_Trainer":
        """Build the networks of all seeds and the validation batch."""
        scales = measure_scales(dataset)
        keys = jax.random.split(key, config.seeds)
        models = [build_model(biases, model_config, scales, dim=dataset.trajectories.dim, key=k) for k in keys]
        static, initial = stack_members(models)
        validation = validation_batch(dataset)
        size = _loss_size(np.linalg.norm(validation.targets[validation.targeted()], axis=-1))
        return cls(
            dataset=dataset,
            config=config,
            steps=config.steps,
            batch_size=_batch_size(config, dataset),
            longest_chunk=config.chunk,
            static=static,
            initial=initial,
            pairs=pair_index(dataset),
            optimiser=_optimiser(config),
            objective=_RelativeLoss(jnp.asarray(config.relative * size, jnp.float32)),
            validation=validation,
            sampler=Sampler.prepare(dataset, size),
            entropy=entropy_of(key),
        )

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
            model=self.member(state.best, seed),
            pairs=self.pairs,
            validation_error=float(errors[:, seed].min()),
            errors=state.errors[: state.chunk],
            losses=state.losses[: state.chunk],
            steps=state.chunk * self.chunk,
            status=status,
        )


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
