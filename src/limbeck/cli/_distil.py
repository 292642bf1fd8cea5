"""`limbeck distil`."""

from pathlib import Path
from typing import Annotated

import typer

from ._app import Engine, HoldOut, Operators, Out, Overwrite, Quiet, Seed, StudyFile, TimeLimit, Track, app
from ._guard import guarded
from ._options import check_time_limit, names, operator_symbols, study_of
from ._show import conclude, progress_display


@app.command()
def distil(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run of limbeck train.")],
    out: Out,
    member: Annotated[int | None, typer.Option(help="Which of its networks, from 0 [the best].")] = None,
    hold_out: HoldOut = None,
    engine: Engine = None,
    operators: Operators = None,
    seed: Seed = None,
    time_limit: TimeLimit = None,
    track: Track = None,
    study: StudyFile = None,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
) -> None:
    """Turn a trained published network into one law, and say whether it can be trusted."""

    def work() -> int:
        from limbeck.pipeline import DistilStudy, run_distillation

        check_time_limit(time_limit)
        settings = {
            "training": str(run),
            "member": member,
            "hold_out": hold_out,
            "engine": engine,
            "operators": operator_symbols(operators),
            "seed": seed,
            "time_limit": time_limit,
            "track": names(track),
        }
        asked = study_of(study, DistilStudy, settings)
        with progress_display(quiet) as listener:
            result = run_distillation(asked, out, overwrite=overwrite, listener=listener)
        return conclude(result, out, quiet)

    guarded(work, out)
