"""A static target on sparse graphs is learnt, by the flavours that can express it and by no others."""

import dataclasses

import jax
import numpy as np
import pytest

from limbeck._errors import InputError, TrainingDiverged
from limbeck.graphs import batch_graphs, edge_displacements, pad_graph, radius_edges, sparse_graph
from limbeck.models import FlavourConfig
from limbeck.train import SparseTrainConfig, fit_sparse
from limbeck.train._sparse_batches import SparseDeck
from limbeck.train._standardise import measure_standards

SMALL = SparseTrainConfig(flavour=FlavourConfig(hidden=16, message_dim=2), steps=800, batch_size=8, chunk=200)


def cloud(rng, n_nodes, edge_feature):
    """Masses in the plane, and what each feels of those nearer than 1: Σ_j m_j / (1 + r_ij)."""
    x, m = rng.uniform(0.0, 3.0, size=(n_nodes, 2)), rng.uniform(0.5, 2.0, size=n_nodes)
    senders, receivers = radius_edges(x, 1.0)
    r = np.linalg.norm(edge_displacements(x, senders, receivers), axis=1)
    felt = m[senders] / (1.0 + r)
    graph = sparse_graph(m[:, None], senders, receivers, edges=edge_feature(r))
    return graph, {"node": np.bincount(receivers, felt, minlength=n_nodes), "edge": felt, "graph": felt.sum()}


def distance(r):
    return r[:, None]


def clouds(count, seed, level, edge_feature=distance, n_nodes=(10, 30)):
    rng = np.random.default_rng(seed)
    made = [cloud(rng, rng.integers(*n_nodes), edge_feature) for _ in range(count)]
    return [graph for graph, _ in made], [np.reshape(targets[level], (-1, 1)) for _, targets in made]


def fitted(config, edge_feature=distance):
    train, validation = (clouds(*part, config.level, edge_feature) for part in ((64, 0), (16, 1)))
    return fit_sparse(*train, *validation, config, key=jax.random.key(0))


def relative_error(trained, level, edge_feature=distance, n_nodes=(10, 30)):
    """Error on graphs never seen, over the spread of their targets."""
    graphs, targets = clouds(20, 2, level, edge_feature, n_nodes)
    truth = np.concatenate(targets)
    return np.sqrt(np.mean((trained.predict(batch_graphs(graphs)) - truth) ** 2)) / truth.std()


def with_flavour(level="node", **changes):
    return dataclasses.replace(SMALL, level=level, flavour=dataclasses.replace(SMALL.flavour, **changes))


def test_a_sum_over_neighbours_is_learnt_and_holds_in_larger_graphs() -> None:
    trained = fitted(SMALL)
    assert relative_error(trained, "node") < 0.02
    assert trained.validation_error == trained.errors.min() < 0.02
    assert relative_error(trained, "node", n_nodes=(40, 60)) < 0.1  # twice the neighbours: some have more than any seen


@pytest.mark.slow
def test_the_total_of_a_graph_is_learnt() -> None:
    assert relative_error(fitted(with_flavour("graph")), "graph") < 0.03


def inverse(r):
    return 1.0 / (1.0 + r[:, None])


@pytest.mark.slow
def test_a_convolution_learns_it_from_the_weights_that_stand_in_the_law() -> None:
    trained = fitted(with_flavour("edge", kind="convolutional", convolution="edges"), inverse)
    assert relative_error(trained, "edge", inverse) < 0.03


def nothing(r):
    return np.zeros((len(r), 0))


def test_a_flavour_that_cannot_express_a_law_does_not_seem_to_learn_it() -> None:
    """Without the distance, the target is not a function of what the network sees."""
    trained = fitted(dataclasses.replace(with_flavour(kind="convolutional"), steps=200), nothing)
    assert relative_error(trained, "node", nothing) > 0.1
    assert trained.validation_error > 0.1


def test_every_target_is_dealt_once_and_what_fills_up_weighs_nothing() -> None:
    graphs, targets = clouds(7, 3, "node")
    standards = measure_standards(graphs, targets, centre_edges=True)
    deck = SparseDeck.prepare(graphs, targets, "node", standards, 3)
    dealt = deck.deal(np.random.default_rng(0).permutation(7))
    assert len(dealt.targets) == deck.n_batches == 3
    restored = standards.restored(np.asarray(dealt.targets)[np.asarray(dealt.weights) > 0])
    assert np.allclose(np.sort(restored, axis=0), np.sort(np.concatenate(targets), axis=0), atol=1e-5)
    assert dealt.weights.sum() == sum(map(len, targets))


def test_standards_give_mean_zero_and_spread_one_and_leave_what_never_varies() -> None:
    graphs, targets = clouds(5, 4, "node")
    graphs = [g._replace(nodes=np.concatenate([g.nodes, np.full_like(g.nodes, 0.3)], axis=1)) for g in graphs]
    standards = measure_standards(graphs, targets, centre_edges=True)
    nodes = np.concatenate([standards.scaled(graph).nodes for graph in graphs]).astype(float)
    assert np.allclose(nodes.mean(axis=0), 0.0, atol=1e-5)
    assert np.allclose(nodes.std(axis=0), [1.0, 0.0], atol=1e-5)
    assert np.allclose(standards.restored(standards.scaled_targets(targets[0])), targets[0], atol=1e-5)
    weights = measure_standards(graphs, targets, centre_edges=False).edges
    assert weights[0].tolist() == [0.0]


@pytest.mark.parametrize("level", ["node", "edge", "graph"])
@pytest.mark.parametrize("centre_edges", [False, True])
def test_graphs_that_only_fill_up_do_not_count_in_the_standards(level, centre_edges) -> None:
    graphs, targets = clouds(5, 4, level)
    sizes = dict(n_nodes=40, n_edges=900, n_graphs=3)
    filled = [pad_graph(graph, **sizes) for graph in graphs]
    rows = dict(zip(("node", "edge", "graph"), sizes.values(), strict=True))[level]
    longer = [np.pad(table, ((0, rows - len(table)), (0, 0))) for table in targets]
    expected = measure_standards(graphs, targets, level=level, centre_edges=centre_edges)
    for one, other in zip(
        expected, measure_standards(filled, longer, level=level, centre_edges=centre_edges), strict=True
    ):
        np.testing.assert_array_equal(one, other)


@pytest.mark.user_error
@pytest.mark.parametrize("name", ["nodes", "edges", "globals"])
@pytest.mark.parametrize("part", ["training", "validation"])
def test_graphs_with_other_numbers_of_features_are_refused(name, part) -> None:
    graphs, targets = clouds(3, 0, "node")
    odd = graphs[2]._replace(**{name: np.tile(np.ones((len(getattr(graphs[2], name)), 1), np.float32), 2)})
    train, validation = ([*graphs[:2], odd], graphs) if part == "training" else (graphs, [*graphs[:2], odd])
    with pytest.raises(InputError, match=f"as many features .*; {part} graph 2 has"):
        fit_sparse(train, targets, validation, targets, SMALL, key=jax.random.key(0))
    standards = measure_standards(graphs, targets, centre_edges=True)
    with pytest.raises(InputError, match=f"{name}: the network was trained on . features, the graph has 2"):
        standards.scaled(odd)


def test_the_same_key_gives_the_same_network() -> None:
    graphs, targets = clouds(6, 5, "node")
    config = dataclasses.replace(SMALL, steps=4, chunk=2)
    first, second = (fit_sparse(graphs, targets, graphs, targets, config, key=jax.random.key(3)) for _ in range(2))
    assert np.array_equal(first.errors, second.errors)
    assert np.array_equal(first.predict(graphs[0]), second.predict(graphs[0]))


def test_a_training_that_diverges_says_so() -> None:
    graphs, targets = clouds(6, 5, "node")
    config = dataclasses.replace(SMALL, steps=40, learning_rate=1e30)
    with pytest.raises(TrainingDiverged, match="try a lower learning_rate"):
        fit_sparse(graphs, targets, graphs, targets, config, key=jax.random.key(0))


@pytest.mark.user_error
@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda g, t: ([], []), "training: expected a table of targets for each graph, got 0 for 0"),
        (lambda g, t: (g, t[:-1]), "got 3 for 4"),
        (lambda g, t: (g, [*t[:-1], t[-1][1:]]), r"training targets of graph 3: expected shape \("),
        (lambda g, t: (g, [table[:, 0] for table in t]), "targets of graph 0: expected shape"),
        (lambda g, t: (g, [*t[:-1], t[-1] * np.nan]), "graph 3: some are infinite or undefined"),
        (lambda g, t: (g, [np.tile(table, 2) for table in t]), "as many features"),
    ],
)
def test_targets_that_do_not_fit_are_refused(change, message) -> None:
    graphs, targets = clouds(4, 0, "node")
    with pytest.raises(InputError, match=message):
        fit_sparse(*change(graphs, targets), graphs, targets, SMALL, key=jax.random.key(0))


@pytest.mark.user_error
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"level": "pair"}, "unknown level 'pair'"),
        ({"steps": 0}, "steps must be at least 1; got 0"),
        ({"learning_rate": float("nan")}, "learning_rate must be positive; got nan"),
        ({"warmup": 1.0}, "warmup must lie between 0 and 1"),
    ],
)
def test_settings_out_of_range_are_refused(settings, message) -> None:
    with pytest.raises(InputError, match=message):
        SparseTrainConfig(**settings)
