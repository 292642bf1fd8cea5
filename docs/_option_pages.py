"""Writes reference tables of options and settings from the code itself, so that the two cannot drift apart."""

import dataclasses
import inspect
import re
from pathlib import Path
from typing import Any


def options_page() -> str:
    """One table of options for each command of the command line.

    Returns:
        Markdown.
    """
    from typer.main import get_command

    from limbeck.cli import app

    lines: list[str] = []
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined] - a group, by construction
        arguments = [p for p in command.params if p.param_type_name == "argument"]
        options = [p for p in command.params if p.param_type_name == "option"]
        usage = " ".join(p.name.upper() for p in arguments)
        lines += [f"## `limbeck {name}{' ' + usage if usage else ''}`", "", inspect.cleandoc(command.help or ""), ""]
        lines += [f"- `{p.name.upper()}`: {p.help}" for p in arguments] + [""]
        if options:
            lines += ["| option | meaning |", "|---|---|"]
            lines += [f"| `{'`, `'.join(p.opts)}` | {_cell(_meaning(p))} |" for p in options] + [""]
    return "\n".join(lines)


def _meaning(option: Any) -> str:
    """Help of an option, with what it is when not given."""
    if option.required:
        return f"{option.help} Required."
    shown = option.default is not None and option.default is not False and "[" not in option.help
    return f"{option.help} Default {option.default}." if shown else option.help


def _cell(text: str) -> str:
    """Text that does not end a cell of a table."""
    return text.replace("|", "\\|")


def study_page() -> str:
    """Every setting of a study, with its default and its meaning.

    Returns:
        Markdown.
    """
    from limbeck.pipeline import Study

    return "\n".join(_settings(Study(), "", "At the top"))


def regression_study_page() -> str:
    """Every setting of a regression of a table, with its default and its meaning.

    Returns:
        Markdown.
    """
    from limbeck.pipeline import RegressionStudy

    return "\n".join(_settings(RegressionStudy(), "", "At the top, for a regression"))


def train_study_page() -> str:
    """Every setting of a training, with its default and its meaning.

    Returns:
        Markdown.
    """
    from limbeck.pipeline import TrainStudy

    return "\n".join(_settings(TrainStudy(), "", "At the top, for a training"))


def distil_study_page() -> str:
    """Every setting of a distillation, with its default and its meaning.

    Returns:
        Markdown.
    """
    from limbeck.pipeline import DistilStudy

    return "\n".join(_settings(DistilStudy(), "", "At the top, for a distillation"))


def _settings(record: Any, path: str, top: str) -> list[str]:
    """A table of a record's own settings, then those of the records in it."""
    meanings = documented(type(record).__doc__ or "")
    values = {field.name: getattr(record, field.name) for field in dataclasses.fields(record)}
    plain = {name: value for name, value in values.items() if not dataclasses.is_dataclass(value)}
    title = f"## `[{path}]`" if path else f"## {top}"
    lines = [title, "", "| key | default | meaning |", "|---|---|---|"]
    lines += [f"| `{name}` | `{_literal(value)}` | {_cell(meanings[name])} |" for name, value in plain.items()] + [""]
    for name, value in values.items():
        if dataclasses.is_dataclass(value):
            lines += _settings(value, f"{path}.{name}" if path else name, top)
    return lines


def _literal(value: Any) -> str:
    """A default as it stands in TOML."""
    from limbeck.config import to_toml

    record = dataclasses.make_dataclass("Record", ["value"])(value)
    return to_toml(record).partition("=")[2].strip() if not isinstance(value, dict) else "{}"


def documented(doc: str) -> dict[str, str]:
    """Meanings in the `Attributes:` section of a Google-style docstring.

    Args:
        doc: The docstring.

    Returns:
        Meaning by name.
    """
    section = re.search(r"^Attributes:\n((?:[ ]+.*\n?|\n)+)", inspect.cleandoc(doc) + "\n", re.MULTILINE)
    entries = re.findall(r"^ {4}(\w+):((?:.*\n(?: {8}.*\n)*))", section.group(1), re.MULTILINE) if section else []
    return {name: " ".join(text.split()) for name, text in entries}


def write_option_pages(target: Path) -> None:
    """Write the tables; only those whose text changed.

    Args:
        target: Folder of the pages.
    """
    pages = {
        "_options.md": options_page(),
        "_study.md": study_page(),
        "_regression_study.md": regression_study_page(),
        "_train_study.md": train_study_page(),
        "_distil_study.md": distil_study_page(),
    }
    for name, text in pages.items():
        path = target / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
