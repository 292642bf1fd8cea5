"""One adaptive step of many simulations at once, each at a time of its own.

A lane is a place in a batch where one simulation is integrated. Every lane has
its own time, step and error control; none waits for another. A step is one of
Dormand and Prince's 8(7) pair, whose coefficients and dense output are
diffrax's; the states asked for are interpolated to the same order.
"""

from functools import cache, partial
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from ._dynamics import Dynamics, Properties, acceleration

RUNNING, DONE, DIVERGED, TOO_LONG = range(4)
# States written in one step at most: a longer step is cut, and a fixed number keeps the shapes fixed.
OUTPUTS_A_STEP = 4
STEPS_A_CALL = 32

_SAFETY, _SHRINK, _GROW = 0.9, 0.2, 5.0
_ORDER = 8
# A step this small against the span no longer moves the time in float64.
_SMALLEST = 1e-15

Phases = Float[Array, "phase nodes dim lanes"]
LaneReals = Float[Array, " lanes"]
LoopIndex = Int[Array, ""]


class Method(NamedTuple):
    """Coefficients of an embedded Runge-Kutta pair whose last stage is the next first one."""

    stages: Float[np.ndarray, "stages stages"]
    error: Float[np.ndarray, " stages"]
    dense: Float[np.ndarray, "stages powers"]


class Tolerance(NamedTuple):
    """When a step is good enough, and how many there may be."""

    rtol: float
    atol: float
    max_steps: int


class Lanes(NamedTuple):
    """State of the integration, one entry a lane."""

    time: LaneReals
    step: LaneReals
    phase: Phases
    slope: Phases
    upcoming: Int[Array, " lanes"]
    n_steps: Int[Array, " lanes"]
    status: Int[Array, " lanes"]


@cache
def dormand_prince() -> Method:
    """The 8(7) pair of Dormand and Prince with dense output, as diffrax has it.

    Returns:
        Its coefficients.

    Source:
        Prince and Dormand (1981), J. Comp. Appl. Math. 7, 67; dense output by Bogacki and
        Shampine (1990), Comput. Math. Appl. 20, 15; coefficients as in diffrax.Dopri8.
    """
    import diffrax

    tableau = diffrax.Dopri8.tableau
    count = len(tableau.b_sol)
    stages = np.zeros((count, count))
    for i, row in enumerate(tableau.a_lower, start=1):
        stages[i, :i] = row
    dense = np.asarray(getattr(diffrax.Dopri8.interpolation_cls, "eval_coeffs"))  # noqa: B009 - typed as a function
    return Method(stages, np.asarray(tableau.b_error), dense)


def slope_of(dynamics: Dynamics, phase: Phases, attributes: Properties) -> Phases:
    """Time derivative of positions and velocities.

    Args:
        dynamics: The law.
        phase: Positions and velocities.
        attributes: Attributes by name.

    Returns:
        Velocities and accelerations.
    """
    return jnp.stack([phase[1], acceleration(dynamics, phase[0], phase[1], attributes)])


@partial(jax.jit, static_argnums=0)
def compiled_slope(dynamics: Dynamics, phase: Phases, attributes: Properties) -> Phases:
    """Compiled `slope_of`."""
    return slope_of(dynamics, phase, attributes)


@partial(jax.jit, static_argnums=(0, 1), donate_argnums=(2, 3))
def advance(
    dynamics: Dynamics,
    tolerance: Tolerance,
    lanes: Lanes,
    written: Float[Array, "lanes times values"],
    attributes: Properties,
    times: Float[Array, " times"],
) -> tuple[Lanes, Float[Array, "lanes times values"]]:
    """Take a fixed number of steps in every lane that still runs.

    Args:
        dynamics: The law.
        tolerance: Error control.
        lanes: Where each lane stands.
        written: States at the times asked for, as far as they are known.
        attributes: Attributes by name.
        times: Times asked for, from 0 upwards.

    Returns:
        The lanes and the states after the steps.
    """

    def body(_: LoopIndex, carry: tuple[Lanes, Array]) -> tuple[Lanes, Array]:
        return _advance_once(dynamics, tolerance, *carry, attributes, times)

    return jax.lax.fori_loop(0, STEPS_A_CALL, body, (lanes, written))


def _advance_once(
    dynamics: Dynamics, tolerance: Tolerance, lanes: Lanes, written: Array, attributes: Properties, times: Array
) -> tuple[Lanes, Array]:
    """Try one step in every lane, write the states it passes and choose the next step."""
    furthest = times[jnp.minimum(lanes.upcoming + OUTPUTS_A_STEP - 1, times.shape[0] - 1)]
    end = jnp.minimum(lanes.time + lanes.step, furthest)
    step = end - lanes.time
    slopes, proposed = _stages(dynamics, lanes, step, attributes)
    error = _error(tolerance, lanes.phase, proposed, step, slopes)
    running = lanes.status == RUNNING
    accepted = running & (error <= 1)
    written, upcoming = _write(lanes, written, slopes, times, jnp.where(accepted, end, -1.0), step)
    # A step cut short at the last state that may be written says nothing against the longer one.
    kept = accepted & (step < lanes.step)
    factor = jnp.clip(_SAFETY * error ** (-1 / _ORDER), _SHRINK, jnp.where(accepted, _GROW, 1.0))
    following = jnp.where(kept, jnp.maximum(lanes.step, step * factor), step * factor)
    n_steps = lanes.n_steps + running
    moved = Lanes(
        time=jnp.where(accepted, end, lanes.time),
        step=jnp.where(running, following, lanes.step),
        phase=jnp.where(accepted, proposed, lanes.phase),
        slope=jnp.where(accepted, slopes[-1], lanes.slope),
        upcoming=upcoming,
        n_steps=n_steps,
        status=_status(tolerance, lanes.status, upcoming, times, following, n_steps),
    )
    return moved, written


def _stages(
    dynamics: Dynamics, lanes: Lanes, step: LaneReals, attributes: Properties
) -> tuple[Float[Array, "stages phase nodes dim lanes"], Phases]:
    """Slopes at all stages, and the state at the last, which is the proposed one."""
    coefficients = jnp.asarray(dormand_prince().stages)

    def body(i: LoopIndex, carry: tuple[Array, Array]) -> tuple[Array, Array]:
        slopes, _ = carry
        phase = lanes.phase + step * jnp.tensordot(coefficients[i], slopes, axes=1)
        return slopes.at[i].set(slope_of(dynamics, phase, attributes)), phase

    count = coefficients.shape[0]
    slopes = jnp.zeros((count, *lanes.phase.shape)).at[0].set(lanes.slope)
    return jax.lax.fori_loop(1, count, body, (slopes, lanes.phase))


def _error(tolerance: Tolerance, before: Phases, after: Phases, step: LaneReals, slopes: Array) -> LaneReals:
    """Estimated error over the tolerated one, root mean square over a lane; huge where undefined."""
    estimate = step * jnp.tensordot(dormand_prince().error, slopes, axes=1)
    scale = tolerance.atol + tolerance.rtol * jnp.maximum(jnp.abs(before), jnp.abs(after))
    error = jnp.sqrt(jnp.mean((estimate / scale) ** 2, axis=(0, 1, 2)))
    return jnp.where(jnp.isfinite(error), jnp.maximum(error, 1e-12), 1e12)


def _write(
    lanes: Lanes, written: Array, slopes: Array, times: Array, reached: LaneReals, step: LaneReals
) -> tuple[Array, Int[Array, " lanes"]]:
    """Interpolate the states between the old time and the one reached, and put them in their places."""
    index = lanes.upcoming + jnp.arange(OUTPUTS_A_STEP)[:, None]
    due = times[jnp.minimum(index, times.shape[0] - 1)]
    passed = (due <= reached) & (index < times.shape[0])
    part = jnp.where(step > 0, (due - lanes.time) / jnp.where(step > 0, step, 1.0), 0.0)
    weights = jnp.zeros((slopes.shape[0], *part.shape))
    for column in dormand_prince().dense.T:
        weights = weights * part + column[:, None, None]
    weights = weights * (part * step)
    # Index letters: s stage, o output, b lane; p n d phase, node and direction.
    states = lanes.phase[None] + jnp.sum(weights[:, :, None, None, None] * slopes[:, None], axis=0)
    rows = jnp.moveaxis(states, -1, 1).reshape(*index.shape, -1)
    place = jnp.where(passed, index, times.shape[0])
    everyone = jnp.broadcast_to(jnp.arange(index.shape[1]), index.shape)
    return written.at[everyone, place].set(rows, mode="drop"), lanes.upcoming + jnp.sum(passed, axis=0)


def _status(
    tolerance: Tolerance, status: Array, upcoming: Array, times: Array, step: LaneReals, n_steps: Array
) -> Int[Array, " lanes"]:
    """Whether each lane goes on, has come to its end, or must be given up."""
    after = jnp.where(n_steps >= tolerance.max_steps, TOO_LONG, RUNNING)
    after = jnp.where(step < _SMALLEST * times[-1], DIVERGED, after)
    after = jnp.where(upcoming >= times.shape[0], DONE, after)
    return jnp.where(status == RUNNING, after, status)
