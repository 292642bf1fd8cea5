"""What a regression of a table is asked to do: one record, written into its folder."""

import math
from dataclasses import dataclass, field

from limbeck._errors import InputError
from limbeck.regress import DEFAULT_OPERATORS, RegressionConfig, check_engine, check_loss, check_operators
from limbeck.trajectories import parse_units

from ._study import MAX_SEED

KIND = "regression"


@dataclass(frozen=True, kw_only=True)
class RegressionStudy:
    """A whole regression.

    Attributes:
        kind: `regression`; tells such a study from one of trajectories.
        table: The CSV or Parquet file.
        target: Column to explain.
        variables: Columns to explain it by; none given means every numeric one that is left.
        ignore: Columns to leave out.
        weights: Column with the weight of each row, or empty.
        units: Units of columns, as `x=m,y=s`.
        engine: Search engine, or `auto`.
        loss: `squared`, or `robust` where a part of the rows may be grossly wrong.
        operators: Operators that the search builds equations of; products of powers, and sums of two, that lie near the
            target are tried whatever they are.
        seed: Root of everything random.
        time_limit: Seconds for the whole run; 0 is none.
        regression: How long and how wide to search.
    """

    kind: str = KIND
    table: str = ""
    target: str = ""
    variables: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    weights: str = ""
    units: str = ""
    engine: str = "auto"
    loss: str = "squared"
    operators: tuple[str, ...] = DEFAULT_OPERATORS
    seed: int = 0
    time_limit: float = 0.0
    regression: RegressionConfig = field(default_factory=RegressionConfig)

    def __post_init__(self) -> None:
        """Check what can be checked without the table.

        Raises:
            InputError: If a setting is wrong.
        """
        if self.kind != KIND:
            raise InputError(f"the study is of the kind {self.kind!r}; a regression has the kind {KIND!r}")
        if not 0 <= self.seed <= MAX_SEED:
            raise InputError(f"the seed must be a whole number from 0 to {MAX_SEED}; got {self.seed}")
        if not (math.isfinite(self.time_limit) and self.time_limit >= 0):
            raise InputError(f"the time limit must be a positive number of seconds; got {self.time_limit}")
        check_operators(self.operators)
        check_engine(self.engine)
        check_loss(self.loss)
        parse_units(self.units)
        self._check_roles()

    def _check_roles(self) -> None:
        """Refuse a column that is asked to play two parts."""
        for name in self.variables:
            if self.variables.count(name) > 1:
                raise InputError(f"--variables: {name!r} stands twice; name each column once")
        roles = {
            "--target": {self.target} - {""},
            "--variables": set(self.variables),
            "--ignore": set(self.ignore),
            "--weights": {self.weights} - {""},
        }
        seen: dict[str, str] = {}
        for option, names in roles.items():
            for name in sorted(names):
                if name in seen:
                    raise InputError(
                        f"column {name!r} stands in both {seen[name]} and {option}; name it in one of them"
                    )
                seen[name] = option
