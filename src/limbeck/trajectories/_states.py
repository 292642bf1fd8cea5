"""What a source gave, in arrays, before anything is derived.

Readers of every format end here, and derivation starts here. Nothing is
missing that was asked for and nothing is padded with values that could be
taken for data: the checks at the door are done.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

import numpy as np
from jaxtyping import Bool

from limbeck._errors import InputError
from limbeck._types import NodeNoise, NodeScalars, NodeVectors, Presence, Times

from ._trajectories import Edges, Provenance


@dataclass(frozen=True, kw_only=True, eq=False)
class States:
    """Arrays of one source; fields as in `Trajectories`, None where the source has none.

    Attributes:
        times: Time of each snapshot; NaN where a shorter simulation is padded.
        positions: Positions; 0 where the particle isn't there.
        velocities: Velocities, if given.
        accelerations: Accelerations, if given; NaN where there is no target.
        present: Whether the particle is there at that time.
        position_errors: Standard errors of the positions, if given.
        velocity_errors: Standard errors of the velocities, if given.
        acceleration_errors: Standard errors of the accelerations, if given.
        measured_positions: Positions as they came in, where `positions` are smoothed; 0 where `present` is false.
        measured_noise: Standard deviation of the noise on each component of `measured_positions`.
        attributes: Properties of particles.
        categories: Labels of categorical attributes.
        edges: Who acts on whom, if the source says so.
        radius: Largest distance at which a pair interacts, if the source says so.
        shared_particles: Whether the source says that names are the same objects everywhere.
        system_names: What the source calls each simulation.
        particle_names: What the source calls each particle.
        velocities_are: Whether the source says that its velocities were derived.
        accelerations_are: The same for accelerations.
        units: Units by name.
        where: What to call the source in a message.
        format: What kind of source it is.
        notes: What the reader did to the data.
    """

    times: Times
    positions: NodeVectors
    velocities: NodeVectors | None = None
    accelerations: NodeVectors | None = None
    present: Presence
    position_errors: NodeVectors | None = None
    velocity_errors: NodeVectors | None = None
    acceleration_errors: NodeVectors | None = None
    measured_positions: NodeVectors | None = None
    measured_noise: NodeNoise | None = None
    attributes: Mapping[str, NodeScalars] = field(default_factory=dict)
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    edges: Edges | None = None
    radius: float | None = None
    shared_particles: bool = False
    system_names: tuple[str, ...] = ()
    particle_names: tuple[tuple[str, ...], ...] = ()
    velocities_are: Provenance = "given"
    accelerations_are: Provenance = "given"
    units: Mapping[str, str] = field(default_factory=dict)
    where: str = ""
    format: str = ""
    notes: tuple[str, ...] = ()

    def cell(self, system: int, time: int, node: int) -> str:
        """Name one state of one particle for a message.

        Args:
            system: Index of the simulation.
            time: Index of the snapshot.
            node: Index of the particle.

        Returns:
            A clause such as "simulation 'a', time 0.5, particle '3'".
        """
        return (
            f"simulation {self.system_names[system]!r}, time {float(self.times[system, time])!r}, "
            f"particle {self.particle_names[system][node]!r}"
        )


def check_presence(
    states: States,
    *,
    allow_gaps: bool,
    same_times: bool,
    place: Callable[[int, int], str] = lambda _system, _time: ": variable",
) -> None:
    """Refuse simulations with fewer than two particles, and gaps that nobody allowed.

    Args:
        states: What was read.
        allow_gaps: Whether particles may be missing at some times and times may differ.
        same_times: Whether all simulations must have the same times.
        place: Says where a snapshot of a simulation stands in the source, for messages.

    Raises:
        InputError: If there are too few particles, a particle is missing or times are unequal.
    """
    there = np.asarray(states.present.any(axis=1))
    alone = there.sum(axis=1) < 2
    if alone.any():
        system = int(alone.argmax())
        raise InputError(
            f"{states.where}{place(system, 0)} 'particle': simulation {states.system_names[system]!r} has fewer than "
            "two particles; a law of interaction needs at least two in each simulation"
        )
    if allow_gaps:
        return
    snapshots = np.isfinite(states.times)
    missing = snapshots[:, :, None] & there[:, None, :] & ~states.present
    if missing.any():
        system, time, node = (int(index[0]) for index in np.nonzero(missing))
        raise InputError(
            f"{states.where}{place(system, time)} 'particle': {states.cell(system, time, node)} is missing; "
            "every particle needs every time of its simulation: complete the data, or use --allow-gaps"
        )
    if same_times:
        _check_times(states, snapshots, place)


def _check_times(
    states: States, snapshots: Bool[np.ndarray, "systems times"], place: Callable[[int, int], str]
) -> None:
    """Refuse simulations whose times differ from those of the first."""
    times = np.where(snapshots, states.times, np.nan)
    close = 16 * np.spacing(np.nanmax(np.abs(times)))
    unequal = ~((np.abs(times - times[0]) <= close) | (np.isnan(times) & np.isnan(times[0])))
    if not unequal.any():
        return
    system, time = (int(index[0]) for index in np.nonzero(unequal))
    first, other = states.system_names[0], states.system_names[system]
    says = ["no such snapshot" if np.isnan(t) else f"time {t!r}" for t in times[[system, 0], time].tolist()]
    raise InputError(
        f"{states.where}{place(system, time)} 'time': unequal times: snapshot {time + 1} of simulation "
        f"{other!r} is {says[0]}, of simulation {first!r} {says[1]}; simulations need the same times: "
        "correct them, or use --allow-gaps"
    )


def filled(values: NodeScalars, there: Bool[np.ndarray, "systems nodes"]) -> NodeScalars:
    """Pad an attribute with the value of the simulation's first particle.

    A value that occurs in the data keeps logarithms and quotients of padded
    entries finite; 0 would not.

    Args:
        values: The attribute; anything where `there` is false.
        there: Which particles exist.

    Returns:
        The padded attribute.
    """
    first = values[np.arange(len(values)), there.argmax(axis=1)]
    return np.where(there, values, first[:, None])
