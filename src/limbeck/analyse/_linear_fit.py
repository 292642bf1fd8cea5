"""Linear least squares, plain and trimmed, and the R² of both.

The plain fit uses every row. The trimmed one finds, for each column of values, the
nine tenths of the rows that a linear function can describe best, and leaves the rest out of
the fit *and* of the score: it says how well most rows fit, never how well all do, so it
is only ever shown beside the plain one.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from limbeck._types import Samples, Table

KEPT = 0.9  # share of the rows that the trimmed fit keeps (sources: "the 10 % outliers were not included")
MOST_STEPS = 50
MANY = 5_000  # rows that decide which start is best
GAIN = 1e-6  # share of the sum of squares that a step must still take off
REWEIGHTINGS = 10
WIDE = 12  # columns beyond which a start from the rows with least leverage is not worth its time
CONSTANT = 1e-12  # a spread below this share of the largest size is rounding, not variation
RIDGE = 1e-10  # share of each column's own square: enough to tame columns that nearly depend on each other

Scores = tuple[float | None, ...]
Solver = Callable[[Table, np.ndarray], np.ndarray]  # coefficients from columns and values


@dataclass(frozen=True, kw_only=True, eq=False)
class LinearFit:
    """Values as linear functions of some columns plus a constant.

    Attributes:
        coefficients: One row for each column.
        offsets: The constants.
        r2: Of each column of values, on every row; None where the values are constant.
        kept: Share of the rows that were fitted and scored.
    """

    coefficients: Float[np.ndarray, "variables outputs"]
    offsets: Float[np.ndarray, " outputs"]
    r2: Scores
    kept: float

    def predicted(self, columns: Table) -> Float[np.ndarray, "samples outputs"]:
        """Values of the fitted functions.

        Args:
            columns: As they were fitted.

        Returns:
            One column for each fit.
        """
        return columns @ self.coefficients + self.offsets


def plain_fit(columns: Table, values: Float[np.ndarray, "samples outputs"]) -> LinearFit:
    """Least squares on every row.

    Args:
        columns: What the values may be linear in.
        values: One fit for each column.

    Returns:
        The fit, scored on the rows it was made from.
    """
    design = _with_constant(columns)
    solution = solve(design, values)
    return LinearFit(
        coefficients=solution[:-1], offsets=solution[-1], r2=determinations(values, design @ solution), kept=1.0
    )


def trimmed_fit(
    columns: Table, values: Float[np.ndarray, "samples outputs"], solver: Solver | None = None
) -> LinearFit:
    """Least squares on the best nine tenths of the rows, chosen anew for each column of values.

    Args:
        columns: What the values may be linear in.
        values: One fit for each column.
        solver: Least squares; `solve` unless told. `ridge` where there are many columns.

    Returns:
        The fit, scored on the rows that it kept.
    """
    design = _with_constant(columns)
    solutions = trimmed_solutions(design, values, solver or solve)
    predicted = design @ solutions
    return LinearFit(
        coefficients=solutions[:-1], offsets=solutions[-1], r2=trimmed_determinations(values, predicted), kept=KEPT
    )


def trimmed_solutions(
    design: Table, values: Float[np.ndarray, "samples outputs"], solver: Solver
) -> Float[np.ndarray, "variables outputs"]:
    """Least trimmed squares for each column of values.

    Fit, keep the rows with the smallest residuals, fit again: each step lowers the sum of squares of what is kept,
    so it ends. Which end is reached depends on the start, so several are tried and the lowest is taken. Of very
    many rows an even part decides which, and all of them finish it.

    Args:
        design: Columns of the fit.
        values: One fit for each column.
        solver: Least squares.

    Returns:
        The coefficients.

    Source:
        Concentration steps, on a part of the rows first: Rousseeuw and Van Driessen (2006),
        doi 10.1007/s10618-005-0024-4; with fixed starts and an even part instead of random ones, so that a
        repeat gives the same.
    """
    found, step = [], -(-len(design) // MANY)
    for column in values.T:
        some, part = design[::step], column[::step]
        ends = [_concentrated(some, part, start, solver) for start in _starts(some, part, solver)]
        best = min(ends, key=lambda end: end[1])[0]
        found.append(best if step == 1 else _concentrated(design, column, best, solver)[0])
    return np.stack(found, axis=1)


def _concentrated(design: Table, values: Samples, solution: np.ndarray, solver: Solver) -> tuple[np.ndarray, float]:
    """Choose and fit in turn until it gains no more; the sum of squares of what is kept."""
    kept, before, size = best_rows(values - design @ solution), np.inf, np.inf
    for _ in range(MOST_STEPS):
        solution = solver(design[kept], values[kept])
        residuals = values - design @ solution
        kept = best_rows(residuals)
        size = float(np.sum(residuals[kept] ** 2))
        if size >= (1 - GAIN) * before:
            break
        before = size
    return solution, size


def _starts(design: Table, values: Samples, solver: Solver) -> Iterator[np.ndarray]:
    """Solutions to start from: all rows, least absolute deviations, and the latter on the half with least leverage."""
    whole = solver(design, values)
    yield whole
    yield _least_absolute(design, values, whole, solver)
    if design.shape[1] > WIDE:
        return
    leverage = np.sum(np.linalg.qr(design)[0] ** 2, axis=1)
    inner = leverage <= np.median(leverage)
    yield _least_absolute(design[inner], values[inner], solver(design[inner], values[inner]), solver)


def _least_absolute(design: Table, values: Samples, solution: np.ndarray, solver: Solver) -> np.ndarray:
    """Least absolute deviations by reweighting; exactness is not needed of a start."""
    for _ in range(REWEIGHTINGS):
        size = np.abs(values - design @ solution)
        floor = 1e-3 * float(np.median(size))
        if floor == 0:  # most rows are met exactly
            break
        weights = np.sqrt(floor / np.maximum(size, floor))
        solution = solver(design * weights[:, None], values * weights)
    return solution


def best_rows(residuals: Samples) -> Bool[np.ndarray, " samples"]:
    """The rows that a trimmed fit keeps: nine tenths (rounded up), those with the smallest residuals.

    Args:
        residuals: Of either sign.

    Returns:
        Which rows are kept.
    """
    sizes = np.abs(residuals)
    count = int(np.ceil(KEPT * len(sizes)))
    kept = np.zeros(len(sizes), dtype=bool)
    kept[np.argpartition(sizes, count - 1)[:count]] = True
    return kept


def solve(design: Table, values: np.ndarray) -> np.ndarray:
    """Least squares of the smallest norm, with columns brought to one size first.

    Args:
        design: Columns, which may depend on each other.
        values: One column or several.

    Returns:
        The coefficients.
    """
    sizes = np.sqrt(np.mean(design**2, axis=0))
    sizes = np.where(sizes > 0, sizes, 1.0)
    solution = np.linalg.lstsq(design / sizes, values, rcond=None)[0]
    return (solution.T / sizes).T


def ridge(design: Table, values: np.ndarray) -> np.ndarray:
    """Least squares by the normal equations, with a light pull of every coefficient towards zero.

    Args:
        design: Many columns, which may depend on each other.
        values: One column or several.

    Returns:
        The coefficients.
    """
    sizes = np.sqrt(np.mean(design**2, axis=0))
    sizes = np.where(sizes > 0, sizes, 1.0)
    scaled = design / sizes
    gram = scaled.T @ scaled / len(design) + RIDGE * np.eye(design.shape[1])
    solution = np.linalg.solve(gram, scaled.T @ values / len(design))
    return (solution.T / sizes).T


def determination(values: Samples, predicted: Samples) -> float | None:
    """R², `1 - (sum of squared residuals) / (sum of squares about the mean)`.

    Args:
        values: What is to be predicted.
        predicted: The prediction.

    Returns:
        At most 1; below zero where the mean predicts better; None where the values are constant.
    """
    centred = values - values.mean()
    spread = float(np.sum(centred**2))
    if spread <= len(values) * (CONSTANT * float(np.abs(values).max())) ** 2:
        return None
    return 1.0 - float(np.sum((values - predicted) ** 2)) / spread


def determinations(values: Table, predicted: Table) -> Scores:
    """R² of each column.

    Args:
        values: What is to be predicted.
        predicted: The prediction.

    Returns:
        One number, or None, for each column.
    """
    return tuple(determination(*pair) for pair in zip(values.T, predicted.T, strict=True))


def trimmed_determinations(values: Table, predicted: Table) -> Scores:
    """R² of each column on the nine tenths of its rows that are predicted best.

    Args:
        values: What is to be predicted.
        predicted: The prediction.

    Returns:
        One number, or None, for each column.
    """
    kept = [best_rows(value - guess) for value, guess in zip(values.T, predicted.T, strict=True)]
    pairs = zip(values.T, predicted.T, kept, strict=True)
    return tuple(determination(value[rows], guess[rows]) for value, guess, rows in pairs)


def mean_score(scores: Scores) -> float | None:
    """Mean over components, as the published tables give it.

    Args:
        scores: R² of each component.

    Returns:
        The mean, or None where one of them is undefined or there is none.
    """
    known = [score for score in scores if score is not None]
    return float(np.mean(known)) if known and len(known) == len(scores) else None


def _with_constant(columns: Table) -> Float[np.ndarray, "samples terms"]:
    """The columns and a column of ones."""
    return np.column_stack([columns, np.ones(len(columns))])
