"""Graph networks and the biases they can be built with."""

from ._aggregate import aggregate as aggregate, normalised_weights as normalised_weights
from ._biases import (
    BIAS_NAMES as BIAS_NAMES,
    STRONGEST as STRONGEST,
    Biases as Biases,
    parse_biases as parse_biases,
    relaxations as relaxations,
)
from ._coupled_message import (
    AttributeInertia as AttributeInertia,
    CoupledMessage as CoupledMessage,
    SteadyDrag as SteadyDrag,
)
from ._edge_model import (
    AbstractEdgeModel as AbstractEdgeModel,
    PairGeometry as PairGeometry,
    PotentialMessage as PotentialMessage,
    RadialMessage as RadialMessage,
    VectorMessage as VectorMessage,
    vector_of as vector_of,
)
from ._flavours import (
    AbstractMessage as AbstractMessage,
    Attentional as Attentional,
    Convolutional as Convolutional,
    FlavourConfig as FlavourConfig,
    MessagePassing as MessagePassing,
)
from ._force_network import ForceNetwork as ForceNetwork
from ._graph_network import (
    CompletePairs as CompletePairs,
    GraphNetwork as GraphNetwork,
    ModelConfig as ModelConfig,
    PairIndex as PairIndex,
    build_model as build_model,
    measure_scales as measure_scales,
    sum_at as sum_at,
)
from ._hamiltonian import HamiltonianNetwork as HamiltonianNetwork, PhaseSpace as PhaseSpace
from ._hamiltonian_config import (
    HamiltonianConfig as HamiltonianConfig,
    build_hamiltonian_network as build_hamiltonian_network,
    check_conservative as check_conservative,
)
from ._hamiltonian_loss import (
    hamiltonian_force_loss as hamiltonian_force_loss,
    hamiltonian_loss as hamiltonian_loss,
    hamiltonian_objective as hamiltonian_objective,
    hamiltonian_penalty as hamiltonian_penalty,
    published_hamiltonian_objective as published_hamiltonian_objective,
    published_hamiltonian_penalty as published_hamiltonian_penalty,
)
from ._layers import ACTIVATIONS as ACTIVATIONS, Layers as Layers, draw_layers as draw_layers
from ._message_config import (
    OWN_FORM as OWN_FORM,
    PUBLISHED_DIM as PUBLISHED_DIM,
    SIZES as SIZES,
    MessageConfig as MessageConfig,
)
from ._message_network import (
    EdgeStatistics as EdgeStatistics,
    MessageNetwork as MessageNetwork,
    build_message_network as build_message_network,
)
from ._networks import Perceptron as Perceptron, Scales as Scales, own_unit as own_unit
from ._node_model import (
    AbstractField as AbstractField,
    AbstractInertia as AbstractInertia,
    AbstractNode as AbstractNode,
    FreeField as FreeField,
    FreeNode as FreeNode,
    Inertia as Inertia,
    OneBodyField as OneBodyField,
    safe_norm as safe_norm,
)
from ._sparse_network import (
    LEVELS as LEVELS,
    EdgeReadout as EdgeReadout,
    GlobalModel as GlobalModel,
    GraphBlock as GraphBlock,
    NodeReadout as NodeReadout,
    SparseNetwork as SparseNetwork,
    build_sparse_network as build_sparse_network,
)
