"""A law as a function of positions and velocities, for NumPy and for JAX."""

from collections.abc import Mapping
from types import MappingProxyType, ModuleType
from typing import Any

from limbeck.expressions import evaluate
from limbeck.graphs import Snapshots

from ._law import Law, is_one_body
from ._states import AXES

NO_CONSTANTS: Mapping[str, Any] = MappingProxyType({})


def law_accelerations(
    law: Law,
    snapshots: Snapshots,
    first: Any,
    second: Any,
    attribute_names: tuple[str, ...],
    xp: ModuleType,
    constants: Mapping[str, Any] = NO_CONSTANTS,
) -> Any:
    """Accelerations of every node under a law, for any batch axes.

    Args:
        law: The law.
        snapshots: States; targets and weights are not looked at.
        first: Node that stands first in each pair.
        second: Node that stands second.
        attribute_names: Name of each column of the attributes.
        xp: `numpy` or `jax.numpy`.
        constants: Values of variables that stand for constants.

    Returns:
        Accelerations (samples nodes dim) as arrays of `xp`.
    """
    x, v, attributes = snapshots.positions, snapshots.velocities, snapshots.attributes
    n_nodes, dim = x.shape[-2:]
    total = xp.zeros_like(x)
    for receivers, senders, weights in ((first, second, snapshots.forward), (second, first, snapshots.backward)):
        columns, apart = _edge_columns(x, v, attributes, receivers, senders, attribute_names, xp)
        columns |= dict(constants)
        force = _edge_force(law, columns, dim, xp)
        # A pair that doesn't act (too far apart, not there, or in one place, as in `limbeck.simulate`) may lie where
        # the law is undefined.
        force = xp.where(((weights > 0) & apart)[..., None], force, 0.0) * weights[..., None]
        incidence = xp.eye(n_nodes)[receivers]
        total = total + xp.einsum("pn,...pd->...nd", incidence, force)
    columns = _node_columns(x, v, attributes, attribute_names, xp) | dict(constants)
    total = total + _node_force(law, columns, x, v, xp)
    if "inertia" in law.components:
        total = total / xp.broadcast_to(evaluate(law.components["inertia"], columns, xp), x.shape[:-1])[..., None]
    return total


def _edge_columns(
    x: Any, v: Any, attributes: Any, receivers: Any, senders: Any, names: tuple[str, ...], xp: ModuleType
) -> tuple[dict[str, Any], Any]:
    """Columns over pairs, by the names that equations use, and which pairs are not in one place."""
    displacement, relative = x[..., receivers, :] - x[..., senders, :], v[..., receivers, :] - v[..., senders, :]
    square = xp.sum(displacement**2, axis=-1)
    apart = square > 0
    columns = {"r": xp.sqrt(xp.where(apart, square, 1.0))}  # any number that has a slope
    for k in range(x.shape[-1]):
        columns[f"d{AXES[k]}"], columns[f"dv{AXES[k]}"] = displacement[..., k], relative[..., k]
    for k, name in enumerate(names):
        columns[f"{name}_1"], columns[f"{name}_2"] = attributes[..., receivers, k], attributes[..., senders, k]
    return columns, apart


def _node_columns(x: Any, v: Any, attributes: Any, names: tuple[str, ...], xp: ModuleType) -> dict[str, Any]:
    """Columns over nodes, by the names that equations use."""
    columns = {"v_1": xp.sqrt(xp.sum(v**2, axis=-1)), "r_1": xp.sqrt(xp.sum(x**2, axis=-1))}
    for k in range(x.shape[-1]):
        columns[f"{AXES[k]}_1"], columns[f"v{AXES[k]}_1"] = x[..., k], v[..., k]
    for k, name in enumerate(names):
        columns[f"{name}_1"] = attributes[..., k]
    return columns


def _edge_force(law: Law, columns: dict[str, Any], dim: int, xp: ModuleType) -> Any:
    """Force on the receiver of every pair."""
    axes, shape = AXES[:dim], columns["r"].shape
    force = [xp.zeros(shape) for _ in axes]
    for name, expression in law.components.items():
        if name == "inertia" or is_one_body(name):
            continue
        value = xp.broadcast_to(evaluate(expression, columns, xp), shape)
        if name == "radial":
            force = [f + value * columns[f"d{a}"] / columns["r"] for f, a in zip(force, axes, strict=True)]
        elif name == "friction":
            force = [f + value * columns[f"dv{a}"] for f, a in zip(force, axes, strict=True)]
        elif name == "transverse":
            turned = (-columns["dy"] / columns["r"], columns["dx"] / columns["r"])
            force = [f + value * t for f, t in zip(force, turned, strict=True)]
        else:
            k = axes.index(name.rpartition("_")[2])
            force[k] = force[k] + value
    return xp.stack(force, axis=-1)


def _node_force(law: Law, columns: dict[str, Any], x: Any, v: Any, xp: ModuleType) -> Any:
    """One-body force on every node."""
    force = xp.zeros_like(x)
    unit = xp.eye(x.shape[-1])
    for name, expression in law.components.items():
        if not is_one_body(name):
            continue
        value = xp.broadcast_to(evaluate(expression, columns, xp), x.shape[:-1])[..., None]
        direction = {"drag": v, "central": x}.get(name)
        if direction is None:
            direction = unit[AXES.index(name.rpartition("_")[2])]
        force = force + value * direction
    return force
