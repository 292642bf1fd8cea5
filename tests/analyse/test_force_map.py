"""The map from messages to forces, against messages that were made with a known one."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from limbeck.analyse import force_map


def made(seed, dim=2, components=None, *, n=600, noise=0.0, offset=0.0):
    """Unit vectors, kernels of both signs over orders of magnitude, and messages that carry them."""
    rng = np.random.default_rng(seed)
    unit = rng.normal(size=(n, dim))
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    kernel = rng.normal(size=n) * np.exp(2.0 * rng.normal(size=n))
    components = components or dim
    left, _, right = np.linalg.svd(rng.normal(size=(dim, components)), full_matrices=False)
    mixing = left @ np.diag(np.exp(rng.uniform(-1.0, 1.0, dim))) @ right  # condition number below e² = 7.4
    messages = (kernel[:, None] * unit) @ mixing + noise * rng.normal(size=(n, components))
    return unit, kernel, messages + offset * rng.normal(size=components)


@given(st.integers(0, 10**6), st.sampled_from([2, 3]), st.integers(0, 8))
def test_messages_become_the_kernel_along_the_pair(seed, dim, more):
    unit, kernel, messages = made(seed, dim, dim + more)
    found = force_map(messages, unit, antisymmetric=True)
    assert found is not None
    forces = messages @ found.to_force
    ratio = np.sum(forces * unit, axis=1) / kernel
    np.testing.assert_allclose(ratio, ratio[0], rtol=1e-6)
    np.testing.assert_allclose(forces, ratio[0] * kernel[:, None] * unit, atol=1e-6 * abs(ratio[0]))
    assert found.along == pytest.approx(1.0, abs=1e-9)


@pytest.mark.parametrize("components", [2, 20])
def test_noise_of_small_messages_and_an_offset_leave_the_map(components):
    unit, kernel, messages = made(3, 2, components, n=4_000, noise=0.02, offset=1.0)
    found = force_map(messages, unit, antisymmetric=False)
    assert found is not None
    forces = (messages - found.offset) @ found.to_force
    large = np.abs(kernel) > 1.0
    ratio = np.sum(forces * unit, axis=1)[large] / kernel[large]
    np.testing.assert_allclose(ratio, np.median(ratio), rtol=0.2)
    assert found.along > 0.99


def test_messages_that_know_nothing_of_the_pair_are_not_along_it():
    unit, _, _ = made(1)
    messages = np.random.default_rng(2).normal(size=unit.shape)
    found = force_map(messages, unit, antisymmetric=True)
    assert found is None or found.along < 0.7


@pytest.mark.parametrize("components", [1, 2, 5])
def test_too_few_directions_are_no_force(components):
    unit, kernel, _ = made(4)
    messages = (kernel * unit[:, 0])[:, None] * np.ones(components)
    assert force_map(messages, unit, antisymmetric=True) is None
    assert force_map(np.zeros((len(unit), components)), unit, antisymmetric=True) is None
