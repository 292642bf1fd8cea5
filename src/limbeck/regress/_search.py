"""The one way into symbolic regression: a problem in, a hall of fame out."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from limbeck._errors import BackendFailed, BackendUnavailable, InputError
from limbeck.expressions import Constant, Expression, complexity, free_constants, simplify

from ._climb import unit_price
from ._enumerate import search_enumerate
from ._hall_of_fame import HallOfFame, gather
from ._inner_constants import EXACT, form_of
from ._noise_level import NoiseTest
from ._power_law import power_laws
from ._problem import Found, Problem, SearchConfig
from ._pyoperon import pyoperon_operators, pyoperon_version, search_pyoperon
from ._pysr import MISSING, is_installed as pysr_is_installed, pysr_version, search_pysr
from ._reduce import reduced
from ._sample import draw, fitted, loss_of
from ._two_powers import two_powers

Engine = Callable[[Problem, SearchConfig, int], Found]
ENGINES: dict[str, Engine] = {
    "pyoperon": search_pyoperon,
    "enumerate": search_enumerate,
    "pysr": search_pysr,
}
ENUMERATE_VERSION = "2"
HELD_OUT = 0.25
SHORT = 12.0  # complexity of an equation that needs no second look
NEAR = 10  # a search for what is near has one of so many evaluations
NEAR_SHARE, REDUCING_SHARE, REDUCED_SHARE = 0.1, 0.3, 0.85  # of the time: until that, for symmetries, for few variables
STARTS = 8  # cheapest equations of a search that are handed on beside the best of each size
JUDGED = 3  # equations that are looked at to see whether a search in fewer variables is enough
FITTING_STEPS = 20


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
    found = _found(ENGINES[name], searched, config, seed)
    seconds = time.monotonic() - started
    near = [*power_laws(searched), *two_powers(searched)]
    equations = gather(found.candidates + [(start, 0) for start in near], searched, heldout)
    starts = [*near, *_cheapest([expression for expression, _ in found.candidates], searched, seed)]
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
        operators=pyoperon_operators(problem.operators) if name == "pyoperon" else problem.operators,
    )


def _cheapest(expressions: Sequence[Expression], problem: Problem, seed: int) -> list[Expression]:
    """The equations with the shortest description.

    Where there is noise, the best of each size is one with many numbers in it, which hide a law without any.

    Returns:
        A few, the cheapest first, no form twice.
    """
    sample, unit = draw(problem, len(problem.target), seed), unit_price(len(problem.target))
    cheapest: dict[Expression, tuple[float, Expression]] = {}
    for expression in dict.fromkeys(map(simplify, expressions)):
        numbers = len(free_constants(expression))
        cost = math.log(max(loss_of(expression, sample), EXACT)) + unit * (complexity(expression) + numbers)
        form = form_of(expression)
        cheapest[form] = min(cheapest.get(form, (math.inf, expression)), (cost, expression), key=lambda item: item[0])
    return [expression for _, expression in sorted(cheapest.values(), key=lambda item: item[0])[:STARTS]]


def _found(engine: Engine, problem: Problem, config: SearchConfig, seed: int) -> Found:
    """Ask the engine for what is near, then in fewer variables where symmetries allow that, then for all it has.

    What explains all ends the search.

    Returns:
        What all of that found.
    """
    started = time.monotonic()

    def asked(of: Problem, evaluations: int, share: float) -> Found:
        left = config.time_limit and max(share * config.time_limit - (time.monotonic() - started), 0.1)
        return _run(engine, of, replace(config, evaluations=max(evaluations, 1), time_limit=left), seed)

    def enough(found: Found, largest: float = math.inf) -> Found | None:
        law = _explaining([expression for expression, _ in found.candidates], problem, config, seed, largest)
        return None if law is None else found._replace(candidates=[*found.candidates, (law, 0)])

    near = Found([], 0, False)
    if engine is search_enumerate:  # what is smallest first finds what is near in no time
        near = asked(problem, config.evaluations // NEAR, NEAR_SHARE)
    told = enough(near, SHORT)  # what is longer and fits to noise may stand for a shorter law
    if told is not None:
        return told
    smaller = reduced(problem, seed, REDUCING_SHARE * config.time_limit)
    if smaller is None:
        return _joined(asked(problem, config.evaluations, 1.0), near)
    inner = asked(smaller.problem, config.evaluations, REDUCED_SHARE)
    lifted = inner._replace(candidates=[(smaller.lifted(expression), size) for expression, size in inner.candidates])
    told = enough(lifted)
    if told is not None:
        return _joined(told, near)
    return _joined(asked(problem, config.evaluations, 1.0), lifted, near)


def _joined(last: Found, *before: Found) -> Found:
    """What several searches found; the last one says whether time ran out."""
    candidates = [candidate for found in (last, *before) for candidate in found.candidates]
    return Found(candidates, last.evaluations + sum(found.evaluations for found in before), last.out_of_time)


def _explaining(
    expressions: Sequence[Expression], problem: Problem, config: SearchConfig, seed: int, largest: float
) -> Expression | None:
    """One of the cheapest equations that, refitted, leaves nothing over, or what looks like noise and is not large."""
    sample = draw(problem, len(problem.target), seed)
    unit = unit_price(len(problem.target))
    judged = [(math.log(max(loss_of(e, sample), EXACT)) + unit * complexity(e), k) for k, e in enumerate(expressions)]
    for _, k in sorted(judged)[:JUDGED]:
        law, loss = fitted(expressions[k], sample, FITTING_STEPS)
        is_noise = not config.past_noise and complexity(law) <= largest and NoiseTest(sample).passes(law)
        if loss < EXACT or is_noise:
            return law
    return None


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
