"""The count of complexity, by the rule of the house."""

import pytest

from limbeck.expressions import complexity, parse, printed_complexity


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("x", 1),
        ("-x", 2),
        ("-2.5", 1),
        ("x + y", 3),
        ("x - y", 3),
        ("a + (-2)*x", 5),  # a, -, 2, *, x
        ("-2*(r - 0.99)", 5),  # -2, *, r, -, 0.99
        ("-2*r + 1.98", 5),
        ("1/x", 3),
        ("x**-1", 3),
        ("x**2", 5),
        ("x**-2", 5),
        ("x + y + r", 5),
        ("x*y*r", 5),
        ("q_1*q_2/(r + 0.01)", 7),
        ("q_1*q_2/(r + 0.01)**2", 11),  # q_1, *, q_2, /, (r, +, 0.01) = 3, ** = 3, 2
        ("m_1*m_2*(r + 0.01)**-2", 11),
        ("exp(x)", 4),
        ("sqrt(x)", 4),
        ("exp(-x)", 5),
        ("x < 1", 3),
        ("IF(r >= 1.99, -2*(r - 0.99), 0)", 12),  # IF 3, comparison 3, branch 5, 0
        ("Min(x, y)", 5),
        ("2*3*x", 3),
        ("-x*y", 4),
        ("r - x*y", 5),
    ],
)
def test_counts(text: str, count: int) -> None:
    assert complexity(parse(text)) == count


def test_the_tree_as_it_stands_is_counted_apart() -> None:
    assert printed_complexity(parse("x + x")) == 3
    assert printed_complexity(parse("x*1")) == 1
    assert printed_complexity(parse("2*3*x")) == 5
