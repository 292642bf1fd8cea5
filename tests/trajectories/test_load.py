import time

import numpy as np
import pytest

from limbeck._errors import InputError
from limbeck.trajectories import load_trajectories


@pytest.mark.user_error
@pytest.mark.parametrize("source", [None, 3, [1, 2], np.zeros((2, 2)), {"x": [1]}])
def test_sources_of_wrong_types(source):
    with pytest.raises(InputError, match=f"got {type(source).__name__}"):
        load_trajectories(source)


@pytest.mark.user_error
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"units": "x=AU"}, "the units are 'x=AU'; expected a mapping"),
        ({"radius": "2"}, "--radius: got '2'"),
        ({"edges": "a\0b.csv"}, "is no path of a file"),
    ],
)
def test_options_of_wrong_types(good_table, options, words):
    with pytest.raises(InputError, match=words):
        load_trajectories(good_table(), **options)


@pytest.mark.user_error
def test_a_path_with_a_zero_byte_and_units_that_are_no_mapping(good_table):
    with pytest.raises(InputError, match="is no path of a file"):
        load_trajectories("a\0b.csv")
    table = good_table()
    table.attrs["units"] = "AU"
    with pytest.raises(InputError, match=r"attrs\['units'\] is 'AU'; expected a mapping"):
        load_trajectories(table)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        *(({"radius": radius}, "--radius: got") for radius in (0.0, -1.0, float("nan"), float("inf"))),
        ({"radius": 1.0, "edges": "edges.csv"}, "choose one"),
        ({"units": {"mass": "kg"}}, "--units mass=kg: there is no quantity 'mass'; there are x, time"),
    ],
)
def test_options_that_make_no_sense(good_table, options, words):
    with pytest.raises(InputError, match=words):
        load_trajectories(good_table(), **options)


def test_options_stand_in_the_record(good_table):
    t = load_trajectories(good_table(), radius=2.0, units={"x": "AU", "time": "day", "m": "1"}, shared_particles=True)
    assert (t.radius, t.units, t.shared_particles) == (2.0, {"x": "AU", "time": "day"}, True)


def test_a_large_table_reads_in_seconds(good_table):
    table = good_table(systems=50, times=1000, nodes=4).sample(frac=1, random_state=0)
    begin = time.perf_counter()
    t = load_trajectories(table)
    assert time.perf_counter() - begin < 5  # .3 s when measured; Python loops over rows would take far longer
    assert t.present.all()
    assert t.present.size == 200_000
