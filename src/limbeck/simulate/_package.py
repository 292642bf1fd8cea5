"""The package `limbeck.simulate` is also the function of that name.

`limbeck.simulate(...)` is the public call, and Python binds the name to the package as
soon as any part of the house imports it; so the package passes a call on.
"""

import sys
from types import ModuleType
from typing import Any

from limbeck.trajectories import Trajectories

from ._simulate import simulate


class CallablePackage(ModuleType):
    """A package that can be called like its main function."""

    def __call__(self, *args: Any, **kwargs: Any) -> Trajectories:
        """Call `limbeck.simulate.simulate`, which checks its own arguments.

        Args:
            *args: Its positional arguments.
            **kwargs: Its keyword arguments.

        Returns:
            The trajectories.
        """
        return simulate(*args, **kwargs)


def make_callable(name: str) -> None:
    """Let a package be called.

    Args:
        name: The package, as in `sys.modules`.
    """
    sys.modules[name].__class__ = CallablePackage
