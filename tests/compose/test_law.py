"""Laws as functions: slopes, strings and batches agree with each other."""

import numpy as np
import pytest
from clouds import cloud
from compose.planted import LAWS, NAMES, law_of, planted

from limbeck.compose import (
    acceleration,
    law_accelerations,
    lay_out,
    pair_force,
    pair_potential,
    refit,
    standard_errors,
    strings,
    thinned,
)
from limbeck.compose._states import MOST_PAIRS
from limbeck.expressions import evaluate, parse
from limbeck.graphs import PairList, Snapshots, connect


@pytest.mark.parametrize("name", LAWS)
def test_slopes_match_finite_differences(name: str) -> None:
    law = law_of(**LAWS[name])
    states = planted(law, n_samples=5)
    start = law.constants
    value, slopes = law.accelerations_and_slopes(start, states)
    assert np.allclose(value, law.accelerations(states), rtol=1e-12)
    for k in range(len(start)):
        step = np.zeros_like(start)
        step[k] = 1e-6 * max(1.0, abs(start[k]))
        up, down = (law.with_constants(start + s).accelerations(states) for s in (step, -step))
        # Central differences of a smooth function: error of order step², here below 1e-6 of the largest slope.
        numeric = (up - down) / (2 * step[k])
        assert np.allclose(slopes[..., k], numeric, atol=1e-6 * np.max(np.abs(numeric)))


@pytest.mark.parametrize("name", LAWS)
def test_strings_alone_give_the_accelerations(name: str) -> None:
    """What an outsider does with `result.json`: evaluate strings, sum over senders."""
    law = law_of(**LAWS[name])
    rng = np.random.default_rng(1)
    x, v = rng.normal(size=(2, 3, 2))
    m, q = rng.lognormal(size=3), rng.normal(size=3)
    forces, formula = strings(pair_force(law)), strings(acceleration(law))
    expected = _batched(law, x, v, m, q)
    for i in range(3):
        total = np.zeros(2)
        for j in (j for j in range(3) if j != i):
            (dx, dy), (dvx, dvy) = x[i] - x[j], v[i] - v[j]
            pair = {"dx": dx, "dy": dy, "dvx": dvx, "dvy": dvy, "r": np.hypot(dx, dy)}
            pair |= {"m_1": m[i], "m_2": m[j], "q_1": q[i], "q_2": q[j]}
            total += [evaluate(parse(text), pair) for text in forces]
        own = {"Fx": total[0], "Fy": total[1], "m_1": m[i], "q_1": q[i], "x_1": x[i, 0], "y_1": x[i, 1]}
        own |= {"vx_1": v[i, 0], "vy_1": v[i, 1]}
        assert np.allclose([evaluate(parse(text), own) for text in formula], expected[i], rtol=1e-10)


def _batched(law, x, v, m, q):
    """The same by the law's own function."""
    first, second = np.triu_indices(3, k=1)
    ones = np.ones((1, 3))
    attributes = np.stack([m, q], axis=-1)[None]
    snapshots = Snapshots(x[None], v[None], attributes, ones, ones, np.zeros((1, 3, 2)), ones)
    return law_accelerations(law, snapshots, first, second, NAMES, np)[0]


@pytest.mark.parametrize(
    ("radial", "symmetric"),
    [
        ("-2*abs(q_1)*q_2*r", False),
        ("-2*Max(q_1, 0)*q_2*r", False),
        ("-2*r*kind_1**2*kind_2**3", False),
        ("-3*(kind_1 + kind_2*Piecewise((1, kind_2 > 0.4), (0, True)))*r", False),
        ("-2*abs(q_1*q_2)*r", True),
        ("-1.5*sqrt(m_1)*sqrt(m_2)/(r + 0.01)**2", True),
        ("-1.5*(m_1 + m_2 + 0.1)/(1 + m_1*m_2)*r", True),
        ("3.0/(q_1 + q_2)/r", True),
        ("-1.5*m_1**1.00000001*m_2*r", True),
    ],
)
def test_a_potential_is_of_a_force_that_both_ends_feel_alike(radial: str, symmetric: bool) -> None:
    """Also of charges with signs, of none, and of kinds that are counted."""
    assert (pair_potential(law_of(radial=radial)) is not None) == symmetric


def test_potential_is_minus_the_integral_of_the_force() -> None:
    potential = pair_potential(law_of(**LAWS["gravity"]))
    assert potential is not None
    at = {"m_1": np.array(2.0), "m_2": np.array(3.0)}
    slope = (
        evaluate(potential, at | {"r": np.array(1.0 + 1e-6)}) - evaluate(potential, at | {"r": np.array(1.0 - 1e-6)})
    ) / 2e-6
    assert np.isclose(-slope, evaluate(parse(LAWS["gravity"]["radial"]), at | {"r": np.array(1.0)}), rtol=1e-6)


@pytest.mark.parametrize(
    "channels",
    [
        {"radial": "Piecewise((-2*r, r > 2), (0, True))"},
        {"drag": "-1.0"},
        LAWS["turning"],
        {"radial": "-m_2/(r + 0.01)**2"},  # an acceleration: the two ends are pulled unequally
        {"radial": "-(m_1*m_2 + 1e-4*m_2)/(r + 0.01)**2", "inertia": "m_1"},
    ],
)
def test_no_potential_where_there_is_none(channels: dict[str, str]) -> None:
    assert pair_potential(law_of(**channels)) is None


def test_a_pair_that_does_not_act_may_lie_where_the_law_is_undefined() -> None:
    x = np.array([[0.0, 0.0], [0.5, 0.0], [3.0, 0.0]])
    acting = np.array([[1.0, 0.0, 0.0]])  # the third particle is out of reach
    snapshots = Snapshots(x[None], np.zeros((1, 3, 2)), np.ones((1, 3, 2)), acting, acting, x[None], np.ones((1, 3)))
    first, second = np.triu_indices(3, k=1)
    law = law_of(radial="-(1.0 - r)**0.5", inertia="m_1")
    with np.errstate(invalid="ignore"):
        found = law_accelerations(law, snapshots, first, second, NAMES, np)[0]
    np.testing.assert_allclose(found, [[np.sqrt(0.5), 0.0], [-np.sqrt(0.5), 0.0], [0.0, 0.0]])


def test_particles_in_one_place_exert_nothing_on_each_other() -> None:
    """As in the simulator, and without a word of NumPy."""
    x = np.array([[[0.0, 0.0], [0.0, 0.0], [1.0, 0.0]]])
    law = law_of(radial="-1.0/r", transverse="1.0/r", friction="1.0", inertia="m_1")
    pairs, v = np.triu_indices(3, k=1), np.array([[[0.0, 0.0], [0.0, 3.0], [0.0, 0.0]]])
    acting = np.ones((1, 3))
    snapshots = Snapshots(x, v, np.ones((1, 3, 2)), acting, acting, x, acting)
    with np.errstate(all="raise"):
        found = law_accelerations(law, snapshots, *pairs, NAMES, np)[0]
    np.testing.assert_allclose(found, [[1.0, -1.0], [1.0, 2.0], [-2.0, -1.0]])


def test_no_pair_force_is_zero() -> None:
    law = law_of(drag="-0.5")
    assert strings(pair_force(law)) == ["0", "0"]
    assert strings(acceleration(law)) == ["-0.5*vx_1", "-0.5*vy_1"]


@pytest.mark.parametrize(
    ("channels", "expected"),
    [
        ({"uniform_y": "-0.8*m_1"}, ["Fx/m_1", "Fy/m_1 - 0.8"]),
        ({"uniform_x": "1.2*m_1*vy_1", "uniform_y": "-1.2*m_1*vx_1"}, ["Fx/m_1 + 1.2*vy_1", "Fy/m_1 - 1.2*vx_1"]),
        ({"drag": "-0.4"}, ["(Fx - 0.4*vx_1)/m_1", "(Fy - 0.4*vy_1)/m_1"]),
    ],
)
def test_an_inertia_that_cancels_is_not_written(channels, expected) -> None:
    assert strings(acceleration(law_of(radial="-m_1*m_2/r", inertia="m_1", **channels))) == expected


def test_particles_in_one_place_disable_no_fit() -> None:
    """They exert nothing on each other, as in the simulator, and everything else still tells the constants."""
    law = law_of(**LAWS["spring"])
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(2, 40, 4, 2))
    x[7, 1] = x[7, 0]
    first, second = np.triu_indices(4, k=1)
    ones = np.ones((40, 6))
    properties = np.stack([rng.lognormal(size=(40, 4)), rng.normal(size=(40, 4))], axis=-1)
    batch = Snapshots(x, v, properties, ones, ones, np.zeros_like(x), np.ones((40, 4)))
    batch = batch._replace(targets=law_accelerations(law, batch, first, second, NAMES, np))
    states = lay_out(batch, PairList(first, second, ones[:1], ones[:1]), NAMES, np.arange(40))
    np.testing.assert_allclose(law.accelerations(states), states.targets, atol=1e-12)
    assert len(states.edges["r"]) == 2 * (6 * 40 - 1)
    fitted = refit(law_of(radial="-2.5*(r - 0.8)", inertia="m_1"), states)
    np.testing.assert_allclose(fitted.constants, law.constants, atol=1e-9)
    assert np.isfinite(standard_errors(fitted, states)[0]).all()


def test_many_pairs_leave_few_snapshots() -> None:
    """Memory is bounded by the pairs that are laid out, not by the snapshots."""
    few, many = (connect(cloud(n_systems=9, n_times=8, n_nodes=n, law=False), seed=0) for n in (4, 400))
    rows = np.argwhere(np.ones((9, 8)))
    assert len(thinned(few, rows, 2000)) == 72
    assert len(thinned(few, rows, 30)) == 24
    kept = thinned(many, rows, 2000)
    assert len(kept) * len(many.pairs.first) <= MOST_PAIRS
    assert len(np.unique(kept[:, 0])) == 9
