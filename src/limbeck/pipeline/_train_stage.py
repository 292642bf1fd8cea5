"""The training of one step of relaxation, taken from its checkpoint where there is one."""

import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import equinox as eqx
import numpy as np

from limbeck._errors import ArtefactDamaged, TrainingDiverged
from limbeck.artefacts import load_arrays, save_arrays
from limbeck.graphs import GraphDataset
from limbeck.models import Biases
from limbeck.report import TrainingStage
from limbeck.train import TrainConfig, TrainedModel, TrainState, fit, initial_state

from ._run import NETWORK, TRAIN_STAGE, Run
from ._study import Study

CHECKPOINT_SECONDS = 2.0
CALMER = (1.0, 0.25, 0.0625)  # parts of the learning rate at which a training that diverges is repeated
TRAINING_SHARE = 0.6  # of what is left of the time limit


def train_step(run: Run, dataset: GraphDataset, biases: Biases, step: int, goal: float) -> TrainedModel:
    """Train the network of one step of relaxation, or take up where its checkpoint stands.

    Args:
        run: The run.
        dataset: The graphs.
        biases: What the network assumes.
        step: Number of the step.
        goal: Error at which the step counts as good.

    Returns:
        The trained network; its status says so where it diverged and was trained anew at a lower learning rate.

    Raises:
        TrainingDiverged: If it diverges at every rate.
    """
    config = run.study.train
    for part in CALMER[:-1]:
        try:
            return _told(_trained(run, dataset, biases, step, goal, part), part, config)
        except TrainingDiverged as error:
            run.journal.note("train", "diverged", str(error))
    return _told(_trained(run, dataset, biases, step, goal, CALMER[-1]), CALMER[-1], config)


def _told(trained: TrainedModel, part: float, config: TrainConfig) -> TrainedModel:
    """A network whose status says so where it was trained anew at a lower rate."""
    if part == 1.0:
        return trained
    rate = part * config.learning_rate
    return replace(trained, status=f"{trained.status}, at a learning rate of {rate:g} after it had diverged")


def _trained(run: Run, dataset: GraphDataset, biases: Biases, step: int, goal: float, part: float) -> TrainedModel:
    """Train at a part of the learning rate, from the checkpoint where there is one."""
    config = replace(run.study.train, learning_rate=part * run.study.train.learning_rate)
    header = {"fingerprint": run.fingerprint, "step": step, "biases": list(biases.names), "seed": run.study.seed}
    anew = "" if part == 1.0 else f"_calmer_{CALMER.index(part)}"
    path = run.checkpoint(f"train_{step}{anew}.limbeck")
    started = saved = time.monotonic()
    ends = started + TRAINING_SHARE * run.remaining()

    def progress(state: TrainState, n_chunks: int) -> bool:
        nonlocal saved
        now = time.monotonic()
        last = state.chunk == n_chunks
        if last or now - saved > CHECKPOINT_SECONDS:
            save_arrays(path, header, _storable(state))
            saved = now
        best = float(np.nanmin(state.errors))
        loss = float(np.nanmin(state.losses[state.chunk - 1]))
        run.journal.note(
            "train",
            "progress",
            {"step": step, "done": state.chunk, "of": n_chunks, "loss": _short(loss), "error": _short(best)},
        )
        if now > ends and not last:
            run.strike()
            return False
        return True

    resume = _stored_state(path, header, dataset, biases, run, config)
    return fit(
        dataset,
        biases,
        run.study.model,
        config,
        goal=goal,
        resume=resume,
        progress=progress,
        key=run.key(TRAIN_STAGE, step),
    )


def _short(value: float) -> float | None:
    """A number for the journal."""
    return float(f"{value:.4g}") if np.isfinite(value) else None


def _storable(state: TrainState) -> Any:
    """The arrays of a state, its counter included."""
    return state._replace(chunk=np.asarray(state.chunk))  # type: ignore[arg-type]


def _stored_state(
    path: Path, header: Mapping[str, Any], dataset: GraphDataset, biases: Biases, run: Run, config: TrainConfig
) -> TrainState | None:
    """The state of an earlier process, if there is one."""
    if not path.exists():
        return None
    step = int(header["step"])
    like = initial_state(dataset, biases, run.study.model, config, key=run.key(TRAIN_STAGE, step))
    try:
        state = load_arrays(path, header, _storable(like))
    except ArtefactDamaged as error:
        run.journal.note("train", "damaged", str(error))  # training anew gives the same network
        return None
    return state._replace(chunk=int(state.chunk))


def training_stage(trained: TrainedModel, study: Study) -> TrainingStage:
    """What the report shows of a training.

    Args:
        trained: The network.
        study: Its settings.

    Returns:
        The curves and the error.
    """
    return TrainingStage(
        bias=trained.model.biases.names,
        steps_per_chunk=study.train.chunk,
        errors=trained.errors,
        losses=trained.losses,
        validation_error=trained.validation_error,
        status=trained.status,
    )


def save_network(run: Run, trained: TrainedModel, step: int) -> None:
    """Keep the chosen network, so that its messages can be read from the folder."""
    header = {"fingerprint": run.fingerprint, "biases": list(trained.model.biases.names), "step": step}
    save_arrays(run.checkpoint(NETWORK), header, eqx.filter(trained.model, eqx.is_array))
