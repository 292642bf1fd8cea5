"""From a trained published network to one law with its verdict, in a folder of its own.

The network is read as forces, an inertia and one-body terms; from there on the way is that of a discovery:
the same searches, composition, checks and files.
"""

import time
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from limbeck._errors import ArtefactMismatch, InputError
from limbeck._threads import one_blas_thread
from limbeck.analyse import ForceReading, read_forces, self_energy_channel
from limbeck.artefacts import finite
from limbeck.compose import noise_effect
from limbeck.config import from_toml, to_toml
from limbeck.expressions import to_string
from limbeck.graphs import GraphDataset, parse_hold_out
from limbeck.models import Biases, ForceNetwork, HamiltonianNetwork, MessageNetwork
from limbeck.track import check_trackers, tracked
from limbeck.train import TrainedModel, pair_index, validation_error

from ._attempts import UNUSABLE, Attempt, distilled
from ._dataset import connected
from ._discover import check_fingerprint, work_ends
from ._distil_stage import distil_once
from ._distil_study import BEST, DistilStudy
from ._folder import STUDY, Journal, Listener, check_folder, claim, finished_result, kind_of, taken_up
from ._outcome import conclude
from ._run import Run
from ._train_run import networks_digest, trained_members
from ._train_study import KIND as TRAINING, TrainStudy

LARGEST_MISS = 0.1  # of the standard deviation of a self energy: beyond, an equation does not say what it is


class _Source(NamedTuple):
    """A trained network with its data."""

    trained: TrainedModel
    dataset: GraphDataset
    study: TrainStudy
    member: int
    reading: ForceReading
    digest: str  # of all networks of the training

    @property
    def hold_out(self) -> str:
        """The region that is held out of its data; empty for none."""
        region = self.dataset.hold_out
        return "" if region is None else str(region)


@one_blas_thread
def run_distillation(
    study: DistilStudy, folder: Path, *, overwrite: bool = False, listener: Listener | None = None
) -> dict[str, Any]:
    """Distil a trained network into a law, from the start.

    Args:
        study: What is asked for; data and system are taken from the training.
        folder: Where everything is written.
        overwrite: Whether an earlier run of limbeck there may be removed.
        listener: Told about progress.

    Returns:
        The content of `result.json`.

    Raises:
        InputError: If the training, options or folder are wrong; nothing is written then.
    """
    started = time.monotonic()
    check_folder(folder, overwrite=overwrite)
    check_trackers(study.track)
    training = Path(study.training)
    if folder.resolve() in (training.resolve(), *training.resolve().parents):
        raise InputError(f"{folder} holds the training itself; choose another folder for the law")
    source = _read(study)  # which tells what is read besides
    check_folder(folder, overwrite=overwrite, inputs=source.study.file.files)
    # Where the training lies must still be true for whoever resumes from elsewhere.
    study = replace(
        study,
        training=str(training.resolve()),
        member=source.member,
        system=source.study.system,
        file=source.study.file.located(),
        hold_out=source.hold_out,
    )
    with (
        claim(folder, to_toml(study), overwrite=overwrite),
        tracked(study.track, folder, asdict(study), listener) as heard,
    ):
        return _run(study, folder, source, heard, started)


@one_blas_thread
def resume_distillation(folder: Path, *, listener: Listener | None = None) -> dict[str, Any]:
    """Go on with a distillation that was interrupted; a finished one only gives its result.

    Args:
        folder: The folder of the run.
        listener: Told about progress.

    Returns:
        The content of `result.json`.

    Raises:
        InputError: If another process is at work in the folder, or the training is gone or wrong.
        ArtefactMismatch: If data, study or network are not those that the run began with.
    """
    started = time.monotonic()
    finished = finished_result(folder, listener)
    if finished is not None:
        return finished
    study = from_toml((folder / STUDY).read_text(encoding="utf-8"), DistilStudy, str(folder / STUDY))
    check_trackers(study.track)
    with taken_up(folder), tracked(study.track, folder, asdict(study), listener) as heard:
        return _run(study, folder, _read(study), heard, started)


def _read(study: DistilStudy) -> _Source:
    """The network that is asked for, read as forces; whatever is wrong with its folder is wrong input."""
    folder = Path(study.training)
    kind = kind_of(folder)
    if kind != TRAINING:
        what = f"a {kind}, not a training" if kind else "no run of limbeck"
        raise InputError(f"{folder} holds {what}: make one with limbeck train")
    try:
        if finished_result(folder) is None:
            raise InputError(f"the training in {folder} is not finished; go on with limbeck resume {folder}")
        members, dataset, training = trained_members(folder)
    except ArtefactMismatch as error:
        raise InputError(f"the training in {folder} can't be used: {error}") from error
    if study.member >= len(members.networks):
        raise InputError(f"{folder} holds {len(members.networks)} networks, from 0; there is no number {study.member}")
    dataset = _without_region(dataset, training, study.hold_out)
    errors = [validation_error(network, dataset) for network in members.networks]
    member = int(np.argmin(errors)) if study.member == BEST else study.member
    network = members.networks[member]
    reading = read_forces(network, pair_index(dataset), dataset, seed=study.seed)
    trained = _as_trained(network, reading, dataset, errors[member])
    return _Source(trained, dataset, training, member, reading, networks_digest(folder))


def _without_region(dataset: GraphDataset, training: TrainStudy, hold_out: str) -> GraphDataset:
    """The data of a training without a region that no equation may see, though the network did."""
    if not hold_out or (training.hold_out and parse_hold_out(hold_out) == dataset.hold_out):
        return dataset
    if training.hold_out:
        raise InputError(
            f"--hold-out {hold_out}: the training held {training.hold_out} out, and two regions can't be joined; leave "
            "--hold-out away to keep the training's"
        )
    return connected(dataset.trajectories, replace(training.data, hold_out=hold_out))


def _as_trained(
    network: MessageNetwork | HamiltonianNetwork, reading: ForceReading, dataset: GraphDataset, error: float
) -> TrainedModel:
    """The network as the stages of a discovery take one; as it is where no force can be read from it."""
    unread = ForceNetwork(network=network, to_force=np.zeros((1, 1)), offset=np.zeros(1), biases=Biases())
    return TrainedModel(
        model=reading.network or unread,
        pairs=pair_index(dataset),
        validation_error=error,
        errors=np.array([[error]]),
        losses=np.array([[np.nan]]),
        steps=0,
        status="trained before",
    )


def _run(
    study: DistilStudy, folder: Path, source: _Source, listener: Listener | None, started: float
) -> dict[str, Any]:
    """Everything between network and result."""
    journal = Journal(folder, listener)
    deadline = work_ends(study.time_limit, started)
    run = Run(study=study.data, folder=folder, journal=journal, deadline=deadline)
    run.timings["load"] = time.monotonic() - started
    journal.note("run", "started", None)
    dataset, trained, reading = source.dataset, source.trained, source.reading
    run.fingerprint = check_fingerprint(run, dataset, {"training": source.digest, "network": str(source.member)})
    origin = _origin(study, source)
    journal.note("read", "forces", {"along": origin["along"], "second_law": origin["second_law"]})
    noise = noise_effect(dataset)
    # A network that predicts nothing is reason enough; what its messages look like then says nothing.
    reason = reading.reason if trained.validation_error < UNUSABLE else ""
    attempt = Attempt(biases=trained.model.biases, trained=trained, step=0, reason=reason)
    if not reason and trained.validation_error < UNUSABLE:
        attempt = distilled(run, dataset, attempt, noise)
    own = None if reason or run.is_over() else _self_energy(run, source)
    result = conclude(run, dataset, [attempt], attempt, noise, more={"network": origin | {"self_energy": own}})
    journal.note("run", "finished", result["verdict"])
    return result


def _self_energy(run: Run, source: _Source) -> dict[str, Any] | None:
    """The energy of motion of a Hamiltonian network as an equation; None for other networks, or where none fits."""
    network = getattr(source.trained.model, "network", None)
    if not isinstance(network, HamiltonianNetwork):
        return None
    channel = self_energy_channel(network, source.dataset, seed=run.study.seed)
    if not np.ptp(channel.values) > 0:
        return None
    with run.timed("regress"):
        best = distil_once(run, channel, source.dataset, "halls_self_energy.json").hopeful[0]
    if best.heldout_loss > LARGEST_MISS:
        return None
    return {
        "equation": to_string(best.expression),
        "complexity": best.complexity,
        "heldout_loss": finite(best.heldout_loss),
    }


def _origin(study: DistilStudy, source: _Source) -> dict[str, Any]:
    """What the law was distilled from, for `result.json`."""
    network, reading = source.reading.network, source.reading
    to_force = None if network is None else np.asarray(network.to_force, dtype=float).tolist()
    return {
        "training": study.training,
        "model": source.study.model,
        "member": source.member,
        "validation_error": finite(source.trained.validation_error),
        "hold_out": source.study.hold_out or None,
        "along": finite(reading.along),
        "second_law": finite(reading.second_law),
        "to_force": to_force,
    }
