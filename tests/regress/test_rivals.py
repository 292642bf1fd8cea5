"""Other forms that are as good: named where a table cannot tell them from the answer, and only there."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from limbeck.expressions import Expression, free_constants, parse, same_form, simplify
from limbeck.regress import Equation, Problem
from limbeck.regress._choose import choose, described, measured, short_list
from limbeck.regress._description import description_price
from limbeck.regress._doubts import doubts
from limbeck.regress._polish import Polished, fitted, residual, size_of, with_factor
from limbeck.regress._rivals import rivals


def factor_of_lorentz(most: float, *, noise: float = 0.01, rows: int = 600, seed: int = 0) -> Problem:
    """A mass in motion, at speeds up to a share of that of light."""
    rng = np.random.default_rng(seed)
    m, v = rng.uniform(1, 5, rows), rng.uniform(0.05, most, rows)
    exact = m / np.sqrt(1 - v**2)
    inputs = np.column_stack([m, v])
    target = exact * (1 + 0 * v) + noise * np.std(exact) * rng.normal(size=rows)
    return Problem(name="y", variables=("m", "v"), inputs=inputs, target=target, operators=("+", "-", "*", "/", "^"))


LAW, LIKE = "m/sqrt(1 - v**2)", "m*(0.5*v**2 + 1)"


def others(problem: Problem, *texts: str):
    """What a search might have found beside the law."""
    return [described(fitted(with_factor(parse(text)), problem), problem) for text in texts]


def test_slow_motion_does_not_tell_the_law_from_its_first_term() -> None:
    problem = factor_of_lorentz(0.2)
    found = rivals(described(parse(LAW), problem), others(problem, LIKE), problem)
    assert len(found) == 1
    assert same_form(found[0].expression, parse(LIKE))


def test_fast_motion_does() -> None:
    problem = factor_of_lorentz(0.9)
    assert rivals(described(parse(LAW), problem), others(problem, LIKE), problem) == ()


def test_nothing_rivals_what_is_exact() -> None:
    problem = factor_of_lorentz(0.05, noise=0.0)
    assert rivals(described(parse(LAW), problem), others(problem, LIKE), problem) == ()


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 1_000))
def test_what_holds_the_law_within_it_is_no_rival(seed: int) -> None:
    """With one number more, or written in another way, it is the law itself."""
    problem = factor_of_lorentz(0.6, seed=seed)
    wider = (
        "m/sqrt(1.01 - v**2)",
        "m*(1 - v**2)**(-0.49)",
        "m**1.01/sqrt(1 - v**2)",
        "(m/(1 - v)/(1 + v))**0.5*m**0.5",
    )
    chosen = described(parse(LAW), problem)
    found = [r for r in rivals(chosen, others(problem, *wider), problem) if not same_form(r.expression, parse(LAW))]
    assert found == []


def test_two_writings_with_digits_that_are_hardly_known_are_one_law() -> None:
    rng = np.random.default_rng(1)
    x = rng.uniform(0.2, 5, 300)
    exact = 3 * x**2 / (1 + x)
    target = exact + 0.01 * np.std(exact) * rng.normal(size=300)
    problem = Problem(name="y", variables=("x",), inputs=x[:, None], target=target)
    one, two = (others(problem, text)[0] for text in ("3.0*(x - x/(x + 1.0))", "3.0/(1/x + 1.0/x**2)"))
    assert rivals(one, [two], problem, telling=50.0) == ()


def test_a_rival_is_a_doubt() -> None:
    problem = factor_of_lorentz(0.2)
    law = described(parse(LAW), problem)
    found = rivals(law, others(problem, LIKE, "m*exp(0.5*v**2)"), problem)
    left = residual(law.expression, problem)
    answer = Equation(
        expression=law.expression, complexity=9, backend_complexity=0, loss=law.loss, heldout_loss=law.loss
    )
    said = doubts(answer, (), 1.0, 2, problem.inputs, left, found)
    assert "another form" in said[0] or "other forms" in said[0]
    assert doubts(answer, (), 1.0, 2, problem.inputs, left) == []


def test_a_law_without_numbers_is_told_by_them() -> None:
    """Before its factor is fixed at 1, it is dearer than a form with three fitted numbers."""
    problem = factor_of_lorentz(0.6, rows=1_000)
    forms = [parse("1.001*m/sqrt(1 - v**2)"), parse("-2.1*m/((1/v - 0.13)**(-2) - 2.1)")]
    ranked = [Polished(form, 0.01, size_of(form)) for form in forms]
    assert same_form(choose(short_list(ranked, problem), problem).expression, parse(LAW))


@pytest.mark.parametrize(
    ("text", "symbols", "numbers"),
    [
        ("m/sqrt(1 - v**2)", 9, 1),
        ("2.5*m", 3, 1),
        ("2.5*(m + 0.1)**2", 6, 2),
        ("m**1.5", 5, 1),
        ("m*v**(-2)", 4, 0),
        ("m + v**(-2)", 6, 0),
        ("2.5*m/(m + 0.1)", 7, 2),
        ("2.5/(1.5 + v/m)", 7.25, 2),
    ],
)
def test_symbols_and_numbers_are_paid_apart(text: str, symbols: int, numbers: int) -> None:
    """By hand: 1 a sign, constant or variable, 3 a root or a power, but a square is one sign, its 2 included."""
    form: Expression = simplify(parse(text))
    by_hand = (symbols * np.log(12) + numbers * 0.5 * np.log(500)) / 500
    assert description_price(form, 500) == pytest.approx(by_hand)


def test_a_number_near_a_whole_one_keeps_the_digits_that_the_rows_know() -> None:
    """2.02 is known to .007 here; where there is no noise, 2 is 2."""
    rng = np.random.default_rng(0)
    x = rng.uniform(1, 2, 1_000)
    for true, noise, free in ((2.02, 0.3, True), (2.0, 0.0, False)):
        target = 3 * (x + true) ** 2 + noise * rng.normal(size=1_000)
        problem = Problem(name="y", variables=("x",), inputs=x[:, None], target=target)
        ranked = [Polished(parse("3.1*(x + 2.1)**2"), 0.1, 9.0)]
        chosen = measured(choose(short_list(ranked, problem), problem), problem)
        assert bool(len(free_constants(chosen.expression))) == free
