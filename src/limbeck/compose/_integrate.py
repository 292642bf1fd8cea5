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

Force = Callable[[Snapshots], Any]  # a state with attributes and edges (nodes dim, or a batch) to its accelerations
Fields = tuple[Any, ...]
Slope = Callable[[Snapshots, Fields], Fields]  # rates of what moves, beside the state at the start


def law_force(law: Law, dataset: GraphDataset) -> Force:
    """The law as a function of the state, in the state's own precision.

    Args:
        law: The law.
        dataset: Its pairs, names of attributes and radius are what counts.

    Returns:
        Accelerations of states, whose edges are all that may act; a radius leaves those that are near enough.
    """
    pairs = dataset.pairs

    def force(state: Snapshots) -> Any:
        state = _with_near_edges(state, dataset)
        return law_accelerations(law, state, pairs.first, pairs.second, dataset.attribute_names, jnp)

    return force


def _with_near_edges(state: Snapshots, dataset: GraphDataset) -> Snapshots:
    """A state without edges between particles that are beyond the radius of the data, if they have one."""
    pairs, radius = dataset.pairs, dataset.trajectories.radius
    if radius is None:
        return state
    inside = near(state.positions, pairs.first, pairs.second, radius)
    return state._replace(forward=state.forward * inside, backward=state.backward * inside)


def near(positions: Any, first: Any, second: Any, radius: float) -> Any:
    """Which pairs are near enough to interact, as weights.

    Args:
        positions: Positions (nodes dim, or a batch).
        first: Node that stands first in each pair.
        second: Node that stands second.
        radius: Largest distance at which a pair interacts.

    Returns:
        1 or 0 for each pair.
    """
    apart = positions[..., first, :] - positions[..., second, :]
    return 1.0 * (jnp.linalg.norm(apart, axis=-1) < radius)


def network_force(trained: TrainedModel, dataset: GraphDataset) -> Force:
    """The network as a function of the state; its own arithmetic stays in its precision.

    Args:
        trained: The network.
        dataset: Its pairs and radius are what counts.

    Returns:
        Accelerations of states, whose edges are all that may act; a radius leaves those that are near enough.
    """

    def force(state: Snapshots) -> Any:
        state = _with_near_edges(state, dataset)
        if trained.model.origin_free:  # far from the origin single precision would lose what lies between particles
            state = state._replace(positions=state.positions - jnp.mean(state.positions, axis=-2, keepdims=True))
        narrow = Snapshots(*(jnp.asarray(array, jnp.float32) for array in state))
        return jnp.asarray(trained.model(narrow, trained.pairs), state.positions.dtype)

    return force


def resting_where_absent(force: Force) -> Force:
    """A force that leaves particles alone that are not there: their weight is 0.

    Args:
        force: Accelerations of states.

    Returns:
        The same, 0 for particles without weight.
    """

    def felt(state: Snapshots) -> Any:
        return jnp.where(state.weights[..., None] > 0, force(state), 0.0)

    return felt


def integrate(
    force: Force, start: Snapshots, times: Float[np.ndarray, " times"], tolerance: float
) -> tuple[Float[np.ndarray, "systems times nodes dim"], Float[np.ndarray, "systems times nodes dim"]]:
    """Integrate every simulation by steps of its own, in float64.

    Args:
        force: Accelerations of a state.
        start: Initial states.
        times: Times of the states, from the start.
        tolerance: Of a step, relative and in the typical sizes of the start.

    Returns:
        Positions and velocities; NaN where they can't be reached.
    """
    length = typical_length(start)
    sizes = length, typical_speed(start, length, float(times[-1] - times[0]))

    def slope(state: Snapshots, moving: Fields) -> Fields:
        x, v = moving
        return v, force(state._replace(positions=x, velocities=v))

    return solve(slope, start, (start.positions, start.velocities), sizes, times, tolerance)


def typical_length(start: Snapshots) -> float:
    """Root mean square distance of particles from the middle of their simulation; 1 where all are in one place.

    Args:
        start: States.

    Returns:
        It.
    """
    x = np.asarray(start.positions)
    return float(np.sqrt(np.mean((x - x.mean(axis=-2, keepdims=True)) ** 2))) or 1.0


def typical_speed(start: Snapshots, length: float, span: float) -> float:
    """Root mean square speed; of what starts at rest, that of a typical distance in the whole time.

    Args:
        start: States.
        length: Typical distance.
        span: The whole time.

    Returns:
        It.
    """
    return float(np.sqrt(np.mean(np.asarray(start.velocities) ** 2))) or length / span


def solve(
    slope: Slope,
    start: Snapshots,
    moving: Fields,
    sizes: tuple[float, ...],
    times: Float[np.ndarray, " times"],
    tolerance: float,
) -> Fields:
    """Solve ordinary differential equations beside states, one simulation at a time.

    Everything is measured from the middle of each start and in typical sizes: a unit or a far origin costs nothing.

    Args:
        slope: Rates of what moves in one simulation, from its state at the start and what moves.
        start: Initial states.
        moving: Initial values of what moves, simulations first; positions come first.
        sizes: Typical size of each.
        times: Times at which it is wanted, from the start.
        tolerance: Of a step, relative and in typical sizes.

    Returns:
        What moves, with an axis of times after that of simulations; NaN where it can't be reached.
    """
    with jax.enable_x64(True):
        states, values = jax.tree.map(jnp.asarray, (start, moving))
        solved = _solve(slope, states, values, jnp.asarray(sizes), jnp.asarray(times), jnp.asarray(tolerance))
        found = [np.asarray(values) for values in solved]
    return tuple(np.where(np.isfinite(values), values, np.nan) for values in found)


@eqx.filter_jit
def _solve(slope: Slope, start: Snapshots, moving: Fields, sizes: Any, times: Any, tolerance: Any) -> Fields:
    """Adaptive solves, one after another; times beyond the largest number of steps come back as infinity."""

    def one(system: tuple[Snapshots, Fields]) -> Fields:
        start, moving = system
        middle = jnp.mean(start.positions, axis=0)

        def given(fields: Fields) -> Fields:
            x, *others = (size * field for size, field in zip(sizes, fields, strict=True))
            return x + middle, *others

        def rates(_t: Any, fields: Fields, _args: Any) -> Fields:
            return tuple(rate / size for size, rate in zip(sizes, slope(start, given(fields)), strict=True))

        begin = (moving[0] - middle, *moving[1:])
        solution = diffrax.diffeqsolve(
            diffrax.ODETerm(rates),
            diffrax.Tsit5(),
            times[0],
            times[-1],
            0.1 * (times[1] - times[0]),
            tuple(field / size for size, field in zip(sizes, begin, strict=True)),
            saveat=diffrax.SaveAt(ts=times),
            stepsize_controller=diffrax.PIDController(rtol=tolerance, atol=tolerance),
            max_steps=MOST_STEPS,
            throw=False,
        )
        assert solution.ys is not None  # asked for by SaveAt
        return given(solution.ys)

    # Side by side, every one would take as many steps as the worst.
    return jax.lax.map(one, (start, moving))
