"""The learning of a property that nobody measured, taken from its checkpoint where there is one."""

from dataclasses import asdict

import numpy as np

from limbeck._errors import ArtefactDamaged
from limbeck.artefacts import finite, load_record, save_record
from limbeck.graphs import GraphDataset
from limbeck.train import LearnedProperty, Reading, learn_property

from ._run import LEARN_STAGE, Run

CHECKPOINT = "property.json"


def learned_property(run: Run, dataset: GraphDataset) -> LearnedProperty:
    """Learn the property that the study asks for, or read what was learned.

    Args:
        run: The run.
        dataset: The graphs, without the property.

    Returns:
        The property with the force beside it.
    """
    path = run.checkpoint(CHECKPOINT)
    header = {"fingerprint": run.fingerprint, "name": run.study.learn, "seed": run.study.seed}
    if path.exists():
        try:
            found, stored = load_record(path)
        except ArtefactDamaged as error:
            run.journal.note("train", "damaged", str(error))  # learning anew gives the same property
        else:
            if found == header:
                return _read(stored)

    def told(reading: str, error: float) -> None:
        run.journal.note("train", "reading", {"reading": reading, "error": finite(error)})

    learned = learn_property(dataset, run.study.learn, key=run.key(LEARN_STAGE), told=told)
    save_record(path, header, _storable(learned))
    return learned


def _storable(learned: LearnedProperty) -> dict[str, object]:
    """The property as plain numbers and text."""
    arrays = {name: getattr(learned, name).tolist() for name in ("values", "distances", "forces")}
    return {"name": learned.name, "reading": asdict(learned.reading), "error": learned.error, **arrays}


def _read(stored: dict[str, object]) -> LearnedProperty:
    """The property as it was stored."""
    return LearnedProperty(
        name=str(stored["name"]),
        reading=Reading(**stored["reading"]),  # type: ignore[arg-type]
        error=float(stored["error"]),  # type: ignore[arg-type]
        **{name: np.array(stored[name], dtype=float) for name in ("values", "distances", "forces")},
    )
