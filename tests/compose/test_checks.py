"""What the checks say beside passing or not."""

from dataclasses import replace

import numpy as np
from clouds import cloud
from compose.planted import LAWS, law_of, planted

from limbeck.compose import ComposedLaw, TrajectoryFit
from limbeck.compose._checks import _exactness, _heldout, _stability, _vagueness
from limbeck.graphs import connect

FIT = TrajectoryFit(
    law=law_of(radial="-2.0*(r - 0.99)", inertia="m_1"), errors=np.full(2, 1e-4), misfit=1.0, whiteness=2.0,
    whiteness_error=0.005, n_windows=90, n_blocks=14, length=71, misfits=np.ones(96), freedom=np.full(96, 560.0),
    begun=(np.zeros((96, 4, 2)), np.zeros((96, 4, 2))),
)  # fmt: skip


def test_an_error_that_no_noise_explains_is_said() -> None:
    dataset = connect(cloud(1), seed=0)
    given = replace(dataset, trajectories=replace(dataset.trajectories, accelerations_are="given"))
    derived = replace(dataset, trajectories=replace(dataset.trajectories, accelerations_are="derived"))
    approximate, exact = np.full(9, 2e-4), np.full(9, 1e-15)
    assert "may be an approximation" in _exactness(approximate, given, 0.0)
    # Noise, differences of positions, or nothing left: no caution is due.
    assert not any((_exactness(approximate, given, 0.01), _exactness(approximate, derived, 0.0)))
    assert not _exactness(exact, given, 0.0)


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
