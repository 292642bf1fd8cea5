"""The regression as scikit-learn sees it."""

import subprocess
import sys
from unittest import SkipTest

import numpy as np
import pytest
import sympy
from regress_runs import saturation
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.utils.estimator_checks import parametrize_with_checks

import limbeck

QUICK = {"evaluations": 2_000, "searches": 1}


@pytest.mark.user_error
@parametrize_with_checks([limbeck.SymbolicRegressor(**QUICK)])
def test_checks_of_scikit_learn(estimator, check):
    """Without the type hook: the checks give the constructor what no annotation admits."""
    try:
        check(estimator)
    except SkipTest:
        # Needs an environment variable set before SciPy is imported; with it the check passes.
        assert check.func.__name__ == "check_array_api_input"


def test_fit_predict_score_and_what_is_learnt():
    table = saturation()
    model = limbeck.SymbolicRegressor(operators=("+", "-", "*", "/"), evaluations=4_000).fit(
        table[["s", "z"]], table["y"]
    )
    assert list(model.feature_names_in_) == ["s", "z"]
    assert model.n_features_in_ == 2
    assert model.score(table[["s", "z"]], table["y"]) > 1 - 1e-9
    assert sympy.sympify(model.expression_).free_symbols == {sympy.Symbol("s")}
    assert {"complexity", "loss", "equation"} == set(model.equations_[0])
    assert model.law_.found
    assert str(model).startswith("y = ")


@pytest.mark.slow
def test_it_works_in_a_pipeline_and_in_cross_validation():
    table = saturation(rows=60)
    model = make_pipeline(FunctionTransformer(np.log), limbeck.SymbolicRegressor(**QUICK))
    scores = cross_val_score(model, table[["s"]].to_numpy(), table["y"].to_numpy(), cv=2)
    assert scores.min() > 0.9


def test_a_robust_loss_leaves_gross_errors_out():
    x = np.linspace(0.5, 4.0, 80)
    y = 3 * x + 1
    y[::11] += 50.0
    model = limbeck.SymbolicRegressor(loss="robust", **QUICK).fit(x[:, None], y)
    np.testing.assert_allclose(model.predict([[2.0]]), [7.0], rtol=1e-6)
    assert model.law_.regression.row_weights is not None


@pytest.mark.user_error
def test_another_loss_is_refused():
    with pytest.raises(ValueError, match="unknown loss 'cubic'"):
        limbeck.SymbolicRegressor(loss="cubic", **QUICK).fit(np.arange(12.0)[:, None], np.arange(12.0))


def test_too_few_rows_are_never_called_a_law():
    x = np.linspace(0, 1, 5)[:, None]
    model = limbeck.SymbolicRegressor(**QUICK).fit(x, 2 * x[:, 0] + 1)
    assert model.law_.verdict == "not found"
    assert "too few" in model.law_.reasons[0]


@pytest.mark.slow
def test_a_generator_may_decide():
    table = saturation(rows=20)
    for state in (np.random.RandomState(3), None):
        limbeck.SymbolicRegressor(random_state=state, **QUICK).fit(table[["s"]], table["y"])


@pytest.mark.user_error
def test_nan_is_refused():
    with pytest.raises(ValueError, match="NaN"):
        limbeck.SymbolicRegressor(**QUICK).fit([[np.nan]] * 12, np.arange(12.0))


def test_without_scikit_learn_the_extra_is_named():
    script = """
import sys
sys.modules["sklearn"] = None
sys.modules["sklearn.base"] = None
import limbeck
try:
    limbeck.SymbolicRegressor
except ImportError as error:
    assert "limbeck[sklearn]" in str(error), error
else:
    raise AssertionError("it was there")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
