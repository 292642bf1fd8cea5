"""Numbers of an equation with their intervals, those that were made whole included."""

import numpy as np
import pytest

from limbeck.expressions import parse
from limbeck.regress import Problem
from limbeck.regress._choose import with_fixed
from limbeck.regress._estimates import estimates_of
from limbeck.regress._polish import fitted


def line(seed: int, rows: int = 200, slope: float = 2.0) -> Problem:
    """A straight line, 2 x + 1 by default, with noise of 0.1."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 3, rows)
    return Problem(name="y", variables=("x",), inputs=x[:, None], target=slope * x + 1 + 0.1 * rng.normal(size=rows))


WHOLE_SLOPE = with_fixed(parse("2.0*x + 0.97"), 0, 2.0)


def test_a_whole_number_has_the_error_that_it_has_where_it_is_fitted() -> None:
    problem = line(0)
    slope, offset = estimates_of(WHOLE_SLOPE, problem)
    x = problem.inputs[:, 0]
    design = np.column_stack([x, np.ones_like(x)])
    best, rest, *_ = np.linalg.lstsq(design, problem.target, rcond=None)
    textbook = np.sqrt(rest[0] / (len(x) - 2) * np.linalg.inv(design.T @ design).diagonal())
    assert slope.whole
    assert slope.value == 2.0
    assert slope.standard_error == pytest.approx(textbook[0], rel=0.2)
    assert (slope.low + slope.high) / 2 == pytest.approx(best[0], abs=1e-6)
    assert not offset.whole
    assert slope.place == offset.place == "c1*x + c2"
    assert (slope.name, offset.name) == ("c1", "c2")


def test_intervals_beside_a_number_that_was_made_whole_wrongly_hold_the_truth() -> None:
    """The slope is 2.015, hardly to be told from 2: 95 % of 200 tables, to three standard errors."""
    held = []
    for seed in range(200):
        problem = line(seed, slope=2.015)
        _, offset = estimates_of(fitted(WHOLE_SLOPE, problem), problem)
        held.append(offset.low <= 1.0 <= offset.high)
    assert 0.90 < np.mean(held) < 0.995


def test_a_row_that_alone_tells_a_number_tells_it_no_better_than_others_are_told() -> None:
    rng = np.random.default_rng(0)
    x, z = rng.uniform(1, 5, 60), np.zeros(60)
    z[7] = 1.0
    problem = Problem(
        name="y",
        variables=("x", "z"),
        inputs=np.column_stack([x, z]),
        target=2.3 * x + 1.7 * z + 0.1 * rng.normal(size=60),
    )
    alone = estimates_of(fitted(parse("2.3*x + 1.7*z"), problem), problem)[1]
    assert alone.standard_error == pytest.approx(0.1, rel=0.3)


def test_a_whole_number_of_which_rows_say_nothing_is_left_out() -> None:
    fixed = with_fixed(with_fixed(parse("1.9*x + exp(-2000*(x + 1))"), 2, 1.0), 1, -2000.0)
    assert [e.whole for e in estimates_of(fixed, line(1))] == [False]
