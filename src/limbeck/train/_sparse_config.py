"""Settings of a training on sparse graphs."""

from dataclasses import dataclass, field

from limbeck._errors import InputError
from limbeck.models import LEVELS, FlavourConfig


@dataclass(frozen=True, kw_only=True)
class SparseTrainConfig:
    """How a network for sparse graphs is built and fitted.

    Attributes:
        flavour: The flavour of its edges and its size.
        level: What has targets: "node", "edge" or "graph".
        steps: Optimiser steps, rounded up to whole chunks.
        batch_size: Graphs in each step.
        learning_rate: Peak of the one-cycle schedule.
        warmup: Fraction of the steps before the peak.
        clip: Largest norm of the gradient.
        chunk: Steps between validations, rounded to whole passes through the graphs.
    """

    flavour: FlavourConfig = field(default_factory=FlavourConfig)
    level: str = "node"
    steps: int = 2_000
    batch_size: int = 8
    learning_rate: float = 1e-2
    warmup: float = 0.2
    clip: float = 1.0
    chunk: int = 200

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            InputError: If a setting is out of range.
        """
        if self.level not in LEVELS:
            raise InputError(f"unknown level {self.level!r}; known: {', '.join(LEVELS)}")
        for name in ("steps", "batch_size", "chunk"):
            if getattr(self, name) < 1:
                raise InputError(f"{name} must be at least 1; got {getattr(self, name)}")
        for name in ("learning_rate", "clip"):
            if not getattr(self, name) > 0:
                raise InputError(f"{name} must be positive; got {getattr(self, name)}")
        if not 0 < self.warmup < 1:
            raise InputError(f"warmup must lie between 0 and 1; got {self.warmup}")
