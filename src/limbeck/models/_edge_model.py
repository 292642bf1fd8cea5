"""Edge models: what one particle tells another.

Each takes the geometry of a list of pairs and returns the message to the first
and to the second of every pair. The three kinds differ in what they may
assume: scalars of invariants times unit vectors (rotation), minus the gradient
of a pair potential (conservative), or any vector (neither).
"""

import abc
from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, Float

from ._networks import Perceptron, Scales

LARGEST_EXPONENT = 20.0  # 5e8 times the typical acceleration, beyond any force that was seen


class PairGeometry(NamedTuple):
    """What is known of each pair: first minus second, and the properties of both.

    Attributes:
        displacement: Position of the first minus that of the second [length].
        relative_velocity: Velocity of the first minus that of the second [length/time].
        distance: Length of the displacement [length].
        first: Features of the first.
        second: Features of the second.
        first_position: Position of the first, for models without translation.
        second_position: Position of the second.
        first_velocity: Velocity of the first.
        second_velocity: Velocity of the second.
    """

    displacement: Float[Array, "*batch pairs dim"]
    relative_velocity: Float[Array, "*batch pairs dim"]
    distance: Float[Array, "*batch pairs"]
    first: Float[Array, "*batch pairs features"]
    second: Float[Array, "*batch pairs features"]
    first_position: Float[Array, "*batch pairs dim"]
    second_position: Float[Array, "*batch pairs dim"]
    first_velocity: Float[Array, "*batch pairs dim"]
    second_velocity: Float[Array, "*batch pairs dim"]

    def swapped(self) -> "PairGeometry":
        """The same pairs seen from the second."""
        return PairGeometry(
            -self.displacement,
            -self.relative_velocity,
            self.distance,
            self.second,
            self.first,
            self.second_position,
            self.first_position,
            self.second_velocity,
            self.first_velocity,
        )


class AbstractEdgeModel(eqx.Module):
    """Message function: a pair in, the message to its first and to its second out."""

    @abc.abstractmethod
    def messages(
        self, pairs: PairGeometry
    ) -> tuple[Float[Array, "*batch pairs message_dim"], Float[Array, "*batch pairs message_dim"]]:
        """Messages to the first and to the second of each pair."""

    @abc.abstractmethod
    def channels(self, pairs: PairGeometry) -> Float[Array, "*batch pairs channels"]:
        """Scalars that the message to the first of each pair is made of."""


def bounded_sinh(x: Float[Array, "*batch"]) -> Float[Array, "*batch"]:
    """Hyperbolic sine of a network's output, cut where it would overflow in a bad step."""
    return jnp.sinh(jnp.clip(x, -LARGEST_EXPONENT, LARGEST_EXPONENT))


def quarter_turn(vectors: Float[Array, "*batch 2"]) -> Float[Array, "*batch 2"]:
    """Turn vectors of the plane by +90 degrees."""
    return jnp.stack([-vectors[..., 1], vectors[..., 0]], axis=-1)


def vector_of(scalars: Float[Array, "*batch pairs channels"], pairs: PairGeometry) -> Float[Array, "*batch pairs dim"]:
    """Put scalars together into the message to the first of each pair.

    Args:
        scalars: Radial force, pair friction and, where there is a third, transverse force.
        pairs: The pairs.

    Returns:
        The message.
    """
    unit = pairs.displacement / pairs.distance[..., None]
    message = scalars[..., :1] * unit + scalars[..., 1:2] * pairs.relative_velocity
    if scalars.shape[-1] > 2:
        message = message + scalars[..., 2:3] * quarter_turn(unit)
    return message


class RadialMessage(AbstractEdgeModel):
    """Scalars of the distance and the attributes, times unit vector and relative velocity.

    The radial scalar is `scale * sinh(h)`, so that a force over many orders of
    magnitude is a smooth function for the network, of either sign. For each attribute
    of both signs (a charge) it has a second part, times the product of that attribute of both ends:
    only attractive pairs come very close, and what they show then holds for the others too.

    Attributes:
        network: Perceptron with one output for each channel, then one for each attribute of both signs.
        scales: Typical sizes of the data.
        reciprocal: Whether each scalar is symmetric, so that the third law holds.
        transverse: Whether there is a channel at right angles to the pair (two dimensions).
    """

    network: Perceptron
    scales: Scales = eqx.field(static=True)
    reciprocal: bool = eqx.field(static=True)
    transverse: bool = eqx.field(static=True)

    def channels(self, pairs: PairGeometry) -> Float[Array, "*batch pairs channels"]:
        """Radial force, pair friction and, if asked for, transverse force on the first."""
        h = self._raw(pairs)
        if self.reciprocal:
            h = h + self._raw(pairs.swapped())
        a, n_channels = self.scales.acceleration, 3 if self.transverse else 2
        scalars = bounded_sinh(h) * jnp.asarray([a, a / self.scales.speed, *[a] * (h.shape[-1] - 2)], h.dtype)
        charged = jnp.asarray(self.scales.of_both_signs, int)
        products = jnp.sum(scalars[..., n_channels:] * (pairs.first * pairs.second)[..., charged], axis=-1)
        return scalars[..., :n_channels].at[..., 0].add(products)

    def _raw(self, pairs: PairGeometry) -> Float[Array, "*batch pairs channels"]:
        """The perceptron's view of ordered pairs."""
        inputs = [pairs.first, pairs.second, self.scales.distance_feature(pairs.distance)]
        return self.network(jnp.concatenate(inputs, axis=-1))

    def messages(
        self, pairs: PairGeometry
    ) -> tuple[Float[Array, "*batch pairs dim"], Float[Array, "*batch pairs dim"]]:
        """Messages to the first and to the second of each pair."""
        forward = vector_of(self.channels(pairs), pairs)
        if self.reciprocal:
            return forward, -forward
        swapped = pairs.swapped()
        return forward, vector_of(self.channels(swapped), swapped)


class PotentialMessage(AbstractEdgeModel):
    """Minus the gradient of a learned, symmetric pair potential.

    Attributes:
        network: Perceptron with one output, the potential before scaling.
        scales: Typical sizes of the data.
    """

    network: Perceptron
    scales: Scales = eqx.field(static=True)

    def potential(self, distance: Float[Array, "*batch pairs"], pairs: PairGeometry) -> Float[Array, "*batch pairs"]:
        """Pair potential at a distance, for the attributes of the pairs."""
        feature = self.scales.distance_feature(distance)
        raw = self.network(jnp.concatenate([pairs.first, pairs.second, feature], axis=-1))
        raw = raw + self.network(jnp.concatenate([pairs.second, pairs.first, feature], axis=-1))
        return self.scales.acceleration * self.scales.length * bounded_sinh(raw[..., 0])

    def channels(self, pairs: PairGeometry) -> Float[Array, "*batch pairs 1"]:
        """Radial force on the first of each pair."""
        ones = jnp.ones_like(pairs.distance)
        _, slope = jax.jvp(lambda r: self.potential(r, pairs), (pairs.distance,), (ones,))
        return -slope[..., None]

    def messages(
        self, pairs: PairGeometry
    ) -> tuple[Float[Array, "*batch pairs dim"], Float[Array, "*batch pairs dim"]]:
        """Messages to the first and to the second of each pair."""
        forward = self.channels(pairs) * pairs.displacement / pairs.distance[..., None]
        return forward, -forward


class VectorMessage(AbstractEdgeModel):
    """Any vector of the pair: no rotation is assumed.

    Attributes:
        network: Perceptron with one output for each message component.
        scales: Typical sizes of the data.
        reciprocal: Whether the message is antisymmetric, so that the third law holds.
        translation: Whether only differences of positions and velocities are seen.
    """

    network: Perceptron
    scales: Scales = eqx.field(static=True)
    reciprocal: bool = eqx.field(static=True)
    translation: bool = eqx.field(static=True)

    def _raw(self, pairs: PairGeometry) -> Float[Array, "*batch pairs message_dim"]:
        """Components of the message to the first, before antisymmetry."""
        s = self.scales
        inputs = [
            pairs.displacement / s.length,
            pairs.displacement / pairs.distance[..., None],
            s.distance_feature(pairs.distance),
            pairs.relative_velocity / s.speed,
            pairs.first,
            pairs.second,
        ]
        if not self.translation:
            inputs += [pairs.first_position / s.position, pairs.first_velocity / s.speed]
        return self.network(jnp.concatenate(inputs, axis=-1))

    def channels(self, pairs: PairGeometry) -> Float[Array, "*batch pairs message_dim"]:
        """Components of the message to the first of each pair."""
        h = self._raw(pairs)
        if self.reciprocal:
            h = h - self._raw(pairs.swapped())
        return self.scales.acceleration * bounded_sinh(h)

    def messages(
        self, pairs: PairGeometry
    ) -> tuple[Float[Array, "*batch pairs message_dim"], Float[Array, "*batch pairs message_dim"]]:
        """Messages to the first and to the second of each pair."""
        if not self.reciprocal:
            return self.channels(pairs), self.channels(pairs.swapped())
        forward = self.channels(pairs)
        return forward, -forward
