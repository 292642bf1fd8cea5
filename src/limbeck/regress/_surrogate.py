"""A smooth function through samples: what it predicts for a sample it has not seen, and its slopes.

Kriging with a smooth kernel, a constant and a linear part. Its error on left-out samples comes for free
from the inverse of one matrix, so that many sets of variables can be compared.
"""

from collections.abc import Iterable
from itertools import product
from typing import NamedTuple

import numpy as np
from jaxtyping import Float
from scipy.linalg import get_lapack_funcs

from limbeck._types import Samples, Table

LENGTHS = (1.0, 2.0, 4.0, 8.0, 16.0)  # of the kernel, in standard deviations of the variables
NOISES = (1e-9, 1e-6, 1e-3, 1e-1)  # variance beside that of the target
LINEAR = 10.0  # variance of the constant and of each slope: nearly free

Square = Float[np.ndarray, "samples samples"]


class Smoothness(NamedTuple):
    """How smooth a function is taken to be, and how noisy.

    Attributes:
        length: Length of the kernel, a place in `LENGTHS`.
        noise: Variance of the noise, a place in `NOISES`.
    """

    length: int
    noise: int


def every_smoothness() -> Iterable[Smoothness]:
    """All settings that are tried."""
    return (Smoothness(*which) for which in product(range(len(LENGTHS)), range(len(NOISES))))


def nearby(one: Smoothness) -> Iterable[Smoothness]:
    """A setting and those one step away.

    Args:
        one: The setting.

    Yields:
        Settings.
    """
    for other in every_smoothness():
        if abs(other.length - one.length) <= 1 and abs(other.noise - one.noise) <= 1:
            yield other


class Surrogate(NamedTuple):
    """Samples through which a smooth function is laid.

    Attributes:
        places: Variables, each with mean 0 and variance 1.
        noise: Relative variance of the noise of each sample.
    """

    places: Table
    noise: Samples

    def left_out(self, values: Samples, how: Smoothness) -> Samples:
        """Error of each sample's prediction by all others.

        Args:
            values: The values.
            how: The setting.

        Returns:
            Values minus predictions; NaN where the setting predicts nothing.

        Source:
            Rasmussen and Williams (2006), Gaussian Processes for Machine Learning, section 5.4.2.
        """
        inverse, _ = self._inverse(how)
        with np.errstate(all="ignore"):
            return (inverse @ values) / np.diag(inverse)

    def best(self, values: Samples, settings: Iterable[Smoothness]) -> Smoothness:
        """The setting under which left-out samples are most likely.

        Args:
            values: Values, mean 0 and variance 1.
            settings: What is tried.

        Returns:
            The best.
        """
        return min(settings, key=lambda how: self._surprise(values, how))

    def _surprise(self, values: Samples, how: Smoothness) -> float:
        """Mean negative log-likelihood of left-out samples, its scale fitted."""
        inverse, _ = self._inverse(how)
        sharpness = np.diag(inverse)
        if not (np.isfinite(sharpness).all() and (sharpness > 0).all()):
            return np.inf
        errors = (inverse @ values) / sharpness
        return float(0.5 * np.log(np.mean(errors**2 * sharpness) + 1e-300) - 0.5 * np.mean(np.log(sharpness)))

    def slopes(self, values: Samples, how: Smoothness) -> Table:
        """Slope along each variable at each sample.

        Args:
            values: The values.
            how: The setting.

        Returns:
            Change for each standard deviation of a variable.
        """
        inverse, kernel = self._inverse(how)
        weights = inverse @ values
        along = (kernel @ (self.places * weights[:, None]) - self.places * (kernel @ weights)[:, None]) / LENGTHS[
            how.length
        ] ** 2
        return along + LINEAR * (self.places.T @ weights)

    def _inverse(self, how: Smoothness) -> tuple[Square, Square]:
        """Inverse of the covariance, and its smooth part."""
        products = self.places @ self.places.T
        squares = np.diag(products)
        distance = np.maximum(squares[:, None] + squares - 2 * products, 0.0)
        kernel = np.exp(-distance / (2 * LENGTHS[how.length] ** 2))
        noise = np.diag(NOISES[how.noise] * self.noise)
        return _inverted(kernel + LINEAR * (1 + products) + noise), kernel


def _inverted(covariance: Square) -> Square:
    """Inverse of a symmetric matrix, by Cholesky where it is positive to rounding; NaN where it has none."""
    factorise, invert = get_lapack_funcs(("potrf", "potri"), (covariance,))
    factor, failed = factorise(covariance, lower=True)
    if failed:
        try:
            return np.linalg.inv(covariance)
        except np.linalg.LinAlgError:  # samples that nothing tells apart: this smoothness predicts nothing
            return np.full_like(covariance, np.nan)
    half = np.tril(invert(factor, lower=True)[0])
    return half + np.tril(half, -1).T
