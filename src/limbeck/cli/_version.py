"""`limbeck version`."""

import typer

from ._app import app


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    typer.echo(installed("limbeck"))
