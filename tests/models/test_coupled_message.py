"""Forces of learned properties in single precision, whatever unit the data are in."""

import numpy as np
import pytest
from clouds import cloud

from limbeck.graphs import connect
from limbeck.models import (
    AttributeInertia,
    CoupledMessage,
    GraphNetwork,
    measure_scales,
    own_unit,
    parse_biases,
)
from limbeck.train import pair_index
from limbeck.train._evaluate import accelerations_of

BIASES = parse_biases("translation,rotation,reflection,third-law,second-law")


def network(dataset, strength, length, friction=0.0):
    """Products of m times a power of the distance, over no inertia."""
    distances = np.geomspace(1e-3, 20.0, 200) * length
    scales = measure_scales(dataset)
    forces = strength / (distances / length + 0.05) ** 2
    edge = CoupledMessage.tabled(distances, forces, couplings=(0,), scales=scales, friction=friction)
    inertia = AttributeInertia(attribute=None, scales=scales)
    return GraphNetwork(edge_model=edge, inertia=inertia, field=None, node_model=None, scales=scales, biases=BIASES)


@pytest.mark.parametrize("mass", [1.6e-19, 1e30])
@pytest.mark.parametrize("length", [1e-9, 1e16])
def test_tables_and_products_that_overflow_are_counted_in_units_of_their_own(mass, length):
    natural = cloud(2)
    told = cloud(2)
    told.attributes["m"][...] *= mass
    told.positions[...] *= length
    told.accelerations[...] *= length
    one, other = connect(natural, seed=0), connect(told, seed=0)
    mine = network(one, 1.0, 1.0, friction=0.3)
    theirs = network(other, length / mass**2, length, friction=0.3 / mass**2)
    assert theirs.edge_model.unit != 1
    assert np.isfinite(theirs.edge_model.forces).all()
    batch, theirs_batch = one.batch(one.train), other.batch(other.train)
    theirs_batch = theirs_batch._replace(velocities=theirs_batch.velocities * length)
    expected = accelerations_of(mine, batch, pair_index(one))
    found = accelerations_of(theirs, theirs_batch, pair_index(other)) / length
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_usual_forces_are_kept_as_they_are():
    dataset = connect(cloud(2), seed=0)
    edge = network(dataset, 1.0, 1.0).edge_model
    assert edge.unit == 1
    distances = np.asarray(edge.distances, dtype=float)
    np.testing.assert_allclose(edge.forces, 1.0 / (distances + 0.05) ** 2, rtol=1e-5)
    assert edge.scales.units == (1.0,)


@pytest.mark.parametrize(("size", "unit"), [(1.0, 1.0), (1e4, 1.0), (0.0, 1.0), (np.inf, 1.0), (3e-19, 2.0**-62)])
def test_a_unit_is_a_power_of_two_where_a_size_is_unusual(size, unit):
    assert own_unit(size) == unit
