"""What a network with equations is fitted to: accelerations, or trajectories that it is integrated along.

Targets are arrays with one row for each snapshot, or for each window of consecutive states; `errors` says how far a
network is from them. Rows may be taken for batches, and the precision is that of the arrays.
"""

from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int

from limbeck._errors import InputError
from limbeck.graphs import GraphDataset, Snapshots
from limbeck.models import PairIndex

from ._follow import runge_kutta

ON = ("accelerations", "trajectories")
MOST_SNAPSHOTS = 400
SUBSTEPS = 8  # Runge-Kutta steps between two states
FLOOR = 0.1  # of the median acceleration in the weight of an error


class AccelerationTargets(eqx.Module):
    """Snapshots with known accelerations.

    Attributes:
        states: The states.
        weights: One over the size of each acceleration, softened; 0 where there is none.
    """

    states: Snapshots
    weights: Float[Any, "samples nodes 1"]

    def errors(self, network: Any, pairs: PairIndex) -> Float[Array, "samples nodes dim"]:
        """Relative errors of a network's accelerations."""
        return (network(self.states, pairs) - self.states.targets) * self.weights


class TrajectoryTargets(eqx.Module):
    """Short windows of trajectories, each followed from its first state.

    Attributes:
        start: States at the beginnings; edges are weighed by presence only.
        spans: Time from each state to the next.
        given: Positions after the start.
        there: Whether each particle is there throughout.
        scale: Typical distance, which errors are counted in.
        radius: Largest distance at which a pair interacts; None means any.
    """

    start: Snapshots
    spans: Float[Any, "windows steps"]
    given: Float[Any, "windows steps nodes dim"]
    there: Bool[Any, "windows nodes"]
    scale: float = eqx.field(static=True)
    radius: float | None = eqx.field(static=True)

    def errors(self, network: Any, pairs: PairIndex) -> Float[Array, "windows steps nodes dim"]:
        """Errors of positions along a network's own trajectories, in typical distances."""

        def acceleration(x: Array, v: Array) -> Array:
            return network(self._moved(x, v, pairs), pairs)

        def advance(state: tuple[Array, Array], span: Array) -> tuple[tuple[Array, Array], Array]:
            h = span[:, None, None] / SUBSTEPS
            state = jax.lax.fori_loop(0, SUBSTEPS, lambda _, s: runge_kutta(acceleration, s[0], s[1], h), state)
            return state, state[0]

        begin = jnp.asarray(self.start.positions), jnp.asarray(self.start.velocities)
        _, followed = jax.lax.scan(advance, begin, jnp.moveaxis(jnp.asarray(self.spans), 1, 0))
        missed = jnp.moveaxis(followed, 0, 1) - self.given
        return jnp.where(jnp.asarray(self.there)[:, None, :, None], missed, 0.0) / self.scale

    def _moved(self, x: Array, v: Array, pairs: PairIndex) -> Snapshots:
        """The same particles elsewhere; who interacts is decided there."""
        state = self.start._replace(positions=x, velocities=v)  # type: ignore[arg-type]
        if self.radius is None:
            return state
        apart = x[..., pairs.first, :] - x[..., pairs.second, :]
        within = (jnp.sum(apart**2, axis=-1) < self.radius**2).astype(x.dtype)
        return state._replace(forward=state.forward * within, backward=state.backward * within)


Targets = AccelerationTargets | TrajectoryTargets


def fit_targets(
    network: Any,
    dataset: GraphDataset,
    rows: Int[np.ndarray, "samples 2"],
    *,
    on: str,
    window: int,
    most: int = MOST_SNAPSHOTS,
) -> Targets:
    """Targets from a part of a dataset, in float64.

    Args:
        network: The network that they are for.
        dataset: Its data.
        rows: Snapshots of the part.
        on: "accelerations" or "trajectories".
        window: States that a trajectory is followed over.
        most: Largest number of snapshots or windows, spread evenly.

    Returns:
        The targets.

    Raises:
        InputError: If the kind is unknown, or no stretch of the part is long enough.
    """
    if on not in ON:
        raise InputError(f"unknown target {on!r}: choose one of {', '.join(ON)}")
    if window < 1:
        raise InputError(f"window: expected at least 1 state to follow; got {window}")
    if on == ON[0]:
        return _acceleration_targets(network, dataset, _thinned(rows, most))
    return _trajectory_targets(network, dataset, _thinned(_begins(rows, window), most), window)


def _thinned(rows: Int[np.ndarray, "samples 2"], most: int) -> Int[np.ndarray, "samples 2"]:
    """At most so many rows, spread evenly."""
    return rows[:: max(1, -(-len(rows) // most))]


def _acceleration_targets(network: Any, dataset: GraphDataset, rows: np.ndarray) -> AccelerationTargets:
    """Snapshots with known accelerations."""
    batch = dataset.batch(rows)
    known, size = batch.targeted(), np.linalg.norm(batch.targets, axis=-1)
    if not known.any():
        raise InputError("no acceleration is known in this part of the data")
    weights = np.where(known, 1.0 / (size + FLOOR * np.median(size[known])), 0.0)[..., None]
    origin = _origins(network, batch.positions)
    return AccelerationTargets(batch._replace(positions=batch.positions - origin), weights)


def _trajectory_targets(network: Any, dataset: GraphDataset, begins: np.ndarray, window: int) -> TrajectoryTargets:
    """Windows from these first states."""
    t, (systems, times) = dataset.trajectories, begins.T
    start = replace(dataset, trajectories=replace(t, radius=None)).batch(begins)
    rows = systems[:, None], times[:, None] + np.arange(window + 1)
    origin = _origins(network, start.positions)
    return TrajectoryTargets(
        start=start._replace(positions=start.positions - origin),
        spans=np.diff(t.times[rows], axis=1),
        given=t.positions[rows][:, 1:] - origin[:, None],
        there=np.all(t.present[rows], axis=1),
        scale=network.scales.length,
        radius=t.radius,
    )


def _origins(network: Any, positions: Float[np.ndarray, "samples nodes dim"]) -> Float[np.ndarray, "samples 1 dim"]:
    """Where positions are measured from: the mean of each row, where that changes nothing but rounding."""
    return positions.mean(axis=1, keepdims=True) * float(network.origin_free)


def _begins(rows: Int[np.ndarray, "samples 2"], window: int) -> Int[np.ndarray, "windows 2"]:
    """States whose next ones are of the same part and the same simulation."""
    there = {(int(s), int(k)) for s, k in rows}
    begins = [(s, k) for s, k in sorted(there) if all((s, k + j) in there for j in range(1, window + 1))]
    if not begins:
        raise InputError(f"no training simulation has {window + 1} consecutive states to follow")
    return np.asarray(begins)
