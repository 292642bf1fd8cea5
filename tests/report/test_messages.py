"""The page of messages, from messages that are known functions of forces."""

import html

import message_records
import numpy as np
import pytest
from report.well_formed import read

from limbeck.analyse import read_messages
from limbeck.report import MessagesReport, render_messages

HOSTILE = "<script>alert('x')</script>&\"$\\frac$ {{ 7*7 }}"


def report(*kinds, third_law=False, **changes):
    records = tuple(message_records.record(kind, seed=k, noise=0.02, **changes) for k, kind in enumerate(kinds))
    return MessagesReport(
        name=HOSTILE,
        facts=(("Model", HOSTILE),),
        labels=tuple(f"seed {k} {HOSTILE}" for k in range(len(kinds))),
        records=records,
        readings=tuple(read_messages(record, third_law=third_law) for record in records),
    )


@pytest.mark.parametrize(
    ("kinds", "changes"),
    [
        (("force",), {}),
        (("force", "noise"), {}),
        (("force", "force"), {"dim": 3, "third_law": True}),
        (("force",), {"dim": 1}),
        (("free",), {"log_variances": np.zeros((1600, 2))}),
        (("noise",), {"forces": None}),
        (("force",), {"messages": np.full((1600, 2), 0.1)}),
    ],
)
def test_the_page_is_well_formed_and_runs_nothing(kinds, changes):
    page = render_messages(report(*kinds, **changes))
    parser = read(page)
    assert not parser.errors
    assert not parser.open
    assert "script" not in parser.tags
    assert not [v for _, name, v in parser.attributes if name in ("src", "href") and not v.startswith("data:")]
    assert "nan" not in " ".join(parser.text).lower().replace("\xa0", " ").split()


def test_both_r2_are_said_at_once():
    made = report("force")
    page = html.unescape(render_messages(made))
    fit = made.readings[0].fit("force")
    assert "The messages are a linear map of the force on the receiver" in page
    assert f"{fit.score:.4f} on all edges, {fit.score_trimmed:.4f} on the best 90 %" in page


def test_a_claim_is_made_only_where_every_seed_makes_it():
    page = html.unescape(render_messages(report("force", "noise")))
    assert "The seeds do not agree on what the messages are: 1 × force, 1 × none" in page
    assert 'class="banner not-found"' in page
    nothing = html.unescape(render_messages(report("noise", "noise")))
    assert "The messages can't be said to be forces" in nothing
    assert nothing.count('class="marked"') == 4  # components that were fitted, and no reading


def test_what_was_not_tried_is_said():
    page = html.unescape(render_messages(report("force", third_law=True)))
    assert (
        "Not tried: the force after a matrix and an offset that depend on the receiver, since under the third" in page
    )


def test_without_a_force_there_is_no_scatter():
    page = render_messages(report("noise", forces=None))
    assert page.count("data:image/png") == 1
    assert "no true force to compare" in page


@pytest.mark.user_error
def test_a_report_of_nothing_is_refused():
    with pytest.raises(ValueError, match="one label, record and reading for each seed"):
        MessagesReport(name="", facts=(), labels=(), records=(), readings=())
