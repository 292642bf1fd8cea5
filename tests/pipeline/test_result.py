"""Parts of `result.json` and `equations.csv` of laws that are made by hand."""

import csv
from dataclasses import replace
from unittest.mock import create_autospec

import numpy as np
import pytest
from clouds import cloud
from compose.test_behaviour import as_trained

from limbeck._errors import TrainingDiverged
from limbeck.analyse._message_table import message_table
from limbeck.compose import ComposedLaw, Law, Scored
from limbeck.expressions import complexity, parse
from limbeck.graphs import connect
from limbeck.pipeline import Study, SystemSource, _attempts, run_study
from limbeck.pipeline._attempts import _nothing_moves, attempts_along
from limbeck.pipeline._folder import Journal
from limbeck.pipeline._outcome import _bias_fields
from limbeck.pipeline._result import (
    data_fields,
    equations_table,
    message_samples,
    recovery_fields,
    variable_fields,
)
from limbeck.pipeline._run import Run
from limbeck.regress import Equation, HallOfFame
from limbeck.simulate import simulate
from limbeck.train import TrainedModel
from limbeck.trajectories import Edges

UNITS = {"x": "AU", "time": "day", "m": "Msun"}


def law(**parts):
    return Law(components={name: parse(text) for name, text in parts.items()}, dim=2)


def hall(component, *texts):
    """A hall of fame whose errors fall as equations grow."""
    equations = [
        Equation(
            expression=parse(text),
            complexity=complexity(parse(text)),
            backend_complexity=0,
            loss=1.0 / (k + 1),
            heldout_loss=1.0 / (k + 1),
        )
        for k, text in enumerate(texts)
    ]
    return HallOfFame(
        component=component,
        equations=tuple(equations),
        engine="enumerate",
        version="1",
        seed=0,
        evaluations=1,
        seconds=0.0,
        out_of_time=False,
    )


@pytest.fixture(scope="module")
def dataset():
    return connect(simulate("spring", n_systems=6, n_steps=20), seed=0)


@pytest.fixture
def measured(dataset):
    """The same data in units."""
    return lambda units: replace(dataset, trajectories=replace(dataset.trajectories, units=units))


def test_without_units_everything_is_a_number(dataset):
    found = variable_fields(law(radial="-r", inertia="m_1**2", drag="-1"), dataset)
    assert {entry["unit"] for entry in found.values()} == {"1"}


def test_velocities_have_the_unit_of_positions_over_times(measured):
    found = variable_fields(law(radial="-r", drag="-1"), measured(UNITS))
    assert {name: found[name]["unit"] for name in ("r", "dx", "dvx", "vx_1")} == {
        "r": "AU",
        "dx": "AU",
        "dvx": "AU/day",
        "vx_1": "AU/day",
    }
    assert variable_fields(law(radial="-r"), measured({**UNITS, "v": "km/s"}))["dvx"]["unit"] == "km/s"
    assert variable_fields(law(radial="-r"), measured({"x": "AU"}))["dvx"]["unit"] == "1"


@pytest.mark.parametrize(
    ("inertia", "unit"),
    [({}, "AU/day^2"), ({"inertia": "m_1"}, "Msun*AU/day^2"), ({"inertia": "q_1"}, "AU/day^2"),
     ({"inertia": "m_1 + 0.3*q_1"}, None)],
)  # fmt: skip
def test_forces_have_the_unit_of_the_inertia_times_an_acceleration(inertia, unit, measured):
    assert variable_fields(law(radial="-r", **inertia), measured(UNITS))["Fx"]["unit"] == unit


def test_forces_have_no_known_unit_without_a_law(measured):
    assert variable_fields(None, measured(UNITS))["Fx"]["unit"] is None


def test_a_known_truth_is_not_recovered_without_a_law():
    found = recovery_fields(None, is_truth_known=True)
    assert found["recovered"] is False
    assert "no law" in found["recovery"]["reason"]
    assert recovery_fields(None, is_truth_known=False) == {"recovered": None, "recovery": None}


def test_a_simulation_without_forces_recovers_nothing(tmp_path):
    system = SystemSource(name="custom", potential="1e-300*r", simulations=3, steps=20)
    result = run_study(Study(system=system), tmp_path / "run")
    assert (result["verdict"], result["recovered"]) == ("not found", False)


@pytest.mark.parametrize("is_on_front", [False, True])
def test_the_law_of_the_run_and_nothing_else_is_selected(is_on_front, dataset):
    halls = {
        "radial": hall("radial", "-7.1*r", "-7.6*(r - 0.9896)", "-7.6*(r - 0.98 + 0.002*r**2)"),
        "inertia": hall("inertia", "3.8*m_1", "3.87*(m_1 - 0.006)"),
    }
    chosen = law(radial="-2*(r - 0.99)", inertia="m_1")
    rest = [law(radial="-2*r", inertia="m_1"), law(radial="-2*(r - 0.99)", inertia="m_1 + 1e-19*m_1**2")]
    front = tuple(Scored(one, 0.1, True, float(one.complexity)) for one in (*rest, *([chosen] if is_on_front else [])))
    composed = ComposedLaw(law=chosen, estimates=(), front=front, others=(), is_stable=True, tried=3)
    rows = list(csv.DictReader(equations_table(halls, composed, dataset).splitlines()))
    assert [(row["component"], row["equation"]) for row in rows if row["selected"] == "True"] == [
        ("radial", "-7.6*(r - 0.9896)"),
        ("inertia", "3.8*m_1"),
        ("law.radial", "-2*(r - 0.99)"),
        ("law.inertia", "m_1"),
    ]
    assert sum(row["component"] == "law.radial" for row in rows) == len(rest) + 1
    assert {row["complexity"] for row in rows[-2:]} == {str(chosen.complexity)}
    assert float(rows[-1]["heldout_loss"]) < 1e-6


def test_without_a_law_no_equation_is_selected(dataset):
    rows = list(csv.DictReader(equations_table({"radial": hall("radial", "-r")}, None, dataset).splitlines()))
    assert [row["selected"] for row in rows] == ["False"]


def test_who_acts_and_what_codes_mean_is_said() -> None:
    kinds = {"kind": np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 1.0]])}
    states = replace(cloud(n_systems=3, n_nodes=2), attributes=kinds, categories={"kind": ("blue", "red")}, radius=9.0)
    dataset = connect(states, seed=0)
    assert data_fields(dataset, 0.0)["radius"] == 9.0
    assert data_fields(dataset, 0.0)["edges"] is None
    variables = variable_fields(None, dataset)
    assert variables["kind_2"]["meaning"] == "kind of the sender (0 = blue, 1 = red)"
    assert variables["Fx"]["meaning"].endswith("senders within 9")
    edges = Edges(system=np.array([-1]), senders=np.array([0]), receivers=np.array([1]))
    linked = connect(replace(states, radius=None, edges=edges), seed=0)
    assert data_fields(linked, 0.0)["edges"] == 1
    assert variable_fields(None, linked)["Fx"]["meaning"].endswith("senders with an edge to it")


def test_a_force_on_few_particles_is_a_force() -> None:
    t = cloud(law=False)
    few = np.arange(9 * 8 * 4).reshape(9, 8, 4, 1) % 20 == 0
    assert not _nothing_moves(connect(replace(t, accelerations=np.where(few, t.accelerations, 0.0)), seed=0))
    assert _nothing_moves(connect(replace(t, accelerations=1e-15 * t.accelerations), seed=0))


def diverging_from(first, error, monkeypatch):
    """Networks with an error, of which the weaker ones diverge at every rate."""

    def train_step(run, dataset, biases, step, goal):
        if step >= first:
            raise TrainingDiverged(f"training diverged in step {step}")
        return replace(as_trained(dataset), validation_error=error)

    def distilled(run, dataset, attempt, noise, otherwise=None):
        found = ComposedLaw(law=law(radial="-2*r"), estimates=(), front=(), others=(), is_stable=True, tried=1)
        return replace(attempt, law=found)

    monkeypatch.setattr(_attempts, "train_step", train_step)
    monkeypatch.setattr(_attempts, "distilled", distilled)


def test_a_weaker_network_that_diverges_leaves_the_stronger_one(dataset, tmp_path, monkeypatch) -> None:
    diverging_from(1, 0.4, monkeypatch)
    run = Run(study=Study(), folder=tmp_path, journal=Journal(tmp_path, None), deadline=np.inf)
    attempts = attempts_along(run, dataset, 0.0)
    assert [a.law is not None for a in attempts] == [True]
    steps = _bias_fields(run, attempts, attempts[0])["steps"]
    assert len(steps) == len(Study().bias_plan(2))
    assert steps[1] == {**steps[1], "status": "training diverged in step 1", "validation_error": None}


@pytest.mark.parametrize(("first", "error"), [(0, 0.4), (1, 0.6)])
def test_a_divergence_that_leaves_nothing_to_distil_is_no_result(
    dataset, tmp_path, monkeypatch, first: int, error: float
) -> None:
    diverging_from(first, error, monkeypatch)
    monkeypatch.setattr(_attempts, "composed_plainly", lambda *_: None)
    run = Run(study=Study(), folder=tmp_path, journal=Journal(tmp_path, None), deadline=np.inf)
    with pytest.raises(TrainingDiverged, match=f"step {first}"):
        attempts_along(run, dataset, 0.0)


def test_no_messages_are_drawn_beside_a_law_of_what_the_network_was_not_given():
    """A network that learned a charge knows no mass; a law of masses may stand in its place all the same."""
    q, r = np.ones((5, 1)), np.linspace(0.5, 1.5, 5)[:, None]
    drawn = ("radial", ("r", "q_1", "q_2"), np.concatenate([r, q, q], axis=1), 1.0 / r[:, 0])
    table, trained = message_table([drawn], {"radial": 2.0}), create_autospec(TrainedModel, instance=True)
    composed = ComposedLaw(law=law(radial="m_1*m_2/r"), estimates=(), front=(), others=(), is_stable=True, tried=1)
    assert message_samples(table, composed, trained, None) is None
