"""Entry point of the command."""

import os
import sys

from ._app import app
from ._guard import INTERRUPTED


def main() -> None:
    """Entry point of the command."""
    try:
        app()
    except SystemExit as stop:
        if stop.code != INTERRUPTED:
            raise
        # A search engine's thread can't be stopped, and Python would wait for it; every file is whole already.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)
