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
MOST_ATTRIBUTES = 4  # of which all products are tried


def power_laws(attributes: Sequence[str], dim: int) -> list[Law]:
    """Forces along the line between two particles, a power of their distance each.

    Args:
        attributes: Names of attributes; each may be what a particle is pulled by, and its inertia.
        dim: Dimension of space.

    Returns:
        The laws, with a factor of -1.
    """
    names = tuple(attributes[:MOST_ATTRIBUTES])
    found = []
    for pull, inert, exponent in product(
        (Constant(1, free=False), *couplings("radial", names)), (None, *names), EXPONENTS
    ):
        power = Call("pow", (Variable("r"), Constant(exponent, free=False)))
        components: dict[str, Expression] = {"radial": simplify(Call("mul", (Constant(-1.0), pull, power)))}
        if inert is not None:
            components["inertia"] = Variable(f"{inert}_1")
        found.append(Law(components=components, dim=dim))
    return found


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
