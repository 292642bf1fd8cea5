"""The main job: from trajectories to a verified law, in one folder.

Networks are trained with the strongest biases first and relaxed while the data
contradict them; the first whose law stands is kept. Every stage leaves a
checkpoint; the result is written last, so that a folder with a result is whole.
"""

import math
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from limbeck._errors import ArtefactMismatch, InputError
from limbeck.analyse import MessageTable, message_r2
from limbeck.artefacts import to_json, write_whole
from limbeck.compose import (
    Checks,
    ComposedLaw,
    Recovery,
    Rollout,
    check_law,
    noise_effect,
    pair_potential,
    recovery,
    roll_out,
    verdict,
)
from limbeck.config import from_toml, to_toml
from limbeck.expressions import evaluate, parse
from limbeck.graphs import GraphDataset, connect
from limbeck.models import Biases
from limbeck.regress import HallOfFame
from limbeck.report import Report, TrainingStage, render_report
from limbeck.simulate import SystemDefinition
from limbeck.train import TrainedModel
from limbeck.trajectories import Trajectories, content_hash

from ._folder import RESULT, STUDY, Journal, Listener, check_folder, is_run, prepare_folder
from ._result import (
    checks_fields,
    data_fields,
    equations_table,
    law_fields,
    message_samples,
    recovery_fields,
    run_fields,
    variable_fields,
)
from ._stages import Run, composed, distil, save_network, train_step, training_stage
from ._study import Study, trajectories_of

GOAL = 3e-2  # validation error that is hoped for (house plan, "The main job"); a law that stands ends the search too
PROMISING = 0.2  # below this a network is distilled at once: its law, not the network, has to pass the checks
UNUSABLE = 0.5  # networks with a larger error say nothing that is worth distilling
BETTER = 0.8  # a weaker bias must lower the error to this share to be preferred
RESTING = 1e-12  # accelerations below this share of speed over time are rounding


@dataclass(frozen=True, kw_only=True, eq=False)
class Attempt:
    """One step of relaxation: a network and, where it was good enough, its law.

    Attributes:
        biases: What the network assumed.
        trained: The network.
        step: Number of the step.
        table: Its messages, if they were distilled.
        halls: Hall of fame by channel, if they were searched.
        law: The composed law, if there is one.
        checks: What was asked of the law.
        rollout: Rollout of law and network.
    """

    biases: Biases
    trained: TrainedModel
    step: int
    table: MessageTable | None = None
    halls: Mapping[str, HallOfFame] | None = None
    law: ComposedLaw | None = None
    checks: Checks | None = None
    rollout: Rollout | None = None

    @property
    def stands(self) -> bool:
        """Whether the law passes every decisive check."""
        return self.law is not None and verdict(self.checks or {}, self.law)[0] == "found"


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
    check_folder(folder, overwrite=overwrite)
    if study.is_simulated:
        study.truth()
    else:
        # A file is read and divided before the folder is touched, so that bad input leaves no trace.
        trajectories = trajectories_of(study, initial=trajectories)
    dataset = None if trajectories is None else _connected(trajectories, study)
    prepare_folder(folder, overwrite=overwrite)
    write_whole(folder / STUDY, to_toml(study))
    return _run(study, folder, dataset, listener, started)


def resume_study(
    folder: Path, *, listener: Listener | None = None, trajectories: Trajectories | None = None
) -> dict[str, Any]:
    """Go on with a run that was interrupted.

    Args:
        folder: The folder of the run.
        listener: Told about progress.
        trajectories: The data, where the run was given them by hand.

    Returns:
        The content of `result.json`.

    Raises:
        InputError: If the folder holds no run of limbeck.
    """
    started = time.monotonic()
    if not is_run(folder) or not (folder / STUDY).exists():
        raise InputError(f"{folder} holds no run of limbeck to resume; start one with limbeck discover SOURCE --out {folder}")
    if not os.access(folder, os.W_OK):
        raise InputError(f"the folder {folder} can't be written")
    study = from_toml((folder / STUDY).read_text(), Study, STUDY)
    if trajectories is None and not study.is_simulated:
        trajectories = trajectories_of(study)
    dataset = None if trajectories is None else _connected(trajectories, study)
    return _run(study, folder, dataset, listener, started)


def _connected(trajectories: Trajectories, study: Study) -> GraphDataset:
    """The graphs of the data; motion without any acceleration is refused a law later, not here."""
    study.bias_plan(trajectories.dim)
    return connect(trajectories, seed=study.seed)


def _run(
    study: Study, folder: Path, dataset: GraphDataset | None, listener: Listener | None, started: float
) -> dict[str, Any]:
    """Everything between data and result."""
    journal = Journal(folder, listener)
    deadline = started + study.time_limit if study.time_limit else math.inf
    run = Run(study=study, folder=folder, journal=journal, deadline=deadline)
    journal.note("run", "started", None)
    with run.timed("simulate" if study.is_simulated else "load"):
        dataset = _connected(trajectories_of(study), study) if dataset is None else dataset
        run.fingerprint = _fingerprint(dataset, folder)
    noise = noise_effect(dataset)
    attempts = _attempts(run, dataset, noise)
    chosen = _choice(attempts)
    result = _result(run, dataset, attempts, chosen, noise)
    journal.note("run", "finished", result["verdict"])
    return result


def _fingerprint(dataset: GraphDataset, folder: Path) -> str:
    """Hash of the data; a resumed run must see the same."""
    fingerprint = content_hash(dataset.trajectories)
    path = folder / "checkpoints" / "data.sha256"
    if path.exists() and path.read_text().strip() != fingerprint:
        raise ArtefactMismatch("the data changed since the run was started; start again with --overwrite")
    write_whole(path, fingerprint + "\n")
    return fingerprint


def _attempts(run: Run, dataset: GraphDataset, noise: float) -> list[Attempt]:
    """Train and distil along the plan of biases until a law stands."""
    goal = max(GOAL, 3.0 * noise)
    attempts: list[Attempt] = []
    if _nothing_moves(dataset):
        return attempts
    plan = run.study.bias_plan(dataset.trajectories.dim)
    for step, biases in enumerate(plan):
        with run.timed("train"):
            trained = train_step(run, dataset, biases, step, goal)
        run.journal.note("train", "bias", {"bias": list(biases.names), "error": _finite(trained.validation_error)})
        attempt = Attempt(biases=biases, trained=trained, step=step)
        if trained.validation_error <= max(goal, PROMISING) and _improves(attempts, trained):
            attempt = _distilled(run, dataset, attempt, noise)
        attempts.append(attempt)
        if attempt.stands or run.is_over():
            return attempts
    if any(a.law is not None for a in attempts):
        return attempts
    best = _best_network([a for a in attempts if a.biases.second_law])
    if best is not None and best.trained.validation_error < UNUSABLE:
        attempts[attempts.index(best)] = _distilled(run, dataset, best, noise)
    return attempts


def _improves(attempts: list[Attempt], trained: TrainedModel) -> bool:
    """Whether a weaker bias does clearly better than every stronger one that was distilled."""
    before = [a.trained.validation_error for a in attempts if a.law is not None]
    return not before or trained.validation_error < BETTER * min(before)


def _nothing_moves(dataset: GraphDataset) -> bool:
    """Whether all accelerations are rounding: free particles obey no law of interaction."""
    t = dataset.trajectories
    sizes = np.abs(t.accelerations[np.isfinite(t.accelerations)])
    if len(sizes) == 0:
        return True
    if not np.any(sizes > 0):
        return True
    duration = np.nanmax(t.times) - np.nanmin(t.times)
    speed = float(np.sqrt(np.mean(t.velocities**2)))
    steps = max(t.n_times - 1, 1)
    # A derivative over one step magnifies rounding of the velocity by the number of steps in the duration,
    # and one of the position by its square.
    order = 2 if t.velocities_are == "derived" else 1
    magnified = (steps**order if t.accelerations_are == "derived" else 1) / max(duration, np.finfo(float).tiny)
    extent = float(np.sqrt(np.mean(t.positions**2))) / max(duration, np.finfo(float).tiny)
    return bool(np.quantile(sizes, 0.9) <= RESTING * max(speed, extent) * magnified)


def _distilled(run: Run, dataset: GraphDataset, attempt: Attempt, noise: float) -> Attempt:
    """Search, compose, roll out and check the law of one network."""
    trained = attempt.trained
    with run.timed("regress"):
        table, halls = distil(run, trained, dataset, attempt.step)
    with run.timed("compose"):
        law = composed(run, halls, trained, dataset)
    base = {"biases": attempt.biases, "trained": trained, "step": attempt.step, "table": table, "halls": halls[0]}
    if law is None:
        return Attempt(**base)
    with run.timed("check"):
        rollout = roll_out(law.law, trained, dataset, pair_potential(law.law))
        checks = check_law(law, trained, dataset, rollout, noise)
    word, reasons = verdict(checks, law)
    run.journal.note("check", "verdict", {"step": attempt.step, "verdict": word, "reasons": reasons})
    return Attempt(**base, law=law, checks=checks, rollout=rollout)


def _best_network(attempts: list[Attempt]) -> Attempt | None:
    """The network with the lowest error; where two do equally well the stronger bias stays."""
    best: Attempt | None = None
    for attempt in attempts:
        if best is None or attempt.trained.validation_error < BETTER * best.trained.validation_error:
            best = attempt
    return best


def _choice(attempts: list[Attempt]) -> Attempt | None:
    """The attempt whose law stands, else the law with the lowest held-out error, else the best network."""
    standing = [a for a in attempts if a.stands]
    if standing:
        return standing[0]
    with_law = [a for a in attempts if a.law is not None]
    if with_law:
        return min(with_law, key=_heldout)
    return _best_network(attempts)


def _heldout(attempt: Attempt) -> float:
    """Held-out error of an attempt's law."""
    check = (attempt.checks or {}).get("heldout")
    return math.inf if check is None or check.value is None else check.value


def _result(
    run: Run, dataset: GraphDataset, attempts: list[Attempt], chosen: Attempt | None, noise: float
) -> dict[str, Any]:
    """Write everything that a run says, the result last."""
    study = run.study
    truth = study.truth()
    law = None if chosen is None else chosen.law
    word, reasons = _verdict(attempts, chosen)
    known, r2 = _against_truth(run, dataset, chosen, truth)
    report_started = time.monotonic()
    result = {
        "verdict": word,
        "reasons": reasons,
        **recovery_fields(known),
        **law_fields(law),
        "properties": [],
        "variables": variable_fields(None if law is None else law.law, dataset),
        "bias": _bias_fields(attempts, chosen),
        "checks": checks_fields((chosen.checks if chosen and chosen.checks else _no_checks()), known, r2),
        "data": data_fields(dataset, noise),
        **run_fields(study, run.timings, dict(dataset.trajectories.source), run.budget_struck),
    }
    if chosen is not None:
        save_network(run, chosen.trained, chosen.step)
    halls = {} if chosen is None or chosen.halls is None else chosen.halls
    write_whole(run.folder / "equations.csv", equations_table(halls, law))
    page = _page(study, result, attempts, chosen, truth)
    write_whole(run.folder / "report.html", render_report(page))
    result["timings"]["report"] = round(time.monotonic() - report_started, 3)
    write_whole(run.folder / RESULT, to_json(result))
    return result


def _no_checks() -> Checks:
    """Every check, none of them asked."""
    names = ("heldout", "extrapolation", "other_n", "rollout", "energy", "messages_r2", "stability", "one_body_baseline")
    return dict.fromkeys(names)


def _verdict(attempts: list[Attempt], chosen: Attempt | None) -> tuple[str, list[str]]:
    """The verdict with its reasons."""
    if chosen is None:
        return "not found", ["nothing accelerates: no force acts that a law could describe"]
    if chosen.law is None:
        error = chosen.trained.validation_error
        best = min(a.trained.validation_error for a in attempts)
        if best < GOAL and not chosen.biases.second_law:
            return "not found", ["only a network without the second law fits, and no law of forces follows from it"]
        return "not found", [f"no network predicts the accelerations: the best has a median relative error of {error:.2g}"]
    return verdict(chosen.checks or {}, chosen.law)


def _against_truth(
    run: Run, dataset: GraphDataset, chosen: Attempt | None, truth: SystemDefinition | None
) -> tuple[Recovery | None, float | None]:
    """Compare with the truth where it is known; the verdict does not hear of it."""
    if truth is None or chosen is None:
        return None, None
    kernel = parse(truth.pair_force)
    r2 = None
    try:
        r2 = message_r2(chosen.trained, dataset, lambda columns: np.broadcast_to(evaluate(kernel, columns), len(columns["r"])))
    except KeyError:  # an attribute that the truth names has one value throughout and is no column
        pass
    if chosen.law is None:
        return None, r2
    with run.timed("recovery"):
        return recovery(chosen.law.law, truth, dataset, seed=run.study.seed), r2


def _bias_fields(attempts: list[Attempt], chosen: Attempt | None) -> dict[str, Any]:
    """The steps of relaxation and where they ended."""
    steps = [
        {
            "bias": list(a.biases.names),
            "validation_error": _finite(a.trained.validation_error),
            "status": a.trained.status,
            "note": "law composed" if a.law is not None else "network only",
        }
        for a in attempts
    ]
    final = [] if chosen is None else list(chosen.biases.names)
    if chosen is not None and chosen.law is not None and "field" not in final:
        added = [n for n in chosen.law.law.components if n in ("drag", "central") or n.startswith("uniform_")]
        if added:
            final.append("field")
            steps.append({"bias": final, "validation_error": None, "status": "refined", "note": f"the refit added {', '.join(added)}"})
    return {"steps": steps, "final": final, "step": None if chosen is None else chosen.step}


def _page(
    study: Study,
    result: Mapping[str, Any],
    attempts: list[Attempt],
    chosen: Attempt | None,
    truth: SystemDefinition | None,
) -> Report:
    """What the report is made from."""
    training: tuple[TrainingStage, ...] = tuple(training_stage(a.trained, study) for a in attempts)
    if chosen is None or chosen.law is None or chosen.table is None:
        return Report(result=result, training=training, halls={}, front=(), messages=None, rollout=None)
    return Report(
        result=result,
        training=training,
        halls=chosen.halls or {},
        front=chosen.law.front,
        messages=message_samples(chosen.table, chosen.law, chosen.trained, truth),
        rollout=chosen.rollout,
    )


def _finite(value: float) -> float | None:
    """None where a number is not finite."""
    return float(value) if np.isfinite(value) else None
