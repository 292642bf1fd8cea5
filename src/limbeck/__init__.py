"""limbeck: from trajectories of interacting things to a verified symbolic law.

Names are imported when they are first used, so that `import limbeck` is quick.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._discovery import (
        DiscoveredLaw as DiscoveredLaw,
        Discovery as Discovery,
        discover as discover,
        load as load,
    )
    from ._distillation import distil as distil
    from ._errors import (
        ArtefactMismatch as ArtefactMismatch,
        InputError as InputError,
        RunError as RunError,
    )
    from ._estimator import SymbolicRegressor as SymbolicRegressor
    from ._network_file import load_network as load_network, save_network as save_network
    from .pipeline import DistilStudy as DistilStudy, SourceOptions as SourceOptions, Study as Study
    from .regress._regress import RegressedLaw as RegressedLaw, regress as regress
    from .simulate._custom import custom_system as custom_system
    from .simulate._simulate import simulate as simulate
    from .simulate._systems import systems as systems
    from .trajectories import (
        Trajectories as Trajectories,
        load_trajectories as load_trajectories,
        save_trajectories as save_trajectories,
        solar_system as solar_system,
    )

_HOMES = {
    "DiscoveredLaw": "_discovery",
    "Discovery": "_discovery",
    "discover": "_discovery",
    "load": "_discovery",
    "distil": "_distillation",
    "ArtefactMismatch": "_errors",
    "InputError": "_errors",
    "RunError": "_errors",
    "SymbolicRegressor": "_estimator",
    "load_network": "_network_file",
    "save_network": "_network_file",
    "DistilStudy": "pipeline",
    "SourceOptions": "pipeline",
    "Study": "pipeline",
    "RegressedLaw": "regress",
    "custom_system": "simulate",
    "systems": "simulate",
    "Trajectories": "trajectories",
    "load_trajectories": "trajectories",
    "save_trajectories": "trajectories",
    "solar_system": "trajectories",
}

_CALLABLE_PACKAGES = ("regress", "simulate")  # packages that can be called like the function of their name


def __getattr__(name: str) -> Any:
    """Import a public name when it is first asked for."""
    if name in _CALLABLE_PACKAGES:
        return import_module(f"limbeck.{name}")
    if name not in _HOMES:
        raise AttributeError(f"module 'limbeck' has no attribute {name!r}")
    return getattr(import_module(f"limbeck.{_HOMES[name]}"), name)


def __dir__() -> list[str]:
    """Public names."""
    return sorted([*_HOMES, *_CALLABLE_PACKAGES])
