import math

import pytest

from limbeck.report._numbers import duration, number, shown, to_error


@pytest.mark.parametrize(
    ("values", "error", "expected"),
    [
        ((-1.99987, -2.00028), 2.1e-4, ("−1.99987", "−2.00028")),
        ((6.6743e-11,), 1.5e-15, ("6.67430 × 10⁻¹¹",)),
        ((12345.678, None), 3.0, ("12345.7", "–")),
        ((0.0,), 0.02, ("0.000",)),
        ((2.0,), None, ("2",)),
        ((2.0,), 0, ("2",)),
        ((1e300,), 1e-300, ("1.000000000000000 × 10³⁰⁰",)),
        ((math.nan, "text"), 0.1, ("–", "–")),
    ],
)
def test_values_are_rounded_to_their_error(values, error, expected):
    assert to_error(values, error) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        (True, "yes"),
        (3, "3"),
        (1.5e-7, "1.5 × 10⁻⁷"),
        (math.inf, "∞"),
        (math.nan, "undefined"),
        ([1, 2.5], "1, 2.5"),
        ({"train_on": 3}, "train on 3"),
        ({}, "–"),
    ],
)
def test_any_value_has_a_text(value, expected):
    assert shown(value) == expected


def test_numbers_and_times_are_short():
    assert number(-0.012345) == "−0.01235"
    assert [duration(s) for s in (0.5, 12.34, 200, 3721, None)] == ["0.5 s", "12.3 s", "3 min 20 s", "1 h 2 min", "–"]
