"""The folder of a run that replaces another: nothing whole is lost, and nothing in pieces is taken for whole."""

import contextlib
from pathlib import Path

import pytest

from limbeck._errors import InputError
from limbeck.artefacts import to_json
from limbeck.pipeline import kind_of
from limbeck.pipeline._folder import check_folder, claim, finished_result, taken_up

MARK = to_json({"made_by": "limbeck", "schema": 1})
FILES = {
    "run.json": MARK,
    "study.toml": 'kind = "regression"\n',
    "result.json": to_json({"schema": 1, "verdict": "found"}),
    "checkpoints/halls.json": "old",
    "predicted.csv": "mine",
}


class Killed(BaseException):
    """What ends a process at one moment."""


def made(folder, files=FILES):
    """A folder with a run."""
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def content(folder):
    """Every file of a folder with its text."""
    return {str(path.relative_to(folder)): path.read_text() for path in sorted(folder.rglob("*")) if path.is_file()}


def replaced(folder, error=None):
    """Run something else in the folder."""
    with claim(folder, "new", overwrite=True):
        (folder / "checkpoints" / "inputs.json").write_text("new")
        if error is not None:
            raise error
        (folder / "result.json").write_text(to_json({"schema": 1, "verdict": "not found"}))


@pytest.fixture
def run(tmp_path):
    return made(tmp_path / "run")


def test_wrong_input_leaves_the_earlier_run_as_it_was(run):
    before = content(run)
    with pytest.raises(InputError, match="no state"):
        replaced(run, InputError("no state is left"))
    assert content(run) == before
    assert {path.name for path in run.iterdir()} == {name.partition("/")[0] for name in FILES}


def test_wrong_input_leaves_no_new_folder(tmp_path):
    with pytest.raises(InputError, match="no state"):
        replaced(tmp_path / "new" / "run", InputError("no state is left"))
    assert not list(tmp_path.iterdir())


def test_a_run_that_ended_well_replaces_the_earlier_one(run):
    replaced(run)
    assert set(content(run)) == {"run.json", "study.toml", "result.json", "checkpoints/inputs.json"}
    assert finished_result(run) == {"schema": 1, "verdict": "not found"}


def test_the_earlier_run_waits_until_an_interrupted_one_has_been_resumed(run):
    before = content(run)
    with pytest.raises(KeyboardInterrupt):
        replaced(run, KeyboardInterrupt())
    assert finished_result(run) is None
    assert content(run / ".earlier") == {name: text for name, text in before.items() if name != "run.json"}
    with taken_up(run):
        assert (run / ".earlier").exists()
    assert not (run / ".earlier").exists()
    assert (run / "study.toml").read_text() == "new"


def test_wrong_input_after_an_interrupted_run_brings_both_back(run):
    with pytest.raises(KeyboardInterrupt):
        replaced(run, KeyboardInterrupt())
    before = content(run)
    with pytest.raises(InputError):
        replaced(run, InputError("no state is left"))
    assert content(run) == before


@pytest.mark.parametrize("error", [None, InputError("no state is left")])
@pytest.mark.parametrize("moment", range(10))
def test_killed_at_any_move_one_of_the_runs_is_whole(run, moment, error, monkeypatch):
    before, moves, rename = content(run), iter(range(moment)), Path.rename

    def move(path, target):
        if next(moves, None) is None:
            raise Killed
        return rename(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "rename", move)
        with contextlib.suppress(Killed, InputError):
            replaced(run, error)
    assert not (run / "result.json").exists() or kind_of(run) in ("regression", "discovery")
    result, after = finished_result(run), content(run)
    if result is None:  # the new run had begun, and the earlier one waits
        assert content(run / ".earlier") | {"run.json": MARK} == before
    else:
        assert after == before if result["verdict"] == "found" else not (run / ".earlier").exists()


@pytest.mark.parametrize(
    ("study", "kind"),
    [
        ('seed = 1\nkind = "training"\n', "training"),
        ('kind="training"\n', "training"),
        ('seed = 1\n\n[file.rename]\nkind = "m"\n', "discovery"),
        ("seed = \n", "discovery"),
    ],
)
def test_the_kind_of_a_run_is_what_its_study_says(run, study, kind):
    """And not what a column of that name was renamed to, which had made finished runs unreadable."""
    (run / "study.toml").write_text(study)
    assert kind_of(run) == kind


@pytest.mark.parametrize("is_link", [False, True])
def test_a_file_that_the_run_reads_is_not_removed_with_the_earlier_one(run, tmp_path, is_link):
    (run / "mine.csv").write_text("x,y\n")
    path = run / "mine.csv"
    if is_link:
        path = tmp_path / "link.csv"
        path.symlink_to(run / "mine.csv")
    with pytest.raises(InputError, match=r"link.csv|mine.csv lies in .*run, which --overwrite empties"):
        check_folder(run, overwrite=True, inputs=(path,))
    check_folder(run, overwrite=True, inputs=(tmp_path / "other.csv",))


def test_a_study_of_the_users_is_not_removed_with_the_earlier_run(run):
    (run / "mine.toml").write_text("seed = 3")
    with pytest.raises(InputError, match=r"mine.toml lies in"):
        check_folder(run, overwrite=True)
