"""How often do the 95 % intervals of a law's constants hold the truth? No network is trained. Resumable.

    python benchmarks/intervals.py --out runs/intervals [--from accelerations,positions] [--systems spring,damped]
                                   [--repeats 50] [--simulations 30] [--steps 300]

The true form, its constants moved by 3 %, is refitted to simulated trajectories (4 bodies, 2 dimensions). From
`accelerations`: they are given with white noise of 1 % of their median size, and errors are weighed by the exact
sizes, which stand for those of a network. From `positions`: nothing but positions with noise of 1e-3 of the median
distance is given; they are derived, refitted, and fitted through the integrator. Every repeat draws other
simulations and other noise. Each repeat is a line of a file in the folder, and those that are there are not
repeated. The table counts intervals that hold the truth, and says how far values are off in standard errors.
Seconds a repeat.
"""

import argparse
import json
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax
import numpy as np
from _runs import machine
from derivatives import typical_distance

from limbeck.compose import Law, fit_trajectories, refit, states_of
from limbeck.compose._compose import FINAL_SNAPSHOTS, estimates_of, followed_estimates
from limbeck.expressions import parse
from limbeck.graphs import connect
from limbeck.simulate import simulate
from limbeck.trajectories import Trajectories, load_trajectories, to_frame

CHANNELS = {
    "spring": {"radial": "-2.0*(r - 0.99)", "inertia": "m_1"},
    "r1": {"radial": "-1.0*m_1*m_2/(r + 0.01)", "inertia": "m_1"},
    "r2": {"radial": "-1.0*m_1*m_2/(r + 0.01)**2", "inertia": "m_1"},
    "charge": {"radial": "1.0*q_1*q_2/(r + 0.01)**2", "inertia": "m_1"},
    "damped": {"radial": "-2.0*(r - 0.99)", "inertia": "m_1", "drag": "-0.75"},
}
OF_ACCELERATIONS, OF_POSITIONS = 1e-2, 1e-3  # noise in parts of the median size and of the median distance
OFF = 0.03


def main() -> None:
    """Measure what is missing and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path("runs/intervals"))
    parser.add_argument("--from", dest="sources", default="accelerations,positions")
    parser.add_argument("--systems", default=",".join(CHANNELS))
    parser.add_argument("--repeats", type=int, default=50)
    parser.add_argument("--simulations", type=int, default=30)
    parser.add_argument("--steps", type=int, default=300)
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    options.out.mkdir(parents=True, exist_ok=True)
    print(machine())
    print("from           system   constant  repeats  hold the truth  off: mean, rms [errors]  relative error  seconds")
    for source in options.sources.split(","):
        for name in options.systems.split(","):
            path = options.out / f"{source}-{name}.jsonl"
            done = path.read_text().splitlines() if path.exists() else []
            for repeat in range(len(done), options.repeats):
                done.append(json.dumps(measured(source, name, repeat, options)))
                with path.open("a") as file:
                    file.write(done[-1] + "\n")
            for row in rows(source, name, [json.loads(line) for line in done[: options.repeats]]):
                print(row, flush=True)


def measured(source: str, name: str, repeat: int, options: argparse.Namespace) -> dict[str, Any]:
    """One repeat: values, errors and intervals of the constants; empty where no fit came about."""
    started = time.process_time()
    exact = simulate(name, n_systems=options.simulations, n_steps=options.steps, seed=10_000 + repeat)
    law = Law(components={channel: parse(text) for channel, text in CHANNELS[name].items()}, dim=2)
    rng = np.random.default_rng(repeat)
    dataset = connect((shaken if source == "accelerations" else positions_only)(exact, rng), seed=repeat)
    rows = dataset.train[:: max(1, -(-len(dataset.train) // FINAL_SNAPSHOTS))]
    clean = replace(dataset, trajectories=replace(exact, attributes=dataset.trajectories.attributes))
    sizes = np.linalg.norm(clean.batch(rows).targets, axis=-1)
    states = states_of(dataset, rows, sizes)
    begun = refit(law.with_constants(law.constants * (1 + OFF)), states)
    if source == "accelerations":
        found = estimates_of(begun, states)
    else:
        fit = fit_trajectories(begun, dataset)
        found = () if fit is None else followed_estimates(fit)
    return {
        "truth": law.constants.tolist(),
        "value": [e.value for e in found],
        "error": [e.standard_error for e in found],
        "holds": [bool(e.low <= true <= e.high) for e, true in zip(found, law.constants, strict=bool(found))],
        "seconds": time.process_time() - started,
    }


def shaken(exact: Trajectories, rng: np.random.Generator) -> Trajectories:
    """Trajectories with noise on given accelerations."""
    size = np.median(np.linalg.norm(exact.accelerations, axis=-1))
    noise = rng.normal(scale=OF_ACCELERATIONS * size, size=exact.accelerations.shape)
    return replace(exact, accelerations=exact.accelerations + noise)


def positions_only(exact: Trajectories, rng: np.random.Generator) -> Trajectories:
    """Trajectories derived from noisy positions."""
    frame = to_frame(exact)[["simulation", "time", "particle", *exact.attributes]].copy()
    noise = rng.normal(scale=OF_POSITIONS * typical_distance(exact), size=exact.positions.shape)
    frame[["x", "y"]] = (exact.positions + noise).reshape(-1, 2)
    return load_trajectories(frame)


def rows(source: str, name: str, done: list[dict[str, Any]]) -> Iterator[str]:
    """One line for each constant."""
    fitted = [line for line in done if line["value"]]
    if len(fitted) < len(done):
        yield f"{source:14} {name:8} no fit in {len(done) - len(fitted)} of {len(done)} repeats"
    for k in range(len(fitted[0]["value"]) if fitted else 0):
        value, error, truth = (np.array([line[key][k] for line in fitted]) for key in ("value", "error", "truth"))
        off = (value - truth) / error
        held = sum(line["holds"][k] for line in fitted)
        yield (
            f"{source:14} {name:8} {truth[0]:<9g} {len(fitted):>7} {held:>8} ({held / len(fitted):.0%}) "
            f"{np.mean(off):>15.2f} {np.sqrt(np.mean(off**2)):>8.2f} {np.median(np.abs(value / truth - 1)):>14.1e} "
            f"{np.median([line['seconds'] for line in fitted]):>10.1f}"
        )


if __name__ == "__main__":
    main()
