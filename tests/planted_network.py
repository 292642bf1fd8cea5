"""Message networks whose functions are known formulas, seen through a linear map of any size: nothing is trained."""

from collections.abc import Callable

import equinox as eqx
import jax.numpy as jnp
import numpy as np
from message_networks import small

from limbeck.models import MessageNetwork


class PlantedNetwork(MessageNetwork):
    """Messages `(kernel r̂ + friction Δv) H + offset`, and a node model that undoes them."""

    kernel: Callable = eqx.field(static=True)
    inertia: Callable = eqx.field(static=True)
    mixing: np.ndarray
    shift: np.ndarray
    friction: float = eqx.field(static=True)
    drag: float = eqx.field(static=True)
    uniform: float = eqx.field(static=True)

    def edge_messages(self, snapshots, pairs):
        x, v, a = snapshots.positions, snapshots.velocities, snapshots.attributes

        def message(one, other):
            d = x[..., one, :] - x[..., other, :]
            r = jnp.linalg.norm(d, axis=-1)
            force = (self.kernel(r, a[..., one, :], a[..., other, :]) / r)[..., None] * d
            force = force + self.friction * (v[..., one, :] - v[..., other, :])
            return force @ self.mixing + self.shift

        return message(pairs.first, pairs.second), message(pairs.second, pairs.first)

    def node_prediction(self, snapshots, summed):
        n_senders = snapshots.positions.shape[-2] - 1
        force = (summed - n_senders * self.shift) @ jnp.linalg.pinv(jnp.asarray(self.mixing))
        force = (force + self.drag * snapshots.velocities).at[..., -1].add(self.uniform)
        return force / self.inertia(snapshots.attributes)[..., None]

    def __call__(self, snapshots, pairs, key=None):
        first, second = self.edge_messages(snapshots, pairs)
        zeros = jnp.zeros((*snapshots.positions.shape[:-1], first.shape[-1]))
        return self.node_prediction(
            snapshots, zeros.at[..., pairs.first, :].add(first).at[..., pairs.second, :].add(second)
        )


def spring(r, one, other):
    """Springs of rest length .99."""
    del one, other
    return -2.0 * (r - 0.99)


def planted_network(
    dataset, *, kernel=spring, components=2, seed=0, third_law=True, offset=0.0, friction=0.0, drag=0.0, uniform=0.0,
    inertia=lambda attributes: attributes[..., 0],
):  # fmt: skip
    """A network of springs between masses, or of what is asked for."""
    rng = np.random.default_rng(seed)
    dim = dataset.trajectories.dim
    base = small("bottleneck", dataset=dataset, message_dim=components, translation=True, third_law=third_law)
    fields = {name: getattr(base, name) for name in ("edge_model", "node_model", "mask", "scales", "config")}
    return PlantedNetwork(
        **fields,
        message_dim=components,
        kernel=kernel,
        inertia=inertia,
        mixing=rng.normal(size=(dim, components)).astype(np.float32),
        shift=(offset * rng.normal(size=components)).astype(np.float32),
        friction=friction,
        drag=drag,
        uniform=uniform,
    )
