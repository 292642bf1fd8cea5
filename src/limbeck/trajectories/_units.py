"""Units as a user writes them, kept as names: nothing is converted."""

from collections.abc import Iterable, Mapping

from limbeck._errors import InputError

from ._columns import listing, nearest

QUANTITIES = ("x", "time", "v", "a")
DIMENSIONLESS = ("", "1", "dimensionless", "none")


def parse_units(text: str) -> dict[str, str]:
    """Read units such as "x=AU,time=day,m=Msun".

    Args:
        text: Pairs of a quantity and its unit, separated by commas.

    Returns:
        The unit of each quantity.

    Raises:
        InputError: If a pair isn't one, pairs are not separated by commas, or a quantity stands twice.

    Example:
        >>> parse_units("x=AU, time=day")
        {'x': 'AU', 'time': 'day'}
    """
    units: dict[str, str] = {}
    for pair in text.split(",") if text.strip() else []:
        name, equals, unit = (part.strip() for part in pair.partition("="))
        if not (name and equals and unit):
            raise InputError(f"--units: got {pair.strip()!r}; expected quantity=unit, as in x=AU,time=day,m=Msun")
        if set(unit) & {"=", ";"}:
            raise InputError(
                f"--units: got {unit!r} as the unit of {name!r}; pairs are separated by commas, as in "
                "x=AU,time=day,m=Msun"
            )
        if name in units:
            raise InputError(f"--units: {name!r} stands twice; give each quantity one unit")
        units[name] = unit
    return units


def check_units(
    given: Mapping[str, str],
    found: Mapping[str, str],
    attributes: Iterable[str],
    where: str,
    *,
    lenient: bool = False,
) -> dict[str, str]:
    """Join the units that a user gave with those of the source, the user's first.

    Args:
        given: Units from the user.
        found: Units from the source.
        attributes: Names of the attributes.
        where: What to call the source in a message.
        lenient: Whether a unit of something that isn't there means nothing.

    Returns:
        The unit of each quantity that has one.

    Raises:
        InputError: If a unit is given for something that isn't there.
    """
    if not isinstance(given, Mapping):
        raise InputError(f"{where}: the units are {given!r}; expected a mapping such as {{'x': 'AU', 'time': 'day'}}")
    known = (*QUANTITIES, *attributes)
    given = {name: unit for name, unit in given.items() if name in known or not lenient}
    for name, unit in given.items():
        if name not in known:
            raise InputError(
                f"{where}: --units {name}={unit}: there is no quantity {name!r}{nearest(name, known)}; "
                f"there are {listing(known)}"
            )
        if not isinstance(unit, str):
            raise InputError(f"{where}: the unit of {name!r} is {unit!r}; expected text such as 'AU'")
    both = {name: str(unit) for name, unit in found.items() if name in known} | dict(given)
    return {name: unit for name, unit in both.items() if unit.strip().lower() not in DIMENSIONLESS}
