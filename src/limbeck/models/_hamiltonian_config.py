"""What a Hamiltonian network is built from, and which data it may be asked to describe."""

from dataclasses import dataclass

import jax
import numpy as np
from jaxtyping import PRNGKeyArray

from limbeck._errors import InputError
from limbeck.graphs import PairList
from limbeck.simulate import SystemDefinition

from ._hamiltonian import HamiltonianNetwork
from ._layers import Layers, draw_layers
from ._networks import Scales

FEATURES = ("published", "scaled")
ACTIVATIONS = ("softplus", "silu")  # forces are slopes of energies: a ReLU's would be steps
LARGEST = 1e35  # typical energy: particles that meet have a thousand times as much, and float32 ends at 3e38


@dataclass(frozen=True, kw_only=True)
class HamiltonianConfig:
    """Form of a `HamiltonianNetwork`; what is not set is as published.

    Attributes:
        width: Units in each hidden layer of both energies.
        depth: Hidden layers of both energies.
        activation: "softplus" or "silu"; smooth, since forces are slopes of energies.
        features: "published" feeds raw positions, momenta and attributes; "scaled" feeds logarithms of
            distances and attributes, and squared speeds.
        translation: Whether the origin of positions is hidden.
    """

    width: int = 300
    depth: int = 3
    activation: str = "softplus"
    features: str = "published"
    translation: bool = False

    def __post_init__(self) -> None:
        """Check choices and ranges.

        Raises:
            InputError: If a choice is unknown or a size not positive.
        """
        for name, allowed in (("activation", ACTIVATIONS), ("features", FEATURES)):
            if getattr(self, name) not in allowed:
                raise InputError(f"unknown {name} {getattr(self, name)!r}: choose one of {', '.join(allowed)}")
        if self.width < 1 or self.depth < 1:
            raise InputError(f"a network needs width and depth of at least 1; got {self.width} and {self.depth}")


def check_conservative(definition: SystemDefinition | None, pairs: PairList | None = None) -> None:
    """Refuse what no Hamiltonian of particles and pairs describes.

    Args:
        definition: The built-in system that the data come from; None where the law is not known,
            which can't be checked.
        pairs: Who acts on whom; an energy of a pair acts on both of its ends.

    Raises:
        InputError: If the system loses energy, has no potential, or an edge has no counterpart.
    """
    if definition is not None and definition.drag:
        reason = "friction takes energy out of it, and a Hamiltonian network conserves energy"
        raise InputError(f"system {definition.name!r} is not conservative: {reason}; choose another model")
    if definition is not None and not definition.conservative:
        reason = "its force is not the slope of any potential (energy is not conserved where it jumps)"
        raise InputError(f"system {definition.name!r} is not conservative: {reason}; choose another model")
    if pairs is not None and not np.array_equal(pairs.forward, pairs.backward):
        raise InputError(
            "a Hamiltonian network needs every edge in both directions, since the energy of a pair acts on both ends; "
            "some edges go one way only: add the others, or choose another model"
        )


def build_hamiltonian_network(
    config: HamiltonianConfig, scales: Scales, *, dim: int, inertia: int | None, key: PRNGKeyArray
) -> HamiltonianNetwork:
    """Make an untrained Hamiltonian network.

    Args:
        config: Its form.
        scales: Typical sizes of the data.
        dim: Dimension of space.
        inertia: Number of the attribute that is the inertia in p = m v; None where it is 1 for all.
        key: Decides the weights.

    Returns:
        The network, with NumPy weights in float32, drawn as `draw_layers` says.

    Raises:
        InputError: If the inertia is no attribute or not positive throughout, space has no dimension, or energies are
            beyond single precision.
    """
    n_attributes = len(scales.attributes)
    if dim < 1:
        raise InputError(f"space needs at least one dimension; got {dim}")
    if inertia is not None and not 0 <= inertia < n_attributes:
        raise InputError(f"inertia is the number of one of {n_attributes} attributes, from 0, or None; got {inertia}")
    if inertia is not None and not scales.positive[inertia]:
        raise InputError(f"attribute {inertia} can't be the inertia: it is not positive throughout")
    generator = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel().tolist())

    def draw(n_inputs: int) -> Layers:
        return draw_layers(
            n_inputs, 1, width=config.width, depth=config.depth, activation=config.activation, generator=generator
        )

    n_pair, n_self = _input_sizes(config, n_attributes, dim)
    network = HamiltonianNetwork(
        pair_energy=draw(n_pair),
        self_energy=draw(n_self),
        scales=scales,
        mass=inertia,
        features=config.features,
        translation=config.translation,
    )
    energy = max(network.units.energy, network.units.momentum * scales.speed)
    if not energy < LARGEST:
        raise InputError(
            f"energies are of the order of {energy:.0e}, too near the end of single precision: give masses and lengths "
            "in larger units"
        )
    return network


def _input_sizes(config: HamiltonianConfig, n_attributes: int, dim: int) -> tuple[int, int]:
    """Inputs of the pair energy and of the self energy."""
    position = 0 if config.translation else dim
    if config.features == "scaled":
        return 1 + 2 * n_attributes, 1 + n_attributes + position
    n_self = dim + n_attributes + position
    return (2 * dim + 2 * n_attributes if config.translation else 2 * n_self), n_self
