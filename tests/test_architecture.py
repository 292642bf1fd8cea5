"""The rules of the house that no linter knows. Layers are kept by `lint-imports`, see pyproject.toml."""

import ast
import dataclasses
import importlib
import inspect
import pkgutil
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "limbeck"
sys.path.insert(0, str(ROOT / "docs"))

from _api_pages import api_page, exported_names, public_packages  # noqa: E402 - docs/ is no package

PACKAGES = public_packages(SOURCE)
SOURCE_FILES = sorted(SOURCE.rglob("*.py"))
OWN_FILES = sorted(p for d in ("src", "tests", "benchmarks", "examples", "docs") for p in (ROOT / d).rglob("*.py"))


def runtime_exports(package):
    """Public names that a package really offers, modules left out."""
    values = vars(importlib.import_module(package))
    return {name for name, value in values.items() if not name.startswith("_") and not inspect.ismodule(value)}


def public_dataclasses(package):
    module = importlib.import_module(package)
    values = (getattr(module, name) for name in exported_names(SOURCE, package))
    return [value for value in values if inspect.isclass(value) and dataclasses.is_dataclass(value)]


def documented_attributes(doc):
    """Names in the `Attributes:` section of a Google-style docstring."""
    match = re.search(r"^Attributes:\n((?:[ ]+.*\n?|\n)+)", inspect.cleandoc(doc), re.MULTILINE)
    return re.findall(r"^ {4}(\w+)(?: \(.*\))?:", match.group(1), re.MULTILINE) if match else []


def names_set_in_config(tree):
    """First arguments of `jax.config.update(...)`; an assignment to `jax.config` shows as an attribute's name."""
    calls = [
        n for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "attr", "") == "update" and n.args
    ]
    updated = {getattr(call.args[0], "value", None) for call in calls}
    assigned = {t.attr for n in ast.walk(tree) if isinstance(n, ast.Assign) for t in n.targets if hasattr(t, "attr")}
    return updated | assigned


@pytest.mark.parametrize("path", OWN_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_is_longer_than_400_lines(path):
    assert len(path.read_text().splitlines()) <= 400


@pytest.mark.parametrize("path", SOURCE_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_file_is_a_drawer_for_leftovers(path):
    assert path.stem.strip("_") not in {"utils", "helpers", "common", "misc", "base"}


@pytest.mark.parametrize("path", SOURCE_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_source_never_evaluates_text_or_switches_precision(path):
    tree = ast.parse(path.read_text())
    calls = [n.func for n in ast.walk(tree) if isinstance(n, ast.Call)]
    names = {f.id for f in calls if isinstance(f, ast.Name)}
    # A method may be called `eval`; SymPy's parsers are methods of a module.
    methods = {f.attr for f in calls if isinstance(f, ast.Attribute)}
    imported = {a.name.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.Import) for a in n.names}
    imported |= {n.module.split(".")[0] for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) and n.module}
    assert not names & {"eval", "exec", "sympify", "parse_expr"}
    assert not methods & {"sympify", "parse_expr"}
    assert not imported & {"pickle", "cloudpickle", "dill", "shelve", "marshal"}
    assert "jax_enable_x64" not in names_set_in_config(tree)


@pytest.mark.parametrize("path", SOURCE_FILES, ids=lambda p: str(p.relative_to(ROOT)))
def test_only_the_command_line_prints(path):
    if path.stem in {"cli", "__main__"} or "cli" in path.parts:
        return
    tree = ast.parse(path.read_text())
    assert not [n.lineno for n in ast.walk(tree) if isinstance(n, ast.Call) and getattr(n.func, "id", "") == "print"]


def test_import_is_light_and_changes_nothing():
    script = """
import logging, sys
import jax
flags = dict(jax.config.values)
handlers = list(logging.getLogger().handlers)
import limbeck
heavy = ["matplotlib", "pandas", "sympy", "pyoperon", "torch", "pysr", "juliacall", "sklearn", "diffrax"]
assert not [m for m in heavy if m in sys.modules], [m for m in heavy if m in sys.modules]
assert dict(jax.config.values) == flags, "a JAX flag was set"
assert logging.getLogger().handlers == handlers and not logging.getLogger("limbeck").handlers, "a log handler was added"
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("package", PACKAGES)
def test_a_package_is_a_table_of_contents(package):
    tree = ast.parse((SOURCE.parent / Path(*package.split(".")) / "__init__.py").read_text())
    names = {t.id for n in ast.walk(tree) if isinstance(n, ast.Assign) for t in n.targets if isinstance(t, ast.Name)}
    assert "__all__" not in names, "the re-exports are the one list of public names"
    assert not [n.name for n in tree.body if isinstance(n, ast.ClassDef)]
    starred = [a for n in ast.walk(tree) if isinstance(n, ast.ImportFrom) for a in n.names if a.name == "*"]
    assert not starred


@pytest.mark.parametrize("package", PACKAGES)
def test_reference_lists_every_public_name(package):
    """What a package offers when it runs is what its reference page shows, and each name is documented."""
    shown = set(re.findall(r"^\.\. auto\w+:: (\w+)$", api_page(SOURCE, package), re.MULTILINE))
    exported = set(exported_names(SOURCE, package))
    assert shown == exported
    module = importlib.import_module(package)
    for name in sorted(exported):
        assert hasattr(module, name), f"{package}.{name} is listed and not there"
        value = getattr(module, name)
        assert not callable(value) or inspect.getdoc(value), f"{package}.{name} has no docstring"
    if package != "limbeck":  # the root may load its names late
        assert runtime_exports(package) == exported


@pytest.mark.parametrize("package", PACKAGES)
def test_documented_attributes_are_the_fields(package):
    classes = public_dataclasses(package)
    documented = {cls.__name__: documented_attributes(cls.__doc__ or "") for cls in classes}
    fields = {c.__name__: [f.name for f in dataclasses.fields(c) if not f.name.startswith("_")] for c in classes}
    assert documented == fields


def test_every_stage_is_importable_as_a_package():
    found = {f"limbeck.{m.name}" for m in pkgutil.iter_modules([str(SOURCE)]) if m.ispkg and not m.name.startswith("_")}
    assert found <= set(PACKAGES)


@pytest.mark.user_error
def test_users_meet_our_errors_and_not_the_type_hook():
    """The second test call runs without the hook; under it this would be a TypeCheckError."""
    from limbeck.trajectories import Trajectories

    states = np.zeros((1, 5, 2, 2))
    with pytest.raises(ValueError, match=r"velocities: expected shape \(1, 5, 2, 2\), got \(1, 5, 2, 3\)"):
        Trajectories(
            times=np.zeros((1, 5)),
            positions=states,
            velocities=np.zeros((1, 5, 2, 3)),
            accelerations=states,
            present=np.ones((1, 5, 2), dtype=bool),
        )
