import time

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from limbeck.expressions import parse, same_form
from limbeck.regress import Problem
from limbeck.regress._two_powers import two_powers

NAMES = ("r", "q_1", "m_1", "q_2", "m_2")


def columns(seed=0, rows=600):
    rng = np.random.default_rng(seed)
    r = np.exp(rng.uniform(np.log(0.05), np.log(6), rows))
    q = rng.choice([-1.0, 1.0], size=(2, rows))
    m = rng.lognormal(size=(2, rows))
    return dict(zip(NAMES, (r, q[0], m[0], q[1], m[1]), strict=True))


def found(values, target):
    return two_powers(Problem(name="f", variables=NAMES, inputs=np.column_stack(list(values.values())), target=target))


@settings(max_examples=8)
@given(
    seed=st.integers(0, 2**32 - 1),
    powers=st.sampled_from([(-5, -3), (-2, -4), (-1, -6)]),
    shift=st.floats(0.05, 0.3),
    product=st.sampled_from([(), ("m_1", "m_2"), ("q_1", "q_2"), ("q_1", "q_2", "m_1")]),
)
def test_planted_sums_come_first_although_they_change_sign_and_are_noisy(seed, powers, shift, product):
    c = columns(seed)
    s, middle = c["r"] + shift, 1.0 + shift  # the force vanishes at r = 1
    factor = np.prod([c[name] for name in product], axis=0) if product else 1.0
    force = factor * ((s / middle) ** powers[0] - (s / middle) ** powers[1])
    best = found(c, force * (1 + 2e-3 * np.random.default_rng(seed).normal(size=len(force))))[0]
    low, high = sorted(powers)
    front = "".join(f"{name}*" for name in product)
    assert same_form(best, parse(f"{front}(0.1/(r + 0.1)**{-low} - 0.2/(r + 0.1)**{-high})", NAMES))


def test_a_spring_is_a_number_plus_the_distance():
    c = columns()
    assert same_form(found(c, -2 * (c["r"] - 0.99))[0], parse("1.98 - 2.01*r", NAMES))


@pytest.mark.parametrize(
    "force",
    [
        lambda c: -c["m_1"] * c["m_2"] / (c["r"] + 0.01) ** 2 * np.random.default_rng(1).normal(1, 5e-3, len(c["r"])),
        lambda c: np.zeros_like(c["r"]),
        lambda c: np.random.default_rng(0).normal(size=len(c["r"])),
        lambda c: np.sin(9 * c["r"]),
    ],
    ids=["one power", "zero", "noise", "waves"],
)
def test_nothing_where_two_powers_explain_no_more_than_one(force):
    c = columns()
    assert found(c, force(c)) == []


def test_nothing_without_a_positive_variable():
    x = np.linspace(-1, 1, 50)
    assert two_powers(Problem(name="f", variables=("x",), inputs=x[:, None], target=x**2)) == []


def test_nothing_is_tried_when_the_time_is_over():
    c = columns(rows=60)
    values, target = np.column_stack(list(c.values())), -2 * (c["r"] - 0.99)
    made = Problem(name="f", variables=NAMES, inputs=values, target=target)
    assert two_powers(made, time.monotonic()) == []
    assert two_powers(made, time.monotonic() + 600) == two_powers(made)
