"""Weights & Biases without a network."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

PROJECT = "limbeck"


class WeightsAndBiases:
    """An offline run; `wandb sync RUN/wandb/offline-run-*` sends it, if and when its owner wants that."""

    def __init__(self, folder: Path) -> None:
        """Open an offline run; nothing is sent anywhere."""
        import wandb

        quiet = wandb.Settings(silent=True, console="off", disable_git=True, x_disable_meta=True, x_disable_stats=True)
        self.run = wandb.init(mode="offline", project=PROJECT, name=folder.name, dir=str(folder), settings=quiet)

    def settings(self, settings: Mapping[str, Any]) -> None:
        """Keep what the run was asked to do."""
        self.run.config.update(dict(settings), allow_val_change=True)

    def figures(self, step: int, figures: Mapping[str, float]) -> None:
        """Keep figures after a step."""
        # Its own counter must never fall, which that of a second network does: ours is a figure like the others.
        self.run.log({**figures, "step": step})

    def finish(self, status: str) -> None:
        """End."""
        self.run.summary["status"] = status
        self.run.finish(exit_code=0 if status == "FINISHED" else 1)
