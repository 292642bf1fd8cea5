"""Fit the constants of a network's equations end to end: on accelerations, or on trajectories through an integrator.

What is still a perceptron stays as it is; `train_with_equations` trains it too. Constants are few, so slopes are
taken forward and the fit is Levenberg and Marquardt's, in double precision.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array

from limbeck._errors import InputError, TrainingDiverged
from limbeck.expressions import least_squares
from limbeck.graphs import GraphDataset
from limbeck.models import PairIndex
from limbeck.train import pair_index

from ._fit_targets import ON, Targets, fit_targets
from ._formula import Formula
from ._symbolic_network import Network

WINDOW = 4  # states that a trajectory is followed over


def fit_equations(
    network: Network, dataset: GraphDataset, *, on: str = ON[0], steps: int = 30, window: int = WINDOW
) -> Network:
    """Fit the constants of all equations in a network to training data.

    Args:
        network: A network with equations, of `with_equations`.
        dataset: Its data; training snapshots only are looked at.
        on: "accelerations" minimises their relative error; "trajectories" integrates from training states over the
            next few and minimises the error of the positions, which needs no acceleration.
        steps: Largest number of steps.
        window: States that a trajectory is followed over.

    Returns:
        The network with the best constants found, in double precision; `equations_of` reads them.

    Raises:
        InputError: If the network has no equation with a constant, the target is unknown, or no training
            simulation has enough consecutive states.
        TrainingDiverged: If the network is undefined at a training state, so that nothing can be fitted.
    """
    targets = fit_targets(network, dataset, dataset.train, on=on, window=window)
    start = _constants(network)
    if not len(start):
        raise InputError("the network has no equation with a constant to fit")
    pairs = pair_index(dataset)
    with jax.enable_x64(True):
        # The learned rest is data here: widened once, not fitted.
        wide = jax.tree.map(lambda leaf: jnp.asarray(leaf, jnp.float64), eqx.filter(network, eqx.is_inexact_array))
        model, goal = eqx.combine(wide, network), jax.tree.map(jnp.asarray, targets)

        def as_arrays(constants: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            value, slopes = _errors_and_slopes(model, goal, pairs, jnp.asarray(constants))
            return np.asarray(value), np.asarray(slopes)

        if not all(np.isfinite(array).all() for array in as_arrays(start)):
            raise TrainingDiverged(f"the network's {on} or their slopes are undefined at a training state")
        best = least_squares(as_arrays, start, steps=steps)
    return _with_constants(network, best)


@eqx.filter_jit
def _errors_and_slopes(model: Any, goal: Targets, pairs: PairIndex, constants: Array) -> tuple[Array, Array]:
    """Errors of a network with these constants, in one row, and their slopes with the constants."""

    def residual(constants: Array) -> Array:
        return goal.errors(_with_constants(model, constants), pairs).ravel()

    return residual(constants), jax.jacfwd(residual)(constants)


def formulas_in(network: Any) -> list[Formula]:
    """All formulas of a network, in the order of its leaves.

    Args:
        network: A network.

    Returns:
        The formulas.
    """
    leaves = jax.tree.leaves(network, is_leaf=lambda node: isinstance(node, Formula))
    return [leaf for leaf in leaves if isinstance(leaf, Formula)]


def _constants(network: Any) -> np.ndarray:
    """Constants of all formulas, in one row."""
    return np.concatenate([np.zeros(0), *(np.asarray(f.constants, dtype=float) for f in formulas_in(network))])


def _with_constants(network: Any, values: Any) -> Any:
    """The network with other constants."""
    parts, begin = [], 0
    for formula in formulas_in(network):
        end = begin + len(formula.constants)
        parts.append(values[begin:end])
        begin = end
    return eqx.tree_at(lambda n: [formula.constants for formula in formulas_in(n)], network, parts)
