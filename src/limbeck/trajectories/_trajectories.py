"""The record of what came in: states of interacting particles over time.

Every reader, every simulator and every later stage meets in this one record.
It holds plain NumPy arrays in float64, padded to the largest number of times
and of particles, with a mask that says which entries are there. It knows
nothing of files, graphs or networks.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
from jaxtyping import Int

from limbeck._errors import InputError
from limbeck._types import NodeNoise, NodeScalars, NodeVectors, Presence, Times

OPTIONAL = ("position_errors", "velocity_errors", "acceleration_errors", "measured_positions", "measured_noise")
Provenance = Literal["given", "derived"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Edges:
    """Which particle acts on which, when not every pair interacts.

    Attributes:
        system: System that each edge belongs to; -1 for an edge of all systems.
        senders: Index of the particle that acts.
        receivers: Index of the particle that is acted on.
    """

    system: Int[np.ndarray, " edges"]
    senders: Int[np.ndarray, " edges"]
    receivers: Int[np.ndarray, " edges"]


@dataclass(frozen=True, kw_only=True, eq=False)
class Trajectories:
    """States of particles over time, for one or more simulations.

    Attributes:
        times: Time of each snapshot; NaN where a shorter simulation is padded.
        positions: Positions; 0 where `present` is false.
        velocities: Velocities; 0 where `present` is false.
        accelerations: Accelerations; NaN where there is no target.
        present: Whether the particle is there at that time.
        attributes: Properties of particles that are constant in time, by name.
        categories: Categorical attributes: name to the label of each code. The
            codes stand in `attributes` under the same name.
        edges: Who acts on whom; None means every pair.
        radius: Largest distance at which a pair interacts; None means any.
        system_names: What the source calls each simulation.
        particle_names: What the source calls each particle, by simulation.
        shared_particles: Whether a particle name means one object everywhere.
        per: Category whose labels are the objects that learned properties belong to; no law may use it as an attribute.
            Empty where each particle has properties of its own.
        velocities_are: Whether the velocities were given or derived.
        accelerations_are: The same for the accelerations.
        position_errors: Standard errors of the positions, if known.
        velocity_errors: Standard errors of the velocities, if known.
        acceleration_errors: Standard errors of the accelerations, if known.
        measured_positions: Positions as they came in, where `positions` are smoothed; 0 where `present` is false.
        measured_noise: Standard deviation of the noise on each component of `measured_positions`.
        units: Unit of each quantity (`x`, `time`, attribute names).
        source: Where the data came from: a path, or a system and its options.
        notes: What was done to the data, in sentences for the report.
    """

    times: Times
    positions: NodeVectors
    velocities: NodeVectors
    accelerations: NodeVectors
    present: Presence
    attributes: Mapping[str, NodeScalars] = field(default_factory=dict)
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    edges: Edges | None = None
    radius: float | None = None
    system_names: tuple[str, ...] = ()
    particle_names: tuple[tuple[str, ...], ...] = ()
    shared_particles: bool = False
    per: str = ""
    velocities_are: Provenance = "given"
    accelerations_are: Provenance = "given"
    position_errors: NodeVectors | None = None
    velocity_errors: NodeVectors | None = None
    acceleration_errors: NodeVectors | None = None
    measured_positions: NodeVectors | None = None
    measured_noise: NodeNoise | None = None
    units: Mapping[str, str] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that the arrays describe the same particles at the same times.

        Raises:
            InputError: If shapes disagree, there are fewer than two particles, or the labels of objects are not there.
        """
        shape = self.positions.shape
        if len(shape) != 4 or shape[3] not in (1, 2, 3):
            raise InputError(
                "positions need the axes (simulations, times, particles, dimensions) with 1, 2 or 3 dimensions; "
                f"got shape {shape}"
            )
        for name, array, expected in (
            ("velocities", self.velocities, shape),
            ("accelerations", self.accelerations, shape),
            ("present", self.present, shape[:3]),
            ("times", self.times, shape[:2]),
            *((f"attribute {k!r}", v, (shape[0], shape[2])) for k, v in self.attributes.items()),
        ):
            if array.shape != expected:
                raise InputError(f"{name}: expected shape {expected}, got {array.shape}")
        if self.per and self.per not in self.categories:
            raise InputError(f"properties can't be learned per {self.per!r}: there is no category of that name")
        if shape[2] < 2:
            raise InputError(f"a law of interaction needs at least two particles; got {shape[2]}")

    @property
    def n_systems(self) -> int:
        """Number of simulations."""
        return self.positions.shape[0]

    @property
    def n_times(self) -> int:
        """Largest number of snapshots of a simulation."""
        return self.positions.shape[1]

    @property
    def n_nodes(self) -> int:
        """Largest number of particles of a simulation."""
        return self.positions.shape[2]

    @property
    def dim(self) -> int:
        """Dimension of space."""
        return self.positions.shape[3]

    def select(self, systems: Int[np.ndarray, " chosen"]) -> "Trajectories":
        """Return the trajectories of some of the simulations, in the order asked for.

        Args:
            systems: Indices of the simulations to keep; edges of others are dropped.

        Returns:
            A record that holds those simulations only.
        """
        systems = np.asarray(systems, dtype=int)
        names = tuple(self.system_names[i] for i in systems) if self.system_names else ()
        particles = tuple(self.particle_names[i] for i in systems) if self.particle_names else ()
        optional = {
            name: None if values is None else values[systems] for name in OPTIONAL for values in [getattr(self, name)]
        }
        return replace(
            self,
            times=self.times[systems],
            positions=self.positions[systems],
            velocities=self.velocities[systems],
            accelerations=self.accelerations[systems],
            present=self.present[systems],
            attributes={name: values[systems] for name, values in self.attributes.items()},
            edges=None if self.edges is None else _select_edges(self.edges, systems),
            system_names=names,
            particle_names=particles,
            **optional,
        )


def _select_edges(edges: Edges, systems: Int[np.ndarray, " chosen"]) -> Edges:
    """Keep the edges of the chosen systems and renumber them."""
    shared = edges.system < 0
    parts = [(np.full(shared.sum(), -1), edges.senders[shared], edges.receivers[shared])]
    for new, old in enumerate(systems):
        mine = edges.system == old
        parts.append((np.full(mine.sum(), new), edges.senders[mine], edges.receivers[mine]))
    system, senders, receivers = (np.concatenate(columns) for columns in zip(*parts, strict=True))
    return Edges(system=system, senders=senders, receivers=receivers)
