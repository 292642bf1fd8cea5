import math

import numpy as np
import pytest
from hypothesis import given, strategies as st
from regress_tables import VARIABLES, problem

from limbeck.expressions import Variable, parse
from limbeck.regress import Equation, HallOfFame, scores
from limbeck.regress._hall_of_fame import gather, measure

LOSSES = st.lists(st.floats(1e-9, 10), min_size=1, max_size=8)


def equation(complexity, loss):
    return Equation(expression=Variable("r"), complexity=complexity, backend_complexity=1, loss=loss, heldout_loss=loss)


def hall(losses):
    return HallOfFame(
        component="radial",
        equations=tuple(equation(k + 1, loss) for k, loss in enumerate(losses)),
        engine="enumerate",
        version="1",
        seed=0,
        evaluations=1,
        seconds=0.0,
        out_of_time=False,
    )


@given(losses=LOSSES)
def test_a_front_is_what_nothing_simpler_beats(losses):
    front = hall(losses).front
    for later in front[1:]:
        assert all(loss > later.heldout_loss for loss in losses[: later.complexity - 1])
    assert min(losses) == pytest.approx(front[-1].heldout_loss, rel=1e-8)


@given(losses=LOSSES, extra=st.floats(0, 10))
def test_a_dominated_equation_changes_nothing(losses, extra):
    assert hall([*losses, min(losses) + extra]).front == hall(losses).front


def test_what_is_exact_can_not_be_beaten_by_rounding():
    assert [e.complexity for e in hall([0.5, 2e-16, 1e-16, 0.0]).front] == [1, 2]


def test_scores():
    front = (equation(1, 1.0), equation(3, math.exp(-4)), equation(4, math.exp(-5)))
    assert scores(front) == (None, pytest.approx(2.0), pytest.approx(1.0))
    assert scores(()) == ()
    assert math.isfinite(scores((equation(1, 1.0), equation(2, 0.0)))[1])


def test_losses_are_relative_to_the_spread():
    made = problem(lambda r, m_1, m_2: 1e6 * r)
    wrong = measure(parse("1e6*r + 1e5", VARIABLES), made.inputs, VARIABLES, made.target)
    assert wrong == pytest.approx(0.1 / np.std(made.inputs[:, 0]))
    assert measure(parse("log(-r)", VARIABLES), made.inputs, VARIABLES, made.target) == math.inf


def test_the_best_of_each_complexity_is_kept():
    made = problem(lambda r, m_1, m_2: 2 * r)
    tries = [(parse(text, VARIABLES), 9) for text in ("m_1", "r", "log(-r)", "2*r", "3*m_2", "r*m_1/m_1")]
    kept = gather(tries, made, made)
    assert [(e.complexity, e.loss < 1e-12) for e in kept] == [(1, False), (3, True)]
    assert kept[0].loss == min(measure(t, made.inputs, VARIABLES, made.target) for t, _ in tries[:2])
