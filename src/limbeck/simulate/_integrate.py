"""Trajectories of many simulations, none of which waits for the slowest.

Simulations differ by a factor of a thousand in the steps they need, since some
hold a close encounter. Batched in lockstep, each batch would pay for its worst
member: `vmap` of `diffrax.diffeqsolve` took 29 s (1/r²) and 43 s (charge) for
1,000 simulations of 4 bodies where this took 2.5 s. So a batch here has a fixed
number of lanes; a lane whose simulation has ended takes the next one.
"""

from collections.abc import Callable, Mapping
from typing import NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float

from limbeck._types import NodeScalars

from ._distributions import InitialVectors
from ._dynamics import Dynamics
from ._stepping import DONE, RUNNING, Lanes, Tolerance, advance, compiled_slope

RTOL = ATOL = 1e-9
MAX_STEPS = 200_000
# Few sizes, so that few programs are compiled; lanes beyond the number of simulations stay empty.
_LANE_COUNTS = (4, 16, 64)
_WRITTEN_BYTES = 256 * 2**20

Progress = Callable[[int, int], None]


class Solution(NamedTuple):
    """States at the times asked for, and which simulations got there."""

    positions: Float[np.ndarray, "systems times nodes dim"]
    velocities: Float[np.ndarray, "systems times nodes dim"]
    finished: Bool[np.ndarray, " systems"]


def integrate(
    dynamics: Dynamics,
    positions: InitialVectors,
    velocities: InitialVectors,
    attributes: Mapping[str, NodeScalars],
    times: Float[np.ndarray, " times"],
    *,
    progress: Progress | None = None,
) -> Solution:
    """Integrate every simulation adaptively in float64.

    Args:
        dynamics: The law.
        positions: Initial positions.
        velocities: Initial velocities.
        attributes: Attributes by name.
        times: Times of the states, strictly rising; the first belongs to the initial state.
        progress: Called with the number of simulations that ended, and of all.

    Returns:
        States; undefined where a simulation diverged or took too many steps.
    """
    with jax.enable_x64(True), jax.default_device(jax.local_devices(backend="cpu")[0]):
        pool = _Pool(dynamics, np.stack([positions, velocities], axis=1), attributes, times - times[0])
        while pool.is_busy:
            pool.advance()
            if pool.collect() and progress is not None:
                progress(pool.n_ended, len(positions))
    states = pool.states.reshape(len(positions), len(times), 2, *positions.shape[1:])
    return Solution(states[:, :, 0], states[:, :, 1], pool.finished)


def _n_lanes(n_systems: int, bytes_each: int) -> int:
    """Enough lanes for all simulations, if that is not too many and their states fit into memory."""
    wanted = next((lanes for lanes in _LANE_COUNTS if lanes >= n_systems), _LANE_COUNTS[-1])
    return max(1, min(wanted, _WRITTEN_BYTES // bytes_each))


class _Pool:
    """The lanes and the queue of simulations that wait for one."""

    def __init__(
        self,
        dynamics: Dynamics,
        phase: Float[np.ndarray, "systems phase nodes dim"],
        attributes: Mapping[str, NodeScalars],
        times: Float[np.ndarray, " times"],
    ) -> None:
        """Fill the lanes with the first simulations."""
        count = len(phase)
        values = phase[0].size
        lanes = _n_lanes(count, 8 * values * len(times))
        self.dynamics, self.times = dynamics, times
        # Simulations last, as in the compiled step.
        self.phase = np.ascontiguousarray(np.moveaxis(phase, 0, -1))
        self.attributes = {name: np.ascontiguousarray(value.T) for name, value in attributes.items()}
        self.tolerance = Tolerance(RTOL, ATOL, MAX_STEPS)
        self.states = np.empty((count, len(times), values))
        self.finished = np.zeros(count, dtype=bool)
        self.n_ended = 0
        self.tenant = np.where(np.arange(lanes) < count, np.arange(lanes), -1)
        self.first_step = 0.1 * times[1] if len(times) > 1 else 1.0
        self.written = jnp.zeros((lanes, len(times), values))
        self.lanes = Lanes(
            time=jnp.zeros(lanes),
            step=jnp.full(lanes, self.first_step),
            phase=jnp.zeros((*self.phase.shape[:-1], lanes)),
            slope=jnp.zeros((*self.phase.shape[:-1], lanes)),
            upcoming=jnp.zeros(lanes, dtype=int),
            n_steps=jnp.zeros(lanes, dtype=int),
            status=jnp.full(lanes, DONE),
        )
        self._start(np.flatnonzero(self.tenant >= 0))

    @property
    def is_busy(self) -> bool:
        """Whether any simulation has not ended."""
        return bool((self.tenant >= 0).any())

    def advance(self) -> None:
        """Take a fixed number of steps in all lanes."""
        self.lanes, self.written = advance(
            self.dynamics, self.tolerance, self.lanes, self.written, self._properties(), jnp.asarray(self.times)
        )

    def _properties(self) -> dict[str, Array]:
        """Attributes of the simulations in the lanes; of any simulation where a lane is empty."""
        return {name: jnp.asarray(value[:, self.tenant]) for name, value in self.attributes.items()}

    def collect(self) -> int:
        """Take what has ended out of the lanes and let the next ones in."""
        status = np.asarray(self.lanes.status)
        ended = np.flatnonzero((status != RUNNING) & (self.tenant >= 0))
        if not len(ended):
            return 0
        self.states[self.tenant[ended]] = np.asarray(self.written)[ended]
        self.finished[self.tenant[ended]] = status[ended] == DONE
        coming = self.n_ended_or_in_lanes + np.arange(len(ended))
        self.n_ended += len(ended)
        self.tenant[ended] = np.where(coming < len(self.finished), coming, -1)
        self._start(ended[coming < len(self.finished)])
        return len(ended)

    @property
    def n_ended_or_in_lanes(self) -> int:
        """Number of simulations that have left the queue."""
        return self.n_ended + int((self.tenant >= 0).sum())

    def _start(self, places: np.ndarray) -> None:
        """Put new simulations, already named in `tenant`, into lanes."""
        if not len(places):
            return
        fresh = {name: np.array(value) for name, value in self.lanes._asdict().items()}
        fresh["phase"][..., places] = self.phase[..., self.tenant[places]]
        slope = np.asarray(compiled_slope(self.dynamics, jnp.asarray(fresh["phase"]), self._properties()))
        fresh["slope"][..., places] = slope[..., places]
        for name, value in {"time": 0.0, "step": self.first_step, "upcoming": 0, "n_steps": 0}.items():
            fresh[name][places] = value
        fresh["status"][places] = RUNNING
        self.lanes = Lanes(**{name: jnp.asarray(value) for name, value in fresh.items()})
