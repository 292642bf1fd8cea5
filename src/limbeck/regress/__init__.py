"""Symbolic regression: arrays and names in, equations out."""

from limbeck import _package

from ._arrays import loses_digits as loses_digits
from ._choose import with_fixed as with_fixed
from ._climb import (
    EXACT as EXACT,
    HOPELESS as HOPELESS,
    PRICE as PRICE,
    AbstractBench as AbstractBench,
    Candidate as Candidate,
    Climb as Climb,
    falling as falling,
    least_price as least_price,
    price as price,
    unit_price as unit_price,
)
from ._constants import ConstantEstimate as ConstantEstimate, named as named
from ._dimensions import Dimensions as Dimensions, dimensions as dimensions, suits_units as suits_units
from ._grade import Freedom as Freedom, Grade as Grade, grade as grade
from ._hall_of_fame import Equation as Equation, HallOfFame as HallOfFame, scores as scores
from ._moves import neighbours as neighbours, with_whole_powers as with_whole_powers
from ._one_product import one_product as one_product
from ._problem import (
    DEFAULT_OPERATORS as DEFAULT_OPERATORS,
    KNOWN_OPERATORS as KNOWN_OPERATORS,
    LOSSES as LOSSES,
    Problem as Problem,
    SearchConfig as SearchConfig,
    check_loss as check_loss,
    check_operators as check_operators,
)
from ._profile import (
    Threshold as Threshold,
    fixed_thresholds as fixed_thresholds,
    located as located,
    roundest as roundest,
    threshold_estimate as threshold_estimate,
    thresholds as thresholds,
)
from ._regress import RegressedLaw as RegressedLaw, regress as regress
from ._regress_table import regress_table as regress_table
from ._regression import (
    Regression as Regression,
    RegressionConfig as RegressionConfig,
)
from ._search import ENGINES as ENGINES, check_engine as check_engine, search as search
from ._tabular import TabularProblem as TabularProblem, tabular_problem as tabular_problem
from ._two_powers import EXPONENTS as EXPONENTS, power_pairs as power_pairs, sum_of_powers as sum_of_powers
from ._two_terms import two_terms as two_terms
from ._vectors import VectorLaw as VectorLaw, regress_vectors as regress_vectors

_package.make_callable(__name__)
