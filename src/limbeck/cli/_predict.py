"""`limbeck predict`."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from ._app import Quiet, app
from ._guard import FOUND, guarded


@app.command()
def predict(
    folder: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    data: Annotated[Path, typer.Argument(help="States to predict the accelerations of.")],
    out: Annotated[Path | None, typer.Option("--out", help="CSV to write; else to the terminal.")] = None,
    edges: Annotated[Path | None, typer.Option(help="CSV of sender, receiver; else as in the run.")] = None,
    allow_gaps: Annotated[bool, typer.Option("--allow-gaps", help="Particles may be missing at some times.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file of --out.")] = False,
    quiet: Quiet = False,
) -> None:
    """Predict accelerations with the law of a run."""

    def work() -> int:
        from limbeck._predict import check_output, predict_table
        from limbeck.artefacts import write_whole

        if out is not None:
            check_output(out, data, overwrite=overwrite)
        table, summary = predict_table(folder, data, edges=edges, allow_gaps=allow_gaps)
        text = table.to_csv(index=False)
        if out is None:
            sys.stdout.write(text)
        else:
            write_whole(out, text)
        if not quiet:
            typer.echo(summary, err=True)
        return FOUND

    guarded(work, None)
