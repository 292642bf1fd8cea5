"""Fitting graph networks to accelerations."""

from ._config import TrainConfig as TrainConfig
from ._fit import (
    TrainedModel as TrainedModel,
    TrainState as TrainState,
    fit as fit,
    initial_state as initial_state,
    to_device as to_device,
)
from ._fit_sparse import TrainedSparse as TrainedSparse, fit_sparse as fit_sparse
from ._loss import SMALL as SMALL, predict as predict, relative_errors as relative_errors, typical_size as typical_size
from ._sparse_config import SparseTrainConfig as SparseTrainConfig
from ._standardise import Standards as Standards
