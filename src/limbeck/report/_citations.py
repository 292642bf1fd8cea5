"""Which works a run stands on, and how to repeat it."""

import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from limbeck.regress import HallOfFame

CITATIONS = {
    "method": (
        "M. Cranmer, A. Sanchez-Gonzalez, P. Battaglia, R. Xu, K. Cranmer, D. Spergel and S. Ho (2020), "
        "“Discovering Symbolic Models from Deep Learning with Inductive Biases”, "
        "Advances in Neural Information Processing Systems 33, arXiv:2006.11287. The method."
    ),
    "pyoperon": (
        "B. Burlacu, G. Kronberger and M. Kommenda (2020), “Operon C++: An Efficient Genetic Programming Framework "
        "for Symbolic Regression”, GECCO '20 Companion, pages 1562–1570, doi:10.1145/3377929.3398099. "
        "The engine of the symbolic regression (PyOperon)."
    ),
    "pysr": (
        "M. Cranmer (2023), “Interpretable Machine Learning for Science with PySR and SymbolicRegression.jl”, "
        "arXiv:2305.01582. The engine of the symbolic regression."
    ),
}


def citations(halls: Iterable[HallOfFame]) -> tuple[str, ...]:
    """Works to cite for a run.

    Args:
        halls: What was searched.

    Returns:
        The method, then the engines that searched.
    """
    engines = sorted({hall.engine.lower() for hall in halls})
    return (CITATIONS["method"], *(CITATIONS[engine] for engine in engines if engine in CITATIONS))


def source_name(source: object) -> str:
    """What the data are called.

    Args:
        source: `source` of `result.json`: a mapping or a path.

    Returns:
        Name of the system, or the path; empty if neither is known.
    """
    if isinstance(source, Mapping):
        found = next((source[key] for key in ("system", "path", "object", "name") if source.get(key)), "")
        return str(found)
    return "" if source is None else str(source)


def commands(result: Mapping[str, Any]) -> tuple[str, ...]:
    """What repeats a run: command lines or, where its data were in memory, lines of Python.

    Args:
        result: Content of `result.json`.

    Returns:
        The command as it was given, if known, and the one that starts from the resolved study file.
    """
    source = result.get("source")
    if isinstance(source, Mapping) and source.get("in_memory"):
        return (
            "from limbeck.config import from_toml",
            'study = from_toml(open("study.toml").read(), limbeck.Study)',
            'limbeck.discover(trajectories, "NEW_FOLDER", study=study)',
        )
    given = result.get("command")
    given = shlex.join(map(str, given)) if isinstance(given, list | tuple) else given
    name = source_name(source) or "SOURCE"
    training = (result.get("network") or {}).get("training")
    job = f"distil {shlex.quote(str(training))}" if training else f"discover {shlex.quote(name)}"
    study = f"limbeck {job} --study study.toml --out NEW_FOLDER"
    return (str(given), study) if given else (study,)
