"""What every bias promises, asked of untrained networks: training can't break a form."""

import functools
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
import registry
from clouds import cloud, padded
from hypothesis import given, settings, strategies as st
from scipy.stats import ortho_group, special_ortho_group

import limbeck.models._graph_network as module
from limbeck.graphs import Snapshots, connect
from limbeck.models import ModelConfig, PairIndex, Scales, build_model, measure_scales, sum_at
from limbeck.train import predict, to_device
from limbeck.train._loss import loss

SAMPLES, NODES = 3, 4
SEEDS = st.integers(0, 2**32 - 1)
SCALES = Scales(
    length=1.3, softening=0.05, speed=1.4, position=1.2, acceleration=2.0, attributes=(1.1, 0.9), positive=(True, False)
)
FIRST, SECOND = np.triu_indices(NODES, k=1)
PAIRS = PairIndex(FIRST, SECOND)
few = settings(max_examples=5)
every_bias = pytest.mark.parametrize("name", registry.BIASES)
# One of each kind of edge, node and field model; every member compiles for seconds.
every_part = pytest.mark.parametrize("name", ["none", "strongest", "free-field"])
BY_DIM = [(name, dim) for name in registry.BIASES for dim in (1, 2, 3) if dim == 2 or name == "strongest"]


def bias_and_dim(claim=lambda _: True, dims=(1, 2, 3)):
    """Every bias that makes a claim, in the plane, and some in one and three dimensions."""
    chosen = [(name, dim) for name, dim in BY_DIM if claim(registry.BIASES[name]) and dim in dims]
    return pytest.mark.parametrize(("name", "dim"), chosen)


@functools.cache
def model_of(name, dim, scales=SCALES):
    return build_model(registry.BIASES[name], ModelConfig(width=8, depth=1), scales, dim=dim, key=jax.random.key(1))


def states(seed, dim):
    rng = np.random.default_rng(seed)
    x, v, a = rng.normal(size=(3, SAMPLES, NODES, dim))
    attributes = np.stack([rng.lognormal(size=(SAMPLES, NODES)), rng.normal(size=(SAMPLES, NODES))], axis=-1)
    ones = np.ones((SAMPLES, len(FIRST)))
    return Snapshots(x, v, attributes, ones, ones, a, np.ones((SAMPLES, NODES)))


def accelerations(model, snapshots, pairs=PAIRS):
    pairs = PairIndex(*map(np.asarray, pairs))
    return np.asarray(predict(model, to_device(snapshots), pairs), dtype=float)


def close(got, expected, tolerance=2e-4):
    """Equal to single precision: sums of forces of size 2 through a sinh."""
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * (1 + np.abs(expected).max()))


def without_uniform_field(model):
    """Rotation can't hold for a field with a direction."""
    if not model.biases.field:
        return model
    zero = jax.tree.map(np.zeros_like, model.field.uniform)
    return eqx.tree_at(lambda m: m.field.uniform, model, zero)


@eqx.filter_jit
def compiled_messages(model, snapshots):
    return model.edge_model.messages(model.pair_geometry(snapshots, PAIRS))


compiled_slope = eqx.filter_jit(eqx.filter_value_and_grad(loss))


def messages(model, snapshots):
    return [np.asarray(message, dtype=float) for message in compiled_messages(model, to_device(snapshots))]


def assert_turns(model, snapshots, matrix):
    after = turned(snapshots, matrix)
    for got, expected in zip(messages(model, after), messages(model, snapshots), strict=True):
        close(got, expected @ matrix.T)
    if model.biases.second_law:  # without it any node model may follow
        close(accelerations(model, after), accelerations(model, snapshots) @ matrix.T)


def turned(snapshots, matrix, places=("positions", "velocities")):
    return snapshots._replace(**{place: getattr(snapshots, place) @ matrix.T for place in places})


@bias_and_dim()
@given(seed=SEEDS)
@few
def test_names_of_nodes_do_not_matter(name, dim, seed):
    snapshots, order = states(seed, dim), np.random.default_rng(seed).permutation(NODES)
    moved = snapshots._replace(
        **{field: getattr(snapshots, field)[:, order] for field in ("positions", "velocities", "attributes")}
    )
    model = model_of(name, dim)
    close(accelerations(model, moved), accelerations(model, snapshots)[:, order])


@bias_and_dim()
@given(seed=SEEDS)
@few
def test_order_of_edges_does_not_matter(name, dim, seed):
    rng = np.random.default_rng(seed)
    order, model = rng.permutation(len(FIRST)), model_of(name, dim)
    weights = rng.integers(0, 2, size=(2, SAMPLES, len(FIRST))).astype(float)
    snapshots = states(seed, dim)._replace(forward=weights[0], backward=weights[1])
    shuffled = snapshots._replace(forward=weights[0][:, order], backward=weights[1][:, order])
    close(accelerations(model, shuffled, (FIRST[order], SECOND[order])), accelerations(model, snapshots))


@bias_and_dim(lambda biases: biases.origin_free)
@given(seed=SEEDS)
@few
def test_the_origin_does_not_matter(name, dim, seed):
    snapshots, model = states(seed, dim), model_of(name, dim)
    shift = np.random.default_rng(seed).normal(size=dim)
    moved = snapshots._replace(positions=snapshots.positions + 3 * shift)
    close(accelerations(model, moved), accelerations(model, snapshots), 2e-3)


@bias_and_dim(lambda biases: biases.rotation and not biases.free_field, dims=(2, 3))
@given(seed=SEEDS)
@few
def test_rotations_turn_messages_and_accelerations(name, dim, seed):
    model, matrix = without_uniform_field(model_of(name, dim)), special_ortho_group.rvs(dim, random_state=seed)
    assert_turns(model, states(seed, dim), matrix)


@bias_and_dim(lambda biases: biases.reflection and not biases.free_field)
@given(seed=SEEDS)
@few
def test_reflections_mirror_messages_and_accelerations(name, dim, seed):
    matrix = -np.eye(1) if dim == 1 else ortho_group.rvs(dim, random_state=seed)
    assert_turns(without_uniform_field(model_of(name, dim)), states(seed, dim), matrix)


def test_claims_that_are_not_made_do_not_hold():
    snapshots, mirror = states(0, 2), np.diag([1.0, -1.0])
    for name, matrix in (("transverse", mirror), ("third-law", np.array([[0.0, -1.0], [1.0, 0.0]]))):
        model = model_of(name, 2)
        got, expected = accelerations(model, turned(snapshots, matrix)), accelerations(model, snapshots) @ matrix.T
        assert np.abs(got - expected).max() > 0.05
    model, free = model_of("reflection", 2), snapshots._replace(positions=snapshots.positions + 1)
    assert np.abs(accelerations(model_of("none", 2), free) - accelerations(model_of("none", 2), snapshots)).max() > 0.05
    forward, backward = messages(model, snapshots)
    assert np.abs(forward + backward).max() > 0.05


@bias_and_dim(lambda biases: biases.third_law)
@given(seed=SEEDS)
@few
def test_third_law(name, dim, seed):
    model, snapshots = model_of(name, dim), states(seed, dim)
    forward, backward = messages(model, snapshots)
    np.testing.assert_array_equal(forward, -backward)
    if model.biases.second_law and not model.biases.field:
        inertia = np.asarray(model.inertia(model.scales.node_features(to_device(snapshots).attributes)))
        momentum = (inertia[..., None] * accelerations(model, snapshots)).sum(axis=1)
        close(momentum, np.zeros_like(momentum))


@every_bias
@given(seed=SEEDS)
@few
def test_an_isolated_node_feels_nobody(name, seed):
    snapshots, model = states(seed, 2), model_of(name, 2)
    alone = np.where((FIRST == 0) | (SECOND == 0), 0.0, 1.0) * np.ones((SAMPLES, 1))
    snapshots = snapshots._replace(forward=alone, backward=alone)
    others = np.arange(NODES)[:, None] > 0
    moved = snapshots._replace(positions=np.where(others, snapshots.positions * 1.7 + 0.3, snapshots.positions))
    here, there = accelerations(model, snapshots), accelerations(model, moved)
    np.testing.assert_array_equal(here[:, 0], there[:, 0])
    assert np.abs(here[:, 1:] - there[:, 1:]).max() > 1e-4
    if model.biases.second_law and not model.biases.field:
        np.testing.assert_array_equal(here[:, 0], 0.0)


@every_bias
def test_a_directed_edge_acts_one_way(name):
    snapshots, model = states(0, 2), model_of(name, 2)
    none = np.zeros((SAMPLES, len(FIRST)))
    first_only = none.copy()
    first_only[:, 0] = 1.0  # node 1 acts on node 0
    quiet = accelerations(model, snapshots._replace(forward=none, backward=none))
    for weights, receiver in (((first_only, none), 0), ((none, first_only), 1)):
        got = accelerations(model, snapshots._replace(forward=weights[0], backward=weights[1]))
        assert np.abs(got - quiet)[:, receiver].max() > 1e-4
        np.testing.assert_array_equal(np.delete(got, receiver, axis=1), np.delete(quiet, receiver, axis=1))


@every_bias
@given(seed=SEEDS)
@few
def test_a_batch_is_its_snapshots(name, seed):
    snapshots, model = states(seed, 2), model_of(name, 2)
    back = Snapshots(*(array[::-1] for array in snapshots))
    close(accelerations(model, back), accelerations(model, snapshots)[::-1], 1e-5)
    other = Snapshots(*(np.concatenate([array[:1], 2 * array[1:]]) for array in snapshots))
    close(accelerations(model, other)[0], accelerations(model, snapshots)[0], 1e-5)


@every_part
def test_absent_particles_change_nothing(name):
    plain = cloud(names=("m", "q"))
    grown = padded(plain, 2)
    before, after = connect(plain, seed=0), connect(grown, seed=0)
    assert measure_scales(before) == measure_scales(after)
    chosen, model = before.train[:SAMPLES], model_of(name, 2)
    pairs = [(dataset.pairs.first, dataset.pairs.second) for dataset in (before, after)]
    alone, among = before.batch(chosen), after.batch(chosen)
    close(accelerations(model, among, pairs[1])[:, :4], accelerations(model, alone, pairs[0]), 1e-5)
    _, slope = compiled_slope(model, to_device(among), PairIndex(*pairs[1]), jnp.float32(0.3))
    assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slope))


@pytest.mark.parametrize("name", ["none", "strongest"])
def test_a_pair_that_does_not_act_may_be_anywhere(name):
    snapshots, model = states(0, 2), model_of(name, 2)
    positions, weights = snapshots.positions.copy(), np.where(SECOND == 3, 0.0, 1.0) * np.ones((SAMPLES, 1))
    positions[:, 3] = 1e4
    snapshots = snapshots._replace(positions=positions, forward=weights, backward=weights)
    snapshots = snapshots._replace(weights=np.where(np.arange(NODES) == 3, 0.0, 1.0) * np.ones((SAMPLES, 1)))
    assert np.isfinite(accelerations(model, snapshots)[:, :3]).all()
    if model.node_model is None or model.biases.translation:  # else the far node's own position is told to its network
        _, slope = compiled_slope(model, to_device(snapshots), PAIRS, jnp.float32(0.3))
        assert all(np.isfinite(leaf).all() for leaf in jax.tree.leaves(slope))


@every_part
def test_units_do_not_matter(name):
    # Kiloparsecs in metres and gigayears in seconds: their squares do not fit into single precision.
    length, time, mass = 3e19, 3e16, 2e30
    scales = Scales(
        length=SCALES.length * length,
        softening=SCALES.softening * length,
        speed=SCALES.speed * length / time,
        position=SCALES.position * length,
        acceleration=SCALES.acceleration * length / time**2,
        attributes=(SCALES.attributes[0] * mass, SCALES.attributes[1]),
        positive=SCALES.positive,
    )
    plain, model = states(0, 2), model_of(name, 2)
    scaled = plain._replace(
        positions=plain.positions * length,
        velocities=plain.velocities * length / time,
        attributes=plain.attributes * [mass, 1.0],
        targets=plain.targets * length / time**2,
    )
    other, unit = model_of(name, 2, scales), length / time**2
    close(accelerations(other, scaled) / unit, accelerations(model, plain))
    if name == "strongest":
        near, far = (
            compiled_slope(m, to_device(s), PAIRS, jnp.float32(floor))[0]
            for m, s, floor in ((model, plain, 1.0), (other, scaled, unit))
        )
        assert float(far) == pytest.approx(float(near), rel=1e-4)


@pytest.mark.parametrize("dim", [1, 3])
def test_a_conservative_force_is_minus_the_slope_of_its_potential(dim):
    with jax.enable_x64(True):
        model = jax.tree.map(lambda leaf: leaf.astype(np.float64), model_of("conservative", dim))
        snapshots = Snapshots(*map(jnp.asarray, states(0, dim)))
        pairs, edge = PairIndex(jnp.asarray(FIRST), jnp.asarray(SECOND)), model.edge_model

        @jax.jit
        def energy(x):
            geometry = model.pair_geometry(snapshots._replace(positions=x), pairs)
            return jnp.sum(edge.potential(geometry.distance, geometry))

        x, step = np.asarray(snapshots.positions), 1e-5
        forward, backward = edge.messages(model.pair_geometry(snapshots, pairs))
        force = np.asarray(sum_at(pairs.first, forward, NODES) + sum_at(pairs.second, backward, NODES))
        for node in range(NODES):
            for axis in range(dim):
                nudge = np.zeros_like(x)
                nudge[1, node, axis] = step
                slope = float(energy(jnp.asarray(x + nudge)) - energy(jnp.asarray(x - nudge))) / (2 * step)
                # The error of a central difference is step squared over softening squared, 1e-6.
                assert force[1, node, axis] == pytest.approx(-slope, rel=1e-5, abs=1e-6)


def test_sums_are_the_same_dense_and_scattered(monkeypatch):
    values = np.random.default_rng(0).normal(size=(SAMPLES, len(FIRST), 2)).astype(np.float32)
    dense = sum_at(SECOND, jnp.asarray(values), NODES)
    monkeypatch.setattr(module, "DENSE_LIMIT", 0)
    close(np.asarray(sum_at(SECOND, jnp.asarray(values), NODES)), np.asarray(dense), 1e-6)
    np.testing.assert_array_equal(dense[:, 0], 0.0)  # node 0 never stands second


@every_part
def test_without_attributes(name):
    model = model_of(name, 2, replace(SCALES, attributes=(), positive=()))
    snapshots = states(0, 2)._replace(attributes=np.zeros((SAMPLES, NODES, 0)))
    assert np.isfinite(accelerations(model, snapshots)).all()


def test_the_same_key_gives_the_same_network():
    one, two, other = (
        build_model(registry.BIASES["field"], ModelConfig(), SCALES, dim=2, key=jax.random.key(k)) for k in (3, 3, 4)
    )
    assert eqx.tree_equal(one, two)
    assert not eqx.tree_equal(one, other)


def test_scales_of_senders_without_targets_count():
    states = cloud()
    states.attributes["m"][:, 0] = -1e6  # heavy, repelling, and never a target
    states.accelerations[:, :, 0] = np.nan
    scales = measure_scales(connect(states, seed=0))
    assert scales.positive == (False,)
    assert scales.attributes[0] > 1e5


def test_scales_are_never_zero():
    states = cloud(names=())
    still = replace(
        states, positions=states.positions * 0, velocities=states.velocities * 0, accelerations=states.accelerations * 0
    )
    dataset = replace(connect(states, seed=0), trajectories=still)
    scales = measure_scales(dataset)
    assert min(scales.length, scales.softening, scales.speed, scales.position, scales.acceleration) > 0
