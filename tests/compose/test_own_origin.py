"""Data far from their origin: where a run counts positions from, and the law in the data's own coordinates."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from limbeck.compose import ComposedLaw, Law, OwnOrigin, states_of
from limbeck.expressions import parse
from limbeck.graphs import GraphDataset, connect
from limbeck.simulate import simulate
from limbeck.trajectories import Trajectories


@cache
def masses(dim: int = 2) -> Trajectories:
    """Four masses around the origin."""
    return simulate("r1", dim=dim, n_systems=4, n_steps=20, seed=0)


def moved(*places: float) -> GraphDataset:
    """Four masses around a place."""
    t = masses(len(places))
    return connect(replace(t, positions=t.positions + np.array(places)), seed=0)


def composed(dim: int, **components: str) -> ComposedLaw:
    """A law of these channels."""
    law = Law(components={name: parse(text) for name, text in components.items()}, dim=dim)
    return ComposedLaw(law=law, estimates=(), front=(), others=(), is_stable=True, tried=1)


def test_near_data_stay_as_they_are():
    dataset, law = moved(3.0, -20.0), composed(2, radial="-r", central="-2*r_1")
    origin = OwnOrigin.of(dataset)
    assert origin.origin == ()
    assert origin.dataset(dataset) is dataset
    assert origin.law(law) is law


@settings(max_examples=20, deadline=None)
@given(exponent=st.floats(3.0, 9.0), sign=st.sampled_from([-1.0, 1.0]), dim=st.sampled_from([1, 2, 3]))
def test_a_law_from_there_is_the_same_law(exponent, sign, dim):
    """Whatever acts: pairs, drag, and every kind of one-body force."""
    far = moved(*([sign * 10.0**exponent] * dim))
    origin = OwnOrigin.of(far)
    near = origin.dataset(far)
    assert np.abs(near.trajectories.positions).max() < 1e2
    fields = {f"field_{axis}": f"0.3*{axis}_1**2 - vx_1" for axis in "xyz"[:dim]}
    law = composed(dim, radial="-m_1*m_2/r", central="-2/(r_1 + 0.5)", drag="-0.4", uniform_x="0.7*m_1", **fields)
    rows = far.train[:5]
    here, there = law.law.accelerations(states_of(near, rows)), origin.law(law).law.accelerations(states_of(far, rows))
    size = np.abs(here).max()
    np.testing.assert_allclose(there / size, here / size, atol=1e-13 * 10.0**exponent + 1e-12)


@pytest.mark.parametrize("spread", [1e-6, 1.0, 1e7])
def test_the_origin_is_short_to_write(spread):
    t = masses()
    far = connect(replace(t, positions=spread * (t.positions + np.array([123456.789, 0.0]))), seed=0)
    place = OwnOrigin.of(far).origin[0]
    assert place == pytest.approx(123456.789 * spread, abs=10 * spread)
    assert len(repr(place)) <= 16


def test_absent_particles_stay_at_nothing():
    far = moved(1e6, 1e6)
    t = far.trajectories
    present = t.present.copy()
    present[0, 3:, 1] = False
    far = replace(far, trajectories=replace(t, present=present, positions=np.where(present[..., None], t.positions, 0)))
    near = OwnOrigin.of(far).dataset(far).trajectories
    assert np.all(near.positions[~present] == 0)
    assert any("far from all particles" in note for note in near.notes)
