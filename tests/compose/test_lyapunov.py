"""How fast neighbouring paths part, against closed forms and against tangent equations written down by hand."""

import numpy as np
import pytest
from clouds import cloud
from compose.planted import law_of
from scipy.integrate import solve_ivp

from limbeck.compose._integrate import law_force
from limbeck.compose._lyapunov import displacements, growth, lyapunov_time, tangent
from limbeck.graphs import Snapshots, connect

TIMES = np.linspace(0, 50, 200)


@pytest.mark.parametrize("rate", [0.2, 0.5, 3.0])
def test_an_exponential_of_known_rate(rate: float) -> None:
    wobbling = 1 + 0.3 * np.sin(TIMES + np.arange(5)[:, None])
    assert lyapunov_time(TIMES, np.log(wobbling) + rate * TIMES) == pytest.approx(1 / rate, rel=0.05)


@pytest.mark.parametrize(
    "size",
    [1 + TIMES, 1 + TIMES**2, 1 + 0.5 * np.sin(TIMES), np.exp(-TIMES), np.exp(0.05 * TIMES), np.ones(200)],
)
def test_regular_motion_has_no_lyapunov_time(size) -> None:
    assert lyapunov_time(TIMES, np.log(np.stack([size, 1.1 * size]))) is None


def test_growth_counts_as_long_as_most_paths_are_there() -> None:
    lost = np.where(TIMES > 15, np.nan, TIMES)
    assert lyapunov_time(TIMES, lost[None]) == pytest.approx(1.0, rel=0.02)
    some = np.stack([TIMES, TIMES, np.where(TIMES > 30, np.nan, 5 * TIMES)])
    assert lyapunov_time(TIMES, some) == pytest.approx(1.0, rel=0.02)
    assert lyapunov_time(TIMES, np.full((1, 200), np.nan)) is None


def starts(positions, velocities):
    """Starts of some systems, without attributes that matter."""
    x, v = np.asarray(positions, dtype=float), np.asarray(velocities, dtype=float)
    blank, pairs = np.ones(x.shape[:2]), np.ones((len(x), x.shape[1] * (x.shape[1] - 1) // 2))
    return Snapshots(x, v, blank[..., None], pairs, pairs, np.zeros_like(x), blank)


def grown(start, times, scale=1.0, n_nodes=2, **channels):
    """Growth under a law of all that stand in one system."""
    dataset = connect(cloud(n_nodes=n_nodes), seed=0)
    return growth(tangent(law_force(law_of(2, **channels), dataset), start, scale, float(times[-1])), times)


def test_a_saddle() -> None:
    """x'' = 4 x parts two starts as exp(2 t), also where they rest and the law asks for their speed."""
    x, v = np.random.default_rng(0).normal(size=(2, 3, 2, 2))
    v[:2] = 0.0
    times, found = grown(starts(x, v), np.linspace(0, 0.6, 60), central="4.0 + 1e-9*v_1")
    assert times[-1] == pytest.approx(6.0)
    assert lyapunov_time(times, found) == pytest.approx(0.5, rel=5e-3)


def by_hand(slope, tangent, start, first, times, sizes):
    """Logarithm of a displacement over the first, by SciPy, from a force and its derivative written by hand."""
    shape, n = start[0].shape, start[0].size

    def rate(_, y):
        x, v, d, dv = y.reshape(4, *shape)
        return np.concatenate([part.ravel() for part in (v, slope(x), dv, tangent(x, d))])

    y = solve_ivp(
        rate,
        (0, times[-1]),
        np.concatenate([part.ravel() for part in (*start, *first)]),
        t_eval=times,
        rtol=1e-10,
        atol=1e-12,
        method="DOP853",
    ).y
    size = np.sqrt(np.sum((y[2 * n : 3 * n] / sizes[0]) ** 2 + (y[3 * n :] / sizes[1]) ** 2, axis=0))
    return np.log(size / size[0])


def henon_heiles(x):
    """Force of the potential (x² + y²)/2 + x² y - y³/3 on each particle."""
    return np.stack([-x[:, 0] - 2 * x[:, 0] * x[:, 1], -x[:, 1] - x[:, 0] ** 2 + x[:, 1] ** 2], axis=-1)


def henon_heiles_tangent(x, d):
    """Its derivative."""
    one = -(1 + 2 * x[:, 1]) * d[:, 0] - 2 * x[:, 0] * d[:, 1]
    return np.stack([one, -2 * x[:, 0] * d[:, 0] - (1 - 2 * x[:, 1]) * d[:, 1]], axis=-1)


def test_henon_heiles() -> None:
    """Two particles a system, apart from each other, at an energy of nearly 1/6, where most orbits are chaotic."""
    y, vy = np.array([[-0.1, 0.05], [0.2, -0.15], [0.1, -0.2]]), np.array([[0.1, -0.1], [0.05, 0.2], [0.2, 0.0]])
    x = np.stack([0 * y, y], axis=-1)
    vx = np.sqrt(2 * 0.16 - vy**2 - y**2 + 2 * y**3 / 3)
    start = starts(x, np.stack([vx, vy], axis=-1))
    channels = {"field_x": "-x_1 - 2.0*x_1*y_1", "field_y": "-y_1 - x_1**2 + y_1**2"}
    times, found = grown(start, np.linspace(0, 30, 150), **channels)
    speed = np.sqrt(np.mean(start.velocities**2))
    expected = []
    for k in range(3):
        state = start.positions[k], start.velocities[k]
        first = tuple(d[k] * size for d, size in zip(displacements(start), (1.0, speed), strict=True))
        expected.append(by_hand(henon_heiles, henon_heiles_tangent, state, first, times, (1.0, speed)))
    # Beyond some e-foldings the two integrations follow different orbits of the same kind.
    early = times < 60
    np.testing.assert_allclose(found[:, early], np.array(expected)[:, early], atol=2e-2)
    time = lyapunov_time(times, np.array(expected))
    assert time is not None
    assert lyapunov_time(times, found) == pytest.approx(time, rel=0.2)


SOFT = 0.04


def attraction(x):
    """Force d/(r² + s) between all pairs, each of mass 1."""
    d = x[:, None] - x[None]
    return -np.sum(d / (np.sum(d**2, axis=-1) + SOFT)[..., None], axis=1)


def attraction_tangent(x, change):
    """Its derivative: -(I - 2 d dᵀ/(r² + s))/(r² + s) on the difference of the displacements."""
    d, dd = x[:, None] - x[None], change[:, None] - change[None]
    soft = (np.sum(d**2, axis=-1) + SOFT)[..., None]
    return -np.sum((dd - 2 * np.sum(d * dd, axis=-1)[..., None] * d / soft) / soft, axis=1)


@pytest.mark.slow
def test_three_bodies_are_chaotic_whatever_the_units() -> None:
    rng = np.random.default_rng(4)
    start, times = starts(rng.normal(size=(4, 3, 2)), 0.5 * rng.normal(size=(4, 3, 2))), np.linspace(0, 6, 150)
    longer, found = grown(start, times, scale=1.5, n_nodes=3, radial="-r/(r**2 + 0.04)")
    sizes = 1.5, np.sqrt(np.mean(start.velocities**2))
    expected = []
    for k in range(4):
        state = start.positions[k], start.velocities[k]
        first = tuple(d[k] * size for d, size in zip(displacements(start), sizes, strict=True))
        expected.append(by_hand(attraction, attraction_tangent, state, first, longer, sizes))
    early = longer < 20
    np.testing.assert_allclose(found[:, early], np.array(expected)[:, early], atol=2e-2)
    time = lyapunov_time(longer, np.array(expected))
    assert time is not None
    assert lyapunov_time(longer, found) == pytest.approx(time, rel=0.2)
    others = grown(start, times, scale=15.0, n_nodes=3, radial="-r/(r**2 + 0.04)")
    assert lyapunov_time(*others) == pytest.approx(time, rel=0.2)
