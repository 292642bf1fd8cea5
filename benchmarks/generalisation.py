"""Does the distilled law generalise better than its network? Resumable.

    python benchmarks/generalisation.py --out runs/generalisation [--systems spring,r1] [--regions close,fast,heavy]
        [--seeds 2] [--first-seed 20] [--simulations 1000] [--study FILE] [--minutes 25] [--toy]

Each run is `limbeck discover` with `--hold-out`: a region of the range (close encounters, high speeds, large masses)
is masked in training, and law and network are compared within it and in the rest of the test simulations. Other
numbers of particles are those of the check `other_n` (the law's error at other numbers). A run whose record is there is
not repeated; seeds are outermost, so that one that was stopped has seen every system. Prints, for each system and
region, the medians over seeds of the median errors of network and law, and in how many runs the law's interval
(simulations resampled) lies wholly below the network's, with Wilson's 95 % interval.
"""

import argparse
import math
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from _runs import (
    Record,
    begin,
    limbeck,
    options_of_runs,
    recorded,
    result_of,
    run,
    seeds_of,
    toy_options,
)
from regression import wilson

REGIONS = {
    "spring": {"close": "r<0.5", "fast": "v>2.5", "heavy": "m>3"},
    "r1": {"close": "r<0.3", "fast": "v>2.5", "heavy": "m>3"},
    "r2": {"close": "r<0.3", "fast": "v>2.5", "heavy": "m>3"},
    "charge": {"close": "r<0.3", "fast": "v>2.5", "heavy": "m>3"},
    "damped": {"close": "r<0.5", "fast": "v>2", "heavy": "m>3"},
}
PLACES = ("held_out", "in_range")


class Cell(NamedTuple):
    """One run."""

    system: str
    region: str
    seed: int


def main() -> None:
    """Run what is missing and print the table."""
    parser = options_of_runs(__doc__, out="runs/generalisation", systems=tuple(REGIONS), seeds=2, first_seed=20)
    parser.add_argument("--regions", default="close,fast,heavy")
    parser.add_argument("--study", type=Path, default=None, help="TOML file with settings of every run")
    parser.add_argument("--minutes", type=float, default=0.0, help="after which no run is begun; 0 is no limit")
    parser.add_argument("--toy", action="store_true", help="short runs on 60 simulations: shows that it runs")
    options = parser.parse_args()
    unknown = [s for s in options.systems.split(",") if s not in REGIONS]
    if unknown:
        parser.error(f"no system {unknown[0]!r}: choose from {', '.join(REGIONS)}")
    if options.toy:
        options.simulations = min(options.simulations, 60)
    begin(options, *(["toy"] * options.toy))
    cells = [
        Cell(system, region, seed)
        for seed in seeds_of(options)
        for region in options.regions.split(",")
        for system in options.systems.split(",")
    ]
    records, end = [], time.monotonic() + 60 * options.minutes if options.minutes else math.inf
    for cell in cells:
        path = options.out / f"{'-'.join(map(str, cell))}.json"
        if path.exists() or time.monotonic() < end:
            records.append(recorded(path, lambda cell=cell: measured(options, cell)))
    if len(records) < len(cells):
        print(f"# {len(cells) - len(records)} of {len(cells)} runs were not begun in {options.minutes:g} minutes")
    table(records)


def measured(options: argparse.Namespace, cell: Cell) -> Record:
    """The record of a run."""
    folder = options.out / "-".join(map(str, cell))
    words: list[str | Path] = ["discover", cell.system, "--seed", str(cell.seed), "--out", folder]
    words += ["--hold-out", REGIONS[cell.system][cell.region], "--simulations", str(options.simulations)]
    words += ["--overwrite", "--quiet", *(toy_options(options.out) if options.toy else [])]
    words += ["--study", options.study] if options.study else []
    done = run(limbeck(*words))
    record: Record = {**cell._asdict(), "exit": done.code, "seconds": done.seconds, "errors": done.errors}
    if (folder / "result.json").exists():
        result = result_of(folder)
        record |= {key: result[key] for key in ("verdict", "recovered", "law", "hold_out", "rollout")}
        record["other_n"] = (result["checks"]["other_n"] or {}).get("value")
    print(f"{folder.name}: exit {done.code}, {record.get('verdict')}, {done.seconds:.0f} s", flush=True)
    return record


def table(records: list[Record]) -> None:
    """A row for each system and region."""
    head = " ".join(f"{f'{who}, {place}':>20}" for place in PLACES for who in ("network", "law"))
    print(
        f"{'system':>8} {'region':>8} {'found':>6} {head} {'law below network out of range':>34} {'other n, law':>13}"
    )
    for key in dict.fromkeys((r["system"], r["region"]) for r in records):
        mine = [r for r in records if (r["system"], r["region"]) == key]
        told = [r for r in mine if r.get("hold_out")]
        found = sum(r.get("verdict") == "found" for r in mine)
        errors = " ".join(f"{middle(told, place, who):>20}" for place in PLACES for who in ("network", "law"))
        better = sum(below(r["hold_out"]["held_out"]) for r in told)
        low, high = wilson(better, len(told))
        others = [r["other_n"] for r in told if r["other_n"] is not None]
        share = f"{better}/{len(told)} ({100 * low:.0f} to {100 * high:.0f} %)"
        print(
            f"{key[0]:>8} {key[1]:>8} {found:>3}/{len(mine):<2} {errors} {share:>34} "
            f"{f'{median(others):.2g}' if others else '-':>13}"
        )


def middle(records: list[Record], place: str, who: str) -> str:
    """Median over runs of the median error."""
    values = [r["hold_out"][place][who]["median"] for r in records]
    known = [value for value in values if value is not None]
    return f"{median(known):.2g}" if known else "-"


def below(region: Record) -> bool:
    """Whether the law's interval lies below the network's."""
    law, network = region["law"]["high"], region["network"]["low"]
    return law is not None and (network is None or law < network)


if __name__ == "__main__":
    main()
