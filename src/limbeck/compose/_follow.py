"""A law followed through windows by its integrator, and what is left of each window without its states.

Everything here runs in JAX and is compiled once for a form of law: constants, states and the number of steps are
arguments.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from limbeck.expressions import Expression
from limbeck.graphs import GraphDataset, Snapshots
from limbeck.regress import named

from ._callable import law_accelerations
from ._law import Law


@dataclass(frozen=True)
class Form:
    """What the integrator is compiled for: a law without its numbers, and who acts on whom.

    Attributes:
        components: Expression of each channel with `c1`, `c2`, ... in the places of constants.
        dim: Dimension of space.
        first: Node that stands first in each pair.
        second: Node that stands second.
        names: Name of each column of the attributes.
        radius: Largest distance at which a pair interacts; None means any.
        unknown: Columns of the attributes whose values are sought, too.
    """

    components: tuple[tuple[str, Expression], ...]
    dim: int
    first: tuple[int, ...]
    second: tuple[int, ...]
    names: tuple[str, ...]
    radius: float | None
    unknown: tuple[int, ...] = ()

    def accelerations(self, constants: Any, start: Snapshots, x: Any, v: Any) -> Any:
        """Accelerations at other states of the same particles.

        Args:
            constants: The law's numbers.
            start: Attributes, and edges weighed by presence.
            x: Positions.
            v: Velocities.

        Returns:
            Accelerations.
        """
        first, second = np.asarray(self.first), np.asarray(self.second)
        within = 1.0
        if self.radius is not None:
            within = jnp.linalg.norm(x[:, first] - x[:, second], axis=-1) < self.radius
        state = start._replace(
            positions=x, velocities=v, forward=start.forward * within, backward=start.backward * within
        )
        places = {f"c{k + 1}": constants[k] for k in range(len(constants))}
        law = Law(components=dict(self.components), dim=self.dim)
        return law_accelerations(law, state, first, second, self.names, jnp, places)


def form_of(law: Law, dataset: GraphDataset, unknown: Sequence[str] = ()) -> Form:
    """The form of a law on a dataset.

    Args:
        law: The law.
        dataset: Its pairs, attributes and radius are what counts.
        unknown: Attributes whose values are sought, too.

    Returns:
        What to compile for.
    """
    first, second = (tuple(end.tolist()) for end in (dataset.pairs.first, dataset.pairs.second))
    radius = dataset.trajectories.radius
    numbers = count(1)
    places = tuple((name, named(expression, numbers)) for name, expression in law.components.items())
    names = dataset.attribute_names
    return Form(places, law.dim, first, second, names, radius, tuple(names.index(name) for name in unknown))


@eqx.filter_jit
def followed(form: Form, constants: Any, start: Snapshots, spans: Any, substeps: Any) -> Any:
    """Follow a law through windows.

    Args:
        form: The law without its numbers.
        constants: Its numbers.
        start: States at the beginnings of the windows.
        spans: Times from snapshot to snapshot (windows steps).
        substeps: Steps of the integrator from each snapshot to the next, the same for all windows.

    Returns:
        Positions and velocities at every snapshot (each windows times nodes dim).
    """

    def acceleration(x: Any, v: Any) -> Any:
        return form.accelerations(constants, start, x, v)

    def advance(state: tuple[Any, Any], places: tuple[Any, Any]) -> tuple[tuple[Any, Any], tuple[Any, Any]]:
        span, number = places
        h = (span / number)[:, None, None]
        state = jax.lax.fori_loop(0, number, lambda _, s: runge_kutta(acceleration, s[0], s[1], h), state)
        return state, state

    begun = start.positions, start.velocities
    _, later = jax.lax.scan(advance, begun, (spans.T, substeps))
    return jax.tree.map(lambda first, rest: jnp.moveaxis(jnp.concatenate([first[None], rest]), 0, 1), begun, later)


def runge_kutta(acceleration: Callable[[Any, Any], Any], x: Any, v: Any, h: Any) -> tuple[Any, Any]:
    """One step of the classical fourth order; its stages are a loop, which compiles in a quarter of the time.

    Args:
        acceleration: Acceleration as a function of position and velocity.
        x: Positions.
        v: Velocities.
        h: Length of the step.

    Returns:
        Positions and velocities after it.
    """

    def stage(sums: tuple[Any, ...], places: tuple[Any, Any]) -> tuple[tuple[Any, ...], None]:
        part, share = places
        x_slope, v_slope, x_sum, v_sum = sums
        x_slope, v_slope = v + part * h * v_slope, acceleration(x + part * h * x_slope, v + part * h * v_slope)
        return (x_slope, v_slope, x_sum + share * x_slope, v_sum + share * v_slope), None

    nothing = jnp.zeros_like(x)
    parts = jnp.array([0.0, 0.5, 0.5, 1.0]), jnp.array([1.0, 2.0, 2.0, 1.0]) / 6.0
    sums, _ = jax.lax.scan(stage, (nothing, nothing, nothing, nothing), parts)
    _, _, x_sum, v_sum = sums
    return x + h * x_sum, v + h * v_sum


@eqx.filter_jit
def reduced_windows(
    form: Form, constants: Any, start: Snapshots, spans: Any, measured: Any, weights: Any, substeps: Any
) -> tuple[Any, ...]:
    """Windows' least-squares problems with their states eliminated.

    Args:
        form: The law without its numbers.
        constants: Its numbers.
        start: States at the beginnings of the windows.
        spans: Times from snapshot to snapshot (windows steps).
        measured: Positions that were measured.
        weights: One over their noise, 0 where nothing was measured.
        substeps: Steps of the integrator from each snapshot to the next, the same for all windows.

    Returns:
        For each window the sum of squares, the degrees of freedom, the sum of squared changes from a snapshot to the
        next, their number, the factor by which the worst change of a position at the beginning grows, the normal
        matrix and the gradient of the constants and of the values that are sought with them (node by node), the step
        of the states at the same numbers, and its change with these.
    """
    x, n_constants = start.positions, len(constants)
    sought = start.attributes[..., np.asarray(form.unknown, dtype=int)]
    n_shared = n_constants + sought[0].size

    def follow(constants: Any, sought: Any, x: Any, v: Any) -> Any:
        state = start._replace(positions=x, velocities=v)
        if form.unknown:
            state = state._replace(attributes=start.attributes.at[..., np.asarray(form.unknown)].set(sought))
        return followed(form, constants, state, spans, substeps)[0]

    def along(direction: Any) -> tuple[Any, Any]:
        shift = jnp.broadcast_to(direction[n_constants:n_shared].reshape(sought.shape[1:]), sought.shape)
        shifts = direction[n_shared:].reshape(2, 1, *x.shape[1:])
        tangents = (direction[:n_constants], shift, *(jnp.broadcast_to(shift, x.shape) for shift in shifts))
        return jax.jvp(follow, (constants, sought, x, start.velocities), tangents)

    positions, slopes = jax.vmap(along, out_axes=(None, 0))(jnp.eye(n_shared + 2 * x[0].size))
    scale, seen = weights[..., None], (weights > 0)[..., None]
    moved = jnp.where(seen, slopes[n_shared : n_shared + x[0].size], 0.0)
    growth = jnp.max(jnp.abs(moved), axis=(0, 2, 3, 4))
    residual = jnp.where(seen, (positions - measured) * scale, 0.0)
    both = (seen[:, 1:] & seen[:, :-1]) * jnp.ones(x.shape[-1])
    changes = jnp.sum((both * jnp.diff(residual, axis=1)) ** 2, axis=(1, 2, 3)), jnp.sum(both, axis=(1, 2, 3))
    residual = residual.reshape(len(x), -1)
    slopes = jnp.where(seen, slopes * scale, 0.0).reshape(len(slopes), len(x), -1)
    normal = jnp.einsum("jwk,lwk->wjl", slopes, slopes)
    gradient = jnp.einsum("jwk,wk->wj", slopes, residual)
    there = jnp.diagonal(normal, axis1=1, axis2=2)[:, n_shared:] > 0
    freedom = (seen.sum(axis=(1, 2, 3)) * x.shape[-1] - there.sum(axis=1)).astype(float)
    return (jnp.sum(residual**2, axis=1), freedom, *changes, growth, *_eliminated(normal, gradient, n_shared))


def _eliminated(normal: Any, gradient: Any, n_shared: int) -> tuple[Any, Any, Any, Any]:
    """Schur complement of the states: normal matrix and gradient of what is shared, and the states' steps."""
    c = slice(None, n_shared)
    s = slice(n_shared, None)
    scale = jnp.sqrt(jnp.diagonal(normal, axis1=1, axis2=2)[:, s])
    scale = jnp.where(scale > 0, scale, 1.0)  # a particle that isn't there moves nothing
    own = normal[:, s, s] / scale[:, :, None] / scale[:, None, :] + 1e-12 * jnp.eye(scale.shape[1])
    right = jnp.concatenate([gradient[:, s, None], normal[:, s, c]], axis=2) / scale[:, :, None]
    solved = jnp.linalg.solve(own, right) / scale[:, :, None]
    cross = normal[:, c, s]
    reduced = normal[:, c, c] - cross @ solved[:, :, 1:]
    return reduced, gradient[:, c] - (cross @ solved[:, :, :1])[..., 0], -solved[..., 0], -solved[..., 1:]
