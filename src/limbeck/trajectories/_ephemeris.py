"""Positions and velocities of the bodies of the Solar System from DE421, the ephemeris in the package `de421`.

DE421 is the Jet Propulsion Laboratory's fit to observations, as Chebyshev
polynomials in kilometres and days. It holds the barycentre of Earth and Moon,
and the Moon as seen from the Earth; the two bodies follow from their mass ratio.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Float

from limbeck._errors import InputError

BODIES = ("Sun", "Mercury", "Venus", "Earth", "Moon", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune", "Pluto")
_ALONE = {"Sun": "S", "Mercury": "1", "Venus": "2", "Mars": "4", "Jupiter": "5", "Saturn": "6"} | {
    "Uranus": "7",
    "Neptune": "8",
    "Pluto": "9",
}  # bodies that stand in the file by themselves, and the suffix of their GM

Days = Float[np.ndarray, " times"]
States = Float[np.ndarray, "times nodes dim"]


@dataclass(frozen=True, kw_only=True)
class Ephemeris:
    """An opened DE421.

    Attributes:
        source: What `jplephem` opened; not annotated, since the package is optional.
        first: First Julian date that it covers.
        last: Last Julian date that it covers.
        gm: G times mass of each body [AU³/day²].
    """

    source: Any
    first: float
    last: float
    gm: dict[str, float]


def open_ephemeris() -> Ephemeris:
    """Open DE421.

    Returns:
        The ephemeris.

    Raises:
        InputError: If a package is missing.
    """
    try:
        import de421
        from jplephem.ephem import Ephemeris as Opened
    except ImportError:
        raise InputError(
            "the Solar System needs the packages de421 and jplephem; install them with pip install 'limbeck[ephemeris]'"
        ) from None
    source: Any = Opened(de421)
    gm = {body: float(getattr(source, f"GM{suffix}")) for body, suffix in _ALONE.items()}
    both, ratio = float(source.GMB), float(source.EMRAT)
    gm |= {"Earth": both * ratio / (1 + ratio), "Moon": both / (1 + ratio)}
    return Ephemeris(
        source=source, first=float(source.jalpha), last=float(source.jomega), gm={body: gm[body] for body in BODIES}
    )


def barycentric(ephemeris: Ephemeris, bodies: tuple[str, ...], start: float, days: Days) -> tuple[States, States]:
    """Positions and velocities about the barycentre of the Solar System.

    Args:
        ephemeris: Where from.
        bodies: Which bodies.
        start: Julian date, in barycentric dynamical time.
        days: Days since then. Apart from `start`, since a Julian date in one number is good to 4e-5 s only.

    Returns:
        Positions [AU] and velocities [AU/day].
    """
    found: dict[str, tuple[np.ndarray, np.ndarray]] = {}

    def states(name: str) -> tuple[np.ndarray, np.ndarray]:
        if name not in found:
            found[name] = ephemeris.source.position_and_velocity(name, np.full(days.shape, start), days)
        return found[name]

    def part(body: str, which: int) -> np.ndarray:
        if body in _ALONE:
            return states(body.lower())[which]
        earth = states("earthmoon")[which] - states("moon")[which] * ephemeris.source.earth_share
        return earth if body == "Earth" else earth + states("moon")[which]

    positions, velocities = (np.stack([part(body, which).T for body in bodies], axis=1) for which in (0, 1))
    kilometres = float(ephemeris.source.AU)
    return positions / kilometres, velocities / kilometres
