from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from clouds import cloud, padded
from message_networks import DATASET, FORMS, PAIRS, SIZES_AND_FORMS, arrays, batch, form_name, small

from limbeck._errors import InputError
from limbeck.graphs import connect
from limbeck.models import SIZES, CompletePairs, MessageConfig, PairIndex, build_message_network, measure_scales
from limbeck.train import pair_index, to_device

TOLERANCE = {"rtol": 2e-4, "atol": 2e-5}  # sums of single precision in another order


def relabelled(snapshots, order):
    """The same states with the nodes in another order; all pairs act, so edge weights stay."""
    nodes = ("positions", "velocities", "attributes", "targets", "weights")
    return snapshots._replace(**{name: getattr(snapshots, name)[:, order] for name in nodes})


@pytest.mark.parametrize(("size", "form"), SIZES_AND_FORMS, ids=form_name)
def test_relabelling_the_nodes_relabels_the_accelerations(size, form):
    model, states, order = small(size, **form), batch(), np.array([2, 0, 3, 1])
    moved = np.asarray(model(relabelled(states, order), PAIRS))
    np.testing.assert_allclose(moved, np.asarray(model(states, PAIRS))[:, order], **TOLERANCE)


@pytest.mark.parametrize("form", FORMS, ids=form_name)
def test_where_the_origin_lies_matters_without_translation_only(form):
    model, states = small(**form), batch()
    shifted = states._replace(positions=states.positions + jnp.array([0.5, -2.0]))
    here, there = (np.asarray(model(s, PAIRS)) for s in (states, shifted))
    assert model.origin_free == form["translation"]
    if form["translation"]:
        np.testing.assert_allclose(there, here, **TOLERANCE)
    else:
        assert np.abs(there - here).max() > 1e-3


@pytest.mark.parametrize(("size", "form"), SIZES_AND_FORMS, ids=form_name)
def test_the_third_law(size, form):
    forward, backward = (np.asarray(m) for m in small(size, **form).edge_messages(batch(), PAIRS))
    assert forward.shape == (6, 6, {"bottleneck": 2}.get(size, 100))
    opposite = np.allclose(forward, -backward, **TOLERANCE)
    assert opposite == form["third_law"]


def test_a_message_belongs_to_its_receiver_and_its_sender():
    """With the published features the message to the first is the edge model of both ends, receiver first."""
    model, states = small(message_dim=3), batch()
    ends = [jnp.concatenate(states[:3], axis=-1)[:, index] for index in PAIRS]
    forward, backward = model.edge_messages(states, PAIRS)
    expected = [model.edge_model(jnp.concatenate(order, axis=-1)) for order in (ends, ends[::-1])]
    np.testing.assert_allclose(forward, expected[0], **TOLERANCE)
    np.testing.assert_allclose(backward, expected[1], **TOLERANCE)


@pytest.mark.parametrize("size", ["standard", "kl"])
def test_published_equations_one_edge_at_a_time(size):
    """Messages summed at each receiver and read by the node model, written as loops."""
    model, states = small(size, message_dim=3), batch(2)
    nodes = jnp.concatenate(states[:3], axis=-1)
    found = np.asarray(model(states, PAIRS))
    for sample, rows in enumerate(nodes):
        for i, row in enumerate(rows):
            others = [rows[j] for j in range(len(rows)) if j != i]
            summed = sum(model.edge_model(jnp.concatenate([row, other]))[:3] for other in others)
            np.testing.assert_allclose(found[sample, i], model.node_model(jnp.concatenate([row, summed])), **TOLERANCE)


def test_statistics_of_a_kl_network():
    model, states = small("kl", message_dim=4), batch()
    statistics = model.edge_statistics(states, PAIRS)
    assert model.edge_model.weights[-1].shape[1] == 8
    ends = [jnp.concatenate(states[:3], axis=-1)[:, index] for index in PAIRS]
    raw = model.edge_model(jnp.concatenate(ends, axis=-1))
    np.testing.assert_allclose(statistics.forward, raw[..., :4], **TOLERANCE)
    np.testing.assert_allclose(statistics.forward_log_variance, raw[..., 4:], **TOLERANCE)
    assert small("l1").edge_statistics(states, PAIRS).forward_log_variance is None


@pytest.mark.parametrize("third_law", [False, True])
def test_a_key_samples_kl_messages_and_nothing_else(third_law):
    states, keys = batch(), jax.random.split(jax.random.key(1), 2)
    model = small("kl", third_law=third_law)
    means = np.asarray(model(states, PAIRS))
    one, two = (np.asarray(model(states, PAIRS, key)) for key in keys)
    np.testing.assert_array_equal(model(states, PAIRS, keys[0]), one)
    np.testing.assert_array_equal(model(states, PAIRS), means)
    assert not np.allclose(one, two)
    assert not np.allclose(one, means)
    for size in sorted(set(SIZES) - {"kl"}):
        other = small(size, third_law=third_law)
        np.testing.assert_array_equal(other(states, PAIRS, keys[0]), other(states, PAIRS))


@pytest.mark.parametrize("third_law", [False, True])
def test_noise_has_the_variance_that_the_model_says(third_law):
    model, states = small("kl", message_dim=2, third_law=third_law), batch(1)
    statistics = model.edge_statistics(states, PAIRS)
    keys = jax.random.split(jax.random.key(0), 2_000)
    forward, backward = (np.asarray(way) for way in jax.vmap(lambda key: model._sampled(statistics, key))(keys))
    # The mean and the variance of 2,000 draws are known to 2 and 3 %.
    np.testing.assert_allclose(forward.var(axis=0), np.exp(statistics.forward_log_variance), rtol=0.15)
    error = (backward.mean(axis=0) - statistics.backward) / np.exp(0.5 * statistics.backward_log_variance)
    assert np.abs(error).max() < 0.1
    opposite = np.allclose(forward, -backward)
    assert opposite == third_law


def test_a_masked_component_says_nothing():
    model, states = small("pruning", message_dim=4), batch()
    mask = np.array([1, 0, 1, 0], np.float32)
    masked = eqx.tree_at(lambda m: m.mask, model, mask)
    forward, backward = (np.asarray(m) for m in masked.edge_messages(states, PAIRS))
    whole, _ = (np.asarray(m) for m in model.edge_messages(states, PAIRS))
    np.testing.assert_array_equal(forward, whole * mask)
    assert not backward[..., mask == 0].any()
    # Nothing depends on the weights behind a masked component.
    last = np.array(masked.edge_model.weights[-1])
    last[:, 1] += 5.0
    changed = eqx.tree_at(lambda m: m.edge_model.weights[-1], masked, last)
    np.testing.assert_array_equal(changed(states, PAIRS), masked(states, PAIRS))


@pytest.mark.parametrize("translation", [False, True])
@pytest.mark.parametrize("third_law", [False, True])
def test_complete_graphs_give_the_same_by_another_way(translation, third_law):
    dataset = connect(padded(cloud(1), 1), seed=0)  # with a particle that is not there, whose edges weigh nothing
    model = small("standard", dataset=dataset, message_dim=8, translation=translation, third_law=third_law)
    states, complete = batch(dataset=dataset), pair_index(dataset)
    assert isinstance(complete, CompletePairs)

    @eqx.filter_jit
    def value_and_slopes(model, pairs):
        return eqx.filter_value_and_grad(lambda m: jnp.sum(m(states, pairs) ** 2))(model)

    for one, other in zip(
        arrays(value_and_slopes(model, complete)), arrays(value_and_slopes(model, PairIndex(*complete))), strict=True
    ):
        np.testing.assert_allclose(one, other, **TOLERANCE)


def test_edges_that_leave_pairs_out_are_no_complete_graph():
    dataset = connect(cloud(1), seed=0)
    first, second = dataset.pairs.first[1:], dataset.pairs.second[1:]
    fewer = replace(dataset, pairs=dataset.pairs._replace(first=first, second=second))
    assert not isinstance(pair_index(fewer), CompletePairs)


def test_a_mask_has_no_slope():
    model, states = small("pruning", message_dim=4), batch()
    slopes = eqx.filter_jit(eqx.filter_grad(lambda m: jnp.sum(m(states, PAIRS) ** 2)))(model)
    np.testing.assert_array_equal(slopes.mask, np.zeros(4))
    assert np.abs(slopes.edge_model.weights[0]).max() > 0


@pytest.mark.parametrize("form", [FORMS[0], FORMS[-1]], ids=form_name)
def test_awkward_graphs_are_finite(form):
    dataset = connect(padded(cloud(1, radius=1.5), 2), seed=0)
    pairs = PairIndex(dataset.pairs.first, dataset.pairs.second)
    model = small(dataset=dataset, **form)
    states = to_device(dataset.batch(dataset.train[:5]))
    slopes = eqx.filter_jit(eqx.filter_grad(lambda m: jnp.sum(m(states, pairs) ** 2)))(model)
    assert all(np.isfinite(leaf).all() for leaf in arrays(slopes))
    # A particle that is not there changes nothing.
    moved = states._replace(velocities=states.velocities.at[:, -1].set(3.0))
    np.testing.assert_allclose(model(moved, pairs)[:, :-1], model(states, pairs)[:, :-1], **TOLERANCE)


def test_the_key_decides_the_weights():
    same, other = small(seed=0), small(seed=1)
    for a, b in zip(arrays(small(seed=0)), arrays(same), strict=True):
        np.testing.assert_array_equal(a, b)
    assert not np.array_equal(same.edge_model.weights[0], other.edge_model.weights[0])


def test_components_of_each_size():
    assert [MessageConfig(size=size).components(3) for size in SIZES] == [100, 3, 100, 100, 100]
    assert MessageConfig(size="bottleneck", message_dim=1).components(3) == 1


@pytest.mark.user_error
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"size": "L1"}, "unknown size 'L1': choose one of standard, bottleneck, l1, kl, pruning"),
        ({"activation": "tanh"}, "unknown activation 'tanh'"),
        ({"features": "raw"}, "unknown features 'raw'"),
        ({"message_dim": -1}, "message_dim must be at least 1, or 0 for the size's own; got -1"),
        ({"size": "pruning", "message_dim": 1}, "pruning a message of one component leaves none"),
        ({"width": 0}, "width and depth of at least 1; got 0 and 3"),
    ],
)
def test_settings_that_mean_nothing(setting, message):
    with pytest.raises(InputError, match=message):
        MessageConfig(**setting)


@pytest.mark.user_error
def test_space_has_a_dimension():
    with pytest.raises(InputError, match="at least one dimension; got 0"):
        build_message_network(MessageConfig(), measure_scales(DATASET), 0, key=jax.random.key(0))


def test_configs_are_compared_by_value():
    assert replace(MessageConfig(), size="l1") == MessageConfig(size="l1")
