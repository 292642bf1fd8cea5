"""Does limbeck keep silent where there is no law? Resumable.

    python benchmarks/controls.py --out runs/controls [--seeds 20] [--jobs 1] [--toy]

Kinds of data without a law of interaction, made from simulated springs (100 simulations of 4
particles, 50 states each; of those seen with noise, 500), go through the command line with default options:

- random: every acceleration is replaced by a normal number;
- shuffled: the true accelerations change places between the particles, anew in each state;
- free: particles fly straight; even seeds give positions only, odd ones velocities too;
- seen: particles fly straight, and positions alone are seen, with noise of 1e-3 of the typical distance;
- walk: each particle walks at random, seen likewise.

Even seeds come as CSV, odd ones as NetCDF, but for those seen with noise. Every run has to end with exit code 3. A run
whose record is there is not repeated. Prints one row a kind; exit code 1 if any law was found.
"""

import argparse
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from _runs import limbeck, machine, result_of, run, toy_options
from derivatives import typical_distance

import limbeck as library

NOT_FOUND = 3
SEEN = ("seen", "walk")
NOISE, STEP = 1e-3, 0.02  # of the typical distance: of what is seen, and of a step of a walk


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/controls"))
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--jobs", type=int, default=1, help="runs side by side")
    parser.add_argument("--toy", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    seeds = range(1 if options.toy else options.seeds)
    kinds = options.kinds.split(",")
    print(f"{machine()}\n# seeds {seeds.start} to {seeds.stop - 1}", flush=True)
    cells = [(kind, seed) for seed in seeds for kind in kinds]  # an interrupted benchmark has seen every kind
    with ThreadPoolExecutor(options.jobs) as pool:
        records = list(pool.map(lambda cell: control(options.out, *cell, toy=options.toy), cells))
    print(f"{'data':>9} {'not found':>10} {'seconds, median (range)':>26}")
    for kind in kinds:
        mine = [record for record in records if record["kind"] == kind]
        seconds = [record["seconds"] for record in mine]
        silent = sum(record["exit"] == NOT_FOUND for record in mine)
        spread = f"{median(seconds):>10.0f} ({min(seconds):.0f} to {max(seconds):.0f})"
        print(f"{kind:>9} {silent:>6}/{len(mine):<3} {spread}")
    sys.exit(any(record["exit"] != NOT_FOUND for record in records))


def control(out: Path, kind: str, seed: int, *, toy: bool) -> dict[str, Any]:
    """One run of the command line, unless its record is there."""
    record = out / f"{kind}-{seed}.json"
    if not record.exists():
        # A NetCDF file would hold derived accelerations too.
        ending = "nc" if seed % 2 and kind not in SEEN else "csv"
        data, folder = out / f"{kind}-{seed}.{ending}", out / f"{kind}-{seed}"
        library.save_trajectories(KINDS[kind](seed, 20 if toy else 100), data)
        extra = toy_options(out) if toy else []
        done = run(limbeck("discover", data, "--seed", str(seed), "--out", folder, "--overwrite", "--quiet", *extra))
        line: dict[str, Any] = {"kind": kind, "seed": seed, "exit": done.code, "seconds": done.seconds}
        line["stderr"] = done.errors
        if (folder / "result.json").exists():
            result = result_of(folder)
            line |= {name: result[name] for name in ("verdict", "reasons", "law", "timings")}
        record.write_text(json.dumps(line))
        print(f"{kind} seed {seed}: exit {done.code}, {done.seconds:.0f} s, {line.get('reasons')}", flush=True)
    return json.loads(record.read_text())


def springs(seed: int, simulations: int, every: int = 10) -> library.Trajectories:
    """States of springs, every tenth of the first 500."""
    return library.simulate("spring", n_systems=simulations, n_steps=500, every=every, seed=seed)


def with_random_accelerations(seed: int, simulations: int) -> library.Trajectories:
    """Accelerations that know nothing of the states."""
    t = springs(seed, simulations)
    return replace(t, accelerations=np.random.default_rng(seed).normal(size=t.accelerations.shape))


def with_shuffled_accelerations(seed: int, simulations: int) -> library.Trajectories:
    """Accelerations of another particle of the same state."""
    t = springs(seed, simulations)
    order = np.random.default_rng(seed).permuted(np.broadcast_to(np.arange(t.n_nodes), t.present.shape), axis=-1)
    return replace(t, accelerations=np.take_along_axis(t.accelerations, order[..., None], axis=2))


def of_free_particles(seed: int, simulations: int) -> library.Trajectories:
    """Straight flight; what is derived from it is rounding."""
    t = straight(springs(seed, simulations))
    return replace(t, velocities_are="given" if seed % 2 else "derived")


def of_free_particles_seen(seed: int, simulations: int) -> library.Trajectories:
    """Straight flight, seen with noise."""
    return seen(straight(springs(seed, simulations, every=1)), seed)


def of_random_walks(seed: int, simulations: int) -> library.Trajectories:
    """Steps that know nothing of other particles, nor of earlier steps."""
    t = straight(springs(seed, simulations, every=1))
    steps = STEP * typical_distance(t) * np.random.default_rng(seed).normal(size=t.positions.shape)
    return seen(replace(t, positions=t.positions[:, :1] + np.cumsum(steps, axis=1)), seed)


def straight(t: library.Trajectories) -> library.Trajectories:
    """The same particles, flying on as they began."""
    velocities = np.broadcast_to(t.velocities[:, :1], t.velocities.shape).copy()
    return replace(
        t,
        positions=t.positions[:, :1] + velocities * t.times[:, :, None, None],
        velocities=velocities,
        accelerations=np.zeros_like(velocities),
        velocities_are="derived",
        accelerations_are="derived",
    )


def seen(t: library.Trajectories, seed: int) -> library.Trajectories:
    """Positions with noise."""
    noise = NOISE * typical_distance(t) * np.random.default_rng([seed, 1]).normal(size=t.positions.shape)
    return replace(t, positions=t.positions + noise)


KINDS = {
    "random": with_random_accelerations,
    "shuffled": with_shuffled_accelerations,
    "free": of_free_particles,
    "seen": of_free_particles_seen,
    "walk": of_random_walks,
}


if __name__ == "__main__":
    main()
