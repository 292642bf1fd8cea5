"""Data with a known law, without a simulator: random states and exact accelerations."""

import numpy as np

from limbeck.compose import Law, States, lay_out
from limbeck.expressions import parse
from limbeck.graphs import PairList, Snapshots

NAMES = ("m", "q")


def planted(
    law: Law,
    *,
    n_samples: int = 80,
    n_nodes: int = 4,
    n_systems: int | None = None,
    seed: int = 0,
    noise: float = 0.0,
) -> States:
    """States of random particles with the accelerations of a law; each sample is a simulation, or some share one."""
    rng = np.random.default_rng(seed)
    first, second = np.triu_indices(n_nodes, k=1)
    ones = np.ones((n_samples, len(first)))
    x, v = rng.normal(size=(2, n_samples, n_nodes, law.dim))
    attributes = np.stack([rng.lognormal(size=(n_samples, n_nodes)), rng.normal(size=(n_samples, n_nodes))], axis=-1)
    blank = Snapshots(x, v, attributes, ones, ones, np.zeros_like(x), np.ones((n_samples, n_nodes)))
    pairs = PairList(first, second, ones[:1], ones[:1])
    systems = np.sort(np.arange(n_samples) % (n_systems or n_samples))
    states = lay_out(blank, pairs, NAMES, systems)
    targets = law.accelerations(states).reshape(x.shape)
    targets = targets + noise * np.std(targets) * rng.normal(size=x.shape)
    return lay_out(blank._replace(targets=targets), pairs, NAMES, systems)


def law_of(dim: int = 2, **channels: str) -> Law:
    """A law from strings."""
    return Law(components={name: parse(text) for name, text in channels.items()}, dim=dim)


LAWS = {
    "spring": {"radial": "-2*(r - 0.99)", "inertia": "m_1"},
    "gravity": {"radial": "-1.5*m_1*m_2/(r + 0.01)**2", "inertia": "m_1"},
    "drag": {"radial": "-2*(r - 1.0)", "drag": "-0.4", "uniform_y": "-0.7*m_1", "inertia": "m_1"},
    "friction": {"radial": "3.0*q_1*q_2*exp(-1.2*r)", "friction": "-0.3", "central": "-1.1"},
    "turning": {"radial": "-2.0*r", "transverse": "0.5*r", "inertia": "m_1 + 0.5"},
}
