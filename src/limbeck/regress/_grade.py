"""Grade a search against a known truth, as people do by eye and tables in papers report.

Takes the front of a search, what was selected on it, and the truth; gives one of
five grades with the reason in words. It is for benchmarks: no verdict of limbeck
looks at a truth. What a message leaves free is said by `Freedom`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from limbeck._errors import InputError
from limbeck.expressions import Constant, Expression, free_constants, simplify, substitute, variables

from ._constants import whole_numbers, with_freed
from ._match import Columns, Intervals, Match, match

Level = Literal["exact", "partial", "exact, not selected", "partial, not selected", "none"]
LEAST_SAMPLES = 20
_MOST_SAMPLES = 500  # more change no verdict and cost time
_FROZEN = (0.25, 0.5, 0.75)  # quantiles of rows at which variables are held fixed


@dataclass(frozen=True, kw_only=True)
class Freedom:
    """What may differ between a law and the truth without being an error.

    Attributes:
        scale: A factor; where the truth has several components, a linear combination of them.
        offset: An added constant.
        receiver: Variables of the receiver, on which a further factor may depend in any way.
    """

    scale: bool = False
    offset: bool = False
    receiver: tuple[str, ...] = ()


EVERYTHING_FIXED = Freedom()


@dataclass(frozen=True, kw_only=True)
class Grade:
    """How near a search came to a known truth.

    Attributes:
        level: `exact`, `partial` (kernel found, factor missing or a term too many), the same with
            `, not selected` where another equation was selected, or `none`.
        reason: Why, in words.
        expression: The equation that earns the grade; None for `none`.
    """

    level: Level
    reason: str
    expression: Expression | None

    @property
    def exact(self) -> bool:
        """Whether the selected equation is the truth."""
        return self.level == "exact"


def grade(
    equations: Sequence[Expression],
    selected: Expression | None,
    truth: Expression | Sequence[Expression],
    columns: Columns,
    *,
    freedom: Freedom = EVERYTHING_FIXED,
    tolerance: float = 0.02,
    intervals: Intervals | None = None,
    kernel: Sequence[str] = (),
) -> Grade:
    """Grade a front and what was selected on it against a known truth.

    Exact: the form holds the truth for some values of its constants; its own constants (one whole term or
    factor may count among them) are within the tolerance of those, or the true one within the constant's
    interval; whole and half exponents are met exactly; no variable or term that the truth lacks. Partial:
    with all other variables held fixed, the dependence on the variables of the kernel is exact; or nothing
    is wrong but an added term.

    Args:
        equations: The equations of the front.
        selected: The equation that was selected; None where none was.
        truth: The known law; several expressions are the components of a vector, of which a message
            component is a linear combination.
        columns: Samples of each variable, noise-free and at least 20; what they cannot tell apart is equal.
        freedom: What may differ.
        tolerance: Largest relative deviation of a constant, > 0; an added constant counts as none below
            this part of the values' spread.
        intervals: Interval of each free constant of the selected equation, in the order of `free_constants`.
        kernel: Variables of the kernel; by default all but those that end in `_1` or `_2`.

    Returns:
        The grade.

    Raises:
        InputError: If there are too few samples, a truth of several components without a free scale, a
            tolerance that is not positive, or a number of intervals that is not that of the constants.

    Source:
        The five marks of the reproduction's table 2 (sources/001), there given by eye; here by machine,
        since a law with the wrong exponent can look right.

    Example:
        >>> import numpy as np
        >>> from limbeck.expressions import parse
        >>> rng = np.random.default_rng(0)
        >>> columns = {"r": rng.uniform(0.1, 3, 100), "m_1": rng.lognormal(size=100), "m_2": rng.lognormal(size=100)}
        >>> front = [parse("m_2/r"), parse("2.1*m_1*m_2/r")]
        >>> grade(front, front[0], parse("m_1*m_2/r"), columns, freedom=Freedom(scale=True)).level
        'exact, not selected'
    """
    judge = _Judge(truth, columns, freedom, tolerance, tuple(kernel))
    count = 0 if selected is None else len(free_constants(selected))
    if intervals is not None and len(intervals) != count:
        raise InputError(f"got {len(intervals)} intervals for {count} constants of the selected equation")
    best = Grade(level="none", reason="no equation holds the kernel", expression=None)
    if selected is not None:
        mine = judge.graded(selected, intervals)
        if mine.level == "exact":
            return mine
        best = mine
    others = [judge.graded(equation, None) for equation in equations if equation != selected]
    for level, other in (("exact", "exact, not selected"), ("partial", "partial, not selected")):
        if best.level == level:
            return best
        found = next((g for g in others if g.level == level), None)
        if found is not None:
            why = f"selected: {best.reason}" if selected is not None else "none was selected"
            said = f"on the front, {found.reason}; {why}"
            return Grade(level=other, reason=said, expression=found.expression)  # pyright: ignore[reportArgumentType]
    return best


class _Judge:
    """The truth and its samples, against which one equation after another is held."""

    def __init__(
        self,
        truth: Expression | Sequence[Expression],
        columns: Columns,
        freedom: Freedom,
        tolerance: float,
        kernel: tuple[str, ...],
    ) -> None:
        """Check the samples and keep some of them."""
        self.truth = tuple(truth) if isinstance(truth, Sequence) else (truth,)
        self.names = frozenset().union(*(variables(part) for part in self.truth))
        self.freedom, self.tolerance, self.kernel = freedom, tolerance, kernel
        lengths = {len(column) for column in columns.values()}
        if len(lengths) != 1 or min(lengths) < LEAST_SAMPLES:
            raise InputError(f"grading needs columns of one length, at least {LEAST_SAMPLES}; got {sorted(lengths)}")
        if len(self.truth) > 1 and not freedom.scale:
            raise InputError("a truth of several components can only be met up to a linear map: give a free scale")
        if not tolerance > 0:
            raise InputError(f"the tolerance of a constant must be positive; got {tolerance}")
        self.columns = {name: np.asarray(column, dtype=float)[:_MOST_SAMPLES] for name, column in columns.items()}

    def graded(self, equation: Expression, intervals: Intervals | None) -> Grade:
        """Grade of one equation, as if it were selected."""
        form = simplify(equation) if intervals is None else equation
        whole = self._match(form, intervals)
        if not whole.same:
            # A number that was made whole is a constant like others: `r - 1` is within 2 % of `r - 0.99`.
            freed = (self._match(with_freed(form, k), None) for k in range(len(whole_numbers(form))))
            whole = next((m for m in freed if m.same), whole)
        if whole.same:
            foreign = sorted(variables(form) - self.names - set(self.freedom.receiver))
            if not foreign:
                return Grade(level="exact", reason="form and constants are the truth's", expression=equation)
            whole = Match(kernel=True, reason=f"but names {', '.join(foreign)}, which the truth lacks")
        if whole.kernel:
            return Grade(level="partial", reason=f"kernel found, {whole.reason}", expression=equation)
        if self._has_kernel(form):
            return Grade(level="partial", reason=self._missing(form, whole.reason), expression=equation)
        return Grade(level="none", reason=whole.reason, expression=None)

    def _match(self, form: Expression, intervals: Intervals | None) -> Match:
        """The whole equation against the truth, for each of some receivers where those are free."""
        receiver = [name for name in self.freedom.receiver if name in self.names | variables(form)]
        free = {"scale": self.freedom.scale or bool(receiver), "offset": self.freedom.offset}
        if not receiver:
            return match(form, self.truth, self.columns, tolerance=self.tolerance, intervals=intervals, **free)
        found = [self._frozen(form, receiver, row, **free) for row in self._rows()]
        wrong = next((m for m in found if not m.same), None)
        return wrong or self._agreeing(found)

    def _agreeing(self, found: list[Match]) -> Match:
        """One linear map and one offset for all receivers, but for a factor."""
        maps = np.array([m.coefficients for m in found])
        maps /= np.linalg.norm(maps, axis=1, keepdims=True)
        turned = np.abs(maps @ maps[0])
        offsets = np.array([m.offset for m in found])
        sizes = np.array([np.linalg.norm(m.coefficients) for m in found])
        if np.min(turned) < 1.0 - self.tolerance**2 or np.ptp(offsets) > self.tolerance * np.min(sizes):
            return Match(reason="the receiver changes more than a factor")
        return found[0]

    def _rows(self) -> list[int]:
        """Some samples whose values are held fixed."""
        last = len(next(iter(self.columns.values()))) - 1
        return [round(share * last) for share in _FROZEN]

    def _frozen(self, form: Expression, names: Sequence[str], row: int, *, scale: bool, offset: bool) -> Match:
        """The equation against the truth with some variables fixed at those of one sample."""
        fixed = {name: Constant(float(self.columns[name][row]), free=False) for name in names if name in self.columns}
        parts = [simplify(substitute(part, fixed)) for part in self.truth]
        there = simplify(substitute(form, fixed))
        return match(there, parts, self.columns, scale=scale, offset=offset, tolerance=self.tolerance)

    def _kernel(self) -> frozenset[str]:
        """Variables of the kernel."""
        if self.kernel:
            return frozenset(self.kernel)
        return frozenset(name for name in self.names if not name.endswith(("_1", "_2")))

    def _has_kernel(self, form: Expression) -> bool:
        """Whether the dependence on the kernel's variables is exact with all others fixed."""
        kernel = self._kernel()
        others = sorted((self.names | variables(form)) - kernel)
        if not others or not kernel & self.names or not kernel & variables(form):
            return False
        return all(self._frozen(form, others, row, scale=True, offset=True).same for row in self._rows())

    def _missing(self, form: Expression, reason: str) -> str:
        """What is wrong beside the kernel."""
        missing = sorted(self.names - variables(form) - set(self.freedom.receiver))
        foreign = sorted(variables(form) - self.names - set(self.freedom.receiver))
        faults = [f"without {', '.join(missing)}"] * bool(missing) + [f"with {', '.join(foreign)}"] * bool(foreign)
        return f"kernel found, {' and '.join(faults) or f'but {reason}'}"
