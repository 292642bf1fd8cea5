"""The contract that every engine keeps, and what the search makes of what it finds."""

from dataclasses import replace
from itertools import pairwise
from unittest import mock

import numpy as np
import pytest
import registry
from hypothesis import given, settings, strategies as st
from regress_tables import VARIABLES, problem, table

from limbeck._errors import BackendFailed, InputError
from limbeck.expressions import evaluate, parse, same_form, to_string, variables
from limbeck.regress import DEFAULT_OPERATORS, ENGINES, Problem, SearchConfig, check_engine, check_operators, search
from limbeck.regress._problem import Found

QUICK = SearchConfig(evaluations=3_000, population=100)
COMPARISONS = ("<", ">", "<=", ">=")
# The checks of every annotation slow our own engine tenfold, not PyOperon's C++; it needs fewer evaluations, too.
OURS = replace(QUICK, evaluations=600)
every_engine = pytest.mark.parametrize("engine", registry.ENGINES_HERE)


def quick(engine):
    return OURS if engine == "enumerate" else QUICK


def gravity(r, m_1, m_2):
    return m_1 * m_2 / r**2


def wavy(r, m_1, m_2):
    return m_1 * np.exp(-r) + 0.3 * m_2 - 1 / (r + 0.2)


def shown(hall):
    return [
        (to_string(e.expression), e.complexity, e.backend_complexity, e.loss, e.heldout_loss) for e in hall.equations
    ]


@every_engine
@pytest.mark.parametrize("law", [gravity, wavy])
def test_the_same_seed_gives_the_same_hall_of_fame(engine, law):
    one, two = (search(problem(law), quick(engine), engine=engine, seed=7) for _ in range(2))
    assert shown(one) == shown(two)
    assert (one.engine, one.seed, one.evaluations) == (engine, 7, two.evaluations)
    assert not one.out_of_time


def test_two_threads_find_the_same_law():
    # Not the same front to the last equation: which thread spends the last of the budget is chance.
    best = search(problem(gravity), replace(QUICK, threads=2), engine="pyoperon", seed=7).front[-1]
    assert same_form(best.expression, parse("m_1*m_2/r**2", VARIABLES))


@every_engine
def test_the_front_falls_strictly(engine):
    hall = search(problem(wavy), quick(engine), engine=engine, seed=1)
    sizes = [equation.complexity for equation in hall.equations]
    assert sizes == sorted(set(sizes))
    for simpler, equation in pairwise(hall.front):
        assert simpler.complexity < equation.complexity
        assert simpler.heldout_loss > equation.heldout_loss
    assert all(np.isfinite([e.loss, e.heldout_loss]).all() for e in hall.equations)
    assert all(variables(e.expression) <= set(VARIABLES) for e in hall.equations)


@pytest.mark.slow
@every_engine
@given(seed=st.integers(0, 1000))
@settings(max_examples=2)
def test_the_order_of_rows_says_nothing(engine, seed):
    plain = problem(wavy, rows=60)
    order = np.random.default_rng(seed).permutation(60)
    mixed = replace(plain, inputs=plain.inputs[order], target=plain.target[order])
    config = SearchConfig(evaluations=200, population=50)
    assert shown(search(plain, config, engine=engine, seed=2)) == shown(search(mixed, config, engine=engine, seed=2))


@every_engine
@pytest.mark.parametrize("factor", [1e-12, -4.0, 1e9])
def test_the_unit_of_the_target_does_not_matter(engine, factor):
    plain = problem(lambda r, m_1, m_2: 2 * gravity(r, m_1, m_2))
    scaled = replace(plain, target=factor * plain.target)
    best = search(scaled, quick(engine), engine=engine, seed=0).front[-1]
    assert best.heldout_loss < 1e-6  # loss is measured against the target's own spread
    assert same_form(best.expression, search(plain, quick(engine), engine=engine, seed=0).front[-1].expression)


@pytest.mark.slow
def test_the_exhaustive_engine_scales_exactly():
    plain = problem(wavy)
    one, two = (search(p, OURS, engine="enumerate", seed=0) for p in (plain, replace(plain, target=8 * plain.target)))
    np.testing.assert_allclose([e.loss for e in one.equations], [e.loss for e in two.equations], rtol=1e-6)


@every_engine
@pytest.mark.parametrize(
    ("law", "form"),
    [(gravity, "m_1*m_2/r**2"), (lambda r, m_1, m_2: r - 0.99, "r - 0.99"), (lambda r, m_1, m_2: m_1 / r, "m_1/r")],
    ids=["gravity", "spring", "ratio"],
)
def test_simple_laws_are_found_exactly(engine, law, form):
    best = search(problem(law), quick(engine), engine=engine, seed=0).front[-1]
    truth = parse(form, VARIABLES)
    assert same_form(best.expression, truth)
    columns = dict(zip(VARIABLES, table(seed=5).T, strict=True))
    # PyOperon fits its constants in single precision.
    tolerance = 1e-10 if engine == "enumerate" else 1e-6
    np.testing.assert_allclose(evaluate(best.expression, columns), law(**columns), rtol=tolerance, atol=tolerance)


@every_engine
def test_noise_is_not_explained(engine):
    rng = np.random.default_rng(0)
    hall = search(problem(lambda r, m_1, m_2: rng.normal(size=len(r))), quick(engine), engine=engine, seed=0)
    assert hall.front[-1].heldout_loss > 0.8


@every_engine
@pytest.mark.parametrize("symbol", registry.OPERATORS)
def test_every_operator_is_known_to_every_engine(engine, symbol):
    inputs = table()[:, :2]
    a, b = inputs.T
    laws = {
        "+": a + b, "-": a - b, "*": a * b, "/": a / b, "^": a**2, "exp": np.exp(-a), "log": np.log(a),
        "sqrt": np.sqrt(a), "sin": np.sin(a), "cos": np.cos(a), "tanh": np.tanh(a), "abs": np.abs(a - 1),
        "min": np.minimum(a, b), "max": np.maximum(a, b), "<": 1.0 * (a < 1), ">": 1.0 * (a > 1),
        "<=": 1.0 * (a <= 1), ">=": 1.0 * (a >= 1), "IF": np.where(a > 1, b, 0.3),
    }  # fmt: skip
    inputs = inputs - [1.0, 0.0] if symbol == "abs" else inputs
    made = Problem(name="f", variables=("a", "b"), inputs=inputs, target=laws[symbol], operators=(symbol,))
    if engine == "pyoperon" and symbol in (*COMPARISONS, "IF"):
        with pytest.raises(InputError, match="'pyoperon' has none of the operators"):
            search(made, quick(engine), engine=engine, seed=0)
        return
    best = search(
        made, replace(quick(engine), evaluations=2_000 if engine == "pyoperon" else 600), engine=engine, seed=0
    ).front[-1]
    # A short search may stop short of the last digits; a held-out sample may lie in the gap that holds a threshold.
    assert best.heldout_loss < (0.3 if symbol in (*COMPARISONS, "IF") else 1e-3)


@every_engine
@pytest.mark.parametrize("value", [0.0, 3.5, -1e-20])
def test_a_constant_target_is_that_constant(engine, value):
    hall = search(problem(lambda r, m_1, m_2: np.full(len(r), value)), quick(engine), engine=engine, seed=0)
    assert [to_string(e.expression) for e in hall.front] == [to_string(parse(repr(value), ()))]
    assert hall.front[0].loss <= 1e-15


@every_engine
def test_nothing_to_explain_it_by(engine):
    target = np.random.default_rng(0).normal(3.0, 0.1, 40)
    made = Problem(name="uniform_x", variables=(), inputs=np.zeros((40, 0)), target=target)
    (equation,) = search(made, quick(engine), engine=engine, seed=0).front
    assert float(evaluate(equation.expression, {})) == pytest.approx(3.0, abs=0.1)


@every_engine
def test_arrays_that_may_not_be_written_to(engine):
    made = problem(gravity)
    made.inputs.flags.writeable = made.target.flags.writeable = False
    assert search(made, quick(engine), engine=engine, seed=0).front[-1].heldout_loss < 1e-9


@every_engine
@pytest.mark.parametrize("rows", [3, 4, 7])
def test_hardly_any_samples(engine, rows):
    assert search(problem(gravity, rows=rows), replace(QUICK, evaluations=200), engine=engine, seed=0).front


@every_engine
@pytest.mark.parametrize("tight", [{"evaluations": 1}, {"population": 1}, {"max_complexity": 1}], ids=str)
def test_the_tightest_settings(engine, tight):
    config = replace(SearchConfig(evaluations=200, population=20), **tight)
    assert search(problem(gravity), config, engine=engine, seed=0).front


@every_engine
def test_a_time_limit_that_strikes_is_said(engine):
    config = SearchConfig(evaluations=100_000_000, time_limit=0.3)
    noise = replace(problem(wavy), target=np.random.default_rng(0).normal(size=200))  # nothing ends this search
    hall = search(noise, config, engine=engine, seed=0)
    assert hall.out_of_time
    assert hall.seconds < 10  # Operon counts whole seconds; the rest is a busy machine


def test_an_engine_that_gives_nothing_is_an_error(monkeypatch):
    monkeypatch.setitem(ENGINES, "enumerate", lambda *_: Found([], 0, False))
    with pytest.raises(BackendFailed, match="'enumerate' found no usable equation for 'radial'"):
        search(problem(lambda r, m_1, m_2: np.sin(50 * r) + 0 * m_1), QUICK, engine="enumerate", seed=0)


def test_equations_that_are_undefined_are_not_usable(monkeypatch):
    undefined = [(parse("log(r - 1)", VARIABLES), 3), (parse("1/(r - r)", VARIABLES), 5)]
    monkeypatch.setitem(ENGINES, "enumerate", lambda *_: Found(undefined, 2, False))
    with pytest.raises(BackendFailed, match="no usable equation"):
        search(problem(lambda r, m_1, m_2: np.sin(50 * r) + 0 * m_1), QUICK, engine="enumerate", seed=0)


@every_engine
def test_weights_say_what_counts(engine):
    plain = problem(gravity)
    wrong = np.arange(200) % 4 == 0
    made = replace(plain, target=np.where(wrong, 5.0, plain.target), weights=np.where(wrong, 0.0, 2.0))
    hall = search(made, quick(engine), engine=engine, seed=0)
    assert same_form(hall.front[-1].expression, parse("m_1*m_2/r**2", VARIABLES))
    assert hall.front[-1].loss < 1e-6


def test_operators_without_a_counterpart_are_left_out_and_said():
    made = problem(gravity, operators=("*", "/", "IF", ">", "max"))
    hasty = replace(QUICK, evaluations=100, time_limit=1.0)
    assert search(made, hasty, engine="pyoperon", seed=0).operators == ("*", "/", "max")
    assert search(made, hasty, engine="enumerate", seed=0).operators == made.operators


def test_auto_takes_another_engine_where_pyoperon_is_missing():
    assert check_engine("auto") == "pyoperon"
    with mock.patch("limbeck.regress._search.pyoperon_version", side_effect=ImportError):
        assert check_engine("auto") == "enumerate"


@pytest.mark.user_error
def test_wrong_engines_and_operators():
    with pytest.raises(InputError, match="unknown engine 'pysrr': choose from auto, pyoperon, enumerate, pysr"):
        search(problem(gravity), QUICK, engine="pysrr", seed=0)
    with (
        mock.patch("limbeck.regress._search.pyoperon_version", side_effect=ImportError),
        pytest.raises(InputError, match="not installed here: choose --engine enumerate"),
    ):
        check_engine("pyoperon")
    with pytest.raises(InputError, match="unknown operator 'sinn', '%': choose from"):
        check_operators((*DEFAULT_OPERATORS, "sinn", "%"))
    with pytest.raises(InputError, match="none given"):
        check_operators(())
    with pytest.raises(InputError, match="seed of a search must not be negative"):
        search(problem(gravity), QUICK, engine="enumerate", seed=-1)


@pytest.mark.user_error
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"target": np.full(200, np.nan)}, "must be finite"),
        ({"target": np.r_[np.inf, np.ones(199)]}, "must be finite"),
        ({"inputs": np.full((200, 3), np.nan)}, "must be finite"),
        ({"inputs": np.ones((199, 3))}, r"need inputs of shape \(200, 3\); got \(199, 3\)"),
        ({"variables": ("r", "m_1")}, "2 variables"),
        ({"variables": ("r", "r", "m_1")}, "a variable stands twice"),
        ({"inputs": np.ones((2, 3)), "target": np.ones(2)}, "at least 3 samples"),
        ({"weights": np.full(200, -1.0)}, "finite and not negative"),
        ({"weights": np.full(200, np.nan)}, "finite and not negative"),
        ({"weights": np.zeros(200)}, "at least 3 samples need a weight"),
        ({"weights": np.ones(3)}, "200 samples need as many weights"),
        ({"operators": ("+", "arctan")}, "unknown operator 'arctan'"),
    ],
)
def test_wrong_problems(changes, message):
    with pytest.raises(InputError, match=message):
        replace(problem(gravity), **changes)


@pytest.mark.user_error
@pytest.mark.parametrize("name", ["evaluations", "population", "max_complexity", "constant_steps", "threads"])
def test_settings_out_of_range(name):
    with pytest.raises(InputError, match=f"search.{name} must be at least 1; got 0"):
        SearchConfig(**{name: 0})
    with pytest.raises(InputError, match="time_limit must not be negative"):
        SearchConfig(time_limit=float("nan"))
