"""How often resampled rows choose the same form: always where nothing is noisy, rarely where two forms tie."""

import numpy as np
import pytest

from limbeck.expressions import parse
from limbeck.regress import Problem
from limbeck.regress._polish import fitted
from limbeck.regress._stability import _losses, choice_stability


def line(noise: float, slope: float = 2.0, rows: int = 200) -> Problem:
    """A straight line through the origin beside a variable that means nothing."""
    rng = np.random.default_rng(0)
    inputs = rng.uniform(1, 2, (rows, 2))
    return Problem(
        name="y", variables=("x", "u"), inputs=inputs, target=slope * inputs[:, 0] + noise * rng.normal(size=rows)
    )


def test_the_exact_law_without_noise_is_chosen_by_every_resample() -> None:
    forms = [parse(text) for text in ("2.1*x", "2.0*x + 0.001*u", "1.9*x**1.1", "3.0")]
    assert choice_stability(parse("2.0*x"), forms, line(0.0), seed=0) == 1.0


def test_two_forms_that_fit_alike_split_the_resamples() -> None:
    problem = line(2.0)
    own = fitted(parse("2.0*x"), problem)
    share = choice_stability(own, [parse("2.0*x**1.05"), parse("3.0*log(x) + 1.0"), parse("3.1")], problem, seed=0)
    assert 0.0 < share < 1.0
    assert share == choice_stability(
        own, [parse("2.0*x**1.05"), parse("3.0*log(x) + 1.0"), parse("3.1")], problem, seed=0
    )


def test_nothing_to_choose_between_is_stable() -> None:
    assert choice_stability(parse("2.0*x"), [parse("1.5*x")], line(0.1), seed=0) == 1.0


def test_one_step_refits_a_linear_form_exactly() -> None:
    """Against NumPy's weighted least squares on the same resamples."""
    problem, form = line(0.5), parse("1.0*x + 1.0*u + 1.0")
    counts = np.random.default_rng(1).multinomial(200, np.full(200, 1 / 200), size=5).astype(float)
    design = np.column_stack([problem.inputs, np.ones(200)])
    for found, weights in zip(_losses(form, problem, counts), counts, strict=True):
        root = np.sqrt(weights)
        left = np.linalg.lstsq(design * root[:, None], problem.target * root, rcond=None)[1]
        assert found == pytest.approx(float(np.sqrt(left[0] / 200)), rel=1e-9)
