"""Free functions in the place of a law's own: how well any law could do, and what its form has to be."""

from dataclasses import replace
from unittest.mock import create_autospec

import numpy as np
import pytest
from clouds import cloud
from compose.planted import law_of, planted
from hypothesis import given, settings, strategies as st

from limbeck.compose import ComposedLaw, Law, States, check_law, law_accelerations, refit, states_of
from limbeck.compose._free_force import free_force
from limbeck.compose._own_units import OwnUnits
from limbeck.compose._refine import Refined, Scored
from limbeck.compose._refit import law_loss
from limbeck.compose._searches import Bench, Searched, sharpened
from limbeck.expressions import parse
from limbeck.graphs import connect
from limbeck.regress import Equation, HallOfFame
from limbeck.train import TrainedModel

MORSE = law_of(radial="-3.0*(exp(-(r - 1.0)) - exp(-2.0*(r - 1.0)))", inertia="m_1")
NEAR = "2.0*exp(-1.5*r)*(1.2 - r)"
# Screened charges, and what a search takes them for.
SCREENED, POWER = law_of(radial="2.0*exp(-r)", inertia="m_1"), "3.0/(r + 1.3)**2"


def median_error(law, states: States) -> float:
    """Median relative error of a law, or of free functions."""
    return float(np.median(states.counted_errors(law.accelerations(states))))


@pytest.mark.parametrize(
    ("truth", "start"),
    [
        (MORSE, law_of(radial=NEAR, inertia="m_1")),
        # Two terms that attributes tell apart, in a sum and behind a shared factor.
        (
            law_of(radial="-1.2*(r - 1.5) + 0.6*q_1*q_2/(r + 0.3)**2", inertia="m_1"),
            law_of(radial="-r + q_1*q_2/(r + 1.0)", inertia="m_1"),
        ),
        (
            law_of(radial="m_1*m_2*(exp(-r) + q_1*q_2*exp(-2.0*r))", inertia="m_1"),
            law_of(radial="m_1*m_2*(1/(r + 1.0) + q_1*q_2*r)", inertia="m_1"),
        ),
        # Friction of pairs, drag and a field, each a function of its own size.
        (
            law_of(radial="-exp(-r)", friction="-0.5*exp(-r**2)", drag="-0.3*v_1", central="-cos(r_1)*m_1"),
            law_of(radial="1/(r + 1.0)", friction="-1.0", drag="-0.3", central="-m_1*r_1"),
        ),
    ],
)
def test_free_functions_follow_any_force_of_the_right_factors(truth: Law, start: Law) -> None:
    fit_on, judge_on = planted(truth, n_samples=600), planted(truth, seed=1)
    start = refit(start, fit_on)
    free = free_force(start, fit_on)
    assert free is not None
    assert median_error(start, judge_on) > 0.01
    assert median_error(free, judge_on) < 1e-3


def test_a_curve_is_shown_where_it_is_known() -> None:
    """What a search sees is the force itself."""
    free = free_force(law_of(radial=NEAR, inertia="m_1"), planted(MORSE, n_samples=600))
    assert free is not None
    (channel,) = free.channels()
    r = channel.inputs[:, 0]
    force = -3.0 * (np.exp(-(r - 1.0)) - np.exp(-2.0 * (r - 1.0)))
    assert channel.variables == ("r",)
    assert np.max(np.abs(channel.values - force)) < 1e-3 * np.max(np.abs(force))


def test_wrong_factors_leave_what_they_miss() -> None:
    """No function of the distance stands in for a mass, so nothing is said against or for a form."""
    truth = law_of(radial="-m_1*m_2/(r + 0.3)", inertia="m_1")
    fit_on = planted(truth, n_samples=600)
    law = refit(law_of(radial="-1.0/(r + 0.3)", inertia="m_1"), fit_on)
    free = free_force(law, fit_on)
    assert free is not None
    assert median_error(law, planted(truth, seed=1)) < 3.0 * median_error(free, planted(truth, seed=1))


@settings(max_examples=15, deadline=None)
@given(noise=st.floats(1e-4, 0.3), seed=st.integers(0, 2**16))
def test_free_functions_do_not_fit_noise(noise: float, seed: int) -> None:
    """So that a right law is never called an approximation, however noisy accelerations are."""
    truth = law_of(radial="-2.0*(r - 0.99)", inertia="m_1")
    fit_on, judge_on = (planted(truth, n_samples=100, noise=noise, seed=seed + k) for k in (0, 1))
    free = free_force(truth, fit_on)
    assert free is not None
    assert median_error(truth, judge_on) < 1.1 * median_error(free, judge_on)


@pytest.mark.parametrize(
    "law",
    [
        law_of(radial="exp(-m_1*r)", inertia="m_1"),  # attribute and distance do not stand apart
        law_of(message_x="dx", message_y="dy"),
        law_of(uniform_x="1.0"),
    ],
)
def test_nothing_is_fitted_where_no_function_stands_apart(law: Law) -> None:
    assert free_force(law, planted(MORSE)) is None


def test_few_snapshots_or_one_distance_give_no_curve() -> None:
    assert free_force(MORSE, planted(MORSE, n_samples=5)) is None
    states = planted(MORSE)
    one = replace(states, edges={**states.edges, "r": np.ones_like(states.edges["r"])})
    assert free_force(MORSE, one) is None


def bench_of(states: States, **fields) -> Bench:
    """A bench on planted states; the data themselves only say that accelerations were given."""
    dataset = connect(replace(cloud(), **fields), seed=0)
    return Bench(
        units=OwnUnits(attributes={}), dataset=dataset, screen_on=states, fit_on=states, judge_on=states,
        compare_on=(states,), extras=(), signs=frozenset(), reciprocal=True, is_over=lambda: False,
    )  # fmt: skip


def searched(law: Law, states: States, *, is_certain: bool = True) -> Searched:
    """Two searches that chose a law."""
    found = Scored(law=law, loss=law_loss(law, states), is_allowed=True, size=float(law.complexity))
    one = Refined(chosen=found, front=(found,), tried=1)
    return Searched(searches=(one, one), agreed=one if is_certain else None, certain=one if is_certain else None)


def closer_to(text: str, asked: list[int]):
    """Searches that find one equation."""

    def closer(channels, number):
        asked.append(number)
        equation = Equation(expression=parse(text), complexity=9, backend_complexity=9, loss=1e-6, heldout_loss=1e-6)
        return [
            HallOfFame(
                component=c.name, equations=(equation,), engine="enumerate", version="", seed=0, evaluations=1,
                seconds=0.0, out_of_time=False,
            )
            for c in channels
        ]  # fmt: skip

    return closer


def test_an_approximation_on_which_searches_agree_gives_way_to_the_law() -> None:
    states, judge_on = planted(SCREENED, n_samples=600), planted(SCREENED, n_samples=40, seed=1)
    near = refit(law_of(radial=POWER, inertia="m_1"), states)
    bench, asked = bench_of(judge_on), []
    closer = closer_to("1.9*exp(-1.1*r)", asked)
    found = sharpened(searched(near, judge_on), bench, lambda _: states, lambda: judge_on, closer, (0, 1))
    assert asked == [0, 1]
    assert found.agreed is not None
    assert found.chosen.chosen.loss < 1e-9
    assert len(found.searches) == 4
    np.testing.assert_allclose(
        found.chosen.chosen.law.accelerations(judge_on), SCREENED.accelerations(judge_on), rtol=1e-6, atol=1e-9
    )


def test_nothing_is_searched_where_the_law_is_exact_or_derivatives_err_alike() -> None:
    states = planted(SCREENED, n_samples=150)
    near, asked = refit(law_of(radial=POWER, inertia="m_1"), states), []
    closer = closer_to("1.9*exp(-1.1*r)", asked)
    exact = searched(SCREENED, states)
    assert sharpened(exact, bench_of(states), lambda _: states, lambda: states, closer, (0, 1)) is exact
    derived = bench_of(states, accelerations_are="derived")
    standing = searched(near, states)
    assert sharpened(standing, derived, lambda _: states, lambda: states, closer, (0, 1)) is standing
    over = replace(bench_of(states), is_over=lambda: True)
    assert sharpened(standing, over, lambda _: states, lambda: states, closer, (0, 1)) is standing
    assert not asked
    # Where no two searches agree there is nothing to lose.
    assert (
        sharpened(
            searched(near, states, is_certain=False), derived, lambda _: states, lambda: states, closer, (0, 1)
        ).agreed
        is not None
    )


@pytest.mark.parametrize(("given_as", "passes"), [("given", False), ("derived", True)])
def test_a_form_that_a_free_function_beats_is_not_found(given_as: str, passes: bool) -> None:
    """Right to a thousandth, and wrong: the fault that no other check sees."""
    truth = law_of(radial="-2.0*(r - 0.99) + 0.004*sin(3.0*r)")
    t = replace(cloud(0, n_systems=60, names=()), accelerations_are=given_as)
    dataset = connect(t, seed=0)
    rows = np.argwhere(t.present.any(axis=2))
    a = law_accelerations(truth, dataset.batch(rows), dataset.pairs.first, dataset.pairs.second, (), np)
    dataset = connect(replace(t, accelerations=a.reshape(t.positions.shape)), seed=0)
    law = refit(law_of(radial="-2.0*(r - 0.99)"), states_of(dataset, dataset.train))
    network = create_autospec(TrainedModel, instance=True)
    network.accelerations.side_effect = lambda batch: np.asarray(batch.targets) * 1.002
    composed = ComposedLaw(law=law, estimates=(), front=(), others=(), is_stable=True, tried=1)
    check = check_law(composed, network, dataset, None, 0.0)["heldout"]
    assert check is not None
    assert check.passed is passes
    assert ("no more than an approximation" in check.reason) is not passes
    exact = replace(composed, law=truth)
    assert check_law(exact, network, dataset, None, 0.0)["heldout"].passed


def test_a_second_voice_for_an_exact_law_of_many_numbers() -> None:
    """With four numbers one search alone is not believed at the error of derivatives."""
    truth = law_of(radial="20.0*exp(-2.0*r) - 7.0*exp(-1.1*r)", inertia="m_1")
    states, judge_on = planted(truth, n_samples=600), planted(truth, n_samples=40, seed=1)
    judge_on = replace(judge_on, targets=judge_on.targets * (1 + 1e-8), rounding=1e-6)
    bench, asked = bench_of(judge_on, accelerations_are="derived"), []
    alone = searched(truth, judge_on, is_certain=False)
    alone = replace(alone, searches=alone.searches[:1])
    assert bench.certain(alone.searches) is None
    right = closer_to("19.0*exp(-2.05*r) - 6.5*exp(-1.05*r)", asked)
    found = sharpened(alone, bench, lambda _: states, lambda: judge_on, right, (0, 1))
    assert asked == [0, 1]
    assert found.certain is not None
    assert found.certain.chosen.loss <= 1e-6  # rounding counts as that much
    wrong = closer_to("exp(-r)", [])
    assert sharpened(alone, bench, lambda _: states, lambda: judge_on, wrong, ()) is alone
