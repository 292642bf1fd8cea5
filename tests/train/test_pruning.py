import equinox as eqx
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, strategies as st
from message_networks import DATASET, PAIRS, batch, small

from limbeck._errors import InputError
from limbeck.train import DimensionSearch, Pruning, pruned_share, to_device
from limbeck.train._dimension import removal_costs
from limbeck.train._pruning import PRUNING_SCHEDULES, ScheduledPruning, keep_largest, message_deviations


@pytest.mark.parametrize(
    ("schedule", "progress", "expected"),
    [
        ("linear", 0.25, 0.25),
        ("exponential", 0.5, 1 / (1 + np.exp(-1.5))),  # (1 - e^-k/2)/(1 - e^-k), k = 3
        ("cosine", 1 / 3, 0.25),
        ("cosine", 0.5, 0.5),
    ],
)
def test_schedules(schedule, progress, expected):
    assert pruned_share(schedule, progress) == pytest.approx(expected)


@pytest.mark.parametrize("schedule", PRUNING_SCHEDULES)
@given(one=st.floats(0.0, 2.0), two=st.floats(0.0, 2.0))
def test_schedules_rise_from_none_to_all(schedule, one, two):
    low, high = sorted((one, two))
    assert 0 <= pruned_share(schedule, low) <= pruned_share(schedule, high) <= 1
    assert (pruned_share(schedule, 0.0), pruned_share(schedule, 1.0)) == (0, 1)


@pytest.mark.parametrize("schedule", PRUNING_SCHEDULES)
@pytest.mark.parametrize("end", [0.65, 0.75, 0.85])
def test_components_that_are_left(schedule, end):
    """The published case: 100 components, 98 to go, an epoch a chunk, pruned from the first on."""
    hook = ScheduledPruning.prepare(Pruning(schedule=schedule, end=end), DATASET, 100)
    left = [hook.left(epoch, 100) for epoch in range(101)]
    last = round(100 * end)
    share = {
        "linear": lambda p: p,
        "exponential": lambda p: (1 - np.exp(-3 * p)) / (1 - np.exp(-3)),
        "cosine": lambda p: 1 - 0.5 * (1 + np.cos(np.pi * p)),
    }[schedule]
    expected = [100 - np.ceil(98 * share(min(t / last, 1)) - 1e-9) for t in range(101)]
    np.testing.assert_array_equal(left, expected)
    assert left[0] == 100
    assert left[1] < 100
    assert left[last] == left[100] == 2
    assert left[last - 1] > 2 or schedule != "linear"


def test_any_dimension_may_be_left():
    assert ScheduledPruning.prepare(Pruning(dimension=7), DATASET, 20).left(100, 100) == 7


@given(seed=st.integers(0, 2**32 - 1), count=st.integers(0, 6))
def test_the_largest_of_those_that_are_kept_stay(seed, count):
    rng = np.random.default_rng(seed)
    values, mask = rng.permutation(9).astype(float), np.zeros(9)
    mask[rng.permutation(9)[:6]] = 1
    new = keep_largest(values, mask, count)
    assert new.sum() == count
    assert (mask >= new).all()
    gone = (mask == 1) & (new == 0)
    if 0 < count < 6:
        assert values[new == 1].min() > values[gone].max()


def test_deviations_are_those_of_all_directed_edges():
    model = small(message_dim=3)
    states = DATASET.batch(DATASET.validation)
    forward, backward = model.edge_messages(to_device(states), PAIRS)
    expected = np.std(np.concatenate([np.asarray(forward), np.asarray(backward)]).reshape(-1, 3), axis=0)
    np.testing.assert_allclose(message_deviations(model, states, PAIRS), expected, rtol=1e-4)


def test_what_a_removal_costs():
    model, states = small("pruning", message_dim=3), batch()
    costs = np.asarray(removal_costs(model, states, PAIRS))
    for component in range(3):
        mask = (np.arange(3) != component).astype(np.float32)
        less = eqx.tree_at(lambda m: m.mask, model, mask)
        error = jnp.sum(jnp.abs(less(states, PAIRS) - states.targets))
        np.testing.assert_allclose(costs[component], error, rtol=1e-5)


@pytest.mark.user_error
@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Pruning(schedule="sudden"), "unknown pruning schedule 'sudden'"),
        (lambda: Pruning(end=1.0), "pruning.end must lie between 0 and 1; got 1.0"),
        (lambda: Pruning(dimension=-1), "must not be negative"),
        (lambda: ScheduledPruning.prepare(Pruning(dimension=9), DATASET, 8), "needs as many; message_dim is 8"),
        (lambda: DimensionSearch(begin=0.8), "must rise between 0 and 1"),
        (lambda: DimensionSearch(factor=1.0), "a factor above 1"),
    ],
)
def test_settings_that_mean_nothing(make, message):
    with pytest.raises(InputError, match=message):
        make()
