import numpy as np
import pytest
from hypothesis import given, strategies as st
from scipy.signal import savgol_coeffs

from limbeck.trajectories._local_fits import Window, local_fit, windows


@pytest.mark.parametrize(("width", "degree"), [(9, 4), (31, 6), (41, 5)])
@pytest.mark.parametrize("order", [0, 1, 2])
def test_even_times_give_savitzky_and_golay(width, degree, order):
    times = 0.1 * np.arange(width)
    fit = local_fit(times, np.array([width // 2, width - 1]), Window(width=width, degree=degree))
    for row, place in enumerate((width // 2, width - 1)):
        expected = savgol_coeffs(width, degree, deriv=order, delta=0.1, pos=place, use="dot")
        # Equal but for rounding, which SciPy's monomials suffer more than our Legendre polynomials.
        np.testing.assert_allclose(fit.weights[order, row], expected, atol=1e-5 * np.abs(expected).max())


@given(
    coefficients=st.lists(st.floats(-3, 3), min_size=5, max_size=5),
    steps=st.lists(st.floats(0.3, 1.0), min_size=30, max_size=30),
)
def test_polynomials_are_kept_at_uneven_times(coefficients, steps):
    times = np.cumsum(steps) / np.sum(steps)
    p = np.polynomial.Polynomial(coefficients)
    fit = local_fit(times, np.arange(30), Window(width=13, degree=4))
    for order in range(3):
        expected = p(times) if order == 0 else p.deriv(order)(times)
        np.testing.assert_allclose(fit.apply(p(times)[:, None], order)[:, 0], expected, atol=1e-7)


def test_windows_fit_into_the_data():
    for count in (13, 50, 1000):
        chosen = windows(count, 2, 401)
        assert chosen
        assert all(w.degree + 1 < w.width <= min(count, 401) for w in chosen)
