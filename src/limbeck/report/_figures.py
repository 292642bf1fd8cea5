"""The pictures of the page of a law, as PNG inside it."""

from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float

from limbeck.compose import Rollout

from ._drawing import (
    BLUE,
    CYCLE,
    GREEN,
    GREY,
    MAX_POINTS,
    ORANGE,
    RED,
    Picture,
    both_units,
    finish,
    panels,
    picture,
    plain,
    positive,
    spread_axis,
    thinned,
    whole_numbers,
    with_unit,
)
from ._record import MessageSamples, Report, TrainingStage, selected_index
from ._tables import unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

MAX_TIMES = 400
SHOWN_SIMULATIONS = 2


def front_picture(report: Report) -> Picture | None:
    """Loss against complexity: refitted laws, and equations of the first search.

    Args:
        report: Everything the page shows.

    Returns:
        The picture, or None if there is no front.
    """
    halls = {name: hall.front for name, hall in report.halls.items() if hall.front}
    shown = [bool(report.front), bool(halls)]
    if not any(shown):
        return None
    figure, axes = panels(sum(shown), 3.4)
    if report.front:
        _draw_laws(axes[0], report)
    if halls:
        axis = axes[-1]
        for k, (name, front) in enumerate(halls.items()):
            sizes, losses = [e.complexity for e in front], [positive(e.heldout_loss) for e in front]
            axis.plot(sizes, losses, "o-", ms=3.5, lw=1.1, color=CYCLE[k % len(CYCLE)], label=name)
        finish(axis, "complexity", "loss, held-out samples", legend=True, log_y=True)
        whole_numbers(axis)
        axis.set_title("Equations of the network's functions", fontsize=10)
    return picture(
        figure,
        alt="Loss falling with complexity, for refitted laws and for the equations of each channel.",
        caption="What accuracy costs. Left of a steep fall something is missing; right of it, noise is fitted."
        + ("" if selected_index(report) is None else " The law of this run is ringed."),
    )


def _draw_laws(axis: "Axes", report: Report) -> None:
    """Refitted laws, the chosen one ringed."""
    sizes, losses = [s.law.complexity for s in report.front], [positive(s.loss) for s in report.front]
    axis.plot(sizes, losses, "o-", ms=4, lw=1.2, color=BLUE)
    chosen = selected_index(report)
    if chosen is not None:
        place = ([sizes[chosen]], [losses[chosen]])
        axis.plot(*place, "o", ms=12, mfc="none", mec=RED, mew=2, label="law of this run")
    finish(axis, "complexity", "loss, validation accelerations", legend=chosen is not None, log_y=True)
    whole_numbers(axis)
    axis.set_title("Refitted laws", fontsize=10)


def messages_picture(report: Report) -> Picture | None:
    """Messages of the network against the force of the law, and both against distance.

    Args:
        report: Everything the page shows.

    Returns:
        The picture, or None without messages.
    """
    samples = report.messages
    if samples is None or not len(samples.distance):
        return None
    rows = thinned(len(samples.distance), MAX_POINTS)
    figure, (left, right) = panels(2, 3.9)
    of = unit(report.result, "Fx", "F", "force")
    force = with_unit("radial force", of)
    _draw_parity(left, samples, rows)
    finish(left, with_unit("force of the law", of), with_unit("message of the network", of))
    distance = samples.distance[rows]
    dots = {"s": 5, "lw": 0, "alpha": 0.5, "rasterized": True}
    if samples.true_force is not None:
        right.scatter(
            distance, samples.true_force[rows], color=GREEN, label="truth", **{**dots, "s": 30, "alpha": 0.25}
        )
    right.scatter(distance, samples.message[rows], color=BLUE, label="message", **dots)
    right.scatter(distance, samples.law_force[rows], color=RED, label="law", **{**dots, "s": 1.5, "alpha": 1.0})
    finish(right, with_unit("distance r", unit(report.result, "r", "x")), force, legend=True)
    spread_axis(right, "y", samples.message)
    if distance.min() > 0 and distance.max() > 30 * distance.min():
        right.set_xscale("log")
    return picture(
        figure,
        alt="Scatter of the network's messages against the law's forces, and of both against distance.",
        caption=f"What the network had learned beside what the law says, for {len(samples.distance)} pairs"
        f"{_agreement(samples)}. On the line they agree. Negative forces attract.",
    )


def _draw_parity(axis: "Axes", samples: MessageSamples, rows: np.ndarray) -> None:
    """Message against force, with the line where they agree."""
    law, message = samples.law_force[rows], samples.message[rows]
    both = np.concatenate([law, message])
    both = both[np.isfinite(both)]
    ends = [both.min(), both.max()] if len(both) else [0.0, 1.0]
    axis.scatter(law, message, s=5, lw=0, alpha=0.5, color=BLUE, rasterized=True)
    axis.plot(ends, ends, "-", lw=0.9, color=GREY, zorder=0)
    spread_axis(axis, "x", both)
    spread_axis(axis, "y", both)


def _agreement(samples: MessageSamples) -> str:
    """R² in words, where it is defined."""
    good = np.isfinite(samples.message) & np.isfinite(samples.law_force)
    message, force = samples.message[good], samples.law_force[good]
    spread = float(np.sum((force - force.mean()) ** 2)) if len(force) else 0.0
    return f", R² = {1 - float(np.sum((message - force) ** 2)) / spread:.5f}" if spread > 0 else ""


def training_picture(report: Report) -> Picture | None:
    """Validation error and training loss of every network of the run.

    Args:
        report: Everything the page shows.

    Returns:
        The picture, or None if nothing was trained.
    """
    stages = [stage for stage in report.training if stage.errors.size]
    if not stages:
        return None
    figure, (left, right) = panels(2, 3.4, below=0.1 + 0.18 * len(stages))
    for k, stage in enumerate(stages):
        label = f"{k + 1}: {', '.join(stage.bias) or 'nothing assumed'}"
        _draw_curves(left, stage, stage.errors, CYCLE[k % len(CYCLE)], label)
        _draw_curves(right, stage, stage.losses, CYCLE[k % len(CYCLE)], None)
    finish(left, "training steps", "median relative error, validation", log_y=True)
    finish(right, "training steps", "training loss", log_y=True)
    legend = figure.legend(loc="lower left", fontsize=8, frameon=False)
    plain(legend.get_texts())
    return picture(
        figure,
        alt="Validation error and training loss falling with training steps, for every network.",
        caption="Training of every network, one line for each seed.",
    )


def _draw_curves(axis: "Axes", stage: TrainingStage, curves: np.ndarray, colour: str, label: str | None) -> None:
    """One line for each seed."""
    steps = stage.steps_per_chunk * np.arange(1, len(curves) + 1)
    for k, curve in enumerate(np.atleast_2d(curves.T)):
        finite = np.where(np.isfinite(curve) & (curve > 0), curve, np.nan)
        axis.plot(steps, finite, "-", lw=1.1, color=colour, label=label if k == 0 else None)


def rollout_picture(report: Report) -> Picture | None:
    """Positions that were given, and those that law and network predict.

    Args:
        report: Everything the page shows.

    Returns:
        The picture, or None without a rollout.
    """
    rollout = report.rollout
    if rollout is None or not rollout.given.size:
        return None
    count = min(SHOWN_SIMULATIONS, len(rollout.given))
    figure, axes = panels(count, 4.2)
    length, time = unit(report.result, "x_1", "x", "r", "dx"), unit(report.result, "time", "t")
    flat = rollout.given.shape[-1] == 1
    labels = (with_unit("time", time), with_unit("x", length)) if flat else both_units("x", "y", length)
    for k, axis in enumerate(axes):
        _draw_rollout(axis, rollout, k)
        finish(axis, *labels, legend=k == 0)
        axis.set_title(f"Simulation {k + 1}", fontsize=10)
        if not flat:
            axis.set_aspect("equal")
    return picture(
        figure,
        alt="Paths of the particles as given, under the law and under the network.",
        caption="Simulations that were held out, rolled forward from their first state (dots)"
        f"{', seen along the third axis' if rollout.given.shape[-1] == 3 else ''}.",
    )


def _draw_rollout(axis: "Axes", rollout: Rollout, system: int) -> None:
    """Every particle's path, three times."""
    rows = thinned(len(rollout.times), MAX_TIMES)
    styles = (
        ("given", rollout.given, {"color": GREY, "lw": 3.2, "alpha": 0.45}),
        ("law", rollout.law, {"color": BLUE, "lw": 1.3, "ls": "--"}),
        ("network", rollout.network, {"color": ORANGE, "lw": 1.2, "ls": ":"}),
    )
    for name, positions, style in styles:
        for node in range(positions.shape[2]):
            across, up = _path(rollout.times, positions[system, :, node])
            axis.plot(across[rows], up[rows], label=name if node == 0 else None, **style)
    starts = [_path(rollout.times, rollout.given[system, :, node]) for node in range(rollout.given.shape[2])]
    axis.plot([across[0] for across, _ in starts], [up[0] for _, up in starts], "o", ms=5, color="black")
    _frame(axis, starts, square=rollout.given.shape[-1] > 1)


def _frame(axis: "Axes", paths: list[tuple[np.ndarray, np.ndarray]], *, square: bool) -> None:
    """Limits set by what was given, so that a rollout that runs away does not rule the picture."""
    ends = [_ends(np.concatenate([path[k] for path in paths])) for k in (0, 1)]
    widest = max(high - low for low, high in ends)
    for set_limits, (low, high) in zip((axis.set_xlim, axis.set_ylim), ends, strict=True):
        half = 0.62 * (widest if square else high - low) or 1.0
        set_limits((low + high) / 2 - half, (low + high) / 2 + half)


def _ends(values: np.ndarray) -> tuple[float, float]:
    """Smallest and largest of what is finite."""
    values = values[np.isfinite(values)]
    return (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)


def _path(
    times: Float[np.ndarray, " times"], positions: Float[np.ndarray, "times dim"]
) -> tuple[np.ndarray, np.ndarray]:
    """What is drawn across and up: x and y, or time and x in one dimension."""
    return (times, positions[:, 0]) if positions.shape[1] == 1 else (positions[:, 0], positions[:, 1])


def rollout_error_picture(report: Report) -> Picture | None:
    """Error of law and network over time.

    Args:
        report: Everything the page shows.

    Returns:
        The picture, or None without a rollout.
    """
    rollout = report.rollout
    if rollout is None or not rollout.times.size:
        return None
    figure, (axis,) = panels(1, 3.0)
    for name, error, style in (("law", rollout.law_error, "-"), ("network", rollout.network_error, "--")):
        shown = np.where(np.isfinite(error) & (error > 0), error, np.nan)
        axis.plot(rollout.times, shown, style, lw=1.5, color=BLUE if name == "law" else ORANGE, label=name)
    if np.isfinite(rollout.horizon):
        axis.axvline(rollout.horizon, color=GREY, lw=1, ls=":", label="horizon of the comparison")
    time = with_unit("time", unit(report.result, "time", "t"))
    finish(axis, time, "error / distance of a pair", legend=True, log_y=True)
    return picture(
        figure,
        alt="Error of the rollouts of law and network growing over time.",
        caption="Median over simulations of the mean distance between predicted and given positions, "
        "over the typical distance of a pair.",
    )
