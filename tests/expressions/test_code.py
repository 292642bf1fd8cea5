"""Source code in other languages, against our own values."""

import ctypes
import re
import shutil
import subprocess

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from expressions.strategies import NAMES, expressions, points, tame
from hypothesis import given, settings

from limbeck._errors import InputError
from limbeck.expressions import LANGUAGES, OPERATORS, Call, Constant, Variable, evaluate, parse, to_code

X, Y = Variable("x"), Variable("y")
ARGUMENTS = {1: (X,), 2: (X, Y), None: (X, Y, Constant(0.1))}
EVERY_OPERATOR = [Call(op, ARGUMENTS[o.arity]) for op, o in OPERATORS.items() if op != "if"]
LAWS = [
    parse(text)
    for text in (
        "IF(r >= 1.99, -2*(r - .99), 0)",
        "IF(x > y, r, IF(y < 0.3, x, 2))",
        "m_1*x/(r + 0.01)^2 - 1/r^3",
        "0.1 + 0.2*x^-2 + x^1.7 - y^0.5 + 1/(x*x)",
        "-x^2 + (-x)^3 - (x - y) - -2*y + 3/2*x",
        "min(x, 0.1)*max(2, y)*(x < y) + exp(2)*r/3",
        "-(x < 1)*(x^y)^2/-r^-0.5",
        "x/(y/r)/(2*m_1)",
    )
]
SCRIPTED = {"numpy": {"np": np}, "jax": {"jnp": jnp}}


def values_of(code, language, values):
    """Python runs its own code; Julia's differs in the sign of a power and in names that NumPy has."""
    if language == "julia":
        known = {name: getattr(np, name) for name in ("exp", "log", "sqrt", "abs", "sign", "sin", "cos", "tan")}
        known |= {name: getattr(np, name) for name in ("tanh", "sinh", "cosh")}
        known |= {"min": np.minimum, "max": np.maximum, "ifelse": np.where, "Inf": np.inf, "NaN": np.nan}
        code = code.replace("^", "**")
    else:
        known = SCRIPTED[language]
    with np.errstate(all="ignore"), jax.enable_x64(True):
        return np.asarray(eval(code, {"__builtins__": {}}, {**known, **values}), dtype=float)


@pytest.mark.parametrize("language", ["numpy", "jax", "julia"])
@settings(max_examples=60)
@given(expr=expressions)
def test_code_has_the_values_of_the_expression(language, expr):
    values = points(8)
    usable = tame(expr, values)
    ours = np.broadcast_to(np.asarray(evaluate(expr, values), dtype=float), (8,))
    theirs = np.broadcast_to(values_of(to_code(expr, language), language, values), (8,))
    np.testing.assert_allclose(theirs[usable], ours[usable], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("language", ["numpy", "jax", "julia"])
def test_every_operator_is_written(language):
    values = points(16, lowest=0.1)
    for expr in [*EVERY_OPERATOR, *LAWS]:
        ours = np.asarray(evaluate(expr, values), dtype=float)
        theirs = values_of(to_code(expr, language), language, values)
        np.testing.assert_allclose(theirs, ours, rtol=1e-12, err_msg=to_code(expr, language))


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler here")
    folder = tmp_path_factory.mktemp("c")
    arguments = ", ".join(f"double {name}" for name in NAMES)
    bodies = [
        f"double f{k}({arguments}) {{ return {to_code(expr, 'c')}; }}"
        for k, expr in enumerate([*EVERY_OPERATOR, *LAWS])
    ]
    (folder / "laws.c").write_text("\n".join(["#include <math.h>", *bodies]))
    command = [compiler, "-std=c99", "-Werror", "-shared", "-fPIC", "-o", "laws.so", "laws.c", "-lm"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return ctypes.CDLL(str(folder / "laws.so"))


def test_c_compiles_and_gives_the_same_values(compiled):
    for lowest in (0.1, -3.0):
        values = points(16, lowest=lowest)
        for k, expr in enumerate([*EVERY_OPERATOR, *LAWS]):
            function = compiled[f"f{k}"]
            function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * len(NAMES)
            theirs = [function(*row) for row in zip(*(values[name].tolist() for name in NAMES), strict=True)]
            ours = np.broadcast_to(np.asarray(evaluate(expr, values), dtype=float), (16,))
            np.testing.assert_allclose(theirs, ours, rtol=1e-12, err_msg=to_code(expr, "c"))


def test_c_keeps_nan_in_a_sign(compiled):
    function = compiled[f"f{EVERY_OPERATOR.index(Call('sign', (X,)))}"]
    function.restype, function.argtypes = ctypes.c_double, [ctypes.c_double] * len(NAMES)
    values = [function(*[value] * len(NAMES)) for value in (np.nan, -2.0, 0.0, 3.0)]
    np.testing.assert_array_equal(values, [np.nan, -1.0, 0.0, 1.0])


@pytest.mark.parametrize(
    ("text", "language", "code"),
    [
        ("IF(r >= 1.99, -2*(r - 0.99), 0)", "numpy", "np.where(r >= 1.99, -2.0*(r - 0.99), 0.0)"),
        ("IF(r >= 1.99, -2*(r - 0.99), 0)", "c", "(r >= 1.99 ? -2.0*(r - 0.99) : 0.0)"),
        ("IF(r >= 1.99, -2*(r - 0.99), 0)", "julia", "ifelse(r >= 1.99, -2.0*(r - 0.99), 0.0)"),
        ("1/2*x", "c", "1.0*x/2.0"),
        ("x^2", "c", "(x*x)"),
        ("x^7", "c", "pow(x, 7)"),
        ("x^7", "jax", "x**7"),
        ("x^-0.5", "julia", "x^(-0.5)"),
        ("0.30000000000000004*x", "torch", "0.30000000000000004*x"),
        ("max(x, IF(1 < 2, 0.1, x))", "torch", "torch.maximum(x, torch.tensor(0.1, dtype=torch.float64))"),
        ("max(x, 0.1)", "torch", "torch.maximum(x, torch.tensor(0.1, dtype=torch.float64))"),
    ],
)
def test_text(text, language, code):
    found = to_code(parse(text), language)
    assert found == code or evaluates_alike(found, code, language)


def evaluates_alike(found, code, language):
    """Signs and units may be spelt otherwise; only C and Julia have other words."""
    plain = [re.sub(r"\b1\.0\*", "", text) for text in (found, code)]
    return language in LANGUAGES and plain[0] == plain[1]


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_numbers_that_are_not_finite_have_names(language):
    names = {"numpy": "np.", "jax": "jnp.", "torch": "torch."}
    words = {"c": ("INFINITY", "NAN"), "julia": ("Inf", "NaN")}.get(language)
    infinity, undefined = words or (f"{names[language]}inf", f"{names[language]}nan")
    assert to_code(Call("add", (X, Constant(np.inf))), language) == f"x + {infinity}"
    assert to_code(Constant(np.nan), language) == undefined


@pytest.mark.user_error
def test_what_cannot_be_written_is_refused():
    with pytest.raises(InputError, match="unknown language 'fortran': choose from numpy, jax, torch, c, julia"):
        to_code(X, "fortran")
    with pytest.raises(InputError, match="int, sin cannot be the name of a variable in c code"):
        to_code(Call("add", (Variable("int"), Variable("sin"))), "c")
