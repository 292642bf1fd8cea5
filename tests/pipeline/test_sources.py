"""Where a study's files are: found from any working directory, kept apart from what a run removes."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from clouds import cloud

from limbeck import simulate
from limbeck._errors import InputError
from limbeck.config import from_toml
from limbeck.pipeline import (
    FileSource,
    RegressionStudy,
    SourceOptions,
    Study,
    SystemSource,
    _discover,
    _regress_run,
    resume_regression,
    resume_study,
    run_regression,
    run_study,
    with_source,
)
from limbeck.pipeline._discover import work_ends
from limbeck.pipeline._folder import Journal
from limbeck.pipeline._run import Run
from limbeck.pipeline._study import trajectories_of
from limbeck.trajectories import save_trajectories, with_attribute


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A working directory with a table, states and who acts on whom; another one beside it."""
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    save_trajectories(simulate("spring", n_systems=3, n_steps=8, seed=0), tmp_path / "here" / "states.csv")
    (tmp_path / "here" / "edges.csv").write_text("sender,receiver\n0,1\n1,0\n")
    (tmp_path / "here" / "table.csv").write_text("s,y\n" + "".join(f"{k},{2 * k + 1}\n" for k in range(20)))
    return tmp_path


def begin(monkeypatch, module, run):
    """Begin a run that is interrupted at once."""

    def interrupted(*_, **__):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(module, "_run", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run()


def test_a_discovery_is_resumed_from_another_directory(place, monkeypatch):
    study = with_source(Study(), "states.csv", SourceOptions(edges="edges.csv"))
    folder = place / "run"
    begin(monkeypatch, _discover, lambda: run_study(study, folder))
    written = from_toml((folder / "study.toml").read_text(), Study)
    assert written.file == FileSource(path=str(place / "here/states.csv"), edges=str(place / "here/edges.csv"))
    monkeypatch.chdir(place / "elsewhere")
    monkeypatch.setattr(_discover, "_run", lambda study, folder, dataset, *_: {"pairs": len(dataset.pairs.first)})
    assert resume_study(folder) == {"pairs": 1}


def test_a_regression_is_resumed_from_another_directory(place, monkeypatch):
    study, folder = RegressionStudy(table="table.csv", target="y"), place / "run"
    begin(monkeypatch, _regress_run, lambda: run_regression(study, folder))
    monkeypatch.chdir(place / "elsewhere")
    monkeypatch.setattr(_regress_run, "_run", lambda study, folder, tabular, *_: {"rows": len(tabular.problem.target)})
    assert resume_regression(folder) == {"rows": 20}


def test_the_options_of_a_written_study_hold_for_its_file_however_it_is_named(place):
    written = Study(file=FileSource(path="states.csv", radius=2.0).located())
    assert with_source(written, "states.csv", SourceOptions()).file.radius == 2.0
    assert with_source(written, "edges.csv", SourceOptions()).file.radius == 0.0


@pytest.mark.parametrize("path", ["", "(in memory)", "solar-system"])
def test_what_is_no_file_has_no_place(path):
    assert FileSource(path=path).located().path == path
    assert FileSource(path=path).files == ()


def test_wrong_input_that_shows_only_in_the_data_keeps_the_run_that_was_there(tmp_path, monkeypatch):
    system = SystemSource(name="spring", simulations=3, steps=20)
    begin(monkeypatch, _discover, lambda: run_study(Study(system=system), tmp_path / "run"))
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(InputError):
        run_study(Study(system=system, hold_out="r<1e-9"), tmp_path / "run", overwrite=True)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["v", "r", "x"])
def test_attributes_in_memory_bear_names_that_equations_can_carry(tmp_path, name):
    t = with_attribute(simulate("spring", n_systems=3, n_steps=20, seed=0), name, np.ones((3, 4)))
    with pytest.raises(InputError, match=f"the trajectories: column '{name}' can't be an attribute"):
        run_study(Study(), tmp_path / "run", trajectories=t)
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("cell", ["", "heavy", "0.5"])
def test_a_column_of_what_is_learned_is_not_looked_at(place, cell):
    pd.read_csv("states.csv").assign(m=cell).to_csv("with-m.csv", index=False)
    for attributes in ((), ("m",)):
        source = FileSource(path="with-m.csv", attributes=attributes)
        assert "m" not in trajectories_of(Study(file=source, learn="m")).attributes


@pytest.mark.parametrize(("limit", "work"), [(10.0, 6.0), (60.0, 36.0), (600.0, 570.0)])
def test_a_part_of_the_time_limit_is_kept_for_the_end(limit, work):
    assert work_ends(limit, 5.0) == 5.0 + work


def test_without_a_limit_there_is_no_end():
    assert work_ends(0.0, 5.0) == float("inf")


def test_a_run_taken_up_again_knows_that_time_ran_out_before(tmp_path):
    (tmp_path / "checkpoints").mkdir()
    begun = Run(study=Study(), folder=tmp_path, journal=Journal(tmp_path, None), deadline=0.0)
    assert begun.is_over()
    again = Run(study=Study(), folder=tmp_path, journal=Journal(tmp_path, None), deadline=float("inf"))
    assert not again.is_over()
    assert again.budget_struck


def test_a_source_in_memory_may_name_paths_and_numbers_of_numpy(tmp_path):
    still = cloud(0, accelerations=np.zeros((9, 8, 4, 2)))
    source = {"path": Path("a/b"), "seed": np.int64(3), "noise": float("nan"), "sizes": (np.float32(0.5), np.arange(2))}
    told = run_study(Study(), tmp_path / "run", trajectories=replace(still, source=source))["source"]
    assert told == {"path": str(Path("a/b")), "seed": 3, "noise": None, "sizes": [0.5, [0, 1]]}


def test_a_source_that_no_result_can_hold_is_refused_before_anything_is_written(tmp_path):
    with pytest.raises(InputError, match=r"source\['made'\] is a function, which result.json can't hold"):
        run_study(Study(), tmp_path / "run", trajectories=replace(cloud(0), source={"made": cloud}))
    assert not (tmp_path / "run").exists()
