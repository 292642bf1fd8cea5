"""The pictures of the page of messages."""

from typing import TYPE_CHECKING

import numpy as np

from limbeck.analyse import (
    MessageReading,
    MessageRecord,
    best_rows,
    plain_fit,
    specialisation_target,
    target_vectors,
    trimmed_fit,
)

from ._drawing import (
    BLUE,
    CYCLE,
    GREY,
    MAX_POINTS,
    ORANGE,
    Picture,
    finish,
    panels,
    picture,
    plain,
    positive,
    thinned,
    whole_numbers,
)
from ._numbers import fixed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

AXES = "xyz"
FLOOR = 1e-12  # of the largest size, below which a size is drawn as this
MOST_PANELS = 3
HEAVY = 25.0  # range over standard deviation beyond which axes are drawn together far from zero


def sparsity_picture(readings: tuple[MessageReading, ...], labels: tuple[str, ...]) -> Picture:
    """Sizes of the components and of the principal directions, the largest first, one line for each seed.

    Args:
        readings: One for each seed.
        labels: Name of each seed.

    Returns:
        The picture.
    """
    with_kl = all(r.importance.kl_divergences is not None for r in readings)
    figure, axes = panels(3 if with_kl else 2, 3.5)
    for k, (reading, label) in enumerate(zip(readings, labels, strict=True)):
        sizes, style = reading.importance, {"ms": 3.0, "lw": 1.0, "color": CYCLE[k % len(CYCLE)], "label": label}
        _draw_sorted(axes[0], sizes.standard_deviations, style)
        _draw_sorted(axes[-1], np.sqrt(sizes.spectrum), style)
        if with_kl and sizes.kl_divergences is not None:
            _draw_sorted(axes[1], sizes.kl_divergences, style)
    dim = readings[0].dim
    for axis in axes:
        axis.axvline(dim + 0.5, color=GREY, lw=0.9, ls=":")
    finish(axes[0], "component, by size", "standard deviation", log_y=True, legend=len(labels) > 1)
    finish(axes[-1], "principal direction, by size", "standard deviation", log_y=True)
    if with_kl:
        finish(axes[1], "component, by divergence", "KL divergence [nat]", log_y=True)
    for axis in axes:
        whole_numbers(axis)
        low, high = axis.get_ylim()
        axis.set_ylim(min(low, high / 300), 1.3 * high)  # components of one size look so
    return picture(
        figure,
        alt="Sizes of the message components and of their principal directions, falling from the largest.",
        caption=f"Sparsity. A network that says a force in {dim} dimensions needs {dim} components, left of the "
        "dotted line; what stands right of it is said too. Principal directions see through a mixing of components.",
    )


def _draw_sorted(axis: "Axes", sizes: np.ndarray, style: dict) -> None:
    """Sizes from the largest to the smallest."""
    ordered = np.sort(sizes)[::-1]
    shown = np.maximum(ordered, FLOOR * ordered[0])
    axis.plot(np.arange(1, len(shown) + 1), [positive(size) for size in shown], "o-", **style)


def scatter_picture(record: MessageRecord, reading: MessageReading, label: str) -> Picture | None:
    """Each component against its best linear combination of the true vector, as in the paper's figure 5.

    Args:
        record: Messages of one seed.
        reading: What they say.
        label: Name of the seed.

    Returns:
        The picture, or None where the force is not known.

    Source:
        Cranmer et al. (2020), arXiv 2006.11287, figure 5; with both R² in each panel.
    """
    if record.forces is None:
        return None
    target = specialisation_target(reading)
    vectors, components = target_vectors(record, target), reading.components[:MOST_PANELS]
    messages = record.messages[:, components]
    whole, most = plain_fit(vectors, messages), trimmed_fit(vectors, messages)
    share = f"{100 * most.kept:.0f} %"
    combined, best = whole.predicted(vectors), most.predicted(vectors)
    figure, axes = panels(len(components), 3.9 if len(components) > 1 else 4.4)
    for k, axis in enumerate(axes):
        kept = best_rows(messages[:, k] - best[:, k])
        _draw_fit(axis, combined[:, k], messages[:, k], kept)
        finish(axis, f"linear combination of the {target}", f"message component {components[k]}")
        axis.set_title(f"R² = {fixed(whole.r2[k])} all, {fixed(most.r2[k])} best {share}", fontsize=10)
    plain(axes[0].legend(fontsize=8, frameon=False, markerscale=3.0, loc="upper left").get_texts())
    flexible = " The reading that was chosen allows for more than that." if reading.chosen == "free" else ""
    return picture(
        figure,
        alt=f"Scatter of message components against linear combinations of the true {target}.",
        caption=f"{label}: the most important components against the linear combination of the true {target} that "
        f"fits all {record.n_edges} edges best.{flexible} On the line they agree; axes of heavy tails are drawn "
        f"together far from zero. The best {share} of the edges have a fit and an R² of their own, per component; the "
        "edges that it leaves out are orange.",
    )


def _draw_fit(axis: "Axes", combined: np.ndarray, message: np.ndarray, kept: np.ndarray) -> None:
    """Points, those that a trimmed fit leaves out in another colour, and the line where both agree."""
    rows = thinned(len(message), MAX_POINTS)
    dots = {"s": 6, "lw": 0, "alpha": 0.5, "rasterized": True}
    for chosen, colour, name in ((kept[rows], BLUE, "kept"), (~kept[rows], ORANGE, "left out")):
        axis.scatter(combined[rows][chosen], message[rows][chosen], color=colour, label=name, **dots)
    both = np.concatenate([combined[rows], message[rows]])
    axis.plot([both.min(), both.max()], [both.min(), both.max()], "-", lw=0.9, color=GREY, zorder=0)
    _draw_together(axis, both)


def _draw_together(axis: "Axes", values: np.ndarray) -> None:
    """Axes that are linear about zero and logarithmic far from it, for values with heavy tails."""
    from matplotlib.ticker import FixedLocator, NullLocator

    width, reach = float(np.std(values)), float(np.abs(values).max())
    if not np.ptp(values) > HEAVY * width > 0:
        return
    lowest, highest = int(np.ceil(np.log10(width))), int(np.floor(np.log10(reach)))
    powers = 10.0 ** np.arange(highest, lowest - 1, -max(1, (highest - lowest + 2) // 3))
    for scale, line in ((axis.set_xscale, axis.xaxis), (axis.set_yscale, axis.yaxis)):
        scale("asinh", linear_width=width)  # smooth through zero, unlike a symmetric logarithm: a line stays one
        line.set_major_locator(FixedLocator([*-powers, 0.0, *powers[::-1]]))
        line.set_minor_locator(NullLocator())


def directions_picture(readings: tuple[MessageReading, ...], labels: tuple[str, ...]) -> Picture | None:
    """Direction of space that each component follows, one colour for each seed.

    Args:
        readings: One for each seed.
        labels: Name of each seed.

    Returns:
        The picture, or None in one dimension or where no component follows a direction.
    """
    dim = readings[0].dim
    known = [(r, label) for r, label in zip(readings, labels, strict=True) if _follows_any(r)]
    if dim not in (2, 3) or not known:
        return None
    planes = [(0, 1)] if dim == 2 else [(0, 1), (0, 2), (1, 2)]
    figure, axes = panels(len(planes) if dim == 3 else 2, 3.9)
    for axis, plane in zip(axes, planes, strict=False):
        _draw_plane(axis, known, plane)
    if dim == 2:
        _draw_angles(axes[1], known)
    plain(axes[0].legend(fontsize=8, frameon=False, loc="upper left", handlelength=1.2).get_texts())
    return picture(
        figure,
        alt="Arrows for the direction in space that each message component follows.",
        caption="Directions of the fitted components, as long as the share of the component's variance that the "
        "direction explains (the circle is all of it). Along an axis a component has specialised in it; anywhere "
        "else the messages are a turned or stretched force, which is as good: the map back to the axes is linear.",
    )


def _follows_any(reading: MessageReading) -> bool:
    """Whether a direction is known of any component."""
    return reading.specialisation is not None and bool(np.any(reading.specialisation.directions))


def _draw_plane(axis: "Axes", known: list[tuple[MessageReading, str]], plane: tuple[int, int]) -> None:
    """Arrows in one plane, with the circle of full agreement."""
    turn = np.linspace(0, 2 * np.pi, 200)
    axis.plot(np.cos(turn), np.sin(turn), "-", lw=0.9, color=GREY)
    for k, (reading, label) in enumerate(known):
        for n, (component, x, y) in enumerate(_arrows(reading, plane)):
            colour = CYCLE[k % len(CYCLE)]
            axis.plot([0, x], [0, y], "-", lw=1.8, color=colour, label=label if n == 0 else None)
            axis.plot([x], [y], "o", ms=5, color=colour)
            axis.annotate(str(component), (1.13 * x, 1.13 * y), fontsize=8, color=colour, ha="center", va="center")
    axis.set_xlim(-1.35, 1.35)
    axis.set_ylim(-1.35, 1.35)
    axis.set_aspect("equal")
    finish(axis, f"along {AXES[plane[0]]}", f"along {AXES[plane[1]]}")


def _arrows(reading: MessageReading, plane: tuple[int, int]) -> list[tuple[int, float, float]]:
    """Component and end of its arrow, for those that follow a direction."""
    found = reading.specialisation
    if found is None:
        return []
    lengths = [purity or 0.0 for purity in found.purities]
    ends = [(d[plane[0]] * s, d[plane[1]] * s) for d, s in zip(found.directions, lengths, strict=True)]
    followed = np.any(found.directions, axis=1)
    return [(int(c), *end) for c, end, there in zip(reading.components, ends, followed, strict=True) if there]


def _draw_angles(axis: "Axes", known: list[tuple[MessageReading, str]]) -> None:
    """How far apart the directions are, and how near to an axis, for each seed."""
    place = np.arange(len(known))
    found = [r.specialisation for r, _ in known if r.specialisation is not None]
    along = [np.mean([p for p in s.axis_purities if p is not None]) for s in found]
    axis.bar(place - 0.2, [s.index or 0.0 for s in found], 0.36, color=BLUE, label="directions perpendicular")
    axis.bar(place + 0.2, along, 0.36, color=ORANGE, label="components along axes")
    axis.set_xticks(place, [label for _, label in known])
    plain(axis.get_xticklabels())
    axis.set_xlim(-0.75, max(len(known), 3) - 0.25)
    axis.set_ylim(0, 1.25)
    finish(axis, "", "1 = fully, 0 = not at all", legend=True)
