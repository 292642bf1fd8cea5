"""The law as a page shows it: vectors and kernels in MathML, exact text beside them.

`dx` is receiver minus sender, so the unit vector points from the sender to the
receiver and a negative radial force attracts.
"""

import html
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from limbeck._errors import InputError
from limbeck.expressions import Constant, Expression, Variable, parse, to_mathml, variables

AXES = "xyz"
_OPEN, _CLOSE = '<math xmlns="http://www.w3.org/1998/Math/MathML">', "</math>"
_THIN = '<mo>&#x2062;</mo><mspace width="0.17em"></mspace>'
_ARROW = '<mover accent="true"><mi>{}</mi><mo stretchy="false">→</mo></mover>'
_RHAT = '<mover accent="true"><mi>r</mi><mo stretchy="false">^</mo></mover>'
_FORCE = f"<msub>{_ARROW.format('F')}<mn>12</mn></msub>"
_ACCELERATION = f"<msub>{_ARROW.format('a')}<mn>1</mn></msub>"
_EQUALS = "<mo>=</mo>"
_VELOCITY, _POSITION = (f"<msub>{_ARROW.format(letter)}<mn>1</mn></msub>" for letter in "vx")
_RELATIVE = f"<mi>Δ</mi>{_ARROW.format('v')}"


@dataclass(frozen=True, kw_only=True)
class Formula:
    """One line of mathematics.

    Attributes:
        label: What it is, in words.
        mathml: One `<math>` element, or empty where the text could not be read.
        text: The exact string of `result.json`, or empty.
    """

    label: str
    mathml: str
    text: str = ""


@dataclass(frozen=True, kw_only=True)
class LawOnPage:
    """A law in the order in which it is read.

    Attributes:
        main: Force on the receiver, acceleration, the scalars in them, and the potential.
        kernels: The scalar of every channel.
        axes: The same along each axis, as the strings of `result.json`.
    """

    main: tuple[Formula, ...]
    kernels: tuple[Formula, ...]
    axes: tuple[Formula, ...]


@dataclass(frozen=True)
class _Part:
    """How a channel is written: its letter, what it multiplies, and what it is."""

    symbol: str
    factor: str
    label: str


def law_on_page(result: Mapping[str, Any]) -> LawOnPage:
    """Lay out the law of a run.

    Args:
        result: Content of `result.json`.

    Returns:
        Formulas; all empty without a law.
    """
    law = result.get("law")
    channels = {str(name): str(text) for name, text in law.items()} if isinstance(law, Mapping) else {}
    axes = _axes(result)
    kernels = tuple(_kernel(name, text) for name, text in channels.items())
    potential = result.get("pair_potential")
    main = _vector_law(channels) if channels else list(axes)
    if potential is not None:
        main.append(_formula("Potential energy of the pair", "<mi>U</mi>", str(potential)))
    return LawOnPage(main=tuple(main), kernels=kernels, axes=axes if channels else ())


def symbol(name: str) -> str:
    """A name as it stands in the formulas.

    Args:
        name: Name of a variable.

    Returns:
        A `<math>` element, or empty where it is no name.
    """
    return _math(_inner(Variable(name))) if name.isidentifier() and name.isascii() else ""


def equation_line(label: str, name: str, text: str) -> Formula:
    """An equation for a quantity.

    Args:
        label: What it is, in words.
        name: Name of the quantity, as of a variable.
        text: The right side.

    Returns:
        The line.
    """
    return _formula(label, _inner(Variable(name)), text)


def _axes(result: Mapping[str, Any]) -> tuple[Formula, ...]:
    """Force and acceleration along each axis."""
    lines = []
    for key, letter, label in (
        ("pair_force", "F", "Force of the sender on the receiver"),
        ("acceleration", "a", "Acceleration of the receiver"),
    ):
        for axis, text in zip(AXES, result.get(key) or (), strict=False):
            left = f"<msub><mi>{letter}</mi><mrow><mi>{axis}</mi></mrow></msub>"
            lines.append(_formula(f"{label}, along {axis}", left, str(text)))
    return tuple(lines)


def _formula(label: str, left: str, text: str) -> Formula:
    """An equation with given left side; without MathML where the text is no formula."""
    expression = _read(text)
    return Formula(label=label, mathml=_math(left, _EQUALS, _inner(expression)) if expression else "", text=text)


def _kernel(name: str, text: str) -> Formula:
    """The scalar of one channel."""
    part = _part(name)
    return _formula(part.label, part.symbol, text)


def _vector_law(channels: Mapping[str, str]) -> list[Formula]:
    """Force and acceleration as vectors, each followed by the scalars that it names."""
    pair = [name for name in channels if not is_one_body(name) and name != "inertia"]
    one_body = [name for name in channels if is_one_body(name)]
    lines = []
    if pair:
        force = _sum([_term(name, channels[name]) for name in pair])
        lines.append(Formula(label="Force of sender 2 on receiver 1", mathml=_math(_FORCE, _EQUALS, force)))
        lines += [_kernel(name, channels[name]) for name in pair if not _is_inlined(channels[name])]
    summed = [(False, f"<munder><mo>∑</mo><mn>2</mn></munder>{_FORCE}")] if pair else []
    total = _sum([*summed, *(_term(name, channels[name]) for name in one_body)])
    if "inertia" in channels:
        total = f"<mfrac><mrow>{total}</mrow><mrow>{_inertia(channels['inertia'])}</mrow></mfrac>"
    lines.append(Formula(label="Acceleration of receiver 1", mathml=_math(_ACCELERATION, _EQUALS, total)))
    rest = [name for name in channels if name not in pair and not _is_inlined(channels[name])]
    return [*lines, *(_kernel(name, channels[name]) for name in rest)]


def is_one_body(name: str) -> bool:
    """Whether a channel acts without a partner.

    Args:
        name: A channel.

    Returns:
        True for drag, central, uniform and field channels.
    """
    return name in ("drag", "central") or name.startswith(("uniform_", "field_"))


def _part(name: str) -> _Part:
    """How a channel is written."""
    stem, _, axis = name.rpartition("_")
    known = {
        "radial": _Part("<mi>f</mi>", _RHAT, "Radial force (negative: attraction)"),
        "friction": _Part("<mi>g</mi>", _RELATIVE, "Pair friction, along the relative velocity"),
        "transverse": _Part(
            "<mi>h</mi>", f"<msub>{_RHAT}<mo>⊥</mo></msub>", "Transverse force, along r̂ turned by a right angle"
        ),
        "drag": _Part("<mi>k</mi>", _VELOCITY, "Drag, along the velocity"),
        "central": _Part("<mi>c</mi>", _POSITION, "Central field, along the position"),
        "inertia": _Part("<mi>M</mi>", "", "Inertia"),
    }
    if name in known:
        return known[name]
    letter = {"message": "F", "uniform": "u", "field": "b"}.get(stem)
    if letter is None or axis not in AXES:
        return _Part(f"<mtext>{html.escape(name)}</mtext>", "", f"Channel {name}")
    words = {"F": "Pair force", "u": "Uniform field", "b": "Field of position and velocity"}[letter]
    unit = f'<msub><mover accent="true"><mi>e</mi><mo stretchy="false">^</mo></mover><mi>{axis}</mi></msub>'
    return _Part(f"<msub><mi>{letter}</mi><mi>{axis}</mi></msub>", unit, f"{words}, along {axis}")


def _is_inlined(text: str) -> bool:
    """Whether a scalar is short enough to stand where it acts: a number or a name."""
    return isinstance(_read(text), Variable | Constant)


def _term(name: str, text: str) -> tuple[bool, str]:
    """Whether a channel is subtracted, and its scalar (a letter with arguments if long) times its direction."""
    part, expression = _part(name), _read(text)
    if isinstance(expression, Constant):
        return expression.value < 0, f"<mrow>{_inner(Constant(abs(expression.value)))}{_THIN}{part.factor}</mrow>"
    if isinstance(expression, Variable):
        return False, f"<mrow>{_inner(expression)}{_THIN}{part.factor}</mrow>"
    names = sorted(variables(expression), key=lambda v: (v != "r", v)) if expression else []
    inside = "<mo>,</mo>".join(_inner(Variable(v)) for v in names)
    call = f"{part.symbol}<mo>&#x2061;</mo><mrow><mo>(</mo>{inside}<mo>)</mo></mrow>" if names else part.symbol
    return False, f"<mrow>{call}{_THIN}{part.factor}</mrow>"


def _inertia(text: str) -> str:
    """The inertia itself where it is short, else its letter."""
    expression = _read(text)
    return _inner(expression) if expression and _is_inlined(text) else _part("inertia").symbol


def _sum(terms: list[tuple[bool, str]]) -> str:
    """Signed terms; zero without any."""
    signs = [("<mo>−</mo>" if minus else "<mo>+</mo>" if k else "") for k, (minus, _) in enumerate(terms)]
    return "".join(sign + term for sign, (_, term) in zip(signs, terms, strict=True)) or "<mn>0</mn>"


def _read(text: str) -> Expression | None:
    """The tree, or None where the text is no formula."""
    try:
        return parse(text)
    except InputError:
        return None


def _inner(expression: Expression) -> str:
    """MathML of a tree without the enclosing element, with true minus signs."""
    inner = to_mathml(expression, digits=5).removeprefix(_OPEN).removesuffix(_CLOSE)
    return inner.replace("<mo>-</mo>", "<mo>−</mo>")


def _math(*parts: str) -> str:
    """An element that HTML draws as a block; HTML needs no name space."""
    return f'<math display="block"><mrow>{"".join(parts)}</mrow></math>'
