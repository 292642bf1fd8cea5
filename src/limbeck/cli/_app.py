"""The application to which every command is added, and the options that several share."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="From trajectories of interacting things to a verified symbolic law.",
)

Out = Annotated[Path, typer.Option("--out", help="Folder of the run.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="Print nothing but errors.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Remove an earlier run of limbeck in the folder.")]
Names = Annotated[str | None, typer.Option(help="Columns, separated by commas.")]
Track = Annotated[str | None, typer.Option(help="tensorboard, mlflow, wandb, or several [none].")]
HoldOut = Annotated[
    str | None, typer.Option("--hold-out", help="A region that training must not see, such as r<0.5, v>2 or m>3.")
]
Seed = Annotated[int | None, typer.Option(help="Root of everything random [0].")]
TimeLimit = Annotated[float | None, typer.Option(help="Seconds for the whole run [no limit].")]
Engine = Annotated[str | None, typer.Option(help="auto, pyoperon or enumerate [auto].")]
Operators = Annotated[
    str | None, typer.Option(help="Operators of equations, separated by commas or blanks [+ - * / ^ exp log].")
]
StudyFile = Annotated[Path | None, typer.Option(help="TOML file with settings; options override it.")]

# What a command needs to know of its source.
Dim = Annotated[int | None, typer.Option(help="Dimension of a simulated system [2].")]
Nodes = Annotated[int | None, typer.Option(help="Particles of a simulated system [4].")]
Simulations = Annotated[int | None, typer.Option(help="Simulations of a system [1000].")]
Potential = Annotated[str | None, typer.Option(help="Pair potential of 'custom', as in 'q_1*q_2*exp(-r)/r'.")]
Rename = Annotated[list[str] | None, typer.Option(help="OLD=NEW, may be repeated.")]
Units = Annotated[str | None, typer.Option(help="As in x=AU,time=day,m=Msun.")]
Edges = Annotated[Path | None, typer.Option(help="CSV of sender, receiver[, simulation].")]
Radius = Annotated[float | None, typer.Option(help="Largest distance at which pairs interact [any].")]
AllowGaps = Annotated[bool, typer.Option("--allow-gaps", help="Times may differ, particles be missing.")]
Per = Annotated[
    str | None, typer.Option(help="A column of labels, each with one value of what --learn names.", metavar="COL")
]
SharedParticles = Annotated[bool, typer.Option("--shared-particles", help="A particle's name means one object.")]
