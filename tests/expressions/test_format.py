"""Text for files and for people."""

import numpy as np
import pytest
import sympy
from expressions.strategies import NAMES, expressions, points, tame
from hypothesis import given, settings

from limbeck.expressions import Call, Constant, Variable, evaluate, parse, simplify, to_readable, to_string


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("-2*(r - 0.99)", "-2*(r - 0.99)"),
        ("a + -2*x", "a - 2*x"),
        ("a - -2*x", "a + 2*x"),
        ("-x - y", "-x - y"),
        ("-x + y", "y - x"),
        ("(-2)**2*x", "(-2)**2*x"),
        ("-x**2", "-x**2"),
        ("(-x)**2", "(-x)**2"),
        ("x**-2", "x**(-2)"),
        ("x**-1", "1/x"),
        ("1/x**2", "x**(-2)"),
        ("m_1*x**-2", "m_1/x**2"),
        ("a/(b*c)", "a/(b*c)"),
        ("a/(b/c)", "a*c/b"),
        ("a*(b + c)", "a*(b + c)"),
        ("a/-2", "-a/2"),
        ("(a*b)**c", "(a*b)**c"),
        ("a**b**c", "a**(b**c)"),
        ("(a**b)**c", "(a**b)**c"),
        ("exp(-x)*1e-7", "1e-07*exp(-x)"),
        ("IF(r >= 1.99, -2*(r - .99), 0)", "Piecewise((-2*(r - 0.99), r >= 1.99), (0, True))"),
        ("(x < 1)*y", "Piecewise((1, x < 1), (0, True))*y"),
        ("x <= 1", "x <= 1"),
    ],
)
def test_signs_brackets_and_divisions(text: str, printed: str) -> None:
    expected = parse(printed)
    assert to_string(parse(text)) in (printed, to_string(expected))
    assert to_string(parse(to_string(parse(text)))) == to_string(parse(text))


def test_numbers_keep_every_digit_in_files_and_few_for_people() -> None:
    expr = Call("mul", (Constant(0.1 + 0.2), Variable("x")))
    assert to_string(expr) == "0.30000000000000004*x"
    assert parse(to_string(expr)) == expr
    assert to_readable(expr) == "0.3*x"
    assert to_readable(parse("2.718281828*r + 1.23456e-9"), 3) == "2.72*r + 1.23e-09"


@settings(max_examples=150)
@given(expressions)
def test_sympy_reads_the_same_values(expr: Call) -> None:
    simple = simplify(expr)
    text = to_string(simple)
    values = points(4, lowest=0.2)
    usable = tame(simple, values)
    if not usable.any() or "oo" in text or "nan" in text:
        return
    ours = np.broadcast_to(evaluate(parse(text), values) * 1.0, (4,))
    try:
        theirs = sympy.sympify(text, locals={name: sympy.Symbol(name) for name in NAMES})
        numbers = [_at_point(theirs, values, k) for k in np.flatnonzero(usable)[:2]]
    except TypeError as error:
        # Where ours is NaN inside, SymPy has a complex number and will not compare it.
        assert "non-real" in str(error) or "complex" in str(error)  # noqa: PT017
        return
    # SymPy calls a power with an infinite exponent indeterminate where floating point has a value.
    known = ~np.isnan(numbers)
    np.testing.assert_allclose(np.asarray(numbers)[known], ours[usable][:2][known], rtol=1e-6, atol=1e-7)


def _at_point(theirs: sympy.Basic, values: dict[str, np.ndarray], k: int) -> float:
    """SymPy's value at one point."""
    found = theirs.subs({name: float(array[k]) for name, array in values.items()})
    return complex(sympy.N(found)).real
