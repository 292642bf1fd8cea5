import os
import re

import numpy as np
import pandas as pd
import pytest

from limbeck._errors import InputError
from limbeck.trajectories import load_trajectories


def refused(source, *words, **options):
    """Load something wrong, and give back the one-line message."""
    with pytest.raises(InputError) as caught:
        load_trajectories(source, **options)
    message = str(caught.value)
    assert "\n" not in message
    for word in words:
        assert re.search(word, message), f"{word!r} is not in {message!r}"
    return message


def changed(table, row, column, value):
    """Change one cell; `row` counts as the messages do, the header being row 1."""
    table = table.astype({column: object})
    table.loc[row - 2, column] = value
    return table


# What is right


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_values_land_in_their_places(good_table, write_csv, dim):
    table = good_table(dim=dim)
    t = load_trajectories(write_csv(table))
    assert t.positions.shape == (3, 8, 3, dim)
    row = table[(table.simulation == 2) & (table.particle == 1)].iloc[5]
    for name, values in (("", t.positions), ("v", t.velocities), ("a", t.accelerations)):
        np.testing.assert_array_equal(values[2, 5, 1], [row[name + axis] for axis in "xyz"[:dim]])
    assert t.times[2, 5] == row.time
    assert t.attributes["m"][2, 1] == row.m
    assert t.present.all()
    assert (t.velocities_are, t.accelerations_are) == ("given", "given")
    assert t.source["format"] == "csv"


def test_order_of_rows_leaves_no_trace(good_table):
    table = good_table()
    straight = load_trajectories(table)
    mixed = load_trajectories(table.sample(frac=1, random_state=3))
    for name in ("times", "positions", "velocities", "accelerations"):
        np.testing.assert_array_equal(getattr(straight, name), getattr(mixed, name))
    np.testing.assert_array_equal(straight.attributes["m"], mixed.attributes["m"])
    assert straight.particle_names == mixed.particle_names


def test_ids_are_sorted_by_value_or_as_text(good_table):
    table = good_table()
    t = load_trajectories(table.assign(particle=table.particle.map({0: 10, 1: 9, 2: 2**80})))
    assert t.particle_names[0] == ("9", "10", str(2**80))
    t = load_trajectories(table.assign(particle=table.particle.map({0: "b", 1: "a", 2: "10"})))
    assert t.particle_names[0] == ("10", "a", "b")
    t = load_trajectories(table.assign(particle=table.particle.astype(float), simulation=table.simulation.astype(str)))
    assert t.particle_names[0] == t.system_names == ("0", "1", "2")


def test_ids_written_as_floats_are_the_same_particle(good_table, write_csv):
    table = good_table()
    text = table.astype({"particle": float}).to_csv(index=False).replace(",1.0,", ",1,", 2)
    assert load_trajectories(write_csv(text)).particle_names[0] == ("0", "1", "2")


def test_text_ids_such_as_na_are_names(good_table, write_csv):
    t = load_trajectories(write_csv(good_table().replace({"particle": {0: "NA", 1: "null", 2: "nan"}})))
    assert t.particle_names[0] == ("NA", "nan", "null")


def test_numbers_of_particles_may_differ(good_table):
    table = good_table()
    t = load_trajectories(table[(table.simulation != 1) | (table.particle != 1)])
    assert t.positions.shape == (3, 8, 3, 2)
    assert t.present[1].sum(axis=1).tolist() == [2] * 8
    assert t.particle_names[1] == ("0", "2")
    assert (t.positions[1, :, 2] == 0).all()
    assert np.isnan(t.accelerations[1, :, 2]).all()
    assert t.attributes["m"][1, 2] == t.attributes["m"][1, 0]  # finite logarithms in padding


def test_times_equal_up_to_rounding_are_equal(good_table):
    table = good_table()
    other = table.particle == 1
    table.loc[other, "time"] = np.nextafter(table.loc[other, "time"], np.inf)
    assert load_trajectories(table).n_times == 8


def test_missing_accelerations_are_no_targets(good_table, write_csv):
    table = good_table()
    table.loc[[3, 5], ["ax", "ay"]] = np.nan
    t = load_trajectories(write_csv(table))
    assert np.isnan(t.accelerations).any(axis=-1).sum() == 2


def test_attributes_choose_and_order(good_table):
    table = good_table().assign(q=1.0, density=3.0, charge=2.0)
    t = load_trajectories(table, attributes=["q", "m"])
    assert list(t.attributes) == ["q", "m"]
    t = load_trajectories(table, rename={"density": "rho", "charge": "q", "q": "s"}, ignore=["m"])
    assert list(t.attributes) == ["s", "rho", "q"]
    assert load_trajectories(table, attributes="m").attributes.keys() == {"m"}
    assert load_trajectories(table.assign(note="text"), attributes=["m"], ignore=["note"]).attributes.keys() == {"m"}


def test_species_are_codes_with_labels(good_table, write_csv):
    table = good_table()
    table["kind"] = table.particle.map({0: "sun", 1: "moon", 2: "sun"})
    t = load_trajectories(write_csv(table), species=["kind"])
    assert t.categories == {"kind": ("moon", "sun")}
    np.testing.assert_array_equal(t.attributes["kind"][0], [1, 0, 1])


def test_errors_are_kept_and_are_no_attributes(good_table, write_csv):
    table = good_table().assign(x_err=0.1, y_err=0.2, ax_err=0.3, ay_err=0.0)
    t = load_trajectories(write_csv(table))
    assert list(t.attributes) == ["m"]
    assert t.position_errors is not None
    assert t.position_errors[0, 0, 0].tolist() == [0.1, 0.2]
    assert t.acceleration_errors is not None
    assert t.acceleration_errors[0, 0, 0].tolist() == [0.3, 0.0]
    assert t.velocity_errors is None


def test_blank_lines_byte_order_mark_and_spaces_do_no_harm(good_table, write_csv):
    lines = good_table().to_csv(index=False).splitlines()
    text = "\ufeff" + "\r\n".join(line.replace(",", ", ") for line in [*lines[:5], "", *lines[5:], "", ""])
    assert load_trajectories(write_csv(text)).present.all()


def test_commas_at_the_ends_of_lines_do_no_harm(good_table, write_csv):
    lines = good_table().to_csv(index=False).splitlines()
    assert list(load_trajectories(write_csv(",\n".join([*lines, ""]))).attributes) == ["m"]


def test_row_numbers_count_blank_lines(good_table, write_csv):
    lines = changed(good_table(), 9, "x", "bad").to_csv(index=False).splitlines()
    refused(write_csv("\n".join([*lines[:4], "", *lines[4:]])), r"row 10 \(line 10 of the file\), column 'x'.*'bad'")


def test_frames_with_named_index_and_without(good_table):
    table = good_table()
    t = load_trajectories(table.set_index(["simulation", "time", "particle"]))
    np.testing.assert_array_equal(t.positions, load_trajectories(table).positions)


def test_the_callers_frame_is_left_alone(good_table):
    table = good_table().set_index(pd.RangeIndex(5, 5 + 72))
    before = table.copy()
    load_trajectories(table, rename={"m": "q"})
    pd.testing.assert_frame_equal(table, before)


def test_gaps_where_they_are_allowed(good_table):
    table = good_table()
    t = load_trajectories(table.drop(index=[4, 9]), allow_gaps=True)
    assert (~t.present).sum() == 2
    t = load_trajectories(table[(table.simulation != 1) | (table.time < 0.55)], allow_gaps=True)
    assert np.isnan(t.times[1, 6:]).all()
    assert not t.present[1, 6:].any()


# What is refused, by row and column


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        ("x", "abc", "'abc'.*expected a finite number"),
        ("x", "1,5", "'1,5'"),
        ("time", "2020-01-01", "2020-01-01"),
        ("x", "", "empty cell or NaN"),
        ("time", "nan", "empty cell or NaN"),
        ("vy", "inf", "got inf"),
        ("x", "1e400", "got inf"),
        ("ay", "inf", "got inf"),
        ("ax", "", "other components are numbers"),
        ("m", "", "empty cell or NaN"),
        ("m", "heavy", "text 'heavy'.*--species m"),
        ("m", "7.5", "varies in time: 7.5"),
        ("particle", "", "name is missing"),
        ("simulation", "", "name is missing"),
        ("x", "1+2j", "text"),
    ],
)
def test_a_wrong_cell_is_named(good_table, write_csv, column, value, words):
    table = changed(good_table(), 17, column, value)
    refused(write_csv(table), rf"row 17 \(line 17 of the file\), column '{column}'", words)


def test_duplicated_rows(good_table, write_csv):
    table = good_table()
    table = pd.concat([table, table.iloc[[4]]])
    refused(write_csv(table), r"row 74 .*'simulation', 'time', 'particle'.*row 6 ")


def test_fewer_than_two_particles(good_table, write_csv):
    table = good_table()
    refused(
        write_csv(table[(table.simulation != 1) | (table.particle == 0)]),
        "row 26 .*'particle': simulation '1' has fewer than two",
    )


def test_missing_particles_and_unequal_times(good_table, write_csv):
    table = good_table()
    refused(
        write_csv(table.drop(index=4)),
        "row 5 .*column 'particle'",
        "'0', time 0.1, particle '1' is missing",
        "allow-gaps",
    )
    refused(write_csv(table[(table.simulation != 1) | (table.time < 0.65)]), "column 'time'", "unequal", "allow-gaps")
    later = table.assign(time=table.time + 0.01 * (table.simulation == 2))
    refused(write_csv(later), "unequal times: snapshot 1 of simulation '2' is time 0.01, of simulation '0' time 0")


@pytest.mark.parametrize("column", ["simulation", "time", "particle", "x"])
def test_missing_columns(good_table, write_csv, column):
    refused(write_csv(good_table().drop(columns=column)), f"column '{column}' is missing")
    refused(write_csv(good_table().rename(columns={column: column.upper()})), f"did you mean '{column.upper()}'")
    refused(write_csv(good_table()), f"'{column}' can't be left out", ignore=[column])


def test_a_missing_simulation_says_what_to_do(good_table, write_csv):
    refused(write_csv(good_table().drop(columns="simulation")), "add a column 'simulation' with one value throughout")


@pytest.mark.parametrize(
    ("drop", "words"),
    [
        (["y"], "'z' is there without 'y'"),
        (["vy"], "'vy' is missing while 'vx' is there"),
        (["az"], "'az' is missing while 'ax' is there"),
        (["z"], "'vz' is there, but the positions have only x, y"),
    ],
)
def test_half_a_vector(good_table, write_csv, drop, words):
    refused(write_csv(good_table(dim=3).drop(columns=drop)), words)


def test_errors_must_fit(good_table, write_csv):
    table = good_table()
    refused(write_csv(table.assign(x_err=0.1)), "'y_err' is missing")
    refused(write_csv(changed(table.assign(x_err=0.1, y_err=0.1), 7, "y_err", -1)), "row 7 .*'y_err': got -1")
    without = table.drop(columns=["vx", "vy"]).assign(vx_err=0.1, vy_err=0.1)
    refused(write_csv(without), "'vx_err' has the errors of velocities that are not there")


@pytest.mark.parametrize("name", ["density", "velocity", "alpha", "F", "Fx", "r", "t", "n", "2m", "my mass", "lambda"])
def test_names_that_no_attribute_may_have(good_table, write_csv, name):
    refused(
        write_csv(good_table().rename(columns={"m": name})), f"'{name}' can't be an attribute", "--rename.*--ignore"
    )


@pytest.mark.parametrize("name", ["charge", "mass", "f", "q", "rho", "D", "time_scale", "m_err", "x0"])
def test_names_that_an_attribute_may_have(good_table, write_csv, name):
    assert list(load_trajectories(write_csv(good_table().rename(columns={"m": name}))).attributes) == [name]


def test_text_columns_need_a_word(good_table, write_csv):
    path = write_csv(good_table().assign(colour="red"))
    refused(path, r"row 2 .*'colour'.*'red'.*--species colour.*--ignore colour")
    refused(path, "'red'", attributes=["m"])
    assert load_trajectories(path, ignore=["colour"]).attributes.keys() == {"m"}
    assert load_trajectories(path, species=["colour"]).categories == {"colour": ("red",)}


def test_species_that_vary_or_are_missing(good_table, write_csv):
    table = good_table().assign(kind="a")
    refused(write_csv(changed(table, 20, "kind", "b")), "row 20 .*'kind'.*varies in time: b", species=["kind"])
    refused(write_csv(changed(table, 20, "kind", "")), "row 20 .*'kind'.*missing", species=["kind"])


def test_unknown_names_come_with_the_nearest(good_table):
    table = good_table().rename(columns={"m": "mass"})
    refused(table, "--rename masss=m.*did you mean 'mass'", rename={"masss": "m"})
    refused(table, "--attributes.*'mas'.*did you mean 'mass'", attributes=["mas"])
    refused(table, "--ignore.*'Mass'.*did you mean 'mass'", ignore=["Mass"])
    refused(table, "--species.*'zzz'.*there are simulation", species=["zzz"])
    refused(table, "it was renamed to 'm'", rename={"mass": "m"}, attributes=["mass"])


def test_choices_that_contradict(good_table):
    table = good_table().assign(q=1.0)
    refused(table, "there is another column 'q'", rename={"m": "q"})
    refused(table, "another column 's'", rename={"m": "s", "q": "s"})
    assert set(load_trajectories(table, rename={"m": "q", "q": "m"}).attributes) == {"m", "q"}
    refused(table, "'m' stands in both --attributes and --ignore", attributes=["m"], ignore=["m"])
    refused(table, "'m' stands in both --attributes and --species", attributes=["m"], species=["m"])
    refused(table, "'m' stands in both --species and --ignore", ignore=["m"], species=["m"])
    refused(table, "'x' can't be an attribute", attributes=["x"])
    refused(table, "'time' can't be an attribute", attributes=["time"])


def test_nothing_to_learn(good_table, write_csv):
    refused(write_csv(good_table().assign(ax=np.nan, ay=np.nan)), "no particle has an acceleration")


# Files that are no table


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "the file is empty"),
        (b"\n\n", "the file is empty"),
        (b"\xef\xbb\xbf", "the file is empty"),
        (b"simulation,time,particle,x\n", "a header and no rows"),
        (b"simulation,time,particle,x\n\n\n", "a header and no rows"),
        (b"\nsimulation,time,particle,x\n0,0,0,1\n", "row 1 .* is empty"),
        (b"simulation;time;particle;x\n0;0;0;1\n", "separated by semicolons"),
        (b"simulation\ttime\tparticle\tx\n0\t0\t0\t1\n", "separated by tabs"),
        ("simulation,time,particle,x\n0,0,0,1\n".encode("utf-16"), "UTF-16"),
        (b"simulation,time,particle,x,m\xe9\n0,0,0,1,1\n", "UTF-8"),
        (b"simulation,time,particle,x,s\n0,0,0,1,caf\xe9\n", "UTF-8"),
        (b"simulation,time,particle,x,x\n0,0,0,1,1\n", "'x' stands twice"),
        (b"simulation,time,particle,x\n0,0,0,1,9\n0,0,1,1,9\n", "row 2 .* has 5 cells, the header 4"),
        (b"simulation,time,particle,x\n0,0,0,1\n0,0,1,1,9\n", "line 3"),
        (b'simulation,time,particle,x\n0,0,0,1\n0,0,1,"1\n', "can't be read"),
        (b"simulation,time,particle,x,ax\n0,0,0,1,1\n0,0,1,1", "row 3 .* is cut short: 4 cells"),
        (b",simulation,time,particle,x,ax\n0,0,0,0,1,1\n1,0,0,1,1,1\n", "'Unnamed: 0' can't be an attribute"),
        (b"\x00\x01\x02,\x03\n", "zero bytes"),
        (b"PAR1garbage", "the name says csv, the content parquet"),
        (b"simulation,time,particle,x,ax\n0,0,0,1,1\n0,0,1,1\n0,0,2,1,1\n", "row 3 .* is cut short: 4 cells"),
        (b"just words\nand more\n", "separated by spaces|is missing"),
    ],
)
def test_files_that_are_no_table(write_csv, content, words):
    refused(write_csv(content), words)


def test_paths_that_are_no_file(tmp_path, good_table):
    refused(tmp_path, "this is a folder")
    refused(tmp_path / "nothing.csv", "no such file")
    unknown = tmp_path / "table.xyz"
    unknown.write_bytes(b"\x80\x81\x82")
    refused(unknown, r"known are CSV \(.csv\), Parquet \(.parquet, .pq\) and NetCDF")
    good_table().to_csv(tmp_path / "table.txt", index=False)
    assert load_trajectories(tmp_path / "table.txt").n_systems == 3
    for name in ("a.parquet", "a.pq", "a.nc", "a.h5netcdf"):
        (tmp_path / name).write_text("simulation,time\n0,1\n")
        refused(tmp_path / name, "the name says (parquet|netcdf), the content csv")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(write_csv, good_table):
    path = write_csv(good_table())
    path.chmod(0)
    refused(path, "can't be read")


@pytest.mark.parametrize("name", ["a.parquet", "a.nc"])
def test_truncated_binary_files(tmp_path, good_table, name):
    from limbeck.trajectories import save_trajectories

    path = tmp_path / name
    save_trajectories(load_trajectories(good_table(times=40)), path)
    whole = path.read_bytes()
    for length in (200, len(whole) // 2, len(whole) - 30):
        path.write_bytes(whole[:length])
        refused(path, "not a whole")


# Tables from memory


def test_frames_with_wrong_types(good_table):
    table = good_table()
    refused(table.assign(x=table.x + 1j), "row 2 .*'x'.*complex")
    refused(table.assign(x=table.x > 0), "'x'.*booleans")
    refused(table.assign(m=True), "'m'.*booleans")
    refused(table.assign(time=pd.Timestamp("2020-01-01")), "'time'.*dates")
    refused(table.assign(x=table.x.astype(str)), "'x'.*text.*convert the column")
    refused(changed(table, 5, "x", None), "row 5 .*'x'.*empty cell or NaN")
    refused(changed(table, 5, "x", True), "'x'.*booleans")
    refused(changed(table, 5, "particle", "1"), "row 5 .*'particle'.*mixed")
    refused(table.assign(particle=table.particle + 0.5), "'particle'.*got 0.5")
    refused(table.assign(simulation=table.simulation > 0), "'simulation'.*booleans|'simulation'.*got")
    refused(table.iloc[:0], "no rows")
    refused(pd.concat([table, table[["x"]]], axis=1), "'x' stands twice")
    refused(table.rename(columns={"m": 7}), "column 7 is not named by text")
    assert load_trajectories(table.astype({"x": "Float64", "particle": "Int64"})).n_nodes == 3
    assert load_trajectories(table.astype({"particle": "category"})).n_nodes == 3
