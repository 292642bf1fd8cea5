"""The page of a regression, from records made by hand."""

import html

import numpy as np
import pytest
from report.well_formed import read

from limbeck.expressions import complexity, parse
from limbeck.regress import ConstantEstimate, Equation, HallOfFame, Problem, Regression
from limbeck.report import RegressionReport, render_regression

HOSTILE = "<script>alert('x')</script>&\"$\\frac$ {{ 7*7 }}.csv"


def equation(text, loss):
    tree = parse(text)
    return Equation(expression=tree, complexity=complexity(tree), backend_complexity=3, loss=loss, heldout_loss=loss)


def report(by_score="2.0*s", verdict="found", noise=0.01, rows=40, budget_struck=False, rivals=()):
    rng = np.random.default_rng(0)
    s = rng.uniform(1, 2, rows)
    problem = Problem(
        name="y", variables=("s",), inputs=s[:, None], target=2.0 * s + 0.5 + 0.01 * rng.normal(size=rows)
    )
    front = (equation("1.5", 1.0), equation("2.0*s", 0.1), equation("2.0*s + 0.5", 0.01))
    hall = HallOfFame(
        component="y", equations=(*front, equation("2.0*s + 0.5 + 1e-9*s**2", 0.02)), engine="pyoperon",
        version="0.6", seed=0, evaluations=9, seconds=1.0, out_of_time=False,
    )  # fmt: skip
    constant = ConstantEstimate(name="c1", value=2.0, standard_error=0.1, low=1.8, high=2.2, place="c1*s + c2")
    chosen = equation("2.000001*s + 0.4999", 0.0099)
    found = Regression(
        problem=problem, hall=hall, chosen=chosen, by_score=equation(by_score, 0.1), constants=(constant,),
        verdict=verdict, reasons=("because <b>",), noise=noise, agreement=1.0, out_of_time=budget_struck, seconds=1.0,
    )  # fmt: skip
    result = {
        "schema": 1, "verdict": verdict, "reasons": list(found.reasons), "target": "y",
        "expression": "2.000001*s + 0.4999", "complexity": 5, "loss": 0.0099, "noise": noise, "agreement": 1.0,
        "by_score": {"expression": by_score, "complexity": 3, "loss": 0.1},
        "constants": [{"name": "c1", "value": 2.0, "standard_error": 0.1, "low": 1.8, "high": 2.2, "place": "c1*s"}],
        "variables": [{"name": "s", "column": HOSTILE, "unit": "mM", "min": 1.0, "max": 2.0}],
        "data": {"rows": rows, "target": {"name": "y", "unit": "1/s"}, "weights": None, "notes": [HOSTILE]},
        "source": {"path": HOSTILE}, "timings": {"regress": 1.0}, "versions": {"python": "3"}, "seed": 0,
        "budget_struck": budget_struck,
        "symmetry": "m * f(s)" if rivals else None,
        "rivals": [{"expression": text, "loss": 0.0101, "nats": 1.5} for text in rivals],
    }  # fmt: skip
    return RegressionReport(result=result, found=found)


@pytest.mark.parametrize(
    "change", [{}, {"verdict": "not found", "noise": None}, {"by_score": "2.0*s + 0.5"}, {"budget_struck": True}]
)
def test_the_page_is_well_formed_and_runs_nothing(change):
    parser = read(render_regression(report(**change)))
    assert not parser.errors
    assert not parser.open
    assert "script" not in parser.tags
    assert not [
        value for _, name, value in parser.attributes if name in ("src", "href") and not value.startswith("data:")
    ]


def test_the_page_says_what_was_chosen_and_what_else_could_be():
    page = html.unescape(render_regression(report()))
    assert "Equation found" in page
    assert "by the published score" in page
    assert "chooses another, of complexity 3" in page
    assert page.count('class="marked"') == 1
    assert "chooses the same" in html.unescape(render_regression(report(by_score="2.0*s + 0.5")))
    assert "The time limit struck" in render_regression(report(budget_struck=True))
    assert "do not rule out" not in page
    assert "Symmetries" not in page
    assert "y = m * f(s)" in render_regression(report(rivals=["exp(s)"]))
    assert "do not rule out" in render_regression(report(rivals=["exp(s)"]))
    assert "did not pass" in render_regression(report(verdict="not found"))


def test_an_equation_that_is_undefined_everywhere_has_no_scatter():
    made = report()
    found = made.found
    undefined = RegressionReport(
        result=made.result | {"expression": "log(-s)"},
        found=type(found)(**{**vars(found), "chosen": equation("log(-s)", 1.0)}),
    )
    assert render_regression(undefined).count("data:image/png") == 1
