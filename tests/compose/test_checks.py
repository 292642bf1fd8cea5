"""What the checks say beside passing or not."""

from dataclasses import replace

import numpy as np
from clouds import cloud
from compose.planted import law_of

from limbeck.compose import ComposedLaw, TrajectoryFit
from limbeck.compose._checks import _exactness, _heldout, _passes_through, _stability
from limbeck.graphs import connect


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
    fit = TrajectoryFit(
        law=law_of(radial="-2.0*(r - 0.99)", inertia="m_1"), errors=np.full(2, 1e-4), misfit=1.0, whiteness=2.0,
        whiteness_error=0.005, n_windows=90, n_blocks=14, length=71, misfits=np.ones(96), freedom=np.full(96, 560.0),
        begun=(np.zeros((96, 4, 2)), np.zeros((96, 4, 2))),
    )  # fmt: skip
    assert _passes_through(fit)
    assert not _passes_through(replace(fit, whiteness=1.9, whiteness_error=0.005))
    assert _passes_through(replace(fit, whiteness=1.9, whiteness_error=0.05))  # too few numbers to tell
    assert not _passes_through(replace(fit, n_windows=len(fit.misfits) // 2))
    assert not _passes_through(replace(fit, misfit=1.6))


LAW = ComposedLaw(
    law=law_of(radial="-2.0*(r - 0.99)", inertia="m_1"), estimates=(), front=(), others=(), is_stable=True, tried=1
)


def test_a_law_that_noisy_positions_were_lost_on_is_not_found() -> None:
    exact = np.full(100, 1e-4)
    assert _heldout(exact, exact, 1e-2, "", LAW).passed
    lost = _heldout(exact, exact, 1e-2, "", replace(LAW, is_lost=True))
    assert not lost.passed
    assert "could not be followed" in lost.reason


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
