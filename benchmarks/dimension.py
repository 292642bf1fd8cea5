"""Does pruning find the dimension of a message that nobody told it? Resumable.

    python benchmarks/dimension.py --out runs/dimension [--systems spring,r1,scalar] [--dims 2,3] [--seeds 10] [--toy]

Each case trains a pruning network of 16 components with translation and the third law by the recipe
"dimension", on data and weights of each seed (1,000 simulations of 4 bodies, 50 states each). What is
expected is the number of directions of space, and 1 for `scalar`: a problem in the same space whose forces
all lie along one direction. A network that reports no dimension counts as wrong. A case whose record is
there is not repeated. Prints one row for each system and dimension; exit code 1 if fewer than nine in ten
are right.
"""

import argparse
import json
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
from _runs import machine

from limbeck.graphs import connect
from limbeck.models import OWN_FORM
from limbeck.simulate import simulate
from limbeck.train import fit_messages, recipe_preset
from limbeck.trajectories import Trajectories

COMPONENTS = 16
ENOUGH = 0.9


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/dimension"))
    parser.add_argument("--systems", default="spring,r1,scalar")
    parser.add_argument("--dims", default="2,3")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--toy", action="store_true", help="a run that shows only that the benchmark works")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    cases = [(system, int(dim)) for system in options.systems.split(",") for dim in options.dims.split(",")]
    seeds = range(1 if options.toy else options.seeds)
    print(f"{machine()}\n# seeds {seeds.start} to {seeds.stop - 1}", flush=True)
    records = [found(options.out, *case, seed, toy=options.toy) for seed in seeds for case in cases]
    print(f"{'system':>8} {'dim':>3} {'right':>7} {'found':>30} {'error, median':>14} {'seconds, median':>16}")
    right = []
    for case in cases:
        mine = [record for record in records if (record["system"], record["dim"]) == case]
        right.append(np.mean([record["found"] == record["expected"] for record in mine]))
        answers = " ".join("-" if record["found"] is None else str(record["found"]) for record in mine)
        error, seconds = (np.median([record[name] for record in mine]) for name in ("error", "seconds"))
        print(f"{case[0]:>8} {case[1]:>3} {right[-1]:>7.0%} {answers:>30} {error:>14.4f} {seconds:>16.0f}")
    sys.exit(bool(min(right) < ENOUGH))


def found(out: Path, system: str, dim: int, seed: int, *, toy: bool) -> dict[str, Any]:
    """The dimension that one training finds, unless its record is there."""
    path = out / f"{system}-{dim}-{seed}.json"
    if not path.exists():
        dataset = connect(states(system, dim, seed, 100 if toy else 1_000), seed=seed)
        recipe = recipe_preset("dimension")
        recipe = replace(recipe, steps=400, chunk=20) if toy else recipe
        form = replace(OWN_FORM, size="pruning", message_dim=COMPONENTS)
        started = time.monotonic()
        trained = fit_messages(dataset, form, recipe, key=jax.random.key(seed))
        record = {
            "system": system,
            "dim": dim,
            "seed": seed,
            "expected": 1 if system == "scalar" else dim,
            "found": trained.dimensions[0],
            "error": trained.validation_error,
            "errors": trained.errors[:, 0].tolist(),
            "kept": trained.kept[:, 0].tolist(),
            "seconds": time.monotonic() - started,
        }
        path.write_text(json.dumps(record))
        print(f"{system}-{dim} seed {seed}: {record['found']}, error {record['error']:.4f}", flush=True)
    return json.loads(path.read_text())


def states(system: str, dim: int, seed: int, simulations: int) -> Trajectories:
    """Trajectories of a built-in system, or states under forces along one direction."""
    name = "spring" if system == "scalar" else system
    t = simulate(name, dim=dim, n_systems=simulations, n_steps=500, every=10, seed=seed)
    return along_one_direction(t) if system == "scalar" else t


def along_one_direction(t: Trajectories) -> Trajectories:
    """Put forces `m_1 m_2 sinh(u) exp(-r²/2)` along a fixed direction n, with u = n (x_1 - x_2), on each pair."""
    x, m = t.positions, t.attributes["m"][:, None]
    direction = np.ones(x.shape[-1]) / np.sqrt(x.shape[-1])
    apart = x[..., :, None, :] - x[..., None, :, :]
    size = np.sinh(apart @ direction) * np.exp(-0.5 * np.sum(apart**2, axis=-1))
    # The receiver's mass cancels from its acceleration.
    accelerations = np.sum(m[..., None, :] * size, axis=-1)[..., None] * direction
    return replace(t, accelerations=accelerations)


if __name__ == "__main__":
    main()
