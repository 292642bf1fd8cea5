"""Exponents of a law, fitted as if they were not whole numbers: what the data say of them."""

import numpy as np

from limbeck.expressions import Call, Constant, Expression, evaluate, free_constants, simplify, to_readable, variables

from ._law import Law
from ._states import States


def with_free_exponents(law: Law, states: States) -> tuple[Law, dict[int, str]]:
    """Free the fixed exponents of distances, where what they are the exponents of is positive throughout.

    Args:
        law: A law.
        states: The snapshots that it will be fitted to.

    Returns:
        The law with those exponents among its constants, and for the number of each in `law.constants`
        what it is the exponent of.
    """
    components, places, count = {}, {}, 0
    for channel, expression in law.components.items():
        freed, found = _freed(simplify(expression), count, states)
        components[channel] = freed
        places.update({number: f"{channel}: exponent of {base}" for number, base in found.items()})
        count += len(free_constants(freed))
    return Law(components=components, dim=law.dim), places


def _freed(expression: Expression, count: int, states: States) -> tuple[Expression, dict[int, str]]:
    """The expression with free exponents, the first free constant having the given number."""
    if not isinstance(expression, Call):
        return expression, {}
    children: list[Expression] = []
    found: dict[int, str] = {}
    for child in expression.args:
        new, inner = _freed(child, count, states)
        children.append(new)
        found.update(inner)
        count += len(free_constants(new))
    last = children[-1]
    if expression.op == "pow" and isinstance(last, Constant) and not last.free and _is_distance(children[0], states):
        children[-1] = Constant(last.value, free=True)
        found[count] = to_readable(children[0])
    return Call(expression.op, tuple(children)), found


def _is_distance(base: Expression, states: States) -> bool:
    """Whether a formula of the distance is positive on every edge: others have no powers but whole ones."""
    if "r" not in variables(base):
        return False
    with np.errstate(all="ignore"):
        return bool(np.all(np.asarray(evaluate(base, states.edges)) > 0))
