"""A message that is a product of couplings times a function of the distance: for properties that were learned.

Where a property of the particles is not given, any function of it would do as well,
and a network would learn one of them. Couplings that multiply the force, and an
inertia that divides it, leave a scale free and nothing else.
"""

from typing import Any

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float

from ._edge_model import AbstractEdgeModel, PairGeometry
from ._networks import Scales, own_unit
from ._node_model import AbstractField, AbstractInertia


class CoupledMessage(AbstractEdgeModel):
    """The product of some attributes of both ends, times a tabled function of the distance.

    Attributes:
        distances: Knots of the table, even in their logarithm [length].
        forces: The function at each knot, in `unit`.
        couplings: Numbers of the attributes whose products multiply the force.
        scales: Typical sizes of the data.
        friction: Force over the relative velocity, times the same product; it is no channel: a refit adds it.
        unit: What the forces are counted in: between charges of one coulomb they overflow single precision.
    """

    distances: Any
    forces: Any
    couplings: tuple[int, ...] = eqx.field(static=True)
    scales: Scales = eqx.field(static=True)
    friction: float = eqx.field(static=True, default=0.0)
    unit: float = eqx.field(static=True, default=1.0)

    @classmethod
    def tabled(
        cls,
        distances: Float[np.ndarray, " knots"],
        forces: Float[np.ndarray, " knots"],
        couplings: tuple[int, ...],
        scales: Scales,
        friction: float = 0.0,
    ) -> "CoupledMessage":
        """Take a function of the distance, whatever unit its values are in.

        Args:
            distances: Knots, even in their logarithm.
            forces: The function at each knot.
            couplings: Numbers of the attributes whose products multiply the force.
            scales: Typical sizes of the data.
            friction: Force over the relative velocity, times the same product.

        Returns:
            The message, its table in single precision and in a unit that this can hold.
        """
        sizes = np.abs(forces[forces != 0])
        unit = own_unit(float(np.exp(np.mean(np.log(sizes))))) if len(sizes) else 1.0
        return cls(
            distances=distances.astype(np.float32),
            forces=(forces / unit).astype(np.float32),
            couplings=couplings,
            scales=scales,
            friction=friction,
            unit=unit,
        )

    def kernel(self, distance: Float[Array, "*batch pairs"]) -> Float[Array, "*batch pairs"]:
        """The function of the distance, in `unit`; beyond the table it stays what it is at its end."""
        logs, values = jnp.log(jnp.asarray(self.distances)), jnp.asarray(self.forces)
        x = jnp.clip(jnp.log(distance), logs[0], logs[-1])
        return jnp.interp(x, logs, values)

    def channels(self, pairs: PairGeometry) -> Float[Array, "*batch pairs 1"]:
        """Radial force on the first of each pair."""
        return self._times_couplings(self.kernel(pairs.distance), self.unit, pairs)[..., None]

    def _times_couplings(
        self, force: Float[Array, "*batch pairs"], unit: float, pairs: PairGeometry
    ) -> Float[Array, "*batch pairs"]:
        """A force between couplings of 1, counted in a unit, times the product of both ends."""
        # Between ends of typical size the force fits, though its parts may not: their units are multiplied on the host.
        first, second = (self.scales.attributes_in_units(features) for features in (pairs.first, pairs.second))
        for k in self.couplings:
            force = force * first[..., k] * second[..., k]
            unit *= self.scales.units[k] ** 2
        return force if unit == 1 else force * unit

    def messages(
        self, pairs: PairGeometry
    ) -> tuple[Float[Array, "*batch pairs dim"], Float[Array, "*batch pairs dim"]]:
        """Messages to the first and to the second of each pair."""
        forward = self.channels(pairs) * pairs.displacement / pairs.distance[..., None]
        if self.friction:
            size = own_unit(abs(self.friction))
            friction = jnp.full_like(pairs.distance, self.friction / size)
            factor = self._times_couplings(friction, size, pairs)
            forward = forward + factor[..., None] * pairs.relative_velocity
        return forward, -forward


class AttributeInertia(AbstractInertia):
    """Inertia that is an attribute itself.

    Attributes:
        attribute: Its number; None where all inertias are 1.
        scales: Typical sizes of the data.
    """

    attribute: int | None = eqx.field(static=True)
    scales: Scales = eqx.field(static=True)

    def __call__(self, features: Float[Array, "*batch features"]) -> Float[Array, "*batch"]:
        """Inertia of each node, in units of the learned forces."""
        if self.attribute is None:
            return jnp.ones(features.shape[:-1], features.dtype)
        return self.scales.attributes_of(features)[..., self.attribute]


class SteadyDrag(AbstractField):
    """A force along the velocity, the same for all or growing with the inertia.

    Attributes:
        factor: Force over velocity, for an inertia of 1.
        inertia: What the force grows with; None where it is the same for all.
    """

    factor: float = eqx.field(static=True)
    inertia: AttributeInertia | None

    def __call__(
        self,
        positions: Float[Array, "*batch dim"],
        velocities: Float[Array, "*batch dim"],
        features: Float[Array, "*batch features"],
    ) -> Float[Array, "*batch dim"]:
        """Force on each node from no partner."""
        del positions  # it is the same everywhere
        force = self.factor * velocities
        return force if self.inertia is None else force * self.inertia(features)[..., None]
