"""How far off a perfect law would be, for the noise of the accelerations."""

import numpy as np

from limbeck.graphs import GraphDataset
from limbeck.trajectories import acceleration_noise, rederived_accelerations

from ._states import States, states_of, thinned

LARGEST_NOISE = 0.3  # noise that hides more than this leaves nothing to verify
MOST = 2_000
MOST_REDERIVED = 10  # simulations that are smoothed once more


def noise_effect(dataset: GraphDataset) -> float:
    """Median relative error that the noise alone would cause in the accelerations.

    Where accelerations were derived from noisy positions, what smoothing takes away of the motion counts too.

    Args:
        dataset: The data; validation snapshots are looked at.

    Returns:
        The error of a perfect law, 0 where no noise can be told from motion.
    """
    sigma = acceleration_noise(dataset.trajectories)
    if sigma == 0.0:
        return 0.0
    if dataset.trajectories.measured_positions is not None:
        return _smoothing_effect(dataset)
    states = states_of(dataset, thinned(dataset, dataset.validation, MOST))
    return effect_of(states, sigma)


def effect_of(states: States, sigma: float) -> float:
    """Median relative error that white noise alone would cause.

    Args:
        states: Snapshots.
        sigma: Standard deviation of each component of their accelerations.

    Returns:
        The error, over the particles that are acted on.
    """
    noise = np.random.default_rng(0).normal(scale=sigma, size=states.targets.shape)
    errors = states.relative_errors(states.targets + noise)
    return float(np.median(errors[states.acted_on(states.targets)]))


def _smoothing_effect(dataset: GraphDataset) -> float:
    """Median relative error of accelerations that are derived anew from the smoothed positions with fresh noise."""
    t, rows = dataset.trajectories, dataset.validation
    systems = np.unique(rows[:, 0])[:MOST_REDERIVED]
    anew = np.full_like(t.accelerations, np.nan)
    anew[systems] = rederived_accelerations(t, systems)
    rows = thinned(dataset, rows[np.isin(rows[:, 0], systems)], MOST)
    states, batch = states_of(dataset, rows), dataset.batch(rows)
    errors = states.relative_errors(anew[rows[:, 0], rows[:, 1]][batch.targeted()])
    known = errors[np.isfinite(errors)]
    return float(np.median(known)) if len(known) else LARGEST_NOISE
