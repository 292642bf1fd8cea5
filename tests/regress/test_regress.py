"""`limbeck.regress` from Python: tables in, an equation that is also a function out."""

import math

import numpy as np
import pandas as pd
import pytest
import sympy
from hypothesis import given, strategies as st
from regress_runs import noise_table, saturation

import limbeck
import limbeck.regress
from limbeck.expressions import Variable, parse
from limbeck.regress import Problem, RegressionConfig, SearchConfig, search, tabular_problem
from limbeck.regress._arrays import table_of
from limbeck.regress._regress import _deadline, _target_name

SMALL = RegressionConfig(search=SearchConfig(evaluations=4_000, population=300))
ARITHMETIC = ("+", "-", "*", "/")


@pytest.fixture(scope="module")
def law():
    table = saturation()
    return limbeck.regress(table[["s", "z"]], table["y"], operators=ARITHMETIC, config=SMALL)


def test_the_package_is_also_the_call():
    assert callable(limbeck.regress)
    assert limbeck.regress.search is search
    assert limbeck.regress is not limbeck.regress.regress


def test_the_law_is_formula_and_function(law):
    s = np.linspace(0.1, 9.0, 20)
    truth = 3.1 * s / (0.7 + s)
    assert law.found
    assert law.verdict == "found"
    assert law.reasons
    assert law.sympy.free_symbols == {sympy.Symbol("s")}
    # Noiseless: what is left is the end of the iteration.
    np.testing.assert_allclose(sympy.lambdify(sympy.Symbol("s"), law.sympy)(s), truth, rtol=1e-6)
    np.testing.assert_allclose(law(np.column_stack([s, 0 * s])), truth, rtol=1e-6)
    np.testing.assert_allclose(law(pd.DataFrame({"other": 0 * s, "z": 0 * s, "s": s})), truth, rtol=1e-6)
    assert "s" in law.latex
    assert law.hall_of_fame.equations
    assert str(law).startswith("found\ny = ")
    assert all(c.low <= c.value <= c.high for c in law.constants)


def test_names_by_default_and_constant_columns():
    x = np.column_stack([np.linspace(1, 2, 30), np.full(30, 7.0)])
    law = limbeck.regress(x, 2.0 * x[:, 0] + 1.0, config=SMALL)
    assert law.sympy.free_symbols == {sympy.Symbol("x0")}
    assert law.notes == ("the column 'x1' has the value 7 throughout: no equation can tell its part",)
    np.testing.assert_allclose(law(x), 2.0 * x[:, 0] + 1.0, rtol=1e-8)


def test_what_was_passed_is_left_as_it_was():
    table = saturation(rows=40)
    before = table.copy()
    limbeck.regress(table[["s"]], table["y"], config=SMALL, time_limit=4.0)
    pd.testing.assert_frame_equal(table, before)


def test_noise_is_not_found():
    table = noise_table()
    law = limbeck.regress(table[["a", "b"]], table["y"], config=SMALL, time_limit=4.0)
    assert not law.found
    assert str(law).startswith("not found")
    assert law.reasons[0] in str(law)


@pytest.mark.parametrize(
    ("columns", "names"),
    [
        (["lambda"], {"lambda": "lambda_"}),
        (["a b", "a_b"], {"a_b": "a_b", "a b": "a_b_2"}),
        (["exp", "Piecewise", "pi"], {"exp": "exp_", "Piecewise": "Piecewise_", "pi": "pi_"}),
        (["2nd", "β", " x"], {"2nd": "x2nd", "β": "β", " x": "x"}),
        # Python reads the sign for micro as the letter.
        (["\u00b5", "m²", "π"], {"\u00b5": "x", "m²": "m", "π": "x_2"}),
        (["E", "I", "beta"], {"E": "E", "I": "I", "beta": "beta"}),
    ],
)
def test_names_of_columns_in_equations(columns, names):
    rows = np.random.default_rng(0).normal(size=(12, len(columns) + 1))
    found = tabular_problem(rows[:, 1:], rows[:, 0], columns, "y")
    assert {found.columns[name]: name for name in found.problem.variables} == names
    changed = [column for column, name in names.items() if column != name]
    assert all(f"{column!r} is called {names[column]}" in " ".join(found.notes) for column in changed)


@given(st.lists(st.text(min_size=1, max_size=8).filter("target".__ne__), min_size=1, max_size=6, unique=True))
def test_every_column_gets_a_name_of_its_own_that_reads_back(columns):
    rows = np.random.default_rng(0).normal(size=(12, len(columns)))
    found = tabular_problem(rows, np.arange(12.0), columns, "target")
    assert len(set(found.problem.variables)) == len(columns)
    assert [found.columns[name] for name in found.problem.variables] == columns
    assert all(parse(name) == Variable(name) for name in found.problem.variables)


def test_sympy_reads_names_of_its_own_as_the_note_says():
    rows = np.random.default_rng(0).uniform(1, 2, size=(12, 5))
    names = ["E", "I", "beta", "sum"]
    found = tabular_problem(rows[:, 1:], rows[:, 0], names, "y")
    (note,) = found.notes
    assert all(f"'{name}': Symbol('{name}')" for name in names if name in note)
    symbols = {name: sympy.Symbol(name) for name in names}
    assert sympy.sympify("E*I + beta/sum", locals=symbols).free_symbols == set(symbols.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.zeros(12)}, "X must have rows and columns"),
        ({"X": [["a"]] * 12}, "X must be a table of numbers"),
        ({"X": np.zeros((12, 0))}, "no column is left"),
        ({"X": np.where(np.eye(12, 2) > 0, np.nan, 1.0)}, r"X, row 0 \(the first is 0\), column 0: got nan"),
        ({"y": np.arange(11.0)}, "y must be one value for each of the 12 rows"),
        ({"y": np.ones(12)}, "has the value 1 in every row"),
        ({"y": np.r_[np.inf, np.arange(11.0)]}, "y, row 0"),
        ({"names": ["a"]}, "there are 1 names"),
        ({"names": ["a", "a"]}, "stands twice"),
        ({"weights": np.zeros(12)}, "a weight above 0"),
        ({"weights": np.r_[np.ones(9), np.zeros(3)]}, "at least 10 rows are needed; got n_samples = 9"),
        ({"y": 1e200 * np.arange(12.0)}, "'y' has values of up to 1e.201: powers"),
        ({"X": np.r_["1", np.full((12, 1), 1e-150), np.eye(12, 1)]}, "'x0' has values of up to 1e-150"),
        ({"weights": -np.ones(12)}, "weights must be finite and not negative"),
        ({"weights": np.ones(3)}, "weights must be one value for each"),
        ({"operators": ["foo"]}, "unknown operator"),
        ({"engine": "foo"}, "unknown engine"),
        ({"seed": -1}, "seed"),
        ({"time_limit": -1.0}, "time limit"),
        ({"time_limit": float("nan")}, "time limit"),
        ({"units": {"q": "m"}}, "there is no column 'q'"),
        ({"units": {"x0": "kg*m/(s^2)"}}, r"units: the unit 'kg\*m/\(s\^2\)' of the column 'x0' can't be read"),
        ({"X": [[1.5, 10**400]] * 12}, "X must be a table of numbers: it holds a whole number that is too large"),
        ({"y": [10**400] * 12}, "y must be numbers: it holds a whole number that is too large"),
        ({"X": np.arange(2**53, 2**53 + 24).reshape(12, 2)}, r"X holds whole numbers beyond 2\*\*53"),
        ({"X": pd.DataFrame({"a": np.arange(12.0), "b": range(2**53, 2**53 + 12)})}, "subtract an offset"),
        ({"y": [0.5, *range(2**53, 2**53 + 11)]}, r"y holds whole numbers beyond 2\*\*53"),
        ({"X": np.ma.masked_less(np.arange(24.0).reshape(12, 2), 1)}, "some of its values are masked"),
        ({"X": np.ones((12, 2)) * 1j}, "it holds complex numbers"),
        ({"y": [*range(11), 1j]}, "y must be numbers: it holds complex numbers"),
        ({"y": np.arange(12).astype("datetime64[D]")}, "y must be numbers: it holds dates"),
        ({"X": pd.DataFrame({"a": np.arange(12).astype("timedelta64[s]")})}, "it holds durations"),
    ],
)
def test_wrong_input_is_refused(change, message):
    given_ = {"X": np.random.default_rng(0).normal(size=(12, 2)), "y": np.arange(12.0), "config": SMALL} | change
    with pytest.raises(limbeck.InputError, match=message):
        limbeck.regress(**given_)


@pytest.mark.user_error
@pytest.mark.parametrize(
    ("change", "message"), [({"seed": 1.5}, "seed must be a whole number"), ({"time_limit": "3"}, "time limit")]
)
def test_numbers_of_another_kind_are_refused(change, message):
    with pytest.raises(limbeck.InputError, match=message):
        limbeck.regress(np.arange(24.0).reshape(12, 2), np.arange(12.0), config=SMALL, **change)


def test_a_time_limit_of_none_is_no_limit():
    assert math.isinf(_deadline(None))
    assert math.isinf(_deadline(0.0))


@pytest.mark.parametrize(
    ("columns", "name"), [(("x",), "y"), (("y",), "target"), (("y", "target"), "target_2"), (("target_2",), "y")]
)
def test_the_target_has_a_name_that_no_column_has(columns, name):
    assert _target_name(np.arange(3.0), columns) == name
    assert _target_name(pd.Series([1.0], name=columns[0]), columns) == name


def test_whole_numbers_that_are_floats_all_the_same_stand():
    inputs, _ = table_of([[2**60, 2**53 - 1]], None)
    assert inputs.tolist() == [[2.0**60, 2.0**53 - 1]]


@pytest.mark.parametrize("size", [1e307, 1e-320])
def test_weights_of_extreme_size_are_brought_to_a_common_one(size):
    rows = np.random.default_rng(0).normal(size=(12, 2))
    share = np.r_[np.full(6, 0.5), np.ones(6)]
    found = tabular_problem(rows[:, 1:], rows[:, 0], ["x"], "y", weights=share * size).problem.weights
    np.testing.assert_allclose(found, share, rtol=1e-3)  # 1e-320 has three digits
    assert tabular_problem(rows[:, 1:], rows[:, 0], ["x"], "y", weights=3 * share).problem.weights.max() == 3.0


def test_rows_without_weight_are_left_out():
    x, weights = np.linspace(1, 3, 60), np.r_[np.ones(20), np.zeros(40)]
    y = np.where(weights > 0, 3 * x + 1, 50.0)
    found = limbeck.regress(x[:, None], y, ["x"], weights=weights, config=SMALL, seed=0)
    assert len(found.regression.problem.target) == 20
    assert any("40 rows have no weight" in note for note in found.notes)
    assert found.regression.chosen.loss < 1e-7


def test_another_table_is_refused(law):
    with pytest.raises(limbeck.InputError, match="1 columns"):
        law(np.zeros((3, 1)))
    with pytest.raises(limbeck.InputError, match="lacks the column 's'"):
        law(pd.DataFrame({"z": [1.0]}))
    with pytest.raises(limbeck.InputError, match="has the column 's' twice"):
        law(pd.DataFrame([[1.0, 2.0, 3.0]], columns=["s", "s", "z"]))


def test_few_rows_are_refused_and_weights_must_fit_a_problem():
    with pytest.raises(limbeck.InputError, match="at least 10 rows"):
        limbeck.regress(np.zeros((9, 1)), np.arange(9.0))
    with pytest.raises(limbeck.InputError, match="weights"):
        Problem(name="y", variables=("x",), inputs=np.zeros((3, 1)), target=np.ones(3), weights=-np.ones(3))
