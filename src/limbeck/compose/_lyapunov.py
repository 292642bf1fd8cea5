"""How fast two nearly equal starts part under a law: the largest Lyapunov exponent, over a window of time."""

import numpy as np
from jaxtyping import Float

from limbeck.graphs import Snapshots

from ._integrate import Force, integrate

DISPLACED = 1e-8  # of the typical distance and speed
SATURATED = 1e-2  # separation from which on it no longer grows as if it were infinitely small
LONGER = 10.0  # times the rollout: a law can be followed on where the data end
SETTLED = 0.1  # share of the window in which a displacement turns into the direction that grows
LEAST_GROWTH = 4.0  # e-foldings below which growth can't be told from that of regular motion
FEWEST = 10  # times that a rate is fitted to


def beside_displaced(start: Snapshots, scale: float, span: float) -> Snapshots:
    """Some starts, followed by the same starts displaced by very little.

    Args:
        start: First states of some simulations.
        scale: Typical distance of a pair.
        span: Time that they will be followed for.

    Returns:
        Twice as many starts. In one solve both take the same steps, and what the integrator errs in is the same.
    """
    rng, speed = np.random.default_rng(0), _speed(start, scale, span)
    moved = start._replace(
        positions=start.positions + DISPLACED * scale * rng.normal(size=start.positions.shape),
        velocities=start.velocities + DISPLACED * speed * rng.normal(size=start.velocities.shape),
    )
    return Snapshots(*(np.concatenate([one, other]) for one, other in zip(start, moved, strict=True)))


def separations(
    force: Force, twice: Snapshots, times: Float[np.ndarray, " times"], scale: float
) -> tuple[Float[np.ndarray, " times"], Float[np.ndarray, "systems times"]]:
    """How far displaced starts part under a law, for much longer than it was rolled out.

    Args:
        force: The law; where it has been integrated for as many starts and times, nothing is compiled anew.
        twice: Starts, followed by displaced ones, from `beside_displaced`.
        times: Times of the rollout.
        scale: Typical distance of a pair.

    Returns:
        Times, and the root mean square separation in typical distances and speeds; NaN where a path was lost.
    """
    systems, span = len(twice.positions) // 2, float(times[-1])
    speed = _speed(Snapshots(*(array[:systems] for array in twice)), scale, span)
    longer = LONGER * times
    with np.errstate(all="ignore"):
        apart = [
            (values[systems:] - values[:systems]) / size
            for values, size in zip(integrate(force, twice, longer, 1e-9), (scale, speed), strict=True)
        ]
        return longer, np.sqrt(np.mean(apart[0] ** 2 + apart[1] ** 2, axis=(2, 3)))


def _speed(start: Snapshots, scale: float, span: float) -> float:
    """Typical speed; of what starts at rest, that of a typical distance in the whole time."""
    return float(np.sqrt(np.mean(start.velocities**2))) or scale / span


def lyapunov_time(times: Float[np.ndarray, " times"], separation: Float[np.ndarray, "systems times"]) -> float | None:
    """Time in which a small difference of the start grows by e.

    Args:
        times: Times from the start.
        separation: Distance of paths from displaced starts, for each simulation.

    Returns:
        One over the largest Lyapunov exponent, from the median of the simulations; None where the window holds
        too few e-foldings, or a power of time describes the growth as well as an exponential, as in regular motion.
    """
    if not np.all(separation[:, 0] > 0):
        return None
    with np.errstate(all="ignore"):
        growth = np.log(separation / separation[:, :1])
    middle = np.median(np.where(np.isfinite(growth), growth, np.inf), axis=0)
    over = np.flatnonzero(middle > np.log(SATURATED / np.median(separation[:, 0])))
    last = int(over[0]) if len(over) else len(times)
    first = max(1, int(np.searchsorted(times, SETTLED * times[last - 1])))
    t, g = times[first:last], middle[first:last]
    if len(t) < FEWEST:
        return None
    rate, missed = _line(t, g)
    _, missed_by_power = _line(np.log(t), g)
    if rate * (t[-1] - t[0]) < LEAST_GROWTH or missed >= missed_by_power:
        return None
    return 1.0 / rate


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope of a straight line, and the sum of squares that it leaves."""
    slope, offset = np.polyfit(x, y, 1)
    return float(slope), float(np.sum((y - slope * x - offset) ** 2))
