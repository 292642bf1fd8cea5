"""PySR behind the house's interface: the field's standard, where Julia is installed.

PySR runs in Julia, which its first import fetches; both come with the extra
`pysr` and an open network, or with a Julia that is there already. What this file
does in Python (options, constructor, equations read back) is tested against the
installed package's signature; the search itself needs Julia. Options map one to one:

| here | in PySR |
|---|---|
| operators | `binary_operators`, `unary_operators` |
| evaluations | `max_evals`, and `niterations` high enough not to end before |
| population | `population_size` times `populations` |
| max_complexity | `maxsize` |
| constant_steps | `optimizer_iterations` |
| time_limit | `timeout_in_seconds` |
| seed | `random_state` with `deterministic` and `parallelism="serial"` |
| weights | `weights` of `fit` |

Threads are not passed on: PySR repeats for a seed only when it runs serially.
"""

import importlib
import importlib.util
import math
import re
import tempfile
import time
from importlib.metadata import version
from types import ModuleType
from typing import Any

import numpy as np

from limbeck._errors import BackendFailed, BackendUnavailable, InputError
from limbeck.expressions import Expression, parse, rename

from ._problem import COMPARISONS, Found, Problem, SearchConfig

BINARY = {"+": "+", "-": "-", "*": "*", "/": "/", "^": "^", "min": "min", "max": "max"}
COMPARED = {"<": "less", "<=": "less_equal", ">": "greater", ">=": "greater_equal"}
UNARY = ("exp", "log", "sqrt", "sin", "cos", "tanh", "abs")
SMALLEST_SIZE = 7  # PySR takes no smaller `maxsize`
PER_POPULATION = 27  # PySR's own number of equations in each of its populations
MANY = 1_000_000_000  # iterations: the evaluations end the search
MISSING = "the engine 'pysr' needs the extra (pip install 'limbeck[pysr]') and Julia, fetched at its first import"


def search_pysr(problem: Problem, config: SearchConfig, seed: int) -> Found:
    """Search with PySR; needs Julia.

    Args:
        problem: What to explain.
        config: How long and how wide to search.
        seed: Seed of the engine.

    Returns:
        PySR's hall of fame with its complexities.

    Raises:
        BackendUnavailable: If PySR or Julia is missing.
        BackendFailed: If it failed, or gave no equation that can be read.
    """
    module = _imported()
    names = tuple(f"v{k}" for k in range(len(problem.variables)))  # PySR refuses names that SymPy has taken
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        try:
            regressor = module.PySRRegressor(**options(problem, config, seed), output_directory=folder)
            regressor.fit(
                np.array(problem.inputs, dtype=float),
                np.array(problem.target, dtype=float),
                weights=None if problem.weights is None else np.array(problem.weights, dtype=float),
                variable_names=list(names),
            )
        except Exception as error:
            raise BackendFailed(f"PySR failed on {problem.name!r}: {error}") from error
    candidates = _read(regressor.equations_, names, problem.variables)
    if not candidates:
        raise BackendFailed(f"PySR found no equation for {problem.name!r}")
    return Found(candidates, config.evaluations, 0 < config.time_limit <= time.monotonic() - started)


def pysr_version() -> str:
    """Version of the installed PySR."""
    return version("pysr")


def is_installed() -> bool:
    """Whether the Python side is there; Julia is looked for when a search begins."""
    return importlib.util.find_spec("pysr") is not None


def options(problem: Problem, config: SearchConfig, seed: int) -> dict[str, Any]:
    """Arguments of `PySRRegressor`.

    Args:
        problem: Gives the operators.
        config: How long and how wide to search.
        seed: Seed of the engine.

    Returns:
        Keyword arguments.
    """
    binary, unary = _operators(problem.operators)
    size = min(config.population, PER_POPULATION)
    return {
        "binary_operators": binary,
        "unary_operators": unary,
        "niterations": MANY,
        "max_evals": config.evaluations,
        "population_size": max(2, size),
        "populations": max(1, math.ceil(config.population / PER_POPULATION)),
        "tournament_selection_n": max(1, min(15, size - 1)),
        "maxsize": max(SMALLEST_SIZE, config.max_complexity),
        "optimizer_iterations": config.constant_steps,
        "timeout_in_seconds": config.time_limit or None,
        "random_state": seed,
        "deterministic": True,
        "parallelism": "serial",
        "precision": 64,
        "progress": False,
        "verbosity": 0,
    }


def _operators(operators: tuple[str, ...]) -> tuple[list[str], list[str]]:
    """PySR's names of operators, binary and unary."""
    binary = [BINARY[symbol] for symbol in operators if symbol in BINARY]
    binary += [COMPARED[symbol] for symbol in operators if symbol in COMPARISONS]
    binary += ["cond"] if "IF" in operators else []
    return binary, [symbol for symbol in operators if symbol in UNARY]


def _imported() -> ModuleType:
    """The package, which starts Julia; `BackendUnavailable` where either is missing."""
    try:
        return importlib.import_module("pysr")
    except Exception as error:
        raise BackendUnavailable(f"{MISSING}: {type(error).__name__}: {error}") from error


def _read(table: Any, names: tuple[str, ...], variables: tuple[str, ...]) -> list[tuple[Expression, int]]:
    """PySR's table of equations as expressions; what can't be read is left out."""
    found = []
    for text, size in zip(table["equation"], table["complexity"], strict=True):
        try:
            expression = parse(translated(str(text)), names)
        except InputError:
            continue
        found.append((rename(expression, dict(zip(names, variables, strict=True))), int(size)))
    return found


def translated(text: str) -> str:
    """PySR's words for comparisons and conditionals in ours.

    Args:
        text: An equation as PySR writes it.

    Returns:
        The same with `greater(a, b)` as `IF(a > b, 1, 0)`, and `cond(a, b)` as `IF(a > 0, b, 0)`.

    Raises:
        InputError: If a bracket is missing.
    """
    for word, sign in (("less_equal", "<="), ("less", "<"), ("greater_equal", ">="), ("greater", ">")):
        text = _rewritten(text, word, "IF(({}) " + sign + " ({}), 1, 0)")
    return _rewritten(text, "cond", "IF(({}) > 0, {}, 0)")


def _rewritten(text: str, word: str, form: str) -> str:
    """The text with every call of a function of two arguments in another form, the innermost first."""
    calls = list(re.finditer(rf"\b{word}\(", text))
    for call in reversed(calls):
        start, comma, end = call.end(), 0, 0
        depth = 1
        for at in range(start, len(text)):
            depth += {"(": 1, ")": -1}.get(text[at], 0)
            if text[at] == "," and depth == 1:
                comma = at
            if depth == 0:
                end = at
                break
        if not (start < comma < end):
            raise InputError(f"{word!r} needs two arguments in {text!r}")
        whole = form.format(text[start:comma].strip(), text[comma + 1 : end].strip())
        text = text[: call.start()] + whole + text[end + 1 :]
    return text
