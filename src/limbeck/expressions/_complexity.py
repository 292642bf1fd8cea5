"""How much formula a formula is: the count of the house.

1 for each of `+ - * /`, unary minus, comparison, constant and variable; 3 for
any other function, a power and a conditional. Counted on the simplified tree
as it is printed: a negative number is one constant, a sign in front of a term
merges into the difference, `x**-1` is a division, so `-2*(r - 0.99)` counts 5.
"""

from ._count import printed_complexity
from ._expression import Expression
from ._simplify import simplify


def complexity(expr: Expression) -> int:
    """Complexity of the simplified expression.

    Args:
        expr: The tree, simplified or not.

    Returns:
        The count by the rule of the house.
    """
    return printed_complexity(simplify(expr))
