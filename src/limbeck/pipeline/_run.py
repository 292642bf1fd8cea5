"""A run on its way through its stages: the one record that they share."""

import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import jax

from ._folder import CHECKPOINTS, Journal
from ._study import Study

NETWORK = "network.limbeck"  # among the checkpoints: the one that was chosen
STRUCK = "time_limit_struck"  # among the checkpoints: an empty file
TRAIN_STAGE, SEARCH_STAGE, LEARN_STAGE = (
    1,
    2,
    3,
)  # stable numbers: the random streams of one stage do not move when another is added


@dataclass(eq=False)
class Run:
    """A run on its way: what it is asked, where it writes, how long it may take.

    Attributes:
        study: What is asked.
        folder: Where it writes.
        journal: Its events.
        deadline: Time at which it must end; infinite without a limit.
        fingerprint: Hash of the data, so that no checkpoint is taken for another data set's.
        timings: Seconds by stage.
        budget_struck: Whether the time limit has ended something early, before an interruption or since.
        diverged: Names of the biases of each step whose training diverged at every rate, and what was said of it.
    """

    study: Study
    folder: Path
    journal: Journal
    deadline: float
    fingerprint: str = ""
    timings: dict[str, float] = field(default_factory=dict)
    budget_struck: bool = False
    diverged: dict[int, tuple[tuple[str, ...], str]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Remember what a run that is taken up again has left out for want of time."""
        self.budget_struck |= self.checkpoint(STRUCK).exists()

    def strike(self) -> None:
        """Note, for a resumed run too, that the time limit has ended something early."""
        if not self.budget_struck:
            self.budget_struck = True
            self.checkpoint(STRUCK).touch()

    def is_over(self) -> bool:
        """Whether the time limit has struck; remembers it."""
        over = time.monotonic() > self.deadline
        if over:
            self.strike()
        return over

    def remaining(self) -> float:
        """Seconds that are left."""
        return max(0.0, self.deadline - time.monotonic())

    def checkpoint(self, name: str) -> Path:
        """Where a checkpoint lies."""
        return self.folder / CHECKPOINTS / name

    def timed(self, stage: str) -> "_Timer":
        """Measure a stage in a `with` block."""
        return _Timer(self, stage)

    def key(self, *numbers: int) -> Any:
        """The random key of a stage."""
        key = jax.random.key(self.study.seed)
        for number in numbers:
            key = jax.random.fold_in(key, number)
        return key


class _Timer:
    """Adds the time of a block to a run's timings and tells its journal."""

    def __init__(self, run: Run, stage: str) -> None:
        """Remember whose time it is."""
        self.run, self.stage, self.started = run, stage, 0.0

    def __enter__(self) -> None:
        """Start."""
        self.started = time.monotonic()
        self.run.journal.note(self.stage, "started", None)

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Stop; what ended in an error or was interrupted did not finish."""
        seconds = time.monotonic() - self.started
        self.run.timings[self.stage] = self.run.timings.get(self.stage, 0.0) + seconds
        self.run.journal.note(self.stage, "finished" if kind is None else "broken off", round(seconds, 3))
