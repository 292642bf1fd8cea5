"""The one way into symbolic regression: a problem in, a hall of fame out."""

import math
import time
from collections.abc import Callable

import numpy as np

from limbeck._errors import BackendFailed, BackendUnavailable, InputError
from limbeck.expressions import Constant

from ._enumerate import search_enumerate
from ._hall_of_fame import HallOfFame, gather
from ._power_law import power_laws
from ._problem import Found, Problem, SearchConfig
from ._pyoperon import pyoperon_operators, pyoperon_version, search_pyoperon
from ._pysr import MISSING, is_installed as pysr_is_installed, pysr_version, search_pysr
from ._stages import Judge, staged
from ._two_powers import two_powers

Engine = Callable[[Problem, SearchConfig, int], Found]
ENGINES: dict[str, Engine] = {
    "pyoperon": search_pyoperon,
    "enumerate": search_enumerate,
    "pysr": search_pysr,
}
ENUMERATE_VERSION = "4"
HELD_OUT = 0.25
NEAR_SHARE = 0.1  # of the time limit, at least, for each kind of near candidates, where the engines have left none


def default_engine() -> str:
    """PyOperon where it is installed, else our own engine."""
    try:
        pyoperon_version()
    except ImportError:
        return "enumerate"
    return "pyoperon"


def check_engine(name: str) -> str:
    """Resolve `auto` and refuse unknown engines.

    Args:
        name: `auto` or an engine's name.

    Returns:
        The name of an engine that is installed.

    Raises:
        InputError: If there is no such engine, or it is not installed.
    """
    if name == "auto":
        return default_engine()
    if name not in ENGINES:
        raise InputError(f"unknown engine {name!r}: choose from auto, {', '.join(ENGINES)}")
    if name == "pyoperon" and default_engine() != "pyoperon":
        raise InputError("the engine 'pyoperon' is not installed here: choose --engine enumerate")
    if name == "pysr" and not pysr_is_installed():
        raise InputError(MISSING)
    return name


def search(problem: Problem, config: SearchConfig, *, engine: str = "auto", seed: int) -> HallOfFame:
    """Find equations for the target of a problem.

    Three quarters of the samples are searched, the rest judge what was found. The
    nearest product of powers, and sums of two, join what the engine finds. The order of the rows says
    nothing. Where the target is constant, or nothing is there to explain it by, the
    answer is a constant and no engine is asked.

    Args:
        problem: Table, target and operators.
        config: How long and how wide to search.
        engine: `auto`, `pyoperon`, `enumerate` or `pysr`.
        seed: Decides the samples and everything random in the engine.

    Returns:
        The best equation at each complexity.

    Raises:
        InputError: If the engine is unknown or the seed is negative.
        BackendFailed: If the engine gave nothing that can be used.
    """
    name = check_engine(engine)
    if seed < 0:
        raise InputError(f"the seed of a search must not be negative; got {seed}")
    # Sorted first, so that the draw hangs on the values alone and not on the order of the rows.
    weights = np.ones(len(problem.target)) if problem.weights is None else problem.weights
    order = np.lexsort((weights, *problem.inputs.T, problem.target))
    order = order[weights[order] > 0]
    order = order[np.random.default_rng(seed).permutation(len(order))]
    cut = max(2, len(order) - max(1, int(HELD_OUT * len(order))))
    searched, heldout = problem.rows(order[:cut]), problem.rows(order[cut:])
    started = time.monotonic()
    found = staged(
        lambda of, how: _run(ENGINES[name], of, how, seed), searched, config, seed, nearest_first=name == "enumerate"
    )
    seconds = time.monotonic() - started
    near = [
        *power_laws(searched, _near_ends(started, config.time_limit)),
        *two_powers(searched, _near_ends(started, config.time_limit)),
    ]
    equations = gather(found.candidates + [(start, 0) for start in near], searched, heldout)
    starts = [*near, *Judge(searched, seed).cheapest(expression for expression, _ in found.candidates)]
    if not equations:
        raise BackendFailed(f"the engine {name!r} found no usable equation for {problem.name!r}")
    return HallOfFame(
        component=problem.name,
        equations=equations,
        engine=name,
        version=_version(name),
        seed=seed,
        evaluations=found.evaluations,
        seconds=seconds,
        out_of_time=found.out_of_time,
        starts=tuple(starts),
        symmetry=found.symmetry,
        operators=pyoperon_operators(problem.operators) if name == "pyoperon" else problem.operators,
    )


def _near_ends(started: float, time_limit: float) -> float:
    """Until when candidates that lie near the target are looked for."""
    return max(started + time_limit, time.monotonic() + NEAR_SHARE * time_limit) if time_limit else math.inf


def _version(name: str) -> str:
    """Version of an engine."""
    return {"pyoperon": pyoperon_version, "pysr": pysr_version}.get(name, lambda: ENUMERATE_VERSION)()


def _run(engine: Engine, problem: Problem, config: SearchConfig, seed: int) -> Found:
    """Ask the engine, if there is something to search for."""
    if not problem.variables or np.ptp(problem.target) == 0:
        return Found([(Constant(float(np.average(problem.target, weights=problem.weights))), 1)], 1, False)
    try:
        return engine(problem, config, seed)
    except BackendUnavailable as error:
        raise InputError(str(error)) from error
