"""The table of a law of kinds."""

from limbeck.report._kinds import kinds_table


def test_a_row_for_each_pair_with_digits_that_people_read():
    rows = [
        {"receiver": "sheep", "sender": None, "inertia": "2"},
        {"receiver": "sheep", "sender": "wolf", "radial": "-1.2000000000000002*exp(-r)"},
    ]
    table = kinds_table({"kinds": rows})
    assert table.rows == (("sheep", "", "2", ""), ("sheep", "wolf", "", "-1.2*exp(-r)"))
    assert len(table.headings) == 4


def test_runs_of_earlier_versions_have_none():
    assert kinds_table({}).rows == ()
