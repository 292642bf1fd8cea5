"""Which systems there are: their laws, their steps and what they are drawn from.

A definition is data. It holds formulas as text, in the plain distance `r` with
the published softening `r' = r + 0.01` written out, so that the truth can be
shown, parsed and compared. It neither draws states nor integrates them.

All systems are dimensionless: masses, lengths and times in units of 1.
"""

import difflib
import math
from dataclasses import dataclass
from typing import Literal

from limbeck._errors import InputError

AXES = ("x", "y", "z")
Distribution = Literal["lognormal", "normal", "signs", "ones"]
Connectivity = Literal["complete", "chain"]
Layout = Literal["normal", "row"]


@dataclass(frozen=True, kw_only=True)
class AttributeRule:
    """What one attribute of the particles is drawn from.

    Attributes:
        name: Name of the attribute, without `_1` or `_2`.
        distribution: `lognormal` is exp N(0, 1), `normal` N(0, 1), `signs` -1 or 1, `ones` 1.
    """

    name: str
    distribution: Distribution


@dataclass(frozen=True, kw_only=True)
class Truth:
    """A system's own law, in the names that a discovered law is written in.

    Attributes:
        kernel: Radial force on the receiver along `(dx, dy, dz)/r`; positive repels.
        pair_force: Force that the sender exerts on the receiver, for each axis.
        pair_potential: Energy of the pair, or None where there is none.
        one_body: Force on the receiver that no sender exerts, for each axis.
        inertia: What divides the force.
        acceleration: Acceleration in `Fx, ...` (pair forces summed), for each axis.
    """

    kernel: str
    pair_force: tuple[str, ...]
    pair_potential: str | None
    one_body: tuple[str, ...]
    inertia: str
    acceleration: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class SystemDefinition:
    """A law of motion of interacting particles, and how examples of it are drawn.

    The receiver (1) feels from each sender (2) the force `pair_force` along
    `(x_1 - x_2)/r`, a friction `-drag (n-1)/n v_1` and the weight `-weight m_1`
    on the last axis; its acceleration is their sum over `m_1`.

    Attributes:
        name: Canonical name.
        summary: The law in one line, for people.
        pair_force: Radial kernel in `r` and attributes `_1`, `_2`.
        pair_potential: Energy of the pair in the same names; None where there is none.
        attributes: What the attributes of the particles are drawn from.
        dt: Time between states, > 0.
        n_steps: Number of states of a simulation, the initial one included.
        default_nodes: Number of particles where none is asked for.
        connectivity: Whether every pair interacts or only neighbours in a row.
        layout: Positions N(0, 1), or particle i at i + N(0, 1)/2 on the first axis.
        softening: Length added to `r` in the published form; already in the formulas.
        drag: Friction of a particle among infinitely many others; 0 for none.
        weight: Uniform acceleration downwards on the last axis; 0 for none.
        inertia: What divides the force.
    """

    name: str
    summary: str
    pair_force: str
    pair_potential: str | None
    attributes: tuple[AttributeRule, ...]
    dt: float
    n_steps: int = 1000
    default_nodes: int = 4
    connectivity: Connectivity = "complete"
    layout: Layout = "normal"
    softening: float = 0.01
    drag: float = 0.0
    weight: float = 0.0
    inertia: str = "m_1"

    def __post_init__(self) -> None:
        """Check the ranges.

        Raises:
            InputError: If a step, a count or a strength is out of range.
        """
        if not (math.isfinite(self.dt) and self.dt > 0):
            raise InputError(f"the time step must be a positive number; got {self.dt}")
        if self.n_steps < 1:
            raise InputError(f"a simulation needs at least 1 step; got {self.n_steps}")
        if not (math.isfinite(self.softening) and self.softening >= 0):
            raise InputError(f"the softening must be 0 or a positive length; got {self.softening}")

    @property
    def conservative(self) -> bool:
        """Whether the energy is conserved: there is a potential and no friction."""
        return self.pair_potential is not None and self.drag == 0

    @property
    def isolated(self) -> bool:
        """Whether nothing acts from outside, so that momentum is conserved."""
        return self.drag == 0 and self.weight == 0

    def one_body(self, dim: int, n_nodes: int) -> tuple[str, ...]:
        """Force on a particle that no other one exerts.

        Args:
            dim: Dimension of space, 1 to 3.
            n_nodes: Number of particles, on which the friction depends.

        Returns:
            A formula for each axis; `0` where there is none.
        """
        return tuple("-" + " - ".join(parts) if parts else "0" for parts in self._losses(dim, n_nodes))

    def truth(self, dim: int, n_nodes: int) -> Truth:
        """The law as a discovered law would be written.

        Args:
            dim: Dimension of space, 1 to 3.
            n_nodes: Number of particles.

        Returns:
            The formulas, with `dx` receiver minus sender.
        """
        divisor = self.inertia if self.inertia.isidentifier() else f"({self.inertia})"
        sums = (" - ".join((f"F{a}", *parts)) for a, parts in zip(AXES, self._losses(dim, n_nodes), strict=False))
        return Truth(
            kernel=self.pair_force,
            pair_force=tuple(f"({self.pair_force})*d{axis}/r" for axis in AXES[:dim]),
            pair_potential=self.pair_potential,
            one_body=self.one_body(dim, n_nodes),
            inertia=self.inertia,
            acceleration=tuple(f"({total})/{divisor}" if " " in total else f"{total}/{divisor}" for total in sums),
        )

    def _losses(self, dim: int, n_nodes: int) -> list[tuple[str, ...]]:
        """What is subtracted from the pair forces on each axis."""
        friction = self.drag * (n_nodes - 1) / n_nodes
        losses: list[tuple[str, ...]] = [(_product(friction, f"v{axis}_1"),) if friction else () for axis in AXES[:dim]]
        if self.weight:
            losses[-1] = (*losses[-1], _product(self.weight, "m_1"))
        return losses


def _product(factor: float, name: str) -> str:
    """A factor times a variable, without a factor of 1."""
    return name if factor == 1 else f"{factor!r}*{name}"


def systems() -> dict[str, SystemDefinition]:
    """The built-in systems by canonical name.

    Returns:
        A new mapping, in the order of the table of the paper.

    Source:
        Cranmer et al. (2020), arXiv:2006.11287, section 4.1 and appendix; `string` and
        `superposition` stand only in its code. Softening 0.01 as in its code. Friction
        follows the paper's formula, (n-1)/n for every particle. In `string` the weight
        acts on all particles, downwards on the last axis, with g = 1. The step of
        `superposition` is that of its parts.
    """
    return {definition.name: definition for definition in _DEFINITIONS}


def find_system(name: str) -> SystemDefinition:
    """The built-in system of that name.

    Args:
        name: Canonical name, or `1/r`, `1/r^2`, `1/r2`.

    Returns:
        Its definition.

    Raises:
        InputError: If there is none; names the nearest one.
    """
    known = systems()
    plain = name.strip().lower()
    plain = _ALIASES.get(plain, plain)
    if plain in known:
        return known[plain]
    if plain == "custom":
        raise InputError("a custom system needs a pair potential, such as q_1*q_2/r: use custom_system or --potential")
    near = difflib.get_close_matches(plain, [*known, *_ALIASES], n=1, cutoff=0.4)
    hint = f"; did you mean {near[0]!r}" if near else ""
    raise InputError(f"no system is called {name!r}{hint}. Known: {', '.join(known)}, custom")


_ALIASES = {
    "1/r": "r1",
    "1/r1": "r1",
    "1/r^2": "r2",
    "1/r**2": "r2",
    "1/r2": "r2",
    "1/r²": "r2",
}
_MASS = AttributeRule(name="m", distribution="lognormal")
_NEUTRAL = (_MASS, AttributeRule(name="q", distribution="normal"))
_CHARGED = (_MASS, AttributeRule(name="q", distribution="signs"))
_DEFINITIONS = (
    SystemDefinition(
        name="spring",
        summary="springs of rest length 1 between all pairs: potential (r' - 1)**2",
        pair_force="-2*(r - 0.99)",
        pair_potential="(r - 0.99)**2",
        attributes=_NEUTRAL,
        dt=0.01,
    ),
    SystemDefinition(
        name="damped",
        summary="springs, and friction (n - 1)/n against the velocity of each particle",
        pair_force="-2*(r - 0.99)",
        pair_potential="(r - 0.99)**2",
        attributes=_NEUTRAL,
        dt=0.02,
        drag=1.0,
    ),
    SystemDefinition(
        name="r1",
        summary="attraction falling as 1/r: potential m_1*m_2*log(r')",
        pair_force="-m_1*m_2/(r + 0.01)",
        pair_potential="m_1*m_2*log(r + 0.01)",
        attributes=_NEUTRAL,
        dt=0.005,
    ),
    SystemDefinition(
        name="r2",
        summary="attraction falling as 1/r**2: potential -m_1*m_2/r'",
        pair_force="-m_1*m_2/(r + 0.01)**2",
        pair_potential="-m_1*m_2/(r + 0.01)",
        attributes=_NEUTRAL,
        dt=0.001,
    ),
    SystemDefinition(
        name="charge",
        summary="charges of -1 and 1: potential q_1*q_2/r'",
        pair_force="q_1*q_2/(r + 0.01)**2",
        pair_potential="q_1*q_2/(r + 0.01)",
        attributes=_CHARGED,
        dt=0.001,
    ),
    SystemDefinition(
        name="discontinuous",
        summary="no force below r' = 2 and springs beyond; energy is not conserved across the jump",
        pair_force="Piecewise((-2*(r - 0.99), r >= 1.99), (0, True))",
        pair_potential=None,
        attributes=_NEUTRAL,
        dt=0.01,
    ),
    SystemDefinition(
        name="string",
        summary="a row of particles, springs between neighbours, weight (g = 1, last axis, downwards) on all",
        pair_force="-2*(r - 0.99)",
        pair_potential="(r - 0.99)**2",
        attributes=(AttributeRule(name="m", distribution="ones"), AttributeRule(name="q", distribution="normal")),
        dt=0.01,
        default_nodes=30,
        connectivity="chain",
        layout="row",
        weight=1.0,
    ),
    SystemDefinition(
        name="superposition",
        summary="charge and gravity together: potential (q_1*q_2 - m_1*m_2)/r'",
        pair_force="(q_1*q_2 - m_1*m_2)/(r + 0.01)**2",
        pair_potential="(q_1*q_2 - m_1*m_2)/(r + 0.01)",
        attributes=_CHARGED,
        dt=0.001,
    ),
)
