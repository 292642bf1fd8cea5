"""How long does it take until limbeck is there?

    python benchmarks/start_up.py [--runs 15] [--toy]

Each figure comes from fresh interpreters, one after the other, after one that is not counted:
`import limbeck` after `import jax` has been done in the same interpreter, the first use of
`limbeck.discover` after that (its stages are imported then), and the wall time of
`limbeck --help`. Prints median and range.
"""

import argparse
import subprocess
import sys
from statistics import median

from _runs import limbeck, machine, run

IMPORT = """
import time
import jax
begun = time.perf_counter()
import limbeck
there = time.perf_counter()
limbeck.discover
print(there - begun, time.perf_counter() - there)
"""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=15)
    parser.add_argument("--toy", action="store_true")
    options = parser.parse_args()
    runs = 2 if options.toy else options.runs
    print(f"{machine()}\n# {runs} fresh interpreters each", flush=True)
    imports = [import_seconds() for _ in range(runs + 1)][1:]
    helps = [run(limbeck("--help")).seconds for _ in range(runs + 1)][1:]
    show("import limbeck, above import jax", [first for first, _ in imports], "asked: under 0.3")
    show("first use of limbeck.discover", [second for _, second in imports], "")
    show("limbeck --help", helps, "asked: under 1")


def import_seconds() -> tuple[float, float]:
    """Seconds of the import and of the first use."""
    done = subprocess.run([sys.executable, "-c", IMPORT], capture_output=True, text=True, check=True)
    first, second = map(float, done.stdout.split())
    return first, second


def show(name: str, seconds: list[float], asked: str) -> None:
    """Print one row."""
    print(f"{name:>34}: {median(seconds):.3f} s ({min(seconds):.3f} to {max(seconds):.3f})  {asked}")


if __name__ == "__main__":
    main()
