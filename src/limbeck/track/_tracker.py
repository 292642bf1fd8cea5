"""What a tracker is told, and which there are."""

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from limbeck._errors import InputError

# Name of each tracker, with the package it needs; an optional extra of the same name brings it.
TRACKERS = {"tensorboard": "tensorboardX", "mlflow": "mlflow", "wandb": "wandb"}


@runtime_checkable
class Tracker(Protocol):
    """Where the figures of one run are kept beside its own journal."""

    def settings(self, settings: Mapping[str, Any]) -> None:
        """Keep what the run was asked to do: plain values by dotted name."""
        ...

    def figures(self, step: int, figures: Mapping[str, float]) -> None:
        """Keep figures by name after a step; steps only grow."""
        ...

    def finish(self, status: str) -> None:
        """End: "FINISHED", or "FAILED" where the run was broken off. Nothing follows."""
        ...


def check_trackers(names: Sequence[str]) -> None:
    """Refuse trackers that are unknown or not installed, before any work.

    Args:
        names: Their names.

    Raises:
        InputError: If there is no such tracker, or its package is missing.
    """
    for name in names:
        if name not in TRACKERS:
            raise InputError(f"unknown tracker {name!r}: choose among {', '.join(TRACKERS)}")
        if find_spec(TRACKERS[name]) is None:
            raise InputError(f"the tracker {name!r} needs a package: pip install 'limbeck[{name}]'")


def open_tracker(name: str, folder: Path) -> Tracker:
    """Open a tracker that keeps everything in the folder of a run.

    Args:
        name: Its name in `TRACKERS`.
        folder: Folder of the run; a run that is resumed goes on where its tracker stood.

    Returns:
        The tracker.
    """
    if name == "tensorboard":
        from ._tensorboard import TensorBoard

        return TensorBoard(folder)
    if name == "mlflow":
        from ._mlflow import MLflow

        return MLflow(folder)
    from ._wandb import WeightsAndBiases

    return WeightsAndBiases(folder)
