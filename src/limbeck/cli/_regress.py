"""`limbeck regress`."""

from pathlib import Path
from typing import Annotated

import typer

from ._app import Engine, Names, Operators, Out, Overwrite, Quiet, Seed, StudyFile, TimeLimit, app
from ._guard import guarded
from ._options import check_time_limit, names, operator_symbols, study_of
from ._show import conclude, progress_display


@app.command()
def regress(
    table: Annotated[Path, typer.Argument(help="A CSV or Parquet file, one row a sample.")],
    out: Out,
    target: Annotated[str | None, typer.Option(help="Column to explain. Required, unless a study names it.")] = None,
    variables: Annotated[
        str | None, typer.Option(help="Columns to explain it by, separated by commas [every numeric column].")
    ] = None,
    ignore: Names = None,
    weights: Annotated[str | None, typer.Option(help="Column with the weight of each row [all alike].")] = None,
    units: Annotated[str | None, typer.Option(help="Units of columns, as in x=m,y=s.")] = None,
    loss: Annotated[
        str | None, typer.Option(help="squared, or robust where some rows may be grossly wrong [squared].")
    ] = None,
    engine: Engine = None,
    operators: Operators = None,
    seed: Seed = None,
    time_limit: TimeLimit = None,
    study: StudyFile = None,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
) -> None:
    """Find the equation behind a table, and say whether it can be trusted."""

    def work() -> int:
        from limbeck.pipeline import RegressionStudy, run_regression

        check_time_limit(time_limit)
        settings = {
            "table": str(table),
            "target": target,
            "variables": names(variables),
            "ignore": names(ignore),
            "weights": weights,
            "units": units,
            "loss": loss,
            "engine": engine,
            "operators": operator_symbols(operators),
            "seed": seed,
            "time_limit": time_limit,
        }
        with progress_display(quiet) as listener:
            asked = study_of(study, RegressionStudy, settings)
            result = run_regression(asked, out, overwrite=overwrite, listener=listener)
        return conclude(result, out, quiet)

    guarded(work, out)
