"""How noisy the accelerations are, judged from their change over time."""

import numpy as np
from jaxtyping import Float

from limbeck._types import NodeVectors, Times

from ._measured_noise import divided_differences
from ._trajectories import Trajectories

SMOOTH = 0.5  # least correlation of neighbouring accelerations for which noise can be told from motion
MOST_SYSTEMS = 200


def acceleration_noise(trajectories: Trajectories) -> float:
    """Standard deviation of white noise on each component of the accelerations.

    Third and fourth divided differences in time cancel a smooth motion and keep noise. Where the two
    disagree, or neighbouring accelerations hardly correlate (the motion is not resolved, or the
    accelerations are random), nothing is known and 0 is returned, the strict answer.

    Args:
        trajectories: The states; given standard errors are taken at their word.

    Returns:
        The noise [length/time²], 0 where it can't be told.
    """
    stated = stated_noise(trajectories)
    if stated is not None:
        return stated
    if trajectories.n_times < 8:
        return 0.0
    series = trajectories.accelerations[:MOST_SYSTEMS]
    return white_noise(trajectories.times[:MOST_SYSTEMS], series) if _is_smooth(series) else 0.0


def stated_noise(trajectories: Trajectories) -> float | None:
    """Standard error of each component of the accelerations, as it was stated or derived.

    Args:
        trajectories: The states.

    Returns:
        The median [length/time²]; None where no error of a known acceleration is known.
    """
    errors = trajectories.acceleration_errors
    if errors is None:
        return None
    errors = errors[np.isfinite(trajectories.accelerations) & np.isfinite(errors)]
    return float(np.median(errors)) if len(errors) else None


def white_noise(times: Times, series: NodeVectors) -> float:
    """Standard deviation of white noise on each component of some series in time.

    Args:
        times: Times of each simulation.
        series: Vectors of each of its particles, NaN where unknown.

    Returns:
        What third and fourth divided differences agree on, 0 where they do not or are too few.
    """
    third, fourth = (_differences(times, series, order) for order in (3, 4))
    if len(fourth) < 100:
        return 0.0
    # .6745 is the quartile of a normal distribution.
    by_third, by_fourth = (np.median(np.abs(d)) / 0.6745 for d in (third, fourth))
    if not 0.8 < by_fourth / max(by_third, np.finfo(float).tiny) < 1.25:
        return 0.0
    return float(by_third)


def _differences(times: Times, series: NodeVectors, order: int) -> Float[np.ndarray, " differences"]:
    """Divided differences of all simulations that are defined, of unit variance under such noise."""
    found = [divided_differences(own, one[None], order) for own, one in zip(times, series, strict=True)]
    every = np.concatenate([one.ravel() for one in found])
    return every[np.isfinite(every)]


def _is_smooth(series: np.ndarray) -> bool:
    """Whether accelerations at neighbouring times are nearly the same."""
    centred = series - np.nanmean(series, axis=1, keepdims=True)
    now, later = centred[:, :-1], centred[:, 1:]
    both = np.isfinite(now) & np.isfinite(later)
    limit = np.quantile(np.abs(centred[np.isfinite(centred)]), 0.95)
    now, later = np.clip(now[both], -limit, limit), np.clip(later[both], -limit, limit)
    spread = np.sqrt(np.mean(now**2) * np.mean(later**2))
    return bool(spread > 0 and np.mean(now * later) / spread > SMOOTH)
