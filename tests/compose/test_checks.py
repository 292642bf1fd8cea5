"""What the checks say beside passing or not."""

from dataclasses import replace
from unittest.mock import create_autospec

import numpy as np
import pytest
from clouds import cloud
from compose.planted import LAWS, law_of, planted

from limbeck.compose import ComposedLaw, TrajectoryFit, check_law, law_accelerations, refit, states_of, verdict
from limbeck.compose._checks import _heldout, _stability, _vagueness, one_body_accelerations
from limbeck.compose._refit import law_loss
from limbeck.compose._unknowns import Unknowns
from limbeck.graphs import connect
from limbeck.train import TrainedModel

FIT = TrajectoryFit(
    law=law_of(radial="-2.0*(r - 0.99)", inertia="m_1"), errors=np.full(2, 1e-4), misfit=1.0, whiteness=2.0,
    whiteness_error=0.005, n_windows=90, n_blocks=14, length=71, misfits=np.ones(96), freedom=np.full(96, 560.0),
    begun=(np.zeros((96, 4, 2)), np.zeros((96, 4, 2))),
)  # fmt: skip


def test_what_follows_each_other_in_time_is_no_noise() -> None:
    assert FIT.goes_through
    assert not replace(FIT, whiteness=1.9, whiteness_error=0.005).goes_through
    assert replace(FIT, whiteness=1.9, whiteness_error=0.05).goes_through  # too few numbers to tell
    assert not replace(FIT, n_windows=len(FIT.misfits) // 2).goes_through
    assert not replace(FIT, misfit=1.6).goes_through


LAW = ComposedLaw(
    law=law_of(radial="-2.0*(r - 0.99)", inertia="m_1"), estimates=(), front=(), others=(), is_stable=True, tried=1
)


def test_a_law_that_noisy_positions_were_lost_on_is_not_found() -> None:
    exact = np.full(100, 1e-4)
    assert _heldout(exact, exact, 1e-2, "", LAW).passed
    lost = _heldout(exact, exact, 1e-2, "", replace(LAW, is_lost=True))
    assert not lost.passed
    assert "could not be followed" in lost.reason


def test_constants_that_are_hardly_known_are_no_finding() -> None:
    states = planted(law_of(**LAWS["gravity"]))
    law = law_of(radial="-1.5*m_1*m_2/(r + 0.01)**2", inertia="m_1")
    seen = replace(
        LAW, law=law, followed=replace(FIT, law=law, errors=np.array([0.06, 1e-4, 0.0])[: len(law.constants)])
    )
    vague = _vagueness(seen, states)
    assert 0.035 < vague < 0.045  # .06 of 1.5
    exact = np.full(100, 1e-4)
    check = _heldout(exact, exact, 1e-2, "", seen, vague)
    assert not check.passed
    assert "not known well enough" in check.reason
    assert _heldout(exact, exact, 1e-2, "", seen, 1e-3).passed
    assert _vagueness(LAW, states) == 0.0  # not fitted to positions


@pytest.mark.parametrize(("known", "passed"), [(0.05, True), (0.2, False)])
def test_learned_values_that_are_hardly_known_are_no_finding(known: float, passed: bool) -> None:
    """Charges that positions hardly tell take up the softening that a form lacks."""
    one = np.ones((1, 1, 4))
    values = Unknowns(
        names=("q",), numbers=np.arange(4).reshape(1, 1, 4), given=one, values=one.ravel(),
        errors=np.array([known, known, 3.0, np.inf]), units=np.ones((1, 4)),
    )  # fmt: skip
    exact = np.full(100, 1e-4)
    check = _heldout(exact, exact, 1e-2, "", replace(LAW, followed=replace(FIT, unknowns=values)))
    assert check.passed is passed
    assert ("half of the learned values" in check.reason) is not passed


def test_a_network_that_misses_a_fifth_of_the_particles_too_is_no_excuse() -> None:
    few = np.where(np.arange(1000) % 5 == 0, 5.0, 1e-4)
    assert not _heldout(few, few, 1e-2, "", LAW).passed
    many = np.where(np.arange(1000) % 2 == 0, 0.9, 1e-4)
    assert not _heldout(many, np.full(1000, 0.7), 1e-2, "", LAW).passed
    # A little noise on small accelerations is told from that.
    small = np.where(np.arange(1000) % 5 == 0, 0.1, 1e-3)
    assert _heldout(small, small, 1e-2, "", LAW).passed
    assert not _heldout(small, np.full(1000, 1e-3), 1e-2, "", LAW).passed


def test_an_exact_law_of_one_search_is_exact_on_held_out_data_too() -> None:
    alone = replace(LAW, is_exact=True)
    assert _stability(alone, 1e-9).passed
    assert "nothing but rounding with 2 fitted numbers" in _stability(alone, 1e-9).reason
    assert not _stability(alone, 1e-4).passed
    assert "no two chose the same form" in _stability(alone, 1e-4).reason
    assert _stability(LAW, 1e-4).passed


@pytest.fixture(scope="module")
def sparse():
    """Particles most of which have nobody within the radius, and so no acceleration at all."""
    true = law_of(radial="exp(-0.5*r)")
    t = cloud(0, n_systems=60, n_times=2, n_nodes=6, names=())
    t = replace(t, positions=4 * t.positions, radius=1.5)
    dataset = connect(t, seed=0)
    rows = np.argwhere(t.present.any(axis=2))
    a = law_accelerations(true, dataset.batch(rows), dataset.pairs.first, dataset.pairs.second, (), np)
    dataset = connect(replace(t, accelerations=a.reshape(t.positions.shape)), seed=0)
    assert np.mean(np.all(states_of(dataset, dataset.test).targets == 0, axis=1)) > 0.8
    return true, dataset


def test_particles_that_nothing_acts_on_prove_nothing(sparse) -> None:
    true, dataset = sparse
    pairs, states = dataset.pairs, states_of(dataset, dataset.train)
    for law, word in ((true, "found"), (law_of(radial="0.5"), "not found"), (law_of(radial="0*r"), "not found")):
        network = create_autospec(TrainedModel, instance=True)
        network.accelerations.side_effect = lambda batch, law=law: law_accelerations(law, batch, *pairs[:2], (), np)
        composed = replace(LAW, law=law)
        checks = check_law(composed, network, dataset, None, 0.0)
        assert verdict(checks, composed)[0] == word
        assert (law_loss(law, states) < 1e-9) == (word == "found")
    still = np.array([row for row in dataset.test if not np.any(dataset.batch(row[None]).targets)])
    network.accelerations.side_effect = lambda batch: law_accelerations(true, batch, *pairs[:2], (), np)
    unasked = check_law(replace(LAW, law=true), network, replace(dataset, test=still), None, 0.0)["heldout"]
    assert not unasked.passed
    assert "nothing speaks for the law" in unasked.reason
    # A force where there is none is wrong there, however right the law is elsewhere.
    outside = law_of(radial="exp(-0.5*r)", uniform_x="0.01")
    assert law_loss(outside, states) > 0.1
    assert not outside.is_same_function(true, states)
    assert true.is_same_function(law_of(radial="exp(-r/2)"), states)


def test_a_fit_is_to_those_that_a_force_acts_on(sparse) -> None:
    true, dataset = sparse
    fitted = refit(law_of(radial="0.7*exp(-0.8*r)"), states_of(dataset, dataset.train))
    np.testing.assert_allclose(fitted.constants, [1.0, -0.5], atol=1e-6)
    assert law_loss(true, states_of(dataset, dataset.test)) < 1e-9


def test_attributes_of_either_sign_in_one_part_only_have_no_inverse() -> None:
    """Whether an inverse is offered to the law without interaction is decided on both parts together."""
    t = cloud(0, n_systems=3, n_nodes=2)
    for seed in range(4):
        charged = replace(t, attributes={**t.attributes, "q": np.array([[1.0, -1.0], [1.0, 1.0], [1.0, 1.0]])})
        dataset = connect(charged, seed=seed)
        train, test = (states_of(dataset, rows) for rows in (dataset.train, dataset.test))
        assert one_body_accelerations(train, test).shape == test.targets.shape
