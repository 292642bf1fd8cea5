"""Sizes of message components against closed forms."""

import message_records
import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.integrate import quad
from scipy.stats import norm

from limbeck.analyse import importance, kl_divergence, participation_ratio


@given(mu=st.floats(-3, 3), log_variance=st.floats(-4, 2))
def test_the_divergence_is_its_integral(mu, log_variance):
    deviation = np.exp(0.5 * log_variance)
    own, standard = norm(mu, deviation), norm(0, 1)
    ends = mu - 12 * deviation, mu + 12 * deviation
    expected, _ = quad(lambda x: own.pdf(x) * (own.logpdf(x) - standard.logpdf(x)), *ends, points=[mu], limit=200)
    found = kl_divergence(np.array([[mu]]), np.array([[log_variance]]))[0, 0]
    assert found == pytest.approx(expected, abs=1e-7)


def test_a_standard_normal_diverges_from_nothing():
    assert kl_divergence(np.zeros((1, 1)), np.zeros((1, 1)))[0, 0] == 0.0


@pytest.mark.parametrize(
    ("spectrum", "expected"),
    [([1.0, 1.0, 1.0], 3.0), ([5.0, 0.0, 0.0], 1.0), ([2.0, 1.0], 9 / 5), ([1e200, 1e200], 2.0), ([1e-300], 1.0)],
)
def test_effective_dimension_of_known_spectra(spectrum, expected):
    assert participation_ratio(np.array(spectrum)) == pytest.approx(expected)


def test_messages_that_never_vary_have_no_dimension():
    found = importance(message_records.record(messages=np.full((1600, 5), 0.1)))
    assert found.effective_dimension is None
    assert (found.n_components, found.n_directions) == (0, 0)


def test_sizes_are_in_the_order_of_the_network():
    rng = np.random.default_rng(0)
    messages = rng.normal(size=(1600, 4)) * [0.1, 3.0, 0.0, 1.0] + [0, 0, 7.0, 0]
    found = importance(message_records.record(messages=messages))
    assert found.criterion == "standard deviation"
    assert found.order.tolist() == [1, 3, 0, 2]
    np.testing.assert_allclose(found.standard_deviations, np.std(messages, axis=0))
    np.testing.assert_allclose(found.variances, np.var(messages, axis=0))
    assert found.spectrum.sum() == pytest.approx(found.variances.sum())
    assert (found.n_components, found.n_directions) == (2, 2)


def test_mixed_copies_of_two_signals_have_two_directions():
    rng = np.random.default_rng(0)
    found = importance(message_records.record(messages=rng.normal(size=(1600, 2)) @ rng.normal(size=(2, 30))))
    assert found.n_directions <= 2 < found.n_components
    assert 1.0 <= found.effective_dimension <= 2.0 + 1e-9


def test_distributions_are_ranked_by_divergence():
    messages = np.zeros((1600, 2))
    messages[:, 0] = np.tile([1.0, -1.0], 800)
    sure = np.tile([0.0, -9.0], (1600, 1))  # the second never varies, but is certain of it
    found = importance(message_records.record(messages=messages, log_variances=sure))
    assert found.criterion == "KL divergence"
    assert found.order.tolist() == [1, 0]
    np.testing.assert_allclose(found.kl_divergences, [0.5, 0.5 * (np.exp(-9.0) - 1 + 9.0)])
