"""Units as text into powers of base units, and back; nothing is converted.

Coherent SI units become their base units. Every other name, such as AU, km or mM, is a base
unit of its own, since a constant that turns one into another has a unit too.
"""

import re
from collections.abc import Mapping
from fractions import Fraction
from types import MappingProxyType

from limbeck._errors import InputError

Powers = Mapping[str, Fraction]
COHERENT: Mapping[str, str] = MappingProxyType(
    {
        "Hz": "1/s",
        "N": "kg*m/s^2",
        "Pa": "kg/m/s^2",
        "J": "kg*m^2/s^2",
        "W": "kg*m^2/s^3",
        "C": "A*s",
        "V": "kg*m^2/s^3/A",
        "F": "A^2*s^4/kg/m^2",
        "ohm": "kg*m^2/s^3/A^2",
        "S": "A^2*s^3/kg/m^2",
        "Wb": "kg*m^2/s^2/A",
        "T": "kg/s^2/A",
        "H": "kg*m^2/s^2/A^2",
    }
)
NONE = ("", "1", "dimensionless", "none", "rad")
_TOKEN = re.compile(r"\s*(?:(\*\*|\^)|([*/·])|(1)(?![\w.])|([^\W\d]\w*?)(-?\d+(?:/\d+)?)?(?![\w.])|([()]))")
_SUPERSCRIPT = re.compile("[⁰¹²³⁴⁵⁶⁷⁸⁹⁻]")
_COMPOUND = re.compile(r"[()/*^.\s]")  # what holds one of these was meant to be read
_POWER = re.compile(r"\s*\(?\s*(-?\d+(?:/[1-9]\d*)?)\s*\)?")


def powers_of(unit: str) -> Powers:
    """Powers of base units.

    Args:
        unit: Text such as "m/s^2", "kg m2 s-2" or "N*m".

    Returns:
        Power by base unit, none of them 0; text that can't be read is a base unit of its own.

    Example:
        >>> {name: int(power) for name, power in powers_of("N/kg").items()}
        {'m': 1, 's': -2}
    """
    if unit.strip().lower() in NONE:
        return {}
    found = _read(unit)
    return {unit.strip(): Fraction(1)} if found is None else found


def check_unit(unit: str, what: str) -> None:
    """Refuse text that was meant to be read and can't be; as one base unit it would make units of constants wrong.

    Args:
        unit: Text of a unit.
        what: Whose it is, for the message.

    Raises:
        InputError: If it is neither a unit that is read nor a plain name.
    """
    text = unit.strip()
    if text.lower() in NONE:
        return
    # A superscript counts as a letter, so the reader would take m² for a name.
    if _SUPERSCRIPT.search(text) or (_COMPOUND.search(text) and _read(text) is None):
        raise InputError(
            f"units: the unit {text!r} of {what} can't be read: write it without brackets, as kg*m/s^2 or kg m2 s-2; "
            "a / holds for the next name only"
        )


def _read(unit: str) -> Powers | None:
    """Names with powers between signs; a sign / holds for the next name only. None where that is not it."""
    total: dict[str, Fraction] = {}
    place, sign = 0, 1
    text = unit.strip()
    while place < len(text):
        token = _TOKEN.match(text, place)
        if token is None or token[1] or token[6]:
            return None
        place = token.end()
        if token[2]:
            sign = -1 if token[2] == "/" else 1
            continue
        power, place = _power(text, place, token[5])
        for name, share in _base(token[4]).items():
            total[name] = total.get(name, Fraction(0)) + sign * power * share
        sign = 1
    return {name: power for name, power in total.items() if power}


def _power(text: str, place: int, written: str | None) -> tuple[Fraction, int]:
    """The power of the name that ends here, and where to read on."""
    sign = re.compile(r"\s*(?:\*\*|\^)").match(text, place)
    number = _POWER.match(text, sign.end()) if sign else None
    if number is not None:
        return Fraction(number[1]), number.end()
    return Fraction(written or 1), place


def _base(name: str | None) -> Powers:
    """Base units of one name; of 1 and of names for no unit, none."""
    if name is None or name.lower() in NONE:
        return {}
    return powers_of(COHERENT[name]) if name in COHERENT else {name: Fraction(1)}


def unit_text(powers: Powers) -> str:
    """A unit as text.

    Args:
        powers: Power by base unit.

    Returns:
        Text that `powers_of` reads back; "1" for none.
    """
    above = [_factor(name, power) for name, power in sorted(powers.items()) if power > 0]
    below = [_factor(name, -power) for name, power in sorted(powers.items()) if power < 0]
    return "/".join(["*".join(above) or "1", *below])


def _factor(name: str, power: Fraction) -> str:
    """A base unit with its power."""
    return name if power == 1 else f"{name}^{power}" if power.denominator == 1 else f"{name}^({power})"
