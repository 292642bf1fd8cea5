"""Graphs: who acts on whom at one moment, batched for a network.

A `Snapshots` holds states of the same set of node slots, with the pairs listed
once (`first < second`) and a weight for each direction, so that a complete
graph, a user's edges and a cut-off radius are the same thing to a model, and a
reciprocal message is computed once for both ends.
"""

from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int


class PairList(NamedTuple):
    """The pairs that may interact, and in which direction.

    Attributes:
        first: Node that stands first in each pair.
        second: Node that stands second.
        forward: 1 where the second acts on the first, else 0; one row, or one for each system.
        backward: 1 where the first acts on the second.
    """

    first: Int[np.ndarray, " pairs"]
    second: Int[np.ndarray, " pairs"]
    forward: Float[np.ndarray, "systems pairs"]
    backward: Float[np.ndarray, "systems pairs"]


class Snapshots(NamedTuple):
    """A batch of states with the weights of their edges; any array library.

    Attributes:
        positions: Positions (samples nodes dim).
        velocities: Velocities (samples nodes dim).
        attributes: Properties offered to the model (samples nodes variables).
        forward: Weight of the second's action on the first (samples pairs).
        backward: Weight of the first's action on the second (samples pairs).
        targets: Accelerations, 0 where there is none (samples nodes dim).
        weights: 1 for a target, 0 where there is none (samples nodes).
    """

    positions: Any
    velocities: Any
    attributes: Any
    forward: Any
    backward: Any
    targets: Any
    weights: Any

    def targeted(self) -> Bool[np.ndarray, "samples nodes"]:
        """Which particles have a target, as a mask for indexing."""
        return np.asarray(self.weights) > 0
