"""The command line: each command is one call into the house.

Heavy imports stand inside the commands, so that `--help` answers at once. Exit
codes are the contract's: 0 found, 3 no law can be stood behind, 2 wrong input,
1 something failed on the way, 130 interrupted.
"""

from . import (  # noqa: F401 - each adds its commands to the app
    _discover,
    _distil,
    _messages,
    _predict,
    _regress,
    _simulate,
    _solar_system,
    _train,
    _version,
)
from ._app import app as app
from ._main import main as main
