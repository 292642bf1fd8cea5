"""The page of messages: what they stand for, then the figures that it rests on."""

from dataclasses import dataclass

from limbeck._errors import InputError
from limbeck.analyse import MEANINGS, TARGETS, MessageReading, MessageRecord, SeedSummary, summarise_seeds

from ._message_figures import directions_picture, scatter_picture, sparsity_picture
from ._message_tables import component_table, inverse_table, reading_table, refusals, specialisation_table, spread_table
from ._numbers import fixed, shown
from ._page import Banner, render_page


@dataclass(frozen=True, kw_only=True, eq=False)
class MessagesReport:
    """Everything that the page of messages shows.

    Attributes:
        name: What was read, for the heading.
        facts: Name and value of what else is known of the networks: form, system, training.
        labels: Name of each seed.
        records: Messages of each seed.
        readings: What they say.
    """

    name: str
    facts: tuple[tuple[str, str], ...]
    labels: tuple[str, ...]
    records: tuple[MessageRecord, ...]
    readings: tuple[MessageReading, ...]

    def __post_init__(self) -> None:
        """Refuse a report of nothing, and parts that do not fit.

        Raises:
            InputError: If there is no seed, or not one label, record and reading for each.
        """
        counts = (len(self.labels), len(self.records), len(self.readings))
        if 0 in counts or len(set(counts)) > 1:
            raise InputError(f"expected one label, record and reading for each seed, at least one; got {counts}")


def render_messages(report: MessagesReport) -> str:
    """The page of messages, which opens without a network and without scripts.

    Args:
        report: Everything the page shows.

    Returns:
        HTML.
    """
    summary = summarise_seeds(report.readings)
    each = (report.readings, tuple(label.replace(" ", "\u00a0") for label in report.labels))  # never broken in a table
    scatters = [
        found
        for record, reading, label in zip(report.records, *each, strict=True)
        if (found := scatter_picture(record, reading, label)) is not None
    ]
    return render_page(
        "messages.html.jinja",
        {
            "name": report.name,
            "banner": _banner(report, summary),
            "readings": reading_table(*each),
            "refusals": refusals(report.readings),
            "spread": spread_table(summary),
            "several": summary.n_seeds > 1,
            "scatters": scatters,
            "sparsity_picture": sparsity_picture(*each),
            "components": component_table(*each),
            "importance_facts": _importance_facts(report.readings[0]),
            "inverse": inverse_table(*each),
            "specialisation": specialisation_table(*each),
            "directions_picture": directions_picture(*each),
            "facts": (*report.facts, *_edge_facts(report)),
        },
    )


def _banner(report: MessagesReport, summary: SeedSummary) -> Banner:
    """The reading in words: a claim only where every seed makes it."""
    reasons = tuple(
        f"{label}: {reason}" if summary.n_seeds > 1 else reason[0].upper() + reason[1:]
        for reading, label in zip(report.readings, report.labels, strict=True)
        for reason in reading.reasons
    )
    if summary.agreed is not None:
        return Banner(
            kind="found", title=f"The messages are {MEANINGS[summary.agreed]}", reasons=reasons, notes=_notes(summary)
        )
    known = any(record.forces is not None for record in report.records)
    title = (
        "The messages can't be said to be forces" if known else "There is no true force to compare the messages with"
    )
    if summary.chosen["none"] < summary.n_seeds:
        counted = ", ".join(f"{count} × {name}" for name, count in summary.chosen.items() if count)
        title = f"The seeds do not agree on what the messages are: {counted}"
    return Banner(kind="not-found" if known else "", title=title, reasons=reasons, notes=_notes(summary))


def _notes(summary: SeedSummary) -> tuple[str, ...]:
    """Both R² at once, so that neither is quoted alone."""
    target = summary.agreed or TARGETS[0]
    whole, most = summary.r2[target], summary.r2_trimmed[target]
    if whole.mean is None:
        return ()
    over = f", mean over {summary.n_seeds} seeds" if summary.n_seeds > 1 else ""
    return (f"R² for {MEANINGS[target]}: {fixed(whole.mean)} on all edges, {fixed(most.mean)} on the best 90 %{over}.",)


def _importance_facts(reading: MessageReading) -> str:
    """How components are ranked, in a sentence."""
    sizes = reading.importance
    return (
        f"Ranked by {sizes.criterion}; the marked components were fitted. Of {reading.message_dim} components "
        f"{sizes.n_components} carry more than 1 % of the variance, and so do {sizes.n_directions} principal "
        f"directions; the effective dimension (participation ratio) is {shown(sizes.effective_dimension, 3)}."
    )


def _edge_facts(report: MessagesReport) -> tuple[tuple[str, str], ...]:
    """What the figures were taken on."""
    reading = report.readings[0]
    law = "antisymmetric by form, so that only a constant matrix is free" if reading.third_law else "not assumed"
    return (
        ("Directed edges", f"{reading.n_edges}, all held out, none left out for what it says"),
        ("Held-out snapshots read", f"{100 * reading.coverage:.3g} %"),
        ("Groups held out in turn", str(reading.n_groups)),
        ("Components of a message", str(reading.message_dim)),
        ("Third law", law),
    )
