"""The main job: from trajectories to a verified law, in one folder.

Every stage leaves a checkpoint; the result is written last, so that a folder with
a result is whole. A run that is taken up again goes through the same stages, each
from its checkpoint, and so ends with the same law.
"""

import hashlib
import math
import time
from collections.abc import Mapping
from dataclasses import asdict, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from limbeck._errors import InputError
from limbeck._threads import one_blas_thread
from limbeck.compose import OwnOrigin, noise_effect
from limbeck.config import from_toml, to_toml
from limbeck.graphs import GraphDataset
from limbeck.track import check_trackers, tracked
from limbeck.trajectories import Trajectories, content_hash

from ._attempts import attempts_along, chosen_among
from ._dataset import connected
from ._folder import (
    STUDY,
    Journal,
    Listener,
    check_folder,
    check_inputs,
    claim,
    finished_result,
    is_run,
    kind_of,
    taken_up,
)
from ._outcome import conclude
from ._run import Run
from ._study import Study, trajectories_of

# Checks, comparison with the truth, rollout and page come after the last search, whatever time is left for them.
CLOSING_SECONDS, CLOSING_SHARE = 30.0, 0.4  # kept back from the time limit, at most the share of it


@one_blas_thread
def run_study(
    study: Study,
    folder: Path,
    *,
    overwrite: bool = False,
    listener: Listener | None = None,
    trajectories: Trajectories | None = None,
) -> dict[str, Any]:
    """Run a study from the start.

    Args:
        study: What is asked for.
        folder: Where everything is written.
        overwrite: Whether an earlier run of limbeck there may be removed.
        listener: Told about progress.
        trajectories: The data, where they do not come from the study's own source.

    Returns:
        The content of `result.json`.

    Raises:
        InputError: If input, options or folder are wrong; nothing is written then.
    """
    started = time.monotonic()
    check_folder(folder, overwrite=overwrite, inputs=study.file.files)
    check_trackers(study.track)
    if study.is_simulated and trajectories is None:
        study.system.check()
        study.bias_plan(study.system.dim)
    else:
        # A file is read and divided before the folder is touched, so that bad input leaves no trace.
        trajectories = trajectories_of(study, initial=trajectories)
    dataset = None if trajectories is None else connected(trajectories, study)
    study = replace(study, file=study.file.located())
    with (
        claim(folder, to_toml(study), overwrite=overwrite),
        tracked(study.track, folder, asdict(study), listener) as heard,
    ):
        return _run(study, folder, dataset, heard, started)


@one_blas_thread
def resume_study(
    folder: Path, *, listener: Listener | None = None, trajectories: Trajectories | None = None
) -> dict[str, Any]:
    """Go on with a run that was interrupted; a finished run only gives its result.

    Args:
        folder: The folder of the run.
        listener: Told about progress.
        trajectories: The data, where the run was given them by hand.

    Returns:
        The content of `result.json`.

    Raises:
        InputError: If the folder holds no run of limbeck, or another process is at work in it.
        ArtefactMismatch: If the data, the study or the version are not those that the run began with.
    """
    started = time.monotonic()
    if not is_run(folder) or not kind_of(folder):
        raise InputError(
            f"{folder} holds no run of limbeck to resume; start one with limbeck discover SOURCE --out {folder}"
        )
    finished = finished_result(folder, listener)
    if finished is not None:
        return finished
    study = from_toml((folder / STUDY).read_text(encoding="utf-8"), Study, str(folder / STUDY))
    check_trackers(study.track)
    with taken_up(folder), tracked(study.track, folder, asdict(study), listener) as heard:
        if trajectories is None and not study.is_simulated:
            trajectories = trajectories_of(study)
        dataset = None if trajectories is None else connected(trajectories, study)
        return _run(study, folder, dataset, heard, started)


def _run(
    study: Study, folder: Path, dataset: GraphDataset | None, listener: Listener | None, started: float
) -> dict[str, Any]:
    """Everything between data and result."""
    journal = Journal(folder, listener)
    deadline = work_ends(study.time_limit, started)
    run = Run(study=study, folder=folder, journal=journal, deadline=deadline)
    journal.note("run", "started", None)
    with run.timed("simulate" if study.is_simulated else "load"):
        dataset = connected(trajectories_of(study), study) if dataset is None else dataset
        run.fingerprint = check_fingerprint(run, dataset)
    if not study.is_simulated:  # a file was read before its folder was taken
        run.timings["load"] = time.monotonic() - started
    origin = OwnOrigin.of(dataset)
    dataset = origin.dataset(dataset)
    noise = noise_effect(dataset)
    attempts = attempts_along(run, dataset, noise)
    result = conclude(run, dataset, attempts, chosen_among(attempts), noise, origin=origin)
    journal.note("run", "finished", result["verdict"])
    return result


def work_ends(time_limit: float, started: float) -> float:
    """Time at which training and search must end, so that what follows has its share of the limit.

    Args:
        time_limit: Seconds for the whole run; 0 is none.
        started: When it began.

    Returns:
        A time of the same clock; infinite without a limit.
    """
    if not time_limit:
        return math.inf
    return started + time_limit - min(CLOSING_SHARE * time_limit, CLOSING_SECONDS)


def check_fingerprint(run: Run, dataset: GraphDataset, more: Mapping[str, str] = MappingProxyType({})) -> str:
    """Hash of the data; a resumed run must see the same data and the same study.

    Args:
        run: The run; it keeps both hashes when it starts.
        dataset: Its data.
        more: What else must be the same, by a name for the message.

    Returns:
        The hash of the data.

    Raises:
        ArtefactMismatch: If any of it changed since the run was started.
    """
    study = to_toml(replace(run.study, time_limit=0.0, track=()))  # neither changes what a stage means
    if not run.study.hold_out:
        study = study.replace('hold_out = ""\n', "", 1)  # runs that were started before there was such an option
    study = study.replace('per = ""\n', "", 1)  # nor was there this one
    data = content_hash(dataset.trajectories)
    check_inputs(run.folder, {"data": data, "study": hashlib.sha256(study.encode()).hexdigest(), **more})
    return data
