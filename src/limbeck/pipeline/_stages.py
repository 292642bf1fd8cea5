"""The stages of a run in order, each taken from its checkpoint where there is one."""

import os
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from limbeck._errors import ArtefactDamaged, ArtefactMismatch, TrainingDiverged
from limbeck.analyse import Channel, MessageTable, collect_messages
from limbeck.artefacts import hall_from_mapping, hall_to_mapping, load_arrays, load_record, save_arrays, save_record
from limbeck.compose import ComposedLaw, compose_law
from limbeck.graphs import GraphDataset
from limbeck.models import Biases
from limbeck.regress import HallOfFame, Problem, search
from limbeck.report import TrainingStage
from limbeck.train import TrainConfig, TrainedModel, TrainState, fit

from ._folder import CHECKPOINTS, Journal
from ._study import Study

TRAIN_STAGE, SEARCH_STAGE = 1, 2  # stable numbers: the random streams of one stage do not move when another is added
CHECKPOINT_SECONDS = 2.0
CALMER = 0.25  # part of the learning rate at which a training that diverged is repeated
TRAINING_SHARE = 0.6  # of what is left of the time limit
CONDITIONAL = 1_000  # sets the seeds of conditional searches apart
CONDITIONS = (">", "IF")
SIDE_CHANNEL_SHARE = 0.3  # of the evaluations, for every channel but the main one


@dataclass(eq=False)
class Run:
    """A run on its way: what it is asked, where it writes, how long it may take.

    Attributes:
        study: What is asked.
        folder: Where it writes.
        journal: Its events.
        deadline: Time at which it must end; infinite without a limit.
        fingerprint: Hash of the data, so that no checkpoint is taken for another data set's.
        timings: Seconds by stage.
        budget_struck: Whether the time limit has ended something early.
    """

    study: Study
    folder: Path
    journal: Journal
    deadline: float
    fingerprint: str = ""
    timings: dict[str, float] = field(default_factory=dict)
    budget_struck: bool = False

    def is_over(self) -> bool:
        """Whether the time limit has struck; remembers it."""
        over = time.monotonic() > self.deadline
        self.budget_struck |= over
        return over

    def remaining(self) -> float:
        """Seconds that are left."""
        return max(0.0, self.deadline - time.monotonic())

    def checkpoint(self, name: str) -> Path:
        """Where a checkpoint lies."""
        return self.folder / CHECKPOINTS / name

    def timed(self, stage: str) -> "_Timer":
        """Measure a stage in a `with` block."""
        return _Timer(self, stage)

    def key(self, *numbers: int) -> Any:
        """The random key of a stage."""
        key = jax.random.key(self.study.seed)
        for number in numbers:
            key = jax.random.fold_in(key, number)
        return key


class _Timer:
    """Adds the time of a block to a run's timings and tells its journal."""

    def __init__(self, run: Run, stage: str) -> None:
        """Remember whose time it is."""
        self.run, self.stage, self.started = run, stage, 0.0

    def __enter__(self) -> None:
        """Start."""
        self.started = time.monotonic()
        self.run.journal.note(self.stage, "started", None)

    def __exit__(self, *_: object) -> None:
        """Stop."""
        seconds = time.monotonic() - self.started
        self.run.timings[self.stage] = self.run.timings.get(self.stage, 0.0) + seconds
        self.run.journal.note(self.stage, "finished", round(seconds, 3))


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
        TrainingDiverged: If it diverges at that rate too.
    """
    try:
        return _trained(run, dataset, biases, step, goal, run.study.train)
    except TrainingDiverged as error:
        run.journal.note("train", "diverged", str(error))
    rate = CALMER * run.study.train.learning_rate
    trained = _trained(run, dataset, biases, step, goal, replace(run.study.train, learning_rate=rate))
    return replace(trained, status=f"{trained.status}, at a learning rate of {rate:g} after it had diverged")


def _trained(
    run: Run, dataset: GraphDataset, biases: Biases, step: int, goal: float, config: TrainConfig
) -> TrainedModel:
    """Train with given settings, from the checkpoint where there is one."""
    header = {"fingerprint": run.fingerprint, "step": step, "biases": list(biases.names), "seed": run.study.seed}
    anew = "" if config == run.study.train else "_calmer"
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
            run.budget_struck = True
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
    from limbeck.train import initial_state

    step = int(header["step"])
    like = initial_state(dataset, biases, run.study.model, config, key=run.key(TRAIN_STAGE, step))
    try:
        state = load_arrays(path, header, _storable(like))
    except ArtefactDamaged as error:
        run.journal.note("train", "damaged", str(error))  # training anew gives the same network
        return None
    return state._replace(chunk=int(state.chunk))


def distil(
    run: Run, trained: TrainedModel, dataset: GraphDataset, step: int, numbers: Sequence[int] = (0, 1)
) -> tuple[MessageTable, list[dict[str, HallOfFame]]]:
    """Search equations for every channel of a network, several times and independently.

    Args:
        run: The run.
        trained: The network.
        dataset: Its data.
        step: Number of the step of relaxation.
        numbers: Which searches; each number stands for other samples and another seed.

    Returns:
        The messages of the first of them, and the halls of fame of each by channel.
    """
    seeds = [_seed(run, step, number) for number in numbers]
    tables = [collect_messages(trained, dataset, seed=seed) for seed in seeds]
    names = [f"halls_{step}_{number}.json" for number in numbers]
    return tables[0], _searched(run, [table.channels for table in tables], names, seeds, _search_channel)


def distil_conditional(
    run: Run,
    trained: TrainedModel,
    dataset: GraphDataset,
    step: int,
    numbers: Sequence[int] = (0, 1),
) -> tuple[MessageTable, list[dict[str, HallOfFame]]]:
    """Search equations with a condition for the radial channel of a network, by our own engine, which alone knows any.

    Args:
        run: The run.
        trained: The network.
        dataset: Its data.
        step: Number of the step of relaxation.
        numbers: Which searches.

    Returns:
        The messages of the first of them, and the halls of fame of each; none where there is no radial channel.
    """
    seeds = [_seed(run, step, CONDITIONAL, number) for number in numbers]
    tables = [collect_messages(trained, dataset, seed=seed) for seed in seeds]
    radial = [tuple(c for c in table.channels if c.name == "radial") for table in tables]
    names = [f"halls_{step}_if_{number}.json" for number in numbers]
    if not all(radial):
        return tables[0], []
    return tables[0], _searched(run, radial, names, seeds, _search_condition)


def _seed(run: Run, *numbers: int) -> int:
    """A seed for an engine, drawn from the run's key."""
    return int(jax.random.randint(run.key(SEARCH_STAGE, *numbers), (), 0, 2**31 - 1))


Searcher = Callable[[Run, Channel, int], HallOfFame]


def _searched(
    run: Run,
    channels: Sequence[Sequence[Channel]],
    names: Sequence[str],
    seeds: Sequence[int],
    searcher: Searcher,
) -> list[dict[str, HallOfFame]]:
    """Make several searches side by side: engines release the interpreter's lock, each on one thread."""
    pool = ThreadPoolExecutor(max(1, min(2, os.cpu_count() or 1)))
    try:
        begun = [_begun(run, pool, *each, searcher) for each in zip(channels, names, seeds, strict=True)]
        return [finish() for finish in begun]
    finally:
        pool.shutdown(wait=False, cancel_futures=True)  # an interrupt does not wait for a search


def _begun(
    run: Run, pool: ThreadPoolExecutor, channels: Sequence[Channel], name: str, seed: int, searcher: Searcher
) -> Callable[[], dict[str, HallOfFame]]:
    """Begin one search, unless its checkpoint is whole; what is returned waits for it."""
    path, stamp = run.checkpoint(name), {"fingerprint": run.fingerprint, "seed": seed}
    begun = [] if _is_stored(run, path, stamp) else [pool.submit(searcher, run, channel, seed) for channel in channels]

    def finish() -> dict[str, HallOfFame]:
        if begun:
            save_record(path, stamp, [hall_to_mapping(future.result()) for future in begun])
        # Read back even when just written, so that a resumed run sees the very same expressions.
        halls = [hall_from_mapping(hall) for hall in load_record(path)[1]]
        return {hall.component: hall for hall in halls}

    return finish


def _is_stored(run: Run, path: Path, stamp: Mapping[str, Any]) -> bool:
    """Whether the halls of fame of a search lie there whole."""
    if not path.exists():
        return False
    try:
        found, _ = load_record(path)
    except ArtefactDamaged as error:
        run.journal.note("regress", "damaged", str(error))  # the search runs anew, from the same seed
        return False
    if found != stamp:
        raise ArtefactMismatch(f"{path.name} belongs to another run; start again with --overwrite")
    return True


def _search_channel(run: Run, channel: Channel, seed: int) -> HallOfFame:
    """Search one channel."""
    return _search(run, channel, seed, engine=run.study.engine, operators=run.study.operators)


def _search_condition(run: Run, channel: Channel, seed: int) -> HallOfFame:
    """Search one channel for equations with a condition."""
    operators = tuple(dict.fromkeys((*run.study.operators, *CONDITIONS)))
    return _search(run, channel, seed, engine="enumerate", operators=operators)


def _search(run: Run, channel: Channel, seed: int, *, engine: str, operators: tuple[str, ...]) -> HallOfFame:
    """Search one channel with an engine."""
    config = run.study.search
    if not channel.name.startswith(("radial", "message")):
        config = replace(config, evaluations=max(1_000, int(SIDE_CHANNEL_SHARE * config.evaluations)))
    if np.isfinite(run.deadline):
        config = replace(config, time_limit=max(1.0, 0.15 * run.remaining()))
    problem = Problem(
        name=channel.name,
        variables=channel.variables,
        inputs=channel.inputs,
        target=channel.values,
        operators=operators,
    )
    hall = search(problem, config, engine=engine, seed=seed)
    run.budget_struck |= hall.out_of_time
    run.journal.note(
        "regress",
        "searched",
        {"channel": channel.name, "equations": len(hall.equations), "seconds": round(hall.seconds, 2)},
    )
    return hall


def composed(
    run: Run,
    halls: list[dict[str, HallOfFame]],
    trained: TrainedModel,
    dataset: GraphDataset,
    once_more: Callable[[], dict[str, HallOfFame]],
) -> ComposedLaw | None:
    """Put the law together; None where the network has no second law to write one down for."""
    if not trained.model.biases.second_law:
        return None
    return compose_law(halls, trained, dataset, once_more=once_more, is_over=run.is_over)


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
    """Keep the chosen network, so that predictions can be made from the folder."""
    header = {"fingerprint": run.fingerprint, "biases": list(trained.model.biases.names), "step": step}
    save_arrays(run.checkpoint("network.limbeck"), header, eqx.filter(trained.model, eqx.is_array))
