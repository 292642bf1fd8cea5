"""Constants from noisy positions, followed through the integrator: a known law in, the same out, and no other."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from compose.planted import law_of

from limbeck.compose import fit_trajectories, noise_effect, refit, states_of
from limbeck.compose._followed_laws import followed_prices
from limbeck.compose._pruned_fit import pruned_fit
from limbeck.compose._windows import windows_of
from limbeck.graphs import connect
from limbeck.simulate import simulate
from limbeck.trajectories import load_trajectories, to_frame

NOISE = 2e-3  # about 1e-3 of the typical distance
SPRING = {"radial": "-2.0*(r - 0.99)", "inertia": "m_1"}


@lru_cache
def observed(system="spring", *, missing=0.0, seed=0, simulations=14, steps=300, noise=NOISE):
    """Positions of a simulated system with noise, and nothing else, as a dataset."""
    exact = simulate(system, n_systems=simulations, n_steps=steps, n_nodes=3, seed=seed)
    rng = np.random.default_rng(seed + 1)
    frame = to_frame(exact)[["simulation", "time", "particle", *exact.attributes]].copy()
    frame[["x", "y"]] = (exact.positions + noise * rng.normal(size=exact.positions.shape)).reshape(-1, 2)
    frame = frame[rng.random(len(frame)) >= missing]
    return connect(load_trajectories(frame, allow_gaps=missing > 0), seed=0)


def test_a_true_law_is_fitted_without_the_bias_of_smoothing():
    dataset, truth = observed(), law_of(**SPRING)
    begun = refit(truth, states_of(dataset, dataset.train))
    fit = fit_trajectories(begun, dataset)
    assert fit is not None
    off = np.abs(fit.law.constants - truth.constants)
    assert np.all(off < 4 * fit.errors)
    assert np.all(fit.errors < 4e-3)
    # Fitted to derived accelerations the stiffness is a per cent and more too small.
    assert off[0] < 0.2 * abs(begun.constants[0] - truth.constants[0])
    assert fit.misfit == pytest.approx(1.0, abs=0.05)


def test_a_wrong_law_does_not_pass_through_the_positions():
    dataset = observed("r2", steps=1000)
    right = law_of(radial="-1.0*m_1*m_2/(r + 0.01)**2", inertia="m_1")
    wrong = law_of(radial="-1.0*m_1*m_2/(r + 0.01)", inertia="m_1")
    states = states_of(dataset, dataset.train)
    good, bad = (fit_trajectories(refit(law, states), dataset) for law in (right, wrong))
    assert good is not None
    assert np.all(np.abs(good.law.constants - right.constants) < 4 * good.errors)
    assert good.misfit < 1.1
    assert good.whiteness == pytest.approx(2.0, abs=5 * good.whiteness_error)
    assert good.n_windows > 0.75 * len(good.misfits)
    # What a wrong law can't follow is left out of its fit, but not forgotten.
    assert bad is not None
    assert bad.n_windows < 2 / 3 * len(bad.misfits)
    prices = followed_prices([good, bad])
    assert prices[0] < prices[1] - 100


@pytest.mark.slow
def test_a_form_that_is_nearly_right_leaves_errors_that_follow_each_other():
    dataset = observed("r1", steps=1000, noise=4e-4)
    bare = law_of(radial="-1.0*m_1*m_2/r", inertia="m_1")
    fit = fit_trajectories(refit(bare, states_of(dataset, dataset.train)), dataset)
    assert fit is None or fit.whiteness < 1.9


@pytest.mark.slow
def test_particles_that_are_not_seen_at_times_are_there_all_the_same():
    dataset, truth = observed(missing=0.05, simulations=8), law_of(**SPRING)
    fit = fit_trajectories(truth, dataset)
    assert fit is not None
    assert np.all(np.abs(fit.law.constants - truth.constants) < 4 * fit.errors)
    assert fit.misfit == pytest.approx(1.0, abs=0.1)


def test_a_term_that_stands_for_smoothing_vanishes():
    dataset, truth = observed(), law_of(**SPRING, drag="-0.01")
    fit = pruned_fit(lambda law: fit_trajectories(law, dataset), refit(truth, states_of(dataset, dataset.train)))
    assert fit is not None
    assert set(fit.law.components) == set(SPRING)


def test_a_window_that_was_begun_badly_is_not_held_against_the_law():
    dataset, truth = observed(), law_of(**SPRING)
    windows = windows_of(dataset)
    positions, velocities = windows.start.positions.copy(), windows.start.velocities.copy()
    velocities[0] += 0.5
    fit = fit_trajectories(truth, dataset, (positions, velocities))
    assert fit is not None
    assert fit.n_windows < len(windows)
    assert fit.misfits.max() < 1.5
    assert np.abs(fit.begun[1][0] - windows.start.velocities[0]).max() < 0.1


def test_exact_positions_are_not_followed():
    dataset = observed(noise=0.0)
    assert dataset.trajectories.measured_positions is None
    assert fit_trajectories(law_of(**SPRING), dataset) is None
    assert fit_trajectories(law_of(radial="-r", inertia="m_1").with_constants(np.zeros(0)), dataset) is None


def test_the_effect_of_smoothing_is_counted_as_noise():
    dataset, truth = observed(), law_of(**SPRING)
    states = states_of(dataset, dataset.validation)
    alone = float(np.median(states.relative_errors(truth.accelerations(states))))
    # The true law has to pass at three times the effect with room, and the effect not to be boundless.
    assert 0.4 * alone < noise_effect(dataset) < 2.5 * alone
    given = replace(dataset.trajectories, measured_positions=None, measured_noise=None)
    assert noise_effect(replace(dataset, trajectories=given)) > 0
