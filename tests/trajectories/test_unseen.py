"""Particles that are not seen for a while still pull: nobody's acceleration is held against a law that can't know."""

from dataclasses import replace

import numpy as np
import pytest

from limbeck import InputError
from limbeck.graphs import connect
from limbeck.simulate import simulate
from limbeck.trajectories import Edges, load_trajectories, targets_of, to_frame, to_xarray


def seen(*, without, n=4, times=12):
    """Springs of which some (simulation, time, particle) are not seen."""
    t = simulate("spring", n_systems=4, n_steps=times, n_nodes=n, seed=0)
    present = t.present.copy()
    for one in without:
        present[one] = False
    return replace(t, present=present)


def test_a_particle_between_two_sightings_makes_the_others_no_targets() -> None:
    targets = targets_of(seen(without=[(1, 5, 2)]))
    assert not targets[1, 5].any()
    assert targets.sum() == targets.size - 4


def test_before_it_comes_and_after_it_goes_a_particle_pulls_nobody() -> None:
    gone = [(1, time, 2) for time in range(8, 12)] + [(2, 0, 0)]
    targets = targets_of(seen(without=gone))
    assert targets.sum() == targets.size - len(gone)


def test_only_those_that_it_acts_on_or_may_reach_are_left_out() -> None:
    t = seen(without=[(1, 5, 2)])
    edges = Edges(system=np.array([-1, 1, 0]), senders=np.array([2, 2, 2]), receivers=np.array([0, 1, 3]))
    assert targets_of(replace(t, edges=edges))[1, 5].tolist() == [False, False, False, True]
    apart = np.linalg.norm(t.positions[1, 5] - (t.positions[1, 4, 2] + t.positions[1, 6, 2]) / 2, axis=-1)
    radius = float(np.sort(apart[[0, 1, 3]])[0])  # only the nearest is within one and a half of it
    expected = [apart[k] > 1.5 * radius for k in (0, 1, 3)]
    found = targets_of(replace(t, radius=radius))[1, 5]
    assert found[[0, 1, 3]].tolist() == expected
    assert not found[2]


def test_the_loss_is_said_and_total_loss_is_an_error() -> None:
    frame = to_frame(simulate("spring", n_systems=4, n_steps=12, n_nodes=3, seed=0))
    few = load_trajectories(frame.drop(index=frame.index[[40]]), allow_gaps=True)
    assert any("accelerations are no targets: a particle that pulls" in note for note in few.notes)
    assert load_trajectories(to_xarray(few), allow_gaps=True).notes == few.notes  # it is said once
    batch = connect(few, seed=0)
    total = sum(int(batch.batch(part).targeted().sum()) for part in (batch.train, batch.validation, batch.test))
    assert total <= targets_of(few).sum() < len(frame) - 1
    # A particle in turn is not seen at every time that has targets.
    step = frame.groupby("simulation")["time"].rank(method="dense").astype(int)
    ends = step.isin([1, 12])
    frame.loc[ends, ["ax", "ay"]] = np.nan
    kept = frame[ends | (frame["particle"].astype(int) != step % 3)]
    with pytest.raises(InputError, match="at every time some particle is not seen"):
        load_trajectories(kept, allow_gaps=True)
