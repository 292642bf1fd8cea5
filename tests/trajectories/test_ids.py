import pytest

from limbeck._errors import InputError
from limbeck.trajectories import load_trajectories, save_trajectories


@pytest.fixture
def load_names(good_table, write_csv):
    """Read the good table from a CSV file with other names in one column."""

    def load_with(column, names, **options):
        table = good_table()
        source = "particle" if column == "kind" else column
        table[column] = table[source].map(dict(enumerate(names)))
        return load_trajectories(write_csv(table), **options)

    return load_with


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (("10", "9", "-1"), ("-1", "9", "10")),
        (("2.0", "1", "10."), ("1", "2", "10")),
        (("1", "01", "2"), ("01", "1", "2")),
        (("007", "08", "10"), ("007", "08", "10")),
        (("+1", "2", "1.0"), ("+1", "1.0", "2")),
        (("1e3", "1000", "2"), ("1000", "1e3", "2")),
        (("0.1", "0.2", "10"), ("0.1", "0.2", "10")),
        (("True", "False", "inf"), ("False", "True", "inf")),
        (("sun", "01", "2.0"), ("01", "2.0", "sun")),
    ],
)
def test_names_in_csv_are_text_unless_all_are_whole_numbers(load_names, names, expected):
    assert load_names("particle", names).particle_names[0] == expected
    assert load_names("simulation", names).system_names == expected
    t = load_names("kind", names, species=["kind"])
    assert t.categories == {"kind": expected}
    labels = [expected[int(code)] for code in t.attributes["kind"][0]]
    assert labels == [name if name in expected else name.split(".")[0] for name in names]


def test_renamed_columns_of_names_are_text_too(good_table, write_csv):
    table = good_table().assign(kind=1.5)
    table["particle"] = table.particle.map({0: "1", 1: "01", 2: "1.0"})
    table = table.rename(columns={"particle": "id", "kind": "sort"})
    t = load_trajectories(write_csv(table), rename={"id": "particle", "sort": "kind"}, species=["kind"])
    assert t.particle_names[0] == ("01", "1", "1.0")
    assert t.categories == {"kind": ("1.5",)}


@pytest.mark.parametrize("column", ["particle", "simulation", "kind"])
def test_a_missing_name_is_named(load_names, column):
    with pytest.raises(InputError, match=rf"row \d+ \(line \d+ of the file\), column '{column}': the name is missing"):
        load_names(column, ("01", "", "1"), **({"species": ["kind"]} if column == "kind" else {}))


@pytest.mark.parametrize("file", ["t.csv", "t.nc", "t.parquet"])
@pytest.mark.parametrize("names", [("007", "08", "10"), ("--5", "-", "5"), ("1.0", "01", "x")])
def test_names_come_back_as_they_were(load_names, tmp_path, file, names):
    t = load_names("particle", names)
    save_trajectories(t, tmp_path / file)
    assert load_trajectories(tmp_path / file).particle_names == t.particle_names == (tuple(sorted(names)),) * 3


@pytest.mark.parametrize("labels", [("sun", "moon"), ("sun", "moon", "rock")])
def test_many_kinds_are_better_learned(good_table, labels, tmp_path):
    table = good_table()
    table["kind"] = table.particle.map(lambda k: labels[k % len(labels)])
    t = load_trajectories(table, species=["kind"])
    said = [note for note in t.notes if "--per kind --learn q" in note]
    assert len(said) == (len(labels) > 2)
    assert not load_trajectories(table, per="kind", learned=["q"]).notes
    save_trajectories(t, tmp_path / "again.nc")
    assert load_trajectories(tmp_path / "again.nc").notes == t.notes
