"""How much sooner is a law there than the published recipe's training would end?

    python benchmarks/time_to_law.py [--runs 5] [--toy]

Time to law is the wall time of `limbeck discover spring` with default options, a fresh
process each, from its start to its end, the report written. It is set against 1.09 million
steps of the published training alone, whose time per step is measured on the same machine
before each run (benchmarks/published_step.py). One ratio a run; the median and the range are
printed. The first run finds an empty cache of compiled programs (cold), the others find what
it left (warm). Peak memory is that of the discover process, as the kernel counts it.

`--toy` shortens every part to see that it runs; its ratios mean nothing.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median

from _runs import Outcome, limbeck, machine, result_of, run, toy_options

PUBLISHED_STEPS = 1_090_000
GOAL, AIM, MOST_MEMORY = 250, 500, 2e9


def main() -> None:
    """Measure and print one line a run, then the summary."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, help="warm runs, after one cold one")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first run; the others count on")
    parser.add_argument("--toy", action="store_true")
    options = parser.parse_args()
    runs = min(options.runs, 1) if options.toy else options.runs
    print(f"{machine()}\n# limbeck discover spring, seeds {options.seed} to {options.seed + runs}", flush=True)
    print(f"{'cache':>5} {'seconds':>8} {'peak GB':>8} {'ms/step':>8} {'published h':>12} {'ratio':>6}  verdict")
    with tempfile.TemporaryDirectory(prefix="limbeck-bench-") as scratch:
        rows = [one_run(Path(scratch), k, options.seed + k, options.toy) for k in range(runs + 1)]
    failed = [row for row in rows if not row["found"]]
    for name, chosen in (("cold", rows[:1]), ("warm", rows[1:])):
        if chosen:
            ratios, seconds = ([row[key] for row in chosen] for key in ("ratio", "seconds"))
            print(f"{name}: {spread(seconds)} s, {spread(ratios)} times faster than the published training")
    peak = max(row["peak"] for row in rows)
    print(f"runs without a law: {len(failed)} of {len(rows)}")
    print(f"asked: at least {GOAL}, aim {AIM}; peak memory {peak / 1e9:.2f} GB, asked: under {MOST_MEMORY / 1e9:g}")
    sys.exit(bool(failed))


def one_run(scratch: Path, k: int, seed: int, toy: bool) -> dict[str, float]:
    """Time the published step, then a discover run; print and return its row."""
    step = published_step(toy)
    folder, cache = scratch / f"run-{k}", scratch / "cache"
    extra = [*toy_options(scratch), "--simulations", "40"] if toy else []
    done = run(limbeck("discover", "spring", "--seed", str(seed), "--out", folder, "--quiet", *extra), cache=cache)
    verdict = judged(done, folder)
    published = step * PUBLISHED_STEPS
    row = {"seconds": done.seconds, "peak": done.peak, "ratio": published / done.seconds, "found": done.code == 0}
    print(
        f"{'warm' if k else 'cold':>5} {done.seconds:>8.1f} {done.peak / 1e9:>8.2f} {1e3 * step:>8.2f} "
        f"{published / 3600:>12.2f} {row['ratio']:>6.0f}  {verdict}",
        flush=True,
    )
    return row


def published_step(toy: bool) -> float:
    """Median seconds of one published training step, measured in a process of its own."""
    script = str(Path(__file__).with_name("published_step.py"))
    short = ["--steps", "5", "--repeats", "2"] if toy else []
    done = subprocess.run([sys.executable, script, *short], capture_output=True, text=True, check=True)
    return median(json.loads(done.stdout)["seconds"])


def judged(done: Outcome, folder: Path) -> str:
    """Verdict and recovery of a run; how it ended where it has none."""
    if not (folder / "result.json").exists():
        return f"exit {done.code}: {done.errors.strip()}"
    result = result_of(folder)
    return f"{result['verdict']}, recovered {result['recovered']}"


def spread(values: list[float]) -> str:
    """Median with range."""
    return f"{median(values):.4g} ({min(values):.4g} to {max(values):.4g})"


if __name__ == "__main__":
    main()
