"""What a law, or a network, leaves of the accelerations, and whether that is noise.

Noise knows nothing of anything: it has one size, no direction, and is another for each particle and each time. What
a law misses goes with something, with where particles stand, how they move, what they are or when they are looked
at; and where it goes with it strongly, that is a hint at what is missing.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int
from scipy.stats import rankdata

from limbeck.graphs import GraphDataset
from limbeck.trajectories import white_noise

from ._noise_effect import MOST, effect_of
from ._states import AXES, States, states_of, thinned

FEWEST = 1_000  # particles whose errors can tell noise from a misfit
BY_CHANCE = 5.0  # standard errors of a correlation that mean nothing: fitted constants leave some of their own
NORMAL_TAIL = 2.4387  # 90th percentile over the median, of the sizes of a normal variable
TAIL = 1.15  # by how much of a factor the tail of noise may differ from that
QUARTILE = 0.6745  # of a normal distribution
MOST_PAIRED = 100  # pairs of particles whose errors are compared
BINS = 10  # of the distance to the nearest other particle
ALIKE = (
    "is alike for all particles at one time, as from a force that changes in time or a frame that is shaken "
    "(correlation {:.2f})"
)
TELLING, MOST_HINTS = 0.3, 2  # correlations that are worth a word, and how many are given

Predict = Callable[[np.ndarray, States], np.ndarray]


@dataclass(frozen=True)
class Trace:
    """Something that what is left may go with.

    Attributes:
        hint: What it would mean, in words with a place for the figure; empty where it would mean too many things.
        correlation: How closely, from -1 to 1.
        by_chance: What chance makes of it.
    """

    hint: str
    correlation: float
    by_chance: float

    @property
    def is_real(self) -> bool:
        """Whether it is more than chance."""
        return abs(self.correlation) > BY_CHANCE * self.by_chance


@dataclass(frozen=True, kw_only=True)
class Leftover:
    """What predictions leave of the accelerations.

    Attributes:
        noise: Median relative error that it would cause in a perfect law, if it is noise and nothing else; else None.
        hints: What it goes with, the closest first, each the end of a sentence; none where it is noise.
    """

    noise: float | None
    hints: tuple[str, ...]


def what_is_left(dataset: GraphDataset, predict: Predict) -> Leftover:
    """Look at what predictions leave of the accelerations in simulations that no search has seen.

    It is noise if it is normal and of one size, whatever the acceleration, the speed, the place, the attributes and
    the distance to the nearest other particle; if it has no part along any of these; and if it is another for each
    particle and each time, all within five standard errors.

    Args:
        dataset: The data; whole test simulations are looked at.
        predict: Gives accelerations for some snapshots (system, time), which are also laid out.

    Returns:
        Whether it is noise, and hints at what else it is.
    """
    rows = _in_a_row(dataset, dataset.test)
    states = states_of(dataset, rows)
    predicted = predict(rows, states)
    left = states.targets - predicted
    if not np.all(np.isfinite(left)):
        return Leftover(noise=None, hints=())
    series = _series(dataset, rows, left)
    traces = [*_in_time(series, rows), *_of_direction(left, states, predicted), *_of_size(left, states, predicted)]
    middle, tail = np.quantile(np.abs(left), [0.5, 0.9])
    is_normal = NORMAL_TAIL / TAIL < tail / max(middle, np.finfo(float).tiny) < NORMAL_TAIL * TAIL
    if len(left) >= FEWEST and is_normal and not any(trace.is_real for trace in traces):
        return Leftover(noise=effect_of(states, float(middle) / QUARTILE), hints=())
    telling = [t for t in traces if t.hint and t.is_real and abs(t.correlation) > TELLING]
    telling.sort(key=lambda trace: -abs(trace.correlation))
    return Leftover(noise=None, hints=tuple(t.hint.format(t.correlation) for t in telling[:MOST_HINTS]))


def noise_within(dataset: GraphDataset, predict: Predict) -> float:
    """Look for noise in what predictions leave, where they leave more than that.

    Differences in time show it better there than in the accelerations: most of the motion is taken away.

    Args:
        dataset: The data; snapshots of all parts are looked at.
        predict: Gives accelerations for some snapshots (system, time), which are also laid out.

    Returns:
        Median relative error that it would cause in a perfect law; 0 where it can't be told.
    """
    rows = _in_a_row(dataset, np.concatenate([dataset.test, dataset.validation, dataset.train]))
    states = states_of(dataset, rows)
    systems, place = np.unique(rows[:, 0], return_inverse=True)
    whole = np.full((len(systems), *dataset.trajectories.positions.shape[1:]), np.nan)
    whole[place, rows[:, 1]] = _series(dataset, rows, states.targets - predict(rows, states))
    return effect_of(states, white_noise(dataset.trajectories.times[systems], whole))


def _in_a_row(dataset: GraphDataset, rows: Int[np.ndarray, "samples 2"]) -> Int[np.ndarray, "kept 2"]:
    """As many snapshots as can be laid out, simulation after simulation, in the order of time."""
    ordered = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    return ordered[: len(thinned(dataset, ordered, MOST))]


def _series(
    dataset: GraphDataset, rows: Int[np.ndarray, "samples 2"], left: Float[np.ndarray, "particles dim"]
) -> Float[np.ndarray, "samples nodes dim"]:
    """Errors by snapshot and particle, NaN where there is no target."""
    series = np.full((len(rows), *dataset.trajectories.positions.shape[2:]), np.nan)
    series[dataset.batch(rows).targeted()] = left
    return series


def _of_size(left: np.ndarray, states: States, predicted: np.ndarray) -> list[Trace]:
    """Whether errors are larger where something else is larger."""
    nearest, outward = _nearest(states)
    paired = nearest > 0
    sizes = np.linalg.norm(left, axis=1)
    pulls = np.sum(left * outward, axis=1)[paired]
    parts = np.array_split(np.argsort(nearest[paired], kind="stable"), BINS)
    return [
        _ranked(sizes, np.linalg.norm(predicted, axis=1)),
        _ranked(sizes, states.nodes["v_1"]),
        _ranked(sizes, states.nodes["r_1"]),
        *(_ranked(sizes, states.nodes[name]) for name in states.attributes),
        _ranked(sizes[paired], nearest[paired]),
        *(_mean(pulls[part]) for part in parts),
    ]


def _of_direction(left: np.ndarray, states: States, predicted: np.ndarray) -> list[Trace]:
    """Whether errors point along something."""
    axes = AXES[: states.dim]
    x, v = (np.stack([states.nodes[f"{stem}{a}_1"] for a in axes], axis=1) for stem in ("", "v"))
    return [
        *(_mean(left[:, k], f"has a mean along {axis} of {{:.2f}} standard deviations") for k, axis in enumerate(axes)),
        _ranked(left.ravel(), predicted.ravel()),
        _ranked(left.ravel(), x.ravel(), "points along the position, from the origin or to it (correlation {:.2f})"),
        _ranked(left.ravel(), v.ravel(), "points along the velocity (correlation {:.2f})"),
        *(_ranked(left[:, k], v[:, j], f"along {axes[k]} goes with the velocity along {axes[j]} (correlation {{:.2f}})")
          for k in range(len(axes)) for j in range(len(axes)) if j != k),
    ]  # fmt: skip


def _in_time(series: Float[np.ndarray, "samples nodes dim"], rows: Int[np.ndarray, "samples 2"]) -> list[Trace]:
    """Whether errors at neighbouring times, or of the particles of one snapshot, go with each other."""
    follows = rows[1:, 0] == rows[:-1, 0]
    first, second = np.triu_indices(series.shape[1], k=1)
    some = np.linspace(0, len(first) - 1, min(len(first), MOST_PAIRED)).astype(int)
    alike = _trace(series[:, first[some]].ravel(), series[:, second[some]].ravel())
    if alike.correlation > 0:
        alike = replace(alike, hint=ALIKE)
    return [alike, _trace(series[:-1][follows].ravel(), series[1:][follows].ravel())]


def _nearest(states: States) -> tuple[Float[np.ndarray, " particles"], Float[np.ndarray, "particles dim"]]:
    """Distance to the nearest other particle, and the unit vector from it; zeros where a particle has no pair."""
    distance, along = np.zeros(len(states.targets)), np.zeros(states.targets.shape)
    edges = states.gather.tocoo()
    r = states.edges["r"]
    order = np.argsort(-r[edges.col], kind="stable")  # the last that is written, the nearest, stays
    row, edge = edges.row[order], edges.col[order]
    distance[row] = r[edge]
    for k in range(states.dim):
        along[row, k] = states.edges[f"d{AXES[k]}"][edge] / r[edge]
    return distance, along


def _mean(values: Float[np.ndarray, " samples"], hint: str = "") -> Trace:
    """The mean in standard deviations."""
    spread = float(np.std(values)) if len(values) > 1 else 0.0
    if not spread > 0:
        return Trace(hint, 0.0, 1.0)
    return Trace(hint, float(np.mean(values)) / spread, 1.0 / math.sqrt(len(values)))


def _ranked(first: np.ndarray, second: np.ndarray, hint: str = "") -> Trace:
    """Correlation of the ranks of two columns."""
    return _trace(rankdata(first), rankdata(second), hint)


def _trace(first: np.ndarray, second: np.ndarray, hint: str = "") -> Trace:
    """Correlation of two columns, over places where both are known."""
    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < 3 or not (np.ptp(first[known]) > 0 and np.ptp(second[known]) > 0):
        return Trace(hint, 0.0, 1.0)
    return Trace(hint, float(np.corrcoef(first[known], second[known])[0, 1]), 1.0 / math.sqrt(known.sum()))
