"""Train message networks: all seeds and penalties of one shape side by side."""

from dataclasses import dataclass

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from limbeck.graphs import GraphDataset, Snapshots
from limbeck.models import (
    HamiltonianNetwork,
    MessageConfig,
    MessageNetwork,
    PairIndex,
    build_message_network,
    measure_scales,
)

from ._chunks import Trainer, stack_members
from ._dimension import DimensionMemory, PlateauPruning
from ._evaluate import accelerations_of, entropy_of, pair_index, validation_batch
from ._loss import typical_size
from ._message_loss import MessageObjective
from ._penalty import penalty_factor
from ._pruning import DimensionSearch, ScheduledPruning
from ._recipe import Recipe
from ._sampler import Sampler
from ._state import Progress, TrainState

_SAMPLING_STREAM = 1  # of the key: what objectives draw is independent of weights and batches


@dataclass(frozen=True, kw_only=True, eq=False)
class TrainedMessages:
    """Fitted networks with their history; members are seeds within penalties.

    Attributes:
        model: The member with the lowest validation error.
        models: All members at their best: a network whose arrays have an axis of members first.
        pairs: The pairs they were trained with.
        best_member: Number of `model` among them.
        penalties: Weight of the message penalty of each member.
        member_errors: Median relative error of each member at its best on validation snapshots.
        errors: Validation error after each chunk, by member; where pruning goes on, also of what is pruned later.
        losses: Mean of what was minimised in each chunk, by member, penalties included.
        kept: Components of the message after each chunk, by member.
        dimensions: What a search of the dimension found for each member, None where it found no edge
            of the plateau; empty where there was no search.
        steps: Steps that were taken.
        status: "finished" or "out of time".
    """

    model: MessageNetwork | HamiltonianNetwork
    models: MessageNetwork | HamiltonianNetwork
    pairs: PairIndex
    best_member: int
    penalties: tuple[float, ...]
    member_errors: Float[np.ndarray, " seeds"]
    errors: Float[np.ndarray, "chunks seeds"]
    losses: Float[np.ndarray, "chunks seeds"]
    kept: Int[np.ndarray, "chunks seeds"]
    dimensions: tuple[int | None, ...]
    steps: int
    status: str

    @property
    def validation_error(self) -> float:
        """Median relative error of `model` on validation snapshots."""
        return float(self.member_errors[self.best_member])

    def member(self, number: int) -> MessageNetwork | HamiltonianNetwork:
        """The network of one member.

        Args:
            number: Which; seeds within penalties.

        Returns:
            The network at its best.
        """
        arrays, static = eqx.partition(self.models, eqx.is_array)
        return eqx.combine(jax.tree.map(lambda a: a[number], arrays), static)

    def accelerations(self, snapshots: Snapshots) -> Float[np.ndarray, "samples nodes dim"]:
        """Predict accelerations with the best member.

        Args:
            snapshots: States in float64.

        Returns:
            The network's accelerations, in float64; nothing is sampled.
        """
        return accelerations_of(self.model, snapshots, self.pairs)


def fit_messages(
    dataset: GraphDataset,
    message_config: MessageConfig,
    recipe: Recipe,
    *,
    resume: TrainState | None = None,
    progress: Progress | None = None,
    key: PRNGKeyArray,
) -> TrainedMessages:
    """Train message networks of one form.

    Args:
        dataset: Graphs with their parts; only train and validation are used.
        message_config: Form of the networks.
        recipe: How they are trained.
        resume: State after some chunk of the same training, to go on from.
        progress: Called after each chunk with the state and the number of chunks.
        key: Decides weights, batches and noise.

    Returns:
        Every member, and the best on validation data.

    Raises:
        InputError: If form, recipe and data do not fit together, or the state to another training.
        TrainingDiverged: If the loss of every member is undefined.
    """
    trainer = message_trainer(dataset, message_config, recipe, key=key)
    return train_members(trainer, recipe.message_penalties(message_config.size), resume=resume, progress=progress)


def train_members(
    trainer: Trainer,
    penalties: tuple[float, ...] = (0.0,),
    *,
    resume: TrainState | None = None,
    progress: Progress | None = None,
) -> TrainedMessages:
    """Take all steps of a training that `message_trainer` or `hamiltonian_trainer` prepared.

    Args:
        trainer: What stays fixed.
        penalties: Weight of the message penalty of each group of seeds.
        resume: State after some chunk of the same training, to go on from.
        progress: Called after each chunk with the state and the number of chunks.

    Returns:
        Every member, and the best on validation data.

    Raises:
        InputError: If the state belongs to another training.
        TrainingDiverged: If the loss of every member is undefined.
    """
    state = trainer.start() if resume is None else trainer.checked(resume)
    state, status = trainer.run(state, progress)
    return _finished(trainer, penalties, state, status)


def message_trainer(
    dataset: GraphDataset, message_config: MessageConfig, recipe: Recipe, *, key: PRNGKeyArray
) -> Trainer:
    """What stays fixed in the training that `fit_messages` makes of the same arguments.

    Args:
        dataset: Graphs with their parts.
        message_config: Form of the networks.
        recipe: How they are trained.
        key: Decides weights, batches and noise.

    Returns:
        The trainer; its `start()` has the structure that a stored state can be read into.

    Raises:
        InputError: If form, recipe and data do not fit together.
    """
    dim, scales = dataset.trajectories.dim, measure_scales(dataset)
    penalties, keys = recipe.message_penalties(message_config.size), jax.random.split(key, recipe.seeds)
    models = [build_message_network(message_config, scales, dim, key=k) for k in keys]
    static, initial = stack_members(models * len(penalties))
    validation = validation_batch(dataset)
    size = typical_size(np.linalg.norm(validation.targets[validation.targeted()], axis=-1))
    factor = penalty_factor(
        recipe.penalty_scale,
        batch_size=recipe.batch_size,
        n_nodes=dataset.trajectories.n_nodes,
        message_dim=message_config.components(dim),
    )
    objective = MessageObjective.prepare(
        recipe, scales, message_config, np.repeat(penalties, recipe.seeds) * factor, size
    )
    devices = len(jax.devices())
    return Trainer(
        dataset=dataset,
        steps=recipe.steps,
        batch_size=recipe.batch_size,
        longest_chunk=recipe.chunk,
        static=static,
        initial=initial,
        pairs=pair_index(dataset),
        optimiser=recipe.optimiser(),
        objective=objective,
        objective_axes=objective.axes(),
        validation=validation,
        sampler=Sampler.prepare(dataset, size, even_share=0.5 if recipe.sampling == "even" else 0.0),
        entropy=entropy_of(key),
        key=jax.random.fold_in(key, _SAMPLING_STREAM) if message_config.size == "kl" else None,
        shift=recipe.translation(message_config.features, scales.position),
        precision=None if recipe.precision == "default" else recipe.precision,
        sharded=devices > 1 and recipe.batch_size % devices == 0,
        hook=_hook(dataset, message_config, recipe),
    )


def _hook(
    dataset: GraphDataset, message_config: MessageConfig, recipe: Recipe
) -> ScheduledPruning | PlateauPruning | None:
    """What happens between chunks."""
    if message_config.size != "pruning":
        return None
    if isinstance(recipe.pruning, DimensionSearch):
        return PlateauPruning(settings=recipe.pruning)
    components = message_config.components(dataset.trajectories.dim)
    return ScheduledPruning.prepare(recipe.pruning, dataset, components)


def _finished(trainer: Trainer, penalties: tuple[float, ...], state: TrainState, status: str) -> TrainedMessages:
    """Choose the best member and put the history together."""
    errors = trainer.best_errors(state)
    # A mask that changed after the last validation has no error yet.
    unknown = np.isinf(errors)
    if unknown.any():
        errors = np.where(unknown, trainer.validation_errors(state.best), errors)
    best = int(np.argmin(errors))
    done, seeds = state.chunk, trainer.members // len(penalties)
    components = getattr(trainer.static, "message_dim", trainer.dataset.trajectories.dim)  # else a force in space
    kept = np.full((done, trainer.members), components)
    dimensions: tuple[int | None, ...] = ()
    if trainer.hook is not None:
        kept = state.memory.kept[:done]
    if isinstance(state.memory, DimensionMemory):
        dimensions = tuple(int(found) if found >= 0 else None for found in state.memory.dimension)
    return TrainedMessages(
        model=trainer.member(state.best, best),
        models=eqx.combine(jax.tree.map(jnp.asarray, state.best), trainer.static),
        pairs=trainer.pairs,
        best_member=best,
        penalties=tuple(float(p) for p in np.repeat(penalties, seeds)),
        member_errors=errors,
        errors=state.errors[:done],
        losses=state.losses[:done],
        kept=kept,
        dimensions=dimensions,
        steps=done * trainer.chunk,
        status=status,
    )
