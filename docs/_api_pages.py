"""Writes the pages of the API reference from the re-exports, so that there is one list of public names and not two."""

import ast
import importlib
import inspect
from pathlib import Path
from types import GenericAlias

DIRECTIVES = (
    (lambda value: inspect.isclass(value) and issubclass(value, BaseException), "autoexception"),
    (lambda value: isinstance(value, GenericAlias), "autodata"),  # dict[str, float] is callable, yet no function
    (inspect.isclass, "autoclass"),
    (lambda value: type(value).__module__.startswith("typer"), "autodata"),  # the application is callable, too
    (callable, "autofunction"),
)
HIDDEN = "__init__, set_fit_request, set_score_request"  # the last two are scikit-learn's own


def public_packages(source: Path) -> list[str]:
    """Names of the root package and of every stage that has code, in the order of the layers' names.

    Args:
        source: The folder of the root package.

    Returns:
        Dotted package names.
    """
    stages = sorted(p.parent.name for p in source.glob("*/__init__.py") if not p.parent.name.startswith("_"))
    return [source.name, *(f"{source.name}.{stage}" for stage in stages)]


def exported_names(source: Path, package: str) -> list[str]:
    """Names that a package re-exports as `from ._file import Name as Name`.

    Args:
        source: The folder of the root package.
        package: Dotted name of the package.

    Returns:
        The names, in the order of the file.
    """
    tree = ast.parse((source.parent / Path(*package.split(".")) / "__init__.py").read_text())
    imports = (node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom))
    return [alias.name for node in imports for alias in node.names if alias.asname == alias.name]


def directive(value: object) -> str:
    """Sphinx directive that documents a value.

    Args:
        value: Any public object.

    Returns:
        The directive's name.
    """
    return next((name for claim, name in DIRECTIVES if claim(value)), "autodata")


def api_page(source: Path, package: str) -> str:
    """Text of the reference page of a package.

    Args:
        source: The folder of the root package.
        package: Dotted name of the package; it is imported.

    Returns:
        Markdown with one autodoc directive a public name.
    """
    module = importlib.import_module(package)
    lines = [f"# `{package}`", "", (inspect.getdoc(module) or "").split("\n\n")[0], "", "```{eval-rst}"]
    lines += [f".. py:currentmodule:: {package}", ""]
    for name in exported_names(source, package):
        kind = directive(getattr(module, name))
        members = ["   :members:", f"   :exclude-members: {HIDDEN}"] if kind == "autoclass" else []
        # The root lends names of the stages; their own page is the one that links lead to.
        index = ["   :no-index:"] if package == source.name and _is_of_a_stage(getattr(module, name)) else []
        lines += [f".. {kind}:: {name}", *members, *index, ""]
    return "\n".join([*lines, "```", ""])


def _is_of_a_stage(value: object) -> bool:
    """Whether a value is defined in a stage, and not in a module of the root."""
    parts = (getattr(value, "__module__", "") or "").split(".")
    return len(parts) > 1 and not parts[1].startswith("_")


def write_api_pages(source: Path, target: Path) -> None:
    """Write one page a package and an index.

    Args:
        source: The folder of the root package.
        target: Folder of the pages; made if missing. Only pages whose text changed are written.
    """
    target.mkdir(parents=True, exist_ok=True)
    packages = public_packages(source)
    pages = {f"{package}.md": api_page(source, package) for package in packages}
    listing = "\n".join(["# Python API", "", "```{toctree}", ":maxdepth: 1", "", *packages, "```", ""])
    for name, text in {**pages, "index.md": listing}.items():
        path = target / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)
    for stale in set(target.glob("*.md")) - {target / name for name in [*pages, "index.md"]}:
        stale.unlink()
