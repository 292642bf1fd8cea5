"""Find how many components a message needs: remove them until the error leaves its plateau, and step back.

Each member goes through this at its own pace, on the steps that all share. The settings, and the rule in
words, are those of `DimensionSearch`.
"""

from dataclasses import dataclass
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from limbeck.graphs import Snapshots
from limbeck.models import MessageNetwork, PairIndex

from ._chunks import Trainer
from ._pruning import DimensionSearch, keep_largest, take_members, with_masks
from ._state import TrainState

UNKNOWN = -1


class DimensionMemory(NamedTuple):
    """What the search keeps from chunk to chunk.

    Attributes:
        kept: Components of each member that were left after each chunk; -1 for chunks to come.
        since: Chunk from which on each member has had its present mask.
        plateau: Lowest validation error of each member so far.
        single: Whether each member now loses one component at a time.
        done: Whether the search of each member is over.
        dimension: What it found, or `UNKNOWN`.
        saved: Weights and optimiser of each member before its last removal.
    """

    kept: Int[np.ndarray, "chunks seeds"]
    since: Int[np.ndarray, " seeds"]
    plateau: Float[np.ndarray, " seeds"]
    single: Bool[np.ndarray, " seeds"]
    done: Bool[np.ndarray, " seeds"]
    dimension: Int[np.ndarray, " seeds"]
    saved: Any


@dataclass(frozen=True, kw_only=True, eq=False)
class PlateauPruning:
    """The search, as a hook of training.

    Attributes:
        settings: Its settings.
    """

    settings: DimensionSearch

    def start(self, state: TrainState) -> DimensionMemory:
        """Memory before the first chunk."""
        n_chunks, members = state.errors.shape
        return DimensionMemory(
            kept=np.full((n_chunks, members), UNKNOWN),
            since=np.zeros(members, int),
            plateau=np.full(members, np.inf),
            single=np.zeros(members, bool),
            done=np.zeros(members, bool),
            dimension=np.full(members, UNKNOWN),
            saved=(state.weights, state.optimiser),
        )

    def since(self, memory: DimensionMemory) -> Int[np.ndarray, " seeds"]:
        """Chunk from which on each member has had its present mask."""
        return memory.since

    def __call__(self, state: TrainState, trainer: Trainer) -> TrainState:
        """Judge the last removal of each member, then remove more, step back, or wait."""
        memory = _copied(state.memory)
        recent = trainer.best_errors(state)  # with the present mask
        on_plateau = recent <= np.minimum(self.settings.factor * memory.plateau, self.settings.worst)
        memory.plateau[:] = np.minimum(memory.plateau, recent)
        over = state.chunk >= self.settings.end * trainer.n_chunks
        removing = on_plateau & ~memory.done & (state.chunk >= self.settings.begin * trainer.n_chunks)
        waited = state.chunk - memory.since >= self.settings.recovery
        finite = np.isfinite(state.errors[state.chunk - 1])  # divergence is no edge
        # What was not removed can't be taken back: a slow learner goes on learning.
        back = ~memory.done & ~on_plateau & (waited | over) & ((_lost(state) > 0) | ~finite)
        if over:
            removing[:] = False
        state = self._step_back(state._replace(memory=memory), back, finite & waited)
        state = self._remove(state, trainer, removing)
        memory = state.memory
        memory.done[:] |= over
        memory.kept[state.chunk - 1] = np.asarray(state.weights.mask).sum(axis=1)
        return state

    def _step_back(
        self, state: TrainState, back: Bool[np.ndarray, " seeds"], tried: Bool[np.ndarray, " seeds"]
    ) -> TrainState:
        """Restore the members that left the plateau; losing one component, they have found its edge."""
        if not back.any():
            return state
        memory = state.memory
        saved, moments = memory.saved
        found = back & tried & (_lost(state) == 1)
        memory.dimension[found] = np.asarray(saved.mask).sum(axis=1)[found]
        memory.done[found] = True
        memory.single[back] = True
        memory.since[back] = state.chunk
        weights = take_members(back, saved, state.weights)
        # Counts of steps go on, or the learning rate would start again; moments belong to the weights.
        optimiser = jax.tree.map(
            lambda now, then: take_members(back, then, now) if jnp.issubdtype(now.dtype, jnp.floating) else now,
            state.optimiser,
            moments,
        )
        best = take_members(back, weights, state.best)
        return state._replace(weights=weights, optimiser=optimiser, best=best, memory=memory)

    def _remove(self, state: TrainState, trainer: Trainer, removing: Bool[np.ndarray, " seeds"]) -> TrainState:
        """Save the members that are on the plateau, and take components from them."""
        memory, masks = state.memory, np.array(state.weights.mask)
        if not removing.any():
            return state
        saved = take_members(removing, (state.weights, state.optimiser), memory.saved)
        for member in np.flatnonzero(removing):
            count = int(masks[member].sum())
            if count == 0:
                memory.dimension[member], memory.done[member] = 0, True
                continue
            left = count - 1 if memory.single[member] or count <= self.settings.few else count // 2
            costs = removal_costs(trainer.member(state.weights, int(member)), trainer.device_validation, trainer.pairs)
            masks[member] = keep_largest(np.asarray(costs, dtype=float), masks[member], left)
            memory.since[member] = state.chunk
        return with_masks(state._replace(memory=memory._replace(saved=saved)), masks)


def _lost(state: TrainState) -> Float[np.ndarray, " seeds"]:
    """Components that each member's last removal took."""
    saved, _ = state.memory.saved
    return np.asarray(saved.mask).sum(axis=1) - np.asarray(state.weights.mask).sum(axis=1)


def _copied(memory: DimensionMemory) -> DimensionMemory:
    """The same memory in arrays that may be written to: the state before a chunk stays as it was."""
    arrays = {name: np.array(value) for name, value in memory._asdict().items() if name != "saved"}
    return memory._replace(**arrays)


@eqx.filter_jit
def removal_costs(model: MessageNetwork, snapshots: Snapshots, pairs: PairIndex) -> Float[Array, " message_dim"]:
    """Mean absolute error of the acceleration without each component.

    Args:
        model: The network.
        snapshots: Validation states, as the network sees them.
        pairs: Their pairs.

    Returns:
        One error for each component that is removed, all others kept.
    """
    statistics = model.edge_statistics(snapshots, pairs)

    def without(component: Int[Array, ""]) -> Float[Array, ""]:
        kept = jnp.arange(model.message_dim) != component
        messages = statistics._replace(forward=statistics.forward * kept, backward=statistics.backward * kept)
        errors = jnp.sum(jnp.abs(model.predict(snapshots, messages, pairs) - snapshots.targets), axis=-1)
        return jnp.sum(errors * snapshots.weights)

    return jax.lax.map(without, jnp.arange(model.message_dim))
