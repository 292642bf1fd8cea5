"""A training of published message networks in a folder of its own: data in, networks and their messages out.

The result is written last, so that a folder with a result is whole; a training that was
interrupted goes on from its last checkpoint to the same networks.
"""

import hashlib
import math
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np

from limbeck._errors import ArtefactDamaged, InputError
from limbeck._threads import one_blas_thread
from limbeck.artefacts import SCHEMA, finite, load_arrays, save_arrays, to_json, write_whole
from limbeck.compose import generalisation
from limbeck.config import from_toml, to_toml
from limbeck.graphs import GraphDataset
from limbeck.models import HamiltonianConfig, MessageConfig, check_conservative
from limbeck.track import check_trackers, tracked
from limbeck.train import TrainedMessages, TrainState, train_members
from limbeck.trajectories import Trajectories, content_hash

from ._dataset import connected
from ._folder import (
    CHECKPOINTS,
    RESULT,
    STUDY,
    Journal,
    Listener,
    check_folder,
    check_inputs,
    claim,
    finished_result,
    taken_up,
)
from ._generalisation_fields import generalisation_fields
from ._messages import MessageMembers, write_messages
from ._result import versions
from ._study import trajectories_of
from ._train_study import KIND, TrainStudy

CHECKPOINT_SECONDS = 5.0
STATE, NETWORKS = "train.limbeck", "networks.limbeck"


@one_blas_thread
def run_training(
    study: TrainStudy,
    folder: Path,
    *,
    overwrite: bool = False,
    listener: Listener | None = None,
    trajectories: Trajectories | None = None,
) -> dict[str, Any]:
    """Train published message networks from the start, and read their messages.

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
    if study.system.name and trajectories is None:
        study.system.check()
        if study.is_hamiltonian:
            check_conservative(study.truth())
        dataset = None
    else:
        dataset = connected(trajectories_of(study.data, initial=trajectories), study.data)
    study = replace(study, file=study.file.located())
    with (
        claim(folder, to_toml(study), overwrite=overwrite),
        tracked(study.track, folder, asdict(study), listener) as heard,
    ):
        return _run(study, folder, dataset, heard, started)


@one_blas_thread
def resume_training(
    folder: Path, *, listener: Listener | None = None, trajectories: Trajectories | None = None
) -> dict[str, Any]:
    """Go on with a training that was interrupted; a finished one only gives its result.

    Args:
        folder: The folder of the training.
        listener: Told about progress.
        trajectories: The data, where the training was given them by hand.

    Returns:
        The content of `result.json`.

    Raises:
        InputError: If another process is at work in the folder, or the data are gone or wrong.
        ArtefactMismatch: If the data, the study or the version are not those that the training began with.
    """
    started = time.monotonic()
    finished = finished_result(folder, listener)
    if finished is not None:
        return finished
    study = from_toml((folder / STUDY).read_text(encoding="utf-8"), TrainStudy, str(folder / STUDY))
    check_trackers(study.track)
    with taken_up(folder), tracked(study.track, folder, asdict(study), listener) as heard:
        dataset = None
        if trajectories is not None or not study.system.name:
            dataset = connected(trajectories_of(study.data, initial=trajectories), study.data)
        return _run(study, folder, dataset, heard, started)


def _run(
    study: TrainStudy, folder: Path, dataset: GraphDataset | None, listener: Listener | None, started: float
) -> dict[str, Any]:
    """Everything between data and result."""
    journal, timings = Journal(folder, listener), {}
    journal.note("run", "started", None)

    def timed(stage: str, work: Callable[[], Any]) -> Any:
        journal.note(stage, "started", None)
        before = time.monotonic()
        done = work()
        timings[stage] = round(time.monotonic() - before, 3)
        journal.note(stage, "finished", timings[stage])
        return done

    made = dataset or timed("simulate", lambda: connected(trajectories_of(study.data), study.data))
    digest = hashlib.sha256(to_toml(replace(study, time_limit=0.0, track=())).encode()).hexdigest()
    header = {"fingerprint": content_hash(made.trajectories), "seed": study.seed}
    check_inputs(folder, {"data": header["fingerprint"], "study": digest})
    deadline = started + study.time_limit if study.time_limit else math.inf
    trained: TrainedMessages = timed("train", lambda: _trained(study, folder, made, header, journal, deadline))
    save_arrays(folder / CHECKPOINTS / NETWORKS, header, eqx.filter(trained.models, eqx.is_array))
    result = _result(study, made, trained, timings)
    networks = tuple(trained.member(number) for number in range(len(trained.penalties)))
    members = MessageMembers.of(networks, trained.penalties, study.seeds, study.third_law)
    result["messages"] = timed("read", lambda: write_messages(folder, members, made, study.truth()))
    write_whole(folder / RESULT, to_json(result))
    journal.note("run", "finished", trained.status)
    return result


def _trained(
    study: TrainStudy, folder: Path, dataset: GraphDataset, header: dict[str, Any], journal: Journal, deadline: float
) -> TrainedMessages:
    """Train, from the checkpoint where there is one."""
    trainer = study.trainer(dataset)
    path, saved = folder / CHECKPOINTS / STATE, time.monotonic()

    def progress(state: TrainState, n_chunks: int) -> bool:
        nonlocal saved
        now, last = time.monotonic(), state.chunk == n_chunks
        if last or now - saved > CHECKPOINT_SECONDS:
            save_arrays(path, header, _storable(state))
            saved = now
        best, loss = float(np.nanmin(state.errors)), float(np.nanmin(state.losses[state.chunk - 1]))
        figures = {"done": state.chunk, "of": n_chunks, "loss": finite(loss), "error": finite(best)}
        journal.note("train", "progress", figures)
        return last or now < deadline

    resume = None
    if path.exists():
        try:
            state = load_arrays(path, header, _storable(trainer.start()))
            resume = state._replace(chunk=int(state.chunk))
        except ArtefactDamaged as error:
            journal.note("train", "damaged", str(error))  # training anew gives the same networks
    return train_members(trainer, study.penalties_of_members, resume=resume, progress=progress)


def _storable(state: TrainState) -> TrainState:
    """The arrays of a state, its counter included."""
    return state._replace(chunk=np.asarray(state.chunk))  # type: ignore[arg-type]


def trained_members(folder: Path) -> tuple[MessageMembers, GraphDataset, TrainStudy]:
    """The networks of a finished training, their data and their study.

    Args:
        folder: Folder of the training.

    Returns:
        Networks, data and study.

    Raises:
        InputError: If the data were given in memory, or are gone.
        ArtefactMismatch: If the data changed since.
    """
    study = from_toml((folder / STUDY).read_text(encoding="utf-8"), TrainStudy, str(folder / STUDY))
    dataset = connected(trajectories_of(study.data), study.data)
    trainer = study.trainer(dataset)
    header = {"fingerprint": content_hash(dataset.trajectories), "seed": study.seed}
    try:
        arrays = load_arrays(folder / CHECKPOINTS / NETWORKS, header, trainer.initial)
    except OSError as error:
        raise InputError(f"the networks of {folder} are gone: {error}") from error
    networks = tuple(trainer.member(arrays, number) for number in range(trainer.members))
    penalties = tuple(np.repeat(study.penalties_of_members, study.seeds).tolist())
    return MessageMembers.of(networks, penalties, study.seeds, study.third_law), dataset, study


def networks_digest(folder: Path) -> str:
    """Hash of the networks of a finished training, which another training in the same folder would not have.

    Args:
        folder: Folder of the training.

    Returns:
        It.
    """
    return hashlib.sha256((folder / CHECKPOINTS / NETWORKS).read_bytes()).hexdigest()


def _form(study: TrainStudy) -> MessageConfig | HamiltonianConfig:
    """The form of the networks, whatever their kind."""
    return study.hamiltonian() if study.is_hamiltonian else study.form()


def _result(
    study: TrainStudy, dataset: GraphDataset, trained: TrainedMessages, timings: dict[str, float]
) -> dict[str, Any]:
    """What is known before the messages are read."""
    batch = dataset.batch(dataset.test[:: max(1, len(dataset.test) // 2_000)])
    there = batch.targeted()
    missed = np.abs(trained.accelerations(batch) - batch.targets)[there]
    recipe, form = study.recipe(dataset.trajectories.n_nodes), _form(study)
    return {
        "schema": SCHEMA,
        "kind": KIND,
        "status": trained.status,
        "source": study.system.name or study.file.path,
        "model": {
            "size": study.model,
            "preset": study.preset,
            "message_dim": int(trained.kept[0, 0]),
            "translation": trained.model.translation,
            "third_law": study.third_law,
            "features": trained.model.features,
            "width": form.width,
        },
        "recipe": {
            "steps": trained.steps,
            "batch_size": recipe.batch_size,
            "learning_rate": recipe.learning_rate,
            "penalties": list(trained.penalties),
            "penalty_scale": recipe.penalty_scale,
        },
        "validation_error": finite(trained.validation_error),
        "validation_errors": [finite(float(error)) for error in trained.member_errors],
        "test_loss": {
            "value": finite(float(missed.sum(axis=-1).mean())),
            "meaning": "sum over components of |error of a|, mean over particles of held-out simulations",
        },
        "hold_out": generalisation_fields(generalisation(None, trained, dataset)),
        "kept": [int(kept) for kept in trained.kept[-1]],
        "dimensions": list(trained.dimensions),
        "seed": study.seed,
        "seeds": study.seeds,
        "timings": timings,
        "versions": versions(),
    }
