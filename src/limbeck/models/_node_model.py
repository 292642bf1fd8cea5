"""Node models: from the aggregated message to the acceleration, and one-body terms."""

import abc

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._networks import Perceptron, Scales


class AbstractInertia(eqx.Module):
    """Resistance to force, from the receiver's features."""

    @abc.abstractmethod
    def __call__(self, features: Float[Array, "*batch features"]) -> Float[Array, "*batch"]:
        """Inertia of each node, in units of the forces."""


class AbstractField(eqx.Module):
    """Forces that need no partner."""

    @abc.abstractmethod
    def __call__(
        self,
        positions: Float[Array, "*batch dim"],
        velocities: Float[Array, "*batch dim"],
        features: Float[Array, "*batch features"],
    ) -> Float[Array, "*batch dim"]:
        """Force on each node from no partner."""


class AbstractNode(eqx.Module):
    """From the summed message to the acceleration, without the second law."""

    @abc.abstractmethod
    def __call__(
        self,
        aggregated: Float[Array, "*batch message_dim"],
        positions: Float[Array, "*batch dim"],
        velocities: Float[Array, "*batch dim"],
        features: Float[Array, "*batch features"],
    ) -> Float[Array, "*batch dim"]:
        """Acceleration of each node."""


class Inertia(AbstractInertia):
    """Resistance to force, a positive function of the receiver's attributes.

    Attributes:
        network: Perceptron whose output is the logarithm of the inertia; None fixes the inertia at 1.
    """

    network: Perceptron | None

    def __call__(self, features: Float[Array, "*batch features"]) -> Float[Array, "*batch"]:
        """Inertia of each node, in units of the learned forces."""
        if self.network is None:
            return jnp.ones(features.shape[:-1], features.dtype)
        return jnp.exp(self.network(features)[..., 0])


class OneBodyField(AbstractField):
    """Forces that need no partner: drag, a central and a uniform field.

    `D(|v|) v + C(|x|) x + U`, each a function of the receiver's attributes too.

    Attributes:
        drag: Perceptron of speed and attributes for D.
        central: Perceptron of the distance from the origin and attributes for C.
        uniform: Perceptron of the attributes for the vector U.
        scales: Typical sizes of the data.
    """

    drag: Perceptron
    central: Perceptron
    uniform: Perceptron
    scales: Scales = eqx.field(static=True)

    def drag_factor(
        self, speed: Float[Array, "*batch"], features: Float[Array, "*batch features"]
    ) -> Float[Array, "*batch"]:
        """Factor of the velocity in the force."""
        inputs = jnp.concatenate([features, speed[..., None] / self.scales.speed], axis=-1)
        return self.drag(inputs)[..., 0] * (self.scales.acceleration / self.scales.speed)

    def central_factor(
        self, radius: Float[Array, "*batch"], features: Float[Array, "*batch features"]
    ) -> Float[Array, "*batch"]:
        """Factor of the position in the force."""
        inputs = jnp.concatenate([features, jnp.log1p(radius / self.scales.position)[..., None]], axis=-1)
        return self.central(inputs)[..., 0] * (self.scales.acceleration / self.scales.position)

    def uniform_vector(self, features: Float[Array, "*batch features"]) -> Float[Array, "*batch dim"]:
        """The uniform force."""
        return self.uniform(features) * self.scales.acceleration

    def __call__(
        self,
        positions: Float[Array, "*batch dim"],
        velocities: Float[Array, "*batch dim"],
        features: Float[Array, "*batch features"],
    ) -> Float[Array, "*batch dim"]:
        """Force on each node from no partner."""
        speed = safe_norm(velocities, self.scales.speed)
        radius = safe_norm(positions, self.scales.position)
        return (
            self.drag_factor(speed, features)[..., None] * velocities
            + self.central_factor(radius, features)[..., None] * positions
            + self.uniform_vector(features)
        )


class FreeField(AbstractField):
    """Any one-body force of position, velocity and attributes.

    Attributes:
        network: Perceptron with one output for each direction.
        scales: Typical sizes of the data.
    """

    network: Perceptron
    scales: Scales = eqx.field(static=True)

    def __call__(
        self,
        positions: Float[Array, "*batch dim"],
        velocities: Float[Array, "*batch dim"],
        features: Float[Array, "*batch features"],
    ) -> Float[Array, "*batch dim"]:
        """Force on each node from no partner."""
        inputs = [positions / self.scales.position, velocities / self.scales.speed, features]
        return self.network(jnp.concatenate(inputs, axis=-1)) * self.scales.acceleration


class FreeNode(AbstractNode):
    """Any function of the aggregated message and the node: no second law.

    Attributes:
        network: Perceptron with one output for each direction.
        scales: Typical sizes of the data.
        translation: Whether the position of the node is hidden from it.
    """

    network: Perceptron
    scales: Scales = eqx.field(static=True)
    translation: bool = eqx.field(static=True)

    def __call__(
        self,
        aggregated: Float[Array, "*batch message_dim"],
        positions: Float[Array, "*batch dim"],
        velocities: Float[Array, "*batch dim"],
        features: Float[Array, "*batch features"],
    ) -> Float[Array, "*batch dim"]:
        """Acceleration of each node."""
        inputs = [jnp.arcsinh(aggregated / self.scales.acceleration), velocities / self.scales.speed, features]
        if not self.translation:
            inputs.append(positions / self.scales.position)
        return self.scales.acceleration * jnp.sinh(self.network(jnp.concatenate(inputs, axis=-1)))


def safe_norm(vectors: Float[Array, "*batch dim"], size: float = 1.0) -> Float[Array, "*batch"]:
    """Length of vectors with a finite gradient at zero.

    Args:
        vectors: Any vectors.
        size: Their typical length, so that squares neither overflow nor vanish in single precision.

    Returns:
        The lengths; 1e-12 typical ones for a vector of zeros.
    """
    return size * jnp.sqrt(jnp.sum((vectors / size) ** 2, axis=-1) + 1e-24)
