"""`limbeck messages`."""

from pathlib import Path
from typing import Annotated

import typer

from ._app import Quiet, app
from ._guard import FOUND, guarded
from ._show import say


@app.command()
def messages(
    folder: Annotated[Path, typer.Argument(help="Folder of a finished run of discover or train.")],
    quiet: Quiet = False,
) -> None:
    """Read what a run's networks say: sizes of messages, fits to the force, directions."""

    def work() -> int:
        from limbeck._display import print_messages
        from limbeck.pipeline import read_run

        say(quiet, "reading messages")
        content = read_run(folder)
        if not quiet:
            print_messages(content, folder)
        return FOUND

    guarded(work, None)
