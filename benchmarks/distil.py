"""How often is a law recovered from the published networks? Resumable.

    python benchmarks/distil.py --out runs/distil [--systems spring,r1] [--models bottleneck,l1] [--seeds 10]
        [--first-seed 0] [--dim 2] [--simulations 1000] [--steps 0]

For every system, model and seed: `limbeck train` with the default preset (translation and the third law), then
`limbeck distil` with default options, each in a process of its own. What is there is not repeated. Prints a line a
run, then one row for each system and model: recovered and found out of the seeds, the largest relative error of a
constant against the truth among the recovered, the seconds of both steps (median), and of the laws rolled forward
how many times nearer to the truth than the network they are (lowest of the seeds, before chaos takes over) and the
largest drift of their energy. FlatHGN is trained where the system conserves energy.

A constant is compared by its size, in order of size, where the law has as many as the truth; a law with another
number of constants has none that could be compared.
"""

import argparse
import json
from pathlib import Path
from statistics import median
from typing import Any

from _runs import begin, limbeck, options_of_runs, result_of, run, seeds_of

SYSTEMS = ("spring", "r1", "r2", "charge", "damped")
MODELS = ("bottleneck", "l1", "pruning", "flathgn")
# Sizes of the constants of each law, four particles: factor, rest length or softening, friction.
TRUTH = {
    "spring": (2.0, 0.99),
    "r1": (1.0, 0.01),
    "r2": (1.0, 0.01),
    "charge": (1.0, 0.01),
    "damped": (2.0, 0.99, 0.75),
}
Cell = tuple[str, str, int]


def main() -> None:
    """Run what is missing and print the table."""
    parser = options_of_runs(__doc__, out="runs/distil", systems=SYSTEMS, seeds=10, first_seed=0)
    parser.add_argument("--models", default=",".join(MODELS))
    parser.add_argument("--dim", type=int, default=2)
    parser.add_argument("--steps", type=int, default=0, help="of the training; 0 is the preset's own number")
    options = parser.parse_args()
    cells = [
        (system, model, seed)
        for seed in seeds_of(options)
        for system in options.systems.split(",")
        for model in options.models.split(",")
        if not (model == "flathgn" and system == "damped")
    ]
    begin(options, f"{options.dim}-D", f"steps {options.steps or 'of the preset'}")
    for cell in cells:
        measure(cell, options)
    table(options.out, cells)


def measure(cell: Cell, options: argparse.Namespace) -> None:
    """Train and distil one network, unless its record is there."""
    system, model, seed = cell
    record = record_of(options.out, cell)
    if record.exists():
        return
    name = "-".join(map(str, cell))
    training, law = options.out / f"{name}-training", options.out / f"{name}-law"
    line: dict[str, Any] = {"system": system, "model": model, "seed": seed}
    if not (training / "result.json").exists():
        words = ["train", system, "--model", model, "--seed", str(seed), "--dim", str(options.dim)]
        words += ["--simulations", str(options.simulations), "--out", training, "--overwrite", "--quiet"]
        words += ["--steps", str(options.steps)] if options.steps else []
        trained = run(limbeck(*words))
        line["training_seconds"] = trained.seconds
        if trained.code != 0:
            record.write_text(json.dumps({**line, "exit": trained.code, "stderr": trained.errors}))
            return
    done = run(limbeck("distil", training, "--seed", str(seed), "--out", law, "--overwrite", "--quiet"))
    line |= {"exit": done.code, "seconds": done.seconds, "stderr": done.errors}
    if (law / "result.json").exists():
        result = result_of(law)
        kept = ("verdict", "recovered", "reasons", "recovery", "law", "constants", "network", "timings", "rollout")
        line |= {kept_name: result[kept_name] for kept_name in kept}
        line["constants_off"] = worst_constant(system, [c["value"] for c in result["constants"]])
    record.write_text(json.dumps(line))
    print(f"{name}: exit {done.code}, recovered {line.get('recovered')}, {line.get('law')}", flush=True)


def worst_constant(system: str, values: list[float]) -> float | None:
    """Largest relative error of a constant; None where the law has another number of them."""
    found, truth = sorted(map(abs, values)), sorted(TRUTH[system])
    if len(found) != len(truth):
        return None
    return max(abs(a - b) / b for a, b in zip(found, truth, strict=True))


def record_of(out: Path, cell: Cell) -> Path:
    """Where the record of a run lies."""
    return out / ("-".join(map(str, cell)) + ".json")


def table(out: Path, cells: list[Cell]) -> None:
    """Print one row for each system and model."""
    header = ("recovered", "found", "constants off, worst", "train s", "distil s", "nearer", "energy drift")
    widths = (10, 8, 21, 8, 8, 8, 12)
    print(f"{'system, model':>20} " + " ".join(f"{word:>{width}}" for word, width in zip(header, widths, strict=True)))
    for system, model in dict.fromkeys(cell[:2] for cell in cells):
        lines = [json.loads(record_of(out, c).read_text()) for c in cells if c[:2] == (system, model)]
        good = [line for line in lines if line.get("recovered") is True and line.get("verdict") == "found"]
        found = sum(line.get("verdict") == "found" for line in lines)
        off = [line["constants_off"] for line in good if line["constants_off"] is not None]
        worst = f"{max(off):.1e} ({len(off)} laws)" if off else "-"
        seconds = [middle([line[key] for line in lines if key in line]) for key in ("training_seconds", "seconds")]
        print(
            f"{system + ' ' + model:>20} {len(good):>5}/{len(lines):<4} {found:>3}/{len(lines):<4} {worst:>21} "
            f"{seconds[0]:>8} {seconds[1]:>8} {nearer(lines):>8} {drift(lines):>12}"
        )


def nearer(lines: list[dict[str, Any]]) -> str:
    """How many times nearer to the truth laws stay than their networks, the least of the runs."""
    ratios = [r["compared"]["ratio"] for line in lines if (r := line.get("rollout"))]
    known = [ratio for ratio in ratios if ratio is not None]
    return f"{min(known):.1g}" if known else "-"


def drift(lines: list[dict[str, Any]]) -> str:
    """The largest drift of a law's energy, where it is conserved."""
    drifts = [d for line in lines if (r := line.get("rollout")) for d in r["drifts"]]
    known = [d["law"] for d in drifts if d["quantity"] == "energy" and d["conserved"] and d["law"] is not None]
    return f"{max(known):.1e}" if known else "-"


def middle(values: list[float]) -> str:
    """A median for the table."""
    return f"{median(values):.0f}" if values else "-"


if __name__ == "__main__":
    main()
