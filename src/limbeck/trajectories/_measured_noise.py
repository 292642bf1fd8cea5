"""How noisy measured series are, judged from differences that cancel any smooth motion."""

import math
from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

ORDERS = (4, 5, 6)  # of differences; white noise is the same in all, motion is not
AGREE = 0.25  # relative disagreement beyond which it is motion that is seen
CENTRES = {1: 0.454936, 2: 1.386294, 3: 2.365974}  # medians of χ² by its degrees of freedom
FEWEST = 100  # differences from which a common noise can be told

Block = Float[np.ndarray, "some_systems some_times some_nodes dim"]
Noise = Float[np.ndarray, "_ _"]  # some systems, some nodes; pieces differ in both
Piece = tuple[Float[np.ndarray, " _"], Float[np.ndarray, "_ _ _ _"]]


def measured_noise(pieces: Sequence[Piece]) -> list[Noise]:
    """Standard deviation of white noise on each component of measured series.

    Divided differences of several orders, each of unit variance under white noise of unit variance, are compared.
    Where they disagree nothing is known and 0 is returned. All components of a vector count together, so the
    estimate does not depend on the axes. Particles that do not stand out share one estimate.

    Args:
        pieces: Strictly increasing times, and series of particles of some simulations at these times.

    Returns:
        For each piece the noise of each particle, 0 where it can't be told from motion.
    """
    enough = [len(times) > max(ORDERS) for times, _ in pieces]
    squares = [_squares(*piece) for piece, long in zip(pieces, enough, strict=True) if long]
    if sum(one[-1].size for one in squares) < FEWEST:
        return [np.zeros((values.shape[0], values.shape[2])) for _, values in pieces]
    centre = CENTRES[pieces[0][1].shape[3]]
    common = np.array([np.median(np.concatenate([one[k].ravel() for one in squares])) for k in range(len(ORDERS))])
    common = np.sqrt(common / centre)
    shared = float(common[-1]) if _agreeing(common) else 0.0
    found = iter(squares)
    return [
        _own(next(found), centre, float(common[-1]), shared)
        if long
        else np.full((values.shape[0], values.shape[2]), shared)
        for (_, values), long in zip(pieces, enough, strict=True)
    ]


def _own(squares: list[np.ndarray], centre: float, common: float, shared: float) -> Noise:
    """The noise of each particle of a piece: the shared one, unless its own stands out from it."""
    own = np.array([np.sqrt(np.median(square, axis=1) / centre) for square in squares])
    count = squares[-1].shape[1]
    # Neighbouring differences share most of their noise: about a third of them are independent. Four standard errors.
    stands_out = np.abs(own[-1] - common) > 4 * math.sqrt(3 / count) * common
    alone = stands_out & (count >= FEWEST)
    return np.where(alone, np.where(_agreeing(own), own[-1], 0.0), shared)


def _squares(times: Float[np.ndarray, " some_times"], values: Block) -> list[np.ndarray]:
    """Squared differences of each order, summed over components."""
    return [(divided_differences(times, values, order) ** 2).sum(axis=-1) for order in ORDERS]


def _agreeing(estimates: np.ndarray) -> np.ndarray | np.bool_:
    """Whether estimates from differences of several orders are one figure."""
    low, high = estimates.min(axis=0), estimates.max(axis=0)
    return (low > 0) & (high <= (1 + AGREE) * low)


def divided_differences(
    times: Float[np.ndarray, " some_times"], values: Block, order: int
) -> Float[np.ndarray, "some_systems fewer_times some_nodes dim"]:
    """Divided differences along time, scaled to keep the variance of white noise.

    Args:
        times: Strictly increasing, with any steps; differences across NaN are NaN.
        values: Series at these times.
        order: Degree of the lowest power of time that they do not cancel.

    Returns:
        One difference for each `order + 1` neighbours.
    """
    width = order + 1
    neighbours = np.arange(len(times) - order)[:, None] + np.arange(width)
    here = times[neighbours] / (times[neighbours[:, -1]] - times[neighbours[:, 0]])[:, None]
    apart = here[:, :, None] - here[:, None, :]
    apart[:, np.arange(width), np.arange(width)] = 1.0
    weights = 1 / apart.prod(axis=2)
    weights /= np.sqrt(np.sum(weights**2, axis=1, keepdims=True))
    result = np.zeros((values.shape[0], len(neighbours), *values.shape[2:]))
    for place in range(width):
        # Relative to the first neighbour: keeps digits where values are large.
        change = values[:, neighbours[:, place]] - values[:, neighbours[:, 0]]
        result += weights[None, :, place, None, None] * change
    return result
