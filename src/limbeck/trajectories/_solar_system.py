"""The Solar System as trajectories: what an observer has, and no masses.

Accelerations are differences of the ephemeris's velocities at a fine step, by a
stencil of nine points. Newton's law is not used: a law put in would be the law
found. Nor are positions differentiated twice, nor states a day apart once: a
plain central difference at one day is wrong by 0.4 % for the Moon.
"""

import math
from datetime import date

import numpy as np

from limbeck._errors import InputError

from ._differences import stencils
from ._ephemeris import BODIES, Days, Ephemeris, States, barycentric, open_ephemeris
from ._trajectories import Trajectories

YEAR = 365.25  # days
MINUTES = 1440  # in a day
POINTS = 9
MAX_STATES = 20_000_000  # snapshots x bodies; 1.5 GB of states
_ORDINAL = 1721424.5  # Julian date of midnight before day 0 of Python's calendar


def solar_system(
    *,
    years: float = 30.0,
    step_minutes: float = 30.0,
    every: int = 48,
    start: str = "1980-01-01",
    pluto: bool = False,
) -> Trajectories:
    """The Sun, the eight planets and the Moon from the ephemeris DE421, masses not given.

    Positions and velocities are about the barycentre of the Solar System, in AU and days: the numbers are then near 1
    for the inner planets, and G times the Sun's mass is Gauss's 2.959e-4. Needs `pip install 'limbeck[ephemeris]'`.

    Args:
        years: How long, in years of 365.25 days.
        step_minutes: Step of time, and of the differences that give the accelerations [minutes]; at most a day.
        every: Keep every so-manieth state; one a day by default.
        start: Date of the first state, as 1980-01-01, at midnight of barycentric dynamical time.
        pluto: Whether Pluto is one of the bodies.

    Returns:
        One simulation of 10 or 11 named bodies without attributes.

    Raises:
        InputError: If a package is missing, an option is wrong, or the ephemeris does not cover the time.
    """
    first = _julian_date(start)
    days = _days(years, step_minutes, every)
    bodies = BODIES if pluto else BODIES[:-1]
    if len(days) * len(bodies) > MAX_STATES:
        raise InputError(
            f"{len(days):,} states of {len(bodies)} bodies do not fit; ask for fewer years, or raise every"
        )
    ephemeris = open_ephemeris()
    step = step_minutes / MINUTES  # days
    margin = POINTS // 2 * step
    if first - margin < ephemeris.first or first + days[-1] + margin > ephemeris.last:
        raise InputError(
            f"{years:g} years from {start} are not all in DE421, which covers {_calendar(ephemeris.first)} to "
            f"{_calendar(ephemeris.last)} (less {margin:g} days at both ends); ask for other years"
        )
    positions, velocities = barycentric(ephemeris, bodies, first, days)
    accelerations = _differences(ephemeris, bodies, first, days, step, velocities)
    return Trajectories(
        times=days[None],
        positions=positions[None],
        velocities=velocities[None],
        accelerations=accelerations[None],
        present=np.ones((1, len(days), len(bodies)), dtype=bool),
        system_names=("solar-system",),
        particle_names=(bodies,),
        units={"x": "AU", "time": "day"},
        source={
            "system": "solar-system",
            "ephemeris": "DE421",
            "start": start,
            "years": years,
            "step_minutes": step_minutes,
        }
        | {"every": every, "pluto": pluto},
        notes=(
            f"Solar System: ephemeris DE421, about the barycentre, days since {start} (barycentric dynamical time)",
            f"accelerations: the ephemeris's velocities differentiated over {POINTS} points, {step_minutes:g} minutes "
            "apart; Newton's law was not used",
        ),
    )


def true_masses() -> dict[str, float]:
    """Masses of the bodies according to DE421, to check what was learnt. No stage before the report may read them.

    Returns:
        Mass of each body [solar masses], the Sun's being 1.

    Raises:
        InputError: If a package is missing.
    """
    gm = open_ephemeris().gm
    return {body: value / gm["Sun"] for body, value in gm.items()}


def _differences(
    ephemeris: Ephemeris, bodies: tuple[str, ...], start: float, days: Days, step: float, velocities: States
) -> States:
    """Differentiate the velocities at each kept time, by a central stencil at the fine step."""
    offsets = (np.arange(POINTS) - POINTS // 2) * step
    weights = stencils(offsets, 1, POINTS)[1][POINTS // 2]
    result = np.zeros_like(velocities)
    for offset, weight in zip(offsets, weights, strict=True):
        if offset != 0:
            result += weight * (barycentric(ephemeris, bodies, start, days + offset)[1] - velocities)
    return result


def _days(years: float, step_minutes: float, every: int) -> Days:
    """Times of the states that are kept, in days since the start."""
    for name, value in (("years", years), ("step_minutes", step_minutes)):
        if not (isinstance(value, int | float) and math.isfinite(value) and value > 0):
            raise InputError(f"{name} must be a positive number; got {value!r}")
    if step_minutes > MINUTES:
        raise InputError(
            f"step_minutes must be at most {MINUTES}, a day, or the Moon's acceleration is lost; got {step_minutes:g}; "
            "raise every to keep fewer states"
        )
    if isinstance(every, bool) or not isinstance(every, int) or every < 1:
        raise InputError(f"every must be at least 1; got {every!r}")
    count = round(years * YEAR * MINUTES / step_minutes) // every + 1
    if count > MAX_STATES:
        raise InputError(f"{count:,} states do not fit; ask for fewer years, or raise every")
    return np.arange(count) * (every * step_minutes) / MINUTES


def _julian_date(text: str) -> float:
    """Julian date of a midnight."""
    try:
        return date.fromisoformat(text).toordinal() + _ORDINAL
    except (TypeError, ValueError):
        raise InputError(f"start must be a date such as 1980-01-01; got {text!r}") from None


def _calendar(julian: float) -> str:
    """Date of a Julian date, as people write it."""
    return date.fromordinal(int(julian - _ORDINAL)).isoformat()
