"""What the benchmarks share: options, records, runs of the command line as fresh processes, and the machine's name."""

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

PACKAGES = ("limbeck", "jax", "jaxlib", "numpy", "scipy", "pyoperon")
# Settings of `--toy`: they show that a benchmark runs, and say nothing about limbeck.
Record = dict[str, Any]
TOY_STUDY = "[train]\nsteps = 600\nchunk = 100\n\n[search]\nevaluations = 3000\n"


class Outcome(NamedTuple):
    """A process that has ended.

    Attributes:
        code: Exit code.
        seconds: Wall time, start of the interpreter included [s].
        peak: Largest resident memory [bytes].
        errors: End of what it wrote to stderr.
    """

    code: int
    seconds: float
    peak: int
    errors: str


def options_of_runs(
    description: str | None, *, out: str, systems: tuple[str, ...], seeds: int, first_seed: int
) -> argparse.ArgumentParser:
    """A parser with the options of every benchmark that makes runs of systems for some seeds.

    Args:
        description: What the benchmark says of itself.
        out: Where its records lie.
        systems: The systems that it knows; all are measured by default.
        seeds: How many seeds.
        first_seed: The first of them.

    Returns:
        The parser, to which a benchmark adds its own.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(out))
    parser.add_argument("--systems", default=",".join(systems), help="separated by commas")
    parser.add_argument("--seeds", type=int, default=seeds, help="how many")
    parser.add_argument("--first-seed", type=int, default=first_seed)
    parser.add_argument("--simulations", type=int, default=1000, help="of each run")
    return parser


def seeds_of(options: argparse.Namespace) -> range:
    """The seeds that were asked for.

    Args:
        options: Parsed options of `options_of_runs`.

    Returns:
        Seeds; a benchmark takes them outermost, so that an interrupted one has seen every system.
    """
    return range(options.first_seed, options.first_seed + options.seeds)


def begin(options: argparse.Namespace, *more: str) -> None:
    """Make the folder of the records, and print what is measured where.

    Args:
        options: Parsed options of `options_of_runs`.
        more: What else is told.
    """
    options.out.mkdir(parents=True, exist_ok=True)
    seeds = seeds_of(options)
    told = (f"seeds {seeds.start} to {seeds.stop - 1}", f"{options.simulations} simulations", *more)
    print(f"{machine()}\n# {', '.join(told)}", flush=True)


def recorded(path: Path, measure: Callable[[], Record]) -> Record:
    """A record, measured unless it is there.

    Args:
        path: Where it lies.
        measure: Makes it.

    Returns:
        The record as it was read back.
    """
    if not path.exists():
        unfinished = path.with_suffix(".tmp")
        unfinished.write_text(json.dumps(measure()))
        unfinished.replace(path)
    return json.loads(path.read_text())


def machine() -> str:
    """Processor, cores, system and versions, for the first line of a benchmark.

    Returns:
        One line.
    """
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    name = names[0] if names else platform.processor()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    libraries = ", ".join(f"{package} {version(package)}" for package in PACKAGES)
    return f"# {name}, {cores} cores, {platform.system()}, Python {platform.python_version()}, {libraries}"


def run(command: list[str], *, cache: Path | None = None) -> Outcome:
    """Run a command and wait for it.

    Args:
        command: Program and arguments.
        cache: Home of limbeck's cache of compiled programs; None is the user's own.

    Returns:
        How it ended.
    """
    environment = dict(os.environ) if cache is None else {**os.environ, "XDG_CACHE_HOME": str(cache)}
    with tempfile.TemporaryFile() as errors:
        started = time.monotonic()
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        seconds = time.monotonic() - started
        process.returncode = os.waitstatus_to_exitcode(status)
        errors.seek(0)
        text = errors.read().decode(errors="replace")
    unit = 1 if sys.platform == "darwin" else 1024  # ru_maxrss is in bytes there, in KiB on Linux
    return Outcome(process.returncode, seconds, usage.ru_maxrss * unit, text[-500:])


def limbeck(*arguments: str | Path) -> list[str]:
    """The command line of limbeck in this interpreter.

    Args:
        arguments: Command and options.

    Returns:
        Program and arguments.
    """
    return [sys.executable, "-m", "limbeck", *map(str, arguments)]


def toy_options(folder: Path) -> list[str | Path]:
    """Options of `limbeck discover` that make a run short.

    Args:
        folder: Where the study file may lie.

    Returns:
        `--study` with a file of toy settings.
    """
    path = folder / "toy.toml"
    path.write_text(TOY_STUDY)
    return ["--study", path]


def result_of(folder: Path) -> dict[str, Any]:
    """What a run says in the end.

    Args:
        folder: Folder of the run.

    Returns:
        Content of `result.json`.
    """
    return json.loads((folder / "result.json").read_text())
