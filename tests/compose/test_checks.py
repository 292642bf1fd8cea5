"""What the checks say beside passing or not."""

from dataclasses import replace

import numpy as np
from clouds import cloud

from limbeck.compose._checks import _exactness
from limbeck.graphs import connect


def test_an_error_that_no_noise_explains_is_said() -> None:
    dataset = connect(cloud(1), seed=0)
    given = replace(dataset, trajectories=replace(dataset.trajectories, accelerations_are="given"))
    derived = replace(dataset, trajectories=replace(dataset.trajectories, accelerations_are="derived"))
    approximate, exact = np.full(9, 2e-4), np.full(9, 1e-15)
    assert "may be an approximation" in _exactness(approximate, given, 0.0)
    # Noise, differences of positions, or nothing left: no caution is due.
    assert not any((_exactness(approximate, given, 0.01), _exactness(approximate, derived, 0.0)))
    assert not _exactness(exact, given, 0.0)
