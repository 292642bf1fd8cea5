"""The page of a regression: the equation first, then why it can be trusted."""

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from limbeck.expressions import same_form, variables
from limbeck.regress import Equation, Regression

from ._citations import citations
from ._document import search_facts
from ._equations import Formula, equation_line, symbol
from ._numbers import NOTHING, number, shown
from ._page import Banner, render_page
from ._regression_figures import front_picture, parity_picture
from ._tables import constants_table, hall_table, timing_rows, version_rows


@dataclass(frozen=True, kw_only=True, eq=False)
class RegressionReport:
    """Everything that the page of a regression shows.

    Attributes:
        result: Content of `result.json`.
        found: The outcome.
    """

    result: Mapping[str, Any]
    found: Regression


def render_regression(report: RegressionReport) -> str:
    """The page of a regression, which opens without a network and without scripts.

    Args:
        report: Everything the page shows.

    Returns:
        HTML.
    """
    result, found = report.result, report.found
    target = found.problem.name
    return render_page(
        "regression.html.jinja",
        {
            "name": f"{target} from {result['source']['path']}",
            "banner": _banner(result),
            "found": found.verdict == "found",
            "equation": equation_line(f"{target}, our choice", target, result["expression"]),
            "by_score": _by_score(report),
            "equation_facts": _equation_facts(report),
            "constants": constants_table(result),
            "variables": _variables(report),
            "notes": result["data"]["notes"],
            "symmetry": result["symmetry"] and f"{target} = {result['symmetry']}",
            "trust": _trust(result),
            "rivals": [equation_line(f"{target}, nearly as well", target, r["expression"]) for r in result["rivals"]],
            "parity_picture": parity_picture(found, _unit(result["data"]["target"])),
            "front_picture": front_picture(found),
            "search_facts": search_facts(found.hall),
            "front": hall_table(found.hall, lambda equation: is_chosen(equation, found)),
            "command": _command(result),
            "schema": result["schema"],
            "timings": timing_rows(result),
            "versions": version_rows(result),
            "citations": citations([found.hall]),
        },
    )


def is_chosen(equation: Equation, found: Regression) -> bool:
    """Whether an equation of the hall of fame is the answer, which may have better constants.

    Args:
        equation: From the hall of fame.
        found: The outcome.

    Returns:
        True if size and form are the same.
    """
    return equation.complexity == found.chosen.complexity and same_form(equation.expression, found.chosen.expression)


def _banner(result: Mapping[str, Any]) -> Banner:
    """Verdict and reasons."""
    is_found = result["verdict"] == "found"
    notes = ("The time limit struck: a repeat may end elsewhere.",) if result["budget_struck"] else ()
    return Banner(
        kind="found" if is_found else "not-found",
        title="Equation found" if is_found else "No equation that can be stood behind",
        reasons=tuple(map(str, result["reasons"])),
        notes=notes,
    )


def _by_score(report: RegressionReport) -> Formula | None:
    """The answer by the published score, where it is another."""
    if is_chosen(report.found.by_score, report.found):
        return None
    target = report.found.problem.name
    return equation_line(f"{target}, by the published score", target, report.result["by_score"]["expression"])


def _equation_facts(report: RegressionReport) -> str:
    """Size of the equations, in a sentence."""
    result = report.result
    text = f"Complexity {result['complexity']}."
    if _by_score(report) is None:
        return f"{text} The published score, the fall of the log-loss per complexity, chooses the same."
    return (
        f"{text} The published score, the fall of the log-loss per complexity, chooses another, of complexity "
        f"{result['by_score']['complexity']} and loss {shown(result['by_score']['loss'], 3)}."
    )


def _variables(report: RegressionReport) -> tuple[tuple[str, ...], ...]:
    """Symbol, column, unit, range and use of each variable."""
    used = variables(report.found.chosen.expression)
    return tuple(
        (
            symbol(entry["name"]),
            entry["column"],
            shown(_unit(entry)),
            number(entry["min"]),
            number(entry["max"]),
            "yes" if entry["name"] in used else "no",
        )
        for entry in report.result["variables"]
    )


def _trust(result: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What speaks for the equation, in figures."""
    unit, data = _unit(result["data"]["target"]), result["data"]
    noise, agreement = result["noise"], result["agreement"]
    rows = [
        ("Error on held-out rows", f"{shown(result['loss'], 3)} of the target's standard deviation"),
        ("Noise of the target", NOTHING if noise is None else f"{number(noise, 3)} {unit}".strip()),
        ("Searches that chose this form", NOTHING if agreement is None else f"{100 * agreement:.0f} %"),
        ("Rows", str(data["rows"])),
    ]
    return (*rows, ("Weights", str(data["weights"]))) if data["weights"] else tuple(rows)


def _unit(entry: Mapping[str, Any]) -> str:
    """A unit, empty where there is none."""
    return "" if entry["unit"] == "1" else str(entry["unit"])


def _command(result: Mapping[str, Any]) -> str:
    """The command that repeats the run."""
    path, target = shlex.quote(str(result["source"]["path"])), shlex.quote(str(result["target"]))
    return f"limbeck regress {path} --target {target} --study study.toml --out NEW_FOLDER"
