"""Sums of two powers of a shifted distance, put together from accelerations."""

import numpy as np
import pytest
from clouds import cloud

from limbeck.compose import Law, states_of
from limbeck.compose._two_powers import two_power_laws
from limbeck.expressions import parse
from limbeck.graphs import connect

DATASET = connect(cloud(4, n_systems=12), seed=0)  # springs -2 (r - 1), divided by m
STATES = states_of(DATASET, DATASET.train)


@pytest.mark.parametrize("front", ["", "m_1*m_2*"])
def test_a_force_with_and_without_attributes_in_front(front):
    start = Law(components={"radial": parse(f"{front}(1.0 - r)"), "inertia": parse("m_1")}, dim=2)
    laws = two_power_laws(start, STATES)
    assert all(set(law.components) == {"radial", "inertia"} for law in laws)
    if not front:  # the true force is among such sums
        errors = [np.median(STATES.relative_errors(law.accelerations(STATES))) for law in laws]
        assert min(errors) < 1e-6
