"""Settings of training."""

from dataclasses import dataclass

from limbeck._errors import InputError


@dataclass(frozen=True, kw_only=True)
class TrainConfig:
    """How a network is fitted.

    Attributes:
        steps: Optimiser steps of a full training, rounded up to whole chunks.
        batch_size: Snapshots in each step; fewer where they hold many pairs (16,384 a step at most).
        learning_rate: Peak of the one-cycle schedule.
        warmup: Fraction of the steps before the peak.
        clip: Largest norm of the gradient.
        relative: Fraction of the median acceleration added to each particle's own in the loss's
            denominator; small values weigh weak forces as much as strong ones.
        chunk: Steps in one compiled loop, between validations and checkpoints.
        seeds: Networks trained together from different weights; the best on validation is kept.
        patience: Fraction of the steps after which a network that learns nothing, or nothing more, is given up.
    """

    steps: int = 4_000
    batch_size: int = 128
    learning_rate: float = 6e-3
    warmup: float = 0.2
    clip: float = 1.0
    relative: float = 0.3
    chunk: int = 250
    seeds: int = 1
    patience: float = 0.4

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            InputError: If a setting is out of range.
        """
        for name in ("steps", "batch_size", "chunk", "seeds"):
            if getattr(self, name) < 1:
                raise InputError(f"train.{name} must be at least 1; got {getattr(self, name)}")
        for name in ("learning_rate", "clip", "relative"):
            if not getattr(self, name) > 0:
                raise InputError(f"train.{name} must be positive; got {getattr(self, name)}")
        if not 0 < self.warmup < 1 or not 0 < self.patience <= 1:
            raise InputError("train.warmup and train.patience must lie between 0 and 1")
