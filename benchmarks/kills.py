"""Does a run that is killed at a random moment end in the same law once it is resumed?

    python benchmarks/kills.py --out runs/kills [--kills 10] [--seed 0] [--toy]

One run is left alone. Each of the others, with the same options and no time limit, is killed
with SIGKILL after a random part of the first one's time; every file that it left is read and
checked; then it is resumed (started again, where it was killed before its folder was there)
and its result compared with the undisturbed one: everything but the times must be equal to
the last digit. Exit code 1 if anything differs.
"""

import argparse
import json
import math
import random
import signal
import struct
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
from _runs import limbeck, machine, result_of, run, toy_options

MAGIC = b"limbeck\x01"


def main() -> None:
    """Run once undisturbed, then kill and resume."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/kills"))
    parser.add_argument("--system", default="spring")
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=0, help="of the moments; the runs have seed 0")
    parser.add_argument("--toy", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    extra = [*toy_options(options.out), "--simulations", "40"] if options.toy else []
    command = limbeck("discover", options.system, "--quiet", "--overwrite", *extra, "--out")
    print(f"{machine()}\n# {options.system}, seed of the moments {options.seed}", flush=True)
    run([*command, str(options.out / "first")])  # so that the compiled programs are there for all that follow
    whole = run([*command, str(options.out / "whole")])
    print(f"undisturbed: exit {whole.code}, {whole.seconds:.1f} s", flush=True)
    expected = told(options.out / "whole")
    moments = random.Random(options.seed)
    count = 2 if options.toy else options.kills
    times = [whole.seconds * moments.random() for _ in range(count)]
    equal = [killed(command, options.out / f"killed-{k}", moment, expected) for k, moment in enumerate(times)]
    print(f"same result to the last digit, all files whole: {sum(equal)} of {count}")
    sys.exit(sum(equal) < count)


def killed(command: list[str], folder: Path, moment: float, expected: dict[str, Any]) -> bool:
    """Kill a run at a moment, check its files, resume it, and compare."""
    process = subprocess.Popen([*command, str(folder)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(moment)
    process.send_signal(signal.SIGKILL)
    process.wait()
    stage, damaged = last_stage(folder), [path.name for path in files_of(folder) if not is_whole(path)]
    again = limbeck("resume", folder, "--quiet") if (folder / "study.toml").exists() else [*command, str(folder)]
    resumed = run(again)
    same = (folder / "result.json").exists() and told(folder) == expected
    outcome = "same result" if same else f"ANOTHER RESULT {resumed.errors.strip()}"
    print(
        f"killed after {moment:6.1f} s in {stage:>10}: damaged {', '.join(damaged) or 'none'}; "
        f"resumed, exit {resumed.code}, {outcome}",
        flush=True,
    )
    return same and not damaged


def told(folder: Path) -> dict[str, Any]:
    """What a run says, without how long it took; and its equations."""
    result = result_of(folder)
    del result["timings"]
    return {**result, "equations": (folder / "equations.csv").read_text()}


def last_stage(folder: Path) -> str:
    """Stage that a run was in."""
    path = folder / "events.jsonl"
    lines = path.read_text().splitlines() if path.exists() else []
    return json.loads(lines[-1])["stage"] if lines else "start"


def files_of(folder: Path) -> list[Path]:
    """Files under their final names; what was being written has a name that begins with a dot."""
    return [p for p in sorted(folder.rglob("*")) if p.is_file() and not p.name.startswith(".")]


def is_whole(path: Path) -> bool:
    """Whether a file can be read to its end."""
    try:
        if path.suffix == ".json":
            json.loads(path.read_text())
        elif path.suffix == ".toml":
            tomllib.loads(path.read_text())
        elif path.suffix == ".jsonl":
            all(json.loads(line) for line in path.read_text().splitlines())
        elif path.suffix == ".limbeck":
            return is_checkpoint(path.read_bytes())
        elif path.suffix == ".html":
            return path.read_text().rstrip().endswith("</html>")
        return path.stat().st_size > 0
    except ValueError:
        return False


def is_checkpoint(data: bytes) -> bool:
    """Whether the arrays of a checkpoint are as long as its header says; resuming checks their hash."""
    if data[: len(MAGIC)] != MAGIC:
        return False
    start = len(MAGIC) + 8
    (length,) = struct.unpack("<Q", data[len(MAGIC) : start])
    arrays = json.loads(data[start : start + length])["arrays"]
    sizes = [math.prod(array["shape"]) * np.dtype(array["dtype"]).itemsize for array in arrays]
    return len(data) == start + length + sum(sizes)


if __name__ == "__main__":
    main()
