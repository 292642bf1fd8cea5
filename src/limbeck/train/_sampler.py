"""Which snapshots a training sees: half as they come, half evenly over the size of the acceleration.

Close encounters are rare and carry the steep end of a force; the start of a damped
motion is short and carries most of it. Drawn as they come, both would hardly be seen.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from limbeck.graphs import GraphDataset

EVEN_SHARE = 0.5
RANGE = (0.05, 1.0)  # quantiles of the size between which draws are even


@dataclass(frozen=True, kw_only=True, eq=False)
class Sampler:
    """Draws rows of the training part.

    Attributes:
        order: Training rows by the size of their largest acceleration.
        logs: Logarithm of that size, in the same order.
        even_share: Part of the draws that is even over that size.
    """

    order: Int[np.ndarray, " samples"]
    logs: Float[np.ndarray, " samples"]
    even_share: float

    @classmethod
    def prepare(cls, dataset: GraphDataset, size: float, *, even_share: float = EVEN_SHARE) -> "Sampler":
        """Order the training snapshots by their largest acceleration.

        Args:
            dataset: The graphs.
            size: Typical acceleration; a thousandth of it counts as none.
            even_share: Part of the draws that is even over the size; the others are as they come.

        Returns:
            A sampler.
        """
        t, rows = dataset.trajectories, dataset.train
        largest = np.zeros(len(rows))
        for start in range(0, len(rows), 100_000):
            system, time = rows[start : start + 100_000].T
            squares = np.sum(t.accelerations[system, time] ** 2, axis=-1)
            largest[start : start + 100_000] = np.sqrt(np.max(np.nan_to_num(squares), axis=-1))
        logs = np.log(np.maximum(largest, 1e-3 * size))
        order = np.argsort(logs, kind="stable")
        return cls(order=order, logs=logs[order], even_share=even_share)

    def draw(self, generator: np.random.Generator, count: int) -> Int[np.ndarray, " count"]:
        """Draw training rows, with replacement.

        Args:
            generator: Source of randomness.
            count: How many.

        Returns:
            Numbers of rows of the training part, in random order.
        """
        n_even = int(self.even_share * count)
        low, high = np.quantile(self.logs, RANGE)
        wanted = generator.uniform(low, high, n_even)
        places = np.searchsorted(self.logs, wanted)
        # Equal sizes share a place: spread draws over neighbours, so that one row does not stand for all.
        places = np.clip(places + generator.integers(-8, 9, n_even), 0, len(self.order) - 1)
        common = generator.integers(len(self.order), size=count - n_even)
        return generator.permutation(np.concatenate([self.order[places], common]))
