"""Forces that no built-in system has, from the command line to the law."""

import numpy as np
import pandas as pd
import pytest
from runs import limbeck, read_result
from scipy.integrate import solve_ivp

from limbeck.expressions import evaluate, parse


@pytest.mark.slow
def test_a_well_is_found_as_it_is_and_not_as_an_approximation(tmp_path):
    """Morse: messages alone lead several searches to one wrong form that is right to 2e-4."""
    potential = "1.5*(1 - exp(-(r - 1)))**2"
    done = limbeck(
        "discover", "custom", "--potential", potential, "--softening", "0", "--simulations", "80", "--out",
        tmp_path / "run", "--quiet",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    result = read_result(tmp_path / "run")
    assert result["recovered"]
    r = np.linspace(0.5, 9.0, 200)
    force = np.asarray(evaluate(parse(result["pair_force"][0]), {"r": r, "dx": r}))
    np.testing.assert_allclose(force, -3.0 * np.exp(1.0 - r) * (1.0 - np.exp(1.0 - r)), rtol=1e-6, atol=1e-9)


@pytest.mark.slow
def test_charges_in_a_magnetic_field(tmp_path):
    """The field knows a direction, pairs do not: both are found."""
    table = tmp_path / "charges.csv"
    in_a_magnetic_field(60).to_csv(table, index=False)
    done = limbeck("discover", table, "--out", tmp_path / "run", "--quiet")
    assert done.returncode == 0, done.stderr
    result = read_result(tmp_path / "run")
    assert result["bias"]["final"][-1] == "free-field"
    assert "rotation" in result["bias"]["final"]
    at = {"Fx": 0.7, "q_1": 1.5, "m_1": 2.0, "vx_1": 0.3, "vy_1": -0.4, "x_1": 0.2, "y_1": 0.1}
    assert float(evaluate(parse(result["acceleration"][0]), at)) == pytest.approx((0.7 - 1.4 * 1.5 * 0.4) / 2.0)
    pair = {"q_1": 1.5, "q_2": -0.5, "m_1": 2.0, "m_2": 1.0, "dx": 0.8, "dy": 0.0, "r": 0.8}
    pair |= {"dvx": 0.1, "dvy": 0.2}
    assert float(evaluate(parse(result["pair_force"][0]), pair)) == pytest.approx(-0.75)


def in_a_magnetic_field(n_systems: int) -> pd.DataFrame:
    """Charges that repel each other as `q_1*q_2/(r + 0.2)**2`, turned by a field of 1.4."""
    generator, n, times = np.random.default_rng(3), 4, np.linspace(0.0, 4.0, 40)
    rows = []
    for system in range(n_systems):
        m, q = np.exp(generator.normal(0.0, 0.5, n)), generator.uniform(-2.0, 2.0, n)

        def accelerations(x, v, m=m, q=q):
            away = x[:, None] - x
            r = np.linalg.norm(away, axis=-1) + np.eye(n)
            pull = (q[:, None] * q / (r + 0.2) ** 2 / r)[..., None] * away
            turned = 1.4 * q[:, None] * np.stack([v[:, 1], -v[:, 0]], axis=1)
            return (pull.sum(axis=1) + turned) / m[:, None]

        def slope(_, y, accelerations=accelerations):
            x, v = y.reshape(2, n, 2)
            return np.concatenate([v.ravel(), accelerations(x, v).ravel()])

        start = np.stack([generator.uniform(-1.5, 1.5, (n, 2)), generator.normal(0.0, 0.7, (n, 2))])
        path = solve_ivp(slope, (0.0, 4.0), start.ravel(), "DOP853", times, rtol=1e-10, atol=1e-12).y.T
        for time, (x, v) in zip(times, path.reshape(-1, 2, n, 2), strict=True):
            a = accelerations(x, v)
            rows += [[system, time, i, *x[i], *v[i], *a[i], m[i], q[i]] for i in range(n)]
    columns = ["simulation", "time", "particle", "x", "y", "vx", "vy", "ax", "ay", "m", "q"]
    return pd.DataFrame(rows, columns=columns)


def of_sheep_and_wolves(n_systems: int, *, shuffled: bool = False) -> pd.DataFrame:
    """Kinds of which each keeps its distance from its own; wolves are drawn to sheep, and sheep flee them."""
    generator, n = np.random.default_rng(8), 5
    rows = []
    for system in range(n_systems):
        wolf = generator.integers(2, size=n)
        told = generator.permutation(wolf) if shuffled else wolf
        for time in range(12):
            x = generator.uniform(-2.0, 2.0, size=(n, 2))
            away = x[:, None] - x
            r = np.linalg.norm(away, axis=-1) + np.eye(n)
            fled = np.where(wolf[:, None] > wolf, -1.2, 1.2) * np.exp(-r)
            a = np.sum((np.where(wolf[:, None] == wolf, 0.4 / (r + 0.3) ** 2, fled) / r)[..., None] * away, axis=1)
            rows += [[system, time, k, *x[k], *a[k], ("sheep", "wolf")[told[k]]] for k in range(n)]
    return pd.DataFrame(rows, columns=["simulation", "time", "particle", "x", "y", "ax", "ay", "kind"])


@pytest.mark.slow
def test_each_pair_of_kinds_has_a_force_of_its_own(tmp_path):
    """No formula of codes that a search could meet, and four functions that accelerations give at once."""
    of_sheep_and_wolves(80).to_csv(tmp_path / "pasture.csv", index=False)
    done = limbeck("discover", tmp_path / "pasture.csv", "--species", "kind", "--out", tmp_path / "run", "--quiet")
    assert done.returncode == 0, done.stderr
    rows = read_result(tmp_path / "run")["kinds"]
    r = np.linspace(0.2, 3.0, 30)
    for row in rows:
        apart = {("sheep", "wolf"): 1.2, ("wolf", "sheep"): -1.2}.get((row["receiver"], row["sender"]))
        expected = 0.4 / (r + 0.3) ** 2 if apart is None else apart * np.exp(-r)
        np.testing.assert_allclose(evaluate(parse(row["radial"]), {"r": r}), expected, rtol=1e-6)
    assert len(rows) == 4


@pytest.mark.slow
def test_kinds_that_say_nothing_of_the_force_give_no_law(tmp_path):
    """Negative control: the same accelerations, and labels that were dealt anew within each simulation."""
    table = tmp_path / "shuffled.csv"
    of_sheep_and_wolves(80, shuffled=True).to_csv(table, index=False)
    words = ("--species", "kind", "--time-limit", 240, "--out", tmp_path / "run", "--quiet")
    assert limbeck("discover", table, *words).returncode == 3
