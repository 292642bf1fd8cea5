"""The tables of the page of messages: rows of text."""

import numpy as np

from limbeck.analyse import MEANINGS, TARGETS, MessageReading, SeedSummary, Spread

from ._numbers import NOTHING, fixed, number
from ._tables import Table

MOST_COMPONENTS = 8  # rows of the table of components, for each seed


def reading_table(readings: tuple[MessageReading, ...], labels: tuple[str, ...]) -> Table:
    """What the components of each seed are linear in, the chosen target marked.

    Args:
        readings: One for each seed.
        labels: Name of each seed.

    Returns:
        One row for each seed and target.
    """
    rows, marked = [], set()
    for reading, label in zip(readings, labels, strict=True):
        for fit in (found for found in reading.fits if not found.refusal):
            if fit.target == reading.chosen:
                marked.add(len(rows))
            scores = map(fixed, (fit.score, fit.score_trimmed, fit.score_unseen, fit.score_beyond))
            rows.append((label, MEANINGS[fit.target], *scores, str(fit.n_columns)))
    headings = ("Seed", "Messages as", "R² all", "R² best 90 %", "R² all, unseen", "Beyond offset", "Columns")
    return Table(headings=headings, rows=tuple(rows), numeric=frozenset(range(2, 7)), marked=frozenset(marked))


def refusals(readings: tuple[MessageReading, ...]) -> tuple[str, ...]:
    """Which readings could not be tried, and why.

    Args:
        readings: One for each seed.

    Returns:
        A sentence for each reading and reason.
    """
    found = ((MEANINGS[fit.target], fit.refusal) for reading in readings for fit in reading.fits if fit.refusal)
    return tuple(f"Not tried: {meaning}, since {refusal}." for meaning, refusal in dict.fromkeys(found))


def spread_table(summary: SeedSummary) -> Table:
    """R² over seeds, and what else was counted.

    Args:
        summary: The figures.

    Returns:
        One row for each figure that is defined.
    """
    rows = []
    for target in TARGETS:
        spreads = (("all", summary.r2), ("best 90 %", summary.r2_trimmed), ("all, unseen", summary.r2_unseen))
        rows += [_spread_row(f"R² {name}: {target}", found[target], 4) for name, found in spreads]
    rows.append(_spread_row("Effective dimension", summary.effective_dimension, 2))
    rows.append(_spread_row("Directions above 1 % of the variance", summary.n_directions, 1))
    rows.append(_spread_row("Index of specialisation", summary.index, 3))
    shown = tuple(row for row in rows if row[1] != NOTHING)
    headings = ("Figure", "Mean", "Standard deviation", "Lowest", "Highest")
    return Table(headings=headings, rows=shown, numeric=frozenset({1, 2, 3, 4}))


def _spread_row(name: str, found: Spread, places: int) -> tuple[str, ...]:
    """One figure over seeds."""
    return (name, *(fixed(value, places) for value in (found.mean, found.deviation, found.lowest, found.highest)))


def component_table(readings: tuple[MessageReading, ...], labels: tuple[str, ...]) -> Table:
    """The most important components: sizes, R² to each target, and the direction they follow.

    Args:
        readings: One for each seed.
        labels: Name of each seed.

    Returns:
        A few rows for each seed; those that were fitted are marked.
    """
    rows, marked = [], set()
    for reading, label in zip(readings, labels, strict=True):
        sizes = reading.importance
        for place, component in enumerate(sizes.order[: max(MOST_COMPONENTS, len(reading.components))]):
            fitted = place < len(reading.components)
            if fitted:
                marked.add(len(rows))
            kl = NOTHING if sizes.kl_divergences is None else number(float(sizes.kl_divergences[component]), 3)
            deviation, variance = (number(float(a[component]), 3) for a in (sizes.standard_deviations, sizes.variances))
            scores = _scores(reading, place) if fitted else (NOTHING, NOTHING)
            direction = _direction(reading, place) if fitted else NOTHING
            rows.append((label, str(component), deviation, variance, kl, *scores, direction))
    headings = ("Seed", "Component", "Std. dev.", "Variance", "KL", "R² all / best: force", "acceleration", "Direction")
    return Table(headings=headings, rows=tuple(rows), numeric=frozenset(range(1, 7)), marked=frozenset(marked))


def _scores(reading: MessageReading, place: int) -> tuple[str, str]:
    """R² of one component to force and acceleration: on all edges and on the best nine tenths."""
    return _pair(reading, "force", place), _pair(reading, "acceleration", place)


def _pair(reading: MessageReading, target: str, place: int) -> str:
    """Both R² of one component, never one without the other."""
    fit = reading.fit(target)
    return NOTHING if fit.refusal else f"{fixed(fit.r2[place])} / {fixed(fit.r2_trimmed[place])}"


def _direction(reading: MessageReading, place: int) -> str:
    """The direction of a component in space, as an angle in the plane, else as a vector."""
    found = reading.specialisation
    if found is None or not np.any(found.directions[place]):
        return NOTHING
    direction = found.directions[place]
    if len(direction) == 2:
        return f"{fixed(float(np.degrees(np.arctan2(direction[1], direction[0]))), 0)}° from x"
    return "(" + ", ".join(fixed(float(value), 2) for value in direction) + ")"


def inverse_table(readings: tuple[MessageReading, ...], labels: tuple[str, ...]) -> Table:
    """How well force and acceleration are linear in all components together.

    Args:
        readings: One for each seed.
        labels: Name of each seed.

    Returns:
        One row for each seed, target and axis of space.
    """
    rows = []
    for reading, label in zip(readings, labels, strict=True):
        for fit in reading.inverse:
            for k, axis in enumerate("xyz"[: len(fit.r2)]):
                unseen = fixed(fit.r2_unseen[k]) if fit.r2_unseen else NOTHING
                rows.append((label, f"{fit.target} along {axis}", fixed(fit.r2[k]), fixed(fit.r2_trimmed[k]), unseen))
    headings = ("Seed", "From all components", "R² all", "R² best 90 %", "R² all, unseen")
    return Table(headings=headings, rows=tuple(rows), numeric=frozenset({2, 3, 4}))


def specialisation_table(readings: tuple[MessageReading, ...], labels: tuple[str, ...]) -> Table:
    """How the components divide space between them, and the map back to its axes.

    Args:
        readings: One for each seed.
        labels: Name of each seed.

    Returns:
        One row for each seed whose force is known.
    """
    rows = []
    for reading, label in zip(readings, labels, strict=True):
        found = reading.specialisation
        if found is None:
            continue
        back = NOTHING if found.canonical_r2 is None else ", ".join(map(fixed, found.canonical_r2))
        mirrored = NOTHING if found.mirrors is None else ("yes" if found.mirrors else "no")
        matrix = NOTHING if found.canonical_map is None else _matrix(found.canonical_map)
        rows.append((label, fixed(found.index, 3), fixed(found.stretch, 2), mirrored, matrix, back))
    headings = ("Seed", "Index", "Stretch", "Mirrored", "Map to the axes", "R² of each axis after it")
    return Table(headings=headings, rows=tuple(rows), numeric=frozenset({1, 2}))


def _matrix(values: np.ndarray) -> str:
    """A small matrix on one line."""
    return "; ".join(" ".join(number(float(value), 3) for value in row) for row in values)
