"""Noise that a law leaves, and what a law misses, which must never pass for it."""

from dataclasses import replace
from unittest.mock import create_autospec

import numpy as np
import pytest
from clouds import cloud
from compose.planted import law_of

from limbeck.compose import ComposedLaw, check_law, law_accelerations, refit, states_of
from limbeck.compose._what_is_left import Leftover, what_is_left
from limbeck.graphs import connect
from limbeck.train import TrainedModel

SPRING = {"radial": "-2.0*(r - 0.99)", "inertia": "m_1"}
SIGMA = 0.1


def observed(missed, n_times=8, paths=None, **law):
    """Spring-like data in which accelerations miss something: `missed(rng, trajectories, accelerations)` is added."""
    law = law_of(**(law or SPRING))
    t = cloud(3, n_systems=300 if paths is None else len(paths["times"]), n_times=n_times, **(paths or {}))
    dataset = connect(t, seed=0)
    rows = np.argwhere(t.present.any(axis=2))
    a = law_accelerations(law, dataset.batch(rows), dataset.pairs.first, dataset.pairs.second, ("m",), np)
    a = a.reshape(t.positions.shape)
    return connect(replace(t, accelerations=a + missed(np.random.default_rng(4), t, a)), seed=0)


def noise(rng, t, a):
    return SIGMA * rng.normal(size=a.shape)


def each_side_by_side(rng, t, a):
    return SIGMA * rng.normal(size=(*a.shape[:2], 1, a.shape[3])) * np.ones(a.shape)


def each_for_good(rng, t, a):
    return SIGMA * rng.normal(size=(a.shape[0], 1, *a.shape[2:])) * np.ones(a.shape)


def a_part_of_it(rng, t, a):
    return 0.1 * np.abs(a) * rng.normal(size=a.shape)


def more_for_the_light(rng, t, a):
    return SIGMA * rng.normal(size=a.shape) / t.attributes["m"][:, None, :, None]


def a_drag(rng, t, a):
    return noise(rng, t, a) - 0.05 * t.velocities


def a_trap(rng, t, a):
    return noise(rng, t, a) - 0.05 * t.positions


def a_wind(rng, t, a):
    return noise(rng, t, a) + np.array([0.05, 0.0])


def outliers(rng, t, a):
    return SIGMA * rng.standard_t(2, size=a.shape)


def a_shaken_frame(rng, t, a):
    return np.cos(7.0 * t.times)[..., None, None] * np.array([1.0, 0.5]) * np.ones(a.shape)


def a_twist(rng, t, a):
    return noise(rng, t, a) + 0.5 * t.velocities[..., ::-1] * np.array([1.0, -1.0])


def strong(missed):
    """The same ten times as strong."""
    return lambda rng, t, a: 10.0 * (missed(rng, t, a) - noise(np.random.default_rng(4), t, a))


def judged(dataset, law):
    return what_is_left(dataset, lambda _, states: law.accelerations(states))


def test_noise_is_measured() -> None:
    dataset = observed(noise)
    law = refit(law_of(**SPRING), states_of(dataset, dataset.train))
    states = states_of(dataset, dataset.test)
    expected = np.median(states.counted_errors(law.accelerations(states)))
    assert judged(dataset, law).noise == pytest.approx(expected, rel=0.1)


@pytest.mark.parametrize(
    "missed",
    [each_side_by_side, each_for_good, a_part_of_it, more_for_the_light, a_drag, a_trap, a_wind, outliers],
)
def test_what_goes_with_anything_is_no_noise(missed) -> None:
    assert judged(observed(missed), law_of(**SPRING)).noise is None


@pytest.mark.parametrize("wrong", ["-2.0*r", "-3.5*(exp(-r) - 0.37)", "1.0/r - 1.0"])
def test_a_wrong_form_leaves_no_noise(wrong: str) -> None:
    for dataset in (observed(noise), observed(lambda rng, t, a: 0.0 * a)):
        law = refit(law_of(radial=wrong, inertia="m_1"), states_of(dataset, dataset.train))
        assert judged(dataset, law).noise is None


@pytest.mark.parametrize(
    ("missed", "words"),
    [
        (strong(a_drag), "along the velocity"),
        (strong(a_trap), "along the position"),
        (strong(a_wind), "mean along x"),
        (a_shaken_frame, "alike for all particles"),
        (a_twist, "goes with the velocity along"),
    ],
)
def test_what_is_missing_is_hinted_at(missed, words: str) -> None:
    hints = judged(observed(missed), law_of(**SPRING)).hints
    assert words in hints[0]
    assert len(hints) <= 2
    assert not judged(observed(noise), law_of(**SPRING)).hints


def test_too_little_to_judge_by_or_nothing_defined() -> None:
    alone = connect(cloud(3, n_systems=40, n_nodes=2, law=False, radius=0.2), seed=0)  # hardly any pair is joined
    assert judged(alone, law_of(drag="-0.5")).noise is None
    assert judged(observed(noise, n_times=2), law_of(**SPRING)).noise is None
    assert judged(observed(noise), law_of(radial="log(r - 1.0)", inertia="m_1")) == Leftover(noise=None, hints=())


@pytest.mark.parametrize(("missed", "passes"), [(noise, True), (a_drag, False)])
def test_a_law_of_noisy_accelerations_passes_where_it_leaves_noise_alone(missed, passes: bool) -> None:
    """Snapshots that are no motion at all, so that no difference in time tells anything."""
    dataset = observed(missed)
    law = refit(law_of(**SPRING), states_of(dataset, dataset.train))
    network = create_autospec(TrainedModel, instance=True)
    network.accelerations.side_effect = lambda batch: np.asarray(batch.targets) * 1.05
    composed = ComposedLaw(law=law, estimates=(), front=(), others=(), is_stable=True, tried=1)
    check = check_law(composed, network, dataset, None, 0.0)["heldout"]
    assert check is not None
    assert check.passed is passes, check
    assert ("as noise is" in check.reason) is passes
    assert ("may be an approximation" in check.reason) is not passes


@pytest.mark.parametrize("sigma", [0.0, 0.03])
def test_fast_motion_is_no_noise_that_excuses_a_wrong_law(sigma: float) -> None:
    """Found wrongly once: differences of accelerations took the motion for noise of seven times what the law missed."""
    rng = np.random.default_rng(5)
    times = np.linspace(0.0, 4.0, 40)
    rate, phase = rng.uniform(1.0, 3.0, (2, 40, 1, 4, 2))
    angle = times[:, None, None] * rate + 2.0 * phase
    paths = {"times": np.tile(times, (40, 1)), "positions": np.sin(angle), "velocities": rate * np.cos(angle)}
    right = {"radial": "-m_1*m_2/(r + 0.2)", "drag": "-0.2*m_1*(1.0 + r_1**2)", "inertia": "m_1"}
    dataset = observed(lambda rng, t, a: sigma * rng.normal(size=a.shape), 40, paths, **right)
    network = create_autospec(TrainedModel, instance=True)
    network.accelerations.side_effect = lambda batch: np.asarray(batch.targets) * 1.04
    for drag, passes in (("-0.4*m_1", False), (right["drag"], True)):
        law = refit(law_of(**(right | {"drag": drag})), states_of(dataset, dataset.train))
        composed = ComposedLaw(law=law, estimates=(), front=(), others=(), is_stable=True, tried=1)
        check = check_law(composed, network, dataset, None, noise=0.4)["heldout"]
        assert check is not None
        assert check.value < 3 * 0.04  # what such noise would have excused
        assert check.passed is passes
    # Errors that are all unknown excuse nothing either; stated ones are taken at their word.
    law = refit(law_of(**(right | {"drag": "-0.4*m_1"})), states_of(dataset, dataset.train))
    composed = replace(composed, law=law)
    for error, passes in ((np.nan, False), (0.4, True)):
        errors = np.full(dataset.trajectories.accelerations.shape, error)
        stated = replace(dataset, trajectories=replace(dataset.trajectories, acceleration_errors=errors))
        check = check_law(composed, network, stated, None, noise=0.4)["heldout"]
        assert check is not None
        assert check.passed is passes or sigma == 0.0


def test_a_law_that_fails_says_what_its_errors_go_with() -> None:
    dataset = observed(a_shaken_frame)
    network = create_autospec(TrainedModel, instance=True)
    network.accelerations.side_effect = lambda batch: np.asarray(batch.targets) * 1.05
    composed = ComposedLaw(law=law_of(**SPRING), estimates=(), front=(), others=(), is_stable=True, tried=1)
    check = check_law(composed, network, dataset, None, 0.0)["heldout"]
    assert check is not None
    assert not check.passed
    assert "what the law leaves is alike for all particles at one time" in check.reason
    # Where the network misses much as well, its errors say more than those of a law that hardly came of it.
    first, second = dataset.pairs.first, dataset.pairs.second
    network.accelerations.side_effect = lambda b: law_accelerations(law_of(**SPRING), b, first, second, ("m",), np)
    poor = check_law(replace(composed, law=law_of(radial="1.0/r")), network, dataset, None, 0.0)["heldout"]
    assert poor is not None
    assert "what the network leaves is alike for all particles at one time" in poor.reason
