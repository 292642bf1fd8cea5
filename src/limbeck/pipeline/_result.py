"""What a run says in the end: `result.json`, `equations.csv` and the page."""

import csv
import io
import platform
import subprocess
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np

from limbeck.analyse import MessageTable
from limbeck.artefacts import SCHEMA, finite
from limbeck.compose import (
    Checks,
    ComposedLaw,
    Law,
    Recovery,
    acceleration,
    as_mappings,
    pair_force,
    pair_potential,
    states_of,
    strings,
    thinned,
    used_variables,
)
from limbeck.expressions import (
    Call,
    Constant,
    Expression,
    Variable,
    evaluate,
    same_form,
    simplify,
    to_string,
    variables,
)
from limbeck.graphs import GraphDataset
from limbeck.models import CoupledMessage, ForceNetwork, RadialMessage
from limbeck.regress import ConstantEstimate, HallOfFame, scores
from limbeck.report import MessageSamples
from limbeck.simulate import SystemDefinition
from limbeck.train import TrainedModel
from limbeck.trajectories import Trajectories

from ._study import Study
from ._true_force import true_force

PACKAGES = ("limbeck", "jax", "equinox", "optax", "diffrax", "numpy", "scipy", "pyoperon")
COLUMNS = ("component", "complexity", "backend_complexity", "loss", "heldout_loss", "score", "selected", "equation")
SCALE = 2.3  # any number that no rule of simplification knows stands for a free factor
JUDGED = 200  # snapshots that the loss of the accepted law is measured on


def law_fields(composed: ComposedLaw | None) -> dict[str, Any]:
    """The law's part of `result.json`.

    Args:
        composed: The law, or None.

    Returns:
        Strings, complexity and constants.
    """
    if composed is None:
        names = ("pair_force", "pair_potential", "acceleration", "law", "complexity")
        return {**dict.fromkeys(names), "constants": []}
    law = composed.law
    potential = pair_potential(law)
    return {
        "pair_force": strings(pair_force(law)),
        "pair_potential": None if potential is None else to_string(potential),
        "acceleration": strings(acceleration(law)),
        "law": {name: to_string(simplify(expression)) for name, expression in law.components.items()},
        "complexity": law.complexity,
        "constants": constant_fields(composed.estimates),
    }


def constant_fields(estimates: Iterable[ConstantEstimate]) -> list[dict[str, Any]]:
    """Constants as `result.json` has them.

    Args:
        estimates: Fitted numbers.

    Returns:
        One mapping for each.
    """
    return [
        {
            "name": e.name,
            "value": e.value,
            "standard_error": finite(e.standard_error),
            "low": finite(e.low),
            "high": finite(e.high),
            "place": e.place,
        }
        for e in estimates
    ]


def data_fields(dataset: GraphDataset, noise: float) -> dict[str, Any]:
    """What the data were.

    Args:
        dataset: The graphs.
        noise: Median relative error that noise alone causes.

    Returns:
        Counts, provenance and notes.
    """
    t = dataset.trajectories
    return {
        "simulations": t.n_systems,
        "times": t.n_times,
        "particles": t.n_nodes,
        "dim": t.dim,
        "velocities": t.velocities_are,
        "accelerations": t.accelerations_are,
        "attributes": list(dataset.attribute_names),
        "constant_attributes": dict(dataset.constant_attributes),
        "categories": {name: list(labels) for name, labels in t.categories.items()},
        "split": dataset.split_rule,
        "parts": {name: len(getattr(dataset, name)) for name in ("train", "validation", "test", "extrapolation")},
        "reach": finite(dataset.reach),
        "radius": t.radius,
        "edges": None if t.edges is None else len(t.edges.senders),
        "noise": noise,
        "units": dict(t.units),
        "notes": list(t.notes),
    }


def variable_fields(law: Law | None, dataset: GraphDataset) -> dict[str, dict[str, str | None]]:
    """Meaning and unit of every variable of the law.

    Args:
        law: The law, or None.
        dataset: The data with its units.

    Returns:
        Meaning and unit by name; the unit is None where what is known leaves it open.
    """
    units = dataset.trajectories.units
    length, speed, force = units.get("x", "1"), _per_time(units, "v", ""), _force_unit(law, dataset)
    found: dict[str, dict[str, str | None]] = {"r": {"meaning": "distance of the pair", "unit": length}}
    senders = _senders(dataset.trajectories)
    for axis in "xyz"[: dataset.trajectories.dim]:
        found[f"d{axis}"] = {"meaning": f"{axis} of the receiver minus {axis} of the sender", "unit": length}
        found[f"dv{axis}"] = {"meaning": f"velocity along {axis}, receiver minus sender", "unit": speed}
        found[f"F{axis}"] = {
            "meaning": f"pair forces on the receiver along {axis}, summed over {senders}",
            "unit": force,
        }
        found[f"{axis}_1"] = {"meaning": f"{axis} of the receiver", "unit": length}
        found[f"v{axis}_1"] = {"meaning": f"velocity of the receiver along {axis}", "unit": speed}
    for name in dataset.attribute_names:
        labels = dataset.trajectories.categories.get(name, ())
        codes = f" ({', '.join(f'{code} = {label}' for code, label in enumerate(labels))})" if labels else ""
        for end, who in (("1", "receiver"), ("2", "sender")):
            found[f"{name}_{end}"] = {"meaning": f"{name} of the {who}{codes}", "unit": units.get(name, "1")}
    if law is None:
        return found
    used = used_variables(law)
    return {name: entry for name, entry in found.items() if name in used or name[0] in "dF" or name == "r"}


def _senders(trajectories: Trajectories) -> str:
    """Who the senders of a force are, in words."""
    if trajectories.edges is not None:
        return "senders with an edge to it"
    return "senders" if trajectories.radius is None else f"senders within {trajectories.radius:g}"


def _per_time(units: Mapping[str, str], name: str, power: str) -> str:
    """Unit of a velocity or an acceleration, from those of positions and times where it is not given."""
    known = units.keys() >= {"x", "time"}
    return units.get(name, f"{units['x']}/{units['time']}{power}" if known else "1")


def _force_unit(law: Law | None, dataset: GraphDataset) -> str | None:
    """Unit of a force: that of an acceleration times that of the inertia, whose leading coefficient is 1."""
    units = dataset.trajectories.units
    if not units:
        return "1"
    if law is None:
        return None
    acceleration_unit = _per_time(units, "a", "^2")
    inertia = simplify(law.components.get("inertia", Constant(1.0)))
    if isinstance(inertia, Constant):
        return acceleration_unit
    attribute = inertia.name[:-2] if isinstance(inertia, Variable) else ""
    if attribute not in dataset.attribute_names:
        return None
    return "*".join(unit for unit in (units.get(attribute, "1"), acceleration_unit) if unit != "1") or "1"


def checks_fields(checks: Checks, recovery: Recovery | None, r2: float | None) -> dict[str, Any]:
    """The checks, with those that only a known truth can answer.

    Args:
        checks: What was asked of the law.
        recovery: The comparison with the truth, or None.
        r2: R² of messages against the true force, or None.

    Returns:
        Plain mappings by name.
    """
    found = as_mappings(checks)
    if recovery is not None and recovery.other_n is not None:
        found["other_n"] = as_mappings({"other_n": recovery.other_n})["other_n"]
    if r2 is not None:
        found["messages_r2"] = {
            "value": finite(r2),
            "threshold": 0.999,
            "passed": bool(r2 >= 0.999),
            "reason": "R² of the messages against linear combinations of the true force, all held-out pairs; "
            "for information",
        }
    return found


def recovery_fields(recovery: Recovery | None, *, is_truth_known: bool) -> dict[str, Any]:
    """The comparison with the truth.

    Args:
        recovery: The comparison, or None where there is no law or no truth.
        is_truth_known: Whether there is a truth that a law could have been compared with.

    Returns:
        `recovered` with its reason and figures.
    """
    if recovery is None and is_truth_known:
        reason = "no law came out that could be compared with the truth"
        return {"recovered": False, "recovery": {"reason": reason, "errors": {}, "truth_complexity": None}}
    if recovery is None:
        return {"recovered": None, "recovery": None}
    errors = {name: [finite(middle), finite(tail)] for name, (middle, tail) in recovery.errors.items()}
    return {
        "recovered": recovery.recovered,
        "recovery": {"reason": recovery.reason, "errors": errors, "truth_complexity": recovery.truth_complexity},
    }


def run_fields(study: Study, timings: Mapping[str, float], source: Any, budget_struck: bool) -> dict[str, Any]:
    """What is needed to repeat the run.

    Args:
        study: What was asked.
        timings: Seconds by stage.
        source: Where the data came from.
        budget_struck: Whether the time limit ended something early.

    Returns:
        Timings, versions, seed, source and schema.
    """
    return {
        "timings": {name: round(seconds, 3) for name, seconds in timings.items()},
        "versions": versions(),
        "seed": study.seed,
        "source": source,
        "budget_struck": budget_struck,
        "schema": SCHEMA,
    }


def versions() -> dict[str, str]:
    """Versions of what the run used.

    Returns:
        Version by package, and Python's.
    """
    found = {"python": platform.python_version()}
    for package in PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    commit = _commit()
    return found if commit is None else {**found, "commit": commit}


def _commit() -> str | None:
    """The commit that limbeck runs from, where it runs from a checkout of its own."""
    root = Path(__file__).resolve().parents[3]
    if not (root / ".git").exists():
        return None
    try:
        asked = subprocess.run(
            ["git", "-C", str(root), "rev-parse", "HEAD"], capture_output=True, text=True, timeout=5, check=True
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return asked.stdout.strip()


def equations_table(halls: Mapping[str, HallOfFame], composed: ComposedLaw | None, dataset: GraphDataset) -> str:
    """`equations.csv`: every hall of fame, the front of refitted laws, and the law that was accepted.

    Args:
        halls: Hall of fame by channel.
        composed: The law, or None.
        dataset: The data that the law describes.

    Returns:
        CSV text with the columns of the contract.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    chosen = {} if composed is None else composed.law.components
    for component, hall in halls.items():
        by_front = dict(zip((e.complexity for e in hall.front), scores(hall.front), strict=True))
        for e in hall.equations:
            score = by_front.get(e.complexity)
            law_has_it = component in chosen and _has_form(e.expression, chosen[component])
            numbers = (e.complexity, e.backend_complexity, e.loss, e.heldout_loss, "" if score is None else score)
            writer.writerow([component, *numbers, law_has_it, to_string(e.expression)])
    if composed is not None:
        for scored in composed.front:
            if scored.law.components != chosen:
                writer.writerows(_law_rows(scored.law, scored.loss, selected=False))
        writer.writerows(_law_rows(composed.law, _validation_loss(composed.law, dataset), selected=True))
    return out.getvalue()


def _has_form(equation: Expression, part: Expression) -> bool:
    """Whether a channel of a law has the form of an equation, but for the scale that forces and inertia share."""
    return any(same_form(equation, form) for form in (part, Call("mul", (Constant(SCALE), part))))


def _law_rows(law: Law, loss: float, *, selected: bool) -> list[list[object]]:
    """One row for each channel of a law."""
    numbers = (law.complexity, "", "", loss, "")
    return [[f"law.{name}", *numbers, selected, to_string(part)] for name, part in law.components.items()]


def _validation_loss(law: Law, dataset: GraphDataset) -> float:
    """Loss on validation snapshots, as laws of the front have it."""
    states = states_of(dataset, thinned(dataset, dataset.validation, JUDGED))
    errors = states.counted_errors(law.accelerations(states))
    return float(np.sqrt(np.prod(np.quantile(errors, [0.5, 0.9], method="higher"))))


def message_samples(
    table: MessageTable, composed: ComposedLaw | None, trained: TrainedModel, truth: SystemDefinition | None
) -> MessageSamples | None:
    """Messages of the network beside the law's force, in the law's unit.

    Args:
        table: Messages that were collected.
        composed: The law.
        trained: The network.
        truth: The system, where it is known.

    Returns:
        Samples of pairs, or None where the law or the network has no radial channel, or the law depends on what the
        network was not given.
    """
    channel = next((c for c in table.channels if c.name == "radial"), None)
    if composed is None or channel is None or "radial" not in composed.law.components:
        return None
    if not variables(composed.law.components["radial"]) <= set(channel.variables):
        return None
    model = trained.model
    if not isinstance(model, ForceNetwork) and not isinstance(model.edge_model, RadialMessage | CoupledMessage):
        return None
    columns = dict(zip(channel.variables, channel.inputs.T, strict=True))
    law = np.broadcast_to(evaluate(composed.law.components["radial"], columns), channel.values.shape).astype(float)
    # Forces and inertia share one free scale: bring the message to the law's by the median ratio.
    with np.errstate(all="ignore"):
        ratio = np.nanmedian(law / channel.values)
    force = true_force(truth, columns)
    true = None if force is None else force(columns)
    scale = float(ratio) if np.isfinite(ratio) else 1.0
    return MessageSamples(distance=columns["r"], message=scale * channel.values, law_force=law, true_force=true)
