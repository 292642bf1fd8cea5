"""What the biases of a model leave free in its messages: `H(v_1) F + g(v_1)`.

Without the third law the node model can undo any invertible matrix H and, at a fixed number of
particles, any offset g that depend on the receiver alone (house plan). Both are written as sums over a
basis in the receiver's attributes and velocity, so that the fit is linear. A flexible fit can describe the
edges it was made from without saying anything, so it is scored only on simulations that it has not seen.
"""

import numpy as np
from jaxtyping import Float, Int

from limbeck._types import Table

from ._linear_fit import Solver, trimmed_solutions
from ._message_record import MessageRecord

FOLDS = 4
FAINT = 1e-4  # of the largest singular value of the basis, below which a direction is left out


def receiver_basis(record: MessageRecord, *, velocities: bool) -> Float[np.ndarray, "edges terms"]:
    """Functions of the receiver in which H and g are expanded, the constant first.

    Of an attribute that is positive throughout: its logarithm, itself, its inverse, and powers of `a/(a + median)`,
    which level off; of any other: itself, its square and its size. Of the velocity: components, their products and
    the speed. Of two attributes: the product of the first functions. Nothing mixes velocities with attributes.

    Args:
        record: The messages with their receivers.
        velocities: Whether the functions may depend on the receiver's velocity too.

    Returns:
        Uncorrelated columns that span the functions, of mean 0 and deviation 1 but for the constant; what
        the functions nearly share is left out, since a fit would have to tell apart what the data do not.
    """
    columns: list[np.ndarray] = []
    firsts = [_positive_or_not(attribute, columns) for attribute in record.receivers.T]
    columns += [one * two for k, one in enumerate(firsts) for two in firsts[:k]]
    if velocities:
        v = record.receiver_velocities
        columns += [*v.T, np.linalg.norm(v, axis=1)]
        columns += [v[:, j] * v[:, k] for k in range(v.shape[1]) for j in range(k + 1)]
    scaled = [_standard(column) for column in columns if np.ptp(column) > 1e-12 * np.abs(column).max()]
    return np.column_stack([np.ones(record.n_edges), *_independent(scaled)])


def _positive_or_not(attribute: np.ndarray, columns: list[np.ndarray]) -> np.ndarray:
    """Add the functions of one attribute, and say which of them is the simplest."""
    if np.all(attribute > 0):
        logarithm, share = np.log(attribute), attribute / (attribute + np.median(attribute))
        columns += [logarithm, attribute, 1.0 / attribute, share, share**2, share**3]
        return logarithm
    columns += [attribute, attribute**2, np.abs(attribute)]
    return attribute


def _independent(columns: list[np.ndarray]) -> list[np.ndarray]:
    """Principal directions of some columns of mean 0, each of deviation 1, the faint ones left out."""
    if not columns:
        return []
    principal, sizes, _ = np.linalg.svd(np.column_stack(columns), full_matrices=False)
    return list(principal.T[sizes > FAINT * sizes[0]] * np.sqrt(len(principal)))


def _standard(column: np.ndarray) -> np.ndarray:
    """Mean 0 and deviation 1."""
    return (column - column.mean()) / column.std()


def free_columns(
    record: MessageRecord, forces: Float[np.ndarray, "edges dim"], basis: Float[np.ndarray, "edges terms"]
) -> Table:
    """Every basis function alone (for g) and times every component of the force (for H).

    Args:
        record: Gives the number of edges.
        forces: True forces.
        basis: Functions of the receiver, the constant first.

    Returns:
        The columns of the linear fit; the constant is left to it.
    """
    white = whitened(forces)
    products = basis[:, :, None] * white[:, None, :]
    return np.column_stack([basis[:, 1:], products.reshape(record.n_edges, -1)])


def whitened(forces: Float[np.ndarray, "edges dim"]) -> Float[np.ndarray, "edges directions"]:
    """Forces in units in which they vary alike in every direction, so that a ridge treats all directions alike.

    Args:
        forces: One row for each edge.

    Returns:
        The forces after a linear map; directions without force are left out.
    """
    _, sizes, axes = np.linalg.svd(forces, full_matrices=False)
    there = sizes > 1e-12 * sizes.max(initial=0.0)
    return forces @ axes[there].T / (sizes[there] / np.sqrt(len(forces)))


def cross_predicted(
    columns: Table,
    values: Float[np.ndarray, "edges outputs"],
    groups: Int[np.ndarray, " edges"],
    solver: Solver,
) -> Float[np.ndarray, "edges outputs"]:
    """Predict each group of edges by a fit that has not seen it.

    Args:
        columns: What the values may be linear in; a constant is added.
        values: One fit for each column.
        groups: Edges with one number stay together. At least two numbers.
        solver: Gives the coefficients of a fit.

    Returns:
        The predictions, every edge once.
    """
    design = np.column_stack([columns, np.ones(len(columns))])
    numbers, place = np.unique(groups, return_inverse=True)
    fold = (
        place * min(FOLDS, len(numbers)) // len(numbers)
    )  # neighbours stay together: in one simulation they are alike
    predicted = np.zeros_like(values)
    for k in range(min(FOLDS, len(numbers))):
        seen, held = fold != k, fold == k
        predicted[held] = design[held] @ solver(design[seen], values[seen])
    return predicted


def trimmed(solver: Solver) -> Solver:
    """The solver that looks at the best nine tenths of the rows only.

    Args:
        solver: Least squares.

    Returns:
        Least trimmed squares.
    """
    return lambda design, values: trimmed_solutions(design, values, solver)
