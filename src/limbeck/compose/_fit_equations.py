"""Fit the constants of a network's equations end to end: on accelerations, or on trajectories through an integrator.

What is still a perceptron stays as it is. Constants are few, so slopes are taken forward
and the fit is Levenberg and Marquardt's, in double precision.
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from limbeck._errors import InputError
from limbeck.expressions import least_squares
from limbeck.graphs import GraphDataset, Snapshots
from limbeck.models import GraphNetwork
from limbeck.train import pair_index

from ._formula import Formula

TARGETS = ("accelerations", "trajectories")
MOST_SNAPSHOTS = 400
SEGMENT = 4  # states that a segment of a trajectory is followed over
SUBSTEPS = 8  # Runge-Kutta steps between two states


def fit_equations(
    network: GraphNetwork, dataset: GraphDataset, *, on: str = "accelerations", steps: int = 30
) -> GraphNetwork:
    """Fit the constants of all equations in a network to training data.

    Args:
        network: A network with equations, of `with_equations`.
        dataset: Its data; training snapshots only are looked at.
        on: "accelerations" minimises their relative error; "trajectories" integrates from training states over the
            next few and minimises the error of the positions, which needs no acceleration.
        steps: Largest number of steps.

    Returns:
        The network with the best constants found; `equations_of` reads them.

    Raises:
        InputError: If the network has no equation with a constant, the target is unknown, or no training
            simulation has enough consecutive states.
    """
    if on not in TARGETS:
        raise InputError(f"unknown target {on!r}: choose one of {', '.join(TARGETS)}")
    start = _constants(network)
    if not len(start):
        raise InputError("the network has no equation with a constant to fit")
    with jax.enable_x64(True):
        residual = (_on_accelerations if on == TARGETS[0] else _on_trajectories)(network, dataset)

        @eqx.filter_jit
        def both(constants: Array) -> tuple[Array, Array]:
            return residual(constants), jax.jacfwd(residual)(constants)

        def as_arrays(constants: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            value, slopes = both(jnp.asarray(constants))
            return np.asarray(value), np.asarray(slopes)

        best = least_squares(as_arrays, start, steps=steps)
    return _with_constants(network, best.astype(np.float32))


def _formulas(network: GraphNetwork) -> list[Formula]:
    """All formulas of a network."""
    leaves = jax.tree.leaves(network, is_leaf=lambda node: isinstance(node, Formula))
    return [leaf for leaf in leaves if isinstance(leaf, Formula)]


def _constants(network: GraphNetwork) -> np.ndarray:
    """Constants of all formulas, in one row."""
    return np.concatenate([np.zeros(0), *(np.asarray(f.constants, dtype=float) for f in _formulas(network))])


def _with_constants(network: GraphNetwork, values: Any) -> GraphNetwork:
    """The network with other constants."""
    parts, begin = [], 0
    for formula in _formulas(network):
        end = begin + len(formula.constants)
        parts.append(values[begin:end])
        begin = end
    return eqx.tree_at(lambda n: [formula.constants for formula in _formulas(n)], network, parts)


def _on_accelerations(network: GraphNetwork, dataset: GraphDataset) -> Callable[[Array], Array]:
    """Relative errors of the accelerations of training snapshots."""
    batch = dataset.batch(dataset.train[:: max(1, -(-len(dataset.train) // MOST_SNAPSHOTS))])
    known = batch.targeted()
    size = np.linalg.norm(batch.targets, axis=-1)
    weights = np.where(known, 1.0 / (size + 0.1 * np.median(size[known])), 0.0)[..., None]
    force = _force(network, dataset)

    def residual(constants: Array) -> Array:
        return ((force(constants, batch) - batch.targets) * weights).ravel()

    return residual


def _on_trajectories(network: GraphNetwork, dataset: GraphDataset) -> Callable[[Array], Array]:
    """Errors of positions after the next states of training simulations, in typical distances."""
    systems, times = _segments(dataset)
    t = dataset.trajectories
    start = dataset.batch(np.stack([systems, times], axis=1))
    rows = times[:, None] + np.arange(SEGMENT + 1)
    given = t.positions[systems[:, None], rows]  # segments states nodes dim
    spans = jnp.asarray(np.diff(t.times[systems[:, None], rows], axis=1))[..., None, None]
    there = np.all(t.present[systems[:, None], rows], axis=1)[..., None]
    force, scale = _force(network, dataset), network.scales.length

    def residual(constants: Array) -> Array:
        def acceleration(x: Array, v: Array) -> Array:
            return force(constants, start._replace(positions=x, velocities=v))  # type: ignore[arg-type]

        def advance(state: tuple[Array, Array], span: Array) -> tuple[tuple[Array, Array], Array]:
            state = jax.lax.fori_loop(0, SUBSTEPS, lambda _, s: _runge_kutta(acceleration, s, span / SUBSTEPS), state)
            return state, state[0]

        begin = jnp.asarray(start.positions), jnp.asarray(start.velocities)
        _, followed = jax.lax.scan(advance, begin, jnp.moveaxis(spans, 1, 0))
        missed = jnp.moveaxis(followed, 0, 1) - given[:, 1:]
        return (jnp.where(there[:, None], missed, 0.0) / scale).ravel()

    return residual


def _segments(dataset: GraphDataset) -> tuple[Int[np.ndarray, " segments"], Int[np.ndarray, " segments"]]:
    """Training states whose next ones are training states of the same simulation."""
    rows = {(int(s), int(k)) for s, k in dataset.train}
    begins = [(s, k) for s, k in sorted(rows) if all((s, k + j) in rows for j in range(1, SEGMENT + 1))]
    if not begins:
        raise InputError(f"no training simulation has {SEGMENT + 1} consecutive states to follow")
    chosen = np.asarray(begins[:: max(1, -(-len(begins) // MOST_SNAPSHOTS))])
    return chosen[:, 0], chosen[:, 1]


def _force(network: GraphNetwork, dataset: GraphDataset) -> Callable[[Array, Snapshots], Array]:
    """Accelerations as a function of the constants and the states, in the precision of these."""
    pairs = pair_index(dataset)

    def force(constants: Array, states: Snapshots) -> Float[Array, "samples nodes dim"]:
        # The learned rest is data here: widened once, not fitted.
        wide = jax.tree.map(lambda a: jnp.asarray(a, jnp.float64), eqx.filter(network, eqx.is_array))
        model = _with_constants(eqx.combine(wide, network), constants)
        return model(Snapshots(*(jnp.asarray(array) for array in states)), pairs)

    return force


def _runge_kutta(
    acceleration: Callable[[Array, Array], Array], state: tuple[Array, Array], h: Array
) -> tuple[Array, Array]:
    """One step of the classical fourth order."""
    x, v = state
    a1 = acceleration(x, v)
    a2 = acceleration(x + 0.5 * h * v, v + 0.5 * h * a1)
    a3 = acceleration(x + 0.5 * h * (v + 0.5 * h * a1), v + 0.5 * h * a2)
    a4 = acceleration(x + h * (v + 0.5 * h * a2), v + h * a3)
    return x + h * v + h**2 / 6 * (a1 + a2 + a3), v + h / 6 * (a1 + 2 * a2 + 2 * a3 + a4)
