"""Roll a law and a network forward from given states, and compare with what came in."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck.graphs import GraphDataset, Snapshots
from limbeck.train import TrainedModel

from ._callable import law_accelerations
from ._conserved import Drift, Paths, drifts
from ._integrate import integrate, law_force, near, network_force, resting_where_absent
from ._law import Law
from ._lyapunov import Tangent, tangent

MOST_SYSTEMS = 20
MOST_TIMES, FEWEST_TIMES = 200, 3
LOST = 0.5  # beyond this error (in typical distances) two trajectories have nothing to do with each other


@dataclass(frozen=True, kw_only=True, eq=False)
class Rollout:
    """Trajectories predicted from the first states of test simulations.

    Attributes:
        times: Times from the start.
        given: Positions that came in; a particle that is not there rests in a place of its own.
        law: Positions under the law.
        network: Positions under the network.
        law_error: Median over simulations of the mean distance from the given positions,
            over the typical distance of a pair.
        network_error: The same for the network.
        horizon: Last time at which both are compared.
        drifts: Energy and momenta along the paths of law, network and data.
        tangent: The law's paths with a displacement of each; None where they were not integrated here.
    """

    times: Float[np.ndarray, " times"]
    given: Float[np.ndarray, "systems times nodes dim"]
    law: Float[np.ndarray, "systems times nodes dim"]
    network: Float[np.ndarray, "systems times nodes dim"]
    law_error: Float[np.ndarray, " times"]
    network_error: Float[np.ndarray, " times"]
    horizon: float
    drifts: tuple[Drift, ...] = ()
    tangent: Tangent | None = None

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


def roll_out(law: Law, trained: TrainedModel, dataset: GraphDataset) -> Rollout | None:
    """Integrate law and network from the start of test trajectories.

    Args:
        law: The law.
        trained: The network that it was distilled from.
        dataset: Where the test trajectories stand.

    Returns:
        Both rollouts, or None where no test simulation has three times at which every particle of it is there.
    """
    runs = _test_runs(dataset)
    if runs is None:
        return None
    systems, rows = runs
    t = dataset.trajectories
    times = t.times[systems[0], rows[0]] - t.times[systems[0], rows[0, 0]]
    start = first_states(dataset, np.stack([systems, rows[:, 0]], axis=1))
    there = start.weights > 0
    forces = law_force(law, dataset), network_force(trained, dataset)
    if not there.all():
        forces = resting_where_absent(forces[0]), resting_where_absent(forces[1])
    given = np.where(there[:, None, :, None], t.positions[systems[:, None], rows], start.positions[:, None])
    scale = trained.model.scales.length
    beside = tangent(forces[0], start, scale, float(times[-1]))
    positions, velocities, *_ = beside.solve(times, 1e-9)
    with_network, its_velocities = integrate(forces[1], start, times, 1e-5)
    law_error, network_error = (_error(x, given, there, scale) for x in (positions, with_network))
    paths = {
        "law": Paths(positions, velocities),
        "network": Paths(with_network, its_velocities),
        "given": Paths(given, t.velocities[systems[:, None], rows]),
    }
    return Rollout(
        times=times,
        given=given,
        law=positions,
        network=with_network,
        law_error=law_error,
        network_error=network_error,
        horizon=_horizon(times, network_error),
        drifts=drifts(law, dataset, start, paths),
        tangent=beside,
    )


def first_states(dataset: GraphDataset, chosen: Int[np.ndarray, "systems 2"]) -> Snapshots:
    """States to start from, with every edge that may ever act and a weight of 1 for every particle that is there.

    Args:
        dataset: The data.
        chosen: Rows of (system, time).

    Returns:
        The states; with a radius, which edges act is decided along the way.
    """
    t = dataset.trajectories
    near_or_not = replace(dataset, trajectories=replace(t, radius=None))
    return near_or_not.batch(chosen)._replace(weights=t.present[tuple(chosen.T)].astype(float))


def _test_runs(dataset: GraphDataset) -> tuple[Int[np.ndarray, " systems"], Int[np.ndarray, "systems times"]] | None:
    """Test simulations with unbroken runs of the same times, and the rows of each."""
    t = dataset.trajectories
    chosen = np.concatenate([dataset.test, dataset.extrapolation, dataset.held_out])
    seen = np.concatenate([dataset.train, dataset.validation])[:, 0]  # far snapshots may be of these too
    chosen = chosen[np.isin(chosen[:, 0], dataset.test[:, 0]) | ~np.isin(chosen[:, 0], seen)]
    by_time = bool(np.isin(chosen[:, 0], seen).any())
    ever = np.asarray(t.present.any(axis=1, keepdims=True))
    whole = np.all(t.present | ~ever, axis=2)  # times at which all are there that ever are
    asked = chosen[whole[tuple(chosen.T)]]
    runs = {s: _longest_run(np.sort(asked[asked[:, 0] == s, 1])) for s in np.unique(asked[:, 0]).tolist()}
    runs = _of_one_length(runs) if by_time else runs
    first, rows = max(runs.items(), key=lambda run: len(run[1]), default=(0, np.zeros(0, dtype=int)))
    if len(rows) < FEWEST_TIMES:
        return None
    if not by_time:  # no time of these simulations has taught anything
        runs = dict.fromkeys(np.unique(chosen[:, 0]).tolist(), rows)
    step = max(1, -(-len(rows) // MOST_TIMES))
    runs = {s: run[::step] for s, run in runs.items() if len(run) == len(rows)}
    relative = t.times[first, rows[::step]] - t.times[first, rows[0]]
    systems = [s for s, run in runs.items() if whole[s, run].all() and _is_near(t.times[s, run], relative)]
    if not systems or not np.all(np.diff(relative) > 0):
        return None
    systems = systems[:MOST_SYSTEMS]
    return np.asarray(systems), np.stack([runs[s] for s in systems])


def _is_near(times: Float[np.ndarray, " times"], relative: Float[np.ndarray, " times"]) -> bool:
    """Whether times after the first are those of another run."""
    return np.allclose(times - times[0], relative, rtol=1e-9, atol=0)


def _of_one_length(runs: Mapping[int, Int[np.ndarray, " _"]]) -> dict[int, Int[np.ndarray, " _"]]:
    """Runs cut to the length that at least half of those have that are long enough; shorter ones stay as they are."""
    lengths = sorted(len(run) for run in runs.values() if len(run) >= FEWEST_TIMES)
    return {s: run[: lengths[(len(lengths) - 1) // 2]] if lengths else run for s, run in runs.items()}


def _longest_run(rows: Int[np.ndarray, " rows"]) -> Int[np.ndarray, " times"]:
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
    radius: float | None = None,
) -> tuple[Float[np.ndarray, "systems times nodes dim"], Float[np.ndarray, "systems times nodes dim"]]:
    """Integrate a law from given states, every simulation at once, in float64.

    Args:
        law: The law.
        start: Initial states with the weights of their edges.
        first: Node that stands first in each pair.
        second: Node that stands second.
        attribute_names: Name of each column of the attributes.
        times: Times of the states, strictly rising.
        radius: Largest distance at which a pair interacts; None means any.

    Returns:
        Positions and velocities; NaN where they can't be reached.
    """

    def force(state: Snapshots) -> Any:
        if radius is not None:
            inside = near(state.positions, first, second, radius)
            state = state._replace(forward=inside, backward=inside)
        return law_accelerations(law, state, first, second, attribute_names, jnp)

    return integrate(force, start, times - times[0], 1e-9)


def _error(
    positions: Float[np.ndarray, "systems times nodes dim"],
    given: Float[np.ndarray, "systems times nodes dim"],
    there: Bool[np.ndarray, "systems nodes"],
    scale: float,
) -> Float[np.ndarray, " times"]:
    """Median over simulations of the mean distance, in typical pair distances; a lost trajectory counts as 10."""
    distance = np.linalg.norm(positions - given, axis=-1)
    distance = distance.mean(axis=-1) if there.all() else distance.mean(axis=-1, where=there[:, None])
    distance = distance / scale
    return np.median(np.minimum(np.nan_to_num(distance, nan=10.0), 10.0), axis=0)


def _horizon(times: Float[np.ndarray, " times"], network_error: Float[np.ndarray, " times"]) -> float:
    """Last time before the network has lost the trajectory, but at least a tenth of the time."""
    lost = np.flatnonzero(network_error > LOST)
    last = int(lost[0]) - 1 if len(lost) else len(times) - 1
    return float(times[max(last, len(times) // 10, 1)])
