"""What a command says when it ends early."""

import pytest
import typer

from limbeck.cli._guard import guarded


def interrupt():
    raise KeyboardInterrupt


def ended(folder, capsys):
    with pytest.raises(typer.Exit) as caught:
        guarded(interrupt, folder)
    return caught.value.exit_code, capsys.readouterr().err


def test_a_run_that_left_something_can_be_resumed(tmp_path, capsys):
    (tmp_path / "study.toml").touch()
    assert ended(tmp_path, capsys) == (130, f"limbeck: interrupted; go on with: limbeck resume {tmp_path}\n")


@pytest.mark.parametrize("files", [(), ("study.toml", "result.json")])
def test_an_earlier_run_is_not_offered(tmp_path, capsys, files):
    """With --overwrite the earlier run stays until the new one begins: resuming would give the old law."""
    for name in files:
        (tmp_path / name).touch()
    assert ended(tmp_path, capsys) == (130, "limbeck: interrupted\n")


def test_a_folder_that_can_not_be_looked_at_is_no_traceback(tmp_path, capsys):
    assert ended(tmp_path / (300 * "x"), capsys) == (130, "limbeck: interrupted\n")
    assert ended(None, capsys) == (130, "limbeck: interrupted\n")
