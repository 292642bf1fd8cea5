"""`limbeck train`."""

from typing import Annotated

import typer

from ._app import (
    AllowGaps,
    Dim,
    Edges,
    HoldOut,
    Names,
    Nodes,
    Out,
    Overwrite,
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
from ._options import check_time_limit, names, numbers, renames, study_of
from ._show import progress_display


@app.command()
def train(
    source: Annotated[str, typer.Argument(help="A built-in system, 'custom', or a CSV, Parquet or NetCDF file.")],
    out: Out,
    model: Annotated[
        str | None, typer.Option(help="standard, bottleneck, l1, kl, pruning or flathgn [bottleneck].")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="default, dimension, paper or thesis [default].")] = None,
    bias: Annotated[str | None, typer.Option(help="none, or a list of translation, third-law [the preset's].")] = None,
    message_dim: Annotated[int | None, typer.Option(help="Components of a message [the model's].")] = None,
    width: Annotated[int | None, typer.Option(help="Units of each hidden layer [the preset's].")] = None,
    steps: Annotated[int | None, typer.Option(help="Optimiser steps [the preset's].")] = None,
    batch_size: Annotated[int | None, typer.Option(help="Graphs in each step [the preset's].")] = None,
    learning_rate: Annotated[float | None, typer.Option(help="Peak of the learning rate [the preset's].")] = None,
    penalties: Annotated[
        str | None, typer.Option(help="Weights of the L1 or KL penalty; a network for each [the model's].")
    ] = None,
    penalty_scale: Annotated[
        str | None, typer.Option(help="What they multiply: edge, batch, pair or component [the preset's].")
    ] = None,
    pruning: Annotated[str | None, typer.Option(help="linear, exponential or cosine [cosine].")] = None,
    pruning_end: Annotated[float | None, typer.Option(help="Part of the training when it ends [preset's].")] = None,
    pruning_dim: Annotated[int | None, typer.Option(help="Components that it leaves [dimension of space].")] = None,
    inertia: Annotated[str | None, typer.Option(help="Attribute that is m in the momenta of flathgn [m].")] = None,
    hold_out: HoldOut = None,
    seeds: Annotated[int | None, typer.Option(help="Networks trained together from different weights [1].")] = None,
    seed: Seed = None,
    time_limit: TimeLimit = None,
    track: Track = None,
    study: StudyFile = None,
    dim: Dim = None,
    nodes: Nodes = None,
    simulations: Simulations = None,
    potential: Potential = None,
    rename: Rename = None,
    attributes: Names = None,
    ignore: Names = None,
    species: Names = None,
    units: Units = None,
    edges: Edges = None,
    radius: Radius = None,
    allow_gaps: AllowGaps = False,
    shared_particles: SharedParticles = False,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
) -> None:
    """Train one of the published graph networks, and read its messages."""

    def work() -> int:
        from dataclasses import replace

        from limbeck._display import print_training
        from limbeck.pipeline import SourceOptions, TrainStudy, run_training, with_source

        options = SourceOptions(
            dim=dim,
            nodes=nodes,
            simulations=simulations,
            potential=potential,
            rename=renames(rename),
            attributes=names(attributes),
            ignore=names(ignore),
            species=names(species),
            units=units,
            edges=None if edges is None else str(edges),
            radius=radius,
            allow_gaps=allow_gaps or None,
            shared_particles=shared_particles or None,
        )
        check_time_limit(time_limit)
        settings = {
            "model": model,
            "preset": preset,
            "bias": bias,
            "message_dim": message_dim,
            "width": width,
            "steps": steps,
            "batch_size": batch_size,
            "learning_rate": learning_rate,
            "penalties": numbers(penalties, "--penalties"),
            "penalty_scale": penalty_scale,
            "pruning": pruning,
            "pruning_end": pruning_end,
            "pruning_dim": pruning_dim,
            "inertia": inertia,
            "hold_out": hold_out,
            "seeds": seeds,
            "seed": seed,
            "time_limit": time_limit,
            "track": names(track),
        }
        asked = study_of(study, TrainStudy, settings)
        data = with_source(asked.data, source, options)
        with progress_display(quiet) as listener:
            result = run_training(
                replace(asked, system=data.system, file=data.file), out, overwrite=overwrite, listener=listener
            )
        if not quiet:
            print_training(result, out)
        return FOUND

    guarded(work, out)
