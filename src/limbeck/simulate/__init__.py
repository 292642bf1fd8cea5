"""What we make: trajectories of systems whose law is known."""

import sys
from types import ModuleType
from typing import Any

from limbeck.trajectories import Trajectories

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


class _CallablePackage(ModuleType):
    """The package `limbeck.simulate`, which is also the function of that name.

    `limbeck.simulate(...)` is the public call, and Python binds the name to this package as
    soon as any part of the house imports it; so the package passes a call on.
    """

    def __call__(self, *args: Any, **kwargs: Any) -> Trajectories:
        """Call `limbeck.simulate.simulate`, which checks its own arguments."""
        return simulate(*args, **kwargs)


sys.modules[__name__].__class__ = _CallablePackage
