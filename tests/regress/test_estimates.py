"""Numbers of an equation with their intervals, those that were made whole included."""

import numpy as np
import pytest

from limbeck.expressions import parse
from limbeck.regress import Problem
from limbeck.regress._choose import with_fixed
from limbeck.regress._estimates import estimates_of


def line(seed: int, rows: int = 200) -> Problem:
    """A straight line, 2 x + 1, with noise of 0.1."""
    rng = np.random.default_rng(seed)
    x = rng.uniform(0, 3, rows)
    return Problem(name="y", variables=("x",), inputs=x[:, None], target=2 * x + 1 + 0.1 * rng.normal(size=rows))


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


def test_intervals_of_whole_numbers_hold_them() -> None:
    """95 % of 200 tables, to three standard errors of such a count."""
    held = [e.low <= 2.0 <= e.high for e in (estimates_of(WHOLE_SLOPE, line(k))[0] for k in range(200))]
    assert 0.90 < np.mean(held) < 0.995


def test_a_whole_number_of_which_rows_say_nothing_is_left_out() -> None:
    fixed = with_fixed(with_fixed(parse("1.9*x + exp(-2000*(x + 1))"), 2, 1.0), 1, -2000.0)
    assert [e.whole for e in estimates_of(fixed, line(1))] == [False]
