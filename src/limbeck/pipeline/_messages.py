"""Read the messages of networks, and write what they say into a folder: `messages.json` and `messages.html`."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from limbeck.analyse import (
    MessageRecord,
    read_messages,
    reading_to_mapping,
    record_messages,
    summarise_seeds,
    summary_to_mapping,
)
from limbeck.artefacts import to_json, write_whole
from limbeck.graphs import GraphDataset
from limbeck.report import MessagesReport, render_messages
from limbeck.simulate import SystemDefinition

from ._true_force import pair_columns, true_force

MESSAGES, PAGE = "messages.json", "messages.html"
DRAWN = 2_000  # snapshots in the pictures
INERTIA = "m"  # attribute by which the built-in systems divide forces


@dataclass(frozen=True, kw_only=True, eq=False)
class MessageMembers:
    """Networks of one form whose messages are read side by side.

    Attributes:
        networks: The networks.
        labels: Name of each.
        third_law: Whether their messages are antisymmetric.
        facts: Name and value of what else the page says of them.
    """

    networks: tuple[Any, ...]
    labels: tuple[str, ...]
    third_law: bool
    facts: tuple[tuple[str, str], ...] = field(default=())

    @classmethod
    def of(
        cls, networks: tuple[Any, ...], penalties: tuple[float, ...], seeds: int, third_law: bool
    ) -> "MessageMembers":
        """Name networks by seed, and by penalty where there are several."""
        several = len(set(penalties)) > 1
        labels = tuple(
            f"seed {number % seeds}" + (f", penalty {penalties[number]:g}" if several else "")
            for number in range(len(networks))
        )
        return cls(networks=networks, labels=labels, third_law=third_law)


def write_messages(
    folder: Path, members: MessageMembers, dataset: GraphDataset, truth: SystemDefinition | None
) -> dict[str, Any]:
    """Read the messages of networks on held-out data, and write what they say.

    Args:
        folder: Where it is written.
        members: The networks.
        dataset: Their data.
        truth: The known law, or None; forces are compared with only where there is one.

    Returns:
        The content of `messages.json`.
    """
    inertia = INERTIA if truth is not None and INERTIA in dataset.trajectories.attributes else None
    force = true_force(truth, pair_columns(dataset))

    def recorded(network: Any, most: int | None) -> MessageRecord:
        return record_messages(network, dataset, true_force=force, inertia=inertia, most_snapshots=most)

    # One network at a time: a record of all held-out data is large, and pictures need but a part of it.
    readings = tuple(
        read_messages(recorded(network, None), third_law=members.third_law) for network in members.networks
    )
    records = tuple(recorded(network, DRAWN) for network in members.networks)
    content = {
        "networks": [
            {"label": label, **reading_to_mapping(reading)}
            for label, reading in zip(members.labels, readings, strict=True)
        ],
        "spread": summary_to_mapping(summarise_seeds(readings)),
        "force_known": force is not None,
    }
    report = MessagesReport(
        name=f"messages of {folder.name}",
        facts=members.facts,
        labels=members.labels,
        records=records,
        readings=readings,
    )
    write_whole(folder / PAGE, render_messages(report))
    write_whole(folder / MESSAGES, to_json(content))
    return content
