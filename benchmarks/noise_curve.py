"""What noise on positions does a law survive? Recovery against noise, from positions only. Resumable.

    python benchmarks/noise_curve.py --out runs/noise [--systems spring,r1,charge]
                                     [--noises 0,1e-4,1e-3,1e-2] [--seeds 10] [--learn m]

Simulated trajectories (4 bodies, 2 dimensions, published lengths) are written as a table of
`simulation, time, particle`, positions and attributes, with white noise in parts of the median distance between
particles, and `limbeck discover` is run on the table with default options in a process of its own. It is told
nothing of the truth; what it found is compared here as in docs/design.md, "Recovered": on new states, on states
twice as wide and with other numbers of particles, median error at most 1e-2 and 90th percentile at most 3e-2. The
largest relative error of a constant is that of the pair force at distances of .5, 1 and 2 for particles of mass 1
and charge 1. With `--learn` a property is left out of the tables and learned: the law is compared in the units of
the truth, and so are the values that are called determined, in units of their standard errors and relative. A run whose
record is there is not repeated. Minutes a run.
"""

import argparse
import json
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jax
import numpy as np
from _runs import limbeck, machine, result_of, run
from derivatives import typical_distance

from limbeck.compose import Law, recovery
from limbeck.expressions import Call, Constant, Variable, evaluate, parse, substitute, to_exact_text
from limbeck.graphs import connect
from limbeck.simulate import find_system, simulate
from limbeck.trajectories import Trajectories, to_frame

DISTANCES = np.array([0.5, 1.0, 2.0])


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/noise"))
    parser.add_argument("--systems", default="spring,r1,charge")
    parser.add_argument("--noises", default="0,1e-4,1e-3,1e-2")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--simulations", type=int, default=60)
    parser.add_argument("--learn", default="", help="a property that is left out of the tables")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    options.out.mkdir(parents=True, exist_ok=True)
    print(machine(), flush=True)
    systems, noises = options.systems.split(","), [float(noise) for noise in options.noises.split(",")]
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    for seed in seeds:  # outermost, so that an interrupted benchmark has seen every cell
        for name in systems:
            for noise in noises:
                record = record_of(options.out, name, noise, seed)
                if not record.exists():
                    line = case(options.out, name, noise, seed, options.simulations, options.learn)
                    record.write_text(json.dumps(line))
                    print(
                        json.dumps({k: line[k] for k in ("system", "noise", "seed", "verdict", "recovered")}),
                        flush=True,
                    )
    table(options.out, systems, noises, seeds)


def record_of(out: Path, name: str, noise: float, seed: int) -> Path:
    """Where the record of a run lies."""
    return out / f"{name}-{noise:g}-{seed}.json"


def case(out: Path, name: str, noise: float, seed: int, simulations: int, learn: str) -> dict[str, Any]:
    """One run of the command line on noisy positions, compared with the truth."""
    exact = simulate(name, n_systems=simulations, seed=seed)
    given = [attribute for attribute in exact.attributes if attribute != learn]
    frame = to_frame(exact)[["simulation", "time", "particle", *given]].copy()
    shaken = noise * typical_distance(exact) * np.random.default_rng(seed).normal(size=exact.positions.shape)
    frame[["x", "y", "z"][: exact.dim]] = (exact.positions + shaken).reshape(-1, exact.dim)
    source, folder = out / f"{name}-{noise:g}-{seed}.csv", out / f"{name}-{noise:g}-{seed}"
    frame.to_csv(source, index=False, float_format="%.17g")
    started = time.monotonic()
    asked = ("--learn", learn) if learn else ()
    done = run(limbeck("discover", source, "--seed", seed, "--out", folder, "--overwrite", "--quiet", *asked))
    source.unlink()
    line: dict[str, Any] = {"system": name, "noise": noise, "seed": seed, "exit": done.code, "stderr": done.errors}
    line |= {"seconds": time.monotonic() - started, "verdict": None, "recovered": False, "off": None}
    if not (folder / "result.json").exists():
        return line
    result = result_of(folder)
    line |= {key: result[key] for key in ("verdict", "reasons", "law", "constants", "checks", "timings")}
    law, scale = result["law"], 1.0
    if learn and law:
        line["values"], scale = told(result["properties"], exact, learn)
        law = {channel: in_units(text, learn, scale) for channel, text in law.items()}
    return line | compared(law, exact, name, seed)


def told(properties: list[dict[str, Any]], exact: Trajectories, learn: str) -> tuple[dict[str, float], float]:
    """How far values that are called determined lie from the truth, and the unit that they are in."""
    known = [p for p in properties if p["determined"]]
    if not known:
        return {"determined": 0}, 1.0
    true = exact.attributes[learn]
    truth = np.array([true[int(p["simulation"]), int(p["particle"])] for p in known])
    values, errors = (np.array([p[key] for p in known], dtype=float) for key in ("value", "standard_error"))
    scale = float(np.median(values / truth))
    off = np.abs(values / truth / scale - 1)
    pulls = np.abs(values - scale * truth)[errors > 0] / errors[errors > 0]
    found = {"determined": len(known) / true.size, "off": float(np.median(off)), "off_90": float(np.quantile(off, 0.9))}
    return found | {"within_2": float(np.mean(pulls < 2)), "beyond_5": float(np.mean(pulls > 5))}, scale


def in_units(text: str, learn: str, scale: float) -> str:
    """An equation with a property in units of the truth."""
    scaled = {f"{learn}_{end}": Call("mul", (Constant(scale), Variable(f"{learn}_{end}"))) for end in "12"}
    return to_exact_text(substitute(parse(text), scaled))


def compared(found: dict[str, str] | None, exact: Trajectories, name: str, seed: int) -> dict[str, Any]:
    """Whether the law is the truth, and by how much its force is off."""
    if not found:
        return {"recovered": False, "off": None}
    law = Law(components={channel: parse(text) for channel, text in found.items()}, dim=exact.dim)
    known = asdict(recovery(law, find_system(name), connect(exact, seed=seed), seed=seed))
    ones = {f"{attribute}_{end}": np.ones(3) for attribute in exact.attributes for end in "12"}
    off = None
    if "radial" in found:
        columns = {"r": DISTANCES, **ones}
        inertia = evaluate(parse(found.get("inertia", "1.0")), ones)
        ours = np.broadcast_to(evaluate(law.components["radial"], columns), (3,)) / inertia
        true = evaluate(parse(find_system(name).pair_force), columns)
        off = float(np.max(np.abs(ours / true - 1)))
    return {"recovered": known["recovered"], "recovery": known["reason"], "errors": known["errors"], "off": off}


def table(out: Path, systems: list[str], noises: list[float], seeds: range) -> None:
    """Print one row for each system and noise."""
    print("system   noise   recovered   found   found and not recovered   force off by, median (largest)   seconds")
    for name in systems:
        for noise in noises:
            lines = [json.loads(record_of(out, name, noise, seed).read_text()) for seed in seeds]
            found = [line["verdict"] == "found" for line in lines]
            right = [stands and line["recovered"] for stands, line in zip(found, lines, strict=True)]
            off = [line["off"] for line, stands in zip(lines, found, strict=True) if stands and line["off"] is not None]
            spread = f"{np.median(off):.2g} ({max(off):.2g})" if off else "-"
            print(
                f"{name:8} {noise:<7g} {sum(right):>5}/{len(lines)} {sum(found):>8}/{len(lines)} "
                f"{sum(found) - sum(right):>12} {spread:>36} {np.median([line['seconds'] for line in lines]):>14.0f}"
            )


if __name__ == "__main__":
    main()
