"""The perceptron that every learned function is made of, and the scales that feed it.

Weights are drawn with NumPy, so that building a model compiles nothing. All
functions act on the last axis and take any batch axes before it.
"""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float


class Perceptron(eqx.Module):
    """A stack of linear layers with SiLU between them; the last one sees the inputs too.

    What a function of logarithms does beyond the data is then decided by its straight part, which
    for a product of powers is all of it.

    Attributes:
        weights: Matrix of each layer; the last has a row for each hidden unit, then one for each input.
        biases: Offset of each layer.
    """

    weights: tuple[Array | np.ndarray, ...]
    biases: tuple[Array | np.ndarray, ...]

    def __call__(self, x: Float[Array, "*batch inputs"]) -> Float[Array, "*batch outputs"]:
        """Apply the layers to the last axis."""
        hidden = x
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            hidden = jax.nn.silu(hidden @ weight + bias)
        last = hidden if len(self.weights) == 1 else jnp.concatenate([hidden, x], axis=-1)
        return last @ self.weights[-1] + self.biases[-1]


def perceptron(
    n_inputs: int, n_outputs: int, *, width: int, depth: int, generator: np.random.Generator, last: float = 1.0
) -> Perceptron:
    """Draw a perceptron with variance-preserving weights.

    Args:
        n_inputs: Size of the last axis that it takes; 0 gives a learned constant.
        n_outputs: Size of the last axis that it returns.
        width: Units in each hidden layer.
        depth: Number of hidden layers.
        generator: Source of the weights.
        last: Factor on the last layer; small values start the function near zero.

    Returns:
        A perceptron in float32.
    """
    sizes = [n_inputs, *([width] * depth), n_outputs] if n_inputs else [0, n_outputs]
    gains = [1.0] * (len(sizes) - 2) + [last]
    weights = [
        (gain * generator.normal(size=(a, b)) / np.sqrt(max(a, 1))).astype(np.float32)
        for a, b, gain in zip(sizes[:-1], sizes[1:], gains, strict=True)
    ]
    if n_inputs:
        weights[-1] = np.concatenate([weights[-1], np.zeros((n_inputs, n_outputs), np.float32)])
    return Perceptron(tuple(weights), tuple(np.zeros(b, np.float32) for b in sizes[1:]))


USUAL = 1e4  # a size between one over it and it is no unit's fault


def own_unit(size: float) -> float:
    """The unit in which what is typically of some size should be counted, in single precision and in searches.

    Args:
        size: The typical size.

    Returns:
        1 where the size is usual or nothing; else the power of two next to it, by which nothing is rounded.
    """
    if not (0 < size < np.inf) or 1.0 / USUAL <= size <= USUAL:
        return 1.0
    return float(2.0 ** np.round(np.log2(size)))


class Scales(eqx.Module):
    """Typical sizes of what a model sees, taken from its training data and kept fixed.

    Attributes:
        length: Median distance of an interacting pair [length].
        softening: Distance below which pairs are rare; keeps log-distances finite [length].
        speed: Root mean square velocity [length/time].
        position: Root mean square position [length].
        acceleration: Mean magnitude of the acceleration [length/time²].
        attributes: Typical size of each attribute.
        positive: Whether each attribute is positive throughout, so that its logarithm is fed.
    """

    length: float = eqx.field(static=True)
    softening: float = eqx.field(static=True)
    speed: float = eqx.field(static=True)
    position: float = eqx.field(static=True)
    acceleration: float = eqx.field(static=True)
    attributes: tuple[float, ...] = eqx.field(static=True)
    positive: tuple[bool, ...] = eqx.field(static=True)

    @property
    def units(self) -> tuple[float, ...]:
        """The unit in which each attribute fits into products in single precision."""
        return tuple(map(own_unit, self.attributes))

    @property
    def of_both_signs(self) -> tuple[int, ...]:
        """Numbers of the attributes that are not positive throughout."""
        return tuple(k for k, positive in enumerate(self.positive) if not positive)

    def node_features(self, attributes: Float[Array, "*batch variables"]) -> Float[Array, "*batch variables"]:
        """Logarithms of positive attributes, the scaled others."""
        columns = [
            jnp.log(jnp.maximum(attributes[..., k] / scale, 1e-30)) if positive else attributes[..., k] / scale
            for k, (scale, positive) in enumerate(zip(self.attributes, self.positive, strict=True))
        ]
        return jnp.stack(columns, axis=-1) if columns else attributes

    def attributes_of(self, features: Float[Array, "*batch variables"]) -> Float[Array, "*batch variables"]:
        """Attributes whose features these are: the inverse of `node_features`."""
        return self._of_features(features, self.attributes)

    def attributes_in_units(self, features: Float[Array, "*batch variables"]) -> Float[Array, "*batch variables"]:
        """The same in `units`."""
        sizes = tuple(size / unit for size, unit in zip(self.attributes, self.units, strict=True))
        return self._of_features(features, sizes)

    def _of_features(
        self, features: Float[Array, "*batch variables"], sizes: tuple[float, ...]
    ) -> Float[Array, "*batch variables"]:
        """Attributes of given sizes whose features these are."""
        columns = [
            scale * (jnp.exp(features[..., k]) if positive else features[..., k])
            for k, (scale, positive) in enumerate(zip(sizes, self.positive, strict=True))
        ]
        return jnp.stack(columns, axis=-1) if columns else features

    def distance_feature(self, distance: Float[Array, "*batch"]) -> Float[Array, "*batch 1"]:
        """Logarithm of the distance, softened."""
        return jnp.log((distance + self.softening) / self.length)[..., None]
