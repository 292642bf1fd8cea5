"""What every part of a network that holds equations has in common, and the columns that equations see.

A model says by its `Place`s which of its functions an equation may replace and what that equation may know;
putting equations in, taking them out, reading, fitting and storing them is then one way for all models.
"""

import abc
import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import equinox as eqx
import jax.numpy as jnp
from jaxtyping import Array, Float

from limbeck.models import safe_norm

from ._formula import Formula
from ._states import AXES

Names = tuple[str, ...]
Columns = dict[str, Array]


class AbstractEquations(eqx.Module):
    """A network, or a part of one, of which some functions are equations.

    Attributes:
        formulas: Equation of each channel that has one.
        names: Names of the attributes.
    """

    formulas: eqx.AbstractVar[dict[str, Formula]]
    names: eqx.AbstractVar[Names]

    @abc.abstractmethod
    def learned(self) -> Any:
        """The part as it was learned, below all equations."""


def fields_of(network: eqx.Module, kind: type[eqx.Module]) -> dict[str, Any]:
    """The fields of a network that one of another kind is made of.

    Args:
        network: The network, of this kind or one that adds to it.
        kind: Whose fields are taken.

    Returns:
        Values by name.
    """
    return {field.name: getattr(network, field.name) for field in dataclasses.fields(kind)}


class Place(NamedTuple):
    """A part of a network whose functions equations may replace.

    Attributes:
        field: The network's field that holds the part; empty where it is the network itself.
        known: Variables that the equation of each channel may have.
        put: The part with equations, from these and the names of the attributes.
    """

    field: str
    known: dict[str, frozenset[str]]
    put: Callable[[dict[str, Formula], Names], AbstractEquations]


class End(NamedTuple):
    """What stands at one end of some pairs.

    Attributes:
        positions: Positions [length].
        velocities: Velocities [length/time].
        attributes: Properties.
    """

    positions: Float[Array, "*batch pairs dim"]
    velocities: Float[Array, "*batch pairs dim"]
    attributes: Float[Array, "*batch pairs variables"]


def pair_columns(names: Names, receiver: End, sender: End, length: float) -> Columns:
    """Columns of directed edges under the names of equations.

    Args:
        names: Names of the attributes.
        receiver: Who hears; 1 in names.
        sender: Who speaks; 2 in names.
        length: Typical distance, for the slope of the distance at 0.

    Returns:
        The columns `r`, `dx`, ... (receiver minus sender), `dvx`, ..., and of both ends `x_1`, ..., `vx_1`, ...
        and the attributes.
    """
    displacement = receiver.positions - sender.positions
    relative = receiver.velocities - sender.velocities
    columns = {"r": safe_norm(displacement, length)}
    for k, axis in enumerate(AXES[: displacement.shape[-1]]):
        columns |= {f"d{axis}": displacement[..., k], f"dv{axis}": relative[..., k]}
    for end, at in (("1", receiver), ("2", sender)):
        for k, axis in enumerate(AXES[: displacement.shape[-1]]):
            columns |= {f"{axis}_{end}": at.positions[..., k], f"v{axis}_{end}": at.velocities[..., k]}
        columns |= {f"{name}_{end}": at.attributes[..., k] for k, name in enumerate(names)}
    return columns


def node_columns(names: Names, node: End, length: float, speed: float) -> Columns:
    """Columns of nodes under the names of equations.

    Args:
        names: Names of the attributes.
        node: The nodes.
        length: Typical distance from the origin, for the slope of the distance at 0.
        speed: Typical speed, likewise.

    Returns:
        The columns `x_1`, ..., `vx_1`, ..., `r_1` and `v_1` (their lengths), and the attributes.
    """
    columns = {"r_1": safe_norm(node.positions, length), "v_1": safe_norm(node.velocities, speed)}
    for k, axis in enumerate(AXES[: node.positions.shape[-1]]):
        columns |= {f"{axis}_1": node.positions[..., k], f"v{axis}_1": node.velocities[..., k]}
    return columns | {f"{name}_1": node.attributes[..., k] for k, name in enumerate(names)}


def components_of(
    channel: str,
    formulas: dict[str, Formula],
    columns: Columns,
    like: Float[Array, "*batch dim"],
    learned: Callable[[], Float[Array, "*batch dim"]],
) -> Float[Array, "*batch dim"]:
    """Components of a vector by equation, or as learned; the perceptron is not asked where equations say all.

    Args:
        channel: What the names of its components begin with; an axis follows.
        formulas: Equation of each component that has one, and of other channels.
        columns: What equations see.
        like: Vectors of the same shape.
        learned: Gives the vector as it was learned.

    Returns:
        The vector.
    """
    mine = [formulas.get(f"{channel}{axis}") for axis in AXES[: like.shape[-1]]]
    said = learned() if any(formula is None for formula in mine) else like  # then nobody looks at it
    parts = [said[..., k] if f is None else f(columns, like.shape[:-1]) for k, f in enumerate(mine)]
    return jnp.stack(parts, axis=-1)


def pair_variables(names: Names, dim: int, *, absolute: bool) -> frozenset[str]:
    """Names of the columns of an edge.

    Args:
        names: Names of the attributes.
        dim: Directions that are told apart; 0 where the distance alone is seen.
        absolute: Whether positions and velocities of both ends are seen as well.

    Returns:
        The names.
    """
    known = {"r"} | {f"{name}_{end}" for name in names for end in "12"}
    for axis in AXES[:dim]:
        known |= {f"d{axis}", f"dv{axis}"}
        if absolute:
            known |= {f"{v}{axis}_{end}" for v in ("", "v") for end in "12"}
    return frozenset(known)


def node_variables(names: Names, dim: int, *, absolute: bool) -> frozenset[str]:
    """Names of the columns of a node.

    Args:
        names: Names of the attributes.
        dim: Directions of the velocity that are told apart; 0 where the speed alone is seen.
        absolute: Whether the position is seen as well.

    Returns:
        The names.
    """
    known = {"v_1"} | {f"{name}_1" for name in names} | {f"v{axis}_1" for axis in AXES[:dim]}
    if absolute:
        known |= {"r_1"} | {f"{axis}_1" for axis in AXES[:dim]}
    return frozenset(known)
