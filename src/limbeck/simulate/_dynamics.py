"""What accelerates a particle: the law of a system as a JAX function.

The particle axis comes first and simulations last, so that the compiled loops
run along the long axis. Pairs are counted once and act on both ends, so that
momentum is conserved to rounding.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Float, Int

from limbeck._errors import InputError
from limbeck.expressions import Expression, evaluate, parse, variables

from ._systems import AXES, Connectivity, SystemDefinition

PairIndices = Int[np.ndarray, " pairs"]
States = Float[Array, "nodes dim *batch"]
NodeProperty = Float[Array, "nodes *batch"]
Properties = Mapping[str, NodeProperty]

# Up to this many particles the sum over pairs is a matrix product, beyond it a scatter.
_DENSE_NODES = 64
# Pairs times states that are held at once when accelerations are evaluated.
_BLOCK = 100_000


@dataclass(frozen=True, kw_only=True)
class Dynamics:
    """A system's law for a number of particles, hashable so that compilations are shared.

    Attributes:
        kernel: Radial force on the receiver.
        one_body: Force without a sender, for each axis.
        inertia: What divides the force.
        connectivity: Who acts on whom.
        n_nodes: Number of particles.
    """

    kernel: Expression
    one_body: tuple[Expression, ...]
    inertia: Expression
    connectivity: Connectivity
    n_nodes: int


def dynamics_of(system: SystemDefinition, dim: int, n_nodes: int) -> Dynamics:
    """Read the formulas of a system.

    Args:
        system: The system.
        dim: Dimension of space.
        n_nodes: Number of particles.

    Returns:
        Its law, ready to be compiled.
    """
    return Dynamics(
        kernel=parse(system.pair_force),
        one_body=tuple(parse(term) for term in system.one_body(dim, n_nodes)),
        inertia=parse(system.inertia),
        connectivity=system.connectivity,
        n_nodes=n_nodes,
    )


def pair_indices(connectivity: Connectivity, n_nodes: int) -> tuple[PairIndices, PairIndices]:
    """The two ends of every interacting pair, each pair once.

    Args:
        connectivity: `complete` or `chain`.
        n_nodes: Number of particles.

    Returns:
        Indices of the first and of the second particle.
    """
    if connectivity == "chain":
        return np.arange(n_nodes - 1), np.arange(1, n_nodes)
    first, second = np.triu_indices(n_nodes, 1)
    return first, second


def acceleration(dynamics: Dynamics, positions: States, velocities: States, attributes: Properties) -> States:
    """Acceleration of every particle: (sum of pair forces + one-body force) / inertia.

    Args:
        dynamics: The law.
        positions: Positions.
        velocities: Velocities.
        attributes: Attributes by name.

    Returns:
        Accelerations; NaN or infinite where the law is undefined.
    """
    force = _summed_pair_force(dynamics, positions, attributes)
    own = {f"{name}_1": value for name, value in attributes.items()}
    for k, axis in enumerate(AXES[: positions.shape[1]]):
        own[f"{axis}_1"] = positions[:, k]
        own[f"v{axis}_1"] = velocities[:, k]
    one_body = [jnp.broadcast_to(evaluate(term, own, jnp), force[:, 0].shape) for term in dynamics.one_body]
    inertia = jnp.broadcast_to(evaluate(dynamics.inertia, own, jnp), force[:, 0].shape)
    return (force + jnp.stack(one_body, axis=1)) / inertia[:, None]


def _summed_pair_force(dynamics: Dynamics, positions: States, attributes: Properties) -> States:
    """Force of all senders on each particle; a pair at the same point exerts none."""
    first, second = pair_indices(dynamics.connectivity, dynamics.n_nodes)
    displacement = positions[first] - positions[second]
    squared = jnp.sum(displacement**2, axis=1)
    apart = squared > 0
    r = jnp.sqrt(jnp.where(apart, squared, 1.0))
    values = {"r": r}
    for name, value in attributes.items():
        values |= {f"{name}_1": value[first], f"{name}_2": value[second]}
    kernel = jnp.where(apart, evaluate(dynamics.kernel, values, jnp) / r, 0.0)
    force = kernel[:, None] * displacement
    if dynamics.n_nodes > _DENSE_NODES:
        return jnp.zeros_like(positions).at[first].add(force).at[second].add(-force)
    incidence = np.zeros((dynamics.n_nodes, len(first)))
    incidence[first, np.arange(len(first))] = 1.0
    incidence[second, np.arange(len(first))] = -1.0
    return jnp.tensordot(incidence, force, axes=1)


def accelerations(
    system: SystemDefinition,
    positions: Float[np.ndarray, "*batch nodes dim"],
    velocities: Float[np.ndarray, "*batch nodes dim"],
    attributes: Mapping[str, Float[np.ndarray, "..."]],
) -> Float[np.ndarray, "*batch nodes dim"]:
    """True accelerations of states, in float64.

    Args:
        system: The system whose law acts.
        positions: Positions.
        velocities: Velocities.
        attributes: Attributes by name, of the batch's shape and particles, or broadcasting to it.

    Returns:
        Accelerations.

    Raises:
        InputError: If shapes disagree or an attribute of the law is missing.
    """
    positions, velocities = np.asarray(positions, dtype=np.float64), np.asarray(velocities, dtype=np.float64)
    if positions.ndim < 2 or positions.shape != velocities.shape or positions.shape[-1] not in (1, 2, 3):
        raise InputError(
            "positions and velocities need the same shape (..., particles, 1 to 3 dimensions); "
            f"got {positions.shape} and {velocities.shape}"
        )
    n_nodes, dim = positions.shape[-2:]
    count = int(np.prod(positions.shape[:-2], dtype=int))
    flat = {
        name: np.broadcast_to(value, positions.shape[:-1]).reshape(count, n_nodes).T
        for name, value in checked_attributes(system, attributes, positions.shape[:-1]).items()
    }
    x, v = (np.moveaxis(a.reshape(count, n_nodes, dim), 0, -1) for a in (positions, velocities))
    dynamics = dynamics_of(system, dim, n_nodes)
    result = np.empty((count, n_nodes, dim))
    block = max(1, min(count, _BLOCK // max(1, n_nodes * (n_nodes - 1) // 2)))
    for start in range(0, count, block):
        # The last block reaches back over the one before, so that all have one shape and compile once.
        part = slice(min(start, count - block), min(start, count - block) + block)
        values = {name: value[:, part] for name, value in flat.items()}
        result[part] = np.moveaxis(_evaluated(dynamics, x[..., part], v[..., part], values), -1, 0)
    return result.reshape(positions.shape)


def checked_attributes(
    system: SystemDefinition, attributes: Mapping[str, Float[np.ndarray, "..."]], shape: tuple[int, ...]
) -> dict[str, Float[np.ndarray, "..."]]:
    """The attributes as float64, with none missing that the law needs.

    Args:
        system: The system whose law acts.
        attributes: Attributes by name.
        shape: Shape that they must broadcast to.

    Returns:
        The attributes that the system has.

    Raises:
        InputError: If one is missing or does not fit the shape.
    """
    needed = [rule.name for rule in system.attributes if _is_used(system, rule.name)]
    missing = [name for name in needed if name not in attributes]
    if missing:
        raise InputError(f"system {system.name!r} needs the attributes {', '.join(needed)}; no {', '.join(missing)}")
    values = {name: np.asarray(attributes[name], dtype=np.float64) for name in needed}
    for name, value in values.items():
        try:
            np.broadcast_to(value, shape)
        except ValueError:
            raise InputError(f"attribute {name!r}: shape {value.shape} does not fit {shape}") from None
    return values


def _is_used(system: SystemDefinition, name: str) -> bool:
    """Whether an attribute stands in the law; the mass always does."""
    return name == "m" or bool(variables(parse(system.pair_force)) & {f"{name}_1", f"{name}_2"})


def _evaluated(
    dynamics: Dynamics,
    positions: Float[np.ndarray, "nodes dim batch"],
    velocities: Float[np.ndarray, "nodes dim batch"],
    attributes: Mapping[str, Float[np.ndarray, "nodes batch"]],
) -> Float[np.ndarray, "nodes dim batch"]:
    """Accelerations of a block, in float64 on the host."""
    with jax.enable_x64(True), jax.default_device(jax.local_devices(backend="cpu")[0]):
        return np.asarray(_compiled_acceleration(dynamics, positions, velocities, dict(attributes)))


@partial(jax.jit, static_argnums=0)
def _compiled_acceleration(dynamics: Dynamics, positions: States, velocities: States, attributes: Properties) -> States:
    """Compiled `acceleration`."""
    return acceleration(dynamics, positions, velocities, attributes)
