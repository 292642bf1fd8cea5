"""What training carries from chunk to chunk, and what it asks of its parts."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float, Int

if TYPE_CHECKING:
    from ._chunks import Trainer


class TrainState(NamedTuple):
    """Everything that training needs to go on after a chunk.

    Attributes:
        weights: Trainable arrays of every seed.
        best: Weights of every seed at its lowest validation error.
        optimiser: State of the optimiser of every seed.
        chunk: Number of finished chunks.
        errors: Validation error of every seed after each chunk; NaN for chunks to come.
        losses: Mean training loss of every seed in each chunk.
        memory: What a hook keeps from chunk to chunk.
    """

    weights: Any
    best: Any
    optimiser: Any
    chunk: int
    errors: Float[np.ndarray, "chunks seeds"]
    losses: Float[np.ndarray, "chunks seeds"]
    memory: Any = ()


Progress = Callable[[TrainState, int], bool]  # after each chunk; returning False ends training


@runtime_checkable
class Hook(Protocol):
    """What may change a state between two chunks, as pruning does."""

    def start(self, state: TrainState) -> Any:
        """Memory before the first chunk, of a state that has none."""
        ...

    def since(self, memory: Any) -> Int[np.ndarray, " seeds"]:
        """Chunk from which on the errors of each member are comparable with those to come."""
        ...

    def __call__(self, state: TrainState, trainer: "Trainer") -> TrainState:
        """The state to go on with."""
        ...
