"""The learning of properties that nobody measured, taken from its checkpoint where there is one."""

from dataclasses import asdict
from typing import Any

import numpy as np

from limbeck._errors import ArtefactDamaged
from limbeck.artefacts import finite, load_record, save_record
from limbeck.graphs import GraphDataset
from limbeck.train import Damping, LearnedProperties, Reading, learn_properties

from ._run import LEARN_STAGE, Run

CHECKPOINT = "property.json"


def learned_properties(run: Run, dataset: GraphDataset) -> LearnedProperties:
    """Learn the properties that the study asks for, or read what was learned.

    Args:
        run: The run.
        dataset: The graphs, without the properties.

    Returns:
        The properties with the force beside them.
    """
    path, names = run.checkpoint(CHECKPOINT), run.study.learned_names
    header = {"fingerprint": run.fingerprint, "name": ",".join(names), "seed": run.study.seed}
    if path.exists():
        try:
            found, stored = load_record(path)
        except ArtefactDamaged as error:
            run.journal.note("train", "damaged", str(error))  # learning anew gives the same properties
        else:
            if found == header:
                return _read(stored)

    def told(reading: str, error: float) -> None:
        run.journal.note("train", "reading", {"reading": reading, "error": finite(error)})

    learned = learn_properties(dataset, names, key=run.key(LEARN_STAGE), told=told)
    save_record(path, header, _storable(learned))
    return learned


def _storable(learned: LearnedProperties) -> dict[str, object]:
    """The properties as plain numbers and text."""
    return {
        "names": list(learned.names),
        "reading": asdict(learned.reading),
        "values": {name: values.tolist() for name, values in learned.values.items()},
        "distances": learned.distances.tolist(),
        "forces": learned.forces.tolist(),
        "damping": None if learned.damping is None else asdict(learned.damping),
        "error": learned.error,
    }


def _read(stored: dict[str, Any]) -> LearnedProperties:
    """The properties as they were stored."""
    damping = stored["damping"]
    return LearnedProperties(
        names=tuple(stored["names"]),
        reading=Reading(**stored["reading"]),
        values={name: np.array(values, dtype=float) for name, values in stored["values"].items()},
        distances=np.array(stored["distances"], dtype=float),
        forces=np.array(stored["forces"], dtype=float),
        damping=None if damping is None else Damping(**damping),
        error=float(stored["error"]),
    )
