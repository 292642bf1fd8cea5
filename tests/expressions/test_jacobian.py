"""The Jacobian in the free constants, against finite differences."""

import time

import numpy as np
import pytest
from expressions.strategies import expressions, points
from hypothesis import given

from limbeck._errors import InputError
from limbeck.expressions import Call, evaluate, free_constants, parse, value_and_jacobian, with_constants


def differences(expr: Call, values: dict[str, np.ndarray], step: float) -> np.ndarray:
    """Central differences in each free constant."""
    constants = free_constants(expr)
    columns = []
    for k in range(len(constants)):
        shift = np.zeros(len(constants))
        shift[k] = step
        above, below = (evaluate(with_constants(expr, constants + sign * shift), values) for sign in (1, -1))
        columns.append(np.broadcast_to((1.0 * above - 1.0 * below) / (2 * step), (len(values["x"]),)))
    return np.array(columns).T.reshape(len(values["x"]), len(constants))


@given(expressions)
def test_finite_differences_agree(expr: Call) -> None:
    values = points(12)
    value, jacobian = value_and_jacobian(expr, values)
    with np.errstate(all="ignore"):
        coarse, fine = differences(expr, values, 2e-5), differences(expr, values, 1e-5)
        # Two steps that agree say that the function is smooth and tame there.
        usable = np.isfinite(fine) & (np.abs(coarse - fine) < 1e-5 * (1 + np.abs(fine)))
        usable &= (np.abs(value) < 1e3)[:, None] & (np.abs(fine) < 1e3) & np.isfinite(jacobian)
    # A kink exactly at the constant (Abs(0), Min(2, 2)) has no slope to compare with.
    kinked = any(f"'{op}'" in repr(expr) for op in ("abs", "min", "max", "sign", "if", "lt", "le", "gt", "ge"))
    if not kinked:
        np.testing.assert_allclose(jacobian[usable], fine[usable], rtol=1e-3, atol=1e-3)
    assert jacobian.shape == (12, len(free_constants(expr)))


def test_a_law_with_a_condition() -> None:
    expr = parse("IF(r >= 1.99, 2.5*log(r - 1.2), 3.5*Abs(r - 4.5)) + Min(r, 0.7)*Max(r, 1.3)")
    values = {"r": np.array([0.5, 1.0, 2.5, 3.0]), "x": np.zeros(4)}
    _, jacobian = value_and_jacobian(expr, values)
    assert np.all(np.isfinite(jacobian))
    np.testing.assert_allclose(jacobian, differences(expr, values, 1e-6), atol=1e-7)


def test_other_constants_may_be_given_and_scalars_broadcast() -> None:
    value, jacobian = value_and_jacobian(parse("2*x + 3*k"), {"x": np.arange(3.0), "k": 2.0}, [10.0, 1.0])
    np.testing.assert_allclose(value, [2, 12, 22])
    np.testing.assert_allclose(jacobian, [[0, 2], [1, 2], [2, 2]])
    value, jacobian = value_and_jacobian(parse("x"), {"x": np.arange(3.0)})
    assert jacobian.shape == (3, 0)
    value, jacobian = value_and_jacobian(parse("4"), {"x": np.arange(3.0)})
    np.testing.assert_allclose(value, 4)
    np.testing.assert_allclose(jacobian, 1)
    with pytest.raises(InputError, match="2 free constants, got 1"):
        value_and_jacobian(parse("2*x + 3"), {"x": np.arange(3.0)}, [1.0])


# Times are taken without the jaxtyping hook.
@pytest.mark.user_error
def test_it_costs_few_evaluations() -> None:
    expr = parse("2.1*m_1*m_2*exp(-1.3*r)/(r + 0.2)**1.7 + 0.3*log(r + 0.1)*m_1 + 0.5*tanh(2*r + 1)")
    rng = np.random.default_rng(0)
    values = {name: rng.uniform(0.5, 2.0, 20_000) for name in ("m_1", "m_2", "r")}

    def seconds(function) -> float:
        times = []
        for _ in range(5):
            start = time.perf_counter()
            function()
            times.append(time.perf_counter() - start)
        return min(times)

    # Nine constants: forward differences would cost ten evaluations; the margin is for a busy machine.
    assert seconds(lambda: value_and_jacobian(expr, values)) < 8 * seconds(lambda: evaluate(expr, values))
