"""The plain multi-layer perceptron of the published models.

Unlike `Perceptron` its last layer sees the hidden units only, and its
activation is a choice: the published graph networks use ReLU, the Hamiltonian
ones softplus. Weights are drawn with NumPy, so that building compiles nothing.
"""

from itertools import pairwise

import equinox as eqx
import jax
import numpy as np
from jaxtyping import Array, Float

ACTIVATIONS = {"relu": jax.nn.relu, "silu": jax.nn.silu, "softplus": jax.nn.softplus}


class Layers(eqx.Module):
    """Linear layers with an activation between them.

    Attributes:
        weights: Matrix of each layer (inputs, outputs).
        biases: Offset of each layer.
        activation: Name in `ACTIVATIONS`.
    """

    weights: tuple[Array | np.ndarray, ...]
    biases: tuple[Array | np.ndarray, ...]
    activation: str = eqx.field(static=True)

    def __call__(self, x: Float[Array, "*batch inputs"]) -> Float[Array, "*batch outputs"]:
        """Apply the layers to the last axis."""
        activate = ACTIVATIONS[self.activation]
        for weight, bias in zip(self.weights[:-1], self.biases[:-1], strict=True):
            x = activate(x @ weight + bias)
        return x @ self.weights[-1] + self.biases[-1]


def draw_layers(
    n_inputs: int, n_outputs: int, *, width: int, depth: int, activation: str, generator: np.random.Generator
) -> Layers:
    """Draw layers as PyTorch's `Linear` does: uniform within ±1/√inputs, offsets too.

    Args:
        n_inputs: Size of the last axis that they take, at least 1.
        n_outputs: Size of the last axis that they return.
        width: Units in each hidden layer.
        depth: Number of hidden layers.
        activation: Name in `ACTIVATIONS`.
        generator: Source of the weights.

    Returns:
        Layers in float32.
    """
    sizes = [n_inputs, *([width] * depth), n_outputs]
    weights, biases = [], []
    for a, b in pairwise(sizes):
        bound = 1.0 / np.sqrt(a)
        weights.append(generator.uniform(-bound, bound, (a, b)).astype(np.float32))
        biases.append(generator.uniform(-bound, bound, b).astype(np.float32))
    return Layers(tuple(weights), tuple(biases), activation)
