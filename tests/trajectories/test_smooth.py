import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from limbeck.trajectories import acceleration_noise, load_trajectories, save_trajectories
from limbeck.trajectories._smooth import smooth

SIGMA = 1e-3


def sines(count, uneven, seed=0):
    """Three particles in two dimensions that swing: times, positions, velocities, accelerations."""
    rng = np.random.default_rng(seed)
    times = 0.01 * np.sort(np.arange(count) + uneven * rng.uniform(-0.4, 0.4, count))
    rate, phase = rng.uniform(1, 3, (3, 2)), rng.uniform(0, 6, (3, 2))
    angle = times[:, None, None] * rate + phase
    return times, np.sin(angle), rate * np.cos(angle), -(rate**2) * np.sin(angle)


def ellipse(count):
    """Kepler's motion with eccentricity .6 about a body at rest, exact by Kepler's equation."""
    times = np.linspace(0, 12, count)
    anomaly = times.copy()
    for _ in range(50):
        anomaly -= (anomaly - 0.6 * np.sin(anomaly) - times) / (1 - 0.6 * np.cos(anomaly))
    x = np.stack([np.cos(anomaly) - 0.6, 0.8 * np.sin(anomaly)], axis=-1)
    a = -x / np.linalg.norm(x, axis=-1, keepdims=True) ** 3
    return times, np.stack([x, -x], axis=1), np.stack([a, -a], axis=1)


def table(times, x, v=None):
    step, node = (index.ravel() for index in np.indices(x.shape[:2]))
    frame = pd.DataFrame({"simulation": 0, "time": times[step], "particle": node})
    frame[["x", "y"]] = x[step, node]
    if v is not None:
        frame[["vx", "vy"]] = v[step, node]
    return frame


def shaken(x, sigma=SIGMA, seed=3):
    return x + np.random.default_rng(seed).normal(scale=sigma, size=x.shape)


def relative(found, true):
    size = np.linalg.norm(true, axis=-1)
    errors = np.linalg.norm(found - true, axis=-1) / (size + 1e-2 * np.median(size))
    return np.median(errors[np.isfinite(errors)])


# Bounds: twice what was measured; stencils of 7 snapshots alone give 10 and more.
@pytest.mark.parametrize("uneven", [0.0, 1.0])
def test_sines_with_noise(uneven):
    times, x, v, a = sines(800, uneven)
    t = load_trajectories(table(times, shaken(x)))
    assert (t.velocities_are, t.accelerations_are) == ("derived", "derived")
    assert relative(t.accelerations[0], a) < 0.06
    assert relative(t.velocities[0], v) < 0.01
    assert np.sqrt(np.mean((t.positions[0] - x) ** 2)) < 0.6 * SIGMA
    assert np.isfinite(t.accelerations[0]).all(-1).mean() > 0.95
    assert any("Noise shows in the positions" in note for note in t.notes)


def test_the_stated_error_is_the_error():
    times, x, _, a = sines(800, 1.0)
    t = load_trajectories(table(times, shaken(x)))
    target = np.isfinite(t.accelerations)
    off, stated = (t.accelerations - a[None])[target], t.acceleration_errors[target]
    assert 0.6 < np.sqrt(np.median(off**2)) / (0.6745 * np.median(stated)) < 2.5  # bias comes on top of noise
    assert acceleration_noise(t) == pytest.approx(np.median(stated))


def with_accelerations(times, x, v, a):
    frame = table(times, x, v)
    step, node = (index.ravel() for index in np.indices(x.shape[:2]))
    frame[["ax", "ay"]] = a[step, node]
    return frame


@pytest.mark.parametrize("steps", ["even", "jittered", "random", "with gaps"])
@pytest.mark.parametrize("sigma", [0.0, 3e-2])
def test_the_noise_of_accelerations_is_told_from_uneven_times(steps, sigma):
    times, x, v, a = sines(800, float(steps == "jittered"))
    rng = np.random.default_rng(1)
    if steps == "random":
        rate, phase = rng.uniform(1, 3, (3, 2)), rng.uniform(0, 6, (3, 2))
        times = np.sort(rng.uniform(0, 8, 800))
        angle = times[:, None, None] * rate + phase
        x, v, a = np.sin(angle), rate * np.cos(angle), -(rate**2) * np.sin(angle)
    kept = rng.random(len(times)) > (0.2 if steps == "with gaps" else 0.0)
    frame = with_accelerations(times[kept], x[kept], v[kept], shaken(a, sigma)[kept])
    found = acceleration_noise(load_trajectories(frame, allow_gaps=steps == "with gaps"))
    assert found == pytest.approx(sigma, rel=0.15, abs=1e-6)


def test_an_ellipse_with_noise():
    times, x, a = ellipse(1200)
    t = load_trajectories(table(times, shaken(x)))
    assert relative(t.accelerations[0], a) < 0.06


def test_accelerations_from_noisy_velocities():
    times, x, v, a = sines(800, 0.0)
    noisy = shaken(v)
    t = load_trajectories(table(times, x, noisy))
    assert t.velocities_are == "given"
    np.testing.assert_array_equal(t.positions[0], x)
    np.testing.assert_array_equal(t.velocities[0], noisy)
    assert t.velocity_errors is None
    assert relative(t.accelerations[0], a) < 0.02
    assert any("Noise shows in the velocities" in note for note in t.notes)


def test_given_velocities_come_back_from_a_table_with_their_noise(tmp_path):
    times, x, v, _ = sines(400, 0.0)
    one = load_trajectories(table(times, x, shaken(v)))
    save_trajectories(one, tmp_path / "t.csv")
    other = load_trajectories(tmp_path / "t.csv")
    for name in ("velocities", "accelerations", "acceleration_errors", "notes"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


def test_a_velocity_that_is_not_known_makes_no_target():
    """Accelerations are given and positions noisy, one of them a mistake."""
    times, x, v, a = sines(400, 0.0)
    noisy = shaken(x)
    noisy[200, 1] += 0.5
    t = load_trajectories(with_accelerations(times, noisy, None, a))
    target = np.isfinite(t.accelerations[0]).all(-1)
    assert not target[198:203, 1].any()
    assert target[20:180].all()
    assert target[:, 0].mean() > 0.95
    np.testing.assert_array_equal(t.accelerations[0][target], a[target])
    assert np.linalg.norm(t.velocities[0] - v, axis=-1)[target].max() < 0.3  # speeds are 1 to 4
    assert (np.abs(t.velocities[0]).sum(axis=-1) > 0).all()
    assert any("they are not reliable" in note for note in t.notes)


@pytest.mark.parametrize("source", ["positions", "velocities"])
def test_errors_of_0_where_noise_shows_are_the_noise_that_was_measured(source):
    """Else a fit to positions would weigh none of them, and accelerations would be taken for exact."""
    times, x, v, _ = sines(400, 0.0)
    names = ["x", "y"] if source == "positions" else ["vx", "vy"]
    plain = table(times, shaken(x)) if source == "positions" else table(times, x, shaken(v))
    errors = np.where(plain.particle == 2, 3 * SIGMA, 0.0)  # one says what they are
    one, other = load_trajectories(plain), load_trajectories(plain.assign(**{f"{name}_err": errors for name in names}))
    np.testing.assert_allclose(other.acceleration_errors[0, :, :2], one.acceleration_errors[0, :, :2])
    np.testing.assert_allclose(
        other.acceleration_errors[0, :, 2], one.acceleration_errors[0, :, 2] * 3, rtol=0.1, equal_nan=True
    )
    if source == "positions":
        np.testing.assert_allclose(other.measured_noise[0, :, :2], one.measured_noise[0, :, :2])
        np.testing.assert_allclose(other.measured_noise[0, :, 2], 3 * SIGMA)
    assert any(note.startswith(f"800 of 1200 standard errors of the {source} were given as 0") for note in other.notes)


def test_parabolas_are_kept_to_the_last_snapshot():
    times = 0.01 * np.arange(300)
    x = np.stack([np.outer(times**2, [1.0, -2.0]), np.outer(times, [1.0, 3.0])], axis=-1)
    t = load_trajectories(table(times, shaken(x, 1e-4)))
    target = np.isfinite(t.accelerations[0]).all(-1)
    off = (t.accelerations[0] - [[[2.0, 0.0], [-4.0, 0.0]]])[target]
    assert np.median(np.abs(off)) < 0.02  # the widest windows hold all there is: sqrt(720 / 300^5) 1e-4 / .01^2 = 2e-5
    assert np.isfinite(t.velocities).all()


def test_gaps_are_not_bridged():
    times, x, _, a = sines(600, 0.0)
    frame = table(times, shaken(x))
    wide = (frame.particle == 0) & frame.time.between(1.995, 2.995)
    short = (frame.particle == 1) & (frame.time.between(3.995, 4.495) | frame.time.between(4.575, 4.995))
    t = load_trajectories(frame[~wide & ~short], allow_gaps=True)
    found = np.isfinite(t.accelerations[0]).all(-1)
    assert np.isnan(t.accelerations[0][~found]).all()
    assert not found[200:300, 0].any()
    assert not found[400:500, 1].any()  # seven snapshots between two gaps are too few
    assert found[20:180, 0].all()
    assert found[320:580, 0].all()
    assert relative(t.accelerations[0], a) < 0.08
    assert np.isfinite(t.velocities).all()


def test_an_outlier_is_no_target():
    times, x, _, _ = sines(400, 0.0)
    noisy = shaken(x)
    noisy[200, 1] += 0.5
    t = load_trajectories(table(times, noisy))
    assert np.isnan(t.accelerations[0, 198:203, 1]).all()
    assert np.isfinite(t.accelerations[0, 198:203, 0]).all()


@settings(max_examples=10)
@given(turn=st.floats(0, 6), length=st.floats(1e-2, 1e2), duration=st.floats(1e-2, 1e2))
def test_it_turns_shifts_and_scales_with_the_units(turn, length, duration):
    times, x, *_ = sines(120, 1.0)
    x = shaken(x)[None]
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    noise = np.full((1, 3), SIGMA)
    plain = smooth(times, x, noise, 2)
    other = smooth(duration * times + 1, length * (x @ rotation + 2), length * noise, 2)
    for order in range(3):
        shift = 2 * length if order == 0 else 0.0
        expected = length / duration**order * (plain.values[order] @ rotation) + shift
        tolerance = 1e-6 * np.abs(expected).max()
        np.testing.assert_allclose(other.values[order], expected, atol=tolerance)
    np.testing.assert_array_equal(other.reliable, plain.reliable)
