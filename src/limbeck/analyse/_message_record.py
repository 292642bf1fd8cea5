"""What the messages of a network are on held-out data, beside the true forces.

`MessageRecord` holds plain arrays, one row for each directed edge, and is all that the
analysis of messages knows: where they come from, a network of ours or of somebody else's,
does not matter to it. `_record_messages` makes one from a network.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from limbeck._errors import InputError


@dataclass(frozen=True, kw_only=True, eq=False)
class MessageRecord:
    """Messages on held-out directed edges, none of them left out for what it says.

    Attributes:
        messages: Message to the receiver of each edge; the mean where messages are distributions.
        forces: True force of the sender on the receiver, or None where it is not known.
        displacements: Receiver minus sender [length].
        distances: Their length [length].
        receivers: Attributes of the receiver.
        senders: Attributes of the sender.
        attribute_names: Name of each attribute.
        receiver_velocities: Velocity of the receiver [length/time].
        inertia: Inertia of the receiver, or None where it is not known.
        log_variances: Logarithm of the variance of each message in a KL network, else None.
        groups: Edges that stand or fall together in a cross-validation: those of one simulation (of one
            snapshot, where there is one simulation only).
        coverage: Share of the held-out snapshots that were read; a thinning is even and blind.
    """

    messages: Float[np.ndarray, "edges message_dim"]
    forces: Float[np.ndarray, "edges dim"] | None
    displacements: Float[np.ndarray, "edges dim"]
    distances: Float[np.ndarray, " edges"]
    receivers: Float[np.ndarray, "edges variables"]
    senders: Float[np.ndarray, "edges variables"]
    attribute_names: tuple[str, ...]
    receiver_velocities: Float[np.ndarray, "edges dim"]
    inertia: Float[np.ndarray, " edges"] | None
    log_variances: Float[np.ndarray, "edges message_dim"] | None
    groups: Int[np.ndarray, " edges"]
    coverage: float = 1.0

    def __post_init__(self) -> None:
        """Refuse a record that says nothing or whose parts do not fit.

        Raises:
            InputError: If there is no edge or no component, or a part has another shape than the rest.
        """
        if self.messages.ndim != 2 or 0 in self.messages.shape:
            raise InputError(f"messages: expected edges by components, at least one of each; got {self.messages.shape}")
        edges, dim, names = len(self.messages), self.displacements.shape[-1], len(self.attribute_names)
        expected = {
            "forces": (edges, dim),
            "displacements": (edges, dim),
            "distances": (edges,),
            "receivers": (edges, names),
            "senders": (edges, names),
            "receiver_velocities": (edges, dim),
            "inertia": (edges,),
            "log_variances": self.messages.shape,
            "groups": (edges,),
        }
        for name, shape in expected.items():
            value = getattr(self, name)
            if value is not None and value.shape != shape:
                raise InputError(f"{name}: expected shape {shape}, as the messages have it; got {value.shape}")
        if self.inertia is not None and not np.all(self.inertia > 0):
            raise InputError("inertia: expected positive numbers only, one for the receiver of each edge")

    @property
    def n_edges(self) -> int:
        """How many directed edges there are."""
        return len(self.messages)

    @property
    def message_dim(self) -> int:
        """How many components a message has."""
        return self.messages.shape[1]

    @property
    def dim(self) -> int:
        """Dimension of space."""
        return self.displacements.shape[1]
