"""How a law behaves in time, in words and in a table."""

from limbeck.compose import Behaviour, Drift

from ._numbers import NOTHING, number
from ._record import Report
from ._tables import Table, unit

DIGITS = 2
MICROSECONDS = 1e6


def drift_table(report: Report) -> Table:
    """Energy and momenta along the paths of law, network and data.

    Args:
        report: Everything the page shows.

    Returns:
        A row for each quantity; without rows where nothing was measured.
    """
    drifts = () if report.rollout is None else report.rollout.drifts
    return Table(
        headings=("Quantity", "Law", "Network", "As given", "What to expect"),
        rows=tuple(_drift_row(drift) for drift in drifts),
        numeric=frozenset({1, 2, 3}),
    )


def _drift_row(drift: Drift) -> tuple[str, ...]:
    """One quantity."""
    changes = tuple(NOTHING if x is None else number(x, DIGITS) for x in (drift.law, drift.network, drift.given))
    return (drift.quantity, *changes, "conserved by this law" if drift.conserved else drift.reason)


def rollout_facts(report: Report) -> tuple[str, ...]:
    """What the rollout came to.

    Args:
        report: Everything the page shows.

    Returns:
        Sentences.
    """
    rollout, found = report.rollout, report.behaviour
    if rollout is None or found is None:
        return ()
    time = unit(report.result, "time", "t")
    return (_chaos(found, " " + time if time else ""), _speed(found))


def _chaos(found: Behaviour, time: str) -> str:
    """How soon chaos takes over, and what is compared before."""
    if found.lyapunov_time is None:
        said = f"Lyapunov time: none, as {found.lyapunov_reason}."
    else:
        said = (
            f"Lyapunov time: {number(found.lyapunov_time, DIGITS)}{time}, in which a small difference of the start "
            "grows by e under the law."
        )
    law, network = found.law_error, found.network_error
    beside = f", {number(network / law, DIGITS)} times the law's" if law > 0 else ""
    return (
        f"{said} Up to the time {number(found.until, DIGITS + 1)}{time}, where the network is lost or chaos takes over "
        "(three Lyapunov times), or to the end, "
        f"the mean error is {number(law, DIGITS)} of a typical distance for the law and {number(network, DIGITS)} "
        f"for the network{beside}."
    )


def _speed(found: Behaviour) -> str:
    """What an evaluation costs."""
    law, network, snapshots = found.speed
    return (
        f"All accelerations of one snapshot take {number(MICROSECONDS * law, DIGITS)} microseconds by the law and "
        f"{number(MICROSECONDS * network, DIGITS)} by the network, {number(network / law, DIGITS)} times as long "
        f"(compiled, {snapshots} snapshots at once)."
    )
