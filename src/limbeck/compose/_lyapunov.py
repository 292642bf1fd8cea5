"""How fast nearly equal starts part under a law: the largest Lyapunov exponent, over a window of time."""

from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from limbeck.graphs import Snapshots

from ._integrate import Fields, Force, Slope, solve, typical_speed

WIDTH = 1e-5  # of the typical distance and speed, over which the slope of a force is taken
TOLERANCE = 1e-7  # a chaotic path is not followed for long, but one of the same kind is
LONGER = 10.0  # times the rollout: a law can be followed on where the data end
SETTLED = 0.1  # share of the window in which a displacement turns into the direction that grows
LEAST_GROWTH = 4.0  # e-foldings below which growth can't be told from that of regular motion
FEWEST = 10  # times that a rate is fitted to


def displacements(start: Snapshots, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Directions of no special kind, for the displacement of some starts.

    Args:
        start: First states of some simulations.
        seed: Draws the directions.

    Returns:
        Displacements of positions, in typical distances, and of velocities, in typical speeds.
    """
    rng = np.random.default_rng(seed)
    return rng.normal(size=start.positions.shape), rng.normal(size=start.velocities.shape)


class Tangent(NamedTuple):
    """Paths with a displacement of each, as one system of differential equations.

    Attributes:
        slope: Rates of positions, velocities, both displacements, and the logarithm of the displacement's length.
        start: First states.
        moving: Initial values of what moves.
        sizes: Typical size of each.
    """

    slope: Slope
    start: Snapshots
    moving: Fields
    sizes: tuple[float, ...]

    def solve(self, times: Float[np.ndarray, " times"], tolerance: float) -> Fields:
        """Follow paths and displacements; where it was done for as many times before, nothing is compiled anew.

        Args:
            times: Times from the start.
            tolerance: Of a step.

        Returns:
            What moves, simulations first and then times; NaN where it can't be reached.
        """
        return solve(self.slope, self.start, self.moving, self.sizes, times, tolerance)


def tangent(force: Force, start: Snapshots, scale: float, span: float) -> Tangent:
    """The tangent equation `d' = J d` beside the paths of a law.

    It is solved for the direction of d and the logarithm of its length: a length that grows by powers of e would leave
    nothing of the small components. J d is the difference of the forces on both sides of the path, a little apart: a
    derivative of forces that know a speed is not defined for particles at rest.

    Args:
        force: The law.
        start: First states.
        scale: Typical distance of a pair.
        span: How long the law is rolled out.

    Returns:
        The equations, with the displacement in typical distances and speeds.
    """
    speed = typical_speed(start, scale, span)

    def slope(state: Snapshots, moving: Fields) -> Fields:
        x, v, d, dv, _ = moving
        square = jnp.mean(d**2 + dv**2)
        step = WIDTH / jnp.sqrt(square)
        ways = jnp.stack([0.0 * step, step, -step])
        forces, ahead, behind = jax.vmap(
            lambda way: force(state._replace(positions=x + way * scale * d, velocities=v + way * speed * dv))
        )(ways)
        turned = speed * dv / scale, (ahead - behind) / (2.0 * step * speed)
        rate = jnp.mean(d * turned[0] + dv * turned[1]) / square
        return v, forces, turned[0] - rate * d, turned[1] - rate * dv, rate

    moving = (start.positions, start.velocities, *displacements(start), np.zeros(len(start.positions)))
    return Tangent(slope, start, moving, (scale, speed, 1.0, 1.0, 1.0))


def growth(
    tangent: Tangent, times: Float[np.ndarray, " times"]
) -> tuple[Float[np.ndarray, " times"], Float[np.ndarray, "systems times"]]:
    """How much an infinitely small displacement of each start grows, for much longer than the law was rolled out.

    Args:
        tangent: The law's paths with their displacements.
        times: Times of the rollout.

    Returns:
        Times, and the logarithm of the displacement over the first one, in typical distances and speeds; NaN where a
        path was lost.
    """
    longer = LONGER * times
    return longer, tangent.solve(longer, TOLERANCE)[-1]


def lyapunov_time(times: Float[np.ndarray, " times"], growth: Float[np.ndarray, "systems times"]) -> float | None:
    """Time in which a small difference of the start grows by e.

    Args:
        times: Times from the start.
        growth: Logarithm of what a displacement has grown by, for each simulation; NaN where it was lost.

    Returns:
        One over the largest Lyapunov exponent, from the median of the simulations; None where the window holds
        too few e-foldings, or a power of time describes the growth as well as an exponential, as in regular motion.
    """
    known = np.isfinite(growth)
    lost = np.flatnonzero(2 * known.sum(axis=0) < len(growth))
    last = int(lost[0]) if len(lost) else len(times)
    first = max(1, int(np.searchsorted(times, SETTLED * times[max(last - 1, 0)])))
    if last - first < FEWEST:
        return None
    # The same simulations throughout: a median that loses members on the way would jump.
    t, g = times[first:last], np.median(growth[known[:, :last].all(axis=1), first:last], axis=0)
    rate, missed = _line(t, g)
    _, missed_by_power = _line(np.log(t), g)
    if rate * (t[-1] - t[0]) < LEAST_GROWTH or missed >= missed_by_power:
        return None
    return 1.0 / rate


def _line(x: np.ndarray, y: np.ndarray) -> tuple[float, float]:
    """Slope of a straight line, and the sum of squares that it leaves."""
    slope, offset = np.polyfit(x, y, 1)
    return float(slope), float(np.sum((y - slope * x - offset) ** 2))
