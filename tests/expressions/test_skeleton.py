"""Whether two laws have the same form."""

import pytest

from limbeck.expressions import free_constants, parse, same_form, skeleton


@pytest.mark.parametrize(
    ("a", "b", "same"),
    [
        ("2*m_1*m_2/(r + 0.3)**2", "5*m_1*m_2*(3*r + 0.1)**-2", True),
        ("3*r**2.0000001", "4*r**2", True),
        ("0.99999999*x", "x", True),
        ("-3*x", "2*x", True),
        ("x - 2", "x + 3", True),
        ("m_2*2.5*m_1", "1.5*m_1*m_2", True),
        ("IF(r >= 1.99, -2*(r - .99), 0)", "IF(2*r < 4, 0, 3*r - 4)", True),
        ("2*exp(-r + 1)", "3*exp(-r)", True),
        ("2*exp(-1.1*r)", "3*exp(2*r)", True),
        ("log(3*r)", "log(r) + 4", True),
        ("r*r", "r**2", True),
        ("2*m_1*m_2/(r*r)", "3*m_1*m_2/r**2", True),
        ("r**2", "r**3", False),
        ("3*r**2.001", "4*r**2", False),
        ("2*x", "2*y", False),
        ("2*x", "x", False),
        ("2*x + y", "2*x - y", False),
        ("q_1*q_2/r", "q_1/(q_2*r)", False),
    ],
)
def test_same_form(a: str, b: str, same: bool) -> None:
    assert same_form(parse(a), parse(b)) is same
    assert same_form(parse(b), parse(a)) is same


def test_skeletons_are_keys() -> None:
    assert skeleton(parse("2*m_1*m_2/(r + 0.3)")) == skeleton(parse("-7*m_2*m_1/(2*r + 0.5)"))
    assert set(free_constants(skeleton(parse("3*x**2 + 5")))) == {1.0}
