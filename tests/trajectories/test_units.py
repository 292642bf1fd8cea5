import pytest
from hypothesis import given, strategies as st

from limbeck._errors import InputError
from limbeck.trajectories import parse_units

WORDS = st.text("abcxyzXYZ_^/0123456789 ", min_size=1).map(str.strip).filter(bool)


@given(st.dictionaries(WORDS, WORDS))
def test_what_is_written_is_read(units):
    assert parse_units(", ".join(f"{name} = {unit}" for name, unit in units.items())) == units


def test_an_example_and_nothing():
    assert parse_units("x=AU,time=day,m=Msun") == {"x": "AU", "time": "day", "m": "Msun"}
    assert parse_units("") == {}


@pytest.mark.parametrize("text", ["x", "x=", "=AU", "x=AU,,m=kg", "x AU"])
def test_pairs_that_are_none(text):
    with pytest.raises(InputError, match="expected quantity=unit"):
        parse_units(text)


@pytest.mark.parametrize("text", ["x=AU time=day", "x=AU;time=day", "x=AU;", "x==AU"])
def test_other_separators_are_no_part_of_a_unit(text):
    with pytest.raises(InputError, match="pairs are separated by commas"):
        parse_units(text)


def test_a_quantity_twice():
    with pytest.raises(InputError, match="'x' stands twice"):
        parse_units("x=AU,x=km")
