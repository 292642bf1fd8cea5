"""`limbeck distil` from outside: a small training becomes a law; what is no training is refused."""

import shutil

import numpy as np
import pytest
from runs import accelerations_by_sympy, here, law_of, read_result

import limbeck
from limbeck._errors import ArtefactMismatch
from limbeck.artefacts import load_record, save_record
from limbeck.pipeline import DistilStudy, _distil_run, resume_distillation

FILES = {"result.json", "report.html", "equations.csv", "events.jsonl", "study.toml", "checkpoints"}
SEARCH = "[search]\nevaluations = 3000\n"


@pytest.fixture(scope="module")
def training(tmp_path_factory):
    """A small training of springs; not to be changed."""
    folder = tmp_path_factory.mktemp("distil") / "training"
    words = ("--simulations", 30, "--steps", 400, "--width", 32, "--batch-size", 64, "--quiet")
    done = here("train", "spring", "--out", folder, *words)
    assert (done.exit_code, done.output) == (0, "")
    return folder


@pytest.fixture(scope="module")
def law(training):
    """The folder of its law; not to be changed."""
    folder, study = training.parent / "law", training.parent / "small.toml"
    study.write_text(SEARCH)
    done = here("distil", training, "--out", folder, "--study", study, "--quiet")
    assert (done.exit_code, done.output) == (0, "")
    return folder


def test_a_training_becomes_a_law_in_physical_terms(law):
    result = read_result(law)
    assert {path.name for path in law.iterdir()} >= FILES
    assert (result["schema"], result["verdict"], result["recovered"]) == (1, "found", True)
    assert result["network"]["model"] == "bottleneck"
    assert np.shape(result["network"]["to_force"]) == (2, 2)
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(2, 3, 2))
    attributes = {"m": rng.lognormal(size=3), "q": rng.normal(size=3)}
    expected = limbeck.simulate.accelerations(
        limbeck.systems()["spring"], x[None], v[None], {name: a[None] for name, a in attributes.items()}
    )[0]
    np.testing.assert_allclose(accelerations_by_sympy(result, x, v, attributes), expected, rtol=1e-6)


def test_the_law_loads_and_predicts(law, tmp_path):
    found = limbeck.load(law)
    assert found.found
    assert "radial" in found.hall_of_fame
    limbeck.save_trajectories(limbeck.simulate("spring", n_systems=2, n_steps=6, seed=9), tmp_path / "new.csv")
    done = here("predict", law, tmp_path / "new.csv", "--out", tmp_path / "a.csv")
    assert done.exit_code == 0, done.output


def test_a_region_that_the_network_saw_is_kept_from_the_equations(training, tmp_path):
    """Read as the searches read it, without a search."""
    read = _distil_run._read(DistilStudy(training=str(training), hold_out="r<0.5"))
    assert read.hold_out == "r<0.5"
    assert len(read.dataset.train) < len(_distil_run._read(DistilStudy(training=str(training))).dataset.train)
    study = DistilStudy(training=str(training), hold_out="r<0.5")
    assert _distil_run._origin(study, read)["hold_out"] is None


def test_a_region_of_the_training_is_kept_and_no_other_taken(training, tmp_path):
    folder = tmp_path / "held-out"
    shutil.copytree(training, folder)
    path = folder / "study.toml"
    path.write_text(path.read_text().replace('hold_out = ""', 'hold_out = "r<0.5"'))
    read = _distil_run._read(DistilStudy(training=str(folder)))
    assert read.hold_out == "r<0.5" == _distil_run._origin(DistilStudy(), read)["hold_out"]
    done = here("distil", folder, "--hold-out", "r<0.3", "--out", tmp_path / "law")
    assert done.exit_code == 2
    assert "the training held r<0.5 out" in done.stderr


@pytest.mark.slow
def test_an_interrupted_distillation_goes_on_to_the_same_law(law, tmp_path):
    again = tmp_path / "again"
    shutil.copytree(law, again)
    (again / "result.json").unlink()
    assert law_of(resume_distillation(again)) == law_of(read_result(law))


@pytest.mark.parametrize(("changed", "named"), [("networks", "training"), ("member", "network")])
def test_equations_of_one_network_are_not_put_together_with_another(law, tmp_path, monkeypatch, changed, named):
    again = tmp_path / "again"
    shutil.copytree(law, again)
    (again / "result.json").unlink()
    if changed == "networks":  # the training was made anew in its place
        monkeypatch.setattr(_distil_run, "networks_digest", lambda folder: "another")
    else:
        inputs = load_record(again / "checkpoints" / "inputs.json")[1]
        save_record(again / "checkpoints" / "inputs.json", {}, {**inputs, "network": "1"})
    with pytest.raises(ArtefactMismatch, match=f"the {named} changed since the run was started"):
        resume_distillation(again)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: shutil.rmtree(folder), "holds no run of limbeck"),
        (lambda folder: (folder / "study.toml").write_text(""), "holds a discovery, not a training"),
        (lambda folder: (folder / "result.json").unlink(), "is not finished"),
        (lambda folder: (folder / "checkpoints" / "networks.limbeck").write_bytes(b"x"), "no whole checkpoint"),
        (lambda folder: (folder / "checkpoints" / "networks.limbeck").unlink(), "are gone"),
    ],
)
def test_what_is_no_whole_training_is_refused_and_nothing_is_written(training, tmp_path, spoil, message):
    copy = tmp_path / "copy"
    shutil.copytree(training, copy)
    spoil(copy)
    done = here("distil", copy, "--out", tmp_path / "law", "--quiet")
    assert (done.exit_code, len(done.stderr.splitlines())) == (2, 1), done.output
    assert message in done.stderr
    assert not (tmp_path / "law").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--member", 7), "there is no number 7"),
        (("--member", -2), "member must be"),
        (("--engine", "oven"), "unknown engine"),
        (("--time-limit", 0), "--time-limit must be"),
    ],
)
def test_wrong_options_are_refused(training, tmp_path, words, message):
    done = here("distil", training, "--out", tmp_path / "law", "--quiet", *words)
    assert done.exit_code == 2
    assert message in done.stderr
    assert not (tmp_path / "law").exists()


def test_the_training_itself_is_never_overwritten(training):
    for out in (training, training.parent):
        done = here("distil", training, "--out", out, "--overwrite", "--quiet")
        assert done.exit_code == 2
    assert (training / "result.json").exists()


def test_the_function_refuses_the_same(tmp_path):
    with pytest.raises(limbeck.InputError, match="no run of limbeck"):
        limbeck.distil(tmp_path, study=DistilStudy(seed=1))
