"""`limbeck solar-system`."""

from pathlib import Path
from typing import Annotated

import typer

from ._app import Quiet, app
from ._guard import FOUND, guarded
from ._options import check_new_file
from ._show import say


@app.command("solar-system")
def solar_system(
    out: Annotated[Path, typer.Option("--out", help="File to write: .nc, .csv or .parquet.")],
    years: Annotated[float, typer.Option(help="How long, in years of 365.25 days.")] = 30.0,
    step_minutes: Annotated[
        float, typer.Option(help="Step of time and of the differences that give the accelerations.")
    ] = 30.0,
    every: Annotated[int, typer.Option(help="Keep every so-manieth state.")] = 48,
    start: Annotated[str, typer.Option(help="Date of the first state.")] = "1980-01-01",
    pluto: Annotated[bool, typer.Option("--pluto", help="Add Pluto to the Sun, the planets and the Moon.")] = False,
    quiet: Quiet = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it exists.")] = False,
) -> None:
    """Write the motion of the Solar System, from an ephemeris, to a file; masses are not given."""

    def work() -> int:
        from limbeck.trajectories import save_trajectories, solar_system as read_solar_system

        check_new_file(out, overwrite)
        made = read_solar_system(years=years, step_minutes=step_minutes, every=every, start=start, pluto=pluto)
        notes = save_trajectories(made, out)
        say(quiet, f"{made.n_nodes} bodies, {made.n_times:,} states over {years:g} years, in {out}")
        for note in (*made.notes, *notes):
            say(quiet, note)
        return FOUND

    guarded(work, None)
