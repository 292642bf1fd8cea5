"""The force that is known to be true, as a function of what a law's pairs have."""

from collections.abc import Callable, Collection, Mapping

import numpy as np

from limbeck.expressions import evaluate, parse, variables
from limbeck.graphs import GraphDataset
from limbeck.simulate import SystemDefinition


def pair_columns(dataset: GraphDataset) -> set[str]:
    """Names of what a radial force may depend on.

    Args:
        dataset: The data.

    Returns:
        The distance, and every attribute at both ends.
    """
    return {"r"} | {f"{name}_{end}" for name in dataset.attribute_names for end in "12"}


def true_force(
    truth: SystemDefinition | None, names: Collection[str]
) -> Callable[[Mapping[str, np.ndarray]], np.ndarray] | None:
    """Radial kernel of the true force on columns.

    Args:
        truth: The system, where it is known.
        names: Names of the columns.

    Returns:
        The kernel, or None where a variable of it is no column, as of an attribute with one value throughout.
    """
    kernel = None if truth is None else parse(truth.pair_force)
    if kernel is None or not variables(kernel) <= set(names):
        return None
    return lambda c: np.broadcast_to(np.asarray(evaluate(kernel, c), dtype=float), len(c["r"]))
