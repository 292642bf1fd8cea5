"""The searches that `regression.py` compares: ours, plain PyOperon and gplearn, one record each.

Every search gets a table, a target, names, a seed and seconds, and gives the equation that it selects and
its front. PyOperon and gplearn select as people do who have a front and held-out samples: the simplest
equation whose held-out loss is within a tenth of the lowest.
"""

import importlib
import importlib.util
import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from jaxtyping import Float

from limbeck._errors import BackendFailed
from limbeck.expressions import Call, Constant, Expression, Variable, complexity, evaluate, simplify
from limbeck.regress import ENGINES, KNOWN_OPERATORS, Problem, SearchConfig, search

Table = Float[np.ndarray, "samples variables"]
Samples = Float[np.ndarray, " samples"]
HELD_OUT = 0.25
WITHIN = 1.1
ROUNDING = 1e-9
THREADS = 2


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What a search gives.

    Attributes:
        selected: The equation that it selects; None where it gives none.
        front: All equations that it offers.
        claimed: Whether it stands behind the selected one; None where it never says.
    """

    selected: Expression | None
    front: tuple[Expression, ...] = ()
    claimed: bool | None = None


def ours(
    table: Table, target: Samples, names: Sequence[str], *, seed: int, budget: float, operators: tuple[str, ...]
) -> Answer:
    """`limbeck.regress`, or what of it there is.

    Args:
        table: One row a sample.
        target: Value at each sample.
        names: Name of each column.
        seed: Decides everything random.
        budget: Seconds; 0 is none.
        operators: Symbols that may be used.

    Returns:
        The equation that it selects and its front.
    """
    regress: Any = importlib.import_module("limbeck.regress")
    known = _known(operators)
    if callable(regress):
        found = regress(table, target, list(names), seed=seed, time_limit=budget, operators=known)
        front = tuple(equation.expression for equation in found.hall_of_fame.front)
        return Answer(selected=found.expression, front=front, claimed=found.verdict == "found")
    problem = Problem(name="y", variables=tuple(names), inputs=table, target=target, operators=known)
    config = SearchConfig(time_limit=budget, threads=THREADS if budget else 1)
    hall = search(problem, config, seed=seed)
    return _selected([(e.expression, e.heldout_loss) for e in hall.front])


def ours_of_vectors(
    table: Table, targets: Table, names: Sequence[str], *, seed: int, budget: float, operators: tuple[str, ...]
) -> list[Answer]:
    """`limbeck.regress.regress_vectors`, or each component on its own with its share of the time.

    Args:
        table: One row a sample.
        targets: One column a component.
        names: Name of each column of the table.
        seed: Decides everything random.
        budget: Seconds for all components together.
        operators: Symbols that may be used.

    Returns:
        One answer for each component.
    """
    regress: Any = importlib.import_module("limbeck.regress")
    if hasattr(regress, "regress_vectors"):
        found = regress.regress_vectors(
            table, targets, list(names), seed=seed, time_limit=budget, operators=_known(operators)
        )
        return [Answer(selected=e, front=(e,), claimed=found.verdict == "found") for e in found.expressions]
    share = budget / targets.shape[1]
    return [ours(table, y, names, seed=seed + k, budget=share, operators=operators) for k, y in enumerate(targets.T)]


def plain_pyoperon(
    table: Table, target: Samples, names: Sequence[str], *, seed: int, budget: float, operators: tuple[str, ...]
) -> Answer:
    """PyOperon alone: its Pareto front of error and length until the time is over.

    Args:
        table: One row a sample.
        target: Value at each sample.
        names: Name of each column.
        seed: Decides everything random.
        budget: Seconds.
        operators: Symbols that may be used.

    Returns:
        The equation that is selected on its front.
    """
    problem = Problem(name="y", variables=tuple(names), inputs=table, target=target, operators=_known(operators))
    cut, order = _split(len(target), seed)
    searched = replace(problem, inputs=table[order[:cut]], target=target[order[:cut]])
    config = SearchConfig(evaluations=1_000_000_000, time_limit=budget, threads=THREADS)
    try:
        found = ENGINES["pyoperon"](searched, config, seed)
    except BackendFailed:
        return Answer(selected=None)
    return _judged([simplify(e) for e, _ in found.candidates], table[order[cut:]], target[order[cut:]], names)


def gplearn(
    table: Table, target: Samples, names: Sequence[str], *, seed: int, budget: float, operators: tuple[str, ...]
) -> Answer:
    """Gplearn with its default population, a generation at a time until the time is over.

    Args:
        table: One row a sample.
        target: Value at each sample.
        names: Name of each column.
        seed: Decides everything random.
        budget: Seconds.
        operators: Symbols that may be used; it has no powers but by products.

    Returns:
        The equation that is selected among the best of each generation.
    """
    from gplearn.functions import make_function
    from gplearn.genetic import SymbolicRegressor

    def bounded_exp(x: Samples) -> Samples:
        with np.errstate(all="ignore"):
            return np.exp(np.minimum(x, 50.0))

    exponential = make_function(function=bounded_exp, name="exp", arity=1)
    kinds = {"+": "add", "-": "sub", "*": "mul", "/": "div", "exp": exponential}
    kinds |= {name: name for name in ("log", "sqrt", "sin", "cos")}
    functions = [kinds[symbol] for symbol in operators if symbol in kinds]
    cut, order = _split(len(target), seed)
    started, best = time.monotonic(), []
    engine = SymbolicRegressor(
        generations=1, function_set=functions, warm_start=True, random_state=seed, n_jobs=1, metric="mse"
    )
    while time.monotonic() - started < budget:
        engine.fit(table[order[:cut]], target[order[:cut]])
        best.append(simplify(_translated(list(engine._program.program), names)))
        engine.set_params(generations=engine.generations + 1)
    return _judged(list(dict.fromkeys(best)), table[order[cut:]], target[order[cut:]], names)


def has_gplearn() -> bool:
    """Whether gplearn is installed.

    Returns:
        True if it can be imported.
    """
    return importlib.util.find_spec("gplearn") is not None


METHODS: dict[str, Callable[..., Answer]] = {"ours": ours, "pyoperon": plain_pyoperon, "gplearn": gplearn}


def _known(operators: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the operators that this version of the search knows."""
    return tuple(symbol for symbol in operators if symbol in KNOWN_OPERATORS)


def _split(size: int, seed: int) -> tuple[int, Any]:
    """How many samples are searched, and the order in which they are drawn."""
    return size - round(HELD_OUT * size), np.random.default_rng(seed).permutation(size)


def _judged(equations: list[Expression], table: Table, target: Samples, names: Sequence[str]) -> Answer:
    """Select by the loss on held-out samples."""
    columns = dict(zip(names, table.T, strict=True))
    judged = []
    for equation in equations:
        value = np.broadcast_to(np.asarray(evaluate(equation, columns), dtype=float), target.shape)
        with np.errstate(all="ignore"):
            loss = float(np.sqrt(np.mean((value - target) ** 2)) / np.std(target))
        if math.isfinite(loss):
            judged.append((equation, loss))
    return _selected(judged)


def _selected(judged: list[tuple[Expression, float]]) -> Answer:
    """The simplest equation whose loss is within a tenth of the lowest."""
    if not judged:
        return Answer(selected=None)
    lowest = min(loss for _, loss in judged)
    near = [equation for equation, loss in judged if loss <= WITHIN * lowest + ROUNDING]
    return Answer(selected=min(near, key=complexity), front=tuple(equation for equation, _ in judged))


def _translated(program: list[Any], names: Sequence[str]) -> Expression:
    """A program of gplearn, functions before their arguments; what it protects is taken as it is."""
    node = program.pop(0)
    if isinstance(node, int | np.integer):
        return Variable(names[int(node)])
    if isinstance(node, float | np.floating):
        return Constant(float(node))
    args = tuple(_translated(program, names) for _ in range(node.arity))
    if node.name in ("sqrt", "log"):
        args = (Call("abs", args),)
    return Call(node.name, args)
