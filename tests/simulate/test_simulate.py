import json

import jax
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy.integrate import solve_ivp
from scipy.optimize import brentq
from scipy.spatial.transform import Rotation

from limbeck._errors import SimulationFailed
from limbeck.simulate import (
    accelerations,
    angular_momentum,
    custom_system,
    find_system,
    momentum,
    simulate,
    simulate_from,
    systems,
    total_energy,
)

# One shape for as many tests as can be: every new one is compiled.
N, T = 3, 60
TIMES = np.linspace(0, 1, T)


def draw(seed, n_systems=4, dim=2, n_nodes=N, charged=True):
    rng = np.random.default_rng(seed)
    x, v = rng.normal(size=(2, n_systems, n_nodes, dim))
    q = rng.choice([-1.0, 1.0], size=(n_systems, n_nodes)) if charged else rng.normal(size=(n_systems, n_nodes))
    return x, v, {"m": rng.lognormal(size=(n_systems, n_nodes)), "q": q}


@pytest.fixture(scope="module", params=list(systems()))
def solved(request):
    """Random examples of every system, solved once."""
    system = systems()[request.param]
    x, v, attributes = draw(1)
    return system, simulate_from(system, x, v, attributes, TIMES)


def hand_written_slope(name, m, q):
    """The laws once more, from the paper's table of potentials and not from our strings."""
    kernels = {
        "spring": lambda r: -2 * (r + 0.01 - 1),
        "r1": lambda r: -np.outer(m, m) / (r + 0.01),
        "r2": lambda r: -np.outer(m, m) / (r + 0.01) ** 2,
        "charge": lambda r: np.outer(q, q) / (r + 0.01) ** 2,
        "superposition": lambda r: (np.outer(q, q) - np.outer(m, m)) / (r + 0.01) ** 2,
        "discontinuous": lambda r: np.where(r + 0.01 < 2, 0.0, -2 * (r + 0.01 - 1)),
    }
    kernel = kernels.get(name, kernels["spring"])
    acts = 1.0 - np.eye(N)
    if name == "string":
        acts = np.eye(N, k=1) + np.eye(N, k=-1)

    def slope(_, y):
        x, v = y.reshape(2, N, 2)
        d = x[:, None] - x[None]
        r = np.sqrt((d**2).sum(-1)) + np.eye(N)
        force = (((acts * kernel(r)) / r)[..., None] * d).sum(1)
        force = force - ((N - 1) / N * v if name == "damped" else 0.0)
        fall = np.array([0.0, -1.0]) if name == "string" else 0.0
        return np.concatenate([v.ravel(), (force / m[:, None] + fall).ravel()])

    return slope


def test_states_agree_with_an_independent_integrator(solved):
    system, data = solved
    for i in range(data.n_systems):
        slope = hand_written_slope(system.name, data.attributes["m"][i], data.attributes["q"][i])
        start = np.concatenate([data.positions[i, 0].ravel(), data.velocities[i, 0].ravel()])
        reference = solve_ivp(slope, (0, 1), start, method="DOP853", rtol=1e-9, atol=1e-9, t_eval=TIMES[::10])
        got = np.concatenate([data.positions[i].reshape(T, -1), data.velocities[i].reshape(T, -1)], axis=1)[::10]
        # A jump of the force limits either integrator to the accuracy with which it finds the jump;
        # otherwise the local error 1e-9 grows with the encounters.
        tolerance = 1e-5 if system.name == "discontinuous" else 1e-6
        np.testing.assert_allclose(got, reference.y.T, rtol=tolerance, atol=tolerance)


def test_accelerations_are_exact_at_the_states(solved):
    system, data = solved
    attributes = {k: a[:, None, :] for k, a in data.attributes.items()}
    np.testing.assert_array_equal(
        data.accelerations, accelerations(system, data.positions, data.velocities, attributes)
    )


def test_what_should_be_conserved_is(solved):
    system, data = solved
    error = data.source["energy_error"]
    if system.conservative:
        energy = total_energy(system, data)
        assert error["worst"] < 1e-6
        assert np.abs(energy - energy[:, :1]).max() < 1e-5
    else:
        assert error is None
    if system.isolated:
        assert data.source["momentum_error"]["worst"] < 1e-12
        p = momentum(data)
        np.testing.assert_allclose(p, np.broadcast_to(p[:, :1], p.shape), atol=1e-10)
        spin = angular_momentum(data)
        # Error per step 1e-9 of states of size 1 to 10.
        np.testing.assert_allclose(spin, np.broadcast_to(spin[:, :1], spin.shape), atol=1e-6)
    else:
        assert data.source["momentum_error"] is None


def test_record_is_plain_and_says_how_it_was_made(solved):
    system, data = solved
    json.dumps(dict(data.source), allow_nan=False)
    assert data.source["system"] == system.name
    assert data.positions.dtype == np.float64
    assert data.source["n_dropped"] == 0
    assert (data.edges is None) == (system.connectivity == "complete")


def test_time_reversal():
    system = find_system("spring")
    x, v, attributes = draw(2)
    there = simulate_from(system, x, v, attributes, TIMES)
    back = simulate_from(system, there.positions[:, -1], -there.velocities[:, -1], attributes, TIMES)
    # Both ways err by 1e-9 a step, some 100 steps.
    np.testing.assert_allclose(back.positions[:, ::-1], there.positions, atol=1e-6)
    np.testing.assert_allclose(back.velocities[:, ::-1], -there.velocities, atol=1e-6)


@settings(max_examples=5)
@given(seed=st.integers(0, 1000), angle=st.floats(0, 6), shift=st.floats(-5, 5))
def test_translation_rotation_and_relabelling_commute_with_time(seed, angle, shift):
    system = find_system("spring")
    x, v, attributes = draw(seed)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    order = np.array([2, 0, 1])
    plain = simulate_from(system, x, v, attributes, TIMES)
    moved = simulate_from(
        system,
        (x @ turn.T + shift)[:, order],
        (v @ turn.T)[:, order],
        {k: a[:, order] for k, a in attributes.items()},
        TIMES,
    )
    np.testing.assert_allclose(moved.positions, (plain.positions @ turn.T + shift)[:, :, order], atol=1e-6)
    np.testing.assert_allclose(moved.velocities, (plain.velocities @ turn.T)[:, :, order], atol=1e-6)


def test_rotation_in_three_dimensions():
    system = find_system("r1")
    x, v, attributes = draw(3, dim=3)
    turn = Rotation.from_euler("xyz", [0.3, 1.1, -2.0]).as_matrix()
    plain = simulate_from(system, x, v, attributes, TIMES)
    moved = simulate_from(system, x @ turn.T, v @ turn.T, attributes, TIMES)
    np.testing.assert_allclose(moved.positions, plain.positions @ turn.T, atol=1e-6)
    spin = angular_momentum(plain)
    assert spin.shape == (4, T, 3)
    np.testing.assert_allclose(spin, np.broadcast_to(spin[:, :1], spin.shape), atol=1e-6)


def test_two_bodies_follow_keplers_ellipse():
    """Without softening, m_1 = 3 and m_2 = 1 move on an ellipse with a = 1, e = 0.6, GM = 4."""
    system = custom_system("-m_1*m_2/r", softening=0.0)
    a, e, total = 1.0, 0.6, 4.0
    masses = np.array([[3.0, 1.0]])
    speed = np.sqrt(total / a * (1 + e) / (1 - e))
    apart, relative = np.array([a * (1 - e), 0.0]), np.array([0.0, speed])
    shares = np.array([[1.0 / 4], [-3.0 / 4]])
    times = np.linspace(0, 10, T)
    data = simulate_from(system, (shares * apart)[None], (shares * relative)[None], {"m": masses}, times)
    rate = np.sqrt(total / a**3)
    anomaly = np.array([brentq(lambda u, t=t: u - e * np.sin(u) - rate * t, 0, 100, xtol=1e-14) for t in times])
    ellipse = a * np.stack([np.cos(anomaly) - e, np.sqrt(1 - e**2) * np.sin(anomaly)], axis=-1)
    # Three orbits; the error along the orbit grows with the square of time.
    np.testing.assert_allclose(data.positions[0, :, 0] - data.positions[0, :, 1], ellipse, atol=1e-6)


def test_two_bodies_on_a_line_swing_like_one_spring():
    m = np.array([[2.0, 0.5]])
    x = np.array([[[0.0], [1.3]]])
    data = simulate_from("spring", x, 0 * x, {"m": m, "q": m}, TIMES)
    rate = np.sqrt(2 / (m.prod() / m.sum()))
    separation = data.positions[0, :, 1, 0] - data.positions[0, :, 0, 0]
    np.testing.assert_allclose(separation, 0.99 + 0.31 * np.cos(rate * TIMES), atol=1e-7)


def test_bodies_on_a_line_pass_through_each_other():
    """The force turns round at r = 0, which an adaptive step must find."""
    data = simulate("r2", dim=1, n_nodes=2, n_systems=16, seed=1, n_steps=1000, every=20)
    assert data.source["n_dropped"] == 0
    order = np.sign(data.positions[:, :, 0, 0] - data.positions[:, :, 1, 0])
    assert (order != order[:, :1]).any()
    assert data.source["energy_error"]["worst"] < 1e-5


def test_equal_masses_lose_momentum_by_the_papers_friction():
    x, v, attributes = draw(5)
    attributes["m"] = np.full_like(attributes["m"], 2.0)
    data = simulate_from("damped", x, v, attributes, TIMES)
    p = momentum(data)
    decay = np.exp(-(N - 1) / N / 2.0 * TIMES)
    np.testing.assert_allclose(p, p[:, :1] * decay[:, None], atol=1e-7)


def test_same_seed_same_data_whatever_the_number():
    first = simulate("spring", n_systems=4, n_nodes=N, n_steps=T, seed=3)
    again = simulate("spring", n_systems=4, n_nodes=N, n_steps=T, seed=3)
    fewer = simulate("spring", n_systems=3, n_nodes=N, n_steps=T, seed=3)
    other = simulate("spring", n_systems=3, n_nodes=N, n_steps=T, seed=4)
    np.testing.assert_array_equal(first.positions, again.positions)
    np.testing.assert_array_equal(first.positions[:3, 0], fewer.positions[:, 0])
    np.testing.assert_allclose(first.positions[:3], fewer.positions, atol=1e-9)
    assert not np.allclose(fewer.positions[:, 0], other.positions[:, 0])


def test_every_keeps_some_of_the_same_states():
    whole = simulate("spring", n_systems=4, n_nodes=N, n_steps=T)
    some = simulate("spring", n_systems=4, n_nodes=N, n_steps=T, every=7)
    np.testing.assert_array_equal(some.times, whole.times[:, ::7])
    # The steps differ, so the states agree to the tolerance only.
    np.testing.assert_allclose(some.positions, whole.positions[:, ::7], atol=1e-7)


def test_lanes_are_refilled_and_progress_is_told():
    heard = []
    data = simulate("spring", n_systems=150, n_nodes=N, n_steps=T, progress=lambda done, of: heard.append((done, of)))
    assert heard[-1] == (150, 150)
    assert heard == sorted(heard)
    assert np.isfinite(data.positions).all()
    assert data.source["energy_error"]["worst"] < 1e-6
    alone = simulate_from(
        "spring",
        data.positions[147:, 0],
        data.velocities[147:, 0],
        {k: a[147:] for k, a in data.attributes.items()},
        data.times[0],
    )
    np.testing.assert_allclose(data.positions[147:], alone.positions, atol=1e-9)


def test_many_bodies_need_no_dense_matrix():
    x, v, attributes = draw(6, n_systems=1, n_nodes=70)
    whole = accelerations(find_system("r1"), x, v, attributes)
    by_hand = np.zeros_like(x[0])
    for i in range(70):
        d = np.delete(x[0, i] - x[0], i, axis=0)
        r = np.linalg.norm(d, axis=-1)
        by_hand[i] = (-np.delete(attributes["m"][0], i) / (r + 0.01) / r) @ d
    np.testing.assert_allclose(whole[0], by_hand, rtol=1e-9, atol=1e-9)


def test_what_diverges_is_dropped_counted_and_noted():
    """An unsoftened attraction on a line: the bodies that meet can't be integrated."""
    system = custom_system("-m_1*m_2/r", softening=0.0)
    x = np.array([[[0.0], [1.0]], [[0.0], [5.0]], [[0.0], [0.5]]])
    v = np.array([[[0.0], [0.0]], [[0.0], [9.0]], [[0.0], [-1.0]]])
    data = simulate_from(system, x, v, {"m": np.ones((3, 2))}, 5 * TIMES)
    assert data.system_names == ("1",)
    assert data.source["n_dropped"] == 2
    assert data.notes[0].startswith("2 of 3 simulations diverged")
    with pytest.raises(SimulationFailed, match="none of 2 simulations of 'custom'"):
        simulate_from(system, x[::2], v[::2], {"m": np.ones((2, 2))}, 5 * TIMES)


def test_precision_of_the_caller_is_left_alone():
    before = jax.numpy.ones(1).dtype
    simulate("spring", n_systems=1, n_nodes=N, n_steps=T)
    assert jax.numpy.ones(1).dtype == before


@pytest.mark.user_error
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"dim": 0}, "dim must be at least 1"),
        ({"dim": 4}, "dim must be 1, 2 or 3"),
        ({"dim": "two"}, "dim must be an integer"),
        ({"n_nodes": 1}, "n_nodes must be at least 2"),
        ({"n_nodes": 2.5}, "n_nodes must be an integer"),
        ({"n_systems": 0}, "n_systems must be at least 1"),
        ({"n_systems": -3}, "n_systems must be at least 1"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"n_steps": 0}, "n_steps must be at least 1"),
        ({"every": 0}, "every must be at least 1"),
        ({"dt": 0}, "dt must be a positive number"),
        ({"dt": float("nan")}, "dt must be a positive number"),
        ({"dt": -1.0}, "dt must be a positive number"),
        ({"dt": "long"}, "dt must be a positive number"),
        ({"initial_scale": 0.0}, "initial_scale must be a positive number"),
        ({"n_systems": 10**7, "n_steps": 10**5}, "more than 1,000,000,000 states"),
    ],
)
def test_options_out_of_range_are_refused(options, said):
    with pytest.raises(ValueError, match=said):
        simulate("spring", **options)


@pytest.mark.user_error
def test_states_that_do_not_fit_are_refused():
    x, v, attributes = draw(0)
    with pytest.raises(ValueError, match="same shape"):
        simulate_from("spring", x, v[:2], attributes, TIMES)
    with pytest.raises(ValueError, match="needs the attributes m, q; no q"):
        simulate_from("charge", x, v, {"m": attributes["m"]}, TIMES)
    with pytest.raises(ValueError, match="does not fit"):
        simulate_from("spring", x, v, {"m": np.ones((9, 9))}, TIMES)
    with pytest.raises(ValueError, match="finite"):
        simulate_from("spring", x * np.nan, v, attributes, TIMES)
    with pytest.raises(ValueError, match="rise strictly"):
        simulate_from("spring", x, v, attributes, TIMES[::-1])
    with pytest.raises(ValueError, match="same shape"):
        accelerations(find_system("spring"), x, v[..., :1], attributes)
