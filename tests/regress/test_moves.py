"""Changes of a formula that reach the form one step away."""

import pytest

from limbeck.expressions import parse, same_form, simplify, to_string
from limbeck.regress import neighbours, with_whole_powers

R = frozenset({"r"})


@pytest.mark.parametrize(
    ("text", "square"),
    [
        ("r + 50.0*r^2 + 0.005", "50.0*(r + 0.01)^2"),
        ("m_1/(r + 50.0*r^2 + 0.005)", "m_1/(50.0*(r + 0.01)^2)"),
        ("r^2 - 1.2*r + 0.36", "(r - 0.6)^2"),
        ("(m_1*r)^2 + 0.3*m_1*r + 0.02", "(m_1*r + 0.15)^2"),
    ],
)
def test_a_sum_that_is_a_square_is_tried_as_one(text, square):
    near = neighbours(simplify(parse(text, ("r", "m_1"))), R)
    wanted = parse(square, ("r", "m_1"))
    assert any(same_form(one, wanted) for one in near), [to_string(one) for one in near]


def test_a_root_beside_the_square_of_its_shift_is_tried_without_both():
    near = neighbours(simplify(parse("m_1/(r - 2.236*(r + 0.2236)^2)", ("r", "m_1"))), R)
    wanted = simplify(parse("m_1/(-2.236*r^2 - 0.1118)", ("r", "m_1")))
    assert any(same_form(one, wanted) for one in near), [to_string(one) for one in near]


@pytest.mark.parametrize("text", ["r + r^3 + 0.1", "r^2 + m_1 + 0.1", "r^2 + 0.1", "m_1*r^2 + r + 0.1"])
def test_other_sums_are_not(text):
    near = neighbours(simplify(parse(text, ("r", "m_1"))), R)
    assert not any(same_form(one, parse("(r + 0.1)^2", ("r", "m_1"))) for one in near)


def test_powers_of_a_distance_become_whole_and_shifted():
    bent = with_whole_powers(parse("m_1*r^-1.96 + v^1.5", ("r", "m_1", "v")), R)
    assert same_form(bent, parse("m_1/(r + 0.02)^2 + v^1.5", ("r", "m_1", "v")))


@pytest.mark.parametrize(
    ("text", "shorter"),
    [
        ("2.0*m_1*(r^2 - r^2*cos(v))/r^2", "-2.0*m_1*(cos(v) - 1.0)"),
        ("(m_1*r - m_1*v)/m_1", "r - v"),
        ("m_1*sqrt(r^2 + r^2*v)", "m_1*r*sqrt(v + 1.0)"),
    ],
)
def test_a_factor_that_all_terms_share_is_cancelled(text, shorter):
    near = neighbours(simplify(parse(text, ("r", "m_1", "v"))), R)
    wanted = parse(shorter, ("r", "m_1", "v"))
    assert any(same_form(one, wanted) for one in near), [to_string(one) for one in near]


@pytest.mark.parametrize(
    ("text", "softened"),
    [
        ("-2.0*m_1/(r + 0.2)^2", "-2.0*m_1/(r^2 + 0.04)"),
        ("-2.0*m_1/(r + 0.2)^2", "-2.0*m_1*r/(r^2 + 0.04)^1.5"),  # Plummer's sphere
        ("3.0*(r + 0.2)^-1", "3.0/sqrt(r^2 + 0.04)"),
        ("3.0*(r + 0.2)^-1", "3.0*r/(r^2 + 0.04)"),
    ],
)
def test_a_shifted_distance_may_stand_for_a_softened_one(text, softened):
    near = neighbours(simplify(parse(text, ("r", "m_1"))), R)
    wanted = simplify(parse(softened, ("r", "m_1")))
    assert any(same_form(one, wanted) for one in near), [to_string(one) for one in near]


def test_one_side_of_a_condition_may_be_nothing():
    near = neighbours(parse("Piecewise((-2.4*(r - 1.02), r > 2.01), (exp(r), True))"), R)
    for wanted in ("Piecewise((-2.4*(r - 1.02), r > 2.01), (0, True))", "Piecewise((0, r > 2.01), (exp(r), True))"):
        assert any(same_form(one, parse(wanted)) for one in near), [to_string(one) for one in near]
