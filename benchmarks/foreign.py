"""Does limbeck find laws in tables that it did not simulate? Resumable.

    python benchmarks/foreign.py --out runs/foreign [--systems morse,magnetic] [--seeds 1] [--first-seed 0]

`_foreign_systems.py` simulates thirty systems with NumPy and SciPy alone and writes them as tables: textbook forces,
outer fields, drags, moving frames, forces that know directions, noise, positions only; and five in which there is no
law that limbeck could write down (a drive, a hidden particle, three bodies at once, relativity), where "not found" is
the right answer. Every run is the command line with default options. A law is right if its accelerations in fresh
states err by 1 % in the median and 3 % in nine of ten at most. A run whose record is there is not repeated. Prints
one row a run; exit code 1 if a law was found that is not right.
"""

import argparse
import sys
from functools import partial
from pathlib import Path

import numpy as np
from _foreign_systems import SYSTEMS, drawn, table
from _runs import Record, begin, limbeck, options_of_runs, recorded, result_of, run, seeds_of

import limbeck as library

MIDDLE, TAIL, STATES = 1e-2, 3e-2, 200


def main() -> None:
    """Run what is missing and print the table."""
    parser = options_of_runs(__doc__, out="runs/foreign", systems=tuple(SYSTEMS), seeds=1, first_seed=0)
    parser.set_defaults(simulations=80)
    options = parser.parse_args()
    cells = [(name, seed) for seed in seeds_of(options) for name in options.systems.split(",")]
    begin(options)
    records = [recorded(options.out / f"{n}-{s}.json", partial(measured, n, s, options)) for n, s in cells]
    print(f"{'system':>18} {'has a law':>9} {'verdict':>10} {'right':>6} {'error':>9} {'seconds':>8}")
    for one in records:
        print(
            f"{one['system']:>18} {one['has_law']!s:>9} {one['verdict']:>10} {one['right']!s:>6} "
            f"{one['error']:>9.2g} {one['seconds']:>8.0f}"
        )
    with_law = [one for one in records if one["has_law"]]
    wrong = [one["system"] for one in records if one["verdict"] == "found" and not one["right"]]
    found = sum(one["right"] and one["verdict"] == "found" for one in with_law)
    print(f"{found} of {len(with_law)} laws found, found wrongly: {', '.join(wrong) or 'none'}")
    sys.exit(bool(wrong))


def measured(name: str, seed: int, options: argparse.Namespace) -> Record:
    """The record of a run of the command line."""
    data, folder = options.out / f"{name}-{seed}.csv", options.out / f"{name}-{seed}"
    system = SYSTEMS[name]
    table(system._replace(simulations=min(system.simulations, options.simulations)), seed).to_csv(data, index=False)
    done = run(limbeck("discover", data, "--seed", str(seed), "--out", folder, "--overwrite", "--quiet"))
    line: Record = {"system": name, "seed": seed, "exit": done.code, "seconds": done.seconds, "stderr": done.errors}
    line |= {"has_law": system.has_law, "verdict": "failed", "right": False, "error": float("nan")}
    if (folder / "result.json").exists():
        result = result_of(folder)
        line |= {key: result[key] for key in ("verdict", "reasons", "pair_force", "acceleration", "bias", "timings")}
        middle, tail = errors(name, folder)
        line |= {"error": middle, "right": middle <= MIDDLE and tail <= TAIL and system.has_law}
    print(f"{name} seed {seed}: {line['verdict']}, {line['error']:.2g}, {done.seconds:.0f} s", flush=True)
    return line


def errors(name: str, folder: Path) -> tuple[float, float]:
    """Median and 90th percentile of the law's relative errors in fresh states at the time 0; infinite without a law."""
    law, system, rng = library.load(folder).law, SYSTEMS[name], np.random.default_rng(12345)
    if law is None:
        return float("inf"), float("inf")
    found = []
    for _ in range(STATES):
        s = drawn(system, rng)
        attributes = {"m": s.m[:, 0], "q": s.q[:, 0]} if system.charged else {"m": s.m[:, 0]}
        truth = system.accelerations(s)
        off = np.linalg.norm(law(s.x, s.v, attributes) - truth, axis=1)
        found.append(off / (np.linalg.norm(truth, axis=1) + 1e-2))
    return float(np.median(found)), float(np.quantile(found, 0.9))


if __name__ == "__main__":
    main()
