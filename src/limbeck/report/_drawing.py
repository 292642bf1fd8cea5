"""What every picture of a page shares: panels, axes, colours, and the way into the page.

Figures are made by hand and drawn by Agg, so nothing global of Matplotlib is
touched. Text from users is never read as formulas. Colours are those of Okabe
and Ito, which colour-blind readers can tell apart.
"""

import base64
import io
import warnings
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, ORANGE, GREEN, RED = "#0072B2", "#E69F00", "#009E73", "#D55E00"
PURPLE, SKY, GREY = "#CC79A7", "#56B4E9", "#6b7280"
CYCLE = (BLUE, ORANGE, GREEN, PURPLE, SKY, RED)
DPI = 150
WIDTH = 9.0  # inches; the page shows them 60 rem wide at most
MAX_POINTS = 3000


@dataclass(frozen=True, kw_only=True)
class Picture:
    """A picture with what it says.

    Attributes:
        uri: The picture as a data URI.
        alt: What a reader sees in it, for those who don't see it.
        caption: What it shows.
    """

    uri: str
    alt: str
    caption: str


def panels(count: int, height: float, *, below: float = 0.0) -> tuple["Figure", tuple["Axes", ...]]:
    """A figure with panels side by side, and room below for a legend [inches]."""
    from matplotlib.figure import Figure

    # The margins are fixed: finding them with a layout engine takes as long as the drawing.
    figure = Figure(figsize=(WIDTH, height + below), dpi=DPI, facecolor="white")
    margins = {"left": 0.78 / WIDTH, "right": 1 - 0.12 / WIDTH, "wspace": 0.24}
    bottom, top = (0.55 + below) / (height + below), 1 - 0.3 / (height + below)
    axes = figure.subplots(1, count, squeeze=False, gridspec_kw={**margins, "bottom": bottom, "top": top})
    return figure, tuple(axes[0])


def finish(axis: "Axes", across: str, up: str, *, legend: bool = False, log_y: bool = False) -> None:
    """Labels as plain text, a light grid, and no box."""
    axis.set_xlabel(across, parse_math=False)
    axis.set_ylabel(up, parse_math=False)
    axis.grid(visible=True, color="#d1d5db", lw=0.5)
    axis.set_axisbelow(True)
    axis.spines[["top", "right"]].set_visible(False)
    if log_y:
        axis.set_yscale("log")
    if legend:
        plain(axis.legend(fontsize=8, frameon=False, markerscale=1.2).get_texts())


def whole_numbers(axis: "Axes") -> None:
    """Ticks at whole numbers only."""
    from matplotlib.ticker import MaxNLocator

    axis.xaxis.set_major_locator(MaxNLocator(integer=True))


def plain(texts: list) -> None:
    """Read no formulas out of labels."""
    for text in texts:
        text.set_parse_math(False)


def spread_axis(axis: "Axes", which: Literal["x", "y"], values: np.ndarray) -> None:
    """A symmetric logarithmic scale where sizes span several decades, with few ticks."""
    from matplotlib.ticker import FixedLocator, NullLocator

    sizes = np.abs(values[np.isfinite(values)])
    sizes = sizes[sizes > 0]
    if not len(sizes) or sizes.max() <= 300 * np.quantile(sizes, 0.1):
        return
    lowest = int(np.floor(np.log10(max(np.quantile(sizes, 0.1), 1e-6 * sizes.max()))))
    highest = int(np.floor(np.log10(sizes.max())))
    powers = 10.0 ** np.arange(highest, lowest, -max(1, (highest - lowest + 2) // 3))
    scale, line = (axis.set_xscale, axis.xaxis) if which == "x" else (axis.set_yscale, axis.yaxis)
    scale("symlog", linthresh=10.0**lowest, linscale=0.5)
    line.set_major_locator(FixedLocator([*-powers, 0.0, *powers[::-1]]))
    line.set_minor_locator(NullLocator())


def with_unit(name: str, of: str) -> str:
    """A label with its unit in brackets."""
    return f"{name} [{of}]" if of else name


def both_units(first: str, second: str, of: str) -> tuple[str, str]:
    """Two labels with one unit."""
    return with_unit(first, of), with_unit(second, of)


def thinned(count: int, largest: int) -> np.ndarray:
    """Rows spread evenly over all, at most so many."""
    return np.unique(np.linspace(0, count - 1, min(count, largest)).astype(int))


def positive(value: float) -> float:
    """A loss that a logarithmic axis can show."""
    return max(value, 1e-16) if np.isfinite(value) else np.nan


def picture(figure: "Figure", *, alt: str, caption: str) -> Picture:
    """Draw a figure into a data URI."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Glyph .* missing from")  # a unit in a script the font lacks
        figure.savefig(buffer, format="png", metadata={"Software": None})
    text = base64.b64encode(buffer.getvalue()).decode("ascii")
    return Picture(uri=f"data:image/png;base64,{text}", alt=alt, caption=caption)
