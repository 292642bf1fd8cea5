"""Forces that accelerations give by themselves: factors, functions, and which of them are enough."""

from dataclasses import replace

import numpy as np
import pytest
from clouds import cloud
from hypothesis import given, settings, strategies as st

from limbeck.compose import Law, states_of
from limbeck.compose._plain_forces import _of_kinds, law_along, plain_force
from limbeck.compose._refit import law_loss
from limbeck.expressions import evaluate, parse
from limbeck.graphs import GraphDataset, connect
from limbeck.regress import HallOfFame
from limbeck.trajectories import Trajectories

SIMULATIONS, TIMES, PARTICLES = 120, 12, 4


def places(seed: int = 0) -> Trajectories:
    """Particles at places that are drawn anew each time, of masses and kinds of their own."""
    t = cloud(seed, n_systems=SIMULATIONS, n_times=TIMES, n_nodes=PARTICLES, law=False)
    kinds = np.random.default_rng(seed).integers(3, size=(SIMULATIONS, PARTICLES)).astype(float)
    return replace(t, attributes={**t.attributes, "kind": kinds})


def driven(t: Trajectories, force, inertia=None) -> GraphDataset:
    """Accelerations of pairs by `force(r, receivers, senders)`, with attributes of both ends, over an inertia."""
    away = t.positions[:, :, :, None] - t.positions[:, :, None]
    r = np.linalg.norm(away, axis=-1)
    np.einsum("stii->sti", r)[...] = 1.0
    ends = [{name: v[:, None, :, None] for name, v in t.attributes.items()}]
    ends.append({name: v[:, None, None, :] for name, v in t.attributes.items()})
    size = force(r, *ends) * np.ones_like(r)
    np.einsum("stii->sti", size)[...] = 0.0
    a = np.sum((size / r)[..., None] * away, axis=3)
    if inertia is not None:
        a = a / t.attributes[inertia][:, None, :, None]
    return connect(replace(t, accelerations=a), seed=0)


def chosen(dataset: GraphDataset):
    """The factors, and the error of the functions beside them."""
    found = plain_force(dataset, states_of(dataset, dataset.train), states_of(dataset, dataset.validation))
    assert found is not None
    return found


@settings(max_examples=25, deadline=None)
@given(levels=st.lists(st.integers(-5, 5), min_size=2, max_size=3, unique=True), reciprocal=st.booleans())
def test_exactly_one_factor_is_1_for_each_pair_of_kinds(levels, reciprocal):
    """And all others are 0."""
    values = np.sort(np.array(levels, dtype=float))
    one, two = (axis.ravel() for axis in np.meshgrid(values, values))
    columns = {"k_1": one, "k_2": two}
    told = np.array(
        [np.broadcast_to(evaluate(f, columns), one.shape) for f in _of_kinds("k", values, reciprocal=reciprocal)]
    )
    np.testing.assert_allclose(np.sort(told, axis=0)[-1], 1.0, rtol=1e-12)
    np.testing.assert_allclose(told.sum(axis=0), 1.0, rtol=1e-12)


def test_the_fewest_functions_that_explain_it_are_chosen():
    plain, error = chosen(driven(places(), lambda r, one, two: -one["m"] * two["m"] / (r + 0.3) ** 2, "m"))
    assert [len(plain.terms), error < 1e-4] == [1, True]
    assert "inertia" in plain.rest.components or plain.terms[0][1]  # the masses of receivers cancel


def test_every_pair_of_kinds_has_a_function_of_its_own():
    strengths = np.array([[1.0, -0.5, 0.3], [0.8, 0.6, -1.2], [0.1, -0.7, 0.9]])

    def force(r, one, two):
        return strengths[one["kind"].astype(int), two["kind"].astype(int)] * r * np.exp(-r)

    plain, error = chosen(driven(places(), force))
    assert len(plain.terms) == 9
    assert error < 1e-3


def test_pairs_that_keep_the_third_law_need_fewer():
    strengths = np.array([[1.0, -0.5, 0.3], [-0.5, 0.6, -1.2], [0.3, -1.2, 0.9]])

    def force(r, one, two):
        return strengths[one["kind"].astype(int), two["kind"].astype(int)] * r * np.exp(-r)

    plain, error = chosen(driven(places(), force))
    assert len(plain.terms) == 6
    assert error < 1e-3


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_nothing_explains_what_has_no_law(seed):
    """Negative control: accelerations at random, and kinds whose labels say nothing of the force."""
    t = places(seed)
    generator = np.random.default_rng(seed + 100)
    noise = connect(replace(t, accelerations=generator.normal(size=t.positions.shape)), seed=0)
    assert chosen(noise)[1] > 0.5
    hidden = generator.integers(2, size=(SIMULATIONS, PARTICLES))
    q = np.where(hidden == 1, 1.0, -1.5)
    of_others = driven(
        replace(t, attributes={"kind": t.attributes["kind"], "q": q}), lambda r, a, b: a["q"] * b["q"] / r
    )
    dataset = replace(
        of_others,
        trajectories=replace(of_others.trajectories, attributes={"kind": t.attributes["kind"]}),
        attribute_names=("kind",),
    )
    assert chosen(dataset)[1] > 0.3


def test_a_law_of_most_particles_is_not_nearly_exact():
    """An error that is rounding for six in ten and everything for the rest had counted as one of ten millionths."""
    t = places()
    kinds = (np.random.default_rng(5).random((SIMULATIONS, PARTICLES)) < 0.35).astype(float)
    dataset = driven(
        replace(t, attributes={"kind": kinds}), lambda r, one, two: np.where(one["kind"] == 1, 2.0, 1.0) / r
    )
    states = states_of(dataset, dataset.validation)
    law = Law(components={"radial": parse("1/r")}, dim=2)
    assert np.median(states.counted_errors(law.accelerations(states))) < 1e-12
    assert law_loss(law, states) > 1e-4


def empty(name: str) -> HallOfFame:
    """A search that found nothing."""
    told = {"engine": "none", "version": "", "seed": 0, "evaluations": 0, "seconds": 0.0, "out_of_time": False}
    return HallOfFame(component=name, equations=(), **told)


def test_functions_become_equations_one_by_one():
    """Two kinds: each curve has its own, and the law of all is exact."""

    def force(r, one, two):
        alike = np.where(one["kind"] == 1, -2.0 * (r - 1.0), 0.5 / r)
        return np.where(one["kind"] == two["kind"], alike, -np.exp(-r))

    t = places()
    kinds = np.minimum(t.attributes["kind"], 1.0)
    dataset = driven(replace(t, attributes={"kind": kinds}), force)
    plain, error = chosen(dataset)
    assert [len(plain.terms), error < 1e-4] == [3, True]
    free = plain.fitted(states_of(dataset, dataset.train))
    assert free is not None
    halls = [empty(channel.name) for channel in free.channels()]
    judge_on = states_of(dataset, dataset.validation)
    law = law_along(free, halls, states_of(dataset, dataset.train[::4]), judge_on)
    assert law_loss(law, judge_on) < 1e-9


def test_kinds_that_do_not_act_on_each_other():
    """The function of such a pair is rounding, and its equation nothing."""

    def force(r, one, two):
        return np.where(one["kind"] == two["kind"], np.where(one["kind"] == 1, -2.0 * (r - 1.0), 0.5 / r), 0.0)

    t = places()
    dataset = driven(replace(t, attributes={"kind": np.minimum(t.attributes["kind"], 1.0)}), force)
    free = chosen(dataset)[0].fitted(states_of(dataset, dataset.train))
    assert free is not None
    judge_on = states_of(dataset, dataset.validation)
    law = law_along(
        free, [empty(channel.name) for channel in free.channels()], states_of(dataset, dataset.train[::4]), judge_on
    )
    assert law_loss(law, judge_on) < 1e-9
    at = {"r": np.linspace(0.5, 2.0, 9), "kind_1": 0.0, "kind_2": 1.0}
    np.testing.assert_array_equal(evaluate(law.components["radial"], at), np.zeros(9))
