"""From the events of a run to its trackers."""

import contextlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from ._tracker import Tracker, open_tracker

Heard = Callable[[str, str, Any], None]


@contextlib.contextmanager
def tracked(
    names: Sequence[str], folder: Path, settings: Mapping[str, Any], listener: Heard | None
) -> Iterator[Heard | None]:
    """Let trackers hear the events of a run; however it ends, they are closed.

    Args:
        names: Trackers that `check_trackers` passed.
        folder: Folder of the run.
        settings: What it was asked to do, nested by table.
        listener: Who hears each event first.

    Yields:
        Who is to be told in the listener's place.
    """
    if not names:
        yield listener
        return
    status, trackers = "FAILED", []
    with contextlib.ExitStack() as opened:  # one that can't be opened or closed leaves no other open
        for name in names:
            trackers.append(open_tracker(name, folder))
            opened.callback(lambda tracker=trackers[-1]: tracker.finish(status))
            trackers[-1].settings(_flat(settings))
        yield _Tracking(trackers, listener)
        status = "FINISHED"


class _Tracking:
    """A listener that passes numbers on to trackers."""

    def __init__(self, trackers: Sequence[Tracker], listener: Heard | None) -> None:
        """Remember who is told."""
        self.trackers, self.listener = trackers, listener

    def __call__(self, stage: str, name: str, value: Any) -> None:
        """Hear of one event."""
        if self.listener is not None:
            self.listener(stage, name, value)
        if name == "progress" and isinstance(value, Mapping):
            figures, number = {**value}, int(value["done"])
            prefix = f"{stage}/{figures.pop('step')}" if "step" in figures else stage
            for hidden in ("done", "of"):
                figures.pop(hidden, None)
            self._figures(number, {f"{prefix}/{key}": figure for key, figure in figures.items()})
        elif name == "finished" and isinstance(value, float):
            self._figures(0, {f"seconds/{stage}": value})

    def _figures(self, step: int, figures: Mapping[str, float | None]) -> None:
        """Tell every tracker the figures that are known."""
        known = {name: float(figure) for name, figure in figures.items() if figure is not None}
        for tracker in self.trackers:
            tracker.figures(step, known)


def _flat(settings: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested tables as dotted names; sequences as text."""
    flat: dict[str, Any] = {}
    for name, value in settings.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[prefix + name] = value if isinstance(value, bool | int | float | str) else str(value)
    return flat
