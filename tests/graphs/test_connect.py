from dataclasses import replace

import numpy as np
import pytest
from clouds import cloud, padded
from hypothesis import given, settings, strategies as st

from limbeck._errors import InputError
from limbeck.graphs import connect, pair_list
from limbeck.trajectories import Edges

SEEDS = st.integers(0, 2**32 - 1)
ALL = np.array([[0, 0], [3, 2], [8, 7]])


def directed(*arrows, system=None):
    """Edges from (sender, receiver); for all systems unless each has its own."""
    senders, receivers = np.array(arrows).reshape(-1, 2).T
    return Edges(
        system=np.full(len(senders), -1) if system is None else np.array(system), senders=senders, receivers=receivers
    )


def snapshots(dataset):
    return {name: {tuple(row) for row in getattr(dataset, name).tolist()} for name in ("train", "validation", "test")}


@pytest.mark.parametrize("n_nodes", [2, 5])
def test_every_pair_once_without_edges(n_nodes):
    pairs = pair_list(cloud(n_nodes=n_nodes))
    assert len(pairs.first) == n_nodes * (n_nodes - 1) // 2
    assert (pairs.first < pairs.second).all()
    assert len(set(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True))) == len(pairs.first)
    assert pairs.forward.shape == pairs.backward.shape == (1, len(pairs.first))


@given(seed=SEEDS)
def test_weights_say_the_same_as_the_edges(seed):
    rng = np.random.default_rng(seed)
    n, arrows = 5, [(s, r) for s in range(5) for r in range(5) if s != r]
    chosen = [arrows[k] for k in rng.permutation(len(arrows))[: rng.integers(1, 12)]]
    system = rng.integers(-1, 3, size=len(chosen))
    pairs = pair_list(cloud(n_systems=3, n_nodes=n, edges=directed(*chosen, system=system)))
    for k in range(3):
        row = k if len(pairs.forward) > 1 else 0
        ends = list(zip(pairs.first, pairs.second, pairs.forward[row], pairs.backward[row], strict=True))
        found = {(s, f) for f, s, w, _ in ends if w} | {(f, s) for f, s, _, w in ends if w}
        assert found == {arrow for arrow, owner in zip(chosen, system, strict=True) if owner in (-1, k)}


def test_edges_of_all_systems_share_one_row():
    pairs = pair_list(cloud(edges=directed((0, 1), (1, 0), (2, 3))))
    assert pairs.forward.tolist() == [[1, 0]]
    assert pairs.backward.tolist() == [[1, 1]]


@given(seed=SEEDS)
@settings(max_examples=20)
def test_parts_are_disjoint_and_the_outer_slice_lies_beyond_reach(seed):
    dataset = connect(cloud(seed, n_systems=12), seed=seed % 1000)
    parts = snapshots(dataset)
    outer = {tuple(row) for row in dataset.extrapolation.tolist()}
    for one, other in (("train", "validation"), ("train", "test"), ("validation", "test")):
        assert not {s for s, _ in parts[one]} & {s for s, _ in parts[other]}
    assert not outer & set.union(*parts.values())
    x = dataset.trajectories.positions
    widest = np.linalg.norm(x[..., None, :] - x[..., None, :, :], axis=-1).max(axis=(-1, -2))
    assert all(widest[row] <= dataset.reach for part in parts.values() for row in part)
    assert all(widest[row] > dataset.reach for row in outer)


def test_far_snapshots_of_training_simulations_do_where_no_test_simulation_comes_as_far():
    states = cloud(3, n_systems=12)
    seen = connect(states, seed=0).train[:, 0]
    positions = states.positions.copy()
    positions[seen[0]] *= 100.0
    dataset = connect(replace(states, positions=positions), seed=0)
    assert set(dataset.extrapolation[:, 0]) == {seen[0]}
    assert not {tuple(row) for row in dataset.extrapolation.tolist()} & snapshots(dataset)["train"]


def test_a_snapshot_where_nothing_is_near_enough_is_not_the_inner_part():
    states = cloud(3, n_systems=30, n_nodes=2, radius=0.6)
    dataset = connect(states, seed=0)
    batch = dataset.batch(dataset.train)
    assert 0 < batch.forward.sum() < batch.forward.size / 2  # most snapshots hold no interacting pair ...
    assert dataset.reach == pytest.approx(0.6, abs=0.1)  # ... and still the reach is that of those that do


@pytest.mark.parametrize("absent", [False, True], ids=["all there", "one absent"])
def test_radius_cuts_pairs(absent):
    states = cloud(radius=1.5)
    states = padded(states) if absent else states
    dataset = connect(states, seed=0)
    batch = dataset.batch(ALL)
    distance = np.linalg.norm(
        batch.positions[:, dataset.pairs.first] - batch.positions[:, dataset.pairs.second], axis=-1
    )
    there = dataset.pairs.second < 4
    np.testing.assert_array_equal(batch.forward > 0, (distance < 1.5) & there)
    np.testing.assert_array_equal(batch.forward, batch.backward)


def test_batch_holds_the_states_in_order():
    states = cloud(names=("m", "q"))
    batch = connect(states, seed=0).batch(ALL)
    system, time = ALL.T
    np.testing.assert_array_equal(batch.positions, states.positions[system, time])
    np.testing.assert_array_equal(batch.velocities, states.velocities[system, time])
    np.testing.assert_array_equal(batch.targets, states.accelerations[system, time])
    np.testing.assert_array_equal(batch.attributes[..., 1], states.attributes["q"][system])
    assert batch.targeted().all()


def test_no_attribute_and_constant_attributes():
    states = cloud(names=("m",))
    assert connect(replace(states, attributes={}), seed=0).batch(ALL).attributes.shape == (3, 4, 0)
    dataset = connect(replace(states, attributes={"m": states.attributes["m"], "k": np.full((9, 4), 2.5)}), seed=0)
    assert dataset.attribute_names == ("m",)
    assert dataset.constant_attributes == {"k": 2.5}


def test_an_attribute_of_absent_particles_does_not_count_as_varying():
    states = cloud(names=())
    grown = padded(replace(states, attributes={"k": np.full((9, 4), 2.5)}))
    assert connect(grown, seed=0).constant_attributes == {"k": 2.5}


def test_missing_targets_weigh_nothing():
    states = cloud()
    states.accelerations[3, 2, 1] = np.nan
    batch = connect(states, seed=0).batch(ALL)
    assert batch.weights[1].tolist() == [1, 0, 1, 1]
    assert np.isfinite(batch.targets).all()
    assert batch.forward.all()  # it still acts on the others


@given(seed=SEEDS, extra=st.integers(1, 3))
@settings(max_examples=15)
def test_padding_changes_nothing_that_is_there(seed, extra):
    states = cloud(seed)
    plain, grown = connect(states, seed=1), connect(padded(states, extra), seed=1)
    assert snapshots(plain) == snapshots(grown)
    assert plain.reach == grown.reach
    before, after = plain.batch(ALL), grown.batch(ALL)
    for name in ("positions", "velocities", "attributes", "targets", "weights"):
        np.testing.assert_array_equal(getattr(before, name), getattr(after, name)[:, :4])
    kept = grown.pairs.second < 4
    np.testing.assert_array_equal(before.forward, after.forward[:, kept])
    assert not after.forward[:, ~kept].any()
    assert not after.backward[:, ~kept].any()
    assert not after.weights[:, 4:].any()


@pytest.mark.parametrize("size", [1e-12, 1.0, 1e12])
def test_absent_particles_stand_among_the_others(size):
    states = padded(cloud(n_nodes=3), 3)
    batch = connect(replace(states, positions=states.positions * size), seed=0).batch(ALL)
    distance = np.linalg.norm(batch.positions[:, None] - batch.positions[:, :, None], axis=-1)
    assert (distance[:, ~np.eye(6, dtype=bool)] > 0.01 * size).all()
    assert (distance < 10 * size).all()
    assert (batch.attributes > 0).all()


def test_absent_particles_stand_where_their_own_snapshot_is():
    """Whatever else is in the batch and wherever the origin lies; also where none are there, or all in one place."""
    states = cloud(n_systems=12)
    states.present[:, :, 3] = False
    states.present[0, 0, 1:] = states.present[0, 1] = False
    states.positions[0, 2, :3] = 1.0
    states.positions[6:] += 1e8
    dataset = connect(states, seed=0)
    rows = np.array([[0, 0], [0, 1], [0, 2], [1, 0], [7, 0]])
    together = dataset.batch(rows)
    for k, row in enumerate(rows):
        np.testing.assert_array_equal(dataset.batch(row[None]).positions[0], together.positions[k])
    here = states.present[tuple(rows.T)]
    own = np.array(
        [x[there].mean(axis=0) if there.any() else [0, 0] for x, there in zip(together.positions, here, strict=True)]
    )
    assert (np.linalg.norm(together.positions - own[:, None], axis=-1) < 3 * dataset.reach).all()
    distance = np.linalg.norm(together.positions[:, None] - together.positions[:, :, None], axis=-1)
    apart = ~np.eye(4, dtype=bool) & ~(here[:, None] & here[:, :, None])
    assert (distance[apart] > 0.01).all()


@pytest.mark.user_error
def test_no_edges_at_all():
    with pytest.raises(InputError, match="list of edges is empty"):
        connect(cloud(edges=directed()), seed=0)


@pytest.mark.user_error
def test_a_radius_that_nothing_is_within():
    with pytest.raises(InputError, match="within the radius 1e-06"):
        connect(cloud(radius=1e-6), seed=0)


@pytest.mark.user_error
def test_edges_of_systems_that_are_not_trained_on():
    owner = int(connect(cloud(), seed=0).test[0, 0])
    with pytest.raises(InputError, match="no pair interacts in any"):
        connect(cloud(edges=directed((0, 1), system=[owner])), seed=0)
