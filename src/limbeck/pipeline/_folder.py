"""The folder of a run: what is written there, when, and how a run takes it up again."""

import json
import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from limbeck._errors import ArtefactMismatch, InputError
from limbeck.artefacts import SCHEMA, read_json, to_json, write_whole

MARK = "run.json"
RESULT = "result.json"
STUDY = "study.toml"
EVENTS = "events.jsonl"
CHECKPOINTS = "checkpoints"

Listener = Callable[[str, str, Any], None]  # stage, name, value


def prepare_folder(folder: Path, *, overwrite: bool) -> Path:
    """Make an empty folder for a run.

    Args:
        folder: Where it shall lie.
        overwrite: Whether an earlier run there may be removed.

    Returns:
        The folder.

    Raises:
        InputError: If it can't be written, or holds something else than a run of ours.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder} is a file; --out needs a folder")
        if folder.exists() and any(folder.iterdir()):
            _remove_run(folder, overwrite)
        (folder / CHECKPOINTS).mkdir(parents=True, exist_ok=True)
        write_whole(folder / MARK, to_json({"made_by": "limbeck", "schema": SCHEMA}))
    except OSError as error:
        raise InputError(f"the folder {folder} can't be written: {error.strerror or error}") from error
    return folder


def check_folder(folder: Path, *, overwrite: bool) -> None:
    """Refuse a folder that `prepare_folder` would refuse, without touching it.

    Args:
        folder: Where a run shall lie.
        overwrite: Whether an earlier run there may be removed.

    Raises:
        InputError: If it can't be used.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder} is a file; --out needs a folder")
    if folder.is_dir() and any(folder.iterdir()):
        if not overwrite:
            raise InputError(f"the folder {folder} is not empty; choose another, or --overwrite to remove a run of limbeck")
        if not is_run(folder):
            raise InputError(f"the folder {folder} holds no run of limbeck, so --overwrite does not remove it")
    parent = next(p for p in (folder, *folder.resolve().parents) if p.exists())
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"the folder {folder} can't be written")


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run of limbeck.

    Args:
        folder: Any folder.

    Returns:
        True if our mark stands in it.
    """
    try:
        return read_json(folder / MARK).get("made_by") == "limbeck"
    except (OSError, ArtefactMismatch, AttributeError):
        return False


def _remove_run(folder: Path, overwrite: bool) -> None:
    """Remove an earlier run, and only that; the mark goes last."""
    check_folder(folder, overwrite=overwrite)
    for entry in sorted(folder.iterdir(), key=lambda path: path.name == MARK):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


class Journal:
    """Events of a run, one JSON line each, and to whoever listens."""

    def __init__(self, folder: Path, listener: Listener | None) -> None:
        """Take up a journal; a line that a killed process left half-written goes."""
        self.path = folder / EVENTS
        self.listener = listener
        if self.path.exists():
            whole = [line for line in self.path.read_text(errors="replace").splitlines(True) if _is_whole(line)]
            write_whole(self.path, "".join(whole))

    def note(self, stage: str, name: str, value: Any) -> None:
        """Write one event.

        Args:
            stage: Stage of the run.
            name: What happened.
            value: A JSON value.
        """
        event = {"time": round(time.time(), 3), "stage": stage, "name": name, "value": value}
        with self.path.open("a") as file:
            file.write(json.dumps(event, allow_nan=False) + "\n")
        if self.listener is not None:
            self.listener(stage, name, value)


def _is_whole(line: str) -> bool:
    """Whether a line of the journal is complete."""
    try:
        return line.endswith("\n") and isinstance(json.loads(line), dict)
    except ValueError:
        return False
