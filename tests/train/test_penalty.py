import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from message_networks import DATASET, PAIRS, arrays, batch, small
from scipy.stats import norm

from limbeck.train import kl_per_edge, l1_per_edge, penalty_factor
from limbeck.train._penalty import PENALTY_SCALES, message_penalty, weight_penalty

SEEDS = st.integers(0, 2**32 - 1)


@given(seed=SEEDS)
@settings(max_examples=10)
def test_kl_is_the_divergence_plus_a_half_each(seed):
    """KL(N(μ, σ²) | N(0, 1)) by quadrature; the published form leaves out its -1/2."""
    mean, log_variance = np.random.default_rng(seed).normal(size=(2, 3))
    divergence = 0.0
    for mu, sigma in zip(mean, np.exp(0.5 * log_variance), strict=True):
        here = norm(mu, sigma)
        divergence += here.expect(lambda y, here=here: here.logpdf(y) - norm.logpdf(y))
    found = kl_per_edge(mean.astype(np.float32), log_variance.astype(np.float32))
    np.testing.assert_allclose(float(found), divergence + 1.5, rtol=1e-5)


def test_a_standard_normal_costs_a_half_for_each_component():
    np.testing.assert_allclose(kl_per_edge(np.zeros((2, 7), np.float32), np.zeros((2, 7), np.float32)), [3.5, 3.5])


@given(seed=SEEDS)
def test_l1_is_the_sum_of_sizes(seed):
    messages = np.random.default_rng(seed).normal(size=(5, 3))
    np.testing.assert_allclose(l1_per_edge(messages.astype(np.float32)), np.abs(messages).sum(axis=-1), rtol=1e-5)


@pytest.mark.parametrize("size", ["standard", "bottleneck", "pruning", "l1", "kl"])
def test_the_penalty_is_a_mean_over_edges_that_act(size):
    model, states = small(size, message_dim=3), batch()
    forward = np.random.default_rng(0).integers(0, 2, states.forward.shape).astype(np.float32)
    states = states._replace(forward=jnp.asarray(forward), backward=jnp.ones(forward.shape))
    s = model.edge_statistics(states, PAIRS)
    expected = 0.0
    if size == "l1":
        expected = [np.abs(m).sum(axis=-1) for m in (s.forward, s.backward)]
    if size == "kl":
        expected = [kl_per_edge(*m) for m in zip(s[:2], s[2:], strict=True)]
    if size in ("l1", "kl"):
        cost, acts = np.stack([np.asarray(e) for e in expected]), np.stack([forward, np.ones_like(forward)])
        expected = (cost * acts).sum() / acts.sum()
    np.testing.assert_allclose(float(message_penalty(model, s, states)), expected, rtol=1e-5)


def test_the_four_scales_are_those_of_their_sources():
    """The factors that stand in the table: 48 and 14 for the notebook, 64 times the reproduction's."""

    def factors(n, b):
        return {s: penalty_factor(s, batch_size=b, n_nodes=n, message_dim=100) for s in PENALTY_SCALES}

    four, eight = factors(4, 64), factors(8, 16)
    assert (four["edge"], four["batch"], eight["batch"]) == (1.0, 48.0, 14.0)
    assert four["batch"] / four["pair"] == pytest.approx(64)
    assert four["component"] == pytest.approx(0.01)


def test_the_notebook_sums_over_the_batch():
    """Its loss per graph: 1e-2 B sum over edges of the batch, over n, over B; all of it is n times ours."""
    model, states, b, n = small("l1", message_dim=3), batch(5), 5, 4
    s = model.edge_statistics(states, PAIRS)
    total = float(np.abs(s.forward).sum() + np.abs(s.backward).sum())
    notebook = b * total / n / b
    factor = penalty_factor("batch", batch_size=b, n_nodes=n, message_dim=3)
    np.testing.assert_allclose(n * factor * float(message_penalty(model, s, states)), notebook, rtol=1e-5)
    assert DATASET.trajectories.n_nodes == n


def test_weights_cost_their_squares_and_masks_nothing():
    model = small("pruning", message_dim=3)
    values = np.concatenate([leaf.ravel() for leaf in arrays((model.edge_model, model.node_model))])
    np.testing.assert_allclose(weight_penalty(model, "sum"), (values**2).sum(), rtol=1e-5)
    np.testing.assert_allclose(weight_penalty(model, "mean"), (values**2).mean(), rtol=1e-5)
