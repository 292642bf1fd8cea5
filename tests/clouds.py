"""Random states whose accelerations follow a known law, made without a simulation."""

from dataclasses import replace

import numpy as np

from limbeck.trajectories import Trajectories


def spring_accelerations(x, m, acts):
    """Springs of rest length 1 between every pair that acts (systems receiver sender), divided by the mass."""
    d = x[..., :, None, :] - x[..., None, :, :]
    r = np.linalg.norm(d, axis=-1) + 1e-9
    force = acts[:, None, :, :, None] * (-2 * (r - 1) / r)[..., None] * d
    return force.sum(axis=-2) / m[:, None, :, None]


def cloud(seed=0, *, n_systems=9, n_times=8, n_nodes=4, dim=2, names=("m",), law=True, **fields):
    """Trajectories of independent states: nothing moves from one time to the next by any law."""
    rng = np.random.default_rng(seed)
    x, v = rng.normal(size=(2, n_systems, n_times, n_nodes, dim))
    attributes = {name: rng.lognormal(sigma=0.5, size=(n_systems, n_nodes)) for name in names}
    m = attributes.get("m", np.ones((n_systems, n_nodes)))
    a = spring_accelerations(x, m, np.ones((n_systems, n_nodes, n_nodes))) if law else rng.normal(size=x.shape)
    states = Trajectories(
        times=np.broadcast_to(np.arange(float(n_times)), (n_systems, n_times)).copy(),
        positions=x,
        velocities=v,
        accelerations=a,
        present=np.ones((n_systems, n_times, n_nodes), dtype=bool),
        attributes=attributes,
    )
    return replace(states, **fields)


def padded(states, extra=1):
    """The same states with particles that are never there."""

    def grow(array, value):
        widths = [(0, 0)] * array.ndim
        widths[2 if array.ndim > 2 else 1] = (0, extra)
        return np.pad(array, widths, constant_values=value)

    return replace(
        states,
        positions=grow(states.positions, 0.0),
        velocities=grow(states.velocities, 0.0),
        accelerations=grow(states.accelerations, np.nan),
        present=grow(states.present, False),
        attributes={name: grow(values, 0.0) for name, values in states.attributes.items()},
    )
