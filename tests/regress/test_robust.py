"""Gross errors move neither scale, weights, constants nor their standard errors; a part of a table is not left out."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from limbeck._errors import InputError
from limbeck.expressions import evaluate, free_constants, parse
from limbeck.regress import Problem, RegressionConfig, SearchConfig, check_loss, grade, regress_table
from limbeck.regress._estimates import standard_errors
from limbeck.regress._robust import far_out, m_scale, neighbour_weights, settled, weighted
from limbeck.regress._robust_rounds import left_out_doubts

QUICK = RegressionConfig(search=SearchConfig(evaluations=1_500, population=150))
TRUTH = "3.0*m_1/(r + 0.5)"


def spoiled(formula: str = TRUTH, *, noise: float = 0.0, rows: int = 300, seed: int = 0, share: float = 0.05):
    """Samples of a formula, and which rows have a gross error, far to one side."""
    rng = np.random.default_rng(seed)
    columns = {"r": rng.uniform(0.2, 3, rows), "m_1": rng.lognormal(size=rows), "q_1": rng.normal(size=rows)}
    values = np.asarray(evaluate(parse(formula), columns), dtype=float)
    spread = float(np.std(values))
    wrong = rng.permutation(rows)[: int(share * rows)]
    values = values + noise * spread * rng.normal(size=rows)
    values[wrong] += spread * rng.uniform(5, 50, len(wrong))
    inputs = np.stack(list(columns.values()), axis=1)
    return Problem(name="y", variables=tuple(columns), inputs=inputs, target=values), wrong


@given(factor=st.floats(1e-6, 1e6), seed=st.integers(0, 50))
def test_the_scale_is_that_of_normal_errors_and_withstands_a_fifth_of_gross_ones(factor: float, seed: int) -> None:
    error = np.random.default_rng(seed).normal(size=1_000)
    clean = m_scale(error)
    # The scale's own standard error at 1,000 rows is under 3 %.
    assert clean == pytest.approx(1.0, abs=0.15)
    assert m_scale(factor * error) == pytest.approx(factor * clean, rel=1e-4)
    assert m_scale(np.concatenate([error[200:], np.full(200, 1e9)])) < 3.0 * clean


def test_a_scale_of_errors_that_are_none_is_zero() -> None:
    assert m_scale(np.r_[np.zeros(90), np.ones(10)]) == 0.0


def test_rows_far_from_their_neighbours_are_left_out_and_few_others() -> None:
    problem, wrong = spoiled(noise=0.01)
    weights = neighbour_weights(problem)
    assert np.mean(weights[wrong] == 0) > 0.8
    assert np.mean(weights == 0) < 0.25


def test_constants_are_those_of_the_clean_rows() -> None:
    problem, wrong = spoiled()
    tails = settled(parse("2.5*m_1/(r + 0.7)"), problem, neighbour_weights(problem))
    assert sorted(free_constants(tails.expression)) == pytest.approx([0.5, 3.0], rel=1e-9)
    assert set(np.flatnonzero(tails.weights == 0)) == set(wrong)


def test_standard_errors_are_those_of_repeated_tables() -> None:
    """Against the spread over 80 tables of the same straight line, whose own error is 8 %."""
    rng = np.random.default_rng(3)
    slopes, claimed = [], []
    for _ in range(80):
        x = rng.uniform(-1, 1, 120)
        y = 2.0 * x + 0.3 * rng.normal(size=120)
        y[:6] += 20.0
        problem = Problem(name="y", variables=("x",), inputs=x[:, None], target=y)
        tails = settled(parse("1.9*x"), problem, np.ones(120))
        slopes.append(float(free_constants(tails.expression)[0]))
        claimed.append(standard_errors(tails.expression, weighted(problem, tails.weights, tails.stretch))[0])
    assert np.mean(slopes) == pytest.approx(2.0, abs=4 * np.std(slopes) / np.sqrt(80))
    assert np.mean(claimed) == pytest.approx(np.std(slopes), rel=0.25)


def test_rows_left_out_have_to_be_few_and_strewn() -> None:
    problem, _ = spoiled(rows=400)
    strewn = np.ones(400)
    strewn[np.random.default_rng(1).permutation(400)[:40]] = 0.0
    assert left_out_doubts(strewn, problem) == []
    assert "lie together" in left_out_doubts((problem.inputs[:, 0] > 0.6).astype(float), problem)[0]
    many = np.ones(400)
    many[np.random.default_rng(1).permutation(400)[:120]] = 0.0
    assert "do not follow" in left_out_doubts(many, problem)[0]


def test_heavy_tails_are_seen_and_normal_ones_are_not() -> None:
    clean, _ = spoiled(noise=0.05, share=0.0)
    dirty, wrong = spoiled(noise=0.05)
    assert far_out(parse(TRUTH), clean) == 0
    assert far_out(parse(TRUTH), dirty) == len(wrong)


def test_another_loss_is_refused() -> None:
    with pytest.raises(InputError, match="unknown loss 'huber': choose from squared, robust"):
        check_loss("huber")


@pytest.mark.slow  # two regressions and more
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_the_exact_law_is_found_among_gross_errors(noise: float) -> None:
    problem, _ = spoiled(noise=noise)
    found = regress_table(problem, QUICK, engine="enumerate", loss="robust", seed=0)
    assert found.verdict == "found"
    columns = dict(zip(problem.variables, problem.inputs.T, strict=True))
    # 2 % for constants of 300 rows with noise; the writing is free, as m/(r + a) and 1/(r/m + a/m).
    assert grade([], found.chosen.expression, parse(TRUTH), columns, tolerance=0.02).exact
    squared = regress_table(problem, QUICK, engine="enumerate", seed=0)
    assert squared.verdict == "not found"
    assert any("heavy tails" in reason for reason in squared.reasons)


@pytest.mark.slow
def test_one_side_of_a_threshold_is_not_called_gross_errors() -> None:
    problem, _ = spoiled("Piecewise((2.0*m_1 + 9.0*r*q_1, r > 2.6), (2.0*m_1, True))", share=0.0)
    assert regress_table(problem, QUICK, engine="enumerate", loss="robust", seed=0).verdict == "not found"
