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


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("kind", CONTROLS)
def test_no_law_is_found_with_default_settings(kind: str, seed: int) -> None:
    assert limbeck.discover(CONTROLS[kind](seed), study=Study(seed=seed)).verdict == "not found"
