"""Templates of pages, which share macros, style and banner."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib.resources import files
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Banner:
    """What a page says at once.

    Attributes:
        kind: A class of the style sheet.
        title: The verdict in words.
        reasons: Why.
        notes: What else has to be known at once.
    """

    kind: str
    title: str
    reasons: tuple[str, ...]
    notes: tuple[str, ...]


def render_page(template: str, facts: Mapping[str, Any]) -> str:
    """Fill a template; a fact that it asks for and that is missing is an error.

    Args:
        template: Its name.
        facts: What the template shows.

    Returns:
        HTML without scripts that needs no other file.
    """
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    environment = Environment(
        loader=FunctionLoader(_text), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    return environment.get_template(template).render(**facts)


def _text(name: str) -> str:
    """Text of a template."""
    return files("limbeck.report").joinpath(name).read_text(encoding="utf-8")
