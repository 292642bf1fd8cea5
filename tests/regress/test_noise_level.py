"""Errors of a right form are noise, those of a wrong one are not, however small they are beside the law."""

import numpy as np
import pytest

from limbeck.expressions import parse
from limbeck.regress._noise_level import FEWEST, NoiseTest
from limbeck.regress._sample import sampled


def shifted_inverse(seed: int, rows: int = 2_000, noise: float = 0.02):
    """Samples of `1/(r + 0.1)` beside a variable that means nothing."""
    rng = np.random.default_rng(seed)
    columns = {"r": rng.uniform(0.2, 3.0, rows), "u": rng.normal(size=rows)}
    target = 1.0 / (columns["r"] + 0.1) + noise * rng.normal(size=rows)
    return sampled(columns, target, np.ones(rows))


def test_noise_of_the_right_form_is_nearly_always_taken_for_noise():
    passed = [NoiseTest(shifted_inverse(seed)).passes(parse("1/(r + 0.1)")) for seed in range(40)]
    assert np.mean(passed) > 0.9


@pytest.mark.parametrize("form", ["1/r", "0.95/(r + 0.08)", "1.2*exp(-r) + 0.3", "1/(r + 0.1) + 0.01*r*u", "1.1"])
def test_a_wrong_form_is_seen(form):
    assert not any(NoiseTest(shifted_inverse(seed)).passes(parse(form)) for seed in range(5))


def test_noise_that_grows_with_the_law_is_not_called_noise_of_one_size():
    sample = shifted_inverse(0, noise=0.0)
    noise = 0.05 * sample.target * np.random.default_rng(1).normal(size=len(sample.target))
    grown = sampled(sample.columns, sample.target + noise, sample.root)
    assert not NoiseTest(grown).passes(parse("1/(r + 0.1)"))


def test_few_samples_never_pass():
    assert not NoiseTest(shifted_inverse(0, rows=FEWEST - 1)).passes(parse("1/(r + 0.1)"))


def test_constant_columns_say_nothing():
    rng = np.random.default_rng(0)
    sample = sampled({"a": np.ones(300)}, rng.normal(size=300), np.ones(300))
    assert NoiseTest(sample).passes(parse("0"))


def test_a_trend_is_seen_and_noise_whose_size_follows_a_column_is_none() -> None:
    rng = np.random.default_rng(5)
    x = rng.uniform(1, 3, 1_000)
    for left, is_trend in ((0.02 * (x - 2) ** 2, True), (0.0 * x, False)):
        target = 2.0 * x + left + 0.01 * x**2 * rng.normal(size=1_000)
        test = NoiseTest(sampled({"x": x}, target, np.ones(1_000)))
        assert (test.trend(parse("2.0*x")) < 1e-6) == is_trend
        assert not test.passes(parse("2.0*x"))
