"""Which rows of a table belong to one time."""

import numpy as np
import pytest

from limbeck._errors import InputError
from limbeck.trajectories import load_trajectories


def test_times_that_were_added_up_are_those_that_were_multiplied(good_table):
    """Rounding adds up over steps; what differs by a small part of a step is another time."""
    table = good_table(times=400)
    multiplied, added = table.time.to_numpy(), np.concatenate([[0.0], np.cumsum(np.full(399, 0.1))])
    step = np.round(multiplied / 0.1).astype(int)
    assert np.abs(added[step] - multiplied).max() > 1e-13
    for other in (table.simulation == 1, table.particle == 2):
        t = load_trajectories(table.assign(time=np.where(other, added[step], multiplied)))
        assert t.present.all()
        assert t.n_times == 400
        np.testing.assert_array_equal(t.times, t.times[[0, 0, 0]])
    later = table.assign(time=multiplied + 1e-4 * (table.simulation == 1))
    with pytest.raises(InputError, match=r"snapshot 1 of simulation '1' is time 0\.0001, of simulation '0' time 0\.0;"):
        load_trajectories(later)
    epoch = later.assign(time=2450000.5 + later.time)
    with pytest.raises(InputError, match=r"'1' is time 2450000\.5001, of simulation '0' time 2450000\.5;"):
        load_trajectories(epoch)
