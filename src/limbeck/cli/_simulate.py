"""`limbeck simulate` and `limbeck systems`."""

from pathlib import Path
from typing import Annotated

import typer

from ._app import Quiet, app
from ._guard import FOUND, guarded
from ._options import check_new_file
from ._show import count_display, say


@app.command()
def simulate(
    system: Annotated[str, typer.Argument(help="A built-in system, or 'custom'.")],
    out: Annotated[Path, typer.Option("--out", help="File to write: .nc, .csv or .parquet.")],
    dim: Annotated[int, typer.Option(help="Dimension of space.")] = 2,
    nodes: Annotated[int | None, typer.Option(help="Particles [the system's own].")] = None,
    simulations: Annotated[int, typer.Option(help="How many to simulate.")] = 1000,
    seed: Annotated[int, typer.Option(help="Seed of the initial states.")] = 0,
    dt: Annotated[float | None, typer.Option(help="Time between states [the system's own].")] = None,
    steps: Annotated[int | None, typer.Option(help="States of a simulation [the system's own].")] = None,
    every: Annotated[int, typer.Option(help="Keep every so-manieth state.")] = 1,
    potential: Annotated[str | None, typer.Option(help="Pair potential of 'custom'.")] = None,
    softening: Annotated[float | None, typer.Option(help="Length added to r in 'custom' [0.01].")] = None,
    quiet: Quiet = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> None:
    """Simulate a system and write its trajectories to a file."""

    def work() -> int:
        from limbeck._errors import InputError
        from limbeck.pipeline import SystemSource
        from limbeck.simulate import find_system, simulate as run_simulation
        from limbeck.trajectories import save_trajectories

        if system.strip().lower() == "solar-system":
            raise InputError(f"the Solar System is not simulated: use limbeck solar-system --out {out}")
        check_new_file(out, overwrite)  # before a simulation that may take minutes
        name = system if system == "custom" else find_system(system).name
        if name != "custom" and (potential is not None or softening is not None):
            raise InputError(f"--potential and --softening go with the source custom, not with {name!r}")
        given = {"potential": potential, "softening": softening, "nodes": nodes, "dt": dt, "steps": steps}
        asked = SystemSource(
            name=name, dim=dim, simulations=simulations, **{k: v for k, v in given.items() if v is not None}
        )
        asked.check(every=every)
        with count_display(quiet, "simulate") as progress:
            made = run_simulation(
                asked.definition(),
                dim=dim,
                n_nodes=nodes,
                n_systems=simulations,
                seed=seed,
                dt=dt,
                n_steps=steps,
                every=every,
                progress=progress,
            )
        notes = save_trajectories(made, out)
        say(quiet, f"{made.n_systems} simulations of {made.n_nodes} particles, {made.n_times} states each, in {out}")
        for note in (*made.notes, *notes):
            say(quiet, note)
        return FOUND

    guarded(work, None)


@app.command()
def systems() -> None:
    """List the built-in systems."""
    from rich.console import Console
    from rich.table import Table

    from limbeck.simulate import systems as all_systems

    table = Table("system", "law", "step", "particles")
    for name, definition in all_systems().items():
        table.add_row(name, definition.summary, f"{definition.dt:g}", str(definition.default_nodes))
    Console().print(table)
