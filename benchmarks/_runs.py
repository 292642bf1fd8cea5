"""What the benchmarks share: runs of the command line as fresh processes, and a line that names the machine."""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

PACKAGES = ("limbeck", "jax", "jaxlib", "numpy", "scipy", "pyoperon")
# Settings of `--toy`: they show that a benchmark runs, and say nothing about limbeck.
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
