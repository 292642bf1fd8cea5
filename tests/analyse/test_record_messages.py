"""Records are made of every held-out edge, with receiver, sender and force where they belong."""

from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pytest
from analyse.test_collect import untrained
from clouds import cloud

from limbeck.analyse import _record_messages as module, message_r2, plain_fit, read_messages, record_messages
from limbeck.graphs import connect
from limbeck.train import to_device
from limbeck.trajectories import Edges


class Statistics(NamedTuple):
    forward: np.ndarray
    backward: np.ndarray
    forward_log_variance: np.ndarray | None
    backward_log_variance: np.ndarray | None


class Talker:
    """A network that says the displacement from the sender, and the mass of the receiver."""

    origin_free = True

    def edge_messages(self, snapshots, pairs):
        x, m = np.asarray(snapshots.positions), np.asarray(snapshots.attributes)[..., :1]
        ways = ((pairs.first, pairs.second), (pairs.second, pairs.first))
        return tuple(np.concatenate([x[:, to] - x[:, by], m[:, to]], axis=-1) for to, by in ways)


class Doubter(Talker):
    """The same, with a variance that is the mass of the receiver."""

    def edge_statistics(self, snapshots, pairs):
        forward, backward = self.edge_messages(snapshots, pairs)
        logs = [np.repeat(np.log(way[..., -1:]), 3, axis=-1) for way in (forward, backward)]
        return Statistics(forward, backward, *logs)


@pytest.fixture(scope="module")
def dataset():
    return connect(cloud(2, names=("m", "q"), n_systems=12, n_times=10), seed=0)


def spring(columns):
    return -2.0 * (columns["r"] - 1.0)


def test_every_held_out_edge_is_there_once_and_the_right_way_round(dataset):
    found = record_messages(Talker(), dataset, true_force=spring, inertia="m")
    held = len(dataset.test) + len(dataset.extrapolation)
    assert found.n_edges == held * 6 * 2
    assert found.coverage == 1.0
    assert found.attribute_names == ("m", "q")
    np.testing.assert_allclose(found.messages[:, :2], found.displacements, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found.messages[:, 2], found.receivers[:, 0], rtol=1e-6)
    np.testing.assert_array_equal(found.inertia, found.receivers[:, 0])
    np.testing.assert_allclose(found.distances, np.linalg.norm(found.displacements, axis=1))
    radial = np.sum(found.forces * found.displacements, axis=1) / found.distances
    np.testing.assert_allclose(radial, -2.0 * (found.distances - 1.0))
    rows = np.concatenate([dataset.test, dataset.extrapolation])
    assert set(found.groups) == set(rows[:, 0])


def test_velocities_and_forces_by_component(dataset):
    def both(columns):
        return np.column_stack([columns["dvx"] * columns["m_2"], columns["dy"] + columns["q_1"]])

    found = record_messages(Talker(), dataset, true_force=both)
    np.testing.assert_allclose(found.forces[:, 1], found.displacements[:, 1] + found.receivers[:, 1])
    there = np.concatenate([dataset.test, dataset.extrapolation])
    known = dataset.trajectories.velocities[there[:, 0], there[:, 1]].reshape(-1, 2)
    assert set(map(tuple, found.receiver_velocities)) == set(map(tuple, known))
    assert found.inertia is None


def test_slabs_give_the_same(dataset, monkeypatch):
    whole = record_messages(Doubter(), dataset, true_force=spring)
    monkeypatch.setattr(module, "MOST_ENTRIES", 128 * 6 * 3)
    parts = record_messages(Doubter(), dataset, true_force=spring)
    for name in ("messages", "log_variances", "forces", "receivers", "groups"):
        np.testing.assert_allclose(getattr(parts, name), getattr(whole, name), rtol=1e-6)


def test_distributions_bring_their_variances(dataset):
    found = record_messages(Doubter(), dataset)
    np.testing.assert_allclose(np.exp(found.log_variances[:, 0]), found.receivers[:, 0], rtol=1e-5)
    assert record_messages(Talker(), dataset).log_variances is None
    assert read_messages(found, third_law=False).importance.criterion == "KL divergence"


def test_a_function_is_as_good_as_a_network(dataset):
    found = record_messages(Talker().edge_messages, dataset)
    np.testing.assert_allclose(found.messages[:, :2], found.displacements, rtol=1e-4, atol=1e-5)


def test_a_network_of_ours_speaks_as_it_does_in_training(dataset):
    trained = untrained(dataset, "strongest")
    found = record_messages(trained, dataset, true_force=spring)
    batch = dataset.batch(np.concatenate([dataset.test, dataset.extrapolation]))
    geometry = trained.model.pair_geometry(to_device(batch, centred=True), trained.pairs)
    said = np.concatenate([np.asarray(way).reshape(-1, 2) for way in trained.model.edge_model.messages(geometry)])
    np.testing.assert_allclose(found.messages, said, rtol=1e-4, atol=1e-5 * np.abs(said).max())
    r2 = plain_fit(found.forces, found.messages).r2
    assert message_r2(trained, dataset, spring) == pytest.approx(np.mean(r2))


def test_thinning_is_even_and_said(dataset):
    found = record_messages(Talker(), dataset, most_snapshots=5)
    held = len(dataset.test) + len(dataset.extrapolation)
    assert found.coverage == pytest.approx(len(range(0, held, -(-held // 5))) / held)
    assert any("of the held-out snapshots were read" in r for r in read_messages(found, third_law=True).reasons)


def test_one_way_edges_are_read_at_their_receiver():
    edges = Edges(system=np.array([-1]), senders=np.array([1]), receivers=np.array([0]))
    dataset = connect(cloud(1, names=("m",), edges=edges), seed=0)
    found = record_messages(Talker(), dataset)
    assert set(found.receivers[:, 0]) <= set(dataset.trajectories.attributes["m"][:, 0])
    np.testing.assert_allclose(found.messages[:, :2], found.displacements, rtol=1e-4, atol=1e-5)


def test_a_constant_inertia_is_known_though_no_law_can_be_learnt_for_it():
    states = cloud(1, names=("m",))
    dataset = connect(replace(states, attributes={"m": np.full((9, 4), 2.0)}), seed=0)
    found = record_messages(
        lambda s, p: Talker().edge_messages(s._replace(attributes=s.positions), p), dataset, inertia="m"
    )
    assert found.attribute_names == ()
    assert set(found.inertia) == {2.0}


@pytest.mark.user_error
def test_nothing_to_read_is_an_error(dataset):
    empty = dataset.test[:0]
    with pytest.raises(ValueError, match="no snapshot was held out"):
        record_messages(Talker(), replace(dataset, test=empty, extrapolation=empty))
    with pytest.raises(ValueError, match=r"no attribute 'mass' to act as inertia; there are: m, q"):
        record_messages(Talker(), dataset, inertia="mass")
    with pytest.raises(ValueError, match="expected a network"):
        record_messages(3, dataset)
    with pytest.raises(ValueError, match="gave no messages"):
        record_messages(lambda snapshots, pairs: (None, None), dataset)


def test_particles_in_one_place_say_nothing_to_each_other() -> None:
    states = cloud(0)
    x = states.positions.copy()
    x[:, :, 1] = x[:, :, 0]
    record = record_messages(Talker(), connect(replace(states, positions=x), seed=0), true_force=lambda c: 1.0 / c["r"])
    assert record.distances.min() > 0
    assert np.isfinite(record.forces).all()
