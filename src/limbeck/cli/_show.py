"""What a command shows: lines, progress, and the result in the end."""

from pathlib import Path
from typing import Any

import typer

from ._guard import FOUND, NOT_FOUND


def say(quiet: bool, text: str) -> None:
    """Print unless told to be quiet."""
    if not quiet:
        typer.echo(text)


def progress_display(quiet: bool) -> Any:
    """A live display of a run."""
    from limbeck._display import RunDisplay

    return RunDisplay(quiet)


def count_display(quiet: bool, title: str) -> Any:
    """A progress bar for counted work."""
    from limbeck._display import CountDisplay

    return CountDisplay(quiet, title)


def conclude(result: dict[str, Any], folder: Path, quiet: bool) -> int:
    """Print the law and the verdict; choose the exit code."""
    if not quiet:
        from limbeck._display import print_regression, print_result

        (print_regression if result.get("kind") == "regression" else print_result)(result, folder)
    return FOUND if result["verdict"] == "found" else NOT_FOUND
