"""Law and network within a region that training never saw, and without it."""

import numpy as np
from clouds import cloud
from compose.planted import law_of
from compose.test_behaviour import as_trained

from limbeck.compose import generalisation
from limbeck.graphs import connect, parse_hold_out


def test_each_is_judged_in_range_and_out_of_it() -> None:
    """A law that is right nowhere below a distance, beside a network that is right nowhere."""
    states = cloud(4, n_systems=30)
    dataset = connect(states, seed=0, hold_out=parse_hold_out("r<0.4"))
    law = law_of(2, radial="Piecewise((-2.0*(r - 1.0), r >= 0.4), (5.0, True))", inertia="m_1")
    found = generalisation(law, as_trained(dataset, drag=-0.3), dataset)
    assert found is not None
    assert found.region == "r<0.4"
    out, within = found.law
    assert within.median < 1e-6 < 0.1 < out.median
    assert out.low <= out.median <= out.high <= out.tail
    assert min(e.median for e in found.network) > 1e-3
    # Two ends a close pair, not every particle of the snapshot.
    assert 2 * len(dataset.held_out) <= found.particles[0] < 4 * len(dataset.held_out)
    assert found.particles[1] == 4 * len(dataset.test)


def test_without_a_region_there_is_nothing_to_compare() -> None:
    dataset = connect(cloud(4), seed=0)
    assert generalisation(law_of(2, radial="-r"), as_trained(dataset), dataset) is None
    assert np.shape(dataset.held_out) == (0, 2)
