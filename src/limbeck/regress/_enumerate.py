"""An engine of our own that runs everywhere: every small tree, none twice.

Trees over the variables are listed by size; a tree whose values on the samples
are a multiple of those of a smaller one is dropped; slope and offset of each
are solved exactly. Deterministic, and exhaustive up to the size that its budget
reaches. Constants inside a tree are found later, when the law is refined.
"""

import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from limbeck._types import Samples
from limbeck.expressions import Call, Constant, Expression, Variable

from ._problem import Found, Problem, SearchConfig

MOST_SAMPLES = 300
KEEP = 8  # best trees kept of each size
LARGEST = 9
FUNCTIONS = ("log", "sqrt", "sin", "cos", "tanh", "abs")  # names of operators, of ours and of NumPy's alike
BINARY = {"+": "add", "-": "sub", "*": "mul", "/": "div"}


class _Tree(NamedTuple):
    """A tree with its values on the samples."""

    expression: Expression
    values: Samples


def search_enumerate(problem: Problem, config: SearchConfig, seed: int) -> Found:
    """List small trees and keep the best of each size.

    Args:
        problem: What to explain.
        config: Only the number of trees that are listed (`evaluations`) and the time limit are used.
        seed: Decides which samples are looked at where there are many.

    Returns:
        The best trees with slope and offset, each with its size.
    """
    started = time.monotonic()
    rows = np.random.default_rng(seed).permutation(len(problem.target))[:MOST_SAMPLES]
    target = problem.target[rows]
    leaves = [_Tree(Variable(name), problem.inputs[rows, k]) for k, name in enumerate(problem.variables)]
    seen: set[bytes] = set()
    sizes: dict[int, list[_Tree]] = {1: [leaf for leaf in leaves if _is_new(leaf.values, seen)]}

    def too_late() -> bool:
        return 0 < config.time_limit <= time.monotonic() - started

    left = config.evaluations - len(sizes[1])
    for size in range(2, LARGEST + 1):
        sizes[size] = _grow(sizes, size, problem.operators, seen, left, too_late)
        left -= len(sizes[size])
        if left <= 0 or too_late():
            break
    found = [(_scaled(tree, target), size) for size, trees in sizes.items() for tree in _best(trees, target)]
    return Found(found, sum(map(len, sizes.values())), too_late())


def _grow(
    sizes: dict[int, list[_Tree]],
    size: int,
    operators: tuple[str, ...],
    seen: set[bytes],
    budget: int,
    too_late: Callable[[], bool],
) -> list[_Tree]:
    """Every new tree of one size, until the budget or the time is spent."""
    made: list[_Tree] = []
    for tree in _unary(sizes[size - 1], operators):
        if len(made) < budget and _is_new(tree.values, seen):
            made.append(tree)
    for left_size in range(1, size - 1):
        for left in sizes[left_size]:
            for right in sizes[size - 1 - left_size]:
                made += [t for t in _binary(left, right, operators) if _is_new(t.values, seen)]
            if len(made) >= budget or too_late():
                return made[:budget]
    return made


def _unary(trees: list[_Tree], operators: tuple[str, ...]) -> list[_Tree]:
    """Functions of trees; a falling exponential stands beside the rising one."""
    made = []
    with np.errstate(all="ignore"):
        for tree in trees:
            for symbol in operators:
                if symbol == "exp":
                    falling = Call("mul", (Constant(-1.0), tree.expression))
                    made.append(_Tree(Call("exp", (falling,)), np.exp(-tree.values)))
                elif symbol == "^":
                    square = Call("pow", (tree.expression, Constant(2, free=False)))
                    made.append(_Tree(square, tree.values**2))
                elif symbol in FUNCTIONS:
                    made.append(_Tree(Call(symbol, (tree.expression,)), getattr(np, symbol)(tree.values)))
    return made


def _binary(left: _Tree, right: _Tree, operators: tuple[str, ...]) -> list[_Tree]:
    """Sums, differences, products and quotients of two trees."""
    functions = {"+": np.add, "-": np.subtract, "*": np.multiply, "/": np.divide}
    with np.errstate(all="ignore"):
        return [
            _Tree(Call(BINARY[symbol], (left.expression, right.expression)), function(left.values, right.values))
            for symbol, function in functions.items()
            if symbol in operators
        ]


def _is_new(values: Samples, seen: set[bytes]) -> bool:
    """Whether no multiple of these values was seen; remembers them."""
    if not np.isfinite(values).all():
        return False
    size = np.max(np.abs(values))
    if size == 0 or np.ptp(values) <= 1e-9 * size:
        return False
    pivot = values[np.argmax(np.abs(values))]
    code = np.round(values[:64] / pivot, 7).tobytes()
    if code in seen:
        return False
    seen.add(code)
    return True


def _fit(values: Samples, target: Samples) -> Float[np.ndarray, " 2"]:
    """Slope and offset of the target on the values."""
    spread = values - values.mean()
    slope = float(spread @ (target - target.mean()) / (spread @ spread))
    return np.array([slope, float(target.mean() - slope * values.mean())])


def _best(trees: list[_Tree], target: Samples) -> list[_Tree]:
    """The trees that fit best after slope and offset."""
    if not trees:
        return []
    values = np.stack([tree.values for tree in trees])
    with np.errstate(all="ignore"):
        spread = values - values.mean(axis=1, keepdims=True)
        centred = target - target.mean()
        correlation = (spread @ centred) ** 2 / (np.sum(spread**2, axis=1) * float(centred @ centred))
    order = np.argsort(-np.nan_to_num(correlation), kind="stable")
    return [trees[i] for i in order[:KEEP]]


def _scaled(tree: _Tree, target: Samples) -> Expression:
    """The tree times its slope plus its offset."""
    slope, offset = _fit(tree.values, target)
    return Call("add", (Call("mul", (Constant(float(slope)), tree.expression)), Constant(float(offset))))
