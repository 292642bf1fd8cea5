"""Are two expressions one law? By their normal forms, and by their values.

`canonical` writes equal laws alike as far as rules can; where they can't, as with
`(r + a)*(r + b)` against its expansion, `same_function` compares on samples.
"""

from collections.abc import Mapping, Set

import numpy as np
from jaxtyping import Float

from limbeck._errors import InputError
from limbeck._types import Samples

from ._evaluate import evaluate
from ._expression import Expression
from ._signs import fold_signs
from ._simplify import canonical as normal_form

Columns = Mapping[str, Float[np.ndarray, " samples"]]


def canonical(expression: Expression, signs: Set[str] = frozenset()) -> Expression:
    """The form by which laws are compared, even where it is longer: `x*x` becomes `x**2`.

    Args:
        expression: Any tree.
        signs: Variables that are +1 or -1 throughout; `q_1/q_2` of such becomes `q_1*q_2`.

    Returns:
        A fixed point: the canonical form of it is itself. Values stay wherever the original is finite.
    """
    return normal_form(fold_signs(expression, signs) if signs else expression)


def spread(values: Samples) -> float:
    """Typical size of the variation of values, not led by a few far ones.

    Args:
        values: Finite numbers.

    Returns:
        The smaller one of standard deviation and interquartile range; the standard
        deviation where half of the values agree, and their size (or 1) where all do.
    """
    deviation = float(np.std(values))
    low, high = np.quantile(values, [0.25, 0.75])
    size = float(np.max(np.abs(values)))
    if deviation <= 1e-12 * size:
        return size or 1.0
    return min(deviation, float(high - low)) if high - low > 1e-12 * max(abs(high), abs(low)) else deviation


def same_function(a: Expression, b: Expression, columns: Columns, *, tolerance: float = 1e-6) -> bool:
    """Whether two expressions have the same values on given samples.

    At each sample `|a - b| <= tolerance (spread(b) + |b|)`, and both are defined at the same samples.

    Args:
        a: One expression.
        b: The other, whose spread sets the scale.
        columns: Samples of each variable of both.
        tolerance: Largest deviation, relative, >= 0.

    Returns:
        True if they agree and are defined on at least one sample.

    Raises:
        InputError: If there are no samples, columns differ in length, or a variable has none.

    Example:
        >>> import numpy as np
        >>> from limbeck.expressions import parse
        >>> r = {"r": np.linspace(0.1, 3.0, 20)}
        >>> same_function(parse("(r + 1)*(r + 2)"), parse("r**2 + 3*r + 2"), r)
        True
        >>> same_function(parse("1/r"), parse("1/(r + 0.01)"), r)
        False
    """
    lengths = {len(values) for values in columns.values()}
    if len(lengths) != 1 or 0 in lengths:
        raise InputError(f"columns must have one length of at least 1; got {sorted(lengths) or 'no columns'}")
    (length,) = lengths
    first, second = (np.broadcast_to(np.asarray(evaluate(tree, columns), dtype=float), (length,)) for tree in (a, b))
    defined = np.isfinite(second)
    if not defined.any() or not np.array_equal(defined, np.isfinite(first)):
        return False
    first, second = first[defined], second[defined]
    return bool(np.all(np.abs(first - second) <= tolerance * (spread(second) + np.abs(second))))
