"""The order of terms and factors: by their form first, by their numbers last.

Free constants do not take part in the first comparison, so that a refit never
reorders a law and two laws of one form have their parts in the same places.
"""

from ._expression import Constant, Expression, Variable, walk


def form_key(expr: Expression) -> str:
    """A text that is the same for trees that differ in free constants only.

    Args:
        expr: The tree.

    Returns:
        The text; variables sort before functions, and those before sums.
    """
    if isinstance(expr, Constant):
        return "#" if expr.free else repr(expr.value)
    if isinstance(expr, Variable):
        return "0" + expr.name
    known = expr.__dict__.get("_form_key")
    if known is None:
        known = _call_key(expr.op, [form_key(argument) for argument in expr.args])
        object.__setattr__(expr, "_form_key", known)
    return known


def _call_key(op: str, keys: list[str]) -> str:
    """The text of an operator, from those of its arguments."""
    if op == "pow":
        return f"{keys[0]}^{keys[1]}"
    if op == "mul":
        return "*".join(keys)
    rank = {"add": "2", "if": "3"}.get(op, "1")
    return f"{rank}{op}({','.join(keys)})"


def _numbers(expr: Expression) -> tuple[float, ...]:
    """All constants of a tree, for a tie."""
    return tuple(float(node.value) for node in walk(expr) if isinstance(node, Constant))


def ordered(exprs: list[Expression]) -> list[Expression]:
    """Sort trees by form, ties by their numbers.

    Args:
        exprs: The trees.

    Returns:
        A new list.
    """
    keys = [form_key(expr) for expr in exprs]
    if len(set(keys)) == len(keys):
        return sorted(exprs, key=form_key)
    return sorted(exprs, key=lambda expr: (form_key(expr), _numbers(expr)))
