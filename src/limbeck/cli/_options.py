"""Options as people type them, into what the house understands."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

Record = TypeVar("Record", bound=Any)  # a dataclass whose fields all have defaults


def check_time_limit(seconds: float | None) -> None:
    """Refuse a limit that leaves no time."""
    from limbeck._errors import InputError

    if seconds is not None and not seconds > 0:
        raise InputError(f"--time-limit must be a positive number of seconds; got {seconds}")


def study_of(path: Path | None, kind: type[Record], settings: Mapping[str, object]) -> Record:
    """A study from a file, if any, and the options that were given."""
    from dataclasses import replace

    from limbeck._errors import InputError
    from limbeck.config import from_toml

    study = kind()
    if path is not None:
        try:
            study = from_toml(path.read_text(), kind, str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"the study {path} can't be read: {error}") from error
    return replace(study, **{name: value for name, value in settings.items() if value is not None})


def names(text: str | None) -> tuple[str, ...] | None:
    """Split a list of names."""
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


def numbers(text: str | None, option: str) -> tuple[float, ...] | None:
    """Split a list of numbers."""
    from limbeck._errors import InputError

    try:
        return None if text is None else tuple(float(part) for part in text.split(","))
    except ValueError:
        raise InputError(f"{option} expects numbers separated by commas; got {text!r}") from None


def operator_symbols(text: str | None) -> tuple[str, ...] | None:
    """Split a list of operators, which commas or blanks may separate."""
    return None if text is None else tuple(text.replace(",", " ").split())


def renames(pairs: list[str] | None) -> dict[str, str] | None:
    """Read OLD=NEW pairs; several may stand in one, separated by commas."""
    from limbeck._errors import InputError

    if not pairs:
        return None
    found = {}
    for pair in (part for text in pairs for part in text.split(",")):
        old, equals, new = pair.partition("=")
        if not (equals and old.strip() and new.strip()):
            raise InputError(f"--rename expects OLD=NEW, got {pair!r}")
        found[old.strip()] = new.strip()
    return found


def check_new_file(out: Path, overwrite: bool) -> None:
    """Refuse a file of trajectories that can't be written, or is there already."""
    from limbeck._errors import InputError
    from limbeck.trajectories import check_target

    check_target(out)
    if out.exists() and not overwrite:
        raise InputError(f"{out} exists; choose another name or --overwrite")
