"""The graphs of a study: which pairs act, what is divided into parts, and what is held out of all of them."""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from limbeck._errors import InputError
from limbeck.artefacts import finite
from limbeck.graphs import GraphDataset, connect, parse_hold_out
from limbeck.trajectories import Trajectories, check_attribute_name, objects_return, with_attribute

from ._study import Study


def connected(trajectories: Trajectories, study: Study) -> GraphDataset:
    """Build the graphs of trajectories as a study asks for them.

    Args:
        trajectories: The states; motion without any acceleration is refused a law later, not here.
        study: Its seed divides them, its region is held out, and its learned properties get a column.

    Returns:
        The dataset that every later stage works on.

    Raises:
        InputError: If biases, properties or the region do not go with the data, a batch is too large, or the source of
            the data holds what no result can.
    """
    trajectories = _with_plain_source(trajectories)
    study.bias_plan(trajectories.dim)
    for name in trajectories.attributes:  # those of a file were looked at when it was read
        check_attribute_name(name, "the trajectories")
    for name in study.learned_names:
        trajectories = with_attribute(trajectories, name, None)
    # What is learned of a particle must be held against other times of the same particle.
    by_time = bool(study.learned_names) and not objects_return(trajectories)
    hold_out = parse_hold_out(study.hold_out) if study.hold_out else None
    dataset = connect(trajectories, seed=study.seed, by_time=by_time, hold_out=hold_out)
    study.check_pairs(len(dataset.pairs.first))
    return dataset


def _with_plain_source(trajectories: Trajectories) -> Trajectories:
    """Trajectories whose source can be written into a result: data from memory may name paths and NumPy's numbers."""
    try:
        json.dumps(trajectories.source, allow_nan=False)
    except (TypeError, ValueError):
        return replace(trajectories, source=_plain(trajectories.source, "source"))
    return trajectories


def _plain(value: Any, name: str) -> Any:
    """A value as strict JSON has it."""
    if isinstance(value, Mapping):
        return {str(key): _plain(inner, f"{name}[{key!r}]") for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(inner, f"{name}[{k}]") for k, inner in enumerate(value)]
    if isinstance(value, np.ndarray | np.generic):
        return _plain(value.tolist(), name)
    if isinstance(value, os.PathLike):
        return os.fspath(value)
    if isinstance(value, float):
        return finite(value)
    if value is None or isinstance(value, str | int):
        return value
    raise InputError(
        f"the trajectories' {name} is a {type(value).__name__}, which result.json can't hold: give text or numbers"
    )
