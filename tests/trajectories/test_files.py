import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra.numpy import arrays

from limbeck._errors import InputError, RunError
from limbeck.trajectories import (
    Edges,
    Trajectories,
    content_hash,
    load_trajectories,
    save_trajectories,
    to_frame,
    to_xarray,
)

NUMBERS = st.floats(-1e300, 1e300, allow_subnormal=True).filter(lambda value: value == value)


def assert_same(one: Trajectories, other: Trajectories) -> None:
    for name in ("times", "positions", "velocities", "accelerations", "present"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    assert list(one.attributes) == list(other.attributes)
    for name, values in one.attributes.items():
        np.testing.assert_array_equal(values, other.attributes[name], err_msg=name)
    for name in ("categories", "system_names", "particle_names", "velocities_are", "accelerations_are"):
        assert getattr(one, name) == getattr(other, name), name
    for name in ("position_errors", "velocity_errors", "acceleration_errors"):
        values, others = getattr(one, name), getattr(other, name)
        assert (values is None) == (others is None), name
        if values is not None:
            np.testing.assert_array_equal(values[one.present], others[one.present])


@pytest.mark.parametrize("name", ["t.nc", "t.csv", "t.parquet"])
@pytest.mark.parametrize("missing", [0.0, 0.05])
def test_what_was_measured_comes_back_beside_what_was_smoothed(tmp_path, name, missing):
    """Else a noisy record that is kept in a file would be smoothed twice, and its law followed through nothing."""
    rng = np.random.default_rng(0)
    system, time, node = (index.ravel() for index in np.indices((2, 300, 3)))
    frame = pd.DataFrame({"simulation": system, "time": 0.01 * time, "particle": node})
    frame["x"] = np.sin(0.02 * time + node) + 1e-3 * rng.normal(size=len(frame))
    frame["y"] = np.cos(0.03 * time + node + system) + 1e-3 * rng.normal(size=len(frame))
    frame = frame[rng.random(len(frame)) >= missing]
    one = load_trajectories(frame, allow_gaps=missing > 0)
    assert one.measured_positions is not None
    left = save_trajectories(one, tmp_path / name)
    other = load_trajectories(tmp_path / name, allow_gaps=missing > 0)
    assert_same(one, other)
    np.testing.assert_array_equal(one.measured_positions, other.measured_positions)
    np.testing.assert_array_equal(one.measured_noise, other.measured_noise)
    for what in ("smoothed positions", "standard errors of positions"):
        assert any(what in one for one in left) is (name != "t.nc")


@pytest.mark.parametrize("name", ["t.nc", "t.csv", "t.parquet"])
@pytest.mark.parametrize(("dim", "systems", "times", "nodes"), [(1, 1, 1, 2), (2, 2, 3, 3), (3, 3, 2, 2)])
def test_every_value_comes_back(tmp_path_factory, name, dim, systems, times, nodes):
    shape = (systems, times, nodes, dim)

    @settings(max_examples=8)
    @given(arrays(float, (3, *shape), elements=NUMBERS), arrays(float, (systems, nodes), elements=NUMBERS))
    def check(vectors, m):
        grid = np.broadcast_to(np.arange(times) * 0.1, (systems, times))
        t = Trajectories(
            times=grid.copy(),
            positions=vectors[0],
            velocities=vectors[1],
            accelerations=vectors[2],
            present=np.ones(shape[:3], dtype=bool),
            attributes={"m": m},
            system_names=tuple(str(i) for i in range(systems)),
            particle_names=(tuple(str(i) for i in range(nodes)),) * systems,
        )
        path = tmp_path_factory.mktemp("trip") / name
        save_trajectories(t, path)
        assert_same(t, load_trajectories(path))

    check()


@pytest.fixture
def rich(good_table):
    """A record with all that a record can hold, but gaps."""
    table = good_table(dim=3).assign(ax_err=0.1, ay_err=0.2, az_err=0.3)
    table["kind"] = table.particle.map({0: "sun", 1: "moon", 2: "sun"})
    table["simulation"] = table.simulation.map({0: "b", 1: "a", 2: "10"})
    table.loc[4, ["ax", "ay", "az"]] = np.nan
    table = table[(table.simulation != "a") | (table.particle != 1)]
    return load_trajectories(table, species=["kind"], units={"x": "AU", "time": "day", "m": "Msun"})


@pytest.mark.parametrize("name", ["t.nc", "t.csv", "t.parquet", "t.pq", "t.h5netcdf"])
def test_names_categories_padding_and_errors_come_back(tmp_path, rich, name):
    left = save_trajectories(rich, tmp_path / name)
    back = load_trajectories(tmp_path / name, species=["kind"])
    assert_same(rich, back)
    assert back.units == (rich.units if name != "t.csv" else {})
    assert any("units" in what for what in left) == (name == "t.csv")


@pytest.mark.parametrize("name", ["t.nc", "t.csv", "t.parquet"])
@pytest.mark.parametrize("vectors", ["", "v", "a"])
def test_what_was_derived_is_derived_again_to_the_same(tmp_path, good_table, name, vectors):
    t = load_trajectories(good_table(vectors=vectors))
    save_trajectories(t, tmp_path / name)
    back = load_trajectories(tmp_path / name)
    assert_same(t, back)
    assert back.notes == t.notes


@pytest.mark.parametrize("name", ["t.nc", "t.csv", "t.parquet"])
def test_gaps_come_back(tmp_path, good_table, name):
    table = good_table()
    table = table[(table.simulation != 1) | (table.time < 0.55)].drop(index=[4, 9])
    t = load_trajectories(table, allow_gaps=True)
    save_trajectories(t, tmp_path / name)
    assert_same(t, load_trajectories(tmp_path / name, allow_gaps=True))
    with pytest.raises(InputError):
        load_trajectories(tmp_path / name)


def test_netcdf_holds_the_whole_record(tmp_path, rich):
    edges = Edges(system=np.array([-1, 0]), senders=np.array([0, 1]), receivers=np.array([1, 0]))
    t = replace(rich, edges=edges, radius=2.5, shared_particles=True, notes=("One.", "Two."))
    assert save_trajectories(t, tmp_path / "t.nc") == ()
    back = load_trajectories(tmp_path / "t.nc")
    assert content_hash(back) == content_hash(t)
    assert (back.radius, back.shared_particles, back.notes) == (2.5, True, ("One.", "Two."))
    assert back.edges is not None
    np.testing.assert_array_equal(back.edges.senders, [0, 1])
    assert len(save_trajectories(t, tmp_path / "t.csv")) == 6


def test_netcdf_is_plain_hdf5_and_xarray(tmp_path, rich):
    import h5py
    import xarray

    save_trajectories(rich, tmp_path / "t.nc")
    with h5py.File(tmp_path / "t.nc") as file:
        assert file["position"].shape == (3, 8, 3, 3)
        assert file["position"].dtype == np.float64
        assert file["position"].attrs["units"] == "AU"
        assert file["velocity"].attrs["units"] == "AU/day"
        assert [dim.label or dim[0].name for dim in file["position"].dims]
    with xarray.open_dataset(tmp_path / "t.nc", engine="h5netcdf") as dataset:
        assert dataset["position"].dims == ("simulation", "time", "particle", "space")
        assert dataset["m"].dims == ("simulation", "particle")
        assert dataset["m"].attrs["units"] == "Msun"
        assert dataset["simulation"].values.tolist() == ["10", "a", "b"]
        assert dataset["time"].dims == ("time",)


def test_xarray_there_and_back(tmp_path, rich):
    dataset = to_xarray(rich)
    assert_same(rich, load_trajectories(dataset))
    dataset.to_netcdf(tmp_path / "from_xarray.nc", engine="h5netcdf")
    assert_same(rich, load_trajectories(tmp_path / "from_xarray.nc"))
    assert_same(rich, load_trajectories(to_frame(rich), species=["kind"]))


def test_a_dataset_made_by_hand(good_table):
    import xarray

    rng = np.random.default_rng(0)
    shape = (2, 6, 3, 2)
    dims = ("simulation", "time", "particle", "space")
    dataset = xarray.Dataset(
        {
            "position": (dims, rng.normal(size=shape), {"units": "km"}),
            "m": (("particle",), [1.0, 2.0, 3.0]),
            "q": (("simulation", "time", "particle"), np.ones(shape[:3])),
            "energy": (("simulation",), [1.0, 2.0]),
            "kind": (("particle",), ["a", "b", "a"]),
        },
        coords={"time": np.arange(6.0), "particle": ["p", "q", "r"]},
    )
    t = load_trajectories(dataset.transpose("space", "particle", ...), species=["kind"])
    assert t.units == {"x": "km"}
    assert t.particle_names == (("p", "q", "r"),) * 2
    assert list(t.attributes) == ["m", "q", "kind"]
    np.testing.assert_array_equal(t.attributes["m"], [[1, 2, 3]] * 2)
    np.testing.assert_array_equal(t.positions, dataset["position"].values)
    assert t.accelerations_are == "derived"
    renamed = dataset.rename({"simulation": "run", "position": "pos"}).isel(time=slice(None, None, -1))
    again = load_trajectories(renamed, rename={"run": "simulation", "pos": "position"}, species=["kind"])
    np.testing.assert_array_equal(again.positions, t.positions)
    np.testing.assert_array_equal(again.accelerations, t.accelerations)


VECTORS = ("position", "velocity", "acceleration")


def _dataset(change=None, **options):
    import xarray

    dims = ("simulation", "time", "particle", "space")
    values = {name: np.random.default_rng(0).normal(size=(2, 6, 3, 2)) for name in VECTORS}
    time, m = np.arange(6.0), np.ones((2, 3))
    for name, (index, value) in (change or {}).items():
        {**values, "time": time, "m": m}[name][index] = value
    variables = {name: (dims, array) for name, array in values.items()} | {"m": (("simulation", "particle"), m)}
    return xarray.Dataset(variables | options, coords={"time": time})


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"position": ((1, 2, 1, 0), np.nan)}, "'position', simulation '1', time 2.0, particle '1'.*some components"),
        ({"position": ((1, 2, 1, 0), np.inf)}, "'position', simulation index 1, time index 2.*infinite"),
        ({"position": ((1, 2, 1), np.nan)}, "simulation '1', time 2.0, particle '1' is missing.*allow-gaps"),
        ({"position": ((0, 2), np.nan)}, "is missing.*allow-gaps"),
        ({name: ((0, slice(None), slice(1, 3)), np.nan) for name in VECTORS}, "fewer than two"),
        ({"position": ((0, slice(None), slice(1, 3)), np.nan)}, "NaN at every time of the simulation"),
        ({"velocity": ((1, 2, 1), np.nan)}, "'velocity', simulation '1', time 2.0, particle '1'.*NaN"),
        ({"acceleration": ((1, 2, 1, 1), np.nan)}, "'acceleration', simulation '1', time 2.0, particle '1'.*NaN"),
        ({"acceleration": (..., np.nan)}, "no particle has an acceleration"),
        ({"time": (3, np.nan)}, "'time'.*not finite"),
        ({"time": (3, 2.0)}, "'time'.*time 2.0 stands twice"),
        ({"m": ((1, 2), np.nan)}, "'m', simulation '1', particle '2'.*finite"),
    ],
)
def test_wrong_values_in_arrays(change, words):
    with pytest.raises(InputError, match=words):
        load_trajectories(_dataset(change))


def test_padding_in_arrays_may_stand_anywhere():
    dataset = _dataset({name: ((1, slice(None), 0), np.nan) for name in VECTORS})
    t = load_trajectories(dataset)
    assert t.particle_names == (("0", "1", "2"), ("1", "2"))
    np.testing.assert_array_equal(t.positions[1, :, :2], dataset["position"].values[1, :, 1:])
    assert not t.present[1, :, 2].any()


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"density": (("particle",), [1.0, 2, 3])}, "'density' can't be an attribute"),
        ({"kind": (("particle",), ["a", "b", "c"])}, "'kind' holds text.*--species"),
        ({"q": (("simulation", "time", "particle"), np.arange(36.0).reshape(2, 6, 3))}, "'q'.*varies in time"),
        ({"q": (("particle",), np.array([True, False, True]))}, "'q' holds booleans"),
        ({"velocity": (("simulation", "time", "particle"), np.ones((2, 6, 3)))}, "'velocity' has the dimensions"),
        ({"position_err": (("simulation", "time", "particle", "space"), -np.ones((2, 6, 3, 2)))}, "'position_err'"),
    ],
)
def test_wrong_variables(options, words):
    with pytest.raises(InputError, match=words):
        load_trajectories(_dataset(**options))


def test_missing_variables():
    with pytest.raises(InputError, match=r"'position' is missing.*did you mean 'positions'"):
        load_trajectories(_dataset().rename(position="positions"))
    with pytest.raises(InputError, match=r"'time' is missing"):
        load_trajectories(_dataset().drop_vars("time"))
    with pytest.raises(InputError, match=r"--attributes.*'mm'.*did you mean 'm'"):
        load_trajectories(_dataset(), attributes=["mm"])


def test_times_of_each_simulation():
    times = np.arange(12.0).reshape(2, 6)
    t = load_trajectories(_by_simulation(times))
    np.testing.assert_array_equal(t.times, times)
    times[1, 5] = np.nan
    with pytest.raises(InputError, match=r"'time'.*not finite"):
        load_trajectories(_by_simulation(times))


def _by_simulation(times):
    """A file, since xarray takes no two-dimensional variable named like a dimension."""
    import tempfile
    from pathlib import Path

    from limbeck.trajectories._netcdf import Field, Fields, write_fields

    path = Path(tempfile.mkdtemp()) / "t.nc"
    variables = {n: Field(dims=tuple(v.dims), values=v.values) for n, v in _dataset().data_vars.items()}
    write_fields(Fields(variables=variables | {"time": Field(dims=("simulation", "time"), values=times)}), path)
    return path


def test_classic_netcdf(tmp_path):
    from scipy.io import netcdf_file

    dataset = _dataset()
    with netcdf_file(tmp_path / "t.nc", "w") as file:
        for dim, size in dataset.sizes.items():
            file.createDimension(dim, size)
        for name, one in {**dataset.data_vars, "time": dataset["time"]}.items():
            file.createVariable(name, "f8", one.dims)[:] = one.values
        file.variables["position"].units = "km"
    t = load_trajectories(tmp_path / "t.nc")
    np.testing.assert_array_equal(t.positions, dataset["position"].values)
    assert t.units == {"x": "km"}


def test_packed_values_are_unpacked(tmp_path):
    import h5netcdf

    dataset = _dataset()
    with h5netcdf.File(tmp_path / "t.nc", "w") as file:
        file.dimensions = dict(dataset.sizes)
        for name, one in {**dataset.data_vars, "time": dataset["time"]}.items():
            file.create_variable(name, one.dims, data=one.values)
        q = file.create_variable("q", ("particle",), data=np.array([1, 2, 3], dtype="i2"))
        q.attrs["scale_factor"], q.attrs["add_offset"] = 0.5, 1.0
    np.testing.assert_array_equal(load_trajectories(tmp_path / "t.nc").attributes["q"][0], [1.5, 2.0, 2.5])


# Writing


def test_places_that_cannot_be_written(tmp_path, rich):
    for path, words in (
        (tmp_path / "t.txt", r"'.txt' names no format.*known are CSV"),
        (tmp_path / "no" / "t.nc", "the folder .* doesn't exist"),
        (tmp_path, "names no format|this is a folder"),
    ):
        with pytest.raises(InputError, match=words):
            save_trajectories(rich, path)


@pytest.mark.parametrize("name", ["t.nc", "t.csv", "t.parquet"])
def test_nothing_half_written_is_left(tmp_path, rich, name, monkeypatch):
    path = tmp_path / name
    save_trajectories(rich, path)
    before = path.read_bytes()

    def full(*_, **__):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pd.DataFrame, "to_csv", full)
    monkeypatch.setattr(pd.DataFrame, "to_parquet", full)
    monkeypatch.setattr("limbeck.trajectories._netcdf.write_fields", full)
    with pytest.raises(RunError, match="No space left"):
        save_trajectories(rich, path)
    assert path.read_bytes() == before
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_fingerprints_differ_where_runs_would(rich):
    same = replace(rich, source={"path": "elsewhere"}, notes=())
    assert content_hash(same) == content_hash(rich)
    moved = rich.positions.copy()
    moved[0, 0, 0, 0] = np.nextafter(moved[0, 0, 0, 0], np.inf)
    attributes = {**rich.attributes, "m": rich.attributes["m"] * 2}
    for other in (
        replace(rich, positions=moved),
        replace(rich, attributes=attributes),
        replace(rich, radius=1.0),
        replace(rich, units={}),
        replace(rich, edges=Edges(system=np.array([-1]), senders=np.array([0]), receivers=np.array([1]))),
        rich.select(np.array([1, 0, 2])),
    ):
        assert content_hash(other) != content_hash(rich)


def test_importing_is_light():
    import subprocess

    code = (
        "import sys, limbeck.trajectories; "
        "assert not {'pandas', 'h5netcdf', 'xarray', 'scipy'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
