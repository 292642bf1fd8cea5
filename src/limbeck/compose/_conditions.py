"""Thresholds of conditional laws, fitted to the accelerations by their profile."""

import numpy as np

from limbeck.regress import ConstantEstimate, fixed_thresholds, located, roundest, threshold_estimate, thresholds

from ._law import Law, is_one_body
from ._refit import refit
from ._states import States

ROUNDS = 2
ROUNDING = 1e-20  # sum of squared weighted errors that is all rounding


def with_thresholds_fitted(law: Law, states: States) -> tuple[Law, tuple[ConstantEstimate, ...]]:
    """Fit thresholds and numbers of a conditional law in turns.

    Args:
        law: A law, perhaps conditional.
        states: Snapshots to fit.

    Returns:
        The law, its thresholds the roundest numbers of their intervals, and an estimate for each.
    """
    conditional = [name for name, e in law.components.items() if any(t.variable for t in thresholds(e))]
    estimates: list[ConstantEstimate] = []
    for _ in range(ROUNDS if conditional else 0):
        estimates = []
        for name in conditional:
            law, found = _fitted(law, name, states, len(estimates))
            estimates += found
        law = refit(law, states)
    return law, tuple(estimates)


def _fitted(law: Law, name: str, states: States, before: int) -> tuple[Law, list[ConstantEstimate]]:
    """Fit the thresholds of one channel, the numbers as they are."""
    columns = states.nodes if is_one_body(name) or name == "inertia" else states.edges
    found = list(thresholds(law.components[name]))
    values, estimates = [t.value for t in found], []
    for k, threshold in enumerate(found):
        if threshold.variable not in columns:
            continue

        def squares(value: float, k: int = k) -> float:
            changed = _with(law, name, [*values[:k], value, *values[k + 1 :]])
            error = (changed.accelerations(states) - states.targets) * states.weights[:, None]
            return float(np.sum(error**2))

        levels = np.unique(columns[threshold.variable])
        low, high = located(levels, threshold.value, squares, n_samples=states.targets.size, rounding=ROUNDING)
        values[k] = roundest(low, high)
        estimates.append(threshold_estimate(before + len(estimates), f"{threshold.variable}", values[k], low, high))
    return _with(law, name, values), estimates


def _with(law: Law, name: str, values: list[float]) -> Law:
    """The law with other thresholds in one channel."""
    changed = fixed_thresholds(law.components[name], iter(values))
    return Law(components={**law.components, name: changed}, dim=law.dim)
