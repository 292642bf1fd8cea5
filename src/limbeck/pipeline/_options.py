"""From a source and options, as people give them, to a study."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from limbeck._errors import InputError
from limbeck.simulate import find_system, systems

from ._study import CUSTOM, IN_MEMORY, SOLAR_SYSTEM, FileSource, Study, SystemSource

FILE_ENDINGS = (".csv", ".parquet", ".pq", ".nc", ".nc4", ".h5", ".txt", ".tsv", ".dat", ".json")


@dataclass(frozen=True, kw_only=True)
class SourceOptions:
    """Options of where the data come from; None where one was not given.

    Attributes:
        dim: Dimension of space of a system.
        nodes: Number of particles of a system.
        simulations: Number of simulations of a system.
        potential: Pair potential of `custom`.
        dt: Time between states of `custom`.
        steps: States of a simulation of `custom`.
        softening: Softening of `custom`.
        rename: New name by column of a file.
        attributes: Columns of a file to use as attributes.
        ignore: Columns of a file to leave out.
        species: Text columns of a file to take as categories.
        per: Column of a file whose labels each have one value of a learned property.
        units: Units of a file's columns.
        edges: File of edges.
        radius: Largest distance at which pairs of a file interact.
        allow_gaps: Whether times of a file may differ and particles be missing.
        shared_particles: Whether a particle's name means one object in every simulation.
    """

    dim: int | None = None
    nodes: int | None = None
    simulations: int | None = None
    potential: str | None = None
    dt: float | None = None
    steps: int | None = None
    softening: float | None = None
    rename: Mapping[str, str] | None = None
    attributes: tuple[str, ...] | None = None
    ignore: tuple[str, ...] | None = None
    species: tuple[str, ...] | None = None
    per: str | None = None
    units: str | None = None
    edges: str | None = None
    radius: float | None = None
    allow_gaps: bool | None = None
    shared_particles: bool | None = None


SYSTEM_OPTIONS = ("dim", "nodes", "simulations")
CUSTOM_OPTIONS = ("potential", "dt", "steps", "softening")
FILE_OPTIONS = tuple(f.name for f in fields(FileSource) if f.name != "path")


def with_source(study: Study, source: str | Path, options: SourceOptions) -> Study:
    """Point a study at a source.

    Args:
        study: Settings of everything else.
        source: A built-in system, `custom`, `solar-system` (its masses are learned), or the path of a file.
        options: How it is simulated or read.

    Returns:
        The study with its source.

    Raises:
        InputError: If the source is unknown, or an option does not go with it.
    """
    given = {name: value for name, value in vars(options).items() if value is not None}
    text = str(source)
    if text == CUSTOM:
        _refuse(given, FILE_OPTIONS, "files", text)
        return _with_system(study, CUSTOM, given)
    if text == SOLAR_SYSTEM:
        _refuse(given, (*SYSTEM_OPTIONS, *CUSTOM_OPTIONS, *FILE_OPTIONS), "other sources", text)
        return replace(study, file=FileSource(path=text), system=SystemSource(), learn=study.learn or "m")
    if text != IN_MEMORY and not _is_path(text):
        _refuse(given, CUSTOM_OPTIONS, "the source custom", text)
        _refuse(given, FILE_OPTIONS, "files", text)
        return _with_system(study, find_system(text).name, given)
    _refuse(given, (*SYSTEM_OPTIONS, *CUSTOM_OPTIONS), "systems that limbeck simulates", text)
    if text == IN_MEMORY:
        _refuse(given, FILE_OPTIONS, "files", "trajectories in memory")
    elif not _exists(text):
        raise InputError(f"there is no file {text}; built-in systems are {', '.join(systems())} and custom")
    return replace(study, file=_file(study.file, text, given), system=SystemSource())


def _file(earlier: FileSource, path: str, given: Mapping[str, Any]) -> FileSource:
    """A file and how to read it; what a study says of this file stays where no option says else."""
    if given.get("radius") == 0:  # in a study file 0 stands for any
        raise InputError("the radius must be a positive length; got 0")
    if given.get("attributes") == ():  # and no name for every column
        raise InputError("--attributes names no column; leave it out to use every numeric column that is left")
    kept = {name: dict(value) if name == "rename" else value for name, value in given.items()}
    source = FileSource(path=path)
    if earlier.path in ("", path) or earlier.located().path == source.located().path:
        source = replace(earlier, path=path)
    return replace(source, **kept)


def _exists(text: str) -> bool:
    """Whether there is such a file; a name that no file can have is none."""
    try:
        return Path(text).exists()
    except (OSError, ValueError):
        return False


def _with_system(study: Study, name: str, given: Mapping[str, object]) -> Study:
    """A study of a simulated system; its options are checked here, before any work."""
    for option in ("nodes", "steps", "dt"):
        if given.get(option) == 0:  # in a study file 0 stands for the system's own
            raise InputError(f"--{option} must be positive; got 0")
    earlier = study.system if study.system.name in ("", name) else SystemSource()
    chosen = replace(study, system=replace(earlier, name=name, **given), file=FileSource())  # type: ignore[arg-type]
    chosen.system.check()
    n_nodes = chosen.system.nodes or chosen.system.definition().default_nodes
    chosen.check_pairs(n_nodes * (n_nodes - 1) // 2)
    chosen.bias_plan(chosen.system.dim)
    return chosen


def _is_path(text: str) -> bool:
    """Whether a source looks like, or is, a file rather than the name of a system."""
    if text in systems() or text in ("1/r", "1/r2", "1/r^2"):
        return False
    return _exists(text) or text.lower().endswith(FILE_ENDINGS) or "/" in text or "\\" in text


def _refuse(given: Mapping[str, object], names: tuple[str, ...], owner: str, source: str) -> None:
    """Refuse options that belong to another kind of source."""
    stray = [name for name in names if name in given]
    if stray:
        spelt = ", ".join(f"--{name.replace('_', '-')}" for name in stray)
        raise InputError(f"{spelt} {'go' if len(stray) > 1 else 'goes'} with {owner}, not with {source!r}")
