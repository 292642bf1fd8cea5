"""What a network's functions say: tables of inputs and values, one for each scalar function that matters."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool

from limbeck._types import Samples, Table

MATTERS = 1.3  # a channel stays if removing it raises the median error by this factor
TRIM = 0.02  # share of samples with the largest values that a search is spared


@dataclass(frozen=True, kw_only=True, eq=False)
class Channel:
    """Samples of one learned scalar function.

    Attributes:
        name: `radial`, `friction`, `transverse`, `inertia`, `drag`, `central`, `uniform_x`, `message_x`, `field_x`, ...
        variables: Name of each input, as in equations.
        inputs: One row a sample.
        values: The function's value.
        importance: Error of the network without this channel over its error with it.
    """

    name: str
    variables: tuple[str, ...]
    inputs: Table
    values: Samples
    importance: float


@dataclass(frozen=True, kw_only=True, eq=False)
class MessageTable:
    """What the functions of one network say on held-out snapshots.

    Attributes:
        channels: The channels that matter.
        dropped: Importance of the channels that do not.
        pair_distances: Distances of a sample of pairs, for the report [length].
        pair_messages: Radial message (or length of the message) at those pairs.
    """

    channels: tuple[Channel, ...]
    dropped: dict[str, float]
    pair_distances: Samples
    pair_messages: Samples


# Name, variables, inputs and values of a channel; plain arrays, since channels differ in their number of samples.
Drawn = tuple[str, tuple[str, ...], np.ndarray, np.ndarray]


def message_table(drawn: list[Drawn], importance: dict[str, float]) -> MessageTable:
    """Keep the channels that matter.

    Args:
        drawn: Name, variables, inputs and values of every channel.
        importance: Error without each channel over the error with all.

    Returns:
        The table.
    """
    channels, dropped = [], {}
    for name, variables, inputs, values in drawn:
        if importance[name] < MATTERS:
            dropped[name] = importance[name]
            continue
        kept = trimmed(values)
        channels.append(
            Channel(
                name=name,
                variables=variables,
                inputs=inputs[kept].astype(float),
                values=values[kept].astype(float),
                importance=importance[name],
            )
        )
    first = next((c for c in drawn if c[0] in ("radial", "message_x")), drawn[0])
    distance = first[2][:, first[1].index("r")] if "r" in first[1] else np.zeros(len(first[3]))
    return MessageTable(
        channels=tuple(channels),
        dropped=dropped,
        pair_distances=distance,
        pair_messages=np.asarray(first[3], dtype=float),
    )


def trimmed(values: Samples) -> Bool[np.ndarray, " samples"]:
    """Which samples are kept: all but the largest values and the undefined.

    Args:
        values: One value a sample.

    Returns:
        True for those that a search sees.
    """
    finite = np.isfinite(values)
    size = np.abs(np.where(finite, values, 0.0))
    return finite & (size <= np.quantile(size[finite], 1.0 - TRIM)) if finite.any() else finite
