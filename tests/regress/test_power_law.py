import time

import numpy as np
import pytest
from hypothesis import given, strategies as st

from limbeck.expressions import evaluate, parse, same_form, to_string
from limbeck.regress import Problem
from limbeck.regress._power_law import power_laws

NAMES = ("r", "q_1", "q_2", "m_1")
HALVES = st.sampled_from([-3.0, -2.0, -1.5, -1.0, -0.5, 0.0, 0.5, 1.0, 2.0, 3.0])


def columns(seed, rows=80):
    rng = np.random.default_rng(seed)
    q = rng.lognormal(size=(2, rows)) * rng.choice([-1.0, 1.0], size=(2, rows))
    return {"r": rng.uniform(0.2, 3, rows), "q_1": q[0], "q_2": q[1], "m_1": rng.lognormal(size=rows)}


def found(values, target):
    made = Problem(name="f", variables=tuple(values), inputs=np.column_stack(list(values.values())), target=target)
    return power_laws(made)


@given(
    seed=st.integers(0, 2**32 - 1),
    powers=st.tuples(HALVES, HALVES),
    charges=st.tuples(st.sampled_from([0, 1, 2, -1, 3]), st.sampled_from([0, 1, -2])),
    scale=st.sampled_from([-1e12, -0.3, 1e-9, 2.0]),
)
def test_planted_laws_come_back_with_their_sign(seed, powers, charges, scale):
    c = columns(seed)
    target = scale * c["r"] ** powers[0] * c["m_1"] ** powers[1] * c["q_1"] ** charges[0] * c["q_2"] ** charges[1]
    (law,) = found(c, target)
    np.testing.assert_allclose(np.broadcast_to(evaluate(law, c), target.shape), target, rtol=1e-6)


def test_a_few_wrong_samples_do_not_matter():
    c = columns(1)
    target = 2 * c["q_1"] * c["q_2"] / c["r"] ** 2
    target[:5] *= -30
    (law,) = found(c, target)
    assert same_form(law, parse("2*q_1*q_2/r**2", NAMES)), to_string(law)


def test_charges_of_one_size_are_told_by_their_signs():
    rng = np.random.default_rng(0)
    c = {**columns(0), "q_1": rng.choice([-1.0, 1.0], 80), "q_2": rng.choice([-1.0, 1.0], 80)}
    (law,) = found(c, 3 * c["q_1"] * c["q_2"] / c["r"])
    assert same_form(law, parse("3*q_1*q_2/r", NAMES)), to_string(law)


def test_a_power_of_a_size_stays_defined_for_both_signs():
    c = columns(0)
    (law,) = found(c, np.abs(c["q_1"]) ** 1.5 / c["r"])
    assert np.isfinite(evaluate(law, c)).all()
    assert (np.asarray(evaluate(law, c)) > 0).all()


@pytest.mark.parametrize("target", [np.zeros(80), np.r_[np.ones(3), np.zeros(77)]], ids=["zero", "nearly zero"])
def test_nothing_to_take_logarithms_of(target):
    assert found(columns(0), target) == []


def test_signs_that_no_variable_gives():
    assert found(columns(0), np.random.default_rng(1).choice([-1.0, 1.0], 80)) == []


def test_a_column_with_a_zero_or_one_value_takes_no_part():
    c = columns(0)
    c["m_1"] = np.full(80, 2.0)
    c["r"][0] = 0.0
    (law,) = found(c, 5 * c["q_1"] ** 2)
    assert same_form(law, parse("5*q_1**2", NAMES)), to_string(law)


def test_no_signs_are_tried_when_the_time_is_over():
    rng = np.random.default_rng(0)
    inputs, target = rng.normal(size=(400, 40)), rng.normal(size=400)  # 100 000 products of four, none of which fits
    made = Problem(name="f", variables=tuple(f"x{k}" for k in range(40)), inputs=inputs, target=target)
    assert power_laws(made, time.monotonic()) == []
