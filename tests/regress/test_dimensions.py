"""Units of constants follow from an equation's form; what cannot hold in any units is refused."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, strategies as st

from limbeck._errors import InputError
from limbeck.expressions import parse
from limbeck.regress import Problem, dimensions, suits_units
from limbeck.regress._choose import choose, short_list
from limbeck.regress._estimates import estimates_of
from limbeck.regress._polish import Polished, size_of
from limbeck.regress._units import check_unit, powers_of, unit_text

UNITS = {"r": "m", "m_1": "kg", "m_2": "kg", "q_1": "C", "q_2": "C", "t": "s", "v": "m/s"}


def units_of(formula: str, target: str | None = "N") -> list[str | None] | None:
    """Units of the constants, or None where the equation cannot hold."""
    found = dimensions(parse(formula), UNITS, target)
    return [None if c is None else unit_text(c) for c in found.constants] if found.is_consistent else None


@pytest.mark.parametrize(
    ("formula", "target", "expected"),
    [
        ("6.7*m_1*m_2/r**2", "N", ["m^3/kg/s^2"]),
        ("9.1*q_1*q_2/(r + 0.1)**2", "N", ["kg*m^3/A^2/s^4", "m"]),
        ("-2.5*(r - 0.99)", "N", ["kg/s^2", "m"]),
        ("3.1*exp(-1.2*r)", "N", ["kg*m/s^2", "1/m"]),
        ("sqrt(2.1*r)", "m/s", ["m/s^2"]),
        ("1.5*log(r) + 2.5", "J", ["kg*m^2/s^2", "kg*m^2/s^2"]),
        ("1.5*sin(2.5*t + 0.3)", "m", ["m", "1/s", "1"]),
        ("1.5*2.5*r", "m", [None, None]),
    ],
)
def test_units_of_constants_are_those_of_physics(formula: str, target: str, expected: list[str | None]) -> None:
    assert units_of(formula, target) == expected


@pytest.mark.parametrize("formula", ["m_1 + r", "1.5*exp(r)", "2.5*log(r)", "2.5*(r + t)", "r**t", "m_1*v"])
def test_what_holds_in_no_units_is_refused(formula: str) -> None:
    assert units_of(formula) is None


def test_a_threshold_has_the_unit_of_what_it_is_compared_with() -> None:
    assert units_of("Piecewise((-2.5*(r - 1.1), r > 2), (0, True))") == ["m", "kg/s^2", "m", "kg*m/s^2"]


def test_a_variable_without_a_unit_may_have_any() -> None:
    assert dimensions(parse("u*r"), UNITS, "N").is_consistent
    assert not dimensions(parse("u*r"), {**UNITS, "u": "1"}, "N").is_consistent


@given(a=st.integers(-4, 4), b=st.integers(-4, 4), c=st.integers(-3, 3))
def test_the_factor_of_a_product_of_powers_makes_up_the_difference(a: int, b: int, c: int) -> None:
    found = dimensions(parse(f"1.5*r**({a})*m_1**({b})*t**({c})"), UNITS, "N")
    expected = {"m": Fraction(1 - a), "kg": Fraction(1 - b), "s": Fraction(-2 - c)}
    assert found.constants == ({name: power for name, power in expected.items() if power},)


POWERS = st.dictionaries(
    st.sampled_from(["m", "kg", "s", "AU", "Msun"]),
    st.fractions(-3, 3, max_denominator=4).filter(bool),
)


@given(powers=POWERS)
def test_units_read_back(powers: dict[str, Fraction]) -> None:
    assert powers_of(unit_text(powers)) == powers


@given(one=POWERS, other=POWERS)
def test_terms_of_a_sum_need_one_unit(one: dict[str, Fraction], other: dict[str, Fraction]) -> None:
    units = {"a": unit_text(one), "b": unit_text(other)}
    assert dimensions(parse("a + b"), units).is_consistent == (one == other)
    assert dimensions(parse("a + 1.5*b"), units).is_consistent


def table(units: dict[str, str]) -> Problem:
    """A spring of stiffness 2 and rest length 1, with a little noise."""
    rng = np.random.default_rng(0)
    r = rng.uniform(0.5, 3.0, 200)
    target = -2.0 * (r - 1.0) + 0.01 * rng.normal(size=200)
    return Problem(name="y", variables=("r",), inputs=r[:, None], target=target, units=units)


def test_the_choice_keeps_to_the_units_and_its_constants_have_theirs() -> None:
    ranked = [Polished(e, 0.01, size_of(e)) for e in (parse("2.0 - 2.0*r"), parse("3.0*exp(1.1 - r) - 2.0"))]
    problem = table({"y": "N", "r": "m"})
    chosen = choose(short_list(ranked, problem), problem).expression
    assert suits_units(chosen, problem)
    # a*(r + b) has a stiffness and a length, a*r + b a stiffness and a force.
    assert {c.unit for c in estimates_of(chosen, problem)} in ({"kg/s^2", "m"}, {"kg/s^2", "kg*m/s^2"})
    assert {c.unit for c in estimates_of(choose(short_list(ranked, table({})), table({})).expression, table({}))} <= {
        None
    }


def test_a_form_that_no_units_allow_is_refused_however_well_it_fits() -> None:
    problem = table({"y": "N", "r": "m"})
    exact, allowed = parse("2.0 - 2.0*r"), parse("1.5*exp(-r/1.5)")
    bare = parse("1.5*log(r)")
    assert suits_units(exact, problem)
    assert suits_units(allowed, problem)
    assert not suits_units(bare, problem)
    assert (
        choose(short_list([Polished(bare, 1e-9, 1.0), Polished(exact, 0.01, 5.0)], problem), problem).expression != bare
    )


def test_writings_of_a_unit_agree() -> None:
    for text in ("kg m^2/s^2", "kg*m**2*s^-2", "N*m", "J", "kg m2 s-2"):
        assert powers_of(text) == {"kg": 1, "m": 2, "s": -2}
    assert powers_of("mg/(furlong") == {"mg/(furlong": 1}
    assert powers_of("dimensionless") == {}
    assert powers_of("rad/s") == powers_of("1/s") == {"s": -1}
    assert powers_of("kg*m^2/s^2/rad") == powers_of("J")


@pytest.mark.parametrize("unit", ["kg*m/(s^2)", "m/s²", "kg m⁻³", "10 m", "kg.m"])
def test_a_unit_that_was_meant_to_be_read_and_cannot_be_is_refused(unit: str) -> None:
    with pytest.raises(InputError, match=r"of the column 'r' can't be read: write it without brackets, as kg\*m/s\^2"):
        check_unit(unit, "the column 'r'")


@pytest.mark.parametrize("unit", ["", "1", "AU", "%", "°C", "N*m", "kg m2 s-2", "m^(1/2)", "rad/s"])
def test_units_that_are_read_and_plain_names_stand(unit: str) -> None:
    check_unit(unit, "the column 'r'")
