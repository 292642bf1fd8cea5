"""A package that is also the function of its name.

`limbeck.simulate(...)` and `limbeck.regress(...)` are public calls, and Python binds
such a name to the package as soon as any part of the house imports it; so the package
passes a call on to the function that it holds under its own name.
"""

import sys
from types import ModuleType
from typing import Any


class CallablePackage(ModuleType):
    """A package that can be called like its main function."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Call the function of the package's name, which checks its own arguments.

        Args:
            *args: Its positional arguments.
            **kwargs: Its keyword arguments.

        Returns:
            What it returns.
        """
        return vars(self)[self.__name__.rpartition(".")[2]](*args, **kwargs)


def make_callable(name: str) -> None:
    """Let a package be called.

    Args:
        name: The package, as in `sys.modules`.
    """
    sys.modules[name].__class__ = CallablePackage
