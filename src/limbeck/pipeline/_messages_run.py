"""`limbeck messages`: what the networks of a finished run say, whatever kind of run it is."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax

from limbeck._errors import InputError
from limbeck.artefacts import load_arrays, read_header
from limbeck.compose import OwnOrigin
from limbeck.config import from_toml
from limbeck.graphs import GraphDataset
from limbeck.models import GraphNetwork, build_model, measure_scales, parse_biases
from limbeck.simulate import SystemDefinition
from limbeck.trajectories import content_hash

from ._dataset import connected
from ._folder import CHECKPOINTS, STUDY, finished_result, hold, kind_of
from ._messages import MessageMembers, write_messages
from ._run import NETWORK
from ._study import Study, trajectories_of
from ._train_run import trained_members
from ._train_study import KIND as TRAINING


def read_run(folder: Path) -> dict[str, Any]:
    """Read the messages of a finished run's networks on held-out data; writes `messages.json` and `messages.html`.

    Args:
        folder: Folder of a run of `limbeck discover` or `limbeck train`.

    Returns:
        The content of `messages.json`.

    Raises:
        InputError: If the folder holds no finished run with networks, or its data were in memory or are gone.
        ArtefactMismatch: If the data changed since.
    """
    kind = kind_of(folder)
    if kind not in ("discovery", TRAINING):
        what = "no run of limbeck" if not kind else f"a {kind}, which has no networks"
        raise InputError(f"{folder} holds {what}: make one with limbeck train or limbeck discover")
    if finished_result(folder) is None:
        raise InputError(f"the run in {folder} is not finished; go on with limbeck resume {folder}")
    with hold(folder):
        if kind == TRAINING:
            members, dataset, study = trained_members(folder)
            return write_messages(folder, members, dataset, study.truth())
        return write_messages(folder, *_of_discovery(folder))


def _of_discovery(folder: Path) -> tuple[MessageMembers, GraphDataset, SystemDefinition | None]:
    """The network that a discovery kept."""
    path = folder / CHECKPOINTS / NETWORK
    if not path.exists():
        raise InputError(f"the run in {folder} kept no network: nothing accelerates in its data")
    study = from_toml((folder / STUDY).read_text(encoding="utf-8"), Study, str(folder / STUDY))
    if study.learned_names:
        raise InputError(
            f"the run in {folder} learned {', '.join(study.learned_names)}: its force is a table of the distance, and "
            "has no messages to read"
        )
    dataset = connected(trajectories_of(study), replace(study, learn=""))  # their columns are not kept
    data = content_hash(dataset.trajectories)
    dataset = OwnOrigin.of(dataset).dataset(dataset)
    header = read_header(path)
    biases = parse_biases(",".join(header["biases"]) or "none")
    key = jax.random.key(study.seed)
    model = build_model(biases, study.model, measure_scales(dataset), dim=dataset.trajectories.dim, key=key)
    arrays, static = eqx.partition(model, eqx.is_array)
    expected = {**header, "fingerprint": data}
    network: GraphNetwork = eqx.combine(load_arrays(path, expected, arrays), static)
    facts = (("biases", ", ".join(biases.names) or "none"),)
    return (
        MessageMembers(networks=(network,), labels=(f"seed {study.seed}",), third_law=biases.third_law, facts=facts),
        dataset,
        study.truth(),
    )
