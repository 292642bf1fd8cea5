"""In noise, a sum of powers is as good as the function whose series it begins, and is not claimed for it."""

import numpy as np
import pytest

from limbeck.expressions import parse, same_form, simplify
from limbeck.regress import Equation, Problem, RegressionConfig, SearchConfig, regress_table
from limbeck.regress._constants import with_ones
from limbeck.regress._description import is_series, told_apart
from limbeck.regress._doubts import unfinished_doubts
from limbeck.regress._sample import fitted
from limbeck.regress._stages import Judge

OCCUPATION = "1/(exp(0.16/x) - 1)"  # of Bose and Einstein, x = kT/(2 pi h f)


def occupation(seed: int, noise: float = 0.01, rows: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """States with their mean occupation, as products and quotients of four quantities are spread."""
    rng = np.random.default_rng(seed)
    a, b, c, d = rng.uniform(1, 5, (4, rows))
    x = a * b / (c * d)
    exact = 1 / np.expm1(0.16 / x)
    return x, exact + noise * np.std(exact) * rng.normal(size=rows)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(4))
def test_the_beginning_of_a_series_is_not_claimed(seed: int) -> None:
    x, y = occupation(seed)
    problem = Problem(name="y", variables=("x",), inputs=x[:, None], target=y)
    found = regress_table(problem, RegressionConfig(search=SearchConfig(evaluations=20_000)), seed=0)
    assert same_form(found.chosen.expression, parse(OCCUPATION)) or found.verdict == "not found"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("6.3*(x - 0.07)", True),
        ("a*b*(x + 0.002/x - 0.08)", True),
        ("-(1.5*x + 0.3)", True),
        ("(2.5*x + 0.3)/y", True),
        ("1.5*x/(y + 0.3)", False),
        ("x - 0.47", True),
        ("-2*(x - 0.99)", False),
        ("1.001*y*(1.0003 + x)", False),
        ("0.3*x + 0.7*y", False),
        ("x + y", False),
        ("2.5*x*y", False),
    ],
)
def test_which_equations_may_be_the_beginning_of_a_series(text: str, expected: bool) -> None:
    assert is_series(simplify(parse(text))) == expected


def equation(text: str, loss: float) -> Equation:
    """An equation with its loss."""
    return Equation(expression=parse(text), complexity=5, backend_complexity=0, loss=loss, heldout_loss=loss)


def test_a_search_that_was_cut_short_vouches_for_no_series() -> None:
    (doubt,) = unfinished_doubts(equation("6.3*(x - 0.07)", 0.01))
    assert "time ran out" in doubt
    assert not unfinished_doubts(equation("6.3*(x - 0.07)", 1e-12))
    assert not unfinished_doubts(equation("6.3*x/y", 0.01))


def test_equations_that_leave_the_same_noise_are_one() -> None:
    assert list(told_apart([0.01, 0.01 + 1e-10, 0.011, 1e-12, 1e-12])) == [0, 2, 3, 4]


def test_numbers_near_one_are_made_whole_where_a_description_gets_shorter() -> None:
    start = parse("1/(0.998*exp(0.1594/x) - 0.998)")
    assert same_form(with_ones(start), parse(OCCUPATION))
    x, y = occupation(1)
    problem = Problem(name="y", variables=("x",), inputs=x[:, None], target=y)
    line = parse("6.276*(x - 0.07527)")
    judge = Judge(problem, 0)
    handed_on = judge.cheapest(fitted(e, judge.sample, 20)[0] for e in (start, line))
    assert any(same_form(e, line) for e in handed_on)
    assert any(same_form(e, parse(OCCUPATION)) for e in handed_on)
