"""`limbeck train` and `limbeck messages` from outside: what is written, taken up again, and refused."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
from report.well_formed import read
from runs import here, read_result, spring_words, write_study

import limbeck
from limbeck._errors import ArtefactMismatch
from limbeck.pipeline import SystemSource, TrainStudy, _train_run, read_run, resume_training, run_training
from limbeck.trajectories import to_frame

SMALL = ("--simulations", 12, "--steps", 500, "--width", 16, "--batch-size", 32, "--quiet")
STUDY = TrainStudy(system=SystemSource(name="spring", simulations=12), model="kl", width=16, steps=500, batch_size=32)
KINDS = {"kind": ("heavy", "light")}
FILES = {"result.json", "messages.json", "messages.html", "study.toml", "events.jsonl"}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished training of two seeds; not to be changed."""
    folder = tmp_path_factory.mktemp("train") / "run"
    done = here("train", "spring", "--seeds", 2, "--out", folder, *SMALL)
    assert (done.exit_code, done.output) == (0, "")
    return folder


def test_a_folder_holds_networks_result_and_page(trained):
    result = read_result(trained)
    assert {path.name for path in trained.iterdir()} >= FILES
    assert not list(trained.rglob("*.part"))
    assert (result["schema"], result["kind"], result["status"]) == (1, "training", "finished")
    assert result["model"]["size"] == "bottleneck"
    assert (result["model"]["message_dim"], result["kept"]) == (2, [2, 2])
    assert result["test_loss"]["value"] > 0
    assert [network["label"] for network in result["messages"]["networks"]] == ["seed 0", "seed 1"]
    assert result["messages"] == json.loads((trained / "messages.json").read_text())
    assert read((trained / "messages.html").read_text())  # well formed


def test_messages_are_read_again_to_the_same_figures(trained):
    before = (trained / "messages.json").read_text()
    (trained / "messages.json").unlink()
    done = here("messages", trained)
    assert done.exit_code == 0, done.output
    assert "against force: R²" in done.stdout
    assert (trained / "messages.json").read_text() == before


def test_a_tracker_follows_a_training_and_its_resume(tmp_path):
    folder = tmp_path / "run"
    words = ("train", "spring", "--simulations", 12, "--steps", 500, "--width", 16, "--quiet")
    done = here(*words, "--track", "tensorboard", "--out", folder)
    assert done.exit_code == 0, done.output
    (events,) = (folder / "tensorboard").iterdir()
    assert b"train/error" in events.read_bytes()
    (folder / "result.json").unlink()
    assert here("resume", folder, "--quiet").exit_code == 0
    assert (folder / "result.json").exists()


@pytest.mark.slow
def test_messages_of_a_discovery(tmp_path):
    folder = tmp_path / "run"
    done = here(*spring_words(folder, write_study(tmp_path), "--quiet"))
    assert done.exit_code in (0, 3), done.output
    assert read_run(folder)["force_known"]
    assert (folder / "messages.html").exists()


class _Stop:
    """Interrupts after some chunks."""

    def __call__(self, stage, name, value):
        if stage == "train" and name == "progress" and value["done"] == 1:
            raise KeyboardInterrupt


@pytest.mark.slow
@pytest.mark.parametrize("model", ["kl", "flathgn"])
def test_an_interrupted_training_goes_on_to_the_same_networks(tmp_path, monkeypatch, model):
    monkeypatch.setattr(_train_run, "CHECKPOINT_SECONDS", 0.0)
    study = replace(STUDY, model=model)
    whole = run_training(study, tmp_path / "whole")
    with pytest.raises(KeyboardInterrupt):
        run_training(study, tmp_path / "cut", listener=_Stop())
    cut = resume_training(tmp_path / "cut")
    same = ("validation_errors", "test_loss", "kept", "messages")
    assert [whole[name] for name in same] == [cut[name] for name in same]
    assert resume_training(tmp_path / "cut") == cut  # finished: only its result


def test_a_training_does_not_go_on_by_another_recipe(tmp_path, trained):
    cut = tmp_path / "cut"
    shutil.copytree(trained, cut)
    (cut / "result.json").unlink()
    study = (cut / "study.toml").read_text()
    assert "learning_rate = 0.0" in study
    (cut / "study.toml").write_text(study.replace("learning_rate = 0.0", "learning_rate = 0.5"))
    with pytest.raises(ArtefactMismatch, match="the study changed since the run was started"):
        resume_training(cut)


def test_without_a_known_law_no_force_is_claimed(tmp_path):
    frame = to_frame(limbeck.simulate("spring", n_systems=12, n_steps=200, every=10))
    frame["kind"] = np.where(frame["m"] > 1, "heavy", "light")
    frame[frame.index % 50 > 0].to_csv(tmp_path / "data.csv", index=False)  # some particles are missing at times
    (tmp_path / "edges.csv").write_text("sender,receiver\n0,1\n1,0\n2,3\n3,2\n0,2\n2,0\n")
    columns = ("--species", "kind", "--units", "x=AU", "--edges", tmp_path / "edges.csv", "--allow-gaps")
    done = here("train", tmp_path / "data.csv", "--out", tmp_path / "run", *SMALL[2:], *columns)
    assert done.exit_code == 0, done.output
    _, dataset, _ = _train_run.trained_members(tmp_path / "run")
    t = dataset.trajectories
    assert (t.categories, t.units["x"], len(t.edges.senders), t.present.all()) == (KINDS, "AU", 6, False)
    messages = read_result(tmp_path / "run")["messages"]
    assert not messages["force_known"]
    assert messages["networks"][0]["chosen"] is None


def test_a_region_is_held_out_of_a_training_and_named_in_its_record(tmp_path, trained):
    folder = tmp_path / "run"
    done = here("train", "spring", "--hold-out", "r<0.5", "--out", folder, *SMALL[:2], "--steps", 200, *SMALL[4:])
    assert (done.exit_code, done.output) == (0, "")
    found = read_result(folder)["hold_out"]
    assert found["region"] == "r<0.5"
    assert min(found[place]["particles"] for place in ("held_out", "in_range")) > 0
    assert found["in_range"]["network"]["median"] > 0
    assert found["in_range"]["law"] is None
    assert read_result(trained)["hold_out"] is None
    # Whoever reads the networks again must not see the region either.
    _, dataset, _ = _train_run.trained_members(folder)
    assert str(dataset.hold_out) == "r<0.5"


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("spring", "--hold-out", "r=1"), "--hold-out expects a name, < or > and a number"),
        (("spring", "--model", "flat"), "unknown model 'flat'"),
        (("spring", "--preset", "book"), "unknown preset 'book'"),
        (("spring", "--bias", "translation,rotation"), "bias rotation fixes messages"),
        (("spring", "--bias", "third-law"), "rests on translation"),
        (("spring", "--pruning", "linear"), "go with the model 'pruning'"),
        (("spring", "--model", "pruning", "--pruning", "square"), "unknown pruning schedule 'square'"),
        (("spring", "--preset", "dimension"), "goes with the model 'pruning'"),
        (("spring", "--penalties", "1"), "only l1 and kl have a penalty"),
        (("spring", "--penalties", "a,b", "--model", "l1"), "expects numbers"),
        (("spring", "--steps", "-3"), "must not be negative"),
        (("damped", "--model", "flathgn"), "not conservative: friction"),
        (("discontinuous", "--model", "flathgn"), "not conservative: its force is not the slope"),
        (("spring", "--model", "flathgn", "--message-dim", "2"), "means nothing for 'flathgn'"),
        (("spring", "--inertia", "m"), "goes with the model 'flathgn'"),
        (("spring", "--seeds", "0"), "must be at least 1"),
        (("spring", "--radius", "2", "--allow-gaps"), "go with files, not with"),
        (("nowhere.csv",), "there is no file nowhere.csv"),
        (("spring", "--ignore", "m"), "goes with files"),
    ],
)
def test_wrong_options_are_refused_and_nothing_is_written(tmp_path, words, message):
    done = here("train", *words, "--out", tmp_path / "run", "--quiet")
    assert done.exit_code == 2
    assert message in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_messages_refuse_what_has_none(tmp_path):
    done = here("messages", tmp_path)
    assert (done.exit_code, "no run of limbeck" in done.stderr) == (2, True)


def test_a_training_is_no_law(trained):
    with pytest.raises(limbeck.InputError, match="a training of networks, not a law"):
        limbeck.load(trained)
