"""SymPy, LaTeX and MathML."""

import xml.etree.ElementTree as ET

import numpy as np
import pytest
import sympy
from expressions.strategies import expressions, points, tame
from hypothesis import given

from limbeck._errors import InputError
from limbeck.expressions import (
    Call,
    Variable,
    evaluate,
    from_sympy,
    parse,
    to_latex,
    to_mathml,
    to_readable,
    to_string,
    to_sympy,
)


def test_sympy_gets_small_integers_and_floats() -> None:
    r, q = sympy.symbols("r q_1")
    assert to_sympy(parse("2*q_1/(r + 0.5)**2")) == 2 * q / (r + 0.5) ** 2
    assert to_sympy(parse("sqrt(r)")) == sympy.sqrt(r)
    assert to_sympy(parse("IF(r >= 2, r, 0)")) == sympy.Piecewise((r, r >= 2), (0, True))
    assert to_sympy(parse("9**9**9*r")).is_Mul


@pytest.mark.parametrize(
    "text",
    [
        "-2*(r - 0.99)",
        "q_1*exp(-r)/r**2",
        "sqrt(r) + Abs(r)*sign(r)",
        "Min(r, 2, q_1)",
        "Piecewise((r, r < 1), (2*r, r <= 2), (0, True))",
        "tanh(r)*cosh(r) + r**1.5",
    ],
)
def test_there_and_back(text: str) -> None:
    values = {"r": np.linspace(0.2, 3, 9), "q_1": 1.7}
    back = from_sympy(to_sympy(parse(text)))
    np.testing.assert_allclose(evaluate(back, values), evaluate(parse(text), values), rtol=1e-13)


@pytest.mark.user_error
def test_what_sympy_knows_and_we_do_not_is_refused() -> None:
    with pytest.raises(InputError, match="gamma of SymPy is not known"):
        from_sympy(sympy.gamma(sympy.Symbol("x")))
    with pytest.raises(InputError, match="not a real number"):
        from_sympy(sympy.I)


def test_latex() -> None:
    assert to_latex(parse("-2*(r - 0.99)")) == r"-2 \, \left(r - 0.99\right)"
    assert to_latex(parse("q_1*q_2/(r + 0.01)**2")) == (r"\frac{q_{1} \, q_{2}}{{\left(r + 0.01\right)}^{2}}")
    assert to_latex(parse("1.5e-7*dvx + rho_1")) == r"1.5 \times 10^{-7} \, \Delta v_{x} + \rho_{1}"
    assert r"\begin{cases}" in to_latex(parse("IF(r >= 2, r, 0)"))


def test_mathml_draws_subscripts_and_differences() -> None:
    text = to_mathml(parse("m_1*dx"))
    assert "<msub><mi>m</mi><mrow><mn>1</mn></mrow></msub>" in text
    assert "Δ" in text
    assert "dx" not in text


def test_names_are_escaped() -> None:
    text = to_mathml(Call("mul", (Variable("<script>alert(1)</script>"), Variable("a&b"))))
    assert "<script>" not in text
    ET.fromstring(text)


@given(expressions)
def test_every_expression_can_be_drawn(expr: Call) -> None:
    root = ET.fromstring(to_mathml(expr))
    assert root.tag.endswith("math")
    latex = to_latex(expr)
    assert latex.count("{") == latex.count("}")
    assert latex.count(r"\left") == latex.count(r"\right")
    assert to_readable(expr)


@given(expressions)
def test_sympy_has_the_same_values(expr: Call) -> None:
    values = points(3, lowest=0.2)
    ours = np.broadcast_to(evaluate(expr, values) * 1.0, (3,))
    if not tame(expr, values)[0]:
        return
    try:
        found = to_sympy(expr).subs({name: float(array[0]) for name, array in values.items()})
    except TypeError as error:
        # Where ours is NaN inside, SymPy has a complex number and will not compare it.
        assert "non-real" in str(error) or "complex" in str(error)  # noqa: PT017
        return
    if isinstance(found, sympy.logic.boolalg.BooleanAtom):
        found = sympy.Integer(int(bool(found)))
    np.testing.assert_allclose(complex(sympy.N(found)).real, ours[0], rtol=1e-6, atol=1e-7, err_msg=to_string(expr))


def test_a_base_with_a_power_of_ten_stands_in_brackets() -> None:
    assert to_latex(parse("0.00001**x")) == r"{\left(1 \times 10^{-5}\right)}^{x}"
    assert "<mo>(</mo>" in to_mathml(parse("0.00001**x"))
    assert to_latex(parse("0.5**x")) == "{0.5}^{x}"


def test_what_is_compared_with_nan_does_not_hold() -> None:
    compared = Call("lt", (Variable("x"), parse("0/0")))
    assert to_sympy(compared) == sympy.false
    assert to_sympy(Call("if", (compared, parse("x"), parse("2*x")))) == 2 * sympy.Symbol("x")
    assert to_sympy(Call("if", (parse("0/0"), parse("x"), parse("2*x")))) == 2 * sympy.Symbol("x")
