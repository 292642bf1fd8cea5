"""A user's own pair potential, from text to a system.

The text is read by the house's own whitelist parser, checked (it must depend on
the distance, and be the same when the particles change places, or the forces
would break the third law), and differentiated symbolically.
"""

import re

import numpy as np

from limbeck import expressions
from limbeck._errors import InputError
from limbeck.expressions import Call, Constant, Expression, Variable

from ._systems import AttributeRule, SystemDefinition

# Names that mean something else in an equation, see the naming rule in docs/design.md.
_TAKEN = re.compile(r"[xyzrtn]|[dvaF].*")
_ATTRIBUTE = re.compile(r"(?P<name>[A-Za-z]\w*)_(?P<side>[12])")
_PROBES = 64


def custom_system(
    potential: str, *, dt: float = 0.01, n_steps: int = 1000, softening: float = 0.01
) -> SystemDefinition:
    """A system with a pair potential of one's own: force = -dV/dr along the line of centres.

    Args:
        potential: Energy of a pair in `r` and attributes such as `m_1`, `q_2`; `r` stands for
            the distance plus the softening. Must not change when 1 and 2 are exchanged.
        dt: Time between states, > 0.
        n_steps: Number of states.
        softening: Length added to the distance, >= 0.

    Returns:
        The system. Masses and other attributes are drawn log-normal(0, 1), `q` from -1 and 1;
        the inertia is `m_1`.

    Raises:
        InputError: If the text is no such potential.

    Example:
        >>> custom_system("q_1*q_2*exp(-r)/r").name
        'custom'
    """
    energy = expressions.parse(potential)
    names = _attribute_names(energy)
    if "r" not in expressions.variables(energy):
        raise InputError(f"the potential {potential!r} does not depend on r, so there is no force")
    slope = expressions.derivative(energy, "r")
    _check_symmetry(energy, names, potential)
    _check_force(slope, names, potential)
    return SystemDefinition(
        name="custom",
        summary=f"potential {potential} with r the distance plus {softening}",
        pair_force=_text(Call("neg", (slope,)), softening),
        pair_potential=_text(energy, softening),
        attributes=tuple(_rule(name) for name in ("m", *(name for name in names if name != "m"))),
        dt=dt,
        n_steps=n_steps,
        softening=softening,
    )


def _attribute_names(energy: Expression) -> tuple[str, ...]:
    """Attributes that a potential uses, sorted; refuses every other name."""
    names = set()
    for variable in sorted(expressions.variables(energy) - {"r"}):
        match = _ATTRIBUTE.fullmatch(variable)
        if match is None:
            raise InputError(
                f"a pair potential may use r and attributes that end in _1 or _2, such as m_1; got {variable!r}"
            )
        if _TAKEN.fullmatch(match["name"]):
            raise InputError(
                f"{variable!r}: {match['name']!r} can't be an attribute (x y z r t n and names that begin with "
                "d, v, a or F are taken)"
            )
        names.add(match["name"])
    return tuple(sorted(names))


def _rule(name: str) -> AttributeRule:
    """Charges are signs, everything else is log-normal."""
    return AttributeRule(name=name, distribution="signs" if name == "q" else "lognormal")


def _text(expr: Expression, softening: float) -> str:
    """Simplified text in the plain distance."""
    if softening:
        expr = expressions.substitute(expr, {"r": Call("add", (Variable("r"), Constant(softening)))})
    return expressions.to_string(expressions.simplify(expr))


def _probe_values(names: tuple[str, ...]) -> dict[str, np.ndarray]:
    """Distances and attributes at which a potential is tried; charges of any size too."""
    generator = np.random.default_rng(0)
    values = {"r": generator.lognormal(size=_PROBES)}
    for name in names:
        for side in "12":
            values[f"{name}_{side}"] = generator.lognormal(size=_PROBES)
            if name == "q":
                values[f"{name}_{side}"] *= generator.choice([-1.0, 1.0], size=_PROBES)
    return values


def _check_symmetry(energy: Expression, names: tuple[str, ...], text: str) -> None:
    """Refuse a potential that changes when the particles change places."""
    values = _probe_values(names)
    swapped = {name[:-1] + {"1": "2", "2": "1"}[name[-1]] if name != "r" else name: v for name, v in values.items()}
    first, second = (np.asarray(expressions.evaluate(energy, v), dtype=float) for v in (values, swapped))
    if not np.isfinite(first).any():
        raise InputError(f"the potential {text!r} is not finite at any distance that was tried")
    if not np.allclose(first, second, rtol=1e-9, atol=1e-12, equal_nan=True):
        raise InputError(
            f"the potential {text!r} changes when particles 1 and 2 are exchanged, so the forces would not be equal "
            "and opposite; symmetrise it, for example m_1*m_2 or m_1 + m_2"
        )


def _check_force(slope: Expression, names: tuple[str, ...], text: str) -> None:
    """Refuse a potential whose force is 0 or undefined everywhere."""
    values = np.asarray(expressions.evaluate(slope, _probe_values(names)), dtype=float)
    if not np.isfinite(values).any():
        raise InputError(f"the force of the potential {text!r} is not finite at any distance that was tried")
    if not np.any(values[np.isfinite(values)]):
        raise InputError(f"the potential {text!r} does not vary with r, so there is no force")
