"""One writing of laws that differ in it only: where the overall numbers stand, and products for quotients of signs."""

from collections.abc import Mapping

import numpy as np

from limbeck.expressions import Call, Constant, Expression, fold_signs, simplify, skeleton

from ._law import Law


def canonical(law: Law, signs: frozenset[str]) -> Law:
    """The law with its scale fixed, and products where quotients of signs are the same on the data.

    Args:
        law: Any law.
        signs: Variables with one magnitude throughout.

    Returns:
        A law with the same accelerations but for a constant factor of each power of such variables.
    """
    if signs:
        law = Law(components={name: fold_signs(e, signs) for name, e in law.components.items()}, dim=law.dim)
    return normalised(law)


def normalised(law: Law) -> Law:
    """Fix the scale between force and inertia: the inertia's leading term gets coefficient 1.

    Args:
        law: Any law.

    Returns:
        A law with the same accelerations; without an inertia where it was a constant.
    """
    components = {name: simplify(e) for name, e in law.components.items() if simplify(e) != Constant(0)}
    if "inertia" not in components:
        return Law(components=components, dim=law.dim)
    inertia = components.pop("inertia")
    scale, rest = _leading(inertia)
    if scale == 0:
        return Law(components={**components, "inertia": inertia}, dim=law.dim)
    divided = {
        name: simplify(Call("mul", (Constant(1.0 / scale), expression))) for name, expression in components.items()
    }
    if rest is not None:
        divided["inertia"] = rest
    return Law(components=divided, dim=law.dim)


def _leading(inertia: Expression) -> tuple[float, Expression | None]:
    """The coefficient of the leading term and the inertia divided by it; None for a constant."""
    if isinstance(inertia, Constant):
        return float(inertia.value), None
    if isinstance(inertia, Call) and inertia.op == "mul" and isinstance(inertia.args[0], Constant):
        rest = inertia.args[1:]
        return float(inertia.args[0].value), rest[0] if len(rest) == 1 else Call("mul", rest)
    if isinstance(inertia, Call) and inertia.op == "add":
        terms = [(_leading(term), term) for term in inertia.args]
        scale = next((s for (s, rest), _ in terms if rest is not None), 1.0)
        return scale, simplify(Call("add", tuple(_over(term, scale) for _, term in terms)))
    return 1.0, inertia


def _over(term: Expression, scale: float) -> Expression:
    """A term divided by the leading coefficient; the leading term itself keeps no number to fit."""
    coefficient, rest = _leading(term)
    if rest is None:
        return Constant(coefficient / scale)
    if coefficient == scale:
        return rest
    return Call("mul", (Constant(coefficient / scale), rest))


def with_leading_constants(law: Law) -> Law:
    """Give every force channel a free overall factor, which a fitted 1 may have hidden.

    Args:
        law: Any law.

    Returns:
        A law with the same accelerations, whose scale of every force can be refitted.
    """
    components = {name: e if name == "inertia" else with_factor(e) for name, e in law.components.items()}
    return Law(components=components, dim=law.dim)


def with_factor(expression: Expression) -> Expression:
    """Give a formula a free overall factor, unless it has one.

    Args:
        expression: Any formula.

    Returns:
        The same function.
    """
    return expression if _has_factor(expression) else Call("mul", (Constant(1.0), expression))


def _has_factor(expression: Expression) -> bool:
    """Whether a formula is a free number or begins with one as a factor."""
    first = expression.args[0] if isinstance(expression, Call) and expression.op == "mul" else expression
    return isinstance(first, Constant) and first.free


def form_key(law: Law) -> tuple[tuple[str, Expression], ...]:
    """The form of a law without its numbers.

    Args:
        law: A law.

    Returns:
        Something that two laws share if they differ in numbers only.
    """
    return tuple((name, skeleton(law.components[name])) for name in sorted(law.components))


def sign_variables(columns: Mapping[str, np.ndarray]) -> frozenset[str]:
    """Variables with one magnitude and both signs.

    Args:
        columns: Values by variable.

    Returns:
        Names of those whose square is a constant.
    """
    return frozenset(
        name
        for name, values in columns.items()
        if values.size and np.ptp(np.abs(values)) <= 1e-12 * np.max(np.abs(values), initial=1e-300)
    )
