"""What a regression says in the end: `result.json` and `equations.csv`."""

import csv
import io
from collections.abc import Mapping
from typing import Any

import numpy as np

from limbeck.artefacts import SCHEMA, finite
from limbeck.expressions import same_form, to_string
from limbeck.regress import Equation, HallOfFame, Regression, TabularProblem, scores, suits_units

from ._regress_study import KIND, RegressionStudy
from ._result import COLUMNS, constant_fields, versions


def regression_result(
    study: RegressionStudy, tabular: TabularProblem, found: Regression, timings: Mapping[str, float]
) -> dict[str, Any]:
    """The content of `result.json`.

    Args:
        study: What was asked.
        tabular: The table as it was searched.
        found: The outcome.
        timings: Seconds by stage.

    Returns:
        A JSON value without NaN.
    """
    problem = tabular.problem
    return {
        "schema": SCHEMA,
        "kind": KIND,
        "verdict": found.verdict,
        "reasons": list(found.reasons),
        "target": study.target,
        **_equation(found.chosen),
        "constants": [
            {**fields, "unit": e.unit, "whole": e.whole}
            for fields, e in zip(constant_fields(found.constants), found.constants, strict=True)
        ],
        "by_score": _equation(found.by_score),
        "refused_by_units": [
            to_string(e.expression)
            for e in _with(found.hall, found.chosen)
            if not suits_units(e.expression, found.problem)
        ],
        "noise": None if found.noise is None else finite(found.noise),
        "agreement": finite(found.agreement),
        "symmetry": found.hall.symmetry or None,
        "rivals": [
            {"expression": to_string(r.expression), "loss": finite(r.loss), "nats": finite(r.dearer)}
            for r in found.rivals
        ],
        "stability": None if found.stability is None else finite(found.stability),
        "loss_kind": study.loss,
        "variables": [
            {
                "name": name,
                "column": tabular.columns[name],
                "unit": problem.units.get(name, "1"),
                "min": float(values.min()),
                "max": float(values.max()),
            }
            for name, values in zip(problem.variables, problem.inputs.T, strict=True)
        ],
        "data": {
            "rows": len(problem.target),
            "target": {
                "name": problem.name,
                "unit": problem.units.get(problem.name, "1"),
                "min": float(problem.target.min()),
                "max": float(problem.target.max()),
                "standard_deviation": finite(float(np.std(problem.target))),
            },
            "weights": study.weights or None,
            "operators": list(study.operators),
            "notes": list(tabular.notes),
        },
        "engine": found.hall.engine,
        "seed": study.seed,
        "budget_struck": found.out_of_time,
        "timings": {name: round(seconds, 3) for name, seconds in timings.items()},
        "versions": versions(),
        "source": {"path": study.table},
    }


def _equation(equation: Equation) -> dict[str, Any]:
    """An equation with its size and its error."""
    return {
        "expression": to_string(equation.expression),
        "complexity": equation.complexity,
        "loss": finite(equation.heldout_loss),
    }


def regression_equations(found: Regression) -> str:
    """`equations.csv`: the hall of fame, the answer marked.

    Args:
        found: The outcome.

    Returns:
        CSV text with the same columns as that of `discover`.
    """
    rows = _with(found.hall, found.chosen)
    front = dict(zip(map(_key, found.hall.front), scores(found.hall.front), strict=True))
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    for e in rows:
        score = front.get(_key(e))
        writer.writerow(
            [
                found.hall.component,
                e.complexity,
                e.backend_complexity,
                e.loss,
                e.heldout_loss,
                "" if score is None else score,
                e is found.chosen,
                to_string(e.expression),
            ]
        )
    return out.getvalue()


def _key(equation: Equation) -> tuple[int, str]:
    """What tells equations of a hall apart."""
    return equation.complexity, to_string(equation.expression)


def _with(hall: HallOfFame, chosen: Equation) -> list[Equation]:
    """The equations of a hall with the answer in the place of the one that has its form and size, or added."""
    others = [
        e
        for e in hall.equations
        if not (e.complexity == chosen.complexity and same_form(e.expression, chosen.expression))
    ]
    return sorted([*others, chosen], key=lambda e: e.complexity)
