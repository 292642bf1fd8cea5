"""How far measured accelerations depart from Newtonian gravity with the ephemeris's own masses.

The check of the data, made before anything is learnt from them. What is left
is what Newton's law leaves out: general relativity, asteroids, the figures of
Earth and Moon, and bodies that are not in the record.
"""

from dataclasses import dataclass

import numpy as np

from limbeck._errors import InputError

from ._ephemeris import States, open_ephemeris
from ._trajectories import Trajectories


@dataclass(frozen=True, kw_only=True)
class Departure:
    """Departure of one body's acceleration from Newtonian gravity, relative to that gravity.

    Attributes:
        body: Name of the body.
        median: Median over time.
        largest: Largest over time.
    """

    body: str
    median: float
    largest: float


def newtonian_departures(trajectories: Trajectories) -> tuple[Departure, ...]:
    """Compare accelerations of the Solar System with Newtonian gravity among the bodies of the record.

    Args:
        trajectories: What `solar_system` gives, or what was read back from its file: one simulation, AU and days.

    Returns:
        One departure for each body, in the order of the record.

    Raises:
        InputError: If there is more than one simulation, a body is not in the ephemeris, or a package is missing.
    """
    if trajectories.n_systems != 1 or not trajectories.particle_names:
        raise InputError(f"departures need one simulation of named bodies; got {trajectories.n_systems} simulations")
    gm = open_ephemeris().gm
    bodies = trajectories.particle_names[0]
    unknown = [body for body in bodies if body not in gm]
    if unknown:
        raise InputError(f"the ephemeris holds no body {unknown[0]!r}; it holds {', '.join(gm)}")
    expected = _newton(trajectories.positions[0], np.array([gm[body] for body in bodies]))
    off = np.linalg.norm(trajectories.accelerations[0] - expected, axis=2) / np.linalg.norm(expected, axis=2)
    return tuple(
        Departure(body=body, median=float(np.median(off[:, node])), largest=float(off[:, node].max()))
        for node, body in enumerate(bodies)
    )


def _newton(positions: States, gm: np.ndarray) -> States:
    """Accelerations under mutual gravity of point masses."""
    result = np.zeros_like(positions)
    for sender, strength in enumerate(gm):
        away = positions[:, sender, None] - positions
        distance = np.linalg.norm(away, axis=2, keepdims=True)
        distance[:, sender] = np.inf  # nothing pulls on itself
        result += strength * away / distance**3
    return result
