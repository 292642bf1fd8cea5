"""Channels are read off untrained networks: what they say is known exactly, whatever they learnt."""

from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import registry
from clouds import cloud, padded

from limbeck.analyse import collect_messages, message_r2
from limbeck.analyse._message_table import trimmed
from limbeck.graphs import connect
from limbeck.models import ModelConfig, PairGeometry, PairIndex, build_model, measure_scales
from limbeck.train import TrainedModel
from limbeck.trajectories import Edges

PAIR_NAMES = ("r", "m_1", "q_1", "m_2", "q_2")


def untrained(dataset, name, edit=lambda model: model):
    model = build_model(
        registry.BIASES[name],
        ModelConfig(width=8, depth=1),
        measure_scales(dataset),
        dim=dataset.trajectories.dim,
        key=jax.random.key(2),
    )
    blank = np.zeros((0, 1))
    return TrainedModel(
        model=edit(model),
        pairs=PairIndex(dataset.pairs.first, dataset.pairs.second),
        validation_error=1.0,
        errors=blank,
        losses=blank,
        steps=0,
        status="finished",
    )


@pytest.fixture(scope="module")
def dataset():
    return connect(cloud(2, names=("m", "q"), n_systems=12, n_times=10), seed=0)


def replayed(model, inputs, dim):
    """What the edge model says of pairs with these inputs, put along the first axis."""
    r, first, second = inputs[:, 0], inputs[:, 1:3], inputs[:, 3:5]
    displacement = np.zeros((len(r), dim))
    displacement[:, 0] = r
    features = [model.scales.node_features(jnp.asarray(a, jnp.float32)) for a in (first, second)]
    x = jnp.asarray(displacement, jnp.float32)
    still = jnp.zeros_like(x)
    geometry = PairGeometry(x, still, jnp.asarray(r, jnp.float32), *features, x, still, still, still)
    return np.asarray(model.edge_model.channels(geometry), dtype=float)


@pytest.mark.parametrize("name", ["reflection", "strongest", "conservative", "transverse", "field"])
def test_samples_are_what_the_network_says(dataset, name):
    trained = untrained(dataset, name)
    table = collect_messages(trained, dataset, n_samples=200, seed=0)
    found = {channel.name: channel for channel in table.channels}
    assert set(found) | set(table.dropped) >= {"radial"}
    for k, label in enumerate(("radial", "friction", "transverse")):
        if label in found:
            channel = found[label]
            assert channel.variables == PAIR_NAMES
            expected = replayed(trained.model, channel.inputs, 2)[:, k]
            np.testing.assert_allclose(channel.values, expected, rtol=1e-3, atol=1e-4 * np.abs(expected).max())


def test_every_function_of_a_network_has_its_channels(dataset):
    names = {"radial", "friction", "inertia", "drag", "central", "uniform_x", "uniform_y"}
    table = collect_messages(untrained(dataset, "field"), dataset, n_samples=100, seed=0)
    assert {c.name for c in table.channels} | set(table.dropped) == names
    own = {c.name: c.variables for c in table.channels}
    assert own["inertia"] == ("m_1", "q_1")
    free = collect_messages(untrained(dataset, "free-field"), dataset, n_samples=100, seed=0)
    assert {c.name for c in free.channels} | set(free.dropped) == {"message_x", "message_y", "field_x", "field_y"}
    vectors = {c.name: c.variables for c in free.channels}
    outer = collect_messages(untrained(dataset, "outer-field"), dataset, n_samples=100, seed=0)
    kept = {"radial", "friction", "inertia", "field_x", "field_y"}
    assert {c.name for c in outer.channels} | set(outer.dropped) == kept
    assert vectors["message_x"] == (*PAIR_NAMES, "dx", "dy", "dvx", "dvy")


def test_a_silent_channel_is_dropped(dataset):
    def silence(model):
        last = model.edge_model.network.weights[-1].copy()
        last[:, 1] = 0.0
        return eqx.tree_at(lambda m: m.edge_model.network.weights[-1], model, last)

    table = collect_messages(untrained(dataset, "strongest", silence), dataset, n_samples=100, seed=0)
    assert table.dropped == {"friction": pytest.approx(1.0)}
    assert {c.name for c in table.channels} == {"radial", "inertia"}


def test_the_same_seed_draws_the_same_samples(dataset):
    trained = untrained(dataset, "strongest")
    one, two, other = (collect_messages(trained, dataset, n_samples=50, seed=s).channels[0] for s in (3, 3, 4))
    np.testing.assert_array_equal(one.inputs, two.inputs)
    np.testing.assert_array_equal(one.values, two.values)
    assert one.inputs.shape != other.inputs.shape or not np.array_equal(one.inputs, other.inputs)
    assert 10 < len(one.values) <= 50


@pytest.mark.parametrize(("sender", "receiver"), [(0, 1), (1, 0)])
def test_messages_are_read_at_the_receiver_whatever_its_number(sender, receiver):
    edges = Edges(system=np.array([-1]), senders=np.array([sender]), receivers=np.array([receiver]))
    states = cloud(1, names=("m",), edges=edges)
    dataset = connect(states, seed=0)
    table = collect_messages(untrained(dataset, "reflection"), dataset, n_samples=100, seed=0)
    masses = {(states.attributes["m"][s, receiver], states.attributes["m"][s, sender]) for s in range(9)}
    assert {(row[1], row[2]) for row in table.channels[0].inputs} <= masses


def test_a_star_among_planets_is_sender_as_often_as_receiver():
    states = cloud(1, names=("m",), n_systems=12)
    states.attributes["m"][:, 0] = 1e3
    dataset = connect(states, seed=0)
    radial = collect_messages(untrained(dataset, "reflection"), dataset, n_samples=2_000, seed=0).channels[0]
    share = [np.mean(radial.inputs[:, k] == 1e3) for k in (1, 2)]
    assert share[0] == pytest.approx(share[1], abs=0.1)
    assert min(share) > 0.1


def test_absent_particles_are_never_sampled():
    states = padded(cloud(1, names=("m",)), 2)
    dataset = connect(states, seed=0)
    table = collect_messages(untrained(dataset, "strongest"), dataset, n_samples=5_000, seed=0)
    there = set(states.attributes["m"][:, :4].ravel())
    assert all(set(channel.inputs[:, -1]) <= there for channel in table.channels)


@pytest.mark.parametrize("names", [(), ("m",)])
@pytest.mark.parametrize("name", ["strongest", "field", "free-field"])
def test_two_particles_on_a_line(name, names):
    states = cloud(1, n_systems=3, n_times=4, n_nodes=2, dim=1, names=names)
    dataset = connect(states, seed=0)
    table = collect_messages(untrained(dataset, name), dataset, n_samples=20, seed=0)
    assert all(len(c.values) == len(c.inputs) > 0 for c in table.channels)
    assert all(c.inputs.shape[1] == len(c.variables) for c in table.channels)


def test_close_encounters_are_seen():
    states = cloud(1, n_systems=30, n_times=40)
    dataset = connect(states, seed=0)
    r = collect_messages(untrained(dataset, "strongest"), dataset, n_samples=200, seed=0).pair_distances
    x = states.positions[:, 0]
    plain = np.linalg.norm(x[:, :, None] - x[:, None], axis=-1)[:, ~np.eye(4, dtype=bool)]
    assert np.mean(r < 0.5) > 1.5 * np.mean(plain < 0.5)


def test_the_largest_and_the_undefined_are_left_out():
    values = np.array([np.nan, np.inf, *range(100)])
    assert values[trimmed(values)].tolist() == list(range(98))
    assert not trimmed(np.full(3, np.nan)).any()


def test_r2_of_messages_against_what_they_are_and_against_noise(dataset):
    trained = untrained(dataset, "conservative")

    def own(columns):
        return replayed(trained.model, np.column_stack([columns[name] for name in PAIR_NAMES]), 2)[:, 0]

    rng = np.random.default_rng(0)
    assert message_r2(trained, dataset, own) == pytest.approx(1.0, abs=1e-6)
    assert message_r2(trained, dataset, lambda columns: rng.normal(size=len(columns["r"]))) < 0.1
    assert message_r2(untrained(dataset, "third-law"), dataset, own) is None
    nothing = replace(dataset, test=dataset.test[:0])
    assert message_r2(trained, nothing, own) is None
