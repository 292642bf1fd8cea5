"""Local polynomials by least squares on the real times: values and derivatives as weights on neighbours.

Each row of weights fits a polynomial to the snapshots nearest to a time and
reads it, or a derivative of it, at that time. With even times this is the
filter of Savitzky and Golay; uneven times need no other treatment.
"""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int
from numpy.polynomial import legendre

ROWS = 256  # times treated together: large enough for fast products, small beside wide windows


@dataclass(frozen=True, kw_only=True)
class Window:
    """How many snapshots a polynomial is fitted to, and of which degree.

    Attributes:
        width: Number of snapshots.
        degree: Degree of the polynomial, below the width.
    """

    width: int
    degree: int


@dataclass(frozen=True, kw_only=True, eq=False)
class LocalFit:
    """Weights of the fits at some times that follow each other.

    Attributes:
        window: Width and degree.
        first: Index of the first snapshot with a weight.
        weights: The fit's value, first and second derivative at each time, as weights on snapshots from `first` on.
    """

    window: Window
    first: int
    weights: Float[np.ndarray, "3 some_times width"]

    def apply(self, values: Float[np.ndarray, "times columns"], order: int) -> Float[np.ndarray, "some_times columns"]:
        """Value or derivative of the fits to some series.

        Args:
            values: The series, one a column.
            order: 0 for the value, 1 and 2 for derivatives.

        Returns:
            What the fits say at each time.
        """
        return self.weights[order] @ values[self.first : self.first + self.weights.shape[2]]

    def norms(self, order: int) -> Float[np.ndarray, " some_times"]:
        """Standard error at each time for values with independent errors of 1.

        Args:
            order: 0 for the value, 1 and 2 for derivatives.

        Returns:
            The standard errors.
        """
        return np.sqrt(np.sum(self.weights[order] ** 2, axis=1))


def windows(count: int, order: int, widest: int) -> list[Window]:
    """Windows to choose from for a derivative, from little smoothing to much.

    Args:
        count: Number of snapshots that there are.
        order: Derivative wanted; at the middle of a window, degrees of the other parity add nothing.
        widest: Largest number of snapshots of a window.

    Returns:
        Windows of growing width for each of three degrees.
    """
    widest = min(count, widest)
    steps = int(4 * math.log2(max(widest, 9) / 9))
    widths = sorted({9, *(int(9 * 2 ** (step / 2)) | 1 for step in range(steps // 2 + 1))})
    degrees = (2 + order, 4 + order, 6 + order, 8 + order)
    return [Window(width=w, degree=d) for d in degrees for w in widths if d + 2 < w <= widest]


def local_fit(times: Float[np.ndarray, " times"], rows: Int[np.ndarray, " some_times"], window: Window) -> LocalFit:
    """Fit local polynomials around some of the times.

    Args:
        times: Strictly increasing times, at least as many as the window is wide.
        rows: Indices of the times wanted, one after the other.
        window: Width and degree.

    Returns:
        The weights.
    """
    start = np.clip(rows - window.width // 2, 0, len(times) - window.width)
    neighbours = start[:, None] + np.arange(window.width)
    here = times[neighbours]
    middle, half = (here[:, -1] + here[:, 0]) / 2, (here[:, -1] - here[:, 0]) / 2
    basis = legendre.legvander((here - middle[:, None]) / half[:, None], window.degree)
    place = legendre.legvander((times[rows] - middle) / half, window.degree)
    slope = np.zeros((window.degree + 1,) * 2)
    slope[:-1] = legendre.legder(np.eye(window.degree + 1), axis=0)
    wanted = np.stack([place, place @ slope / half[:, None], place @ slope @ slope / half[:, None] ** 2], axis=-1)
    solved = np.linalg.solve(basis.transpose(0, 2, 1) @ basis, wanted)
    fitted = (basis @ solved).transpose(2, 0, 1)
    first = int(start[0])
    weights = np.zeros((3, len(rows), int(start[-1]) - first + window.width))
    weights[:, np.arange(len(rows))[:, None], neighbours - first] = fitted
    return LocalFit(window=window, first=first, weights=weights)
