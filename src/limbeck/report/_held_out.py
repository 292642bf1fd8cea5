"""A region that was held out, in words and in a table: what law and network make of it."""

from collections.abc import Mapping
from typing import Any

from limbeck._errors import InputError
from limbeck.graphs import parse_hold_out

from ._numbers import NOTHING, number, shown
from ._tables import Table, mapping

DIGITS = 2
PLACES = ("held_out", "in_range")
PREDICTORS = ("law", "network")
WORDS = {
    ("r", True): "pairs closer than",
    ("r", False): "pairs farther apart than",
    ("v", True): "particles slower than",
    ("v", False): "particles faster than",
}


def held_out_table(result: Mapping[str, Any]) -> Table:
    """Errors of law and network in the region and in the rest of the test simulations.

    Args:
        result: Content of `result.json`.

    Returns:
        A row for each region and predictor; without rows where nothing was held out.
    """
    found = mapping(result.get("hold_out"))
    told = [(place, who) for place in PLACES for who in PREDICTORS if mapping(mapping(found.get(place)).get(who))]
    headings = ("Where", "Particles", "Predicted by", "Median error", "95 % interval", "90th percentile")
    return Table(headings=headings, rows=tuple(_row(found, *one) for one in told), numeric=frozenset({1, 3, 4, 5}))


def _row(found: Mapping[str, Any], place: str, who: str) -> tuple[str, ...]:
    """One predictor in one region."""
    region = mapping(found.get(place))
    errors = mapping(region.get(who))
    low, high = shown(errors.get("low"), DIGITS), shown(errors.get("high"), DIGITS)
    return (
        f"held out: {region_in_words(found.get('region'))}" if place == "held_out" else "the rest",
        shown(region.get("particles")),
        who,
        shown(errors.get("median"), DIGITS),
        NOTHING if NOTHING in (low, high) else f"{low} to {high}",
        shown(errors.get("tail"), DIGITS),
    )


def held_out_facts(result: Mapping[str, Any]) -> tuple[str, ...]:
    """Which of the two does better where nothing was learned.

    Args:
        result: Content of `result.json`.

    Returns:
        Sentences; none where nothing was held out, or nothing can be said.
    """
    found = mapping(result.get("hold_out"))
    if not found:
        return ()
    facts = [_unseen(result, found), _comparison(mapping(found.get("held_out")))]
    facts += [_change(found, who) for who in PREDICTORS]
    return tuple(fact for fact in facts if fact)


def _unseen(result: Mapping[str, Any], found: Mapping[str, Any]) -> str:
    """What is shown, and who has not seen the region."""
    region = region_in_words(found.get("region"))
    network = result.get("network")
    saw = isinstance(network, Mapping) and not network.get("hold_out")
    said = (
        f"No equation was fitted to snapshots with {region}, but the network was trained on them"
        if saw
        else f"Snapshots with {region} were kept from everything that was trained, searched or fitted"
    )
    return (
        f"{said}. Below is the relative error of the acceleration in such snapshots of the test simulations, of the "
        "particles concerned, and in all others of these simulations."
    )


def _comparison(region: Mapping[str, Any]) -> str:
    """Law against network in the region."""
    law, network = _interval(region, "law"), _interval(region, "network")
    if law is None or network is None:
        return ""
    if law[1] < network[0]:
        return "In the region the law does better than the network."
    if network[1] < law[0]:
        return "In the region the network does better than the law."
    return "In the region the intervals of law and network overlap: these data don't tell which does better."


def _interval(region: Mapping[str, Any], who: str) -> tuple[float, float] | None:
    """Both ends of a predictor's interval, if they are known."""
    low, high = (mapping(region.get(who)).get(end) for end in ("low", "high"))
    return (low, high) if isinstance(low, int | float) and isinstance(high, int | float) else None


def _change(found: Mapping[str, Any], who: str) -> str:
    """How much worse one of them is in the region."""
    outer, inner = (mapping(mapping(found.get(place)).get(who)).get("median") for place in PLACES)
    if not isinstance(outer, int | float) or not isinstance(inner, int | float) or not inner > 0:
        return ""
    return f"The error of the {who} in the region is {number(outer / inner, DIGITS)} times that in the rest."


def region_in_words(region: object) -> str:
    """A region as people say it.

    Args:
        region: As on the command line, such as `r<0.5`.

    Returns:
        Such as `pairs closer than 0.5`; anything else as it is.
    """
    try:
        asked = parse_hold_out(str(region))
    except InputError:
        return shown(region)
    value = number(asked.value)
    otherwise = f"particles whose {asked.name} is {'below' if asked.below else 'above'}"
    return f"{WORDS.get((asked.name, asked.below), otherwise)} {value}"
