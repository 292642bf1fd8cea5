"""NetCDF files that are damaged, foreign or written by hand: refused in one message, or read for what they are."""

import gc
import sys

import h5netcdf
import h5py
import numpy as np
import pytest

from limbeck._errors import InputError
from limbeck.trajectories import load_trajectories, save_trajectories

STATE = ("simulation", "time", "particle", "space")
LATIN = (b"sun", b"caf\xe9", b"moon")


@pytest.fixture
def write(tmp_path):
    """Write a file of states, with more variables as (dimensions, values, attributes)."""

    def write_with(*, vectors=("position", "velocity", "acceleration"), times=None, attrs=None, **more):
        times = np.arange(8.0) if times is None else times
        values = np.random.default_rng(0).normal(size=(2, len(times), 3, 2))
        variables = {name: (STATE, values, {}) for name in vectors} | {"time": (("time",), times, {})} | more
        with h5netcdf.File(tmp_path / "t.nc", "w") as file:
            file.dimensions = {"simulation": 2, "time": len(times), "particle": 3, "space": 2, "edge": 2}
            for name, (dims, data, remarks) in variables.items():
                file.create_variable(name, dims, data=data).attrs.update(remarks)
            file.attrs.update(attrs or {})
        return tmp_path / "t.nc"

    return write_with


def refused(path, words, **options):
    with pytest.raises(InputError, match=words) as caught:
        load_trajectories(path, **options)
    assert "\n" not in str(caught.value)


# Text


@pytest.mark.parametrize("kind", [np.dtype("S4"), h5py.string_dtype()])
def test_text_that_is_not_utf8(write, kind):
    words = np.array(LATIN, dtype=kind)
    refused(write(particle=(("particle",), words, {})), "'particle' holds text that is not UTF-8.*--ignore particle")
    path = write(kind=(("particle",), words, {}))
    refused(path, "'kind' holds text that is not UTF-8.*--ignore kind")
    refused(path, "'kind' holds text that is not UTF-8", species=["kind"])
    assert load_trajectories(path, ignore=["kind"]).n_nodes == 3
    assert load_trajectories(write(comment=(("edge",), words[1:], {}))).n_nodes == 3  # nobody reads it


def test_text_that_is_not_utf8_in_classic_files(tmp_path):
    from scipy.io import netcdf_file

    with netcdf_file(tmp_path / "t.nc", "w") as file:
        for dim, size in {"simulation": 1, "time": 6, "particle": 3, "space": 1, "letters": 4}.items():
            file.createDimension(dim, size)
        file.createVariable("position", "f8", STATE)[:] = np.random.default_rng(0).normal(size=(1, 6, 3, 1))
        file.createVariable("time", "f8", ("time",))[:] = np.arange(6.0)
        file.createVariable("kind", "c", ("particle", "letters"))[:] = np.array(LATIN, "S4").view("S1").reshape(3, 4)
    refused(tmp_path / "t.nc", "'kind' holds text that is not UTF-8", species=["kind"])
    assert load_trajectories(tmp_path / "t.nc", ignore=["kind"]).n_nodes == 3


@pytest.mark.parametrize("engine", ["", "h5netcdf", "scipy"])
def test_bytes_are_text(tmp_path, engine):
    """In a dataset, and letter by letter in files: NetCDF-4 and classic."""
    import xarray

    position = (STATE, np.random.default_rng(0).normal(size=(1, 6, 3, 1)))
    coords = {"time": np.arange(6.0), "particle": np.array([b"sun", b"b", b"rock"])}
    kind = ("particle", np.array([b"gas", b"star", b"gas"]))
    dataset = xarray.Dataset({"position": position, "kind": kind}, coords=coords)
    if engine:
        dataset.to_netcdf(tmp_path / "t.nc", engine=engine)
    t = load_trajectories(tmp_path / "t.nc" if engine else dataset, species=["kind"])
    assert t.particle_names == (("sun", "b", "rock"),)
    assert t.categories == {"kind": ("gas", "star")}
    np.testing.assert_array_equal(t.attributes["kind"], [[0, 1, 0]])


def test_single_letters_are_names(write):
    assert (
        load_trajectories(write(particle=(("particle",), np.array([b"a", b"b", b"c"]), {}))).particle_names[0][1] == "b"
    )


# Numbers


@pytest.mark.parametrize("key", ["scale_factor", "add_offset"])
@pytest.mark.parametrize("value", ["two", np.array([1.0, 2.0])])
def test_packing_that_is_no_number(write, key, value):
    attrs = {"scale_factor": 2.0, "add_offset": 1.0, key: value}
    path = write(q=(("particle",), np.array([1, 2, 3]), attrs))
    refused(path, f"'q' is packed with the {key} .*no number.*--ignore q")
    assert load_trajectories(path, ignore=["q"]).attributes == {}


@pytest.mark.parametrize("key", ["missing_value", "_FillValue"])
def test_a_missing_value_is_compared_in_the_type_of_the_variable(write, key):
    """1e20 in single precision is not 1e20 in double, and had been taken for a position."""
    positions = np.random.default_rng(0).normal(size=(2, 8, 3, 2)).astype("f4")
    positions[1, :, 2] = 1e20
    t = load_trajectories(write(vectors=(), position=(STATE, positions, {key: np.float64(1e20)})))
    assert t.present.any(axis=1).tolist() == [[True, True, True], [True, True, False]]
    assert np.abs(t.positions).max() < 10


def test_times_that_are_nearly_one(write):
    times = np.array([0.0, 1e-200, 1.0, 2.0, 3.0, 4.0, 5.0])
    refused(write(times=times, vectors=("position",)), "'time', simulation index 0: time 0.0 stands twice, up to round")
    times = np.array([0.0, 1e-14, 2e-14, 1.0, 1.0 + 1e-14, 1.0 + 2e-14, 2.0])
    words = r"'time': the times 1\.0 and \S+ of simulation '0' .* too close together"
    refused(write(times=times, vectors=("position",)), words)
    assert load_trajectories(write(times=times)).n_times == 7  # nothing is derived


# What limbeck writes beside the states, and others may write with another meaning


def test_remarks_of_foreign_files_are_none(write):
    path = write(
        q=(("particle",), np.array([1.0, 2.0, 1.0]), {"labels": "electric charge"}),
        edge_system=(("edge",), np.zeros(2), {}),
        edge_sender=(("particle",), np.array([5.0, 6.0, 7.0]), {}),
        attrs={"notes": "by hand", "radius": "large", "shared_particles": "yes"},
    )
    refused(path, "'edge_sender' can't be an attribute.*--rename edge_sender=NEW")  # it would have no place in ours
    t = load_trajectories(path, rename={"edge_sender": "sent"})
    np.testing.assert_array_equal(t.attributes["q"][0], [1, 2, 1])
    np.testing.assert_array_equal(t.attributes["sent"][0], [5, 6, 7])
    assert (t.categories, t.edges, t.notes, t.radius, t.shared_particles) == ({}, None, (), None, False)


def edge(*values):
    return (("edge",), np.array(values), {})


@pytest.mark.parametrize(
    ("attrs", "more", "words"),
    [
        ({"notes": "by hand"}, {}, "the notes: got 'by hand', which limbeck didn't write"),
        ({"notes": "[1]"}, {}, "the notes: got"),
        ({"radius": "large"}, {}, "the radius: got 'large'"),
        ({"radius": -1.0}, {}, "the radius: got"),
        ({}, {"q": (("particle",), np.zeros(3), {"labels": "charge"})}, "the labels of variable 'q': got 'charge'"),
        ({}, {"q": (("particle",), np.arange(3.0), {"labels": '["a", "b"]'})}, "'q' holds the code 2 and has 2 labels"),
        ({}, {"edge_system": edge(0, 0)}, "'edge_sender' is missing.*--ignore edge_system"),
        (
            {},
            {"edge_system": edge(0, 2), "edge_sender": edge(0, 1), "edge_receiver": edge(1, 0)},
            "'edge_system' names",
        ),
        ({}, {"edge_system": edge(0, 0), "edge_sender": edge(0, 3), "edge_receiver": edge(1, 0)}, "from 0 to 2"),
        ({}, {"edge_system": edge(0, 0), "edge_sender": edge(0, 0.5), "edge_receiver": edge(1, 0)}, "'edge_sender' na"),
        ({}, {"particle_name": (("particle",), np.arange(3), {})}, "'particle_name' has the dimensions"),
    ],
)
def test_remarks_that_were_changed(write, attrs, more, words):
    refused(write(attrs={"limbeck_schema": 1, **attrs}, **more), words)


# Damage


def test_flipped_bytes_leave_no_trace_but_the_message(tmp_path, good_table, monkeypatch):
    path, ignored = tmp_path / "t.nc", []
    save_trajectories(load_trajectories(good_table(times=1)), path)
    whole = path.read_bytes()
    monkeypatch.setattr(sys, "unraisablehook", ignored.append)
    for place in (40, whole.index(b"limbeck_schema"), whole.index(b"shared_particles"), whole.index(b"position")):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0xFF]) + whole[place + 1 :])
        refused(path, "not a whole NetCDF file")
    gc.collect()  # what was half opened is closed at last
    assert not ignored


# Values that are none


def test_values_that_were_never_written_are_missing(write):
    """What a library fills real arrays with that declare no value for missing ones is a number of 37 digits."""
    accelerations = np.random.default_rng(1).normal(size=(2, 8, 3, 2))
    accelerations[1, 4, 2] = np.float32(9.96921e36)
    path = write(vectors=("position", "velocity"), acceleration=(STATE, accelerations, {}))
    t = load_trajectories(path)
    assert np.argwhere(np.isnan(t.accelerations).all(axis=-1)).tolist() == [[1, 4, 2]]
    masses = np.array([1.0, 9.969209968386869e36, 2.0])
    refused(write(m=(("particle",), masses, {})), "'m', simulation '0', particle '1': got nan")


def test_numbers_of_whole_simulations_are_named(write):
    path = write(k=(("simulation",), np.array([1.0, 2.0]), {}), seed=(("simulation",), np.array([3, 4]), {}))
    t = load_trajectories(path)
    assert not t.attributes
    assert [note.split()[1] for note in t.notes] == ["'k'", "'seed'"]
    assert load_trajectories(path, ignore=["k", "seed"]).notes == ()


def test_a_particle_that_is_nowhere_does_not_move(write):
    positions, velocities = np.random.default_rng(1).normal(size=(2, 2, 8, 3, 2))
    positions[1, :, 2] = np.nan
    path = write(vectors=("acceleration",), position=(STATE, positions, {}), velocity=(STATE, velocities, {}))
    refused(path, "'position', simulation '1', time 0.0, particle '2': got NaN at every time.*'velocity' has values")


@pytest.mark.parametrize("name", ["position", "velocity", "acceleration"])
def test_errors_that_are_missing_are_refused_where_there_is_a_value(write, name):
    errors = np.full((2, 8, 3, 2), 0.1)
    errors[0, 3, 1] = np.nan
    refused(write(**{f"{name}_err": (STATE, errors, {})}), f"'{name}_err'.*negative or NaN")
    assert load_trajectories(write(**{f"{name}_err": (STATE, errors, {})}), ignore=[f"{name}_err"]).n_nodes == 3
    targets = np.random.default_rng(0).normal(size=errors.shape)
    targets[0, 3, 1] = np.nan
    more = {"acceleration": (STATE, targets, {}), "acceleration_err": (STATE, errors, {})}
    assert load_trajectories(write(vectors=("position", "velocity"), **more)).n_nodes == 3
