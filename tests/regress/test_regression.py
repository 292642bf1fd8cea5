"""From a table to an equation that is stood behind, and to none where there is nothing or not enough."""

import numpy as np
import pytest

from limbeck.expressions import evaluate, parse, same_form, same_function, variables
from limbeck.regress import (
    Problem,
    RegressionConfig,
    SearchConfig,
    fixed_thresholds,
    regress_table,
    regress_vectors,
    thresholds,
)
from limbeck.regress._choose import choose, short_list, snapped
from limbeck.regress._estimates import standard_errors
from limbeck.regress._polish import Polished, polish, size_of
from limbeck.regress._profile import profiled
from limbeck.regress._residuals import structure_left
from limbeck.regress._vectors import mixing_of

QUICK = RegressionConfig(search=SearchConfig(evaluations=1_500, population=150))


def table(formula: str, *, noise: float = 0.0, rows: int = 300, seed: int = 0, weights: bool = False) -> Problem:
    """Samples of a formula of r, m_1 and an irrelevant q_1."""
    rng = np.random.default_rng(seed)
    columns = {"r": np.exp(rng.uniform(-2, 1.2, rows)), "m_1": rng.lognormal(size=rows), "q_1": rng.normal(size=rows)}
    values = np.broadcast_to(np.asarray(evaluate(parse(formula), columns), dtype=float), (rows,))
    return Problem(
        name="y",
        variables=tuple(columns),
        inputs=np.stack(list(columns.values()), axis=1),
        target=values + noise * (np.std(values) or 1.0) * rng.normal(size=rows),
        weights=np.ones(rows) if weights else None,
    )


def described(problem: Problem, *starts: str):
    """What refinement and choice make of rough equations."""
    ranked = polish([parse(s) for s in starts], problem, seed=0, is_over=lambda: False)
    return choose(short_list(ranked, problem), problem)


@pytest.mark.parametrize("noise", [pytest.param(0.0, marks=pytest.mark.slow), 0.01])
@pytest.mark.parametrize(
    ("rough", "truth"), [("-1.7*r + 1.5 + 0.01*q_1", "-2*(r - 0.99)"), ("-3*m_1/r**1.8", "-1.5*m_1/(r + 0.1)**2")]
)
def test_the_exact_form_is_reached_from_a_rough_one(rough: str, truth: str, noise: float) -> None:
    chosen = described(table(truth, noise=noise), rough)
    assert same_form(chosen.expression, parse(truth))
    assert chosen.loss < max(2 * noise, 1e-7)


def test_numbers_become_whole_only_where_the_data_allow_it() -> None:
    for truth, expected in (("m_1*r**2.0", 2.0), ("m_1*r**1.97", None)):
        problem = table(truth, noise=1e-3)
        start = parse("1.0*m_1*r**1.99")
        ranked = [Polished(start, 1.0, size_of(start))]
        chosen = snapped(choose(short_list(ranked, problem), problem), problem)
        same = same_form(chosen.expression, parse("m_1*r**2"))
        assert same == (expected == 2.0)


def test_standard_errors_are_those_of_linear_regression() -> None:
    """For a straight line with equal noise, the textbook's covariance; the robust one differs by sampling error."""
    problem = table("2*r + 1", noise=0.1, rows=2_000)
    fitted = described(problem, "1.9*r + 1.1").expression
    design = np.column_stack([problem.inputs[:, 0], np.ones(2_000)])
    sigma = np.std(problem.target - design @ np.linalg.lstsq(design, problem.target, rcond=None)[0])
    textbook = sigma * np.sqrt(np.diag(np.linalg.inv(design.T @ design)))
    assert np.allclose(np.sort(standard_errors(fitted, problem))[-1:], textbook.max(), rtol=0.5)


def test_thresholds_lie_between_neighbouring_samples() -> None:
    problem = table("Piecewise((-2*(r - 0.5), r >= 1.5), (0, True))")
    expression, (estimate,) = profiled(parse("Piecewise((-2.0*(r - 0.5), r > 1.3), (0, True))"), problem)
    r = problem.inputs[:, 0]
    assert estimate.low == r[r < 1.5].max()
    assert estimate.high == r[r >= 1.5].min()
    assert [t.value for t in thresholds(expression)] == [estimate.value]
    assert estimate.low < estimate.value < estimate.high


def test_what_noise_leaves_is_told_from_what_a_wrong_form_leaves() -> None:
    rng = np.random.default_rng(1)
    inputs = rng.uniform(size=(500, 2))
    assert structure_left(rng.normal(size=500), inputs) == 0.0
    assert structure_left(1e-9 * np.sin(7 * inputs[:, 0]), inputs) > 0.5


@pytest.mark.slow  # the type hook slows the engines tenfold; tests/cli/test_regress.py asks the same in short
def test_a_law_is_found_and_noise_is_not() -> None:
    found = regress_table(table("3.0*m_1/(r + 0.5)", noise=0.01), RegressionConfig(), seed=0)
    assert found.verdict == "found"
    assert variables(found.chosen.expression) == {"m_1", "r"}
    assert all(c.low <= c.value <= c.high for c in found.constants)
    again = regress_table(table("3.0*m_1/(r + 0.5)", noise=0.01), RegressionConfig(), seed=0)
    assert again.hall.front == found.hall.front
    silent = regress_table(table("0*r", noise=1.0), RegressionConfig(), seed=0)
    assert silent.verdict == "not found"


@pytest.mark.parametrize("dim", [2, 3])
def test_the_map_of_messages_follows_from_directions_alone(dim: int) -> None:
    rng = np.random.default_rng(dim)
    unit = rng.normal(size=(400, dim))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    mixing, offset = rng.normal(size=(dim, dim)), rng.normal(size=dim)
    messages = (rng.normal(size=400)[:, None] * unit) @ mixing.T + offset
    found, shift = mixing_of(unit, messages)
    # Exact data: the singular vector is exact to rounding; its sign and size are free.
    cosine = np.sum(found * mixing) / np.linalg.norm(found) / np.linalg.norm(mixing)
    assert abs(cosine) == pytest.approx(1.0, abs=1e-9)
    assert np.allclose(shift, offset, atol=1e-8)


def test_vector_messages_share_one_law() -> None:
    rng = np.random.default_rng(0)
    between = rng.normal(size=(120, 2))
    r = np.linalg.norm(between, axis=1)
    columns = {"dx": between[:, 0], "dy": between[:, 1], "r": r, "q_1": rng.normal(size=120)}
    force = (-2 * (r - 0.9) / r)[:, None] * between
    mixing, offset = np.array([[0.3, 1.1], [-0.8, 0.4]]), np.array([0.2, 0.0])
    law = regress_vectors(
        np.stack(list(columns.values()), axis=1), force @ mixing.T + offset, list(columns), config=QUICK, seed=0
    )
    truth = parse("0.2 - 2*(r - 0.9)*(0.3*dx + 1.1*dy)/r")
    assert law.verdict == "found"
    assert same_function(law.expressions[0], truth, columns)


def test_a_threshold_within_what_is_compared_is_fitted_too():
    x, z = np.random.default_rng(0).uniform(0, 3, size=(2, 60))
    inputs, target = np.column_stack([x, z]), np.where(np.where(x > 1.5, x, 0) * z > 0.5, x, z)
    nested = parse("IF(IF(x > 1.4, x, 0)*z > 0.5, x, z)")
    assert [t.value for t in thresholds(nested)] == [0.5, 1.4]
    assert fixed_thresholds(nested, iter([0.5, 1.4])) == fixed_thresholds(nested)
    problem = Problem(name="y", variables=("x", "z"), inputs=inputs, target=target)
    expression, (outer, inner) = profiled(nested, problem)
    assert (outer.value, inner.value) == (0.5, 1.5)
    np.testing.assert_array_equal(evaluate(expression, {"x": x, "z": z}), target)
