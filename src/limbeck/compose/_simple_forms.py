"""Laws worth a try on any data, whatever a network taught: powers of the distance, with products of attributes.

On noisy positions a network learns weak forces late or not at all, and equations read off it begin far from the law.
Along smoothed paths a form costs a fraction of a second, so the simplest ones are tried beside them.
"""

from collections.abc import Sequence
from itertools import product

from limbeck.expressions import Call, Constant, Expression, Variable, simplify
from limbeck.regress import with_whole_powers

from ._law import Law
from ._refine import couplings

EXPONENTS = (1, 0, -1, -2)
SOFTENING = 0.01  # square of the length that a fit begins at
MOST_ATTRIBUTES = 4  # of which all products are tried


def power_laws(attributes: Sequence[str], dim: int, *, with_softened: bool = False) -> list[Law]:
    """Forces along the line between two particles, a power of their distance each.

    Args:
        attributes: Names of attributes; each may be what a particle is pulled by, and its inertia.
        dim: Dimension of space.
        with_softened: Whether powers of a distance that is softened in its square are among them.

    Returns:
        The laws, with a factor of -1.
    """
    names = tuple(attributes[:MOST_ATTRIBUTES])
    found = []
    powers = [_power(Variable("r"), exponent) for exponent in EXPONENTS]
    powers += [soft for exponent in EXPONENTS if exponent < 0 and with_softened for soft in _softened_powers(exponent)]
    for pull, inert, power in product((Constant(1, free=False), *couplings("radial", names)), (None, *names), powers):
        components: dict[str, Expression] = {"radial": simplify(Call("mul", (Constant(-1.0), pull, power)))}
        if inert is not None:
            components["inertia"] = Variable(f"{inert}_1")
        found.append(Law(components=components, dim=dim))
    return found


def _power(base: Expression, exponent: float | int) -> Expression:
    """A fixed power."""
    exponent = int(exponent) if float(exponent).is_integer() else exponent
    return Call("pow", (base, Constant(exponent, free=False)))


def _softened_powers(exponent: int) -> tuple[Expression, Expression]:
    """A power of the distance softened in its square, alone and along the distance."""
    square = Call("add", (_power(Variable("r"), 2), Constant(SOFTENING)))
    return _power(square, exponent / 2), Call("mul", (Variable("r"), _power(square, (exponent - 1) / 2)))


def softened(law: Law) -> Law | None:
    """A law with every power of the distance made whole and softened.

    Close encounters alone tell a softening, which smoothed paths don't show.

    Args:
        law: Any law.

    Returns:
        The other form; None where it is the same.
    """
    distance = frozenset({"r"})
    components = {name: simplify(with_whole_powers(e, distance)) for name, e in law.components.items()}
    other = Law(components=components, dim=law.dim)
    return None if other.is_same_form(law) else other
