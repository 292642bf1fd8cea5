"""Equations put together into one law, refitted and checked."""

from ._law import Law as Law
from ._refine import Refined as Refined, Scored as Scored, refine as refine, sign_variables as sign_variables
from ._refit import refit as refit
from ._states import States as States, states_of as states_of
from ._rollout import Rollout as Rollout
