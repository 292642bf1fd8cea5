"""What of a force knows nothing of the distance: factors of attributes that stand before a function of it."""

from limbeck.expressions import Call, Expression, simplify, variables

Factors = tuple[Expression, ...]


def fronts_of(expression: Expression, variable: str) -> tuple[Factors, ...] | None:
    """Factors of a sum's terms that know nothing of a variable.

    Args:
        expression: Any expression.
        variable: Name of the variable.

    Returns:
        The different sets of factors; None where other variables do not stand apart from this one.
    """
    size = {variable}
    fronts: dict[Factors, None] = {}
    for term in _terms(simplify(expression), size):
        factors = _factors(term)
        if any(variables(f) - size for f in factors if size & variables(f)):
            return None
        fronts.setdefault(tuple(f for f in factors if variables(f) and not size & variables(f)))
    return tuple(fronts)


def _terms(expression: Expression, size: set[str]) -> list[Expression]:
    """Terms of a sum, also of one that stands as the one factor in which attributes and the size meet."""
    if isinstance(expression, Call) and expression.op == "add":
        return [part for term in expression.args for part in _terms(term, size)]
    factors = _factors(expression)
    mixed = [f for f in factors if size & variables(f) and variables(f) - size]
    if len(mixed) == 1 and isinstance(mixed[0], Call) and mixed[0].op == "add":
        others = tuple(f for f in factors if f is not mixed[0])
        spread = [Call("mul", (*others, *_factors(term))) if others else term for term in mixed[0].args]
        return [part for term in spread for part in _terms(term, size)]
    return [expression]


def _factors(term: Expression) -> Factors:
    """Factors of a product; the term itself where it is none."""
    return term.args if isinstance(term, Call) and term.op == "mul" else (term,)


def times(front: Factors, rest: Expression) -> Expression:
    """Put factors in front, if there are any: a force of bodies without attributes has none.

    Args:
        front: The factors.
        rest: What they multiply.

    Returns:
        The product.
    """
    return Call("mul", (*front, rest)) if front else rest
