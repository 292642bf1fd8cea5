import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import equinox as eqx
import jax
import numpy as np
import pytest
from message_networks import DATASET, arrays

from limbeck._errors import InputError, TrainingDiverged
from limbeck.models import SIZES, MessageConfig
from limbeck.train import DimensionSearch, Pruning, Recipe, fit_messages, message_trainer, relative_errors

QUICK = Recipe(steps=40, batch_size=8, chunk=10, seeds=2, learning_rate=1e-3)
SEARCH = replace(QUICK, schedule="hold", steps=60, pruning=DimensionSearch(begin=0.1, end=0.9, factor=50.0, worst=1e9))
PRUNED = replace(QUICK, steps=80, pruning=Pruning(schedule="linear", end=0.5, dimension=2))
KEY = jax.random.key(5)


def form(size, **changes):
    return MessageConfig(**{"size": size, "message_dim": 4, "width": 8, "depth": 1, **changes})


def assert_same(one, two):
    for a, b in zip(arrays(one), arrays(two), strict=True):
        np.testing.assert_array_equal(a, b)


def remember(states, stop=None):
    """Keep every state, as files would; end training after some chunk."""

    def progress(state, n_chunks):
        states.append(jax.tree.map(np.array, state._replace(chunk=int(state.chunk))))
        return state.chunk != stop

    return progress


@pytest.mark.parametrize(
    ("config", "recipe"),
    [
        pytest.param(form("kl"), QUICK, marks=pytest.mark.slow),
        (form("pruning", message_dim=8), PRUNED),
        (form("pruning"), SEARCH),
    ],
    ids=["kl", "pruning", "search"],
)
def test_resumed_from_any_chunk_the_weights_are_the_same(config, recipe):
    states = []
    whole = fit_messages(DATASET, config, recipe, progress=remember(states), key=KEY)
    start = message_trainer(DATASET, config, recipe, key=KEY).start()
    for state in [start, *states[:4]]:
        assert jax.tree.structure(state) == jax.tree.structure(states[0])
        later = fit_messages(DATASET, config, recipe, resume=state, key=KEY)
        assert_same(later.models, whole.models)
        assert_same(later.model, whole.model)
        np.testing.assert_array_equal(later.errors, whole.errors)
        np.testing.assert_array_equal(later.kept, whole.kept)
        assert later.dimensions == whole.dimensions


def test_members_are_seeds_within_penalties():
    recipe = replace(QUICK, penalties=(0.0, 0.1), penalty_scale="edge")
    both = fit_messages(DATASET, form("l1"), recipe, key=KEY)
    assert both.penalties == (0.0, 0.0, 0.1, 0.1)
    assert both.errors.shape == both.losses.shape == both.kept.shape == (4, 4)
    assert (both.steps, both.status, both.dimensions) == (40, "finished", ())
    for position, penalty in enumerate(recipe.penalties):
        alone = fit_messages(DATASET, form("l1"), replace(recipe, penalties=(penalty,)), key=KEY)
        for seed in range(2):
            # Sums of matrix products over another number of members are taken in another order.
            pairs = zip(arrays(alone.member(seed)), arrays(both.member(2 * position + seed)), strict=True)
            assert all(np.allclose(a, b, rtol=1e-4, atol=1e-5) for a, b in pairs)
    assert both.validation_error == both.errors.min()
    assert_same(both.member(both.best_member), both.model)
    found = relative_errors(both.accelerations(DATASET.batch(DATASET.validation)), DATASET.batch(DATASET.validation))
    assert np.median(found) == pytest.approx(both.validation_error, rel=1e-5)


def test_a_penalty_makes_messages_small():
    recipe = replace(QUICK, penalties=(0.0, 10.0), steps=200, chunk=100, seeds=1, learning_rate=1e-2)
    trained = fit_messages(DATASET, form("l1"), recipe, key=KEY)
    batch = message_trainer(DATASET, form("l1"), recipe, key=KEY).device_validation
    sizes = [float(np.abs(trained.member(k).edge_messages(batch, trained.pairs)[0]).mean()) for k in range(2)]
    assert sizes[1] < 0.3 * sizes[0]


def test_a_seed_that_diverges_leaves_the_other_alone():
    trainer = message_trainer(DATASET, form("standard"), QUICK, key=KEY)
    start, whole = trainer.start(), fit_messages(DATASET, form("standard"), QUICK, key=KEY)
    first = np.arange(2) == 0
    broken = jax.tree.map(
        lambda leaf: np.where(first.reshape(-1, *[1] * (leaf.ndim - 1)), np.float32(np.nan), leaf), start.weights
    )
    trained = fit_messages(DATASET, form("standard"), QUICK, resume=start._replace(weights=broken), key=KEY)
    assert np.isinf(trained.errors[:, 0]).all()
    np.testing.assert_array_equal(trained.errors[:, 1], whole.errors[:, 1])
    assert_same(trained.member(1), whole.member(1))
    nothing = jax.tree.map(lambda leaf: np.full_like(leaf, np.nan), start.weights)
    with pytest.raises(TrainingDiverged, match="step 10"):
        fit_messages(DATASET, form("standard"), QUICK, resume=start._replace(weights=nothing), key=KEY)


@pytest.mark.parametrize("size", SIZES)
def test_only_a_kl_network_is_given_keys(size):
    assert (message_trainer(DATASET, form(size), QUICK, key=KEY).key is not None) == (size == "kl")


@pytest.mark.parametrize(
    "changes",
    [
        {"loss": "relative", "sampling": "even", "precision": "float32"},
        {"schedule": "cosine", "reduction": "graph", "weight_penalty": 1e-8, "weight_scale": "mean"},
    ],
    ids=["relative", "published"],
)
def test_every_choice_trains(changes):
    recipe = replace(QUICK, steps=10, seeds=1, **changes)
    trained = fit_messages(DATASET, form("l1"), recipe, key=KEY)
    assert np.isfinite(trained.losses).all()


def test_reductions_are_of_one_loss():
    """The loss before any step: the graph's is n times the node's, the component's the node's over dim."""

    def first(reduction):
        objective = message_trainer(DATASET, form("standard"), replace(QUICK, reduction=reduction), key=KEY).objective
        trainer = message_trainer(DATASET, form("standard"), QUICK, key=KEY)
        model, states = trainer.member(trainer.initial, 0), trainer.device_validation
        one = eqx.tree_at(lambda o: o.weight, objective, objective.weight[0])
        error = np.abs(np.asarray(model(states, trainer.pairs)) - states.targets).sum(axis=-1).mean()
        return float(one(model, states, trainer.pairs, None)), float(error)

    (node, error), (graph, _), (component, _) = (first(r) for r in ("node", "graph", "component"))
    assert node == pytest.approx(error, rel=1e-5)
    assert graph == pytest.approx(4 * node, rel=1e-5)
    assert component == pytest.approx(node / 2, rel=1e-5)


def test_the_translation_of_a_batch_is_one_for_all_its_graphs():
    shifted = message_trainer(DATASET, form("standard"), QUICK, key=KEY)._batches(0)
    still = message_trainer(DATASET, form("standard"), replace(QUICK, shift=0.0), key=KEY)._batches(0)
    moved = np.asarray(shifted.positions - still.positions)
    np.testing.assert_allclose(moved, np.broadcast_to(moved[:, :1, :1], moved.shape), atol=1e-5)
    assert 2.0 < moved[:, 0, 0].std() < 4.5  # 20 numbers of standard deviation 3
    np.testing.assert_array_equal(shifted.velocities, still.velocities)


@pytest.mark.parametrize(("features", "by"), [("scaled", 1e-6), ("published", 1.0)])
def test_the_translation_has_the_unit_of_what_the_network_sees(features, by):
    """What is fed in typical sizes is moved by them, so that a unit of length changes nothing."""
    t = DATASET.trajectories
    small = replace(DATASET, trajectories=replace(t, positions=1e-6 * t.positions))
    one, other = (
        message_trainer(data, replace(form("standard"), features=features), QUICK, key=KEY).shift
        for data in (DATASET, small)
    )
    assert other == pytest.approx(by * one)


def test_pruning_follows_its_schedule_and_keeps_the_best_of_the_last_mask():
    trained = fit_messages(DATASET, form("pruning", message_dim=8), PRUNED, key=KEY)
    np.testing.assert_array_equal(trained.kept[:, 0], [6, 5, 3, 2, 2, 2, 2, 2])
    masks = np.asarray(trained.models.mask)
    np.testing.assert_array_equal(masks.sum(axis=1), [2, 2])
    assert trained.validation_error == trained.errors[4:].min()


def test_out_of_time_while_pruning_there_is_an_error_of_the_present_mask():
    trained = fit_messages(DATASET, form("pruning", message_dim=8), PRUNED, progress=remember([], stop=2), key=KEY)
    assert (trained.status, trained.steps) == ("out of time", 20)
    assert np.isfinite(trained.validation_error)


def test_a_network_that_has_learnt_nothing_gives_no_dimension():
    recipe = replace(SEARCH, pruning=DimensionSearch(begin=0.1, end=0.9, worst=0.01))
    trained = fit_messages(DATASET, form("pruning"), recipe, key=KEY)
    assert trained.dimensions == (None, None)
    np.testing.assert_array_equal(trained.kept[-1], [4, 4])
    # Nothing was removed, so nothing is taken back: it goes on learning as if nobody had judged it.
    patient = replace(SEARCH, pruning=DimensionSearch(begin=0.1, end=0.9, worst=0.01, recovery=1000))
    np.testing.assert_array_equal(
        fit_messages(DATASET, form("pruning"), patient, key=KEY).losses[:-1], trained.losses[:-1]
    )


DEVICES = """
import sys
sys.path[:0] = {paths!r}
import jax, numpy as np
from test_fit_messages import *
assert len(jax.devices()) == 2
assert message_trainer(DATASET, form("kl"), QUICK, key=KEY).sharded
assert not message_trainer(DATASET, form("kl"), replace(QUICK, batch_size=7), key=KEY).sharded
np.save(sys.argv[1], fit_messages(DATASET, form("kl"), QUICK, key=KEY).losses)
"""


@pytest.mark.slow
def test_two_devices_share_a_batch(tmp_path):
    alone = fit_messages(DATASET, form("kl"), QUICK, key=KEY).losses
    script = DEVICES.format(paths=[*filter(None, sys.path), str(Path(__file__).parent)])
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "losses.npy")],
        env={**os.environ, "XLA_FLAGS": "--xla_force_host_platform_device_count=2"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    # Gradients are summed over two halves of a batch: single precision in another order.
    np.testing.assert_allclose(np.load(tmp_path / "losses.npy"), alone, rtol=1e-5)


@pytest.mark.user_error
def test_pruning_needs_chunks_and_components():
    with pytest.raises(InputError, match=r"pruning ends after 0\.25 of 1 chunks, with none left to train in"):
        fit_messages(DATASET, form("pruning"), replace(QUICK, steps=10), key=KEY)
    with pytest.raises(InputError, match="pruning to 5 components needs as many; message_dim is 4"):
        fit_messages(DATASET, form("pruning"), replace(QUICK, pruning=Pruning(dimension=5)), key=KEY)
    with pytest.raises(InputError, match="mean nothing for a standard network"):
        fit_messages(DATASET, form("standard"), replace(QUICK, penalties=(1.0,)), key=KEY)


@pytest.mark.user_error
def test_a_state_of_another_training():
    other = message_trainer(DATASET, form("l1"), replace(QUICK, seeds=1), key=KEY).start()
    with pytest.raises(InputError, match=r"\(4, 1\) chunks and seeds; expected \(4, 2\)"):
        fit_messages(DATASET, form("l1"), QUICK, resume=other, key=KEY)
