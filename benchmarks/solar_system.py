"""Newton's law and the masses of the Solar System, found from the ephemeris without a mass. Resumable.

    python benchmarks/solar_system.py --out runs/solar [--first-seed 0] [--seeds 10]

Each seed is one run of `limbeck discover solar-system`. A run whose result is there is not
repeated. Prints how many seeds chose the law -G m_1 m_2 / r**2 over m_1, the fitted exponent, and for each
body the largest error of its mass over the seeds beside its largest stated error. The masses of DE421 are
looked at here, after the runs, and by no run. Needs `pip install 'limbeck[ephemeris]'`.
"""

import argparse
import sys
from pathlib import Path
from statistics import median
from typing import Any

from _runs import limbeck, machine, result_of, run

from limbeck.expressions import parse, same_form, simplify
from limbeck.trajectories import true_masses

LAW = {"radial": simplify(parse("-1.0*m_1*m_2/r**2")), "inertia": parse("m_1")}


def main() -> None:
    """Run what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/solar"))
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--toy", action="store_true", help="one seed")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    print(machine(), flush=True)
    count = 1 if options.toy else options.seeds
    results = [found(options.out, seed) for seed in range(options.first_seed, options.first_seed + count)]
    right = [is_newton(result) for result in results]
    seconds = [sum(result["timings"].values()) for result in results]
    print(f"verdict found and Newton's law: {sum(right)} of {len(right)}; {median(seconds):.0f} s (median)")
    exponents = [c for result in results for c in result["constants"] if "exponent" in c["place"]]
    for c in exponents[:1]:
        furthest = max(abs(e["value"] + 2.0) for e in exponents)
        print(f"exponent {c['value']:.9f} +- {c['standard_error']:.1e}; furthest from -2: {furthest:.1e}")
    truth = true_masses()
    print(f"{'body':>8} {'largest error, %':>17} {'stated error, %':>16} {'in 95 %':>8} {'determined':>11}")
    for body in [p["particle"] for p in results[0]["properties"]]:
        rows = [p for result in results for p in result["properties"] if p["particle"] == body]
        off = [abs(p["value"] / truth[body] - 1.0) for p in rows]
        stated = [p["standard_error"] / p["value"] for p in rows]
        held = sum(o <= 1.96 * s or o == 0 for o, s in zip(off, stated, strict=True))
        known = sum(p["determined"] for p in rows)
        print(
            f"{body:>8} {100 * max(off):>17.1e} {100 * max(stated):>16.1e} {held:>5}/{len(rows)} {known:>8}/{len(rows)}"
        )
    sys.exit(not all(right))


def found(out: Path, seed: int) -> dict[str, Any]:
    """The result of one run, made where it is not there."""
    folder = out / f"seed-{seed}"
    if not (folder / "result.json").exists():
        done = run(limbeck("discover", "solar-system", "--seed", str(seed), "--out", folder, "--overwrite", "--quiet"))
        print(f"seed {seed}: exit {done.code}, {done.seconds:.0f} s {done.errors.strip()}", flush=True)
    return result_of(folder)


def is_newton(result: dict[str, Any]) -> bool:
    """Whether the law is found and has Newton's form; a constant of any size may stand before it."""
    law = result["law"] or {}
    same = law.keys() == LAW.keys() and all(same_form(simplify(parse(law[name])), LAW[name]) for name in LAW)
    return result["verdict"] == "found" and same


if __name__ == "__main__":
    main()
