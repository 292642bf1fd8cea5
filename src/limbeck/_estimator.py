"""The regression as an estimator of scikit-learn.

scikit-learn is an extra (`pip install 'limbeck[sklearn]'`), imported with this module
only, which `limbeck.SymbolicRegressor` loads when it is first used.
"""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from limbeck._errors import BackendUnavailable
from limbeck._types import Samples
from limbeck.expressions import to_readable, to_string
from limbeck.regress import DEFAULT_OPERATORS, RegressedLaw, RegressionConfig, SearchConfig
from limbeck.regress._regress import regressed

try:
    from sklearn.base import BaseEstimator, RegressorMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.validation import _check_sample_weight, check_is_fitted, validate_data
except ImportError as error:
    raise BackendUnavailable("limbeck.SymbolicRegressor needs scikit-learn: pip install 'limbeck[sklearn]'") from error

_SEARCH = SearchConfig()


class SymbolicRegressor(RegressorMixin, BaseEstimator):
    """Symbolic regression for scikit-learn: `fit`, `predict`, `score`, pipelines and grids.

    After `fit` it holds `expression_` (text that SymPy reads, in the names of the columns),
    `equations_` (the hall of fame: complexity, loss, equation), `law_` (the
    `RegressedLaw` with verdict, constants and their intervals) and scikit-learn's own
    `n_features_in_` and `feature_names_in_`. `predict` uses the best equation whatever the
    verdict; read `law_.verdict` before believing it.

    Args:
        operators: Operator symbols that an equation may use.
        engine: `auto` or the name of an engine.
        loss: `squared`, or `robust` where a part of the rows, less than a fifth, may be grossly wrong.
        evaluations: Equations that each search may try.
        searches: Independent searches.
        time_limit: Seconds for a fit; 0 is none. What it cuts short promises no repeat.
        random_state: Decides everything random.
    """

    def __init__(
        self,
        *,
        operators: Sequence[str] = DEFAULT_OPERATORS,
        engine: str = "auto",
        loss: str = "squared",
        evaluations: int = _SEARCH.evaluations,
        searches: int = RegressionConfig().searches,
        time_limit: float = 0.0,
        random_state: Any = 0,
    ) -> None:
        self.operators = operators
        self.engine = engine
        self.loss = loss
        self.evaluations = evaluations
        self.searches = searches
        self.time_limit = time_limit
        self.random_state = random_state

    def fit(self, X: object, y: object, sample_weight: object = None) -> "SymbolicRegressor":
        """Find the equation.

        Args:
            X: One row a sample, one column a variable; a DataFrame names its columns.
            y: The target, one number a row.
            sample_weight: Weight of each row in sums of squares; a row of weight 0 is left out.

        Returns:
            The estimator itself.

        Raises:
            InputError: If table, target or options are wrong (a `ValueError`).
        """
        checked: Any = validate_data(
            self, cast(Any, X), cast(Any, y), dtype=np.float64, y_numeric=True, ensure_min_samples=2
        )
        names = getattr(self, "feature_names_in_", None)
        config = RegressionConfig(search=SearchConfig(evaluations=self.evaluations), searches=self.searches)
        inputs, target, weights = _merged(checked[0], checked[1], sample_weight)
        self.law_ = regressed(
            inputs,
            target,
            None if names is None else list(names),
            weights=weights,
            operators=tuple(self.operators),
            engine=self.engine,
            loss=self.loss,
            seed=_seed(self.random_state),
            time_limit=self.time_limit,
            config=config,
            fewest_rows=3,  # scikit-learn's checks fit 4 rows; such an equation is never called found
        )
        self.expression_ = to_string(self.law_.expression)
        self.equations_ = [
            {"complexity": e.complexity, "loss": e.heldout_loss, "equation": to_string(e.expression)}
            for e in self.law_.hall_of_fame.equations
        ]
        return self

    def predict(self, X: object) -> Samples:
        """Value of the equation.

        Args:
            X: A table with the same columns.

        Returns:
            One number for each row; NaN or infinite where the equation is undefined.
        """
        check_is_fitted(self)
        inputs: Any = validate_data(self, cast(Any, X), dtype=np.float64, reset=False)
        return cast(RegressedLaw, self.law_)(inputs)

    def __str__(self) -> str:
        """The equation once there is one."""
        law = getattr(self, "law_", None)
        return repr(self) if law is None else f"{law.regression.problem.name} = {to_readable(law.expression)}"


def _seed(random_state: Any) -> int:
    """A seed from what scikit-learn allows: a number, a generator, or None for a new one each time."""
    if isinstance(random_state, int | np.integer):
        return int(random_state)
    return int(check_random_state(random_state).randint(2**31 - 1))


def _merged(
    inputs: np.ndarray, target: np.ndarray, sample_weight: Any
) -> tuple[np.ndarray, np.ndarray, Samples | None]:
    """Rows that differ, with their summed weights, so that a weight of 2 means the same as a row that stands twice."""
    weights = np.ones(len(target))
    if sample_weight is not None:
        weights = np.asarray(_check_sample_weight(sample_weight, inputs, dtype=np.float64, ensure_non_negative=True))
    used = weights > 0
    rows, place = np.unique(np.column_stack([inputs, target])[used], axis=0, return_inverse=True)
    summed = np.bincount(place.ravel(), weights=weights[used])
    return rows[:, :-1], rows[:, -1], None if np.ptp(summed) == 0 else summed
