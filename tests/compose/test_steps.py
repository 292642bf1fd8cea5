"""Steps of the integrator: many where a close encounter asks for them, few elsewhere, and no window lost for it."""

import jax
import numpy as np
import pytest
from compose.planted import law_of

from limbeck.compose._follow import followed, form_of
from limbeck.compose._steps import ACCURATE, CHUNK, FEW, MANY, begin, chunks_of
from limbeck.compose._windows import windows_of
from limbeck.graphs import connect
from limbeck.simulate import simulate
from limbeck.trajectories import load_trajectories, to_frame

LAW = law_of(radial="-1.0*m_1*m_2/(r + 0.01)**2", inertia="m_1")


@pytest.fixture(scope="module")
def problem():
    exact = simulate("r2", n_systems=14, n_steps=1000, n_nodes=3, seed=0)
    frame = to_frame(exact)[["simulation", "time", "particle", "m"]].copy()
    rng = np.random.default_rng(1)
    frame[["x", "y"]] = (exact.positions + 2e-3 * rng.normal(size=exact.positions.shape)).reshape(-1, 2)
    dataset = connect(load_trajectories(frame), seed=0)
    windows = windows_of(dataset)
    assert windows is not None
    with jax.enable_x64(True):
        yield form_of(LAW, dataset), windows, chunks_of(form_of(LAW, dataset), LAW.constants, windows)


def test_every_window_is_in_one_chunk_at_most_and_chunks_have_one_size(problem):
    _, windows, chunks = problem
    members = [np.unique(chunk.rows) for chunk in chunks]
    together = np.concatenate(members)
    assert len(np.unique(together)) == len(together) > 0.9 * len(windows)
    assert all(len(chunk.rows) == CHUNK for chunk in chunks)


def test_only_close_encounters_get_many_steps(problem):
    _, windows, chunks = problem
    n_steps = windows.spans.shape[1]
    assert np.all(chunks[0].substeps == FEW)
    assert chunks[-1].substeps.max() == MANY
    assert chunks[-1].substeps.sum() < 0.5 * MANY * n_steps


def test_windows_are_followed_as_exactly_as_their_noise_asks(problem):
    form, windows, chunks = problem
    states = windows.start.positions, windows.start.velocities
    for rows, substeps in chunks:
        start, spans = begin(states, windows, rows), windows.spans[rows]
        x, _ = followed(form, LAW.constants, start, spans, substeps)
        finer, _ = followed(form, LAW.constants, start, spans, 4 * substeps)
        assert np.all(np.abs(np.asarray(x - finer)) * windows.weights[rows][..., None] < 2 * ACCURATE)
