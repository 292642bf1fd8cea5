"""The command line: each command is one call into the house.

Heavy imports stand inside the commands, so that `--help` answers at once. Exit
codes are the contract's: 0 found, 3 no law can be stood behind, 2 wrong input,
1 something failed on the way, 130 interrupted.
"""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

FOUND, FAILED, WRONG_INPUT, NOT_FOUND, INTERRUPTED = 0, 1, 2, 3, 130

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


@app.command()
def discover(
    source: Annotated[str, typer.Argument(help="A built-in system, 'custom', or a CSV, Parquet or NetCDF file.")],
    out: Out,
    bias: Annotated[str | None, typer.Option(help="auto, none, or a comma-separated list [auto].")] = None,
    engine: Annotated[str | None, typer.Option(help="auto, pyoperon or enumerate [auto].")] = None,
    operators: Annotated[
        str | None, typer.Option(help="Operators of equations, separated by commas or blanks [+ - * / ^ exp log].")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Root of everything random [0].")] = None,
    time_limit: Annotated[float | None, typer.Option(help="Seconds for the whole run [no limit].")] = None,
    study: Annotated[Path | None, typer.Option(help="TOML file with settings; options override it.")] = None,
    dim: Annotated[int | None, typer.Option(help="Dimension of a simulated system [2].")] = None,
    nodes: Annotated[int | None, typer.Option(help="Particles of a simulated system [4].")] = None,
    simulations: Annotated[int | None, typer.Option(help="Simulations of a system [1000].")] = None,
    potential: Annotated[
        str | None, typer.Option(help="Pair potential of 'custom', as in 'q_1*q_2*exp(-r)/r'.")
    ] = None,
    dt: Annotated[float | None, typer.Option(help="Time between states of 'custom' [0.01].")] = None,
    steps: Annotated[int | None, typer.Option(help="States of a simulation of 'custom' [1000].")] = None,
    softening: Annotated[float | None, typer.Option(help="Length added to r in 'custom' [0.01].")] = None,
    rename: Annotated[list[str] | None, typer.Option(help="OLD=NEW, may be repeated.")] = None,
    attributes: Names = None,
    ignore: Names = None,
    species: Names = None,
    units: Annotated[str | None, typer.Option(help="As in x=AU,time=day,m=Msun.")] = None,
    edges: Annotated[Path | None, typer.Option(help="CSV of sender, receiver[, simulation].")] = None,
    radius: Annotated[float | None, typer.Option(help="Largest distance at which pairs interact [any].")] = None,
    allow_gaps: Annotated[bool, typer.Option("--allow-gaps", help="Times may differ, particles be missing.")] = False,
    shared_particles: Annotated[
        bool, typer.Option("--shared-particles", help="A particle's name means one object.")
    ] = False,
    quiet: Quiet = False,
    overwrite: Overwrite = False,
) -> None:
    """Find the law behind trajectories, and say whether it can be trusted."""

    def work() -> int:
        from limbeck._errors import InputError
        from limbeck.pipeline import SourceOptions, run_study, with_source

        options = SourceOptions(
            dim=dim,
            nodes=nodes,
            simulations=simulations,
            potential=potential,
            dt=dt,
            steps=steps,
            softening=softening,
            rename=_renames(rename),
            attributes=_names(attributes),
            ignore=_names(ignore),
            species=_names(species),
            units=units,
            edges=None if edges is None else str(edges),
            radius=radius,
            allow_gaps=allow_gaps or None,
            shared_particles=shared_particles or None,
        )
        if time_limit is not None and not time_limit > 0:
            raise InputError(f"--time-limit must be a positive number of seconds; got {time_limit}")
        settings = {
            "bias": bias,
            "engine": engine,
            "operators": _operators(operators),
            "seed": seed,
            "time_limit": time_limit,
        }
        asked = with_source(_study(study, settings), source, options)
        with _progress(quiet) as listener:
            result = run_study(asked, out, overwrite=overwrite, listener=listener)
        return _conclude(result, out, quiet)

    _guarded(work, out)


@app.command()
def resume(folder: Annotated[Path, typer.Argument(help="Folder of a run.")], quiet: Quiet = False) -> None:
    """Go on with a run that was interrupted."""

    def work() -> int:
        from limbeck.pipeline import resume_study

        with _progress(quiet) as listener:
            result = resume_study(folder, listener=listener)
        return _conclude(result, folder, quiet)

    _guarded(work, folder)


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
        from limbeck.trajectories import check_target, save_trajectories

        check_target(out)  # before a simulation that may take minutes
        if out.exists() and not overwrite:
            raise InputError(f"{out} exists; choose another name or --overwrite")
        name = system if system == "custom" else find_system(system).name
        if name != "custom" and (potential is not None or softening is not None):
            raise InputError(f"--potential and --softening go with the source custom, not with {name!r}")
        given = {"potential": potential, "softening": softening, "nodes": nodes, "dt": dt, "steps": steps}
        asked = SystemSource(
            name=name, dim=dim, simulations=simulations, **{k: v for k, v in given.items() if v is not None}
        )
        asked.check(every=every)
        with _bar(quiet, "simulate") as progress:
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
        _say(quiet, f"{made.n_systems} simulations of {made.n_nodes} particles, {made.n_times} states each, in {out}")
        for note in (*made.notes, *notes):
            _say(quiet, note)
        return FOUND

    _guarded(work, None)


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


@app.command()
def predict(
    folder: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    data: Annotated[Path, typer.Argument(help="States to predict the accelerations of.")],
    out: Annotated[Path | None, typer.Option("--out", help="CSV to write; else to the terminal.")] = None,
    quiet: Quiet = False,
) -> None:
    """Predict accelerations with the law of a run."""

    def work() -> int:
        from limbeck._predict import check_output, predict_table
        from limbeck.artefacts import write_whole

        if out is not None:
            check_output(out, data)
        table, summary = predict_table(folder, data)
        text = table.to_csv(index=False)
        if out is None:
            sys.stdout.write(text)
        else:
            write_whole(out, text)
        if not quiet:
            typer.echo(summary, err=True)
        return FOUND

    _guarded(work, None)


@app.command()
def version() -> None:
    """Print the version."""
    from importlib.metadata import version as installed

    typer.echo(installed("limbeck"))


def _study(path: Path | None, settings: dict[str, Any]) -> Any:
    """A study from a file, if any, and the options that were given."""
    from dataclasses import replace

    from limbeck._errors import InputError
    from limbeck.config import from_toml
    from limbeck.pipeline import Study

    study = Study()
    if path is not None:
        try:
            study = from_toml(path.read_text(), Study, str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"the study {path} can't be read: {error}") from error
    return replace(study, **{name: value for name, value in settings.items() if value is not None})


def _names(text: str | None) -> tuple[str, ...] | None:
    """Split a list of names."""
    return None if text is None else tuple(part.strip() for part in text.split(",") if part.strip())


def _operators(text: str | None) -> tuple[str, ...] | None:
    """Split a list of operators, which commas or blanks may separate."""
    return None if text is None else tuple(text.replace(",", " ").split())


def _renames(pairs: list[str] | None) -> dict[str, str] | None:
    """Read OLD=NEW pairs; several may stand in one, separated by commas."""
    from limbeck._errors import InputError

    if not pairs:
        return None
    found = {}
    for pair in (part for text in pairs for part in text.split(",")):
        old, equals, new = pair.partition("=")
        if not (equals and old.strip() and new.strip()):
            raise InputError(f"--rename expects OLD=NEW, got {pair!r}")
        found[old.strip()] = new.strip()
    return found


def _guarded(work: Callable[[], int], folder: Path | None) -> None:
    """Run a command and turn what goes wrong into one line and the contract's exit code."""
    from limbeck._errors import ArtefactMismatch, InputError, RunError

    try:
        _private_cache()
        code = work()
    except InputError as error:
        code = _fail(str(error), WRONG_INPUT)
    except KeyboardInterrupt:
        code = _fail(f"interrupted{_way_on(folder)}", INTERRUPTED)
    except MemoryError:
        code = _fail(f"out of memory{_way_on(folder)}", FAILED)
    except ArtefactMismatch as error:
        code = _fail(str(error), FAILED)
    except (RunError, OSError) as error:
        code = _fail(f"{error}{_way_on(folder)}", FAILED)
    except Exception as error:  # noqa: BLE001 - the contract: one line, no traceback, whatever a library raises
        text = str(error).strip() or "no message"
        code = _fail(f"{type(error).__name__}: {text.splitlines()[0]}{_way_on(folder)}", FAILED)
    raise typer.Exit(code)


def _way_on(folder: Path | None) -> str:
    """How to go on with a run that ended early, if it left something to go on from."""
    if folder is None or not (folder / "study.toml").exists():
        return ""
    return f"; go on with: limbeck resume {folder}"


def _fail(message: str, code: int) -> int:
    """Print an error on one line."""
    typer.echo(f"limbeck: {' '.join(message.split())}", err=True)
    return code


def _private_cache() -> None:
    """Keep compiled programs between runs, in a folder that is the user's alone: it holds executable code."""
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "limbeck" / "programs"
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        if home.stat().st_uid != os.getuid() or home.stat().st_mode & 0o077:
            return
    except (OSError, AttributeError):  # no home, or no user ids on this platform: run without a cache
        return
    # Programs with error callbacks can't be stored; diffrax then reports a failure as NaN, which is checked.
    os.environ.setdefault("EQX_ON_ERROR", "nan")
    import jax

    jax.config.update("jax_compilation_cache_dir", str(home))
    jax.config.update("jax_persistent_cache_min_compile_time_secs", 0.0)
    jax.config.update("jax_persistent_cache_min_entry_size_bytes", -1)


def _say(quiet: bool, text: str) -> None:
    """Print unless told to be quiet."""
    if not quiet:
        typer.echo(text)


def _progress(quiet: bool) -> Any:
    """A live display of a run."""
    from limbeck._display import RunDisplay

    return RunDisplay(quiet)


def _bar(quiet: bool, title: str) -> Any:
    """A progress bar for counted work."""
    from limbeck._display import CountDisplay

    return CountDisplay(quiet, title)


def _conclude(result: dict[str, Any], folder: Path, quiet: bool) -> int:
    """Print the law and the verdict; choose the exit code."""
    if not quiet:
        from limbeck._display import print_result

        print_result(result, folder)
    return FOUND if result["verdict"] == "found" else NOT_FOUND


def main() -> None:
    """Entry point of the command."""
    try:
        app()
    except SystemExit as stop:
        if stop.code != INTERRUPTED:
            raise
        # A search engine's thread can't be stopped, and Python would wait for it; every file is whole already.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(INTERRUPTED)


if __name__ == "__main__":
    main()
