"""Negative controls: where there is no law, none is found."""

from dataclasses import replace

import numpy as np
import pytest

import limbeck
from limbeck import Study, Trajectories
from limbeck.train import TrainConfig

FIELDS = "translation,rotation,reflection,third-law,second-law,field"


def springs(seed: int, n_systems: int = 40) -> Trajectories:
    """Sound data, to be spoilt."""
    return limbeck.simulate("spring", n_systems=n_systems, n_steps=200, every=4, seed=seed)


def random_accelerations(seed: int) -> Trajectories:
    """Accelerations that have nothing to do with the states."""
    t = springs(seed)
    return replace(t, accelerations=np.random.default_rng(seed).normal(size=t.accelerations.shape))


def shuffled_accelerations(seed: int) -> Trajectories:
    """Accelerations that belong to another particle of the same moment."""
    t = springs(seed)
    shuffled = np.random.default_rng(seed).permuted(np.arange(t.n_nodes)[None, None] + 0 * t.present, axis=2)
    return replace(t, accelerations=np.take_along_axis(t.accelerations, shuffled[..., None], axis=2))


def free_particles(seed: int) -> Trajectories:
    """Straight lines at constant speed."""
    t = springs(seed)
    start, velocity = t.positions[:, :1], t.velocities[:, :1]
    elapsed = (t.times - t.times[:, :1])[..., None, None]
    still = np.zeros_like(t.accelerations)
    return replace(t, positions=start + velocity * elapsed, velocities=velocity + still, accelerations=still)


CONTROLS = {"random": random_accelerations, "shuffled": shuffled_accelerations, "free": free_particles}


@pytest.mark.parametrize("kind", CONTROLS)
def test_no_law_is_found_where_there_is_none(kind: str) -> None:
    study = Study(bias=FIELDS, train=TrainConfig(steps=500))
    found = limbeck.discover(CONTROLS[kind](0), study=study)
    assert found.verdict == "not found"
    assert found.reasons


def test_a_drive_is_named_where_no_law_is_found() -> None:
    t = springs(0)
    drive = np.cos(3.0 * t.times)[..., None, None] * np.array([2.0, 1.0]) * np.std(t.accelerations)
    found = limbeck.discover(
        replace(t, accelerations=t.accelerations + drive), study=Study(bias=FIELDS, train=TrainConfig(steps=500))
    )
    assert found.verdict == "not found"
    assert "alike for all particles at one time" in " ".join(found.reasons)


@pytest.mark.slow
def test_noise_in_snapshots_that_are_no_motion_hides_no_law() -> None:
    """Differences in time tell nothing of them: what the law leaves has to be seen to be noise."""
    t = springs(0)
    order = np.random.default_rng(0).permuted(np.broadcast_to(np.arange(t.n_times), t.present.shape[:2]), axis=1)
    mixed = {
        name: np.take_along_axis(getattr(t, name), order[..., None, None], axis=1)
        for name in ("positions", "velocities", "accelerations")
    }
    noise = 0.05 * np.median(np.abs(t.accelerations)) * np.random.default_rng(1).normal(size=t.accelerations.shape)
    mixed["accelerations"] = mixed["accelerations"] + noise
    found = limbeck.discover(replace(t, **mixed))
    assert found.verdict == "found", found.reasons
    assert "as noise is" in found.reasons[0]


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("kind", CONTROLS)
def test_no_law_is_found_with_default_settings(kind: str, seed: int) -> None:
    assert limbeck.discover(CONTROLS[kind](seed), study=Study(seed=seed)).verdict == "not found"
