import numpy as np
import pytest

from limbeck._errors import InputError
from limbeck.trajectories import load_trajectories


@pytest.fixture
def load(good_table, tmp_path):
    def load_with(text, table=None):
        path = tmp_path / "edges.csv"
        path.write_text(text)
        return load_trajectories(good_table() if table is None else table, edges=path).edges

    return load_with


def test_edges_of_all_simulations(load):
    edges = load("sender,receiver\n0,1\n2,1\n1.0,0.0\n")
    assert (edges.system == -1).all()
    np.testing.assert_array_equal(edges.senders, [0, 2, 1])
    np.testing.assert_array_equal(edges.receivers, [1, 1, 0])


def test_edges_by_simulation(load):
    edges = load("receiver,sender,simulation\n0,1,2\n1,0,0\n")
    np.testing.assert_array_equal(edges.system, [2, 0])
    np.testing.assert_array_equal(edges.senders, [1, 0])


def test_names_mean_other_places_in_other_simulations(load, good_table):
    table = good_table()
    table = table[(table.simulation != 1) | (table.particle != 0)]
    edges = load("sender,receiver\n1,2\n", table)
    assert sorted(zip(edges.system, edges.senders, edges.receivers, strict=True)) == [(0, 1, 2), (1, 0, 1), (2, 1, 2)]
    with pytest.raises(InputError, match=r"row 2 .*'sender'.*no particle '0' in simulation '1'"):
        load("sender,receiver\n0,2\n", table)


@pytest.mark.parametrize(
    ("names", "text"),
    [
        (("01", "02", "sun"), "01,02\n02,01"),
        (("1.0", "02", "sun"), "1.0,02\n02,1.0"),
        (("1", "2", "3"), "1.0,2\n2,1."),
        (("1", "1e3", "1000"), "1,1e3\n1e3,1"),
    ],
)
def test_names_are_those_of_the_trajectories(load, good_table, write_csv, names, text):
    table = good_table()
    table["particle"] = table.particle.map(dict(enumerate(names)))
    t = load_trajectories(write_csv(table))
    edges = load("sender,receiver\n" + text, table)
    assert [t.particle_names[0][i] for i in edges.senders] == list(names[:2])
    assert [t.particle_names[0][i] for i in edges.receivers] == list(names[1::-1])


def test_a_padded_number_is_another_name(load):
    with pytest.raises(InputError, match=r"row 2 .*'sender'.*no particle '01'"):
        load("sender,receiver\n01,2\n")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sender,receiver\n0,1\n0,9\n", r"row 3 \(line 3 of the file\), column 'receiver'.*no particle '9'"),
        ("sender,receiver,simulation\n0,1,7\n", "row 2 .*column 'simulation'.*no simulation '7'"),
        ("sender,receiver\n0,1\n1,1\n", "row 3 .*joins a particle to itself"),
        ("sender,receiver\n0,1\n1,0\n0,1\n", "row 4 .*stands twice"),
        ("sender,receiver\n0,\n1,0\n", "row 2 .*column 'receiver'.*missing"),
        ("from,to\n0,1\n", "column 'from' is not known"),
        ("sender\n0\n1\n", "column 'receiver' is missing"),
        ("sender,receiver\n", "no rows; add the edges, one row each"),
        ("", "empty; a table starts with sender,receiver"),
        ("sender;receiver\n0;1\n", "semicolons"),
    ],
)
def test_wrong_edges(load, text, words):
    with pytest.raises(InputError, match=words):
        load(text)


def test_missing_file(good_table, tmp_path):
    with pytest.raises(InputError, match=r"--edges: .*no such file"):
        load_trajectories(good_table(), edges=tmp_path / "none.csv")
