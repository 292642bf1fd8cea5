"""Graph networks and the biases they can be built with."""

from ._aggregate import aggregate as aggregate, normalised_weights as normalised_weights
from ._biases import (
    BIAS_NAMES as BIAS_NAMES,
    STRONGEST as STRONGEST,
    Biases as Biases,
    parse_biases as parse_biases,
    relaxations as relaxations,
)
from ._edge_model import (
    PairGeometry as PairGeometry,
    PotentialMessage as PotentialMessage,
    RadialMessage as RadialMessage,
    VectorMessage as VectorMessage,
)
from ._flavours import (
    AbstractMessage as AbstractMessage,
    Attentional as Attentional,
    Convolutional as Convolutional,
    FlavourConfig as FlavourConfig,
    MessagePassing as MessagePassing,
)
from ._graph_network import (
    GraphNetwork as GraphNetwork,
    ModelConfig as ModelConfig,
    PairIndex as PairIndex,
    build_model as build_model,
    measure_scales as measure_scales,
    sum_at as sum_at,
)
from ._networks import Perceptron as Perceptron, Scales as Scales
from ._node_model import FreeField as FreeField, OneBodyField as OneBodyField, safe_norm as safe_norm
from ._sparse_network import (
    LEVELS as LEVELS,
    EdgeReadout as EdgeReadout,
    GlobalModel as GlobalModel,
    GraphBlock as GraphBlock,
    NodeReadout as NodeReadout,
    SparseNetwork as SparseNetwork,
    build_sparse_network as build_sparse_network,
)
