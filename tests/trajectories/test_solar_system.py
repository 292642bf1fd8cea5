"""The ephemeris as trajectories. Truth: Newtonian gravity, and what is published of the Solar System."""

import builtins
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from typer.testing import CliRunner

import limbeck
from limbeck._errors import InputError
from limbeck.cli import app
from limbeck.trajectories import (
    Trajectories,
    load_trajectories,
    newtonian_departures,
    save_trajectories,
    solar_system,
    true_masses,
)

GAUSS = 0.01720209895  # AU^1.5 per day: the square root of G times the Sun's mass, by definition of the old AU
# Limits of the median departure from Newton, in per cent: twice what was measured. General relativity makes those of
# the planets (3 GM/rc² is 3e-6 % at the Earth) and of the Sun, whose own acceleration is minute; the figures of Earth
# and Moon make the Moon's; Pluto, left out, those of Uranus and Neptune.
STATED = {"Sun": 4e-4, "Mercury": 1.6e-5, "Venus": 8e-6, "Earth": 6e-6, "Moon": 3.2e-5, "Mars": 4e-6} | {
    "Jupiter": 9e-7,
    "Saturn": 5e-7,
    "Uranus": 9e-7,
    "Neptune": 1.8e-6,
}


@pytest.fixture(scope="module")
def decades() -> Trajectories:
    pytest.importorskip("de421")
    pytest.importorskip("jplephem")
    return solar_system(every=480)


def test_accelerations_are_newtonian_gravity(decades):
    found = newtonian_departures(decades)
    assert [departure.body for departure in found] == list(STATED)
    too_large = {d.body: d.median for d in found if not d.median <= STATED[d.body] / 100}
    assert not too_large
    assert all(d.largest <= 1e-5 for d in found)  # nowhere in 30 years; the Sun's is 5e-6


def test_departures_see_a_wrong_acceleration(decades):
    accelerations = decades.accelerations.copy()
    accelerations[:, :, 3] *= 1.001
    earth = newtonian_departures(replace(decades, accelerations=accelerations))[3]
    assert earth.median == pytest.approx(1e-3, rel=1e-3)


def test_the_record_says_what_it_is_and_no_masses(decades):
    assert not decades.attributes
    assert decades.particle_names == (tuple(STATED),)
    assert decades.units == {"x": "AU", "time": "day"}
    assert decades.accelerations_are == decades.velocities_are == "given"  # reading a table must not derive them again
    assert decades.present.all()
    assert decades.times[0, -1] == pytest.approx(30 * 365.25, abs=10)


def test_years_and_distances_are_those_of_the_sky(decades):
    sun, earth, moon, jupiter = (
        decades.positions[0, :, list(STATED).index(b)] for b in ("Sun", "Earth", "Moon", "Jupiter")
    )
    assert np.linalg.norm(earth - sun, axis=1).mean() == pytest.approx(1.0, abs=1e-3)
    assert np.linalg.norm(moon - earth, axis=1).mean() * 149597870.7 == pytest.approx(385000, rel=3e-3)  # km
    away = np.linalg.norm(jupiter - sun, axis=1)  # 5.203 AU, eccentricity .048
    assert (away.min(), away.max()) == pytest.approx((4.95, 5.455), abs=0.01)


def test_masses_are_the_published_ones():
    pytest.importorskip("de421")
    masses = true_masses()
    for body, inverse in {"Jupiter": 1047.3486, "Saturn": 3497.898, "Earth": 332946.0, "Mercury": 6023600.0}.items():
        assert 1 / masses[body] == pytest.approx(inverse, rel=1e-5), body
    assert masses["Sun"] == 1.0
    assert masses["Earth"] / masses["Moon"] == pytest.approx(81.30057, rel=1e-6)


def test_the_sun_pulls_with_gauss_constant(decades):
    x, a = decades.positions[0], decades.accelerations[0]
    away = x[:, 0] - x[:, 1]
    pull = np.linalg.norm(a[:, 1], axis=1) * (away**2).sum(axis=1)
    assert np.median(pull) == pytest.approx(GAUSS**2, rel=1e-5)  # the planets' share


@settings(max_examples=3)
@given(every=st.integers(1, 100), minutes=st.sampled_from([15.0, 30.0, 60.0]))
def test_states_depend_neither_on_the_step_nor_on_what_is_kept(every, minutes):
    pytest.importorskip("de421")
    made = solar_system(years=0.02, step_minutes=minutes, every=every)
    assert np.allclose(np.diff(made.times), every * minutes / 1440)
    alone = solar_system(years=0.02, step_minutes=minutes, every=1)
    np.testing.assert_allclose(made.positions, alone.positions[:, ::every][:, : made.n_times], rtol=1e-12, atol=1e-12)
    # Rounding of positions and velocities, over the step; the Sun's acceleration is the smallest there is.
    np.testing.assert_allclose(
        made.accelerations, alone.accelerations[:, ::every][:, : made.n_times], rtol=1e-7, atol=1e-13
    )


@pytest.mark.parametrize("ending", ["nc", "csv", "parquet"])
def test_files_hold_the_whole_record(decades, tmp_path, ending):
    if ending == "parquet":
        pytest.importorskip("pyarrow")
    path = tmp_path / f"sky.{ending}"
    few = solar_system(years=0.1)
    save_trajectories(few, path)
    back = load_trajectories(path)
    names = back.particle_names[0]
    order = [names.index(body) for body in few.particle_names[0]]
    for field in ("positions", "velocities", "accelerations"):
        np.testing.assert_array_equal(getattr(back, field)[:, :, order], getattr(few, field))
    assert not back.attributes
    if ending == "nc":
        assert back.units == few.units
        assert back.notes[: len(few.notes)] == few.notes


def test_the_command_writes_what_discover_reads(decades, tmp_path):
    out = tmp_path / "sky.nc"
    words = ["solar-system", "--out", str(out), "--years", "0.1", "--every", "24", "--pluto", "--quiet"]
    done = CliRunner().invoke(app, words)
    assert (done.exit_code, done.output) == (0, "")
    back = load_trajectories(out)
    assert back.particle_names[0][-1] == "Pluto"
    assert np.allclose(np.diff(back.times), 0.5)
    assert max(departure.median for departure in newtonian_departures(back)) < 1e-5


@pytest.mark.user_error
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"years": 0.0}, "years must be a positive number"),
        ({"years": float("nan")}, "years must be a positive number"),
        ({"step_minutes": -1.0}, "step_minutes must be a positive number"),
        ({"step_minutes": 3000.0}, "step_minutes must be at most 1440"),
        ({"every": 0}, "every must be at least 1"),
        ({"start": "1.1.1980"}, "start must be a date"),
        ({"years": 1e9}, "do not fit"),
        ({"years": 30.0, "start": "2180-01-01"}, "which covers 1899-12-04 to 2200-02-01"),
        ({"start": "1899-12-04"}, "covers"),
    ],
)
def test_wrong_options_are_refused(options, message, decades):
    with pytest.raises(InputError, match=message):
        limbeck.solar_system(**options)


@pytest.mark.user_error
def test_departures_ask_for_bodies_of_the_ephemeris(decades):
    named = replace(decades, particle_names=(("Sun", "Vulcan", *list(STATED)[2:]),))
    with pytest.raises(InputError, match="no body 'Vulcan'"):
        newtonian_departures(named)
    with pytest.raises(InputError, match="one simulation of named bodies"):
        newtonian_departures(replace(decades, particle_names=()))


@pytest.mark.user_error
@pytest.mark.parametrize("package", ["de421", "jplephem"])
def test_a_missing_package_names_the_extra(package, monkeypatch):
    real = builtins.__import__

    def without(name, *args, **kwargs):
        if name.split(".")[0] == package:
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(InputError, match=r"pip install 'limbeck\[ephemeris\]'"):
        solar_system(years=0.1)
