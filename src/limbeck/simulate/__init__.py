"""What we make: trajectories of systems whose law is known."""

from limbeck import _package

from ._custom import custom_system as custom_system
from ._dynamics import accelerations as accelerations
from ._invariants import (
    angular_momentum as angular_momentum,
    momentum as momentum,
    total_energy as total_energy,
)
from ._simulate import simulate as simulate, simulate_from as simulate_from
from ._systems import (
    AttributeRule as AttributeRule,
    SystemDefinition as SystemDefinition,
    Truth as Truth,
    find_system as find_system,
    systems as systems,
)

_package.make_callable(__name__)
