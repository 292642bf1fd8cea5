"""One simulation in motion: particles as given, under the law and under the network.

No script: each path is drawn once, and a style sheet moves a dash along it. The pace of a particle is the easing of
its dash, one number for each frame, so that little has to be written. Browsers that can't do this, paper, and readers
who asked for stillness see the static picture.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from ._numbers import number
from ._record import Report
from ._tables import unit

WIDTH, MARGIN, LINE = 640, 24, 18  # of the picture, and of a line of text
TALLEST = 1.0  # of the width
MOST_FRAMES, FEWEST_FRAMES = 120, 30
MOST_PATHS = 96  # paths of particles, beyond which nothing would be seen and the page would grow
FRAMES_OF_ALL = 1_500  # frames times paths
TRAIL = 0.08  # of a path's length
BEYOND = 1.0  # widths outside the frame at which a runaway is left


@dataclass(frozen=True, kw_only=True)
class MovingPath:
    """The way of one particle through the frame.

    Attributes:
        drawn: Commands of an SVG path.
        length: Its length.
        trail: Length of the trail.
        pace: Share of the length that is passed at each frame, as an easing of CSS.
    """

    drawn: str
    length: str
    trail: str
    pace: str


@dataclass(frozen=True, kw_only=True)
class Mark:
    """A moment on the bar of time.

    Attributes:
        place: Where it stands across.
        words: Height of its name; names stand above each other.
        anchor: Which end of the name stands there.
        name: What happens then.
    """

    place: str
    words: int
    anchor: str
    name: str


@dataclass(frozen=True, kw_only=True)
class Animation:
    """Everything that the template needs; lengths in units of the picture.

    Attributes:
        width: Width of the frame.
        height: Its height, without the bar of time.
        left: Where the bar begins.
        right: Where it ends.
        bar: Height at which it lies.
        total: Height of everything.
        paths: Paths of the particles by series: given, network, law, in the order of drawing.
        marks: Moments on the bar.
        end: Time at the end, with its unit.
        caption: What is seen.
    """

    width: int
    height: int
    left: int
    right: int
    bar: int
    total: int
    paths: dict[str, tuple[MovingPath, ...]]
    marks: tuple[Mark, ...]
    end: str
    caption: str


def animation(report: Report) -> Animation | None:
    """The first simulation of the rollout in motion.

    Args:
        report: Everything the page shows.

    Returns:
        Its paths; None without a rollout, or where there are too many particles to be told apart.
    """
    rollout = report.rollout
    if rollout is None or not rollout.given.size or len(rollout.times) < 3:
        return None
    n_nodes = rollout.given.shape[2]
    if 3 * n_nodes > MOST_PATHS:
        return None
    frames = int(np.clip(FRAMES_OF_ALL // (3 * n_nodes), FEWEST_FRAMES, MOST_FRAMES))
    series = {"given": rollout.given, "network": rollout.network, "law": rollout.law}
    planes = {name: _plane(_at_frames(rollout.times, x[0], frames), rollout.given[0]) for name, x in series.items()}
    frame = _Frame.around(planes["given"])
    paths = {name: tuple(_moving(frame.place(plane[:, k])) for k in range(n_nodes)) for name, plane in planes.items()}
    time, height = unit(report.result, "time", "t"), round(frame.height)
    marks = _marks(report, height)
    bar = height + LINE * len(marks) + 8
    return Animation(
        width=WIDTH,
        height=height,
        left=MARGIN,
        right=WIDTH - MARGIN,
        bar=bar,
        total=bar + 2 * LINE,
        paths=paths,
        marks=marks,
        end=f"{number(float(rollout.times[-1]), 3)}{' ' + time if time else ''}",
        caption=f"One simulation that was held out, in motion{_view(rollout.given.shape[-1])}: "
        f"{n_nodes} particles as given, under the law and under the network, from the same first state.",
    )


def _view(dim: int) -> str:
    """How space was laid on the page."""
    return {1: ", each particle in a row of its own", 3: ", seen along the third axis"}.get(dim, "")


def _at_frames(
    times: Float[np.ndarray, " times"], positions: Float[np.ndarray, "times nodes dim"], frames: int
) -> Float[np.ndarray, "frames nodes dim"]:
    """Positions at moments that are equally far apart, on straight lines between the times; NaN where lost."""
    moments = np.linspace(times[0], times[-1], frames)
    flat = positions.reshape(len(times), -1)
    columns = [np.interp(moments, times, column) for column in flat.T]
    return np.stack(columns, axis=-1).reshape(frames, *positions.shape[1:])


def _plane(
    positions: Float[np.ndarray, "frames nodes dim"], given: Float[np.ndarray, "times nodes dim"]
) -> Float[np.ndarray, "frames nodes two"]:
    """Across and up: x and y, or x in rows."""
    if positions.shape[-1] > 1:
        return positions[..., :2]
    n_nodes = positions.shape[1]
    apart = float(np.ptp(given)) / (2 * n_nodes)
    rows = np.broadcast_to(-apart * np.arange(n_nodes), positions.shape[:2])
    return np.stack([positions[..., 0], rows], axis=-1)


@dataclass(frozen=True, kw_only=True)
class _Frame:
    """Where the plane lies on the page.

    Attributes:
        left: Smallest coordinate across.
        top: Largest coordinate up.
        scale: Page units for each unit of length.
        height: Height of the frame.
    """

    left: float
    top: float
    scale: float
    height: float

    @classmethod
    def around(cls, given: Float[np.ndarray, "frames nodes two"]) -> "_Frame":
        """The frame around what was given, so that a rollout that runs away does not rule the picture."""
        low, high = np.nanmin(given, axis=(0, 1)), np.nanmax(given, axis=(0, 1))
        across, up = (float(extent) for extent in high - low)
        inner = WIDTH - 2 * MARGIN
        largest = max(across, up) or 1.0
        scale = inner / max(across, up / TALLEST, 1e-3 * largest)
        height = max(up * scale, 0.15 * inner) + 2 * MARGIN
        left = (low[0] + high[0]) / 2 - WIDTH / 2 / scale
        top = (low[1] + high[1]) / 2 + height / 2 / scale
        return cls(left=float(left), top=float(top), scale=scale, height=height)

    def place(self, path: Float[np.ndarray, "frames two"]) -> Float[np.ndarray, "frames two"]:
        """Page coordinates; a path that was lost stays where it was."""
        lost = np.flatnonzero(~np.isfinite(path).all(axis=1))
        if len(lost):
            kept = path[: max(lost[0], 1)]
            path = np.concatenate([kept, np.repeat(kept[-1:], len(path) - len(kept), axis=0)])
        page = np.stack([path[:, 0] - self.left, self.top - path[:, 1]], axis=1) * self.scale
        size = np.array([WIDTH, self.height])
        return np.nan_to_num(np.clip(page, -BEYOND * size, (1 + BEYOND) * size))


def _moving(page: Float[np.ndarray, "frames two"]) -> MovingPath:
    """A path with its pace; lengths are those of the rounded coordinates, as a browser measures them."""
    corners = np.round(page, 1)
    passed = np.concatenate([[0.0], np.cumsum(np.linalg.norm(np.diff(corners, axis=0), axis=1))])
    length = float(passed[-1])
    drawn = "M" + " ".join(f"{x:.1f},{y:.1f}" for x, y in corners)
    if length < 1.0:  # what rests is a dot: a dash needs a line to lie on
        return MovingPath(drawn=f"{drawn} h0.1", length="0", trail="0", pace="0,1")
    pace = ",".join(f"{share:.4f}".rstrip("0").rstrip(".") for share in passed / length)
    return MovingPath(drawn=drawn, length=f"{length:.1f}", trail=f"{TRAIL * length:.1f}", pace=pace)


def _marks(report: Report, height: int) -> tuple[Mark, ...]:
    """Moments on the bar of time: the end of the comparison, and the Lyapunov time."""
    rollout, found = report.rollout, report.behaviour
    assert rollout is not None  # asked before
    end = float(rollout.times[-1])
    moments = {"horizon of the comparison": rollout.horizon}
    if found is not None and found.lyapunov_time is not None:
        moments["Lyapunov time"] = found.lyapunov_time
    within = [(name, moment / end) for name, moment in moments.items() if 0 < moment < end]
    return tuple(
        Mark(
            place=f"{MARGIN + (WIDTH - 2 * MARGIN) * share:.1f}",
            words=height + LINE * (k + 1) - 2,
            anchor="start" if share < 0.5 else "end",
            name=name,
        )
        for k, (name, share) in enumerate(within)
    )
