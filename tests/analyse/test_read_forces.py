"""Published networks read as forces: planted ones, whose law is known, through any linear map."""

from dataclasses import replace

import jax
import numpy as np
import pytest
from clouds import cloud
from message_networks import PAIRS, SIZES_AND_FORMS, batch, form_name, small
from planted_network import planted_network

from limbeck.analyse import collect_messages, read_forces
from limbeck.graphs import connect
from limbeck.models import (
    Biases,
    ForceNetwork,
    HamiltonianConfig,
    build_hamiltonian_network,
    measure_scales,
)
from limbeck.train import TrainedModel, pair_index
from limbeck.train._evaluate import accelerations_of

DATASET = connect(cloud(2, names=("m", "q"), n_systems=20, n_times=20), seed=0)
SPACE = connect(cloud(3, names=("m", "q"), n_systems=20, n_times=20, dim=3), seed=0)


def table_of(network, dataset=DATASET):
    """Channels of a network; its reading must find nothing wrong."""
    reading = read_forces(network, pair_index(dataset), dataset)
    assert reading.reason == ""
    blank = np.zeros((0, 1))
    trained = TrainedModel(
        model=reading.network, pairs=pair_index(dataset), validation_error=0.0, errors=blank, losses=blank, steps=0,
        status="planted",
    )  # fmt: skip
    return {channel.name: channel for channel in collect_messages(trained, dataset, seed=0).channels}


def moved_by(network):
    """The same states with the accelerations of a network."""
    t = DATASET.trajectories
    rows = np.argwhere(np.ones((t.n_systems, t.n_times), dtype=bool))
    found = accelerations_of(network, DATASET.batch(rows), pair_index(DATASET))
    return replace(DATASET, trajectories=replace(t, accelerations=found.reshape(t.accelerations.shape)))


def columns(channel):
    return dict(zip(channel.variables, channel.inputs.T, strict=True))


def gravity(r, one, other):
    return -one[..., 0] * other[..., 0] / r**2


@pytest.mark.parametrize(("components", "dataset"), [(2, DATASET), (7, DATASET), (3, SPACE), (40, SPACE)])
@pytest.mark.parametrize("seed", [0, 1])
def test_kernel_and_inertia_come_out_with_one_factor(components, dataset, seed):
    network = planted_network(dataset, kernel=gravity, components=components, seed=seed)
    found = table_of(network, dataset)
    assert set(found) == {"radial", "inertia"}
    c = columns(found["radial"])
    factor = found["radial"].values / (-c["m_1"] * c["m_2"] / c["r"] ** 2)
    np.testing.assert_allclose(factor, np.median(factor), rtol=1e-3)
    inertia = found["inertia"].values / columns(found["inertia"])["m_1"]
    np.testing.assert_allclose(inertia, np.median(factor), rtol=1e-3)


def test_drag_uniform_force_and_friction_come_out_with_the_same_factor():
    network = planted_network(DATASET, friction=-0.3, drag=-0.7, uniform=-1.2)
    found = table_of(network, moved_by(network))
    assert set(found) == {"radial", "friction", "inertia", "drag", "uniform_y"}
    factor = np.median(found["inertia"].values / columns(found["inertia"])["m_1"])
    for name, value in (("friction", -0.3), ("drag", -0.7), ("uniform_y", -1.2)):
        np.testing.assert_allclose(found[name].values, value * factor, rtol=3e-2)
    radial = found["radial"]
    np.testing.assert_allclose(radial.values, -2 * factor * (columns(radial)["r"] - 0.99), atol=3e-2 * factor)


def test_without_the_third_law_an_offset_is_found_and_taken_off():
    found = table_of(planted_network(DATASET, third_law=False, offset=3.0))
    factor = np.median(found["inertia"].values / columns(found["inertia"])["m_1"])
    radial = found["radial"]
    np.testing.assert_allclose(radial.values, -2 * factor * (columns(radial)["r"] - 0.99), atol=2e-2 * factor)


def test_messages_that_are_accelerations_have_no_inertia_left():
    network = planted_network(
        DATASET, third_law=False, kernel=lambda r, one, other: -2.0 * (r - 0.99) / one[..., 0],
        inertia=lambda attributes: 1.0 + 0.0 * attributes[..., 0],
    )  # fmt: skip
    found = table_of(network)
    np.testing.assert_allclose(found["inertia"].values, np.median(found["inertia"].values), rtol=1e-3)
    c = columns(found["radial"])
    factor = np.median(found["inertia"].values)
    np.testing.assert_allclose(found["radial"].values, -2 * factor * (c["r"] - 0.99) / c["m_1"], atol=1e-2 * factor)


@pytest.mark.parametrize("features", ["published", "scaled"])
def test_an_untrained_network_gives_a_reason_and_no_force(features):
    reading = read_forces(small("standard", features=features), PAIRS, DATASET)
    assert reading.reason
    assert min(reading.along, reading.second_law) < 0.9


def test_fewer_components_than_directions_are_refused_with_a_reason():
    reading = read_forces(planted_network(DATASET, components=1), PAIRS, DATASET)
    assert reading.network is None
    assert "fewer directions" in reading.reason


@pytest.mark.parametrize("features", ["published", "scaled"])
def test_the_inertia_of_a_hamiltonian_network_is_the_given_one(features):
    config = HamiltonianConfig(width=8, depth=1, features=features, translation=True)
    network = build_hamiltonian_network(config, measure_scales(DATASET), dim=2, inertia=0, key=jax.random.key(1))
    seen = batch(dataset=DATASET)
    reading = read_forces(network, pair_index(DATASET), DATASET)
    whole = ForceNetwork(network=network, to_force=np.eye(2), offset=np.zeros(2), biases=Biases())
    ours = whole.node_prediction(seen, whole.aggregated(seen, PAIRS))
    np.testing.assert_allclose(ours, network(seen, PAIRS), rtol=1e-3, atol=1e-4)
    assert reading.second_law == pytest.approx(1.0, abs=1e-6)
    if features == "scaled":  # the others see the direction of a pair too, so an untrained one has no central force
        found = table_of(network)
        inertia = found["inertia"].values / columns(found["inertia"])["m_1"]
        np.testing.assert_allclose(inertia, np.median(inertia), rtol=1e-4)


@pytest.mark.parametrize(("size", "form"), SIZES_AND_FORMS, ids=form_name)
def test_a_force_network_predicts_what_its_network_does(size, form):
    network, seen = small(size, **form), batch()
    components = network.message_dim
    whole = ForceNetwork(network=network, to_force=np.eye(components), offset=np.zeros(components), biases=Biases())
    expected = network(seen, PAIRS)
    np.testing.assert_allclose(whole(seen, PAIRS), expected)
    parts = whole.node_prediction(seen, whole.aggregated(seen, PAIRS))
    np.testing.assert_allclose(parts, expected, rtol=2e-3, atol=2e-3)


def test_planted_networks_are_what_they_claim():
    states = DATASET.batch(DATASET.validation[:5])
    network = planted_network(DATASET, kernel=lambda r, one, other: -2.0 * (r - 1.0), components=5)
    np.testing.assert_allclose(
        accelerations_of(network, states, pair_index(DATASET)), states.targets, rtol=2e-3, atol=1e-2
    )
