"""Windows in chunks, each with the steps of the integrator that it needs from snapshot to snapshot.

A close encounter lasts a few snapshots: only these get many steps. Chunks have one size, so that one compiled program
serves all.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck._types import Constants
from limbeck.graphs import Snapshots

from ._follow import Form, followed
from ._windows import Windows

FEW, SOME, MANY = 1, 4, 16  # Runge-Kutta steps between two snapshots
ACCURATE = 0.1  # largest error of the integrator, in units of the noise
SHARES = (1e-2, 1e-4, 1e-6)  # of a single stretch, the largest first that serves: errors add up, and grow
CHUNK = 16

Begun = tuple[Float[np.ndarray, "windows nodes dim"], Float[np.ndarray, "windows nodes dim"]]
Path = tuple[Float[np.ndarray, "chunk times nodes dim"], Float[np.ndarray, "chunk times nodes dim"]]
Rows = Int[np.ndarray, " rows"]


class Chunk(NamedTuple):
    """Windows that are followed together.

    Attributes:
        rows: Their numbers; the last is repeated where there are too few.
        substeps: Steps from each snapshot to the next.
    """

    rows: Rows
    substeps: Int[np.ndarray, " steps"]


def chunks_of(form: Form, constants: Constants, windows: Windows) -> list[Chunk]:
    """The steps that windows need under a law; those that no number of steps serves are left out.

    Args:
        form: The law without its numbers.
        constants: Its numbers.
        windows: With the states that they begin at.

    Returns:
        Chunks of windows.
    """

    def path(rows: Rows, substeps: Int[np.ndarray, " steps"]) -> Path:
        x, v = followed(form, constants, begin(states, windows, rows), windows.spans[rows], substeps)
        return np.asarray(x), np.asarray(v)

    states = windows.start.positions, windows.start.velocities
    ones = np.ones(windows.spans.shape[1], dtype=int)
    needed = np.zeros(windows.spans.shape, dtype=int)
    for rows in _chunks(np.arange(len(windows))):
        smooth = _is_near(path(rows, FEW * ones), path(rows, 2 * FEW * ones), windows, rows)
        needed[rows[smooth]] = FEW
    for rows in _chunks(np.flatnonzero(needed[:, 0] == 0)):
        fine = path(rows, 2 * MANY * ones)
        can_be = _is_near(path(rows, MANY * ones), fine, windows, rows)
        if not can_be.any():
            continue
        missed = [_missed(form, constants, windows, rows, fine, n)[can_be].max(axis=0) for n in (FEW, SOME)]
        needed[rows[can_be]] = MANY
        for share in SHARES:
            fewer = np.select([missed[0] < share, missed[1] < share], [FEW, SOME], MANY)
            if _is_near(path(rows, fewer), fine, windows, rows)[can_be].all():
                needed[rows[can_be]] = fewer
                break
    total = needed.sum(axis=1)
    order = np.argsort(total, kind="stable")[np.count_nonzero(total == 0) :]
    return [Chunk(rows, needed[rows].max(axis=0)) for rows in _chunks(order)]


def begin(states: Begun, windows: Windows, rows: Rows) -> Snapshots:
    """States at the beginnings of some windows.

    Args:
        states: Positions and velocities of all (windows nodes dim).
        windows: What else a snapshot has.
        rows: Numbers of the windows.

    Returns:
        Snapshots without targets.
    """
    start = windows.start
    return Snapshots(
        positions=states[0][rows],
        velocities=states[1][rows],
        attributes=start.attributes[rows],
        forward=start.forward[rows],
        backward=start.backward[rows],
        targets=None,
        weights=None,
    )


def _is_near(coarse: Path, fine: Path, windows: Windows, rows: Rows) -> Bool[np.ndarray, " chunk"]:
    """Whether two paths agree wherever a position was measured; false where either is undefined."""
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.abs(coarse[0] - fine[0]) * windows.weights[rows][..., None]
    return np.all(error < ACCURATE, axis=(1, 2, 3))


def _missed(
    form: Form, constants: Constants, windows: Windows, rows: Rows, fine: Path, number: int
) -> Float[np.ndarray, "chunk steps"]:
    """How far each stretch leads from the finer path; an error of the velocity lasts to the window's end."""
    spans = windows.spans[rows]
    every = begin((windows.start.positions, windows.start.velocities), windows, np.repeat(rows, spans.shape[1]))
    x, v = (path[:, :-1].reshape(-1, *path.shape[2:]) for path in fine)
    every = every._replace(positions=x, velocities=v)
    ends = followed(form, constants, every, spans.reshape(-1, 1), np.array([number]))
    rest = np.cumsum(spans[:, ::-1], axis=1)[:, ::-1, None, None]
    with np.errstate(invalid="ignore", over="ignore"):
        off_x, off_v = (
            np.abs(np.asarray(a)[:, 1].reshape(b[:, 1:].shape) - b[:, 1:]) for a, b in zip(ends, fine, strict=True)
        )
        return np.max((off_x + off_v * rest) * windows.weights[rows].max(axis=1)[:, None, :, None], axis=(2, 3))


def _chunks(rows: Rows) -> Iterator[Rows]:
    """Windows in chunks of one size; the last row fills the last chunk."""
    for start in range(0, len(rows), CHUNK):
        part = rows[start : start + CHUNK]
        yield np.concatenate([part, np.repeat(part[-1:], CHUNK - len(part))])
