"""What a run ends with: verdict, comparison with a known truth, and the files that say so."""

import time
from collections.abc import Mapping
from typing import Any

from limbeck.analyse import message_r2
from limbeck.artefacts import finite, to_json, write_whole
from limbeck.compose import (
    Behaviour,
    Checks,
    FittedProperties,
    OwnOrigin,
    Recovery,
    behaviour,
    generalisation,
    network_hints,
    recovery,
    verdict,
)
from limbeck.graphs import GraphDataset
from limbeck.report import Report, TrainingStage, render_report
from limbeck.simulate import SystemDefinition

from ._attempts import UNUSABLE, Attempt
from ._folder import RESULT
from ._generalisation_fields import generalisation_fields
from ._kind_fields import kind_fields
from ._property_fields import property_fields
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
from ._rollout_fields import evaluation_seconds, rollout_fields
from ._run import Run
from ._study import IN_MEMORY, Study
from ._train_stage import save_network, training_stage
from ._true_force import pair_columns, true_force


def conclude(
    run: Run,
    dataset: GraphDataset,
    attempts: list[Attempt],
    chosen: Attempt | None,
    noise: float,
    *,
    origin: OwnOrigin | None = None,
    more: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """Write everything that a run says, the result last; `more` are fields of its own, positions are from `origin`."""
    study = run.study
    # With a property that was learned in units of its own, no law of limbeck's is the truth's.
    truth = None if study.learned_names else study.truth()
    dataset = dataset if chosen is None or chosen.dataset is None else chosen.dataset
    law = None if chosen is None else chosen.law
    told = law if law is None or origin is None else origin.law(law)
    word, reasons = _verdict(attempts, chosen, dataset)
    known, r2 = _against_truth(run, dataset, chosen, truth)
    conduct = _behaviour(run, dataset, chosen)
    away = None if chosen is None else generalisation(None if law is None else law.law, chosen.trained, dataset)
    report_started = time.monotonic()
    result = {
        "verdict": word,
        "reasons": reasons,
        **recovery_fields(known, is_truth_known=truth is not None),
        **law_fields(told),
        "kinds": kind_fields(None if told is None else told.law, dataset.trajectories),
        "properties": property_fields(*_learned(chosen), dataset),
        "variables": variable_fields(None if told is None else told.law, dataset),
        "bias": _bias_fields(run, attempts, chosen),
        "checks": checks_fields((chosen.checks if chosen and chosen.checks else _no_checks()), known, r2),
        "rollout": rollout_fields(None if chosen is None else chosen.rollout, conduct),
        "hold_out": generalisation_fields(away),
        "data": data_fields(dataset, noise),
        **run_fields(study, run.timings, _source(study, dataset), run.budget_struck),
        **(more or {}),
    }
    if chosen is not None:
        save_network(run, chosen.trained, chosen.step)
    halls = {} if chosen is None or chosen.halls is None else chosen.halls
    write_whole(run.folder / "equations.csv", equations_table(halls, law, dataset))
    page = _page(study, result, attempts, chosen, truth, conduct)
    write_whole(run.folder / "report.html", render_report(page))
    result["timings"]["report"] = round(time.monotonic() - report_started, 3)
    result["timings"] |= evaluation_seconds(conduct)
    write_whole(run.folder / RESULT, to_json(result))
    return result


def _source(study: Study, dataset: GraphDataset) -> dict[str, Any]:
    """Where the data came from, and whether they were at hand: the same words ask for others then."""
    at_hand = {"in_memory": True} if study.file.path == IN_MEMORY else {}
    return dict(dataset.trajectories.source) | at_hand


def _learned(chosen: Attempt | None) -> tuple[FittedProperties | None, Mapping[str, str]]:
    """The properties that were learned, and what is said of those that were asked for in vain."""
    return (None, {}) if chosen is None else (chosen.properties, chosen.idle)


def _no_checks() -> Checks:
    """Every check, none of them asked."""
    names = (
        "heldout",
        "extrapolation",
        "other_n",
        "rollout",
        "energy",
        "messages_r2",
        "stability",
        "one_body_baseline",
    )
    return dict.fromkeys(names)


def _verdict(attempts: list[Attempt], chosen: Attempt | None, dataset: GraphDataset) -> tuple[str, list[str]]:
    """The verdict with its reasons."""
    if chosen is None:
        return "not found", ["nothing accelerates: no force acts that a law could describe"]
    if chosen.law is None and chosen.reason:
        return "not found", [chosen.reason]
    if chosen.law is None:
        error = chosen.trained.validation_error
        best = min(a.trained.validation_error for a in attempts)
        if best < UNUSABLE and not chosen.biases.second_law:
            return "not found", ["only a network without the second law fits, and no law of forces follows from it"]
        return "not found", [
            f"no network predicts the accelerations: the best has a median relative error of {error:.2g}"
            f"{network_hints(chosen.trained, dataset)}"
        ]
    return verdict(chosen.checks or {}, chosen.law)


def _against_truth(
    run: Run, dataset: GraphDataset, chosen: Attempt | None, truth: SystemDefinition | None
) -> tuple[Recovery | None, float | None]:
    """Compare with the truth where it is known; the verdict does not hear of it."""
    if truth is None or chosen is None:
        return None, None
    force = true_force(truth, pair_columns(dataset))
    r2 = None if force is None else message_r2(chosen.trained, dataset, force)
    if chosen.law is None:
        return None, r2
    with run.timed("recovery"):
        return recovery(chosen.law.law, truth, dataset, seed=run.study.seed), r2


def _behaviour(run: Run, dataset: GraphDataset, chosen: Attempt | None) -> Behaviour | None:
    """How the law behaves in time beside its network, if there is a law that could be rolled out."""
    if chosen is None or chosen.law is None or chosen.rollout is None:
        return None
    with run.timed("rollout"):
        return behaviour(chosen.rollout, chosen.law.law, chosen.trained, dataset)


def _bias_fields(run: Run, attempts: list[Attempt], chosen: Attempt | None) -> dict[str, Any]:
    """The steps of relaxation and where they ended."""
    by_step = {
        a.step: {
            "bias": list(a.biases.names),
            "validation_error": finite(a.trained.validation_error),
            "status": a.trained.status,
            "note": "law composed" if a.law is not None else "network only",
        }
        for a in attempts
    }
    for step, (names, said) in run.diverged.items():
        by_step[step] = {"bias": list(names), "validation_error": None, "status": said, "note": "no network"}
    steps = [by_step[step] for step in sorted(by_step)]
    final = [] if chosen is None else list(chosen.biases.names)
    if chosen is not None and chosen.law is not None and "field" not in final:
        added = [n for n in chosen.law.law.components if n in ("drag", "central") or n.startswith("uniform_")]
        if added:
            final.append("field")
            steps.append(
                {
                    "bias": final,
                    "validation_error": None,
                    "status": "refined",
                    "note": f"the refit added {', '.join(added)}",
                }
            )
    return {"steps": steps, "final": final, "step": None if chosen is None else chosen.step}


def _page(
    study: Study,
    result: Mapping[str, Any],
    attempts: list[Attempt],
    chosen: Attempt | None,
    truth: SystemDefinition | None,
    conduct: Behaviour | None,
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
        behaviour=conduct,
    )
