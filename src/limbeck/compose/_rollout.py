"""Roll a law and a network forward from given states, and compare with what came in."""

from dataclasses import dataclass
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int

from limbeck.expressions import evaluate
from limbeck.graphs import GraphDataset, Snapshots
from limbeck.train import TrainedModel

from ._callable import law_accelerations
from ._integrate import Force, integrate, law_force, network_force
from ._law import Law
from ._lyapunov import beside_displaced

MOST_SYSTEMS = 8
MOST_TIMES = 200
LOST = 0.5  # beyond this error (in typical distances) two trajectories have nothing to do with each other


@dataclass(frozen=True, kw_only=True, eq=False)
class Moves:
    """First states of a rollout's simulations, and the velocities along it.

    Attributes:
        start: First states.
        given: Velocities that came in.
        law: Velocities under the law.
        network: Velocities under the network.
        twice: First states, followed by the same displaced by very little.
        force: The law as it was compiled for all of these.
        scale: Typical distance of a pair.
    """

    start: Snapshots
    given: Float[np.ndarray, "systems times nodes dim"]
    law: Float[np.ndarray, "systems times nodes dim"]
    network: Float[np.ndarray, "systems times nodes dim"]
    twice: Snapshots
    force: Force
    scale: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Rollout:
    """Trajectories predicted from the first states of test simulations.

    Attributes:
        times: Times from the start.
        given: Positions that came in.
        law: Positions under the law.
        network: Positions under the network.
        law_error: Median over simulations of the mean distance from the given positions,
            over the typical distance of a pair.
        network_error: The same for the network.
        energy_drift: Median over simulations of the largest relative change of the law's own energy;
            None where the law has no potential.
        horizon: Last time at which both are compared.
        moves: What else is known of the paths; None where they were not integrated here.
    """

    times: Float[np.ndarray, " times"]
    given: Float[np.ndarray, "systems times nodes dim"]
    law: Float[np.ndarray, "systems times nodes dim"]
    network: Float[np.ndarray, "systems times nodes dim"]
    law_error: Float[np.ndarray, " times"]
    network_error: Float[np.ndarray, " times"]
    energy_drift: float | None
    horizon: float
    moves: Moves | None = None

    @property
    def mean_errors(self) -> tuple[float, float]:
        """Mean errors of law and network up to the horizon."""
        return self.mean_errors_until(self.horizon)

    def mean_errors_until(self, end: float) -> tuple[float, float]:
        """Mean errors of law and network up to some time.

        Args:
            end: The last time that counts; the first after the start always does.

        Returns:
            Both, law first.
        """
        upto = self.times <= max(end, self.times[1])
        upto[0] = False
        return float(np.mean(self.law_error[upto])), float(np.mean(self.network_error[upto]))


def roll_out(law: Law, trained: TrainedModel, dataset: GraphDataset, potential: Any) -> Rollout | None:
    """Integrate law and network from the start of test trajectories.

    Args:
        law: The law.
        trained: The network that it was distilled from.
        dataset: Where the test trajectories stand.
        potential: The law's pair potential as an expression, or None.

    Returns:
        Both rollouts, or None where no test simulation has three times with every particle there.
    """
    runs = _test_runs(dataset)
    if runs is None:
        return None
    systems, rows = runs
    t = dataset.trajectories
    times = t.times[systems[0], rows] - t.times[systems[0], rows[0]]
    start = dataset.batch(np.stack([systems, np.full_like(systems, rows[0])], axis=1))
    given = t.positions[systems][:, rows]
    scale = trained.model.scales.length
    both = beside_displaced(start, scale, float(times[-1]))
    force = law_force(law, dataset, both)
    positions, velocities = (path[: len(systems)] for path in integrate(force, both, times, 1e-9))
    with_network, its_velocities = integrate(network_force(trained, start), start, times, 1e-5)
    law_error, network_error = _error(positions, given, scale), _error(with_network, given, scale)
    return Rollout(
        times=times,
        given=given,
        law=positions,
        network=with_network,
        law_error=law_error,
        network_error=network_error,
        energy_drift=None
        if potential is None
        else _energy_drift(law, potential, dataset, start, positions, velocities),
        horizon=_horizon(times, network_error),
        moves=Moves(
            start=start,
            given=t.velocities[systems][:, rows],
            law=velocities,
            network=its_velocities,
            twice=both,
            force=force,
            scale=scale,
        ),
    )


def _test_runs(dataset: GraphDataset) -> tuple[Int[np.ndarray, " systems"], Int[np.ndarray, " times"]] | None:
    """Test simulations with the same unbroken run of times, and that run."""
    t = dataset.trajectories
    chosen = np.concatenate([dataset.test, dataset.extrapolation, dataset.held_out])
    if len(chosen) == 0:
        return None
    first = chosen[:, 0].min()
    rows = _longest_run(np.sort(chosen[chosen[:, 0] == first, 1]))
    if len(rows) < 3:
        return None
    rows = rows[:: max(1, -(-len(rows) // MOST_TIMES))]
    relative = t.times[first, rows] - t.times[first, rows[0]]
    systems = [
        s
        for s in np.unique(chosen[:, 0])
        if t.present[s][rows].all() and np.allclose(t.times[s, rows] - t.times[s, rows[0]], relative, rtol=1e-9, atol=0)
    ]
    if not systems or not np.all(np.diff(relative) > 0):
        return None
    return np.asarray(systems[:MOST_SYSTEMS]), rows


def _longest_run(rows: Int[np.ndarray, " times"]) -> Int[np.ndarray, " times"]:
    """The longest stretch of consecutive numbers."""
    parts = np.split(rows, np.flatnonzero(np.diff(rows) != 1) + 1)
    return max(parts, key=len)


def integrate_law(
    law: Law,
    start: Snapshots,
    first: Int[np.ndarray, " pairs"],
    second: Int[np.ndarray, " pairs"],
    attribute_names: tuple[str, ...],
    times: Float[np.ndarray, " times"],
) -> tuple[Float[np.ndarray, "systems times nodes dim"], Float[np.ndarray, "systems times nodes dim"]]:
    """Integrate a law from given states, every simulation at once, in float64.

    Args:
        law: The law.
        start: Initial states with the weights of their edges.
        first: Node that stands first in each pair.
        second: Node that stands second.
        attribute_names: Name of each column of the attributes.
        times: Times of the states, strictly rising.

    Returns:
        Positions and velocities; NaN where they can't be reached.
    """

    def force(x: Any, v: Any) -> Any:
        return law_accelerations(law, start._replace(positions=x, velocities=v), first, second, attribute_names, jnp)  # type: ignore[arg-type]

    return integrate(force, start, times - times[0], 1e-9)


def _error(
    positions: Float[np.ndarray, "systems times nodes dim"],
    given: Float[np.ndarray, "systems times nodes dim"],
    scale: float,
) -> Float[np.ndarray, " times"]:
    """Median over simulations of the mean distance, in typical pair distances; a lost trajectory counts as 10."""
    distance = np.mean(np.linalg.norm(positions - given, axis=-1), axis=-1) / scale
    return np.median(np.minimum(np.nan_to_num(distance, nan=10.0), 10.0), axis=0)


def _horizon(times: Float[np.ndarray, " times"], network_error: Float[np.ndarray, " times"]) -> float:
    """Last time before the network has lost the trajectory, but at least a tenth of the time."""
    lost = np.flatnonzero(network_error > LOST)
    last = int(lost[0]) - 1 if len(lost) else len(times) - 1
    return float(times[max(last, len(times) // 10, 1)])


def _energy_drift(
    law: Law, potential: Any, dataset: GraphDataset, start: Snapshots, positions: np.ndarray, velocities: np.ndarray
) -> float | None:
    """Largest relative change of kinetic plus pair energy along the law's own rollout."""
    if any(name not in ("radial", "inertia") for name in law.components):
        return None
    first, second = dataset.pairs.first, dataset.pairs.second
    columns = {"r": np.linalg.norm(positions[:, :, first] - positions[:, :, second], axis=-1)}
    own = {}
    for k, name in enumerate(dataset.attribute_names):
        columns[f"{name}_1"] = start.attributes[:, None, first, k]
        columns[f"{name}_2"] = start.attributes[:, None, second, k]
        own[f"{name}_1"] = start.attributes[:, None, :, k]
    inertia = evaluate(law.components["inertia"], own) if "inertia" in law.components else 1.0
    kinetic = 0.5 * np.sum(inertia * np.sum(velocities**2, axis=-1), axis=-1)
    energies = start.forward[:, None] * np.broadcast_to(evaluate(potential, columns), columns["r"].shape)
    total = kinetic + energies.sum(axis=-1)
    size = np.max(np.abs(kinetic), axis=1) + np.abs(total[:, 0])
    with np.errstate(all="ignore"):
        drift = np.nanmax(np.abs(total - total[:, :1]), axis=1) / size
    return float(np.median(drift)) if np.isfinite(drift).any() else None
