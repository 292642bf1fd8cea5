"""Masking components of the message while a network trains: on a schedule, towards a known number of them.

`DimensionSearch`, which needs no such number, has its settings here and its work in `_dimension.py`.
"""

from dataclasses import dataclass
from math import ceil, cos, exp, pi
from typing import Any, NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from limbeck._errors import InputError
from limbeck.graphs import GraphDataset, Snapshots
from limbeck.models import PairIndex

from ._chunks import Trainer
from ._evaluate import MOST_PAIRS, to_device
from ._state import TrainState

PRUNING_SCHEDULES = ("linear", "exponential", "cosine")
DECAY = 3.0  # k of the exponential schedule


@dataclass(frozen=True, kw_only=True)
class Pruning:
    """Components are masked on a schedule, from the first chunk on.

    Source: the thesis, section 2.6; its equation 23 is misprinted and corrected here.

    Attributes:
        schedule: "linear", "exponential" or "cosine".
        end: Fraction of the training at which the last component goes; .65, .75 and .85 there.
        dimension: Components that are left; 0 is the dimension of space.
        graphs: Validation graphs over which standard deviations are taken.
    """

    schedule: str = "cosine"
    end: float = 0.65
    dimension: int = 0
    graphs: int = 10_240

    def __post_init__(self) -> None:
        """Check choice and ranges.

        Raises:
            InputError: If one is wrong.
        """
        if self.schedule not in PRUNING_SCHEDULES:
            names = ", ".join(PRUNING_SCHEDULES)
            raise InputError(f"unknown pruning schedule {self.schedule!r}: choose one of {names}")
        if not 0 < self.end < 1:
            raise InputError(f"pruning.end must lie between 0 and 1; got {self.end}")
        if self.dimension < 0 or self.graphs < 1:
            raise InputError("pruning.dimension must not be negative, and pruning.graphs at least 1")


@dataclass(frozen=True, kw_only=True)
class DimensionSearch:
    """Components are removed until the validation error leaves its plateau.

    After `begin` of the training, the components whose removal costs least go: half of them while more
    than `few` are left, then one at a time. The network then has `recovery` chunks to come back to the
    plateau, an error of at most `factor` times the lowest so far. If it does, the next ones go; if it
    doesn't, weights and mask are those of before, and their number is the dimension. With a learning
    rate that holds until `end` and falls then, the network that is left is trained to the end.

    Attributes:
        begin: Fraction of the training before the first removal.
        end: Fraction at which a search that has found no edge is given up, without a dimension.
        factor: Height of the plateau's edge over the lowest validation error so far.
        worst: Validation error above which no network is on a plateau: one that has learnt little
            loses little, whatever is removed.
        recovery: Chunks that a removal has to be made good.
        few: Components up to which one is removed at a time.
    """

    begin: float = 0.2
    end: float = 0.7
    factor: float = 2.0
    worst: float = 0.5
    recovery: int = 3
    few: int = 6

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            InputError: If one is wrong.
        """
        if not 0 < self.begin < self.end < 1:
            raise InputError(f"begin {self.begin} and end {self.end} of a search must rise between 0 and 1")
        if not self.factor > 1 or not self.worst > 0 or self.recovery < 1 or self.few < 1:
            raise InputError("a search needs a factor above 1, a positive worst, and recovery and few of at least 1")


class PruningMemory(NamedTuple):
    """What pruning keeps from chunk to chunk.

    Attributes:
        kept: Components of each member that were left after each chunk; -1 for chunks to come.
        since: Chunk from which on each member has had its present mask.
    """

    kept: Int[np.ndarray, "chunks seeds"]
    since: Int[np.ndarray, " seeds"]


def pruned_share(schedule: str, progress: float) -> float:
    """Part of the components to be pruned that is gone.

    Linear: p. Exponential: (1 - exp(-k p))/(1 - exp(-k)), k = 3. Cosine: (1 - cos(π p))/2.

    Args:
        schedule: Name in `PRUNING_SCHEDULES`.
        progress: Time over the time at which pruning ends; 1 after it.

    Returns:
        A number from 0 to 1.
    """
    p = min(progress, 1.0)
    if schedule == "linear":
        return p
    if schedule == "exponential":
        return (1.0 - exp(-DECAY * p)) / (1.0 - exp(-DECAY))
    return 1.0 - 0.5 * (1.0 + cos(pi * p))


@dataclass(frozen=True, kw_only=True, eq=False)
class ScheduledPruning:
    """Removes the components of least standard deviation after each chunk.

    Attributes:
        settings: The schedule.
        message_dim: Components at the start.
        dimension: Components at the end.
        snapshots: Validation snapshots, on the host.
    """

    settings: Pruning
    message_dim: int
    dimension: int
    snapshots: Snapshots

    @classmethod
    def prepare(cls, settings: Pruning, dataset: GraphDataset, message_dim: int) -> "ScheduledPruning":
        """Gather validation snapshots.

        Args:
            settings: The schedule.
            dataset: The graphs.
            message_dim: Components at the start.

        Returns:
            A hook of training.

        Raises:
            InputError: If more components are to be left than there are.
        """
        dimension = settings.dimension or dataset.trajectories.dim
        if dimension > message_dim:
            raise InputError(f"pruning to {dimension} components needs as many; message_dim is {message_dim}")
        rows = dataset.validation
        snapshots = dataset.batch(rows[:: max(1, -(-len(rows) // settings.graphs))])
        return cls(settings=settings, message_dim=message_dim, dimension=dimension, snapshots=snapshots)

    def start(self, state: TrainState) -> PruningMemory:
        """Memory before the first chunk.

        Returns:
            The memory.

        Raises:
            InputError: If no chunk is left after the last removal.
        """
        n_chunks, members = state.errors.shape
        if ceil(self.settings.end * n_chunks) >= n_chunks:
            raise InputError(
                f"pruning ends after {self.settings.end:g} of {n_chunks} chunks, with none left to train in: "
                "choose more steps, a smaller chunk or an earlier end"
            )
        return PruningMemory(np.full((n_chunks, members), -1), np.zeros(members, int))

    def since(self, memory: PruningMemory) -> Int[np.ndarray, " seeds"]:
        """Chunk from which on each member has had its present mask."""
        return memory.since

    def left(self, chunk: int, n_chunks: int) -> int:
        """Components that are left after so many chunks."""
        share = pruned_share(self.settings.schedule, chunk / (self.settings.end * n_chunks))
        return self.message_dim - ceil((self.message_dim - self.dimension) * share - 1e-9)

    def __call__(self, state: TrainState, trainer: Trainer) -> TrainState:
        """Mask what the schedule asks for."""
        masks, left = np.array(state.weights.mask), self.left(state.chunk, trainer.n_chunks)
        kept, since = state.memory.kept.copy(), state.memory.since.copy()
        for member, mask in enumerate(masks):
            if mask.sum() > left:
                spread = message_deviations(trainer.member(state.weights, member), self.snapshots, trainer.pairs)
                masks[member] = keep_largest(spread, mask, left)
                since[member] = state.chunk
        kept[state.chunk - 1] = masks.sum(axis=1)
        state = state._replace(memory=PruningMemory(kept, since))
        return with_masks(state, masks)


def with_masks(state: TrainState, masks: Float[np.ndarray, "seeds message_dim"]) -> TrainState:
    """Put masks into a state; where one changed, the best weights are the present ones.

    Args:
        state: A state.
        masks: The masks.

    Returns:
        The state to go on with.
    """
    changed = np.any(masks != np.asarray(state.weights.mask), axis=1)
    weights = eqx.tree_at(lambda w: w.mask, state.weights, jnp.asarray(masks, jnp.float32))
    best = take_members(changed, weights, state.best)
    return state._replace(weights=weights, best=best)


def take_members(chosen: np.ndarray, one: Any, other: Any) -> Any:
    """Members of one tree where they are chosen, of another elsewhere.

    Args:
        chosen: One truth value for each member.
        one: Arrays with an axis of members first.
        other: The same of others.

    Returns:
        A tree of the same structure.
    """
    return jax.tree.map(lambda a, b: jnp.where(chosen.reshape(-1, *[1] * (a.ndim - 1)), a, b), one, other)


def message_deviations(model: Any, snapshots: Snapshots, pairs: PairIndex) -> Float[np.ndarray, " message_dim"]:
    """Standard deviation of each component over all directed edges that act.

    Args:
        model: A message network.
        snapshots: States on the host.
        pairs: Their pairs.

    Returns:
        One number for each component; 0 for one that is masked.
    """
    slab, sums = max(1, MOST_PAIRS // max(len(pairs.first), 1)), np.zeros((2, model.message_dim))
    count = 0.0
    for start in range(0, len(snapshots.positions), slab):
        part = to_device(Snapshots(*(array[start : start + slab] for array in snapshots)), centred=model.origin_free)
        messages = np.asarray(_edge_messages(model, part, pairs), dtype=float)
        weights = np.stack([np.asarray(part.forward), np.asarray(part.backward)])[..., None]
        sums += [np.sum(weights * messages**k, axis=(0, 1, 2)) for k in (1, 2)]
        count += float(weights.sum())
    mean, square = sums / max(count, 1.0)
    return np.sqrt(np.maximum(square - mean**2, 0.0))


@eqx.filter_jit
def _edge_messages(model: Any, snapshots: Snapshots, pairs: PairIndex) -> Any:
    """Messages of both directions."""
    return jnp.stack(model.edge_messages(snapshots, pairs))


def keep_largest(
    values: Float[np.ndarray, " message_dim"], mask: Float[np.ndarray, " message_dim"], count: int
) -> Float[np.ndarray, " message_dim"]:
    """Mask of the so many components with the largest values among those that are kept.

    Args:
        values: One number for each component.
        mask: Those that are kept now.
        count: How many to keep.

    Returns:
        The new mask.
    """
    order = np.argsort(np.where(mask > 0, values, -np.inf), kind="stable")
    new = np.zeros_like(mask)
    new[order[len(order) - count :]] = 1.0
    return new * mask
