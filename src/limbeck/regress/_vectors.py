"""Vector messages that share one law: a scalar kernel times unit vectors, seen through a linear map.

    Y = f(r, ...) W (d / r) + b

Messages of one edge model are known up to an invertible linear map W and an offset b. Searching
their components one by one would look for each mixture of directions anew. Here W and b are found
first, without knowing f, from the directions alone: Y - b is parallel to W d / r wherever f may point.
Then one search finds f from all components at once.
"""

import math
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float

from limbeck._errors import InputError
from limbeck._types import Samples, Table
from limbeck.expressions import Call, Constant, Expression, Variable, evaluate, same_form, simplify

from ._choose import described, measured, snapped
from ._doubts import EXACT
from ._enumerate import search_enumerate
from ._estimates import estimates_of
from ._polish import columns_of, fitted, loss_of
from ._problem import DEFAULT_OPERATORS, Problem
from ._regression import Regression, RegressionConfig, regress_squares
from ._stages import NEAR, Judge

AXES = ("dx", "dy", "dz")
ROUNDS, SETTLED = 20, 1e-9  # of turns between map and kernel, and the change of the map at which they end
EXPLAINED = 0.2  # loss of a kernel by which a map can be fitted
CERTAIN = 3.0  # standard errors that an offset must lie from zero
FEWEST = 20

Map = Float[np.ndarray, "dim dim"]
Offset = Float[np.ndarray, " dim"]


@dataclass(frozen=True, kw_only=True, eq=False)
class VectorLaw:
    """One law for all components of a message.

    Attributes:
        kernel: Regression of the scalar kernel, with its verdict.
        mixing: Linear map from the kernel times unit vectors to the components.
        offset: What is added to each component.
        expressions: Equation of each component in the table's columns.
    """

    kernel: Regression
    mixing: Map
    offset: Offset
    expressions: tuple[Expression, ...]

    @property
    def verdict(self) -> str:
        """`found` or `not found`."""
        return self.kernel.verdict

    @property
    def reasons(self) -> tuple[str, ...]:
        """Why."""
        return self.kernel.reasons


def regress_vectors(
    table: Table,
    targets: Float[np.ndarray, "samples dim"],
    names: Sequence[str],
    *,
    operators: Sequence[str] = DEFAULT_OPERATORS,
    engine: str = "auto",
    seed: int = 0,
    time_limit: float = 0.0,
    config: RegressionConfig | None = None,
) -> VectorLaw:
    """Find the one law behind all components of a vector message.

    Args:
        table: One row a sample; columns `dx, dy[, dz]` and `r` must be there, others may enter the kernel.
        targets: Components of the message, as many as there are directions.
        names: Name of each column of the table.
        operators: Symbols that the kernel may use.
        engine: `auto` or the name of an engine.
        seed: Decides everything random.
        time_limit: Seconds; 0 is none.
        config: How long and how wide to search; None takes the defaults.

    Returns:
        The kernel, the linear map and the equation of each component.

    Raises:
        InputError: If columns are missing, shapes disagree, or there are too few samples.

    Source:
        The linear freedom of messages: Cranmer et al. (2020), arXiv 2006.11287, section 3, which fits it
        when the true force is known. That it follows from directions alone is ours.
    """
    axes = _checked(table, targets, names)
    columns = dict(zip(names, table.T, strict=True))
    unit = np.stack([columns[axis] for axis in axes], axis=1) / columns["r"][:, None]
    mixing, offset = mixing_of(unit, targets)
    inner = [name for name in names if name not in axes and not name.startswith("dv")]
    problem = _kernel_problem(columns, inner, unit, targets, mixing, offset, tuple(operators))
    deadline = time.monotonic() + time_limit if time_limit else math.inf
    config = config or RegressionConfig()

    def searched(problem: Problem) -> Regression:
        return regress_squares(problem, config, engine=engine, seed=seed, deadline=deadline)

    def seen_through(expression: Expression) -> tuple[Map, Offset, Problem, Expression]:
        mixing, offset = _linear_fit(unit, targets, expression, problem)
        for _ in range(ROUNDS):
            seen = _kernel_problem(columns, inner, unit, targets, mixing, offset, tuple(operators))
            expression = fitted(expression, seen)
            before, (mixing, offset) = mixing, _linear_fit(unit, targets, expression, problem)
            if np.max(np.abs(mixing - before)) <= SETTLED * np.max(np.abs(mixing)):
                break
        seen = _kernel_problem(columns, inner, unit, targets, mixing, offset, tuple(operators))
        return mixing, offset, seen, fitted(expression, seen)

    rough = _rough_kernel(problem, config, seed)
    # Directions alone give a rough map where few messages rise above noise; a kernel that is nearly right does better.
    kernel = searched(problem if rough is None else seen_through(rough)[2])
    mixing, offset, seen, expression = seen_through(kernel.chosen.expression)
    again = measured(snapped(described(expression, seen), seen), seen).expression
    if not same_form(again, kernel.chosen.expression):
        kernel = searched(seen)
        mixing, offset, seen, expression = seen_through(kernel.chosen.expression)
    return VectorLaw(
        kernel=replace(
            kernel, chosen=replace(kernel.chosen, expression=expression), constants=estimates_of(expression, seen)
        ),
        mixing=mixing,
        offset=offset,
        expressions=tuple(_component(expression, axes, mixing[k], float(offset[k])) for k in range(len(axes))),
    )


def _rough_kernel(problem: Problem, config: RegressionConfig, seed: int) -> Expression | None:
    """A kernel that a short search finds and that explains most; None where there is none, or it explains all."""
    short = replace(config.search, evaluations=max(config.search.evaluations // NEAR, 1))
    found = search_enumerate(problem, short, seed)
    best = Judge(problem, seed).cheapest(expression for expression, _ in found.candidates)[0]
    return best if EXACT < loss_of(best, problem) < EXPLAINED else None


def _checked(table: Table, targets: Float[np.ndarray, "samples dim"], names: Sequence[str]) -> tuple[str, ...]:
    """The columns of the displacement; refuses tables that do not fit together."""
    axes = tuple(axis for axis in AXES if axis in names)
    if "r" not in names or len(axes) < 2 or targets.ndim != 2 or targets.shape[1] != len(axes):
        raise InputError(
            "vector messages need columns dx, dy[, dz] and r and one component for each direction; got columns "
            f"{', '.join(names)} and targets of shape {targets.shape}"
        )
    if len(table) != len(targets) or len(table) < FEWEST:
        raise InputError(f"{len(table)} rows for {len(targets)} messages; at least {FEWEST} of both are needed")
    if not (np.isfinite(table).all() and np.isfinite(targets).all()):
        raise InputError("table and messages must be finite")
    if not (table[:, list(names).index("r")] > 0).all():
        raise InputError("the distance r must be positive")
    return axes


def mixing_of(unit: Float[np.ndarray, "samples dim"], targets: Float[np.ndarray, "samples dim"]) -> tuple[Map, Offset]:
    """The linear map and the offset of messages, from the directions alone.

    `(Y - b) x (W u) = 0` is linear in W and in the product `b x W`. The latter is projected out
    and the smallest singular vector of the rest is W, which is unbiased under noise of one size, since
    that adds the same to every direction of it.

    Args:
        unit: Unit vectors from sender to receiver.
        targets: Messages.

    Returns:
        W with determinant of size 1 where it has one, and b.
    """
    dim = unit.shape[1]
    planes = [(i, j) for i in range(dim) for j in range(i + 1, dim)]
    left, right = [], []
    for number, (i, j) in enumerate(planes):
        row = np.zeros((len(unit), dim, dim))
        row[:, j] = targets[:, i, None] * unit
        row[:, i] = -targets[:, j, None] * unit
        left.append(row.reshape(len(unit), -1))
        moved = np.zeros((len(unit), len(planes), dim))
        moved[:, number] = unit
        right.append(moved.reshape(len(unit), -1))
    wanted, nuisance = np.concatenate(left), np.concatenate(right)
    basis = np.linalg.qr(nuisance)[0]
    mixing = np.linalg.svd(wanted - basis @ (basis.T @ wanted), full_matrices=False)[2][-1].reshape(dim, dim)
    size = abs(np.linalg.det(mixing)) ** (1.0 / dim)
    mixing = mixing / size if size > 1e-6 else mixing
    return mixing, _offset(unit @ mixing.T, targets)


def _offset(directions: Float[np.ndarray, "samples dim"], targets: Float[np.ndarray, "samples dim"]) -> Offset:
    """The offset that leaves the least across the directions."""
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    across = np.eye(unit.shape[1]) - unit[:, :, None] * unit[:, None, :]
    return np.linalg.lstsq(across.sum(axis=0), np.einsum("nij,nj->i", across, targets), rcond=None)[0]


def _kernel_problem(
    columns: dict[str, Samples],
    inner: list[str],
    unit: Float[np.ndarray, "samples dim"],
    targets: Float[np.ndarray, "samples dim"],
    mixing: Map,
    offset: Offset,
    operators: tuple[str, ...],
) -> Problem:
    """The kernel at each sample: the message along its direction, weighed by how well it is seen."""
    directions = unit @ mixing.T
    seen = np.sum(directions**2, axis=1)
    return Problem(
        name="kernel",
        variables=tuple(inner),
        inputs=np.stack([columns[name] for name in inner], axis=1),
        target=np.sum(directions * (targets - offset), axis=1) / seen,
        weights=seen / np.mean(seen),
        operators=operators,
    )


def _linear_fit(
    unit: Float[np.ndarray, "samples dim"],
    targets: Float[np.ndarray, "samples dim"],
    expression: Expression,
    problem: Problem,
) -> tuple[Map, Offset]:
    """Map and offset for a given kernel, by least squares; an offset that may be zero is."""
    kernel = np.broadcast_to(evaluate(expression, columns_of(problem)), problem.target.shape)
    design = np.column_stack([kernel[:, None] * unit, np.ones(len(unit))])
    solution = np.linalg.lstsq(design, targets, rcond=None)[0]
    residual = targets - design @ solution
    variance = np.sum(residual**2, axis=0) / max(len(unit) - design.shape[1], 1)
    error = np.sqrt(np.linalg.pinv(design.T @ design)[-1, -1] * variance)
    offset = np.where(np.abs(solution[-1]) > CERTAIN * error + 1e-9 * np.std(targets), solution[-1], 0.0)
    return solution[:-1].T, offset


def _component(kernel: Expression, axes: tuple[str, ...], row: Samples, offset: float) -> Expression:
    """Equation of one component."""
    direction = Call(
        "add", tuple(Call("mul", (Constant(float(w)), Variable(a))) for w, a in zip(row, axes, strict=True))
    )
    return simplify(Call("add", (Call("div", (Call("mul", (kernel, direction)), Variable("r"))), Constant(offset))))
