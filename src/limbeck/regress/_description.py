"""What a formula costs: nats to say its form, symbol by symbol, and its numbers, as well as the data know them.

A code in which each symbol costs as much as one of a dozen gives short forms short names, and there are no
more forms of a length than names for them: however many were tried, chance lowers the log-loss by more than a form
costs as seldom as its name is long.
"""

import math
from collections.abc import Iterator, Sequence

from limbeck.expressions import Call, Constant, Expression, complexity, free_constants

from ._constants import is_near_one

SYMBOLS = 12  # operators and variables that a place in a formula may hold, as an order of magnitude
STACKED = 0.25  # of a symbol, for a quotient within a quotient
WHOLE_SAVES = 2.0  # symbols: the number itself, and the operator that it stood under
EXACT = 1e-7  # a loss that is all rounding: nothing else could be as good by chance
TELLING = 5.0  # nats that tell two descriptions apart: odds of 150 to 1
TELLING_CUT_SHORT = 7.0  # the same where the clock ended a search: odds of a thousand to 1


def symbol_price(n_samples: int) -> float:
    """What a symbol must lower the log-loss by.

    Args:
        n_samples: Number of samples.

    Returns:
        Nats a sample.
    """
    return math.log(SYMBOLS) / max(n_samples, 2)


def number_price(n_samples: int) -> float:
    """What the digits of a fitted number must lower the log-loss by, beside the symbol that stands for it.

    Args:
        n_samples: Number of samples.

    Returns:
        Nats a sample.

    Source:
        Schwarz (1978), Annals of Statistics 6, 461.
    """
    return 0.5 * math.log(max(n_samples, 2)) / max(n_samples, 2)


def description_price(expression: Expression, n_samples: int) -> float:
    """What a formula must lower the log-loss by to be worth its description.

    Args:
        expression: A simplified equation.
        n_samples: Number of samples.

    Returns:
        Nats a sample.

    Source:
        Two-part codes of functions: Bartlett, Desmond and Ferreira (2022), arXiv 2211.11461, section 3, with the
        house's count of symbols and Schwarz's price of numbers.
    """
    numbers = len(free_constants(expression))
    return symbols(expression) * symbol_price(n_samples) + numbers * number_price(n_samples)


def symbols(expression: Expression) -> float:
    """Number of symbols that a formula is said with.

    The house's complexity, but for squares and cubes, which are one sign here: the house counts 4 for them, which
    would make `r*(r + a)` shorter than `(r + a)**2`. Of `a*s/(s + b)` and `a/(1 + b/s)`, the first is a little shorter.

    Args:
        expression: A simplified equation.

    Returns:
        The number.
    """
    return complexity(expression) - _small_powers(expression) + STACKED * _stacked(expression)


def _stacked(part: Expression) -> int:
    """Sums below a line with a quotient in them."""
    if not isinstance(part, Call):
        return 0
    own = part.op == "pow" and _is_below(part) and isinstance(part.args[0], Call) and part.args[0].op == "add"
    inner = part.args[0].args if own and isinstance(part.args[0], Call) else ()
    return sum(map(_stacked, part.args)) + sum(_has_quotient(term) for term in inner)


def _has_quotient(term: Expression) -> bool:
    """Whether a term is a quotient."""
    factors = term.args if isinstance(term, Call) and term.op == "mul" else (term,)
    return any(isinstance(factor, Call) and factor.op == "pow" and _is_below(factor) for factor in factors)


def _is_below(power: Call) -> bool:
    """Whether a power stands below the line."""
    return isinstance(power.args[1], Constant) and power.args[1].value < 0


def _small_powers(part: Expression, *, in_product: bool = False) -> float:
    """What squares and cubes are counted too much."""
    if not isinstance(part, Call):
        return 0.0
    inner = sum(_small_powers(a, in_product=part.op == "mul") for a in part.args)
    exponent = part.args[1] if part.op == "pow" else None
    if not (isinstance(exponent, Constant) and not exponent.free and abs(exponent.value) in (2, 3)):
        return inner
    # `x**(-2)` on its own is `1/x**2`, with two signs that a quotient has anyway.
    return inner + (3.0 if exponent.value > 0 or in_product else 1.0)


def saved_by_whole(n_samples: int) -> float:
    """What a description may get shorter by where a fitted number turns out to be whole, at most.

    Args:
        n_samples: Number of samples.

    Returns:
        Nats a sample.
    """
    return number_price(n_samples) + WHOLE_SAVES * symbol_price(n_samples)


def told_apart(losses: Sequence[float]) -> Iterator[int]:
    """Which of some equations are other functions: two that leave the same noise to six digits are one.

    Args:
        losses: Of each equation, the best first; those that are all rounding are kept.

    Yields:
        Places of the first of each.
    """
    seen: set[str] = set()
    for place, loss in enumerate(losses):
        digits = f"{loss:.5e}"
        if loss < EXACT or digits not in seen:
            seen.add(digits)
            yield place


def is_series(expression: Expression) -> bool:
    """Whether an equation may be the beginning of a series: a sum, up to factors, with a fitted offset.

    Where there is noise, such a sum is as good as the function that it begins; a search that ends at it has not
    looked for the function. An offset near 1 is a law's own: `1 + x`.

    Args:
        expression: A simplified equation.

    Returns:
        Whether it may.
    """
    if not isinstance(expression, Call):
        return False
    if expression.op in ("add", "sub"):
        return any(isinstance(a, Constant) and a.free and not is_near_one(a.value) for a in expression.args)
    above = {"mul": expression.args, "neg": expression.args, "div": expression.args[:1]}
    return any(map(is_series, above.get(expression.op, ())))
