"""The folder of a run: what is written there, when, and how a run takes it up again.

A folder is one process's at a time: while a run works there it holds a lock on the
folder's mark, which the operating system lets go when the process ends, however it ends.

A run that is to be overwritten moves into a hidden folder beside the new one's files and goes only when the new run
has its result. It moves into `LEAVING`, which becomes `EARLIER` when everything is in it: a process that is killed on
the way leaves a folder that tells what is whole.
"""

import contextlib
import json
import os
import shutil
import time
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

from limbeck._errors import ArtefactDamaged, ArtefactMismatch, InputError
from limbeck.artefacts import SCHEMA, load_record, read_json, save_record, to_json, write_new, write_whole

MARK = "run.json"
RESULT = "result.json"
STUDY = "study.toml"
EVENTS = "events.jsonl"
CHECKPOINTS = "checkpoints"
INPUTS = "inputs.json"  # among the checkpoints
LEAVING, EARLIER = ".leaving", ".earlier"


@runtime_checkable
class Listener(Protocol):
    """Whoever is told about the progress of a run."""

    def __call__(self, stage: str, name: str, value: Any, /) -> None:
        """Hear of one event: the stage of the run, what happened, and its figure."""
        ...


def check_folder(folder: Path, *, overwrite: bool, inputs: Iterable[Path] = ()) -> None:
    """Refuse a folder that `claim` would refuse, without touching it.

    Args:
        folder: Where a run shall lie.
        overwrite: Whether an earlier run there may be removed.
        inputs: Files that the run reads, none of which may be removed with an earlier run.

    Raises:
        InputError: If it can't be used.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise InputError(f"{folder} is a file; --out needs a folder")
        if folder.is_dir() and any(folder.iterdir()):
            _check_removable(folder, overwrite, inputs)
        parent = next(p for p in (folder, *folder.absolute().parents) if p.exists())
    except OSError as error:
        raise InputError(f"the folder {folder} can't be used: {error.strerror or error}") from error
    if not parent.is_dir():
        raise InputError(f"the folder {folder} can't be made: {parent} is a file")
    if not os.access(parent, os.W_OK | os.X_OK):
        raise InputError(f"the folder {folder} can't be written")


def _check_removable(folder: Path, overwrite: bool, inputs: Iterable[Path]) -> None:
    """Refuse a folder with something in it, unless it is a run of ours that may go with all that lies there."""
    if not overwrite:
        raise InputError(f"the folder {folder} is not empty; choose another, or --overwrite to remove a run of limbeck")
    if not is_run(folder):
        raise InputError(f"the folder {folder} holds no run of limbeck, so --overwrite does not remove it")
    studies = (path for path in folder.rglob("*.toml") if path.name != STUDY)  # whoever wrote them, they are not ours
    for path in (*inputs, *studies):
        if _lies_in(path, folder):
            raise InputError(f"{path} lies in {folder}, which --overwrite empties: move it elsewhere first")


def _lies_in(path: Path, folder: Path) -> bool:
    """Whether a path, or the file that it links to, lies in a folder."""
    places = (path.resolve(), path.parent.resolve() / path.name)
    return any(folder.resolve() in place.parents for place in places)


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


def kind_of(folder: Path) -> str:
    """What kind of run a folder holds, finished or not.

    Args:
        folder: Any folder.

    Returns:
        The kind that its study names; `discovery` where it names none; empty where there is no run.
    """
    places = (folder / STUDY, folder / LEAVING / STUDY, folder / EARLIER / STUDY)  # the others after a kill
    try:
        text = next(filter(Path.exists, places), places[0]).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    try:
        named = tomllib.loads(text).get("kind", "discovery")
    except tomllib.TOMLDecodeError:  # whoever reads the study says what is wrong with it
        named = "discovery"
    return str(named) if is_run(folder) else ""


def finished_result(folder: Path, listener: Listener | None = None) -> dict[str, Any] | None:
    """The result of a finished run; None where there is none, or none that is whole.

    Args:
        folder: Folder of a run.
        listener: Told if it was finished.

    Returns:
        The content of `result.json`, or None.

    Raises:
        ArtefactMismatch: If another version wrote it.
        InputError: If the run is not finished and its folder can't be written, or another process is at work in it.
    """
    if _is_cut(folder):
        with hold(folder):
            _mend(folder)
    try:
        result = read_json(folder / RESULT)
    except (OSError, ArtefactDamaged):  # it is computed again
        if not os.access(folder, os.W_OK):
            raise InputError(f"the folder {folder} can't be written") from None
        return None
    if not isinstance(result, dict) or result.get("schema") != SCHEMA:
        raise ArtefactMismatch(f"{folder / RESULT} has another schema than {SCHEMA}; start again with --overwrite")
    if listener is not None:
        listener("run", "was finished", None)
    return result


@contextlib.contextmanager
def claim(folder: Path, study: str, *, overwrite: bool) -> Iterator[None]:
    """Make a folder for a new run and hold it; wrong input that shows only later leaves it as it was.

    Args:
        folder: Where it shall lie.
        study: Content of the resolved study file.
        overwrite: Whether an earlier run there may be removed, which happens when the new one has ended well.

    Yields:
        Nothing; the folder holds mark, study and an empty folder of checkpoints.

    Raises:
        InputError: If it can't be written, holds something else than a run of ours, or another process has it.
    """
    check_folder(folder, overwrite=overwrite)
    earlier = is_run(folder)
    made = [p for p in (folder, *folder.parents) if not p.exists()]
    try:
        with _writing(folder):
            folder.mkdir(parents=True, exist_ok=True)
            if not earlier:
                write_new(folder / MARK, to_json({"made_by": "limbeck", "schema": SCHEMA}))
        with hold(folder):
            with _writing(folder):
                _set_aside(folder)
            try:
                (folder / CHECKPOINTS).mkdir()
                write_whole(folder / STUDY, study)
                yield
            except InputError:
                _put_back(folder)
                if not earlier:
                    (folder / MARK).unlink()
                raise
            _discard(folder)
    except InputError:
        for path in made:
            with contextlib.suppress(OSError):  # not there, or somebody else put something in
                path.rmdir()
        raise


@contextlib.contextmanager
def _writing(folder: Path) -> Iterator[None]:
    """Say of a folder that can't be written that it is wrong input."""
    try:
        yield
    except FileExistsError as error:
        raise InputError(f"another process began a run in {folder} at this moment") from error
    except OSError as error:
        raise InputError(f"the folder {folder} can't be written: {error.strerror or error}") from error


def _set_aside(folder: Path) -> None:
    """Move everything but the mark of a run out of the way; its result goes first, so that no part looks whole."""
    _mend(folder)
    entries = sorted(_content(folder), key=lambda path: path.name != RESULT)
    if not entries:
        return
    (folder / LEAVING).mkdir()
    try:
        for entry in entries:
            entry.rename(folder / LEAVING / entry.name)
    except OSError:
        _mend(folder)
        raise
    (folder / LEAVING).rename(folder / EARLIER)


def _put_back(folder: Path) -> None:
    """Remove what a new run wrote, and bring back the run that it was to replace, if there was one."""
    _remove(path for path in _content(folder) if path.name != EARLIER)
    _mend(folder)


def _is_cut(folder: Path) -> bool:
    """Whether a process ended while it moved a run, or before it had begun the one that was to follow."""
    return (folder / LEAVING).exists() or ((folder / EARLIER).exists() and not (folder / STUDY).exists())


def _mend(folder: Path) -> None:
    """Bring a run back from which only a beginning was made."""
    if not _is_cut(folder):
        return
    if not (folder / LEAVING).exists():
        _remove(path for path in _content(folder) if path.name != EARLIER)
        (folder / EARLIER).rename(folder / LEAVING)
    for entry in sorted((folder / LEAVING).iterdir(), key=lambda path: path.name == RESULT):
        entry.rename(folder / entry.name)
    (folder / LEAVING).rmdir()


def _discard(folder: Path) -> None:
    """Remove the run that another has replaced."""
    if (folder / EARLIER).exists():
        shutil.rmtree(folder / EARLIER)


def _content(folder: Path) -> list[Path]:
    """Everything in the folder of a run but its mark."""
    return [path for path in folder.iterdir() if path.name not in (MARK, LEAVING)]


def _remove(entries: Iterable[Path]) -> None:
    """Remove files and folders."""
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


@contextlib.contextmanager
def hold(folder: Path) -> Iterator[None]:
    """Keep other processes out of the folder of a run.

    Args:
        folder: The folder; its mark must be there.

    Yields:
        Nothing.

    Raises:
        InputError: If another process holds it.
    """
    try:
        import fcntl
    except ImportError:  # Windows: no such locks, and the rename of whole files still keeps each file intact
        yield
        return
    with _writing(folder):
        opened = (folder / MARK).open("r+b")
    with opened as mark:
        try:
            fcntl.flock(mark, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise InputError(f"another process of limbeck is at work in {folder}: wait for it, or end it") from None
        except OSError:  # a file system without locks
            pass
        yield


@contextlib.contextmanager
def taken_up(folder: Path) -> Iterator[None]:
    """Hold the folder of a run that goes on, without the half-written files of a killed process.

    Args:
        folder: Folder of a run that is not finished.

    Yields:
        Nothing; when the run has ended well, one that it was to replace is removed.

    Raises:
        InputError: If another process holds it.
    """
    with hold(folder):
        for place in (folder, folder / CHECKPOINTS):
            for part in place.glob(".*.part"):
                part.unlink(missing_ok=True)
        (folder / CHECKPOINTS).mkdir(exist_ok=True)
        yield
        _discard(folder)


def check_inputs(folder: Path, now: Mapping[str, str]) -> None:
    """Refuse to go on with other inputs than a run began with; a run that starts keeps what it is given.

    Args:
        folder: Folder of the run.
        now: Hash of each input, by a name for the message.

    Raises:
        ArtefactMismatch: If one changed since the run was started.
    """
    path = folder / CHECKPOINTS / INPUTS
    if not path.exists():
        save_record(path, {}, dict(now))
        return
    _, before = load_record(path)
    for name, value in now.items():
        if before.get(name, value) != value:  # earlier versions kept fewer
            raise ArtefactMismatch(f"the {name} changed since the run was started; start again with --overwrite")


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
