"""Variables that symmetries make superfluous: the right ones are found, and none where there is none."""

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from limbeck.expressions import evaluate, parse, to_readable, variables
from limbeck.regress import Problem, _reduce
from limbeck.regress._leaves import leaves_of
from limbeck.regress._reduce import Reduced, reduced

SAMPLES = 400
POWERS = st.sampled_from([-2, -1, 1, 2])


def problem(
    formula: str, names: str, *, noise: float = 0.0, low: float = 1.0, high: float = 3.0, seed: int = 0
) -> Problem:
    """Samples of a formula, uniform between two bounds."""
    rng = np.random.default_rng(seed)
    columns = {name: rng.uniform(low, high, SAMPLES) for name in names.split()}
    target = evaluate(parse(formula), columns)
    target = target + noise * np.std(target) * rng.normal(size=SAMPLES)
    return Problem(
        name="y",
        variables=tuple(columns),
        inputs=np.column_stack(list(columns.values())),
        target=target,
        operators=("+", "-", "*", "/", "^", "sqrt", "exp"),
    )


def groups(found: Reduced | None) -> set[str]:
    """What is left, in words."""
    assert found is not None
    return {to_readable(expression) for expression in found.variables.values()}


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_products_and_quotients_become_one_variable(noise: float) -> None:
    found = reduced(problem("m*exp(-a*b/(c*d))", "m a b c d", noise=noise), 0)
    assert found is not None
    assert len(found.variables) == 1
    assert variables(found.factor) == {"m"}
    assert variables(next(iter(found.variables.values()))) == {"a", "b", "c", "d"}


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_only_differences_matter(noise: float) -> None:
    assert groups(reduced(problem("exp(-(x - y)**2)", "x y", noise=noise), 0)) == {"x - y"}


def test_only_the_sum_of_squares_matters() -> None:
    found = reduced(problem("exp(-(x**2 + y**2)/3)", "x y"), 0)
    assert groups(found) == {"x**2 + y**2"}


def test_a_factor_of_both_signs_is_taken_out() -> None:
    rng = np.random.default_rng(3)
    q, r = rng.normal(size=SAMPLES), rng.uniform(1, 3, SAMPLES)
    table = np.column_stack([q, r])
    found = reduced(Problem(name="y", variables=("q", "r"), inputs=table, target=q * np.sin(r)), 0)
    assert found is not None
    assert to_readable(found.factor) == "q"
    assert groups(found) == {"r"}


def test_nothing_is_taken_away_where_all_matters() -> None:
    assert reduced(problem("exp(-x)+y**2+x*y", "x y"), 0) is None


def test_noise_has_no_symmetry() -> None:
    rng = np.random.default_rng(0)
    table = rng.uniform(1, 3, (SAMPLES, 3))
    assert (
        reduced(Problem(name="y", variables=("a", "b", "c"), inputs=table, target=rng.normal(size=SAMPLES)), 0) is None
    )


def test_too_few_rows_say_nothing() -> None:
    whole = problem("a*b", "a b")
    assert reduced(whole.rows(np.arange(40)), 0) is None


def test_one_variable_stays_as_it_is() -> None:
    assert reduced(problem("x**2", "x"), 0) is None


@settings(max_examples=3, deadline=None)
@given(
    a=st.sampled_from([-2, -1, 1, 2]),
    b=st.sampled_from([-2, -1, 1, 2]),
    seed=st.integers(0, 1000),
    scale=st.floats(1e-3, 1e3),
)
def test_what_is_found_is_the_same_law_in_any_units(a: int, b: int, seed: int, scale: float) -> None:
    """The reduced problem, lifted, is the table's own: its target times the factor is the target that was given."""
    given_ = problem(f"{scale!r}*m**({a})*(1 + x**({b})/y)", "m x y", seed=seed)
    found = reduced(given_, seed)
    assert found is not None
    columns = dict(zip(given_.variables, given_.inputs.T, strict=True))
    factor = np.broadcast_to(evaluate(found.factor, columns), given_.target.shape)
    np.testing.assert_allclose(found.problem.target * factor, given_.target, rtol=1e-9)
    for name, values in zip(found.problem.variables, found.problem.inputs.T, strict=True):
        np.testing.assert_allclose(evaluate(found.variables[name], columns), values, rtol=1e-9)
    assert len(found.variables) < 3


def test_two_reductions_one_after_the_other_are_one() -> None:
    first = problem("a*b*exp(-(x - y)/t)", "a b x y t")
    x = first.inputs
    middle = problem("z1*exp(-z2/z3)", "z1 z2 z3")
    half = Reduced(
        problem=middle,
        variables={"z1": parse("b"), "z2": parse("x - y"), "z3": parse("t")},
        factor=parse("a"),
        error=0.02,
    )
    rest = Reduced(problem=problem("exp(-z1)", "z1"), variables={"z1": parse("z2/z3")}, factor=parse("z1"), error=0.01)
    whole = half.followed_by(rest)
    assert whole.error == 0.01
    assert {name: to_readable(e) for name, e in whole.variables.items()} == {"z1": "(x - y)/t"}
    assert to_readable(whole.factor) == "a*b"
    columns = dict(zip(first.variables, x.T, strict=True))
    np.testing.assert_allclose(evaluate(whole.lifted(parse("exp(-z1)")), columns), first.target, rtol=1e-12)


def test_what_one_draw_of_samples_leaves_another_takes_away(monkeypatch: pytest.MonkeyPatch) -> None:
    every = _reduce._steps
    monkeypatch.setattr(_reduce, "_steps", lambda *args: (every(*args)[0][:1], 0.0))
    found = reduced(problem("m*exp(-a*b/(c*d))", "m a b c d"), 0)
    assert found is not None
    assert variables(found.factor) == {"m"}
    assert {frozenset(variables(e)) for e in found.variables.values()} == {frozenset("abcd")}


def test_a_seed_repeats() -> None:
    whole = problem("a/(b+c)", "a b c", noise=0.01)
    one, two = reduced(whole, 5), reduced(whole, 5)
    assert one is not None
    assert two is not None
    assert one.variables == two.variables
    np.testing.assert_array_equal(one.problem.target, two.problem.target)


def test_leaves_have_one_sign_and_are_defined() -> None:
    table = np.random.default_rng(0).uniform(0.1, 4, (50, 2))
    columns = {"z1": table[:, 0], "z2": table[:, 1]}
    found = leaves_of(("z1", "z2"), table)
    assert "1/(z1*z2) + 1" in {to_readable(leaf) for leaf in found}
    for leaf in found:
        values = evaluate(leaf, columns)
        assert np.isfinite(values).all()
        assert (values > 0).all() or (values < 0).all()


@pytest.mark.parametrize(
    ("formula", "names", "said"),
    [
        ("exp(-(x - y)**2)", "x y", "f(x - y)"),
        ("m*exp(-x/y)*(1 + x/y)", "m x y", "m * f("),
        ("a*b/c", "a b c", " * constant"),
    ],
)
def test_what_is_left_is_said(formula: str, names: str, said: str) -> None:
    assert said in str(reduced(problem(formula, names), 0))
