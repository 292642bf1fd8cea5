"""The adapter to PySR without Julia: against a stand-in, and the installed package where there is one."""

import importlib.util
import sys
import types
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from regress_tables import VARIABLES, problem

from limbeck._errors import BackendFailed, BackendUnavailable, InputError
from limbeck.expressions import evaluate, parse, same_form
from limbeck.regress import KNOWN_OPERATORS, SearchConfig, check_engine, search
from limbeck.regress._pysr import options, search_pysr, translated

CONFIG = SearchConfig(evaluations=1_000, population=100, time_limit=20.0)


def gravity(r, m_1, m_2):
    return m_1 * m_2 / r**2


def stand_in(equations, calls):
    """A module in which `PySRRegressor` finds what it is told to."""

    class PySRRegressor:
        def __init__(self, **given):
            calls["options"] = given

        def fit(self, inputs, target, *, weights, variable_names):
            calls.update(inputs=inputs, target=target, weights=weights, variable_names=variable_names)
            self.equations_ = {"equation": list(equations), "complexity": list(range(1, len(equations) + 1))}

    module = types.ModuleType("pysr")
    module.PySRRegressor = PySRRegressor  # pyright: ignore[reportAttributeAccessIssue]
    return module


def test_equations_come_back_in_the_tables_own_names():
    calls = {}
    with mock.patch.dict(sys.modules, pysr=stand_in(["0.5", "v1 * v2 / (v0 ^ 2)", "no(equation"], calls)):
        found = search_pysr(problem(gravity), CONFIG, 3)
    assert [size for _, size in found.candidates] == [1, 2]
    assert same_form(found.candidates[1][0], parse("m_1*m_2/r**2", VARIABLES))
    assert calls["variable_names"] == ["v0", "v1", "v2"]
    assert calls["weights"] is None


def test_a_search_through_it():
    modules = mock.patch.dict(sys.modules, pysr=stand_in(["v1 * v2 / (v0 ^ 2)"], {}))
    here = mock.patch("limbeck.regress._search.pysr_is_installed", return_value=True)
    whole = mock.patch("limbeck.regress._stages.reduced", return_value=None)  # what a stand-in finds is of all columns
    with modules, here, whole, mock.patch("limbeck.regress._search.pysr_version", return_value="0"):
        hall = search(problem(gravity), CONFIG, engine="pysr", seed=0)
    assert (hall.engine, hall.front[-1].heldout_loss < 1e-12) == ("pysr", True)


def test_options_map_one_to_one():
    weighted = replace(problem(gravity, operators=KNOWN_OPERATORS), weights=np.linspace(0, 1, 200))
    given = options(weighted, CONFIG, 3)
    assert (given["max_evals"], given["maxsize"], given["timeout_in_seconds"]) == (1_000, 24, 20)
    assert (given["random_state"], given["deterministic"], given["parallelism"]) == (3, True, "serial")
    binary = ["+", "-", "*", "/", "^", "min", "max", "less", "greater", "less_equal", "greater_equal", "cond"]
    assert given["binary_operators"] == binary
    assert given["unary_operators"] == ["exp", "log", "sqrt", "sin", "cos", "tanh", "abs"]
    calls = {}
    with mock.patch.dict(sys.modules, pysr=stand_in(["1.0"], calls)):
        search_pysr(weighted, CONFIG, 0)
    np.testing.assert_array_equal(calls["weights"], np.linspace(0, 1, 200))


def test_the_installed_package_knows_every_option():
    spec = importlib.util.find_spec("pysr")
    if spec is None or spec.origin is None:
        pytest.skip("pysr is not installed")
    source = (Path(spec.origin).parent / "sr.py").read_text(encoding="utf-8")  # importing it would start Julia
    assert all(f"        {name}:" in source for name in options(problem(gravity), CONFIG, 0))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("greater(v0, 2.0) * 3.0", np.where(np.arange(5.0) > 2, 3.0, 0.0)),
        ("less_equal(v0 + 1.0, max(v0, 2.0))", 1.0 * (np.arange(5.0) + 1 <= np.maximum(np.arange(5.0), 2))),
        ("cond(less(v0, 3.0), greater_equal(v0, 1.0))", np.array([0.0, 1.0, 1.0, 0.0, 0.0])),
        ("cond(v0 - 2.5, v0 ^ 2)", np.array([0.0, 0.0, 0.0, 9.0, 16.0])),
    ],
)
def test_comparisons_and_conditionals(text, value):
    np.testing.assert_allclose(evaluate(parse(translated(text), ("v0",)), {"v0": np.arange(5.0)}), value)


@pytest.mark.parametrize("failure", [OSError("no network"), Exception("no Julia"), ImportError("no pysr")], ids=str)
def test_without_julia_it_says_what_is_missing(failure):
    with (
        mock.patch("limbeck.regress._pysr.importlib.import_module", side_effect=failure),
        pytest.raises(BackendUnavailable, match=r"limbeck\[pysr\].*Julia.*no"),
    ):
        search_pysr(problem(gravity), CONFIG, 0)


@pytest.mark.parametrize("equations", [[], ["not an equation ("]])
def test_a_search_that_gives_nothing_is_a_failure(equations):
    with mock.patch.dict(sys.modules, pysr=stand_in(equations, {})), pytest.raises(BackendFailed, match="no equation"):
        search_pysr(problem(gravity), CONFIG, 0)


@pytest.mark.user_error
def test_where_it_is_not_installed():
    with (
        mock.patch("limbeck.regress._search.pysr_is_installed", return_value=False),
        pytest.raises(InputError, match=r"'pysr' needs the extra \(pip install 'limbeck\[pysr\]'\) and Julia"),
    ):
        check_engine("pysr")
