import numpy as np
import pandas as pd
import pytest
from hypothesis import given, strategies as st
from scipy.integrate import solve_ivp

from limbeck._errors import InputError
from limbeck.trajectories import known_velocities, load_trajectories
from limbeck.trajectories._differences import differentiate, propagated


def accelerations(kind, x):
    """Four unit masses that attract each other, with the softening of the published systems."""
    d = x[:, None] - x[None]
    r = np.sqrt((d**2).sum(-1)) + 1e-2
    np.fill_diagonal(r, 1.0)
    force = -2 * (r - 1) if kind == "spring" else -1 / r**2
    np.fill_diagonal(force, 0.0)
    return ((force / r)[..., None] * d).sum(1)


def trajectory(kind, seed, steps, dt, uneven):
    """Integrate to 1e-12; times are even or shaken by .4 steps."""
    rng = np.random.default_rng(seed)
    start = rng.normal(size=(2, 4, 2))
    times = np.sort(dt * (np.arange(steps) + uneven * rng.uniform(-0.4, 0.4, steps)))

    def rhs(_, y):
        return np.concatenate([y[8:], accelerations(kind, y[:8].reshape(4, 2)).ravel()])

    found = solve_ivp(rhs, (times[0], times[-1]), start.ravel(), "DOP853", times, rtol=1e-12, atol=1e-12).y.T
    x, v = found[:, :8].reshape(steps, 4, 2), found[:, 8:].reshape(steps, 4, 2)
    return times, x, v, np.array([accelerations(kind, state) for state in x])


def as_table(times, x, v=None, a=None, system=0):
    step, node = (index.ravel() for index in np.indices(x.shape[:2]))
    table = pd.DataFrame({"simulation": system, "time": times[step], "particle": node})
    for prefix, values in (("", x), ("v", v), ("a", a)):
        if values is not None:
            table[[prefix + axis for axis in "xyz"[: x.shape[2]]]] = values[step, node]
    return table


def relative_errors(found, true):
    size = np.linalg.norm(true, axis=-1)
    errors = np.linalg.norm(found - true, axis=-1) / (size + 1e-2 * np.median(size))
    return errors[np.isfinite(errors)]


# Tolerances: ten times what was measured on these seeds.
@pytest.mark.parametrize("uneven", [False, True])
@pytest.mark.parametrize(
    ("kind", "dt", "from_velocities", "median", "tail"),
    [
        ("spring", 0.01, False, 5e-7, 5e-5),
        ("spring", 0.01, True, 5e-7, 5e-5),
        ("spring", 0.05, False, 5e-4, 5e-2),
        ("1/r^2", 0.01, False, 5e-7, 5e-3),
        ("1/r^2", 0.01, True, 5e-7, 5e-3),
    ],
)
def test_derived_accelerations_are_accurate(kind, dt, from_velocities, median, tail, uneven):
    errors, kept = [], []
    for seed in range(3):
        times, x, v, a = trajectory(kind, seed, 300, dt, uneven)
        t = load_trajectories(as_table(times, x, v if from_velocities else None))
        assert t.accelerations_are == "derived"
        assert t.velocities_are == ("given" if from_velocities else "derived")
        errors.append(relative_errors(t.accelerations[0], a))
        kept.append(np.isfinite(t.accelerations[0]).all(-1).mean())
        if not from_velocities:
            assert np.median(relative_errors(t.velocities[0], v)) < median
    errors = np.concatenate(errors)
    assert np.median(errors) < median
    assert np.quantile(errors, 0.9) < tail
    assert np.min(kept) > 0.9


def test_ends_are_no_targets_and_notes_say_so():
    times, x, v, a = trajectory("spring", 0, 50, 0.01, False)
    t = load_trajectories(as_table(times, x))
    assert np.isnan(t.accelerations[0, [0, 1, -2, -1]]).all()
    assert np.isfinite(t.accelerations[0, 2:-2]).all()
    assert any("derived from the positions" in note for note in t.notes)
    t = load_trajectories(as_table(times, x, v))
    assert np.isnan(t.accelerations[0, [0, -1]]).all()
    assert np.isfinite(t.accelerations[0, 1:-1]).all()
    assert any("derived from the velocities" in note for note in t.notes)
    t = load_trajectories(as_table(times, x, a=a))
    assert (t.velocities_are, t.accelerations_are) == ("derived", "given")
    np.testing.assert_array_equal(t.accelerations[0], a)


def test_what_the_sampling_cannot_resolve_is_no_target():
    times = 0.1 * np.arange(60)
    jump = np.where(times > 3.0, 50.0 * (times - 3.0), 0.0)
    x = np.stack([np.sin(times) + jump, np.cos(times)], axis=1)[:, :, None]
    t = load_trajectories(as_table(times, x))
    assert np.isnan(t.accelerations[0, 29:32, 0]).all()
    assert np.isfinite(t.accelerations[0, 2:25]).all()
    assert any("too far apart in time" in note for note in t.notes)


def test_noise_drops_no_target_but_at_the_ends():
    rng = np.random.default_rng(0)
    times = 0.01 * np.arange(500)
    x = np.stack([np.sin(times), np.cos(times)], axis=1)[:, :, None] + rng.normal(scale=1e-3, size=(500, 2, 1))
    # Smoothing windows are one-sided at the ends and magnify noise there: a few more snapshots are no targets.
    assert np.isfinite(load_trajectories(as_table(times, x)).accelerations[0, 15:-15]).mean() > 0.98


@pytest.mark.parametrize("steps", [5, 6])
def test_five_times_are_enough(steps):
    times, x, v, a = trajectory("spring", 1, steps, 0.01, False)
    for velocities in (None, v):
        t = load_trajectories(as_table(times, x, velocities))
        assert np.isfinite(t.accelerations[0, 1:-1]).all()
        assert np.median(relative_errors(t.accelerations[0], a)) < 1e-3


@pytest.mark.parametrize("steps", [1, 2, 4])
def test_fewer_than_five_times(steps):
    times, x, v, a = trajectory("spring", 1, steps, 0.01, False) if steps > 1 else _one()
    with pytest.raises(InputError, match=f"has {steps} time.*velocities and accelerations.*at least 5 times"):
        load_trajectories(as_table(times, x))
    with pytest.raises(InputError, match=r"accelerations are not given.*from the velocities.*at least 5 times"):
        load_trajectories(as_table(times, x, v))
    np.testing.assert_array_equal(load_trajectories(as_table(times, x, v, a)).accelerations[0], a)
    t = load_trajectories(as_table(times, x, a=a))
    assert (t.velocities == 0).all()
    assert t.velocities_are == "derived"
    assert any("unknown" in note for note in t.notes)


def _one():
    times, x, v, a = trajectory("spring", 1, 2, 0.01, False)
    return times[:1], x[:1], v[:1], a[:1]


def test_one_short_simulation_is_named():
    times, x, *_ = trajectory("spring", 1, 20, 0.01, False)
    tables = [as_table(times, x), as_table(times[:4], x[:4], system=7)]
    with pytest.raises(InputError, match="simulation '7' has 4 times"):
        load_trajectories(pd.concat(tables), allow_gaps=True)


def test_times_too_close_to_derive_from_are_named(good_table):
    table = good_table(vectors="", times=7)
    grid = np.array([0.0, 1e-14, 2e-14, 1.0, 1.0 + 1e-14, 1.0 + 2e-14, 2.0])
    table["time"] = grid[(10 * table.time).round().astype(int)]
    with pytest.raises(InputError, match=r"'time': the times 1\.0 and \S+ of simulation '0' .* too close together"):
        load_trajectories(table)


def test_gaps_are_bridged_when_narrow_and_left_out_when_wide():
    times, x, _, a = trajectory("spring", 2, 200, 0.01, False)
    table = as_table(times, x)
    narrow, wide = (
        (table.particle == 0) & (table.time.between(0.495, 0.515)),
        (table.particle == 1) & (table.time.between(0.995, 1.495)),
    )
    t = load_trajectories(table[~narrow & ~wide], allow_gaps=True)
    found = np.isfinite(t.accelerations[0]).all(-1)
    assert found[47:49, 0].all()
    assert not found[49:52, 0].all()
    assert not found[97:153, 1].any()
    assert found[2:94, 1].all()
    assert np.median(relative_errors(t.accelerations[0], a)) < 1e-6
    assert np.isfinite(t.velocities).all()


def test_errors_of_what_is_derived():
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 1, 12))
    noise = rng.normal(scale=0.1, size=(4000, 12, 1, 1))
    for order in (1, 2):
        predicted = propagated(times, np.full((1, 12, 1, 1), 0.1), order)
        measured = differentiate(times, noise, order).std(axis=0, keepdims=True)
        np.testing.assert_allclose(predicted, measured, rtol=0.06)  # 4000 draws: 1.1 % standard error
    table = as_table(times, np.zeros((12, 2, 1)) + times[:, None, None] * [[[1.0], [2.0]]]).assign(x_err=0.1)
    t = load_trajectories(table)
    assert t.acceleration_errors is not None
    np.testing.assert_allclose(
        t.acceleration_errors[0, :, 0], propagated(times, np.full((1, 12, 1, 1), 0.1), 2)[0, :, 0]
    )


@given(
    coefficients=st.lists(st.floats(-3, 3), min_size=7, max_size=7),
    steps=st.lists(st.floats(0.05, 1.0), min_size=9, max_size=9),
)
def test_polynomials_up_to_degree_six_are_exact(coefficients, steps):
    times = np.cumsum(steps) / np.sum(steps)
    p = np.polynomial.Polynomial(coefficients)
    values = p(times)[None, :, None, None]
    smallest = np.min(steps) / np.sum(steps)
    for order in (1, 2):
        expected = p.deriv(order)(times)
        found = differentiate(times, values, order)[0, :, 0, 0]
        # Rounding of values of up to 21 grows with the weights, at most about 1e3 over the smallest step's power.
        np.testing.assert_allclose(found, expected, atol=1e-11 / smallest**order * 1e2)


def test_a_velocity_that_too_few_times_tell_makes_no_target_beside_others(good_table):
    frame = good_table(vectors="a")
    few = load_trajectories(frame[(frame.particle != 1) | (frame.time < 0.25)], allow_gaps=True)
    known = known_velocities(few)
    assert known[:, :, [0, 2]].all()
    assert not known[:, :, 1].any()
    np.testing.assert_array_equal(np.isfinite(few.accelerations[:, 3:]).all(axis=-1), few.present[:, 3:] & known[:, 3:])
    assert not np.isfinite(few.accelerations[:, :3, 1]).any()
    assert any("9 of 57 velocities are unknown" in note and "no targets" in note for note in few.notes)
    snapshots = load_trajectories(frame[frame.time < 0.05])  # none is known: forces on positions can be learnt
    assert np.isfinite(snapshots.accelerations).all()
    assert not known_velocities(snapshots).any()
