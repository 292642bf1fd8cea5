"""One law: the equations of a network's functions put together.

A law holds one expression for each channel (radial force, friction, inertia,
drag, ...) and predicts accelerations:

    a_1 = (sum over senders of [radial r̂ + friction Δv + transverse r̂⊥] + drag v_1 + central x_1 + uniform) / inertia
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float

from limbeck._types import Constants
from limbeck.expressions import (
    Expression,
    complexity,
    evaluate,
    free_constants,
    rename,
    same_form,
    value_and_jacobian,
    variables,
    with_constants,
)

from ._states import AXES, States

EDGE_SCALARS = ("radial", "friction", "transverse")
NODE_SCALARS = ("drag", "central")
SAME = 1e-6  # relative difference below which two functions are one


@dataclass(frozen=True, kw_only=True, eq=False)
class Law:
    """Equations of every channel of a law; the inertia's leading coefficient is 1.

    Attributes:
        components: Expression of each channel that acts; a missing inertia is 1.
        dim: Dimension of space.
    """

    components: Mapping[str, Expression]
    dim: int

    @cached_property
    def complexity(self) -> int:
        """Our count, over all channels."""
        return sum(complexity(expression) for expression in self.components.values())

    @property
    def variables(self) -> frozenset[str]:
        """Names of all that it depends on."""
        return frozenset().union(*(variables(expression) for expression in self.components.values()))

    @property
    def constants(self) -> Constants:
        """Every free constant, channel by channel."""
        return np.concatenate([np.zeros(0), *(free_constants(e) for e in self.components.values())])

    def with_constants(self, values: Constants) -> "Law":
        """The same form with other numbers.

        Args:
            values: One number for each free constant.

        Returns:
            The law with those numbers.
        """
        changed, start = {}, 0
        for name, expression in self.components.items():
            stop = start + len(free_constants(expression))
            changed[name] = with_constants(expression, values[start:stop])
            start = stop
        return Law(components=changed, dim=self.dim)

    def with_other(self, old: str, new: str) -> "Law":
        """The same law with another attribute in the place of one.

        Args:
            old: The attribute.
            new: The other one.

        Returns:
            The law, whose variables of both ends have new names.
        """
        names = {f"{old}_{end}": f"{new}_{end}" for end in "12"}
        return Law(components={name: rename(e, names) for name, e in self.components.items()}, dim=self.dim)

    def depends_on(self, attribute: str) -> bool:
        """Whether the attribute of either end is among the variables.

        Args:
            attribute: Its name.

        Returns:
            True if so.
        """
        return not self.variables.isdisjoint({f"{attribute}_1", f"{attribute}_2"})

    def is_same_form(self, other: "Law") -> bool:
        """Whether two laws differ in their numbers only.

        Args:
            other: Another law.

        Returns:
            True if every channel has the same form.
        """
        mine, theirs = self.components, other.components
        return mine.keys() == theirs.keys() and all(same_form(mine[name], theirs[name]) for name in mine)

    def is_same_function(self, other: "Law", states: States, within: float = SAME) -> bool:
        """Whether two laws are one function in two writings, such as a product and its expansion.

        Args:
            other: Another law.
            states: Snapshots to compare their accelerations on.
            within: Relative difference; where constants carry noise, two writings differ by more than rounding.

        Returns:
            True if all but a hundredth of the accelerations agree so, of particles that either exerts a force on.
        """
        mine, theirs = self.accelerations(states), other.accelerations(states)
        moved = np.any((mine != 0) | (theirs != 0), axis=1)
        mine, theirs = (mine[moved], theirs[moved]) if moved.any() else (mine, theirs)
        size = np.linalg.norm(mine, axis=1)
        with np.errstate(all="ignore"):
            apart = np.linalg.norm(mine - theirs, axis=1) / (size + within * np.median(size))
        return bool(np.quantile(np.nan_to_num(apart, nan=np.inf), 0.99) < within)

    def accelerations(self, states: States) -> Float[np.ndarray, "particles dim"]:
        """Accelerations of every particle with a target.

        Args:
            states: Snapshots as columns.

        Returns:
            Accelerations; undefined where an equation is.
        """
        with np.errstate(all="ignore"):
            total = np.zeros_like(states.targets)
            for name, expression in self.components.items():
                if name != "inertia":
                    columns = states.nodes if is_one_body(name) else states.edges
                    value = np.broadcast_to(evaluate(expression, columns), _length(columns))
                    total += _spread(name, value[:, None], states)[..., 0]
            return total / self.inertia(states)[:, None]

    def inertia(self, states: States) -> Float[np.ndarray, " particles"]:
        """Inertia of every particle."""
        if "inertia" not in self.components:
            return np.ones(len(states.targets))
        return np.broadcast_to(evaluate(self.components["inertia"], states.nodes), len(states.targets))

    def accelerations_and_slopes(
        self, constants: Constants, states: States
    ) -> tuple[Float[np.ndarray, "particles dim"], Float[np.ndarray, "particles dim constants"]]:
        """Accelerations and their derivatives with respect to the free constants.

        Args:
            constants: One number for each free constant.
            states: Snapshots as columns.

        Returns:
            Accelerations and slopes.
        """
        slopes, total, start = [], np.zeros_like(states.targets), 0
        inertia, inertia_slopes = np.ones(len(states.targets)), None
        for name, expression in self.components.items():
            stop = start + len(free_constants(expression))
            columns = states.nodes if name == "inertia" or is_one_body(name) else states.edges
            value, slope = value_and_jacobian(expression, columns, constants[start:stop])
            if name == "inertia":
                inertia, inertia_slopes = value, slope
                slopes.append(np.zeros((*states.targets.shape, stop - start)))
            else:
                both = _spread(name, np.column_stack([value, slope]), states)
                total += both[..., 0]
                slopes.append(both[..., 1:])
            start = stop
        accelerations = total / inertia[:, None]
        everything = np.concatenate(slopes, axis=-1) / inertia[:, None, None]
        if inertia_slopes is not None and inertia_slopes.shape[1]:
            first = self._offset("inertia")
            change = -accelerations[..., None] * (inertia_slopes / inertia[:, None])[:, None, :]
            everything[..., first : first + inertia_slopes.shape[1]] = change
        return accelerations, everything

    def _offset(self, channel: str) -> int:
        """Place of a channel's first free constant."""
        count = 0
        for name, expression in self.components.items():
            if name == channel:
                break
            count += len(free_constants(expression))
        return count


def is_one_body(name: str) -> bool:
    """Whether a channel acts without a partner.

    Args:
        name: A channel.

    Returns:
        True for drag, central, uniform and field channels.
    """
    return name in NODE_SCALARS or name.startswith(("uniform_", "field_"))


def _length(columns: Mapping[str, np.ndarray]) -> int:
    """Number of rows of a set of columns."""
    return len(next(iter(columns.values())))


def _spread(
    name: str, values: Float[np.ndarray, "rows columns"], states: States
) -> Float[np.ndarray, "particles dim columns"]:
    """Turn a channel's scalars (and their slopes) into forces on particles."""
    out = np.zeros((*states.targets.shape, values.shape[1]))
    for k, direction in enumerate(channel_directions(name, states)):
        if direction is None:
            continue
        out[:, k] = direction[:, None] * values if is_one_body(name) else states.gather @ (direction[:, None] * values)
    return out


def channel_directions(name: str, states: States) -> list[np.ndarray | None]:
    """Factor of a channel's scalar along each axis; None where it has no part."""
    axes, edges, nodes = AXES[: states.dim], states.edges, states.nodes
    if name == "radial":
        return [edges[f"d{a}"] / edges["r"] for a in axes]
    if name == "friction":
        return [edges[f"dv{a}"] for a in axes]
    if name == "transverse":
        return [-edges["dy"] / edges["r"], edges["dx"] / edges["r"]]
    if name == "drag":
        return [nodes[f"v{a}_1"] for a in axes]
    if name == "central":
        return [nodes[f"{a}_1"] for a in axes]
    own = name.rpartition("_")[2]
    rows = len(states.targets) if is_one_body(name) else len(edges["r"])
    return [np.ones(rows) if axis == own else None for axis in axes]
