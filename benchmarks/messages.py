"""Do messages of the published models carry the force? Resumable.

    python benchmarks/messages.py --out runs/messages [--systems spring,r1,r2,charge] [--models bottleneck,pruning,l1]
        [--biases translation,third-law;translation] [--seeds 3] [--first-data 5] [--steps 0] [--toy]

Every cell is `limbeck train SYSTEM --model MODEL --bias BIAS --seeds N` with the default recipe, 4 bodies in
two dimensions and 1,000 simulations, in a process of its own; its networks start from different weights and share
their data. R² is that of the two largest message components against linear combinations of the true
force, on held-out simulations: all edges, and the best 90 %, as mean with range over the networks. The best published
figures with all data are (shared targets): spring .998, 1/r .49, 1/r² .60, charge .69.
"""

import argparse
import json
from pathlib import Path
from typing import Any

from _runs import limbeck, machine, run

SYSTEMS = "spring,r1,r2,charge"


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/messages"))
    parser.add_argument("--systems", default=SYSTEMS)
    parser.add_argument("--models", default="standard,bottleneck,l1,kl,pruning")
    parser.add_argument("--biases", default="translation,third-law;none", help="sets of biases, separated by ;")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--first-data", type=int, default=5, help="seed of the data; the recipe was chosen on 0")
    parser.add_argument("--steps", type=int, default=0, help="steps of each training; 0 is the recipe's own")
    parser.add_argument("--toy", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print(f"{machine()}\n# {options.seeds} networks on data of seed {options.first_data}", flush=True)
    columns = (("system", 8), ("model", 11), ("bias", 22), ("R² all", 24), ("R² best 90 %", 24), ("error", 8))
    print(" ".join(f"{name:>{width}}" for name, width in (*columns, ("seconds", 8), ("steps", 6))))
    for bias in options.biases.split(";"):
        for system in options.systems.split(","):
            for model in options.models.split(","):
                show(cell(options, system, model, bias))


def cell(options: argparse.Namespace, system: str, model: str, bias: str) -> dict[str, Any]:
    """One training, unless its record is there."""
    name = f"{system}-{model}-{bias.replace(',', '+')}"
    record = options.out / f"{name}.json"
    if not record.exists():
        folder = options.out / name
        words = ["train", system, "--model", model, "--bias", bias, "--seeds", str(options.seeds)]
        words += ["--seed", str(options.first_data), "--out", folder, "--overwrite", "--quiet"]
        steps = 200 if options.toy else options.steps
        words += ["--steps", str(steps)] if steps else []
        words += ["--simulations", "20"] if options.toy else []
        done = run(limbeck(*words))
        line: dict[str, Any] = {
            "system": system,
            "model": model,
            "bias": bias,
            "exit": done.code,
            "seconds": done.seconds,
            "steps": steps,
        }
        line["stderr"] = done.errors
        if done.code == 0:
            result = json.loads((folder / "result.json").read_text())
            networks = result["messages"]["networks"]
            line["r2"] = [network["fits"]["force"]["score"] for network in networks]
            line["r2_trimmed"] = [network["fits"]["force"]["score_trimmed"] for network in networks]
            line["error"] = result["validation_error"]
        record.write_text(json.dumps(line))
    return json.loads(record.read_text())


def show(line: dict[str, Any]) -> None:
    """One row of the table."""
    start = f"{line['system']:>8} {line['model']:>11} {line['bias']:>22}"
    if line["exit"] != 0:
        print(f"{start} exit {line['exit']}: {line['stderr']}", flush=True)
        return
    both = f"{spread(line['r2']):>24} {spread(line['r2_trimmed']):>24}"
    print(f"{start} {both} {line['error']:>8.3g} {line['seconds']:>8.0f} {line['steps'] or 12_000:>6}", flush=True)


def spread(values: list[float | None]) -> str:
    """Mean with range; a figure that is not defined is said to be so."""
    known = [value for value in values if value is not None]
    if len(known) < len(values):
        return f"undefined in {len(values) - len(known)} of {len(values)}"
    return f"{sum(known) / len(known):.4f} ({min(known):.4f} to {max(known):.4f})"


if __name__ == "__main__":
    main()
