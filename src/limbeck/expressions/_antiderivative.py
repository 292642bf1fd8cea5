"""The antiderivative of an expression, where rules find one.

Sums are taken term by term; terms with the same exponential are integrated by
parts together, so that the force of a screened charge gives its potential
though neither of its two terms has an elementary one. What is found is
differentiated and compared at random points before it is handed out.
"""

from collections.abc import Sequence

import numpy as np

from . import _integrals as integrals
from ._derivative import derivative
from ._evaluate import evaluate
from ._expression import COMPARISONS, Call, Constant, Expression, variables, walk
from ._numbers import ZERO
from ._simplify import simplify
from ._sympy import from_sympy, to_sympy

_NOT_SMOOTH = COMPARISONS | {"if", "min", "max", "abs", "sign"}
# SymPy's rules can run for minutes on a large tree.
_NODE_BUDGET = 30


def antiderivative(expr: Expression, name: str) -> Expression | None:
    """An antiderivative with respect to a variable.

    Args:
        expr: The tree.
        name: The variable, thought of as positive (a distance).

    Returns:
        A tree whose derivative is the given one, without a constant of integration;
        None if none was found or the expression is not smooth in the variable.
    """
    expr = simplify(expr)
    if any(isinstance(node, Call) and node.op in _NOT_SMOOTH and name in variables(node) for node in walk(expr)):
        return None
    for method in (integrals.by_rules, _by_sympy):
        found = method(expr, name)
        if found is not None:
            found = simplify(_without_constant(simplify(found), name))
            if _is_antiderivative(found, expr, name):
                return found
    return None


def _without_constant(expr: Expression, name: str) -> Expression:
    """Drop terms without the variable."""
    if not (isinstance(expr, Call) and expr.op == "add"):
        return expr
    kept = [term for term in expr.args if name in variables(term)]
    return _total(kept)


def _total(terms: Sequence[Expression]) -> Expression:
    """A sum of any number of terms."""
    if len(terms) < 2:
        return terms[0] if terms else ZERO
    return Call("add", tuple(terms))


def _by_sympy(expr: Expression, name: str) -> Expression | None:
    """SymPy's own rules, for small trees."""
    if sum(1 for _ in walk(expr)) > _NODE_BUDGET or not _has_plain_exponents(expr):
        return None
    import sympy
    from sympy.integrals.manualintegrate import manualintegrate

    from limbeck._errors import InputError

    try:
        found = manualintegrate(sympy.nsimplify(to_sympy(expr), rational=True), sympy.Symbol(name))
        if found.has(sympy.Integral):
            return None
        return from_sympy(sympy.N(found, 17))
    except (InputError, ValueError, TypeError, ArithmeticError, NotImplementedError, AttributeError, RecursionError):
        return None


def _has_plain_exponents(expr: Expression) -> bool:
    """Whether every exponent is a small integer or a half, which SymPy's rules can take."""
    powers = [node for node in walk(expr) if isinstance(node, Call) and node.op == "pow"]
    exponents = [node.args[1] for node in powers]
    return all(isinstance(e, Constant) and float(2 * e.value).is_integer() and abs(e.value) <= 6 for e in exponents)


def _is_antiderivative(found: Expression, expr: Expression, name: str) -> bool:
    """Whether the derivative of what was found agrees at random points."""
    rng = np.random.default_rng(11)
    values = {other: rng.uniform(0.3, 2.0, 64) for other in sorted(variables(expr) | variables(found))}
    values[name] = rng.uniform(0.1, 4.0, 64)
    with np.errstate(all="ignore"):
        wanted = np.broadcast_to(evaluate(expr, values), (64,))
        got = np.broadcast_to(evaluate(derivative(found, name), values), (64,))
        usable = np.isfinite(wanted) & np.isfinite(evaluate(found, values))
        close = np.abs(got - wanted) <= 1e-6 * np.abs(wanted) + 1e-9
    return int(usable.sum()) >= 8 and bool(np.all(close[usable]))
