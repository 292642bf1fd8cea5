import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from limbeck._errors import InputError
from limbeck.trajectories import Trajectories, split_snapshots


def record(systems, times, missing=()):
    rng = np.random.default_rng(0)
    x, v, a = rng.normal(size=(3, systems, times, 2, 1))
    for system, time in missing:
        a[system, time] = np.nan
    present = np.ones((systems, times, 2), dtype=bool)
    grid = np.tile(np.arange(times, dtype=float), (systems, 1))
    return Trajectories(times=grid, positions=x, velocities=v, accelerations=a, present=present)


def parts_of(split):
    return [set(map(tuple, part.tolist())) for part in (split.train, split.validation, split.test)]


@settings(max_examples=25)
@given(systems=st.integers(3, 40), times=st.integers(1, 4), seed=st.integers(0, 2**31))
def test_simulations_are_never_shared(systems, times, seed):
    split = split_snapshots(record(systems, times), seed=seed)
    train, validation, test = ({system for system, _ in part} for part in parts_of(split))
    assert train | validation | test == set(range(systems))
    assert len(train) + len(validation) + len(test) == systems
    assert min(map(len, (train, validation, test))) >= 1
    assert len(train) >= len(test)
    assert sum(map(len, parts_of(split))) == systems * times
    assert "by simulation" in split.how


def test_fractions_are_kept():
    split = split_snapshots(record(100, 2), seed=0, fractions=(0.5, 0.3, 0.2))
    assert [len(part) for part in (split.train, split.validation, split.test)] == [100, 60, 40]


@pytest.mark.parametrize("systems", [1, 2])
@pytest.mark.parametrize("times", [7, 12, 30, 100, 1000])
def test_blocks_of_time_have_gaps_between_them(systems, times):
    for seed in range(5):
        split = split_snapshots(record(systems, times), seed=seed)
        parts = parts_of(split)
        assert min(map(len, parts)) >= 1
        owner = {snapshot: number for number, part in enumerate(parts) for snapshot in part}
        assert len(owner) == sum(map(len, parts))
        for system, time in owner:
            if (system, time + 1) in owner:
                assert owner[system, time + 1] == owner[system, time]
        assert len(owner) >= (0.85 if times >= 100 else 0.5) * systems * times
        assert "blocks of time" in split.how
        if times >= 100:  # every part sees early and late times
            for part in parts:
                when = [time for _, time in part]
                assert min(when) < 0.6 * times
                assert max(when) >= 0.4 * times


def test_snapshots_without_target_are_left_out():
    t = record(4, 5, missing=[(0, 2), (3, 0), (3, 1), (3, 2), (3, 3), (3, 4)])
    split = split_snapshots(t, seed=1)
    snapshots = set.union(*parts_of(split))
    assert (0, 2) not in snapshots
    assert all(system != 3 for system, _ in snapshots)
    assert len(snapshots) == 14
    assert "1 without any acceleration" in split.how


def test_the_seed_decides():
    t = record(30, 2)
    one, same, other = (split_snapshots(t, seed=seed) for seed in (5, 5, 6))
    np.testing.assert_array_equal(one.test, same.test)
    assert parts_of(one) != parts_of(other)


@pytest.mark.parametrize(("systems", "times"), [(1, 6), (2, 1), (2, 6)])
def test_too_little_data(systems, times):
    with pytest.raises(InputError, match=r"too little data.*at least three simulations"):
        split_snapshots(record(systems, times), seed=0)


@pytest.mark.parametrize("fractions", [(1.0, 0.0, 0.0), (0.5, 0.2, 0.2), (1.2, -0.1, -0.1)])
def test_wrong_fractions(fractions):
    with pytest.raises(InputError, match="expected three above 0 of sum 1"):
        split_snapshots(record(3, 1), seed=0, fractions=fractions)
