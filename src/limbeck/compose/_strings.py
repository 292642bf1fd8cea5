"""A law as strings: the forces and the acceleration that `result.json` and people read."""

import numpy as np

from limbeck.expressions import (
    Call,
    Constant,
    Expression,
    Variable,
    antiderivative,
    complexity,
    evaluate,
    rename,
    simplify,
    substitute,
    to_string,
    variables,
)

from ._law import SAME, Law, is_one_body
from ._states import AXES

SAMPLES = 32  # of each kind, on which the two ends of a pair are exchanged


def pair_force(law: Law) -> tuple[Expression, ...]:
    """Force that the sender exerts on the receiver, for each axis.

    Args:
        law: The law.

    Returns:
        Expressions in `dx, ...`, `r`, `dvx, ...` and the attributes of both; 0 without a pair force.
    """
    return tuple(_pair_axis(law, k) for k in range(law.dim))


def _pair_axis(law: Law, k: int) -> Expression:
    """The pair force along one axis."""
    axis, terms = AXES[k], []
    for name, expression in law.components.items():
        if name == "radial":
            terms.append(_times(expression, Call("div", (Variable(f"d{axis}"), Variable("r")))))
        elif name == "friction":
            terms.append(_times(expression, Variable(f"dv{axis}")))
        elif name == "transverse":
            turned = Variable("dy" if k == 0 else "dx")
            signed = Call("neg", (turned,)) if k == 0 else turned
            terms.append(_times(expression, Call("div", (signed, Variable("r")))))
        elif name == f"message_{axis}":
            terms.append(expression)
    return _sum(terms)


def acceleration(law: Law) -> tuple[Expression, ...]:
    """Acceleration of the receiver for each axis, in `Fx, ...`: pair forces summed over senders.

    Args:
        law: The law.

    Returns:
        Expressions in `Fx, ...`, the receiver's attributes, position and velocity.
    """
    found = []
    for k in range(law.dim):
        axis = AXES[k]
        terms: list[Expression] = []
        if any(not is_one_body(name) and name != "inertia" for name in law.components):
            terms.append(Variable(f"F{axis}"))
        for name, expression in law.components.items():
            if name == "drag":
                terms.append(_times(expression, Variable(f"v{axis}_1")))
            elif name == "central":
                terms.append(_times(expression, Variable(f"{axis}_1")))
            elif name in (f"uniform_{axis}", f"field_{axis}"):
                terms.append(expression)
        found.append(_over_inertia(law, [substitute(term, _lengths(law.dim)) for term in terms]))
    return tuple(found)


def _over_inertia(law: Law, terms: list[Expression]) -> Expression:
    """The sum of forces over the inertia, as a whole or term by term, whichever is shorter."""
    total = _sum(terms)
    if "inertia" not in law.components:
        return total
    inertia = law.components["inertia"]
    each = _sum([simplify(Call("div", (term, inertia))) for term in terms])
    return min((simplify(Call("div", (total, inertia))), each), key=complexity)


def _lengths(dim: int) -> dict[str, Expression]:
    """Speed and distance from the origin in terms of components."""
    two = Constant(2, free=False)
    found = {}
    for name, stem in (("v_1", "v"), ("r_1", "")):
        squares = [Call("pow", (Variable(f"{stem}{axis}_1"), two)) for axis in AXES[:dim]]
        found[name] = Call("sqrt", (_sum(list(squares)),))
    return found


def _times(expression: Expression, factor: Expression) -> Expression:
    """A product."""
    return Call("mul", (expression, factor))


def _sum(terms: list[Expression]) -> Expression:
    """A sum of any number of terms."""
    if not terms:
        return Constant(0)
    return simplify(terms[0] if len(terms) == 1 else Call("add", tuple(terms)))


def pair_potential(law: Law) -> Expression | None:
    """Energy of a pair whose negative slope is the radial force.

    Args:
        law: The law.

    Returns:
        An expression in `r` and attributes, or None where there is none: a force that is not
        radial, or differs for the two ends, or is given in pieces, or whose antiderivative is not found.
    """
    pair_channels = [name for name in law.components if name != "inertia" and not is_one_body(name)]
    if pair_channels != ["radial"] or not _is_symmetric(law.components["radial"]):
        return None
    slope = antiderivative(law.components["radial"], "r")
    return None if slope is None else simplify(Call("neg", (slope,)))


def _is_symmetric(expression: Expression) -> bool:
    """Whether an expression stays the same where the two ends of a pair change places."""
    ends = {"1": "2", "2": "1"}
    turned = rename(expression, {n: n[:-1] + ends[n[-1]] for n in variables(expression) if n.endswith(("_1", "_2"))})
    columns = {name: _samples(name, k) for k, name in enumerate(sorted(variables(expression) | variables(turned)))}
    with np.errstate(all="ignore"):
        one, other = (np.broadcast_to(evaluate(each, columns), 4 * SAMPLES) for each in (expression, turned))
    known = np.isfinite(one) & np.isfinite(other)  # powers of masses need not be defined below zero
    known[:SAMPLES] = True
    return bool(np.allclose(one[known], other[known], rtol=SAME, atol=0.0, equal_nan=True))


def _samples(name: str, number: int) -> np.ndarray:
    """Values of a variable: what belongs to one end is also negative, very large or small, zero and whole."""
    rng = np.random.default_rng(number)
    usual = rng.uniform(0.5, 2.0, 4 * SAMPLES)
    if not name.endswith(("_1", "_2")):
        return usual
    signs = rng.choice((-1.0, 1.0), (2, SAMPLES))
    whole = rng.integers(-3, 4, SAMPLES).astype(float)
    return np.concatenate(
        [usual[:SAMPLES], signs[0] * usual[:SAMPLES], signs[1] * rng.lognormal(0.0, 2.0, SAMPLES), whole]
    )


def used_variables(law: Law) -> frozenset[str]:
    """Every variable that the law names, lengths of vectors aside.

    Args:
        law: The law.

    Returns:
        Names such as `r`, `m_1`, `vx_1`.
    """
    names = frozenset().union(*(variables(e) for e in (*pair_force(law), *acceleration(law))))
    return frozenset(name for name in names if not (name[0] in "dF" and name[1:] in ("x", "y", "z")))


def strings(expressions: tuple[Expression, ...]) -> list[str]:
    """Expressions as strings that read back to the same values.

    Args:
        expressions: One for each axis.

    Returns:
        Strings with their numbers inlined at full precision.
    """
    return [to_string(expression) for expression in expressions]
