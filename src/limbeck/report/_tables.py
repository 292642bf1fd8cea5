"""The tables of the page: rows of text, made tolerantly from `result.json`."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from limbeck.compose import Law
from limbeck.expressions import to_readable
from limbeck.regress import Equation, HallOfFame, scores

from ._equations import symbol
from ._numbers import NOTHING, duration, number, shown, spelt, to_error
from ._record import Report, selected_index

MOST_PROPERTIES = 30  # rows that people read
SELDOM = ("simulation", "particle", "label", "level", "level_error")  # of a learned property: told where any has it
CHECKS = {
    "heldout": "Error of the acceleration on simulations that were held out",
    "extrapolation": "Error in the outer 10 % of distances, held out",
    "other_n": "Error with other numbers of particles",
    "rollout": "Error of the law rolled forward in time",
    "energy": "Drift of the law's own energy",
    "messages_r2": "R² of the network's messages against the force",
    "stability": "The same form from two independent searches",
    "one_body_baseline": "Better than the best law without a partner",
}
BIASES = {
    "translation": "forces depend on where particles are only relative to each other",
    "rotation": "no direction of space is special",
    "reflection": "a mirror image obeys the same law",
    "third-law": "what 1 does to 2, 2 does to 1 with opposite sign",
    "second-law": "acceleration is the sum of forces over the inertia",
    "conservative": "the pair force has a potential",
    "field": "drag and fields of position may act beside the pairs",
}
DATA = {
    "simulations": "Simulations",
    "times": "Times in each",
    "particles": "Particles",
    "dim": "Dimensions of space",
    "velocities": "Velocities",
    "accelerations": "Accelerations",
    "attributes": "Attributes of a particle",
    "split": "Split",
    "units": "Units",
    "dropped": "Simulations that were dropped",
}
_APART = ("notes", "constant_attributes")


@dataclass(frozen=True, kw_only=True)
class Table:
    """A table of text.

    Attributes:
        headings: Name of each column.
        rows: Text of each cell.
        numeric: Columns that are set to the right.
        code: Columns that hold formulas as text.
        marked: Rows that are pointed out.
    """

    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()
    code: frozenset[int] = frozenset()
    marked: frozenset[int] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check of the law.

    Attributes:
        name: Its key in `result.json`.
        meaning: What is compared.
        value: What came out.
        threshold: What was asked.
        state: `passed`, `failed` or `not asked`.
        reason: Why, in words.
    """

    name: str
    meaning: str
    value: str
    threshold: str
    state: str
    reason: str


def constants_table(result: Mapping[str, Any]) -> Table:
    """Constants of the law, rounded to their errors.

    Args:
        result: Content of `result.json`.

    Returns:
        One row for each constant.
    """
    rows = []
    for item in _mappings(result.get("constants")):
        error = item.get("standard_error")
        value, low, high = to_error((item.get("value"), item.get("low"), item.get("high")), error)
        interval = NOTHING if NOTHING in (low, high) else f"{low} to {high}"
        spread = number(float(error), 2) if isinstance(error, int | float) else NOTHING
        name = shown(item.get("name")) + (", made whole" if item.get("whole") is True else "")
        rows.append((name, value, spread, interval, shown(item.get("place"))))
    headings = ("Constant", "Value", "Standard error", "95 % interval", "Place in the law")
    return Table(headings=headings, rows=tuple(rows), numeric=frozenset({1, 2, 3}))


def checks(result: Mapping[str, Any]) -> tuple[Check, ...]:
    """Every check, in the order of the house plan.

    Args:
        result: Content of `result.json`.

    Returns:
        One entry for each check, `not asked` where it is null.
    """
    found = mapping(result.get("checks"))
    return tuple(_check(name, found.get(name)) for name in [*CHECKS, *(key for key in found if key not in CHECKS)])


def _check(name: str, entry: Any) -> Check:
    """One check."""
    known = mapping(entry)
    passed = known.get("passed")
    return Check(
        name=name,
        meaning=CHECKS.get(name, spelt(name)),
        value=shown(known.get("value"), 5 if name == "messages_r2" else 3),
        threshold=shown(known.get("threshold"), 3),
        state="not asked" if passed is None else "passed" if passed else "failed",
        reason=str(known.get("reason") or ""),
    )


def bias_table(result: Mapping[str, Any]) -> Table:
    """What each network was told, and what error it reached.

    Args:
        result: Content of `result.json`.

    Returns:
        One row for each step; the last set that stayed is marked.
    """
    bias = mapping(result.get("bias"))
    final = _names(bias.get("final"))
    rows, marked = [], set()
    for k, step in enumerate(_mappings(bias.get("steps"))):
        names = _names(step.get("bias"))
        rows.append(
            (
                str(k + 1),
                ", ".join(names) or "nothing",
                shown(step.get("validation_error"), 3),
                shown(step.get("status")),
                str(step.get("note") or ""),
            )
        )
        marked |= {k} if bias.get("final") is not None and names == final else set()
    headings = ("Step", "Assumed", "Validation error", "Training", "Note")
    return Table(headings=headings, rows=tuple(rows), numeric=frozenset({0, 2}), marked=frozenset(marked))


def assumptions(result: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What the law rests on, in words.

    Args:
        result: Content of `result.json`.

    Returns:
        Name and meaning of each bias that stayed.
    """
    names = _names(mapping(result.get("bias")).get("final"))
    return tuple((name, BIASES.get(name, "")) for name in names)


def front_table(report: Report) -> Table:
    """Refitted laws that no simpler law beats.

    Args:
        report: Everything the page shows.

    Returns:
        One row for each law; the one that was chosen is marked.
    """
    rows = tuple((str(s.law.complexity), number(s.loss, 3), law_text(s.law)) for s in report.front)
    selected = selected_index(report)
    return Table(
        headings=("Complexity", "Loss", "Law"),
        rows=rows,
        numeric=frozenset({0, 1}),
        code=frozenset({2}),
        marked=frozenset() if selected is None else frozenset({selected}),
    )


def hall_tables(report: Report) -> dict[str, Table]:
    """Pareto front of the first search, by channel.

    Args:
        report: Everything the page shows.

    Returns:
        One table for each channel.
    """
    return {channel: hall_table(hall) for channel, hall in report.halls.items()}


def hall_table(hall: HallOfFame, selected: Callable[[Equation], bool] | None = None) -> Table:
    """Pareto front of a hall of fame.

    Args:
        hall: What was found.
        selected: Whether an equation is pointed out; None points at none.

    Returns:
        One row for each equation.
    """
    front = hall.front
    rows = tuple(
        (str(e.complexity), number(e.heldout_loss, 3), shown(score, 3), to_readable(e.expression))
        for e, score in zip(front, scores(front), strict=True)
    )
    return Table(
        headings=("Complexity", "Held-out loss", "Score", "Equation"),
        rows=rows,
        numeric=frozenset({0, 1, 2}),
        code=frozenset({3}),
        marked=frozenset(k for k, equation in enumerate(front) if selected and selected(equation)),
    )


def law_text(law: Law) -> str:
    """Every channel of a law in one line.

    Args:
        law: The law.

    Returns:
        Text with rounded numbers.
    """
    return "; ".join(f"{name}: {to_readable(expression)}" for name, expression in law.components.items()) or "0"


def variables_table(result: Mapping[str, Any]) -> tuple[tuple[str, str, str, str], ...]:
    """What the names in the formulas mean.

    Args:
        result: Content of `result.json`.

    Returns:
        MathML, name, meaning and unit of each.
    """
    entries = ((str(name), mapping(entry)) for name, entry in mapping(result.get("variables")).items())
    return tuple((symbol(name), name, str(e.get("meaning") or ""), shown(e.get("unit"))) for name, e in entries)


def properties_table(result: Mapping[str, Any]) -> Table:
    """Properties of particles that were learned.

    Args:
        result: Content of `result.json`.

    Returns:
        One row for each property; of very many, those that are not determined and the first of the others, with a
        last row that says so.
    """
    items, apart = _mappings(result.get("properties")), {"scale"} if property_notes(result) else set()
    left_out = max(0, len(items) - MOST_PROPERTIES)
    if left_out:
        items = sorted(items, key=lambda item: item.get("determined") is not False)[:MOST_PROPERTIES]
    apart |= {key for key in SELDOM if all(item.get(key) is None for item in items)}
    keys = tuple(dict.fromkeys(str(key) for item in items for key in item if key not in apart))
    rows = tuple(tuple(shown(item.get(key)) for key in keys) for item in items)
    if left_out:
        rows += ((f"and {left_out} more in result.json", *[""] * (len(keys) - 1)),)
    return Table(headings=tuple(spelt(key) for key in keys), rows=rows)


def property_notes(result: Mapping[str, Any]) -> tuple[str, ...]:
    """What fixes the scale of each learned property, where it is the same for all particles.

    Args:
        result: Content of `result.json`.

    Returns:
        A sentence for each property; none where particles differ.
    """
    told = {(str(item.get("name")), str(item.get("scale"))) for item in _mappings(result.get("properties"))}
    return tuple(f"{name}: {scale}." for name, scale in sorted(told)) if len(dict(told)) == len(told) else ()


def data_rows(result: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Facts about the data.

    Args:
        result: Content of `result.json`.

    Returns:
        Name and value of each.
    """
    data = mapping(result.get("data"))
    ordered = [*(key for key in DATA if key in data), *(key for key in data if key not in DATA and key not in _APART)]
    rows = [(DATA.get(key, spelt(key).capitalize()), shown(data[key])) for key in ordered]
    source = result.get("source")
    facts = source.items() if isinstance(source, Mapping) else [("source", source)] if source is not None else []
    return (*((f"Source: {spelt(key)}" if key != "source" else "Source", shown(value)) for key, value in facts), *rows)


def data_notes(result: Mapping[str, Any]) -> tuple[str, ...]:
    """Sentences about the data, those on constant attributes first.

    Args:
        result: Content of `result.json`.

    Returns:
        Sentences.
    """
    data = mapping(result.get("data"))
    constant = data.get("constant_attributes") or {}
    if isinstance(constant, Mapping):
        pairs = [f"{name} has the value {shown(value, 6)} throughout" for name, value in constant.items()]
    else:
        pairs = [f"{name} has one value throughout" for name in _names(constant)]
    sentences = [f"{pair}: it was not offered to the search, and the law holds for that value." for pair in pairs]
    return (*sentences, *_names(data.get("notes")))


def timing_rows(result: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """Wall time of each stage.

    Args:
        result: Content of `result.json`.

    Returns:
        Stage and time.
    """
    return tuple((spelt(stage), duration(value)) for stage, value in mapping(result.get("timings")).items())


def version_rows(result: Mapping[str, Any]) -> tuple[tuple[str, str], ...]:
    """What the run was made with.

    Args:
        result: Content of `result.json`.

    Returns:
        Name and version, the seed last.
    """
    rows = [(str(name), shown(version)) for name, version in mapping(result.get("versions")).items()]
    seed = result.get("seed")
    return tuple(rows if seed is None else [*rows, ("seed", str(seed))])


def unit(result: Mapping[str, Any], *names: str) -> str:
    """Unit of the first name that has one.

    Args:
        result: Content of `result.json`.
        names: Names of variables, or keys of the data's units.

    Returns:
        The unit, empty if there is none.
    """
    meanings, units = mapping(result.get("variables")), mapping(mapping(result.get("data")).get("units"))
    for name in names:
        found = mapping(meanings.get(name)).get("unit") or units.get(name)
        if found and str(found) not in ("1", "dimensionless"):
            return str(found)
    return ""


def mapping(value: Any) -> Mapping[str, Any]:
    """A part of `result.json`, whatever stands in its place.

    Args:
        value: Anything.

    Returns:
        The value if it is a mapping, else an empty one.
    """
    return value if isinstance(value, Mapping) else {}


def _mappings(value: Any) -> list[Mapping[str, Any]]:
    """The mappings of a list."""
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list | tuple) else []


def _names(value: Any) -> list[str]:
    """Words of a list, or of one string."""
    if isinstance(value, str):
        return [value]
    return [str(item) for item in value] if isinstance(value, Iterable) else []
