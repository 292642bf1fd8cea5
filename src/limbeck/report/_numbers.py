"""Numbers as people read them: rounded to their error, with powers of ten."""

import math
from collections.abc import Mapping

NOTHING = "–"
_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def shown(value: object, digits: int = 4) -> str:
    """Any value of `result.json` as text.

    Args:
        value: Null, a number, text, a list or a mapping.
        digits: Significant digits of a number.

    Returns:
        Text; a dash for null.
    """
    if value is None or value == "":
        return NOTHING
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return number(value, digits)
    if isinstance(value, Mapping):
        return ", ".join(f"{spelt(key)} {shown(item, digits)}" for key, item in value.items()) or NOTHING
    if isinstance(value, list | tuple):
        return ", ".join(shown(item, digits) for item in value) or NOTHING
    return str(value)


def number(value: float, digits: int = 4) -> str:
    """A number with a few significant digits.

    Args:
        value: The number.
        digits: Significant digits.

    Returns:
        Text such as `0.0123` or `1.5 × 10⁻⁷`.
    """
    if not math.isfinite(value):
        return "undefined" if math.isnan(value) else ("−∞" if value < 0 else "∞")
    mantissa, _, exponent = f"{value:.{digits}g}".partition("e")
    return _signed(mantissa) + (_power(int(exponent)) if exponent else "")


def fixed(value: float | None, places: int = 4) -> str:
    """A number with fixed places, such as an R².

    Args:
        value: The number; None where it is not defined.
        places: Digits after the point.

    Returns:
        Text; a dash for None.
    """
    if value is None or not math.isfinite(value):
        return NOTHING
    return number(value, 3) if abs(value) >= 1e4 else _signed(f"{value:.{places}f}")


def to_error(values: tuple[object, ...], error: object) -> tuple[str, ...]:
    """Numbers rounded at the second digit of an error.

    Args:
        values: Numbers that share the error; anything else is a dash.
        error: Standard error; null or 0 if unknown.

    Returns:
        One text for each number; a dash for null.
    """
    known, width = [_finite(v) for v in values], abs(_finite(error) or 0.0)
    if not width:
        return tuple(NOTHING if v is None else number(v, 6) for v in known)
    largest = max([abs(v) for v in known if v is not None] + [width])
    exponent = math.floor(math.log10(largest))
    exponent = 0 if -3 <= exponent < 5 else exponent
    places = min(max(1 - math.floor(math.log10(width)) + exponent, 0), 15)
    tail = _power(exponent) if exponent else ""
    return tuple(NOTHING if v is None else _signed(f"{v / 10.0**exponent:.{places}f}") + tail for v in known)


def spelt(key: object) -> str:
    """A key of `result.json` as words.

    Args:
        key: Such as `constant_attributes`.

    Returns:
        Such as `constant attributes`.
    """
    return str(key).replace("_", " ")


def duration(seconds: object) -> str:
    """A time a person can read.

    Args:
        seconds: Wall time [s], or anything that is no number.

    Returns:
        Text such as `12.3 s` or `3 min 20 s`.
    """
    value = _finite(seconds)
    if value is None:
        return shown(seconds)
    if value < 60:
        return f"{value:.2g} s" if value < 10 else f"{value:.1f} s"
    minutes, rest = divmod(round(value), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _finite(value: object) -> float | None:
    """The value if it is a finite number and no truth value."""
    if not isinstance(value, int | float) or isinstance(value, bool) or not math.isfinite(value):
        return None
    return float(value)


def _signed(text: str) -> str:
    """A true minus sign."""
    return text.replace("-", "−")


def _power(exponent: int) -> str:
    """A power of ten as a factor."""
    return " × 10" + str(exponent).translate(_SUPERSCRIPTS)
