"""What speaks against an equation of a table, and what for it; never a known truth."""

from collections.abc import Sequence

from limbeck._types import Samples, Table
from limbeck.expressions import to_readable, variables

from ._constants import ConstantEstimate
from ._description import EXACT, is_series
from ._hall_of_fame import Equation
from ._residuals import structure_left
from ._rivals import Rival

LARGEST_LOSS = 0.7  # share of the target's spread left over above which noise is most of it
CERTAIN = 3.0  # standard errors that a constant must lie from zero
TREND = 1e-6  # chance below which errors follow the columns


def doubts(
    chosen: Equation,
    constants: Sequence[ConstantEstimate],
    agreement: float,
    n_searches: int,
    inputs: Table,
    residual: Samples,
    others: Sequence[Rival] = (),
) -> list[str]:
    """What speaks against an equation.

    Args:
        chosen: The equation.
        constants: Its fitted numbers.
        agreement: Share of the searches that chose its form.
        n_searches: Number of independent searches.
        inputs: The table.
        residual: What the equation leaves over at each row.
        others: Forms that describe the table nearly as well, the best first.

    Returns:
        A sentence for each doubt; none where it can be stood behind.
    """
    if not variables(chosen.expression):
        return ["a constant describes the target as well as any equation: nothing in the table explains it"]
    found = []
    if not chosen.loss <= LARGEST_LOSS:
        found.append(f"{chosen.loss:.2g} of the target's spread is left over: most of it is not explained")
    if n_searches > 1 and agreement * n_searches < 1.5:
        found.append(f"no two of {n_searches} independent searches chose one form")
    found += [_may_be_zero(c) for c in constants if not abs(c.value) > CERTAIN * c.standard_error]
    alike = structure_left(residual, inputs) if chosen.loss > EXACT else 0.0
    if alike > 0:
        found.append(
            f"errors of neighbouring rows go together (correlation {alike:.2f}): what is left over is not noise, and "
            f"the equation an approximation, good to {chosen.loss:.1g} of the target's spread"
        )
    return [*found, _as_good(others)] if others else found


def trend_doubts(chance: float) -> list[str]:
    """What is wrong where errors follow the columns.

    Args:
        chance: That noise does as much.

    Returns:
        A sentence, or none where it may be noise.
    """
    if chance > TREND:
        return []
    return [f"what is left over follows the columns, as noise does with a chance of {chance:.0e}: a part is missing"]


def unfinished_doubts(chosen: Equation) -> list[str]:
    """What is wrong with a sum in noise where time ran out before other forms were seen.

    Args:
        chosen: The equation.

    Returns:
        A sentence, or none where nothing is left over or the equation is no sum.
    """
    if chosen.loss < EXACT or not is_series(chosen.expression):
        return []
    return [
        "time ran out before the end of a search: in noise, a sum with a fitted offset may be the beginning of "
        "a series, and functions that it may stand for were not all tried; allow more time"
    ]


def _as_good(others: Sequence[Rival]) -> str:
    """What is wrong where other forms are as good."""
    more = f" and {len(others) - 1} more" if others[1:] else ""
    are = "other forms" if more else "another form"
    return (
        f"{to_readable(others[0].expression)}{more} describe{'' if more else 's'} the table nearly as well: {are}, and "
        f"these rows do not tell which is the law"
    )


def _may_be_zero(constant: ConstantEstimate) -> str:
    """What is wrong with a constant that may be zero."""
    return f"constant {constant.name} = {constant.value:.4g} ± {constant.standard_error:.2g} may be zero"


def grounds(chosen: Equation, agreement: float, n_searches: int) -> str:
    """What speaks for an equation that no doubt is left about.

    Args:
        chosen: The equation.
        agreement: Share of the searches that chose its form.
        n_searches: Number of independent searches.

    Returns:
        A sentence.
    """
    return (
        f"{round(agreement * n_searches)} of {n_searches} independent searches chose this form, every constant differs "
        f"from zero, and what is left over ({chosen.loss:.2g} of the target's spread) looks like noise or is rounding"
    )
