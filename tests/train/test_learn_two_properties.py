"""Two properties that nobody gave, and drag beside one: known answers, from accelerations that a closed form makes."""

from dataclasses import replace

import numpy as np
import pytest
from train.test_learn_properties import driven, learned, moving, ratios

from limbeck.trajectories import Trajectories

OFF = ~np.eye(4, dtype=bool)


def masses_and_charges(n_systems: int = 12, *, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Unlike masses, and charges of both signs."""
    generator = np.random.default_rng(seed)
    m = generator.uniform(0.5, 3.0, size=(n_systems, 4))
    return m, generator.choice([-1.0, 1.0], size=m.shape) * generator.uniform(0.5, 2.0, size=m.shape)


def dragged(trajectories: Trajectories, factor: np.ndarray, *, seed: int = 7) -> Trajectories:
    """The same with velocities, and an acceleration `factor v` of every particle."""
    v = np.random.default_rng(seed).normal(size=trajectories.positions.shape)
    return replace(
        trajectories,
        velocities=v,
        accelerations=trajectories.accelerations + factor[:, None, :, None] * v,
    )


@pytest.mark.parametrize("seed", range(3))
def test_mass_and_charge_of_particles_of_their_own(seed: int) -> None:
    """Strengths q_i q_j / m_i: charges and masses come back, each simulation in a unit of charge of its own."""
    m, q = masses_and_charges(seed=seed)
    t = driven(
        moving(12, 60, 4, seed=seed), q[:, :, None] * q[:, None, :] / m[:, :, None], lambda r: 1.0 / (r + 0.3) ** 2
    )
    found, dataset = learned(t, "m", "q")
    assert str(found.reading) == "resists, the other couples"
    assert found.network(found.dataset(dataset)).validation_error < 2e-2
    units = q[np.arange(12), np.argmax(np.abs(q), axis=1)]
    np.testing.assert_allclose(np.abs(found.values["q"]).max(axis=1), 1.0)
    charge, mass = q / units[:, None], m / units[:, None] ** 2
    # Turns of least squares settle last where a simulation weighs least: the fit with the law does the rest.
    assert np.quantile(np.abs(found.values["q"] / charge - 1.0), 0.9) < 2e-2
    assert np.quantile(np.abs(ratios(found.values["m"], mass) - 1.0), 0.9) < 5e-2


def test_mass_and_charge_of_objects_that_return() -> None:
    """One set of objects in every snapshot: both in units of the largest."""
    m = np.array([[1.0, 0.4, 0.7, 0.2, 0.5]])
    q = np.array([[1.0, -0.6, 0.3, 0.5, -0.8]])
    t = driven(moving(1, 300, 5), q[:, :, None] * q[:, None, :] / m[:, :, None], lambda r: -2.0 / (r + 0.3))
    found, _ = learned(t, "m", "q")
    assert found.reading.role == "unlike"
    np.testing.assert_allclose(found.values["q"], q, atol=1e-2)
    np.testing.assert_allclose(found.values["m"], m, rtol=3e-2)


def test_of_gravity_only_one_property_is_needed() -> None:
    """Where all fall alike, inertia and coupling are one property; nothing is said of a second."""
    m, _ = masses_and_charges()
    t = driven(moving(12, 40, 4), np.broadcast_to(m[:, None, :], (12, 4, 4)), lambda r: -1.0 / (r + 0.2) ** 2)
    found, _ = learned(t, "m", "q")
    assert found.reading.role == "both"
    assert found.values.keys() == {"m"}
    assert "need no q" in found.reading.idle(found.names)["q"]


def test_two_bodies_do_not_tell_charge_from_mass() -> None:
    """Of a pair only the ratio of the masses shows, and the strength between them: one property says all of it."""
    generator = np.random.default_rng(4)
    m, q = generator.uniform(0.5, 3.0, size=(2, 20, 2))
    t = driven(moving(20, 60, 2), q[:, :, None] * q[:, None, :] / m[:, :, None], lambda r: -1.0 / (r + 0.2) ** 2)
    found, _ = learned(t, "m", "q")
    assert found.reading.role != "unlike"


@pytest.mark.parametrize("seed", range(2))
def test_random_accelerations_teach_neither(seed: int) -> None:
    """Twice as many numbers explain chance no better where it was not looked at."""
    t = moving(6, 40, 4, seed=seed)
    t = replace(t, accelerations=np.random.default_rng(seed).normal(size=t.positions.shape))
    found, dataset = learned(t, "m", "q")
    assert found.network(found.dataset(dataset)).validation_error > 0.5


@pytest.mark.parametrize("grows", [False, True])
def test_masses_beside_a_drag(grows: bool) -> None:
    """Springs between unequal masses, slowed by a force, or by one that grows with the mass."""
    m, _ = masses_and_charges()
    t = driven(moving(12, 40, 4), np.broadcast_to(1.0 / m[:, :, None], (12, 4, 4)), lambda r: -2.0 * (r - 1.0))
    t = dragged(t, np.full(m.shape, -0.8) if grows else -0.8 / m)
    found, dataset = learned(t, "m")
    assert (found.reading.role, found.reading.is_damped) == ("inertia", True)
    np.testing.assert_allclose(ratios(found.values["m"], m), 1.0, rtol=1e-2)
    assert found.damping is not None
    assert found.damping.grows == grows
    assert found.damping.drag == pytest.approx(-0.8 / (1.0 if grows else m.mean()), rel=1e-2)
    assert found.network(found.dataset(dataset)).validation_error < 1e-2


def test_masses_beside_a_friction_of_pairs() -> None:
    """Dampers beside the springs: each pair is slowed along its relative velocity."""
    m, _ = masses_and_charges()
    t = driven(moving(12, 40, 4), np.broadcast_to(1.0 / m[:, :, None], (12, 4, 4)), lambda r: -2.0 * (r - 1.0))
    v = np.random.default_rng(8).normal(size=t.positions.shape)
    slowed = -0.5 * (4 * v - v.sum(axis=2, keepdims=True)) / m[:, None, :, None]
    found, dataset = learned(replace(t, velocities=v, accelerations=t.accelerations + slowed), "m")
    assert found.reading.is_damped
    np.testing.assert_allclose(ratios(found.values["m"], m), 1.0, rtol=1e-2)
    assert found.damping is not None
    assert found.damping.friction == pytest.approx(-0.5 / m.mean(), rel=1e-2)
    assert found.network(found.dataset(dataset)).validation_error < 1e-2


def test_without_drag_none_is_claimed() -> None:
    """Velocities that do nothing, and noise that a drag would explain a little of."""
    m, _ = masses_and_charges()
    t = driven(moving(12, 40, 4), np.broadcast_to(1.0 / m[:, :, None], (12, 4, 4)), lambda r: -2.0 * (r - 1.0))
    size = np.linalg.norm(t.accelerations, axis=-1, keepdims=True)
    shaken = t.accelerations + 0.02 * size * np.random.default_rng(9).normal(size=t.accelerations.shape)
    found, _ = learned(replace(dragged(t, np.zeros(m.shape)), accelerations=shaken), "m")
    assert not found.reading.is_damped
    assert found.damping is None
