"""Values in NumPy and JAX."""

import jax.numpy as jnp
import numpy as np
import pytest
from expressions.strategies import expressions, points
from hypothesis import given, settings

from limbeck._errors import InputError
from limbeck.expressions import Call, compile_function, evaluate, parse


def test_constants_are_scalars_and_arrays_broadcast() -> None:
    assert np.shape(evaluate(parse("2 + 3"), {"x": np.zeros(4)})) == ()
    found = evaluate(parse("x*y"), {"x": np.ones((3, 1)), "y": np.ones(4)})
    assert found.shape == (3, 4)


def test_integers_are_taken_as_numbers() -> None:
    np.testing.assert_allclose(evaluate(parse("x**-2"), {"x": np.array([1, 2, 4])}), [1, 0.25, 0.0625])


def test_what_is_undefined_is_silent() -> None:
    found = evaluate(parse("log(x) + 1/x + exp(1000*x) + x**0.5"), {"x": np.array([-1.0, 0.0, 1.0])})
    assert np.isnan(found[0])
    assert np.isinf(found[2])


def test_comparisons_are_booleans_and_count_as_numbers() -> None:
    x = np.array([0.5, 1.5])
    assert evaluate(parse("x < 1"), {"x": x}).dtype == bool
    np.testing.assert_array_equal(evaluate(parse("(x < 1) + (x < 2)"), {"x": x}), [2, 1])
    np.testing.assert_array_equal(evaluate(parse("-(x < 1)"), {"x": x}), [-1, 0])


@pytest.mark.user_error
def test_a_missing_variable_is_named() -> None:
    with pytest.raises(InputError, match="no value for y; given: x"):
        evaluate(parse("x*y"), {"x": 1.0})
    with pytest.raises(InputError, match="no value for y; given: x"):
        compile_function(parse("x*y"), ["x"])


def test_compiled_functions_take_arrays_in_order() -> None:
    function = compile_function(parse("x - 2*y"), ["y", "x"])
    np.testing.assert_allclose(function(np.array([1.0, 2.0]), 10.0), [8, 6])


@settings(max_examples=40)
@given(expressions)
def test_jax_agrees(expr: Call) -> None:
    values = {name: array.astype(np.float32) for name, array in points(8).items()}
    precise = {name: array.astype(np.float64) for name, array in values.items()}
    nudged = {name: array * (1 + 1e-6) for name, array in precise.items()}
    ours, near = (np.asarray(evaluate(expr, point), dtype=float) for point in (precise, nudged))
    theirs = np.asarray(evaluate(expr, values, jnp), dtype=float)
    # Single precision: compare only where the value is not sensitive to rounding of the input.
    with np.errstate(all="ignore"):
        usable = np.isfinite(ours) & np.isfinite(theirs) & (np.abs(ours) < 1e4) & (np.abs(near - ours) < 1e-4)
    np.testing.assert_allclose(theirs[usable], ours[usable], rtol=5e-2, atol=5e-2)
