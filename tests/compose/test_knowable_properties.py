"""What accelerations do not tell of properties is said, and spoils nothing of what they do tell."""

from dataclasses import replace

import numpy as np
import pytest
from compose.test_fit_properties import GRAVITY
from train.test_learn_properties import driven, learned, moving

from limbeck.compose import Law, fit_properties, with_properties_fitted
from limbeck.compose._compose import ComposedLaw
from limbeck.expressions import parse
from limbeck.graphs import GraphDataset, connect
from limbeck.train import with_property
from limbeck.trajectories import Edges, Trajectories, objects_return

CHARGES = Law(components={"radial": parse("1.1*q_1*q_2/(r + 0.3)**2")}, dim=2)
SPRINGS = Law(components={"radial": parse("-2.2*(r - 1.0)"), "inertia": parse("m_1")}, dim=2)


def coulomb(r):
    """Force between unit charges."""
    return 1.1 / (r + 0.3) ** 2


def pairs(t: Trajectories, acts: np.ndarray) -> Trajectories:
    """Edges of a table of who acts (receivers by senders), the same in every simulation."""
    receivers, senders = np.nonzero(acts)
    return replace(t, edges=Edges(system=np.full(len(senders), -1), senders=senders, receivers=receivers))


def noisy(t: Trajectories, noise: float, seed: int = 7) -> Trajectories:
    """Accelerations with noise in parts of each one's size."""
    size = np.linalg.norm(t.accelerations, axis=-1, keepdims=True)
    shaken = noise * size * np.random.default_rng(seed).normal(size=t.accelerations.shape)
    return replace(t, accelerations=t.accelerations + shaken)


def begun(t: Trajectories, **properties: np.ndarray) -> GraphDataset:
    """Graphs whose properties are known a little wrong."""
    dataset, generator = connect(t, seed=0, by_time=not objects_return(t)), np.random.default_rng(5)
    for name, values in properties.items():
        dataset = with_property(dataset, name, values * generator.uniform(0.97, 1.03, size=values.shape))
    return dataset


def composed(law: Law) -> ComposedLaw:
    """A law as the search hands it on."""
    return ComposedLaw(law=law, estimates=(), front=(), others=(), is_stable=True, tried=1)


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_charges_that_meet_one_other_only_are_not_made_up(noise: float) -> None:
    """Twice the charge in the middle and half of all others, and every strength is the same."""
    q = np.array([[3.0, 1.0, -0.5, 0.7, 2.0]])
    star = np.zeros((5, 5))
    star[0, 1:] = star[1:, 0] = 1
    t = pairs(driven(moving(1, 120, 5), q[:, :, None] * q[:, None, :] * star, coulomb), star)
    dataset = begun(noisy(t, noise), q=q)
    dataset = with_property(dataset, "q", dataset.trajectories.attributes["q"] / 3.0)
    law, found = with_properties_fitted(composed(CHARGES), ("q",), dataset)
    assert not found["q"].determined[0, 1:].any()
    assert len(law.law.constants) == 2  # not fixed at 1, which would make up the others


@pytest.mark.parametrize("noise", [1e-10, 1e-7, 0.01])
def test_of_two_charges_only_the_product_is_known_however_small_the_noise(noise: float) -> None:
    q = np.random.default_rng(2).uniform(0.5, 2.0, size=(20, 2))
    t = driven(moving(20, 60, 2), q[:, :, None] * q[:, None, :], coulomb)
    found = fit_properties(CHARGES, ("q",), begun(noisy(t, noise), q=q))
    assert not found["q"].determined.any()


@pytest.mark.parametrize("n_systems", [1, 8])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_a_body_that_only_feels_has_no_mass_and_spoils_no_other(n_systems: int, noise: float) -> None:
    """Its own mass cancels but for rounding, which had given it one of 1e87."""
    m = np.random.default_rng(1).uniform(0.5, 3.0, size=(n_systems, 5))
    m[:, 0] = 4.0
    acts = 1.0 - np.eye(5)
    acts[:, 4] = 0
    t = driven(
        moving(n_systems, 120, 5), np.broadcast_to(m[:, None, :], (n_systems, 5, 5)) * acts, lambda r: -1.3 / r**2
    )
    found = fit_properties(GRAVITY, ("m",), begun(noisy(pairs(t, acts), noise), m=m))["m"]
    assert np.isinf(found.standard_errors[:, 4]).all()
    assert found.determined[:, :4].all()
    known, true = found.values[:, :4], m[:, :4]
    unit = known[0, 0] / true[0, 0]
    np.testing.assert_allclose(known / true / unit, 1.0, rtol=1e-8 if noise == 0 else 0.02)


def test_a_body_that_meets_nobody_leaves_the_others_their_unit() -> None:
    """In one simulation of many, and the sentence says whose mean it is."""
    m = np.random.default_rng(1).uniform(0.5, 3.0, size=(6, 4))
    acts = np.ones((6, 1, 1)) * (1.0 - np.eye(4))
    acts[0, 3] = acts[0, :, 3] = 0
    t = driven(moving(6, 60, 4), acts / m[:, :, None], lambda r: -2.2 * (r - 1.0))
    system, receivers, senders = np.nonzero(acts)
    t = replace(t, edges=Edges(system=system, senders=senders, receivers=receivers))
    found = fit_properties(SPRINGS, ("m",), begun(noisy(t, 0.01), m=m))["m"]
    assert found.determined.sum() == 23
    assert not found.determined[0, 3]
    assert "of all that are determined" in found.scale
    known = np.ones((6, 4), dtype=bool)
    known[0, 3] = False
    np.testing.assert_allclose(found.values[known], m[known] / m[known].mean(), rtol=0.02)


def test_masses_are_learned_beside_a_body_that_no_force_reaches() -> None:
    m = np.array([[1.0, 2.0, 0.5, 1.5, 0.7]])
    acts = 1.0 - np.eye(5)
    acts[4] = acts[:, 4] = 0
    t = pairs(driven(moving(1, 120, 5), acts / m[:, :, None], lambda r: -2.2 * (r - 1.0)), acts)
    found, _ = learned(t, "m")
    np.testing.assert_allclose(found.values["m"][0, :4], m[0, :4] / 2.0, rtol=1e-3)
    assert np.isfinite(found.values["m"]).all()


def test_noise_does_not_weaken_a_law() -> None:
    """Noise that makes an acceleration larger must not take from its weight: that had cost eleven errors at 30 %."""
    m = np.array([[1.0, 0.5, 0.3, 0.2]])
    t = driven(moving(1, 800, 4), np.broadcast_to(m[:, None, :], (1, 4, 4)), lambda r: -1.3 / (r + 0.5) ** 2)
    law = Law(components={"radial": parse("-1.3*m_1*m_2/(r + 0.5)**2"), "inertia": parse("m_1")}, dim=2)
    typical = np.median(np.linalg.norm(t.accelerations, axis=-1), axis=1)[:, None, :, None]
    pulls = []
    for seed in range(4):
        shaken = 0.3 * typical * np.random.default_rng(seed).normal(size=t.accelerations.shape)
        found = fit_properties(law, ("m",), begun(replace(t, accelerations=t.accelerations + shaken), m=m))
        pulls.append((found.law.constants[0] + 1.3) / found.errors[0])
    assert abs(np.mean(pulls)) < 1.5


def test_each_set_that_acts_on_itself_has_a_sign_of_its_own() -> None:
    """Two sets of shared objects that never meet: whatever the signs at the start, the largest of each is positive."""
    q = np.array([[2.0, -0.5, 1.0], [1.5, 0.7, -1.2]])
    t = driven(moving(2, 120, 3, shared=True), q[:, :, None] * q[:, None, :], coulomb)
    t = replace(t, particle_names=(("a", "b", "c"), ("d", "e", "f")))
    one, other = (
        fit_properties(CHARGES, ("q",), begun(noisy(t, 0.01), q=q * signs))["q"]
        for signs in (1.0, np.array([[-1.0], [1.0]]))
    )
    np.testing.assert_allclose(one.values, q / 2.0, rtol=0.02)
    np.testing.assert_allclose(other.values, one.values, rtol=1e-6)
    assert "one sign of each set" in one.scale


def test_a_property_that_the_law_lacks_spoils_neither_unit_nor_levels_of_another() -> None:
    generator = np.random.default_rng(4)
    m, q = generator.choice([1.0, 2.5], size=(10, 4)), generator.uniform(0.5, 2.0, size=(10, 4))
    t = noisy(driven(moving(10, 60, 4), 1.0 / m[:, :, None] * np.ones((10, 4, 4)), lambda r: -2.2 * (r - 1.0)), 0.01)
    _, found = with_properties_fitted(composed(SPRINGS), ("m", "q"), begun(t, m=m, q=q))
    assert found["m"].levels is not None
    assert len(found["m"].levels.values) == 2
    assert found["m"].comparable
    assert found["q"].scale == "not determined: the accelerations need no q"
    assert np.isinf(found["q"].standard_errors).all()


def test_shared_particles_without_names_are_the_same_by_their_place() -> None:
    m = np.array([[1.0, 0.5, 0.3, 0.2]])
    t = driven(moving(3, 60, 4, shared=True), np.broadcast_to(m[:, None, :], (3, 4, 4)), lambda r: -1.3 / r**2)
    found = fit_properties(GRAVITY, ("m",), begun(replace(t, particle_names=()), m=np.repeat(m, 3, axis=0)))["m"]
    np.testing.assert_allclose(found.values, np.repeat(m, 3, axis=0), rtol=1e-8)
