"""A region that is kept from training, to see what is made of it: close encounters, high speeds, large masses."""

import math
import re
from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Int

from limbeck._errors import InputError
from limbeck.trajectories import Trajectories

from ._snapshots import PairList

DISTANCE, SPEED = "r", "v"
_FORM = re.compile(r"\s*([^\W\d]\w*)\s*([<>])\s*([^\s<>=]+)\s*")
_SLAB = 2_000_000  # pairs that are looked at at once


@dataclass(frozen=True, kw_only=True)
class HoldOut:
    """Which particles are out of the range that training may see.

    Attributes:
        name: `r` (distance of a pair), `v` (speed), or an attribute.
        below: Whether smaller values are held out, or larger ones.
        value: Where the region begins.
    """

    name: str
    below: bool
    value: float

    def __str__(self) -> str:
        """As it is written on the command line."""
        return f"{self.name}{'<' if self.below else '>'}{repr(float(self.value)).removesuffix('.0')}"


def parse_hold_out(text: str) -> HoldOut:
    """Read a region.

    Args:
        text: A name, `<` or `>`, and a number: `r<0.5`, `v>2`, `m>3`.

    Returns:
        The region.

    Raises:
        InputError: If it is written in another way.
    """
    wrong = InputError(f"--hold-out expects a name, < or > and a number, such as r<0.5, v>2 or m>3; got {text!r}")
    found = _FORM.fullmatch(text)
    if found is None:
        raise wrong
    name, sign, number = found.groups()
    try:
        value = float(number)
    except ValueError:
        raise wrong from None
    if not math.isfinite(value):
        raise wrong
    return HoldOut(name=name, below=sign == "<", value=value)


def particles_held_out(
    hold_out: HoldOut, trajectories: Trajectories, pairs: PairList, chosen: Int[np.ndarray, "samples 2"]
) -> Bool[np.ndarray, "samples nodes"]:
    """Particles in the region: ends of such a pair, of such a speed, or with such an attribute and all who meet them.

    Args:
        hold_out: The region.
        trajectories: The states.
        pairs: Which pairs interact.
        chosen: Rows of (system, time).

    Returns:
        Whether each particle is in the region; a snapshot with one such particle is no part of training.

    Raises:
        InputError: If there is no such attribute.
    """
    there = trajectories.present[chosen[:, 0], chosen[:, 1]]
    if hold_out.name == DISTANCE:
        return there & _ends(hold_out, trajectories, pairs, chosen)
    if hold_out.name == SPEED:
        speed = np.linalg.norm(trajectories.velocities[chosen[:, 0], chosen[:, 1]], axis=-1)
        return there & _beyond(hold_out, speed)
    if hold_out.name not in trajectories.attributes:
        known = ", ".join((DISTANCE, SPEED, *trajectories.attributes))
        raise InputError(f"--hold-out {hold_out}: there is no {hold_out.name!r} in the data; choose from {known}")
    carries = there & _beyond(hold_out, trajectories.attributes[hold_out.name][chosen[:, 0]])
    return there & carries.any(axis=1, keepdims=True)  # its force is felt by the others too


def _beyond(hold_out: HoldOut, values: np.ndarray) -> np.ndarray:
    """Which values are in the region."""
    return values < hold_out.value if hold_out.below else values > hold_out.value


def _ends(
    hold_out: HoldOut, trajectories: Trajectories, pairs: PairList, chosen: Int[np.ndarray, "samples 2"]
) -> Bool[np.ndarray, "samples nodes"]:
    """Ends of interacting pairs at such a distance, a slab at a time."""
    found = np.zeros((len(chosen), trajectories.n_nodes), dtype=bool)
    slab = max(1, _SLAB // max(len(pairs.first), 1))
    for begin in range(0, len(chosen), slab):
        system, time = chosen[begin : begin + slab].T
        x, here = trajectories.positions[system, time], trajectories.present[system, time]
        distance = np.linalg.norm(x[:, pairs.first] - x[:, pairs.second], axis=-1)
        row = system if len(pairs.forward) > 1 else np.zeros_like(system)
        acts = (pairs.forward[row] + pairs.backward[row] > 0) & here[:, pairs.first] & here[:, pairs.second]
        if trajectories.radius is not None:
            acts &= distance < trajectories.radius
        sample, pair = np.nonzero(acts & _beyond(hold_out, distance))
        found[begin + sample, pairs.first[pair]] = True
        found[begin + sample, pairs.second[pair]] = True
    return found
