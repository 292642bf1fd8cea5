"""Normal equations of groups: exact where they can be solved, and never an error where they can't."""

from dataclasses import replace

import numpy as np

from limbeck.compose._group_equations import GroupEquations


def equations(size: float) -> tuple[GroupEquations, np.ndarray, np.ndarray]:
    """Equations of a linear problem with one constant and one unknown a group, and what solves it."""
    rng = np.random.default_rng(0)
    by_c, by_s = rng.normal(size=(40, 2, 1)), size * rng.normal(size=(40, 2, 1))
    rows = np.repeat(np.arange(4), 10)
    constant, unknowns = np.array([1.5]), rng.normal(size=(4, 1))
    error = by_c @ constant + np.einsum("rdp,rp->rd", by_s, unknowns[rows])
    return GroupEquations.of(error, by_c, by_s, rows, 4), constant, unknowns


def test_a_step_solves_a_linear_problem() -> None:
    made, constant, unknowns = equations(1.0)
    step_c, step_s = made.step(0.0)
    np.testing.assert_allclose(step_c, constant, rtol=1e-9)
    np.testing.assert_allclose(step_s, unknowns, rtol=1e-9)


def test_an_unknown_that_nothing_depends_on_stays() -> None:
    made, constant, _ = equations(1e-160)
    step_c, step_s = made.step(0.0)
    np.testing.assert_allclose(step_c, constant, rtol=1e-9)
    assert np.isfinite(step_s).all()


def test_what_is_no_number_gives_none() -> None:
    made, _, _ = equations(1.0)
    broken = replace(made, gradient_c=np.full_like(made.gradient_c, np.nan))
    step_c, _ = broken.step(0.0)
    assert np.isnan(step_c).all()
