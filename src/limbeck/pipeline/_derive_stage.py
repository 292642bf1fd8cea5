"""Noisy positions derived once more with a network's help.

Accelerations from positions alone lack what smoothing takes away of the motion. A network that was trained on them
knows most of it, as other particles at other times taught it; beyond what it explains there is little left to smooth.
"""

from dataclasses import replace

import numpy as np

from limbeck.graphs import GraphDataset
from limbeck.train import TrainedModel
from limbeck.trajectories import derived_beyond


def derived_with(dataset: GraphDataset, trained: TrainedModel) -> GraphDataset | None:
    """Derive everything that was derived from noisy positions once more, beyond what a network explains.

    Args:
        dataset: The data.
        trained: The network trained on them.

    Returns:
        The same data with closer positions, velocities and accelerations; None where positions were not smoothed.
    """
    beyond = derived_beyond(dataset.trajectories, _explained(dataset, trained))
    return None if beyond is None else replace(dataset, trajectories=beyond)


def _explained(dataset: GraphDataset, trained: TrainedModel) -> np.ndarray:
    """The network's accelerations at every snapshot."""
    t = dataset.trajectories
    result = np.zeros_like(t.positions)
    rows = np.argwhere(t.present.any(axis=2))
    result[tuple(rows.T)] = trained.accelerations(dataset.batch(rows))
    return result
