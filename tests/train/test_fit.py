from dataclasses import replace

import jax
import numpy as np
import pytest
from clouds import cloud, padded

from limbeck._errors import InputError, TrainingDiverged
from limbeck.graphs import connect
from limbeck.models import STRONGEST, Biases, ModelConfig
from limbeck.simulate import simulate
from limbeck.train import TrainConfig, fit, initial_state, relative_errors
from limbeck.train._fit import _Trainer
from limbeck.trajectories import Edges

SMALL_MODEL = ModelConfig(width=16, depth=1)
QUICK = TrainConfig(patience=1.0, steps=40, batch_size=8, chunk=10, seeds=2)
KEY = jax.random.key(5)


@pytest.fixture(scope="module")
def dataset():
    return connect(cloud(1, n_systems=20), seed=0)


def leaves(tree):
    return [np.asarray(leaf) for leaf in jax.tree.leaves(tree)]


def assert_same(one, two):
    for a, b in zip(leaves(one), leaves(two), strict=True):
        np.testing.assert_array_equal(a, b)


def remember(states, stop=None):
    """Keep every state, as files would; end training after some chunk."""

    def progress(state, n_chunks):
        states.append(jax.tree.map(np.array, state._replace(chunk=int(state.chunk))))
        return state.chunk != stop

    return progress


@pytest.fixture(scope="module")
def whole(dataset):
    states = []
    return fit(dataset, STRONGEST, SMALL_MODEL, QUICK, progress=remember(states), key=KEY), states


@pytest.mark.parametrize("chunk", [1, 2, 3, 4])
def test_resumed_from_any_chunk_the_weights_are_the_same(dataset, whole, chunk):
    trained, states = whole
    assert states[chunk - 1].chunk == chunk
    later = fit(dataset, STRONGEST, SMALL_MODEL, QUICK, resume=states[chunk - 1], key=KEY)
    assert_same(later.model, trained.model)
    np.testing.assert_array_equal(later.errors, trained.errors)
    np.testing.assert_array_equal(later.losses, trained.losses)
    assert (later.steps, later.status) == (trained.steps, "finished")


def test_resumed_from_the_start(dataset, whole):
    start = initial_state(dataset, STRONGEST, SMALL_MODEL, QUICK, key=KEY)
    assert jax.tree.structure(start) == jax.tree.structure(whole[1][0])
    assert_same(fit(dataset, STRONGEST, SMALL_MODEL, QUICK, resume=start, key=KEY).model, whole[0].model)


def test_another_key_is_another_training(dataset, whole):
    other = fit(dataset, STRONGEST, SMALL_MODEL, QUICK, key=jax.random.key(6))
    assert not np.array_equal(other.errors, whole[0].errors)


def test_the_best_seed_and_its_best_weights_are_kept(dataset, whole):
    trained, _ = whole
    assert trained.errors.shape == trained.losses.shape == (4, 2)
    assert trained.validation_error == trained.errors.min()
    batch = dataset.batch(dataset.validation)
    found = np.median(relative_errors(trained.accelerations(batch), batch))
    assert found == pytest.approx(trained.validation_error, rel=1e-5)


def test_the_clock_may_end_it(dataset):
    states = []
    trained = fit(dataset, STRONGEST, SMALL_MODEL, QUICK, progress=remember(states, stop=2), key=KEY)
    assert (trained.status, trained.steps, trained.errors.shape) == ("out of time", 20, (2, 2))


def test_a_chunk_is_no_longer_than_the_training(dataset):
    trained = fit(dataset, STRONGEST, ModelConfig(width=4, depth=1), replace(QUICK, steps=6, seeds=1), key=KEY)
    assert (trained.steps, trained.errors.shape) == (6, (1, 1))


def test_snapshots_of_many_particles_make_small_batches(dataset):
    crowd = connect(cloud(n_systems=3, n_times=2, n_nodes=80), seed=0)
    sizes = [_Trainer.prepare(d, STRONGEST, SMALL_MODEL, QUICK, KEY).batch_size for d in (dataset, crowd)]
    assert sizes == [QUICK.batch_size, 16_384 // 3160]


def test_one_seed_of_several_may_diverge(dataset):
    trainer = _Trainer.prepare(dataset, STRONGEST, SMALL_MODEL, QUICK, KEY)
    start = trainer.start()
    broken = jax.tree.map(
        lambda leaf: np.where(np.arange(2).reshape(-1, *[1] * (leaf.ndim - 1)) == 0, np.nan, leaf), start.weights
    )
    state = start._replace(weights=jax.tree.map(lambda leaf: leaf.astype(np.float32), broken))
    trained = fit(dataset, STRONGEST, SMALL_MODEL, QUICK, resume=state, key=KEY)
    assert np.isinf(trained.errors[:, 0]).all()
    assert np.isfinite(trained.validation_error)
    assert all(np.isfinite(leaf).all() for leaf in leaves(trained.model))


def test_divergence_is_an_error(dataset):
    start = initial_state(dataset, STRONGEST, SMALL_MODEL, QUICK, key=KEY)
    weights = jax.tree.map(lambda leaf: np.full_like(leaf, np.nan), start.weights)
    with pytest.raises(TrainingDiverged, match="diverged in step 10; try a lower"):
        fit(dataset, STRONGEST, SMALL_MODEL, QUICK, resume=start._replace(weights=weights), key=KEY)


def stopped(dataset, errors, *, n_chunks, goal=3e-2):
    """Whether a training with these best errors so far would be given up."""
    config = replace(QUICK, steps=10 * n_chunks, seeds=1, patience=0.4)
    trainer = _Trainer.prepare(dataset, STRONGEST, SMALL_MODEL, config, KEY)
    history = np.full((n_chunks, 1), np.nan)
    history[: len(errors), 0] = errors
    return trainer.is_hopeless(trainer.start()._replace(chunk=len(errors), errors=history), goal)


@pytest.mark.parametrize(
    ("errors", "expected"),
    [
        ([1.0, 1.0, 1.0], False),  # patience of 4 of 10 chunks
        ([1.0, 0.99, 0.98, 0.97], True),  # nothing was learnt
        ([0.8, 0.5, 0.49, 0.48], True),  # nothing more is learnt
        ([0.8, 0.5, 0.44, 0.50], False),  # still falling by more than a tenth
        ([0.1, 0.08, 0.08, 0.08], False),  # near the goal
        ([np.inf, np.inf, np.inf, np.inf], True),
    ],
)
def test_when_a_training_is_given_up(dataset, errors, expected):
    assert stopped(dataset, errors, n_chunks=10) == expected


def test_the_goal_decides_what_is_near(dataset):
    assert not stopped(dataset, [0.5, 0.4, 0.4, 0.4], n_chunks=10, goal=0.2)
    assert stopped(dataset, [0.1, 0.08, 0.08, 0.08], n_chunks=10, goal=1e-2)


def test_random_accelerations_are_given_up_and_a_resumed_training_too():
    dataset = connect(cloud(1, n_systems=20, law=False), seed=0)
    config, states = replace(QUICK, steps=80, seeds=1, patience=0.4), []
    trained = fit(dataset, STRONGEST, SMALL_MODEL, config, progress=remember(states), key=KEY)
    assert trained.status == "stopped early"
    assert trained.validation_error > 0.7
    again = fit(dataset, STRONGEST, SMALL_MODEL, config, resume=states[-1], key=KEY)
    assert (again.status, again.steps) == ("stopped early", trained.steps)
    assert_same(again.model, trained.model)


@pytest.mark.parametrize(
    "biases",
    [
        pytest.param(STRONGEST, marks=pytest.mark.slow),
        pytest.param(replace(STRONGEST, third_law=False), marks=pytest.mark.slow),
        Biases(translation=True),
    ],
    ids=["strongest", "no third law", "translation"],
)
def test_a_spring_is_learnt(biases):
    dataset = connect(simulate("spring", n_systems=60, n_steps=40, seed=1), seed=0)
    config = TrainConfig(steps=400, batch_size=32, chunk=100, patience=1.0)
    trained = fit(dataset, biases, ModelConfig(width=32, depth=2), config, key=KEY)
    assert trained.status == "finished"
    # Twenty times fewer steps than by default, so only the order of magnitude is asked for.
    assert trained.validation_error < (0.1 if biases.rotation else 0.5)
    test = dataset.batch(dataset.test)
    assert np.median(relative_errors(trained.accelerations(test), test)) < 2 * trained.validation_error


AWKWARD = {
    "no attributes, one dimension": cloud(1, dim=1, names=()),
    "numbers of particles, radius, missing targets": padded(cloud(1, radius=1.5), 2),
    "at rest": replace(cloud(1), accelerations=np.zeros((9, 8, 4, 2)), velocities=np.zeros((9, 8, 4, 2))),
    "mostly at rest, directed edges": cloud(
        1, edges=Edges(system=np.full(2, -1), senders=np.array([0, 0]), receivers=np.array([1, 2]))
    ),
}
AWKWARD["numbers of particles, radius, missing targets"].accelerations[:, :, 0] = np.nan
AWKWARD["mostly at rest, directed edges"].accelerations[:, :, 1:] = 0.0


@pytest.mark.parametrize("name", AWKWARD)
def test_awkward_data_train(name):
    config = replace(QUICK, steps=4, chunk=2, seeds=1, patience=1.0)
    trained = fit(connect(AWKWARD[name], seed=0), STRONGEST, ModelConfig(width=4, depth=1), config, key=KEY)
    assert np.isfinite(trained.losses).all()
    assert np.isfinite(trained.errors).all()


def test_where_the_origin_lies_costs_no_precision():
    near, far = connect(cloud(1), seed=0), connect(cloud(1), seed=0)
    moved = replace(far.trajectories, positions=far.trajectories.positions + 1e6)
    far = replace(far, trajectories=moved)
    trained = fit(near, STRONGEST, SMALL_MODEL, replace(QUICK, steps=10), key=KEY)
    here, there = (trained.accelerations(d.batch(near.test)) for d in (near, far))
    # Single precision holds 0.06 at 1e6; measured from the middle only float64's 1e-10 is lost.
    np.testing.assert_allclose(there, here, rtol=1e-3, atol=1e-4)


def test_a_prediction_does_not_depend_on_the_others_of_its_batch():
    states = padded(cloud(1))
    states.positions[5:] += 1e8
    dataset = connect(states, seed=0)
    trained = fit(dataset, STRONGEST, ModelConfig(width=4, depth=1), replace(QUICK, steps=2, seeds=1), key=KEY)
    alone, among = (trained.accelerations(dataset.batch(np.array(rows))) for rows in ([[0, 0]], [[0, 0], [7, 0]]))
    np.testing.assert_allclose(alone[0], among[0], rtol=1e-5)


@pytest.mark.user_error
@pytest.mark.parametrize("factor", [2e42, 1e-42])
def test_attributes_that_single_precision_cannot_hold(factor):
    states = cloud(1)
    dataset = connect(replace(states, attributes={"m": states.attributes["m"] * factor}), seed=0)
    with pytest.raises(InputError, match=r"attribute 'm' reaches .*; give it in another unit"):
        fit(dataset, STRONGEST, SMALL_MODEL, QUICK, key=KEY)


@pytest.mark.user_error
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"steps": 0}, "train.steps must be at least 1; got 0"),
        ({"seeds": -1}, "train.seeds must be at least 1"),
        ({"learning_rate": 0.0}, "train.learning_rate must be positive"),
        ({"relative": float("nan")}, "train.relative must be positive"),
        ({"patience": 1.5}, "between 0 and 1"),
    ],
)
def test_settings_out_of_range(setting, message):
    with pytest.raises(InputError, match=message):
        TrainConfig(**setting)


@pytest.mark.user_error
def test_a_state_of_another_training(dataset):
    other = initial_state(dataset, STRONGEST, SMALL_MODEL, replace(QUICK, seeds=1), key=KEY)
    with pytest.raises(InputError, match=r"\(4, 1\) chunks and seeds; expected \(4, 2\)"):
        fit(dataset, STRONGEST, SMALL_MODEL, QUICK, resume=other, key=KEY)
