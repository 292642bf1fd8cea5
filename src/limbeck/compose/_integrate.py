"""Accelerations as a function of the state, integrated from given states by adaptive steps."""

from collections.abc import Callable
from typing import Any

import diffrax
import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float

from limbeck.graphs import GraphDataset, Snapshots
from limbeck.train import TrainedModel

from ._callable import law_accelerations
from ._law import Law

MOST_STEPS = 40_000

Force = Callable[[Any, Any], Any]  # positions and velocities (systems nodes dim) to accelerations


def law_force(law: Law, dataset: GraphDataset, start: Snapshots) -> Force:
    """The law as a function of the state, in float64.

    Args:
        law: The law.
        dataset: Its pairs, attributes and radius are what counts.
        start: Attributes and edges of the simulations.

    Returns:
        Accelerations of positions and velocities.
    """
    first, second = dataset.pairs.first, dataset.pairs.second

    def force(x: Any, v: Any) -> Any:
        forward, backward = _within(dataset, x, start)
        snapshots = start._replace(positions=x, velocities=v, forward=forward, backward=backward)
        return law_accelerations(law, snapshots, first, second, dataset.attribute_names, jnp)  # type: ignore[arg-type]

    return force


def _within(dataset: GraphDataset, x: Any, start: Snapshots) -> tuple[Any, Any]:
    """Edge weights at a new state: those of the start, or all edges cut at the radius."""
    radius, pairs = dataset.trajectories.radius, dataset.pairs
    if radius is None:
        return start.forward, start.backward
    inside = jnp.linalg.norm(x[:, pairs.first] - x[:, pairs.second], axis=-1) < radius
    return pairs.forward[0] * inside, pairs.backward[0] * inside


def network_force(trained: TrainedModel, start: Snapshots) -> Force:
    """The network as a function of the state; its own arithmetic stays in its precision.

    Args:
        trained: The network.
        start: Attributes and edges of the simulations.

    Returns:
        Accelerations of positions and velocities.
    """

    def force(x: Any, v: Any) -> Any:
        state = start._replace(positions=x, velocities=v)
        narrow = Snapshots(*(jnp.asarray(array, jnp.float32) for array in state))
        return jnp.asarray(trained.model(narrow, trained.pairs), x.dtype)

    return force


def integrate(
    force: Force, start: Snapshots, times: Float[np.ndarray, " times"], tolerance: float
) -> tuple[Float[np.ndarray, "systems times nodes dim"], Float[np.ndarray, "systems times nodes dim"]]:
    """Integrate all simulations as one adaptive problem in float64.

    Args:
        force: Accelerations of a state.
        start: Initial states.
        times: Times of the states, from the start.
        tolerance: Relative and absolute tolerance of a step.

    Returns:
        Positions and velocities; NaN where they can't be reached.
    """
    with jax.enable_x64(True):
        y = (jnp.asarray(start.positions), jnp.asarray(start.velocities))
        xs, vs = _solve(force, y, jnp.asarray(times), tolerance)
        positions, velocities = np.asarray(xs), np.asarray(vs)
    positions, velocities = (np.where(np.isfinite(a), a, np.nan) for a in (positions, velocities))
    return np.moveaxis(positions, 0, 1), np.moveaxis(velocities, 0, 1)


@eqx.filter_jit
def _solve(force: Force, y: tuple[Any, Any], times: Any, tolerance: float) -> tuple[Any, Any]:
    """One adaptive solve; times beyond the largest number of steps come back as infinity."""
    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(lambda _t, y, _args: (y[1], force(*y))),
        diffrax.Tsit5(),
        times[0],
        times[-1],
        0.1 * (times[1] - times[0]),
        y,
        saveat=diffrax.SaveAt(ts=times),
        stepsize_controller=diffrax.PIDController(rtol=tolerance, atol=tolerance),
        max_steps=MOST_STEPS,
        throw=False,
    )
    assert solution.ys is not None  # asked for by SaveAt
    return solution.ys
