"""Messages that are known functions of known forces."""

import numpy as np

from limbeck.analyse import MessageRecord

MAP = np.array([[1.0, 0.4, -0.2], [-0.3, 0.8, 0.5], [0.2, -0.6, 1.1]])


def record(kind="force", *, n_groups=16, n_each=100, dim=2, noise=0.0, seed=0, **changes):
    """Edges between particles of random mass under a spring times both masses, four particles a group."""
    rng = np.random.default_rng(seed)
    n = n_groups * n_each
    groups = np.repeat(np.arange(n_groups), n_each)
    masses = rng.lognormal(sigma=0.7, size=(n_groups, 4))
    receiver = rng.integers(0, 4, n)
    m1, m2 = masses[groups, receiver], masses[groups, (receiver + rng.integers(1, 4, n)) % 4]
    x, v = rng.normal(size=(2, n, dim))
    r = np.linalg.norm(x, axis=1)
    forces = (-m1 * m2 * (r - 1) / r)[:, None] * x
    messages = said(kind, forces, m1, v, rng)
    fields = {
        "messages": messages + noise * messages.std(axis=0) * rng.normal(size=messages.shape),
        "forces": forces,
        "displacements": x,
        "distances": r,
        "receivers": m1[:, None],
        "senders": m2[:, None],
        "attribute_names": ("m",),
        "receiver_velocities": v,
        "inertia": m1,
        "log_variances": None,
        "groups": groups,
    }
    return MessageRecord(**(fields | changes))


def said(kind, forces, m1, v, rng):
    """What a network of some kind says of forces."""
    dim = forces.shape[1]
    mix = MAP[:dim, :dim]
    if kind == "force":
        return forces @ mix + 0.3
    if kind == "acceleration":
        return forces / m1[:, None] @ mix - 0.1
    if kind == "free":  # a matrix and an offset of the receiver, neither of them a function of the basis alone
        turn = np.stack([1.0 / (1.0 + m1), 0.3 * np.sqrt(m1)], axis=1)
        turned = np.stack([turn[:, 0] * forces[:, 0] - turn[:, 1] * forces[:, 1], turn @ [1, 0] * forces[:, 1]], axis=1)
        return turned + np.stack([np.log(m1), 0.5 * v[:, 0]], axis=1)
    return rng.normal(size=forces.shape)
