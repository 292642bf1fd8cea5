"""TensorBoard's event files, by tensorboardX."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

FOLDER = "tensorboard"


class TensorBoard:
    """Figures as scalars, settings as a table: `tensorboard --logdir RUN/tensorboard` shows them."""

    def __init__(self, folder: Path) -> None:
        """Open a further event file."""
        from tensorboardX import SummaryWriter

        self.writer = SummaryWriter(str(folder / FOLDER), write_to_disk=True)

    def settings(self, settings: Mapping[str, Any]) -> None:
        """Keep what the run was asked to do."""
        rows = [f"| {name} | {value} |" for name, value in settings.items()]
        self.writer.add_text("study", "\n".join(["| setting | value |", "|---|---|", *rows]))

    def figures(self, step: int, figures: Mapping[str, float]) -> None:
        """Keep figures after a step."""
        for name, figure in figures.items():
            self.writer.add_scalar(name, figure, step)

    def finish(self, status: str) -> None:
        """End."""
        self.writer.add_text("status", status)
        self.writer.close()
