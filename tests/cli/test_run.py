"""The main job from outside: exit codes, what is written, resuming, predicting."""

import csv
import json
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
import sympy
from runs import accelerations_by_sympy, command, law_of, limbeck, read_result, spring_words, write_study

from limbeck._errors import InputError
from limbeck.expressions import evaluate, parse
from limbeck.pipeline import Study, SystemSource, run_study
from limbeck.simulate import simulate
from limbeck.trajectories import save_trajectories

KEYS = {
    "verdict", "reasons", "recovered", "pair_force", "pair_potential", "acceleration", "constants", "properties",
    "variables", "bias", "checks", "timings", "versions", "seed", "source", "schema", "budget_struck",
}  # fmt: skip
CHECKS = {"heldout", "extrapolation", "other_n", "rollout", "energy", "messages_r2", "stability", "one_body_baseline"}
FILES = {"result.json", "report.html", "equations.csv", "study.toml", "checkpoints", "events.jsonl"}


@pytest.fixture
def copied_run(finished_run, tmp_path):
    return shutil.copytree(finished_run, tmp_path / "run")


def test_a_finished_run_holds_what_the_contract_lists(finished_run):
    result = read_result(finished_run)
    assert {path.name for path in finished_run.iterdir()} >= FILES
    assert not list(finished_run.rglob("*.part"))
    assert set(result) >= KEYS
    assert set(result["checks"]) == CHECKS
    assert (result["verdict"], result["recovered"], result["schema"]) == ("found", True, 1)
    header = next(csv.reader((finished_run / "equations.csv").read_text().splitlines()))
    assert header == [
        "component",
        "complexity",
        "backend_complexity",
        "loss",
        "heldout_loss",
        "score",
        "selected",
        "equation",
    ]
    events = [json.loads(line) for line in (finished_run / "events.jsonl").read_text().splitlines()]
    assert all(set(event) == {"time", "stage", "name", "value"} for event in events)


def test_strings_of_the_law_predict_the_accelerations(finished_run):
    states = simulate("spring", n_systems=3, n_steps=5, seed=99, n_nodes=5)
    result = read_result(finished_run)
    for system in range(3):
        attributes = {name: values[system] for name, values in states.attributes.items()}
        x, v = states.positions[system, -1], states.velocities[system, -1]
        found = accelerations_by_sympy(result, x, v, attributes)
        # The refit ends at 1e-8 of each constant.
        np.testing.assert_allclose(found, states.accelerations[system, -1], rtol=1e-6, atol=1e-8)


def test_strings_read_back_to_the_same_values(finished_run):
    result = read_result(finished_run)
    values = {"r": 1.7, "dx": 0.4, "dy": -1.1, "m_1": 0.6, "m_2": 2.0, "q_1": 1.0, "q_2": -1.0, "Fx": 0.3, "Fy": -2.0}
    for text in (*result["pair_force"], *result["acceleration"], result["pair_potential"]):
        assert float(sympy.sympify(text).subs(values)) == pytest.approx(float(evaluate(parse(text), values)), rel=1e-14)


def test_a_finished_run_is_resumed_without_work(copied_run):
    before = {path: path.stat().st_mtime_ns for path in copied_run.rglob("*")}
    done = limbeck("resume", copied_run)
    assert done.returncode == 0
    assert "finished" in done.stderr
    assert {path: path.stat().st_mtime_ns for path in copied_run.rglob("*")} == before


@pytest.mark.slow
@pytest.mark.parametrize("damage", ["checkpoints/halls_0_1.json", "checkpoints/train_0.limbeck"])
def test_what_is_damaged_is_worked_out_again_to_the_same_law(copied_run, damage):
    """Only the damaged file is made anew; the others are taken as they are."""
    expected = read_result(copied_run)
    path = copied_run / damage
    path.write_bytes(path.read_bytes()[:-40])
    (copied_run / "result.json").write_bytes((copied_run / "result.json").read_bytes()[:-40])
    done = limbeck("resume", copied_run)
    assert done.returncode == 0, done.stderr
    assert "damaged" in done.stderr
    assert law_of(read_result(copied_run)) == law_of(expected)


def test_another_study_is_refused_when_resuming(copied_run):
    (copied_run / "result.json").unlink()
    study = copied_run / "study.toml"
    study.write_text(study.read_text().replace("evaluations = 5000", "evaluations = 6000"))
    done = limbeck("resume", copied_run)
    assert done.returncode == 1
    assert done.stderr.splitlines()[-1] == (
        "limbeck: the study changed since the run was started; start again with --overwrite"
    )


def test_interrupted_and_resumed(tmp_path, finished_run):
    folder = tmp_path / "run"
    process = subprocess.Popen(command(*spring_words(folder, write_study(tmp_path))), stderr=subprocess.PIPE, text=True)
    _wait_for(lambda: '"progress"' in (folder / "events.jsonl").read_text(), process)
    with pytest.raises(InputError, match="another process of limbeck is at work"):
        run_study(Study(system=SystemSource(name="spring", simulations=3)), folder, overwrite=True)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate(timeout=30)
    assert process.returncode == 130
    assert errors.splitlines()[-1] == f"limbeck: interrupted; go on with: limbeck resume {folder}"
    done = limbeck("resume", folder, "--quiet")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert law_of(read_result(folder)) == law_of(read_result(finished_run))


def _wait_for(is_so, process, seconds=120.0):
    """Wait until something is so in the folder of a running process."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and process.poll() is None:
        try:
            if is_so():
                return
        except OSError:
            pass
        time.sleep(0.05)
    raise AssertionError("it did not happen")


@pytest.mark.slow
def test_killed_at_ten_moments_the_law_is_the_same(tmp_path, finished_run):
    """Moments spread over the whole run, by what it has written so far."""
    expected, study = law_of(read_result(finished_run)), write_study(tmp_path)
    lines = (finished_run / "events.jsonl").read_text().count("\n")
    for moment in range(10):
        folder, wanted = tmp_path / f"run{moment}", round((moment + 0.3) * lines / 10)
        process = subprocess.Popen(command(*spring_words(folder, study, "--quiet")))
        _wait_for(lambda f=folder, w=wanted: (f / "events.jsonl").read_text().count("\n") >= w, process)
        process.kill()
        process.wait()
        done = limbeck("resume", folder, "--quiet")
        assert (done.returncode, done.stderr) == (0, ""), moment
        assert law_of(read_result(folder)) == expected, moment
        assert not list(folder.rglob("*.part"))


def test_predicting_with_a_run(finished_run, tmp_path):
    data, out = tmp_path / "states.csv", tmp_path / "predicted.csv"
    save_trajectories(simulate("spring", n_systems=2, n_steps=6, seed=5), data)
    done = limbeck("predict", finished_run, data, "--out", out)
    assert (done.returncode, done.stdout) == (0, "")
    given, found = (list(csv.DictReader(path.read_text().splitlines())) for path in (data, out))
    assert len(given) == len(found) == 2 * 6 * 4
    for before, after in zip(given, found, strict=True):
        assert [before[k] for k in ("simulation", "particle")] == [after[k] for k in ("simulation", "particle")]
        assert float(after["ax"]) == pytest.approx(float(before["ax"]), rel=1e-6, abs=1e-8)


def test_the_time_limit_strikes_and_is_reported(tmp_path):
    folder = tmp_path / "run"
    words = ("--simulations", 12, "--time-limit", 3, "--study", write_study(tmp_path), "--out", folder)
    done = limbeck("discover", "spring", *words)
    assert done.returncode in {0, 3}, done.stderr
    result = read_result(folder)
    assert result["budget_struck"] is True
    assert set(result) >= KEYS
