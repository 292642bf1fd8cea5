"""How far off a perfect law would be: noise that the data show by themselves, and noise that a law leaves.

Differences in time tell noise from motion where motion is smooth between snapshots. Where it is not, a law
tells: what it leaves is either noise, the same everywhere and known to nothing else, or something that it misses,
and that goes with where particles stand, how they move or when they are looked at.
"""

import numpy as np
from jaxtyping import Bool, Float, Int
from scipy.stats import rankdata

from limbeck.graphs import GraphDataset
from limbeck.trajectories import acceleration_noise, rederived_accelerations

from ._states import AXES, States, states_of, thinned

LARGEST_NOISE = 0.3  # noise that hides more than this leaves nothing to verify
MOST = 2_000
MOST_REDERIVED = 10  # simulations that are smoothed once more
FEWEST = 1_000  # particles whose errors can tell noise from a misfit
BY_CHANCE = 5.0  # standard errors of a correlation that mean nothing: fitted constants leave some of their own
NORMAL_TAIL = 2.4387  # 90th percentile over the median, of the sizes of a normal variable
TAIL = 1.15  # by how much of a factor the tail of noise may differ from that
QUARTILE = 0.6745  # of a normal distribution
MOST_PAIRED = 100  # pairs of particles whose errors are compared
BINS = 10  # of the distance to the nearest other particle


def noise_effect(dataset: GraphDataset) -> float:
    """Median relative error that the noise alone would cause in the accelerations.

    Where accelerations were derived from noisy positions, what smoothing takes away of the motion counts too.

    Args:
        dataset: The data; validation snapshots are looked at.

    Returns:
        The error of a perfect law, 0 where no noise can be told from motion.
    """
    sigma = acceleration_noise(dataset.trajectories)
    if sigma == 0.0:
        return 0.0
    if dataset.trajectories.measured_positions is not None:
        return _smoothing_effect(dataset)
    states = states_of(dataset, thinned(dataset, dataset.validation, MOST))
    return _effect(states, sigma)


def noise_left(
    dataset: GraphDataset,
    rows: Int[np.ndarray, "samples 2"],
    states: States,
    predicted: Float[np.ndarray, "particles dim"],
) -> float:
    """Median relative error that noise alone would cause, where a law leaves nothing else of given accelerations.

    It is noise only if it is normal and of one size, whatever the acceleration, the speed, the place, the attributes
    and the distance to the nearest other particle; if it has no part along any of these; and if it is another for
    each particle and each time. What a law misses of a force goes with something.

    Args:
        dataset: The data.
        rows: Snapshots (system, time) that no search has seen, those of the states.
        states: These, laid out.
        predicted: The law's accelerations.

    Returns:
        The error of a perfect law, 0 where what is left may be the law's fault.
    """
    left = states.targets - predicted
    if len(left) < FEWEST or not np.all(np.isfinite(left)):
        return 0.0
    middle, tail = np.quantile(np.abs(left), [0.5, 0.9])
    if not NORMAL_TAIL / TAIL < tail / max(middle, np.finfo(float).tiny) < NORMAL_TAIL * TAIL:
        return 0.0
    there = dataset.batch(rows).targeted()
    if not (_is_the_same_everywhere(left, states, predicted) and _is_another_each_time(left, there, rows)):
        return 0.0
    return _effect(states, float(middle) / QUARTILE)


def _effect(states: States, sigma: float) -> float:
    """Median relative error of accelerations with fresh noise."""
    noise = np.random.default_rng(0).normal(scale=sigma, size=states.targets.shape)
    errors = states.relative_errors(states.targets + noise)
    return float(np.median(errors[states.acted_on(states.targets)]))


def _smoothing_effect(dataset: GraphDataset) -> float:
    """Median relative error of accelerations that are derived anew from the smoothed positions with fresh noise."""
    t, rows = dataset.trajectories, dataset.validation
    systems = np.unique(rows[:, 0])[:MOST_REDERIVED]
    anew = np.full_like(t.accelerations, np.nan)
    anew[systems] = rederived_accelerations(t, systems)
    rows = thinned(dataset, rows[np.isin(rows[:, 0], systems)], MOST)
    states, batch = states_of(dataset, rows), dataset.batch(rows)
    errors = states.relative_errors(anew[rows[:, 0], rows[:, 1]][batch.targeted()])
    known = errors[np.isfinite(errors)]
    return float(np.median(known)) if len(known) else LARGEST_NOISE


def _is_the_same_everywhere(left: np.ndarray, states: States, predicted: np.ndarray) -> bool:
    """Whether errors have one size and no part along anything that a force could follow."""
    nearest, along = _nearest(states)
    paired = nearest > 0
    sizes = np.linalg.norm(left, axis=1)
    scalars = [np.linalg.norm(predicted, axis=1), *(states.nodes[name] for name in (*states.attributes, "v_1", "r_1"))]
    if any(_rank_correlated(sizes, one) for one in scalars) or _rank_correlated(sizes[paired], nearest[paired]):
        return False
    axes = AXES[: states.dim]
    vectors = [predicted, *(np.stack([states.nodes[f"{stem}{a}_1"] for a in axes], axis=1) for stem in ("", "v"))]
    if any(_rank_correlated(left[:, k], one[:, k]) for one in vectors for k in range(states.dim)):
        return False
    outward = np.sum(left * along, axis=1, keepdims=True)
    return _vanishes(left, np.zeros(len(left)), 1) and _vanishes(outward[paired], nearest[paired], BINS)


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


def _is_another_each_time(left: np.ndarray, there: Bool[np.ndarray, "samples nodes"], rows: np.ndarray) -> bool:
    """Whether errors at neighbouring times, and of the particles of one snapshot, know nothing of each other."""
    cube = np.full((*there.shape, left.shape[1]), np.nan)
    cube[there] = left
    cube = cube[np.lexsort((rows[:, 1], rows[:, 0]))]
    system = np.sort(rows[:, 0])
    follows = system[1:] == system[:-1]
    if _correlated(cube[:-1][follows].ravel(), cube[1:][follows].ravel()):
        return False
    first, second = np.triu_indices(cube.shape[1], k=1)
    some = np.linspace(0, len(first) - 1, min(len(first), MOST_PAIRED)).astype(int)
    return not _correlated(cube[:, first[some]].ravel(), cube[:, second[some]].ravel())


def _vanishes(values: Float[np.ndarray, "samples parts"], by: Float[np.ndarray, " samples"], bins: int) -> bool:
    """Whether the mean of each part is zero, but for chance, in each of so many parts of the samples."""
    for part in np.array_split(np.argsort(by, kind="stable"), bins):
        own = values[part]
        if len(own) > 1 and np.any(np.abs(own.mean(axis=0)) > BY_CHANCE * own.std(axis=0) / np.sqrt(len(own))):
            return False
    return True


def _rank_correlated(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two columns go with each other, by their ranks."""
    return bool(np.ptp(second) > 0) and _correlated(rankdata(first), rankdata(second))


def _correlated(first: np.ndarray, second: np.ndarray) -> bool:
    """Whether two columns go with each other by more than chance; places where either is unknown don't count."""
    known = np.isfinite(first) & np.isfinite(second)
    if known.sum() < 3 or not (np.ptp(first[known]) > 0 and np.ptp(second[known]) > 0):
        return False
    return bool(abs(np.corrcoef(first[known], second[known])[0, 1]) > BY_CHANCE / np.sqrt(known.sum()))
