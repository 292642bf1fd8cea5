"""Systems of `foreign.py`, in NumPy and SciPy alone: nothing of limbeck makes or describes these data."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.integrate import solve_ivp

BOX, SPEED, DURATION = 1.5, 0.7, 4.0
AXES = "xyz"


class Scene(NamedTuple):
    """All particles at one time.

    Attributes:
        t: The time.
        x: Positions (particles dim).
        v: Velocities.
        m: Masses, a column.
        q: Charges, a column.
    """

    t: float
    x: np.ndarray
    v: np.ndarray
    m: np.ndarray
    q: np.ndarray


class Pair(NamedTuple):
    """Every receiver (first axis) with every sender.

    Attributes:
        d: Position of the receiver minus the sender's.
        r: Its length, a last axis of 1, as all that follows.
        dv: The same of velocities.
        m_1: Mass of the receiver.
        m_2: Mass of the sender.
        q_1: Charge of the receiver.
        q_2: Charge of the sender.
    """

    d: np.ndarray
    r: np.ndarray
    dv: np.ndarray
    m_1: np.ndarray
    m_2: np.ndarray
    q_1: np.ndarray
    q_2: np.ndarray


Forces = Callable[[Scene], np.ndarray]


class Foreign(NamedTuple):
    """A system, and what is seen of it.

    Attributes:
        forces: On all particles.
        has_law: Whether there is one that limbeck can write down; else "not found" is the right answer.
        charged: Whether the table has charges beside masses.
        light: Speed of light in what forces do to velocities.
        dim: Dimension of space.
        n: Particles.
        simulations: How many.
        positions_only: Whether nothing else is seen, at more times, in half as many simulations.
        noise: Of what is seen: of positions, if nothing else is; else of accelerations, in their median size.
        hidden: Particles that are not in the table.
    """

    forces: Forces
    has_law: bool = True
    charged: bool = False
    light: float = np.inf
    dim: int = 2
    n: int = 4
    simulations: int = 80
    positions_only: bool = False
    noise: float = 0.0
    hidden: int = 0

    def accelerations(self, s: Scene) -> np.ndarray:
        """Forces over masses, less what special relativity takes of them."""
        slow = self.forces(s) / s.m
        along = np.sum(slow * s.v, axis=1, keepdims=True) / self.light**2
        return (slow - s.v * along) * np.sqrt(1.0 - np.sum(s.v**2, axis=1, keepdims=True) / self.light**2)


def pairs(force: Callable[[Pair], np.ndarray]) -> Forces:
    """Forces of all others on every receiver."""

    def forces(s: Scene) -> np.ndarray:
        d, dv = s.x[:, None] - s.x[None], s.v[:, None] - s.v[None]
        r = np.linalg.norm(d, axis=-1) + np.eye(len(d))
        each = force(Pair(d, r[..., None], dv, s.m[:, None], s.m[None], s.q[:, None], s.q[None]))
        each[np.diag_indices(len(d))] = 0.0
        return each.sum(axis=1)

    return forces


def radial(size: Callable[[Pair], np.ndarray]) -> Forces:
    """Forces along the pair, repulsion positive."""
    return pairs(lambda p: size(p) / p.r * p.d)


def plus(*parts: Forces) -> Forces:
    """The sum of several."""
    return lambda s: np.sum([part(s) for part in parts], axis=0)


def gravity(power: float, softening: float = 0.2) -> Forces:
    """Attraction by both masses."""
    return radial(lambda p: -p.m_1 * p.m_2 / (p.r + softening) ** power)


def three_at_once(s: Scene) -> np.ndarray:
    """Energy of every three particles, by the perimeter of their triangle."""
    d = s.x[:, None] - s.x[None]
    r = np.sqrt(np.sum(d**2, axis=-1) + 0.04)
    total = np.zeros_like(s.x)
    for i in range(len(d)):
        for j, k in zip(*np.triu_indices(len(d), k=1), strict=True):
            if i not in (j, k):
                size = 2.0 * np.exp(-(r[i, j] + r[j, k] + r[i, k]) / 2.0)
                total[i] += size * (d[i, j] / r[i, j] + d[i, k] / r[i, k])
    return total


def turned(v: np.ndarray) -> np.ndarray:
    """Velocities turned by a right angle, clockwise."""
    return np.stack([v[:, 1], -v[:, 0]], axis=1)


def along(s: Scene, *components: float) -> np.ndarray:
    """One vector for every particle."""
    return np.broadcast_to(components, s.x.shape)


MORSE = radial(lambda p: -3.0 * (np.exp(1.0 - p.r) - np.exp(2.0 * (1.0 - p.r))))
SCREENED = radial(lambda p: p.q_1 * p.q_2 * np.exp(-p.r / 0.8))
WELL = radial(lambda p: 8.0 / (p.r + 0.4) ** 5 - 4.0 / (p.r + 0.4) ** 3)
CHARGED_SPRINGS = radial(lambda p: 0.6 * p.q_1 * p.q_2 / (p.r + 0.1) ** 2 - 1.2 * (p.r - 1.5))
REPULSION = radial(lambda p: p.q_1 * p.q_2 / (p.r + 0.2) ** 2)
RICKER = radial(lambda p: -p.m_1 * p.m_2 * p.r * np.exp(-(p.r**2) / 2.0) / (1.0 + 0.5 * p.r))
PLUMMER = radial(lambda p: -p.m_1 * p.m_2 * p.r / (1.0 + p.r**2) ** 1.5)
ALIGNMENT = plus(pairs(lambda p: -0.9 * np.exp(-p.r) * p.dv), radial(lambda p: -0.7 * (p.r - 1.0)))
AIR = plus(radial(lambda p: -1.5 * (p.r - 1.0)), lambda s: -0.5 * s.v * np.linalg.norm(s.v, axis=1, keepdims=True))

SYSTEMS = {
    "morse": Foreign(MORSE, dim=3),
    "screened": Foreign(SCREENED, charged=True),
    "gravity": Foreign(gravity(1.5, 0.1), n=5),
    "well": Foreign(WELL),
    "charged_springs": Foreign(CHARGED_SPRINGS, charged=True),
    "ricker": Foreign(RICKER),
    "plummer": Foreign(PLUMMER, dim=3),
    "logarithm": Foreign(radial(lambda p: -1.5 * np.log(p.r / 1.3))),
    "magnetic": Foreign(plus(REPULSION, lambda s: 1.4 * s.q * turned(s.v)), charged=True),
    "falling": Foreign(plus(gravity(2), lambda s: s.m * along(s, 0.0, -0.8))),
    "trap": Foreign(plus(gravity(1), lambda s: -1.3 * s.x)),
    "rotating": Foreign(plus(gravity(2), lambda s: s.m * (0.36 * s.x + 1.2 * turned(s.v)))),
    "air": Foreign(AIR),
    "thicker_air": Foreign(plus(gravity(1), lambda s: -0.4 * s.m * s.v * (1.0 + s.x[:, :1] ** 2))),
    "one_sided": Foreign(radial(lambda p: p.q_2 * np.exp(-p.r)), charged=True),
    "alignment": Foreign(ALIGNMENT, n=5),
    "lopsided": Foreign(pairs(lambda p: (1.0 - p.r) / p.r * p.d * np.array([1.0, 2.0]))),
    "few": Foreign(gravity(2, 0.1), simulations=6),
    "noisy": Foreign(gravity(2), noise=0.05),
    "noisy_springs": Foreign(CHARGED_SPRINGS, charged=True, noise=0.03),
    "seen_morse": Foreign(MORSE, positions_only=True),
    "seen_screened": Foreign(SCREENED, charged=True, positions_only=True),
    "seen_well": Foreign(WELL, positions_only=True),
    "seen_springs": Foreign(CHARGED_SPRINGS, charged=True, positions_only=True),
    "seen_noisy_morse": Foreign(MORSE, positions_only=True, noise=1e-3),
    "driven": Foreign(plus(gravity(1), lambda s: s.m * along(s, 1.5 * np.cos(3.0 * s.t), 0.0)), has_law=False),
    "hidden": Foreign(gravity(2), n=5, hidden=1, has_law=False),
    "three_at_once": Foreign(three_at_once, has_law=False),
    "seen_three": Foreign(three_at_once, has_law=False, positions_only=True),
    "relativistic": Foreign(radial(lambda p: 1.0 - p.r), light=3.0, has_law=False),
}


def drawn(system: Foreign, rng: np.random.Generator) -> Scene:
    """All particles at the beginning of a simulation."""
    x = rng.uniform(-BOX, BOX, (system.n, system.dim))
    v = np.clip(rng.normal(0.0, SPEED, x.shape), -1.5, 1.5)
    m, q = np.exp(rng.normal(0.0, 0.5, (system.n, 1))), rng.uniform(-2.0, 2.0, (system.n, 1))
    return Scene(0.0, x, v, m, q)


def table(system: Foreign, seed: int) -> pd.DataFrame:
    """Simulate a system and write down what is seen of it.

    Args:
        system: The system.
        seed: Of initial states and noise.

    Returns:
        A row for each simulation, time and particle.
    """
    rng = np.random.default_rng(seed)
    times = np.linspace(0.0, DURATION, 200 if system.positions_only else 40)
    rows = []
    for number in range(system.simulations // 2 if system.positions_only else system.simulations):
        for s in simulated(system, drawn(system, rng), times):
            seen = [s.x] if system.positions_only else [s.x, s.v, system.accelerations(s)]
            columns = np.concatenate([*seen, s.m, *([s.q] if system.charged else [])], axis=1)
            rows += [[number, s.t, p, *columns[p]] for p in range(system.n - system.hidden)]
    stems = ("",) if system.positions_only else ("", "v", "a")
    names = [f"{stem}{axis}" for stem in stems for axis in AXES[: system.dim]]
    attributes = ["m", "q"] if system.charged else ["m"]
    data = pd.DataFrame(rows, columns=["simulation", "time", "particle", *names, *attributes])
    noisy = names[-system.dim :]  # positions, where nothing else is seen, else accelerations
    unit = 1.0 if system.positions_only else float(np.median(np.abs(data[noisy])))
    data[noisy] += system.noise * unit * rng.normal(size=(len(data), system.dim))
    return data


def simulated(system: Foreign, start: Scene, times: np.ndarray) -> list[Scene]:
    """A simulation at some times."""

    def at(t: float, state: np.ndarray) -> Scene:
        x, v = state.reshape(2, *start.x.shape)
        return start._replace(t=t, x=x, v=v)

    def slope(t: float, state: np.ndarray) -> np.ndarray:
        s = at(t, state)
        return np.concatenate([s.v.ravel(), system.accelerations(s).ravel()])

    state = np.concatenate([start.x.ravel(), start.v.ravel()])
    path = solve_ivp(slope, times[[0, -1]], state, method="DOP853", rtol=1e-10, atol=1e-12, t_eval=times)
    return [at(t, state) for t, state in zip(path.t, path.y.T, strict=True)]
