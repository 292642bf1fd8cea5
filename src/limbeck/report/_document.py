"""One self-contained page: the law first, then why it can be trusted."""

from typing import Any

from limbeck.regress import HallOfFame

from ._animation import animation
from ._behaviour import drift_table, rollout_facts
from ._citations import citations, commands, source_name
from ._drawing import Picture
from ._equations import law_on_page
from ._figures import (
    front_picture,
    messages_picture,
    rollout_error_picture,
    rollout_picture,
    training_picture,
)
from ._held_out import held_out_facts, held_out_table
from ._kinds import kinds_table
from ._numbers import duration, shown
from ._page import Banner, render_page
from ._record import Report
from ._tables import (
    assumptions,
    bias_table,
    checks,
    constants_table,
    data_notes,
    data_rows,
    front_table,
    hall_tables,
    properties_table,
    property_notes,
    timing_rows,
    variables_table,
    version_rows,
)


def render_report(report: Report) -> str:
    """The page of a run, which opens without a network and without scripts.

    Args:
        report: Everything the page shows; whatever is null is left out or named as missing.

    Returns:
        HTML.
    """
    return render_page("page.html.jinja", {**_facts(report), **_pictures(report)})


def _facts(report: Report) -> dict[str, Any]:
    """Everything in words and numbers."""
    result = report.result
    return {
        "name": source_name(result.get("source")),
        "banner": _banner(report),
        "found": result.get("verdict") == "found",
        "law": law_on_page(result),
        "complexity": result.get("complexity"),
        "variables": variables_table(result),
        "constants": constants_table(result),
        "kinds": kinds_table(result),
        "properties": properties_table(result),
        "property_notes": property_notes(result),
        "checks": checks(result),
        "assumptions": assumptions(result),
        "biases": bias_table(result),
        "front": front_table(report),
        "halls": hall_tables(report),
        "search_facts": _search_facts(report),
        "rollout_facts": rollout_facts(report),
        "drifts": drift_table(report),
        "held_out": held_out_table(result),
        "held_out_facts": held_out_facts(result),
        "motion": animation(report),
        "data": data_rows(result),
        "data_notes": data_notes(result),
        "timings": timing_rows(result),
        "versions": version_rows(result),
        "commands": commands(result),
        "citations": citations(report.halls.values()),
        "schema": shown(result.get("schema")),
    }


def _pictures(report: Report) -> dict[str, Picture | None]:
    """Every picture, None where there is nothing to show."""
    return {
        "front_picture": front_picture(report),
        "messages_picture": messages_picture(report),
        "training_picture": training_picture(report),
        "rollout_picture": rollout_picture(report),
        "rollout_error_picture": rollout_error_picture(report),
    }


def _banner(report: Report) -> Banner:
    """Verdict, reasons, and what has to be known at once."""
    result = report.result
    verdict = result.get("verdict")
    kind, title = {
        "found": ("found", "Law found"),
        "not found": ("not-found", "No law that can be stood behind"),
    }.get(str(verdict), ("unknown", "No verdict"))
    notes = []
    if result.get("recovered") is not None:
        how = "agrees" if result["recovered"] else "does not agree"
        notes.append(f"The true law is known here, and what came out {how} with it. The verdict does not use this.")
    if result.get("budget_struck"):
        notes.append("The time limit struck: a repeat may end elsewhere.")
    reasons = result.get("reasons") or ()
    reasons = (reasons,) if isinstance(reasons, str) else tuple(str(reason) for reason in reasons)
    return Banner(kind=kind, title=title, reasons=reasons, notes=tuple(notes))


def _search_facts(report: Report) -> dict[str, str]:
    """How each channel was searched, in a line."""
    return {name: search_facts(hall) for name, hall in report.halls.items()}


def search_facts(hall: HallOfFame) -> str:
    """How equations were searched, in a line.

    Args:
        hall: What was found.

    Returns:
        Engine, seed, effort and time.
    """
    return (
        f"{hall.engine} {hall.version}, seed {hall.seed}, {hall.evaluations} equations tried in "
        f"{duration(hall.seconds)}" + (", ended by the time limit" if hall.out_of_time else "")
    )
