"""`limbeck discover` and `limbeck resume`."""

from pathlib import Path
from typing import Annotated

import typer

from ._app import (
    AllowGaps,
    Dim,
    Edges,
    Engine,
    HoldOut,
    Names,
    Nodes,
    Operators,
    Out,
    Overwrite,
    Per,
    Potential,
    Quiet,
    Radius,
    Rename,
    Seed,
    SharedParticles,
    Simulations,
    StudyFile,
    TimeLimit,
    Track,
    Units,
    app,
)
from ._guard import FOUND, guarded
from ._options import check_time_limit, names, operator_symbols, renames, study_of
from ._show import conclude, progress_display


@app.command()
def discover(
    source: Annotated[
        str,
        typer.Argument(help="A built-in system, 'custom', 'solar-system', or a CSV, Parquet or NetCDF file."),
    ],
    out: Out,
    bias: Annotated[str | None, typer.Option(help="auto, none, or a comma-separated list [auto].")] = None,
    learn: Annotated[
        list[str] | None,
        typer.Option(help="A property that nobody measured, such as m, to be learned with the law; or two: m,q."),
    ] = None,
    hold_out: HoldOut = None,
    engine: Engine = None,
    operators: Operators = None,
    seed: Seed = None,
    time_limit: TimeLimit = None,
    track: Track = None,
    study: StudyFile = None,
    dim: Dim = None,
    nodes: Nodes = None,
    simulations: Simulations = None,
    potential: Potential = None,
    dt: Annotated[float | None, typer.Option(help="Time between states of 'custom' [0.01].")] = None,
    steps: Annotated[int | None, typer.Option(help="States of a simulation of 'custom' [1000].")] = None,
    softening: Annotated[float | None, typer.Option(help="Length added to r in 'custom' [0.01].")] = None,
    rename: Rename = None,
    attributes: Names = None,
    ignore: Names = None,
    species: Names = None,
    per: Per = None,
    units: Units = None,
    edges: Edges = None,
    radius: Radius = None,
    allow_gaps: AllowGaps = False,
    shared_particles: SharedParticles = False,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
) -> None:
    """Find the law behind trajectories, and say whether it can be trusted."""

    def work() -> int:
        from limbeck.pipeline import SourceOptions, Study, run_study, with_source

        options = SourceOptions(
            dim=dim,
            nodes=nodes,
            simulations=simulations,
            potential=potential,
            dt=dt,
            steps=steps,
            softening=softening,
            rename=renames(rename),
            attributes=names(attributes),
            ignore=names(ignore),
            species=names(species),
            per=per,
            units=units,
            edges=None if edges is None else str(edges),
            radius=radius,
            allow_gaps=allow_gaps or None,
            shared_particles=shared_particles or None,
        )
        check_time_limit(time_limit)
        settings = {
            "bias": bias,
            "learn": _learned(learn),
            "hold_out": hold_out,
            "engine": engine,
            "operators": operator_symbols(operators),
            "seed": seed,
            "time_limit": time_limit,
            "track": names(track),
        }
        asked = with_source(study_of(study, Study, settings), source, options)
        with progress_display(quiet) as listener:
            result = run_study(asked, out, overwrite=overwrite, listener=listener)
        return conclude(result, out, quiet)

    guarded(work, out)


def _learned(words: list[str] | None) -> str | tuple[str, ...] | None:
    """Names of properties, given one by one or separated by commas; one is written into the study as a plain name."""
    text = ",".join(words) if words else None
    found = names(text)
    if not found:
        return text  # a list without a name in it is for the study to refuse
    return found[0] if len(found) == 1 else found


@app.command()
def resume(folder: Annotated[Path, typer.Argument(help="Folder of a run.")], quiet: Quiet = False) -> None:
    """Go on with a run that was interrupted."""

    def work() -> int:
        from limbeck._display import print_training
        from limbeck.pipeline import kind_of, resume_distillation, resume_regression, resume_study, resume_training

        kinds = {
            "distillation": resume_distillation,
            "regression": resume_regression,
            "training": resume_training,
        }
        kind = kind_of(folder)
        with progress_display(quiet) as listener:
            result = kinds.get(kind, resume_study)(folder, listener=listener)
        if kind != "training":
            return conclude(result, folder, quiet)
        if not quiet:
            print_training(result, folder)
        return FOUND

    guarded(work, folder)
