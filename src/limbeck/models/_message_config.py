"""What a published message network is built from: how its message is kept small, and what its functions see."""

from dataclasses import dataclass

from limbeck._errors import InputError

from ._layers import ACTIVATIONS

SIZES = ("standard", "bottleneck", "l1", "kl", "pruning")
FEATURES = ("published", "scaled")
PUBLISHED_DIM = 100  # components of a message that is not a bottleneck


@dataclass(frozen=True, kw_only=True)
class MessageConfig:
    """Form of a `MessageNetwork`; what is not set is as published.

    Attributes:
        size: What keeps the message small: "standard" (nothing), "bottleneck" (as many components as
            space has directions), "l1" and "kl" (a penalty), "pruning" (components are masked).
        message_dim: Components of the message; 0 is the size's own number, `PUBLISHED_DIM` or, for the
            bottleneck, the dimension of space.
        width: Units in each hidden layer.
        depth: Hidden layers; three in the published code, two in the paper's text.
        activation: "relu", "silu" or "softplus".
        features: "published" feeds raw positions, velocities and attributes; "scaled" feeds logarithms
            and unit vectors, and lets messages and accelerations grow as a hyperbolic sine.
        translation: Whether positions and velocities of a pair are seen only through their difference,
            and the node's position not at all.
        third_law: Whether the message to the sender is minus that to the receiver.
    """

    size: str = "standard"
    message_dim: int = 0
    width: int = 300
    depth: int = 3
    activation: str = "relu"
    features: str = "published"
    translation: bool = False
    third_law: bool = False

    def __post_init__(self) -> None:
        """Check choices and ranges.

        Raises:
            InputError: If a choice is unknown or a size out of range.
        """
        for name, allowed in (("size", SIZES), ("activation", tuple(ACTIVATIONS)), ("features", FEATURES)):
            if getattr(self, name) not in allowed:
                raise InputError(f"unknown {name} {getattr(self, name)!r}: choose one of {', '.join(allowed)}")
        if self.message_dim < 0:
            raise InputError(f"message_dim must be at least 1, or 0 for the size's own; got {self.message_dim}")
        if self.size == "pruning" and self.message_dim == 1:
            raise InputError("pruning a message of one component leaves none: choose message_dim of at least 2")
        if self.width < 1 or self.depth < 1:
            raise InputError(f"a network needs width and depth of at least 1; got {self.width} and {self.depth}")

    def components(self, dim: int) -> int:
        """Components of the message in a space of some dimension.

        Args:
            dim: Dimension of space.

        Returns:
            The number asked for, or the size's own.
        """
        return self.message_dim or (dim if self.size == "bottleneck" else PUBLISHED_DIM)
