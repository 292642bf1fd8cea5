"""Derivatives of noisy series by local polynomials whose windows are chosen from the noise.

For every particle and time the widest smoothing is taken that still agrees,
within the noise, with all that smooth less (the rule of Lepski): wide windows
where the motion is slow, narrow ones in a close encounter. Components of a
vector are smoothed together, so the result turns with the axes.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float, Int

from ._local_fits import ROWS, LocalFit, Window, local_fit, windows

AGREEMENT = 1.6  # disagreement of two windows that noise explains, in standard errors of the narrower; measured best
WIDEST = 401  # snapshots; wider windows are never needed for what noise leaves resolvable
OUTER = 4.0  # how much larger than at its middle the error of a window may be near its ends for a target
SHORTEST = 13  # snapshots of a stretch from which noise can be smoothed away
COLUMNS = 4096
OUTLYING = 6.0  # residuals in units of the noise from which a snapshot is no noise but a jump or a mistake

Block = Float[np.ndarray, "some_systems some_times some_nodes dim"]
Columns = Float[np.ndarray, "some_times particles dim"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Smoothed:
    """Series, their derivatives, and how good they are.

    Attributes:
        values: The series without most of the noise, then the first and second derivative.
        errors: Standard errors of each that follow from the noise.
        reliable: Where the derivative asked for is no worse than the inside of a track.
    """

    values: tuple[Block, Block, Block]
    errors: tuple[Block, Block, Block]
    reliable: Bool[np.ndarray, "some_systems some_times some_nodes"]


def smooth(
    times: Float[np.ndarray, " some_times"],
    values: Block,
    noise: Float[np.ndarray, "some_systems some_nodes"],
    order: int,
) -> Smoothed:
    """Smooth series and differentiate them, each particle with windows of its own.

    Args:
        times: Strictly increasing times, at least 13.
        values: The series.
        noise: Standard deviation of the noise of each particle's components, > 0.
        order: The derivative that windows are chosen for, 1 or 2.

    Returns:
        Series and derivatives.
    """
    systems, count, nodes, dim = values.shape
    middle = values.mean(axis=1, keepdims=True)  # keeps digits where values are large
    columns = (values - middle).transpose(1, 0, 2, 3).reshape(count, systems * nodes, dim)
    chosen = windows(count, order, WIDEST)
    typical = [np.median(local_fit(times, _sample(count), window).norms(order)) for window in chosen]
    chosen = [chosen[k] for k in np.argsort(typical)[::-1]]
    parts = []
    for start in range(0, columns.shape[1], COLUMNS // dim):
        part = slice(start, start + COLUMNS // dim)
        parts.append(_smoothed(times, columns[:, part], noise.ravel()[part], order, chosen))
    stacked = [np.concatenate(arrays, axis=2) for arrays in zip(*parts, strict=True)]

    def block(flat: np.ndarray) -> np.ndarray:
        return flat.reshape(count, systems, nodes, -1).transpose(1, 0, 2, 3)

    found = [block(one) for one in stacked[0]]
    found[0] = found[0] + middle
    spread = [np.broadcast_to(block(one[..., None]), values.shape).copy() for one in stacked[1]]
    return Smoothed(
        values=(found[0], found[1], found[2]),
        errors=(spread[0], spread[1], spread[2]),
        reliable=block(stacked[2][0][..., None])[..., 0],
    )


def _sample(count: int) -> Int[np.ndarray, " some_times"]:
    """The middle of a track, where windows are whole."""
    middle = count // 2
    return np.arange(max(0, middle - 8), min(count, middle + 8))


def _smoothed(
    times: Float[np.ndarray, " some_times"],
    columns: Columns,
    noise: Float[np.ndarray, " particles"],
    order: int,
    candidates: list[Window],
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Choose a window for each particle and time, and read its fit."""
    from scipy.ndimage import maximum_filter1d, median_filter  # late: noise is rare, and SciPy slow to import

    count, particles, dim = columns.shape
    blocks = [np.arange(start, min(start + ROWS, count)) for start in range(0, count, ROWS)]
    flat = columns.reshape(count, -1)
    choice = np.concatenate(
        [_choice([local_fit(times, rows, one) for one in candidates], flat, noise, order) for rows in blocks]
    )
    choice = median_filter(choice, size=(5, 1), mode="nearest")  # a window that stands out from its neighbours is luck
    found, norms = np.zeros((3, count, particles, dim)), np.zeros((3, count, particles))
    inner = np.zeros((count, particles))
    for rows in blocks:
        for k in np.unique(choice[rows]):
            place = choice[rows] == k
            fit = local_fit(times, rows, candidates[k])
            for nth in range(3):
                values = fit.apply(flat, nth).reshape(len(rows), particles, dim)
                found[nth, rows] = np.where(place[..., None], values, found[nth, rows])
                norms[nth, rows] = np.where(place, fit.norms(nth)[:, None], norms[nth, rows])
            middle = local_fit(times, _sample(count), candidates[k]).norms(order)
            inner[rows] = np.where(place, np.median(middle), inner[rows])
    beyond = ((found[0] - columns) ** 2).mean(axis=-1) > (OUTLYING * noise) ** 2
    jump = maximum_filter1d(beyond, candidates[0].width, axis=0, mode="nearest")
    return found, norms * noise, ((norms[order] <= OUTER * inner) & np.logical_not(jump))[None]


def _choice(
    fits: list[LocalFit],
    columns: Float[np.ndarray, "times columns"],
    noise: Float[np.ndarray, " particles"],
    order: int,
) -> Int[np.ndarray, "some_times particles"]:
    """Number of the smoothest fit that agrees with all that are less smooth."""
    from scipy.ndimage import uniform_filter1d

    estimates, spreads = [], []
    result = np.zeros((fits[0].weights.shape[1], len(noise)), dtype=int)
    for k, fit in enumerate(fits):
        estimate = fit.apply(columns, order).reshape(*result.shape, -1)
        agrees = np.ones(result.shape, dtype=bool)
        for other, spread in zip(estimates, spreads, strict=True):
            gap = ((estimate - other) ** 2).mean(axis=-1) / spread**2
            # What a window covers is judged as a whole: luck averages out, disagreement does not.
            agrees &= uniform_filter1d(gap, fit.window.width, axis=0, mode="nearest") <= AGREEMENT**2
        estimates.append(estimate)
        spreads.append(fit.norms(order)[:, None] * noise)
        better = agrees & (spreads[k] <= np.take_along_axis(np.stack(spreads), result[None], axis=0)[0])
        result[better] = k
    return result
