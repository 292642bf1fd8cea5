"""Derivatives along time by finite differences on whatever times there are.

Each derivative is that of the polynomial through the seven nearest snapshots
(all of them where there are five or six). Measured on integrated four-body
springs and 1/r² this beats interpolating splines of degree 5 and 7 wherever
particles pass close to each other, since an error stays where it arises, and
wider stencils gain nothing that coarser sampling does not take back. Nothing
is smoothed here: where noise shows, local fits do that.
"""

import numpy as np
from jaxtyping import Float, Int

WIDTH = 7
FEWEST = 5

Block = Float[np.ndarray, "some_systems some_times some_nodes dim"]


def stencils(
    times: Float[np.ndarray, " times"], order: int, width: int
) -> tuple[Int[np.ndarray, "times width"], Float[np.ndarray, "times width"]]:
    """Neighbours of each snapshot and the weights that give a derivative there.

    Args:
        times: Strictly increasing times, at least `width` of them.
        order: 1 for the first derivative, 2 for the second.
        width: Number of snapshots that a derivative is made of.

    Returns:
        Indices of the neighbours, and their weights; f' = Σ weights (f[neighbours] - f).
    """
    start = np.clip(np.arange(len(times)) - width // 2, 0, len(times) - width)
    neighbours = start[:, None] + np.arange(width)
    offsets = times[neighbours] - times[:, None]
    scale = np.abs(offsets).max(axis=1)
    powers = (offsets / scale[:, None])[:, None, :] ** np.arange(width)[None, :, None]
    wanted = np.zeros((len(times), width, 1))
    wanted[:, order, 0] = order  # order! for orders 1 and 2
    return neighbours, np.linalg.solve(powers, wanted)[..., 0] / scale[:, None] ** order


def differentiate(times: Float[np.ndarray, " some_times"], values: Block, order: int, width: int = WIDTH) -> Block:
    """Derivative with respect to time, at every snapshot.

    Args:
        times: Strictly increasing times, at least 5.
        values: What to differentiate.
        order: 1 for the first derivative, 2 for the second.
        width: Number of snapshots that a derivative is made of, where there are as many.

    Returns:
        The derivative, poorer towards both ends.
    """
    neighbours, weights = stencils(times, order, min(width, len(times)))
    result = np.zeros_like(values)
    for place in range(neighbours.shape[1]):
        change = values[:, neighbours[:, place]]
        change -= values  # of the order of the step: keeps digits where values are large
        change *= weights[None, :, place, None, None]
        result += change
    return result


def propagated(times: Float[np.ndarray, " some_times"], errors: Block, order: int) -> Block:
    """Standard errors of derivatives of values whose errors are independent.

    Args:
        times: Strictly increasing times, at least 5.
        errors: Standard errors of the values.
        order: 1 for the first derivative, 2 for the second.

    Returns:
        Standard errors of the derivative.
    """
    neighbours, weights = stencils(times, order, min(WIDTH, len(times)))
    weights[np.arange(len(times)), np.arange(len(times)) - neighbours[:, 0]] -= weights.sum(axis=1)
    variance = np.zeros_like(errors)
    for place in range(neighbours.shape[1]):
        variance += (weights[None, :, place, None, None] * errors[:, neighbours[:, place]]) ** 2
    return np.sqrt(variance)
