"""Accelerations under the law of a finished run, for states in a file."""

from pathlib import Path
from typing import Any

import numpy as np

from limbeck._discovery import load
from limbeck._errors import InputError
from limbeck.compose import law_accelerations
from limbeck.graphs import GraphDataset, pair_list
from limbeck.trajectories import load_trajectories


def predict_table(folder: Path, data: Path) -> tuple[Any, str]:
    """Predict accelerations for every state in a file.

    Args:
        folder: Folder of a finished run.
        data: A table or NetCDF file in the contract's format.

    Returns:
        A data frame with simulation, time, particle and the predicted accelerations, and a
        sentence about their error where the file has accelerations.

    Raises:
        InputError: If the run has no law, or the file lacks an attribute or has another dimension.
    """
    import pandas as pd

    found = load(folder)
    if found.law is None:
        raise InputError(f"the run in {folder} has no law to predict with: {'; '.join(found.reasons)}")
    law, t = found.law, load_trajectories(data, allow_gaps=True)
    if t.dim != law.composed.dim:
        raise InputError(f"the law is for {law.composed.dim} dimensions; {data} has {t.dim}")
    missing = [name for name in law.attribute_names if name not in t.attributes]
    if missing:
        raise InputError(f"{data} lacks the attribute {', '.join(missing)} of the run's data")
    system, time = np.nonzero(t.present.any(axis=2))
    rows = np.stack([system, time], axis=1)
    dataset = _whole(t, law.attribute_names)
    batch = dataset.batch(rows)
    predicted = law_accelerations(
        law.composed, batch, dataset.pairs.first, dataset.pairs.second, law.attribute_names, np
    )
    here = t.present[system, time]
    sample, node = np.nonzero(here)
    columns: dict[str, Any] = {
        "simulation": [t.system_names[s] for s in system[sample]],
        "time": t.times[system, time][sample],
        "particle": [t.particle_names[s][n] for s, n in zip(system[sample], node, strict=True)],
    }
    for k in range(t.dim):
        columns[f"a{'xyz'[k]}"] = predicted[sample, node, k]
    return pd.DataFrame(columns), _summary(predicted, batch)


def _whole(trajectories: Any, names: tuple[str, ...]) -> GraphDataset:
    """All snapshots as graphs, not divided into parts."""
    none = np.zeros((0, 2), dtype=int)
    return GraphDataset(
        trajectories=trajectories,
        pairs=pair_list(trajectories),
        attribute_names=names,
        constant_attributes={},
        train=none,
        validation=none,
        test=none,
        extrapolation=none,
        reach=np.inf,
        split_rule="not divided",
    )


def _summary(predicted: np.ndarray, batch: Any) -> str:
    """The error against the accelerations in the file, in a sentence."""
    from limbeck.train import relative_errors

    if not batch.targeted().any():
        return "no accelerations to compare with"
    errors = relative_errors(predicted, batch)
    middle, tail = np.quantile(errors, [0.5, 0.9])
    return f"relative error against the file's accelerations: median {middle:.3g}, 90th percentile {tail:.3g}"
