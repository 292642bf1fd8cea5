"""Fitting graph networks to accelerations."""

from ._chunks import Trainer as Trainer
from ._config import TrainConfig as TrainConfig
from ._damping import Damping as Damping
from ._evaluate import (
    pair_index as pair_index,
    to_device as to_device,
    validation_error as validation_error,
)
from ._fit import (
    TrainedModel as TrainedModel,
    fit as fit,
    initial_state as initial_state,
)
from ._fit_hamiltonian import (
    HamiltonianObjective as HamiltonianObjective,
    hamiltonian_trainer as hamiltonian_trainer,
)
from ._fit_messages import (
    TrainedMessages as TrainedMessages,
    fit_messages as fit_messages,
    message_trainer as message_trainer,
    train_members as train_members,
)
from ._fit_sparse import TrainedSparse as TrainedSparse, fit_sparse as fit_sparse
from ._learn_properties import (
    LEARNING_BIASES as LEARNING_BIASES,
    TOO_HEAVY as TOO_HEAVY,
    LearnedProperties as LearnedProperties,
    learn_properties as learn_properties,
    with_property as with_property,
)
from ._loss import (
    SMALL as SMALL,
    acted_on as acted_on,
    error_weights as error_weights,
    median_error as median_error,
    predict as predict,
    relative_errors as relative_errors,
    typical_size as typical_size,
)
from ._penalty import kl_per_edge as kl_per_edge, l1_per_edge as l1_per_edge, penalty_factor as penalty_factor
from ._pruning import DimensionSearch as DimensionSearch, Pruning as Pruning, pruned_share as pruned_share
from ._readings import Reading as Reading
from ._recipe import PRESETS as PRESETS, Recipe as Recipe, recipe_preset as recipe_preset
from ._sparse_config import SparseTrainConfig as SparseTrainConfig
from ._standardise import Standards as Standards
from ._state import TrainState as TrainState
