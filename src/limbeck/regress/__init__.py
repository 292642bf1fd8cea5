"""Symbolic regression: arrays and names in, equations out."""

from ._grade import Freedom as Freedom, Grade as Grade, grade as grade
from ._hall_of_fame import Equation as Equation, HallOfFame as HallOfFame, scores as scores
from ._problem import (
    DEFAULT_OPERATORS as DEFAULT_OPERATORS,
    KNOWN_OPERATORS as KNOWN_OPERATORS,
    Problem as Problem,
    SearchConfig as SearchConfig,
    check_operators as check_operators,
)
from ._search import ENGINES as ENGINES, check_engine as check_engine, search as search
