"""Ranks are those of SciPy."""

import numpy as np
from hypothesis import given, strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import rankdata

from limbeck.regress._ranks import ranks


@given(arrays(float, st.integers(1, 40), elements=st.floats(-3, 3, width=16)))
def test_equal_values_share_the_mean_rank(values):
    np.testing.assert_array_equal(ranks(values), rankdata(values))
