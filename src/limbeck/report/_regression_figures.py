"""The pictures of the page of a regression."""

from typing import TYPE_CHECKING

import numpy as np

from limbeck.expressions import evaluate
from limbeck.regress import Equation, Regression

from ._drawing import (
    BLUE,
    GREEN,
    GREY,
    MAX_POINTS,
    RED,
    Picture,
    finish,
    panels,
    picture,
    plain,
    positive,
    thinned,
    whole_numbers,
    with_unit,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MOST_BINS = 60
LEFT_OUT = 1e-3  # weight below which a robust loss leaves a row out


def parity_picture(found: Regression, unit: str) -> Picture | None:
    """The target against the equation, and a histogram of what is left over.

    Args:
        found: The outcome.
        unit: Unit of the target, or empty.

    Returns:
        The picture, or None where the equation is undefined on every row.
    """
    problem = found.problem
    values = dict(zip(problem.variables, problem.inputs.T, strict=True))
    predicted = np.broadcast_to(evaluate(found.chosen.expression, values), problem.target.shape).astype(float)
    good = np.isfinite(predicted)
    predicted, target = predicted[good], problem.target[good]
    if not len(target):
        return None
    out = np.zeros(len(target), bool) if found.row_weights is None else found.row_weights[good] < LEFT_OUT
    if out.all():
        return None
    rows = thinned(len(target), MAX_POINTS)
    figure, (left, right) = panels(2, 3.9)
    ends = [min(predicted.min(), target.min()), max(predicted.max(), target.max())]
    left.plot(ends, ends, "-", lw=0.9, color=GREY, zorder=0)
    counted = rows[~out[rows]]
    left.scatter(predicted[counted], target[counted], s=8, lw=0, alpha=0.5, color=BLUE, rasterized=True)
    if out.any():
        left.scatter(
            predicted[out], target[out], s=14, lw=0.8, marker="x", color=RED, label="left out", rasterized=True
        )
        plain(left.legend(fontsize=8, frameon=False).get_texts())
    predicted, target = predicted[~out], target[~out]
    finish(left, with_unit(f"{problem.name} by the equation", unit), with_unit(problem.name, unit))
    residual = target - predicted
    right.hist(residual, bins=min(MOST_BINS, max(8, round(2 * len(residual) ** 0.4))), color=BLUE, alpha=0.8)
    finish(right, with_unit(f"{problem.name} minus the equation", unit), "rows")
    right.locator_params(axis="x", nbins=5)
    spread = float(np.sum((target - target.mean()) ** 2))
    agreement = f", R² = {1 - float(np.sum(residual**2)) / spread:.6f}" if spread > 0 else ""
    return picture(
        figure,
        alt="Scatter of the target against the equation, and a histogram of their difference.",
        caption=f"The target against the equation on {_rows(len(target), int(out.sum()))}{agreement}; "
        "on the line they agree. "
        "Right: what is left over. A lopsided or two-humped histogram says that something is missing.",
    )


def _rows(counted: int, left_out: int) -> str:
    """What is shown, where a robust loss may have left rows out."""
    if not left_out:
        return f"all {counted} rows"
    return f"{counted} rows, and {left_out} more that lie too far off to count (crosses; not in the histogram or R²)"


def front_picture(found: Regression) -> Picture | None:
    """Loss against complexity, with the answers ringed.

    Args:
        found: The outcome.

    Returns:
        The picture, or None without a front.
    """
    front = found.hall.front
    if not front:
        return None
    figure, (axis,) = panels(1, 3.6)
    others = [e for e in found.hall.equations if e not in front]
    axis.plot(*_places(others), "o", ms=3.5, color=GREY, alpha=0.6, label="off the front")
    axis.plot(*_places(front), "o-", ms=4, lw=1.2, color=BLUE, label="Pareto front")
    ring = {"mfc": "none", "mew": 2}
    axis.plot(*_places([found.by_score]), "s", ms=13, mec=GREEN, label="by the published score", **ring)
    axis.plot(*_places([found.chosen]), "o", ms=10, mec=RED, label="our choice", **ring)
    finish(axis, "complexity", "loss, held-out rows", log_y=True)
    _short_ticks(axis)
    plain(axis.legend(fontsize=8, frameon=False, labelspacing=0.9, markerscale=0.7).get_texts())
    whole_numbers(axis)
    return picture(
        figure,
        alt="Loss falling with complexity; the chosen equation is ringed.",
        caption="What accuracy costs: error over the target's standard deviation. Left of a steep fall something is "
        "missing; right of it, noise is fitted.",
    )


def _short_ticks(axis: "Axes") -> None:
    """Plain numbers on a logarithmic axis, at powers of ten alone where it spans two of them."""
    from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

    low, high = axis.get_ylim()
    axis.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.yaxis.set_minor_formatter(NullFormatter())
    if high < 100 * low:
        axis.yaxis.set_major_locator(LogLocator(subs=(1.0, 2.0, 5.0)))


def _places(equations: "tuple[Equation, ...] | list[Equation]") -> tuple[list[int], list[float]]:
    """Complexity and loss of each equation."""
    return [e.complexity for e in equations], [positive(e.heldout_loss) for e in equations]
