"""How good are accelerations that are derived from noisy positions alone?

    python benchmarks/derivatives.py [--systems spring,r1] [--simulations 5] [--seed 0]

Positions of simulated trajectories (4 bodies, 2 dimensions, the published lengths) get white
noise in parts of the median distance between particles; accelerations are derived as for a
file that has nothing else, and by stencils of 7 snapshots alone. The error is |Δa| / (|a| +
1e-2 median |a|) over all targets. Seconds, not minutes.
"""

import argparse
import time

import jax
import numpy as np

from limbeck.simulate import simulate
from limbeck.trajectories import Trajectories, load_trajectories, to_frame
from limbeck.trajectories._differences import differentiate

NOISES = (0.0, 1e-4, 1e-3, 1e-2)


def main() -> None:
    """Print one line for each system and noise."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", default="spring,r1")
    parser.add_argument("--simulations", type=int, default=5)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    print("system noise    stencils: median   90 %   smoothed: median   90 %   targets  found  error/stated  seconds")
    for name in options.systems.split(","):
        exact = simulate(name, n_systems=options.simulations, seed=options.seed)
        for noise in NOISES:
            print(line(name, exact, noise, options.seed), flush=True)


def line(name: str, exact: Trajectories, noise: float, seed: int) -> str:
    """Figures of one system at one noise."""
    distance = typical_distance(exact)
    shaken = exact.positions + noise * distance * np.random.default_rng(seed).normal(size=exact.positions.shape)
    plain = relative_errors(differentiate(exact.times[0], shaken, 2)[:, 2:-2], exact.accelerations[:, 2:-2])
    frame = to_frame(exact)[["simulation", "time", "particle"]]
    axes = ["x", "y", "z"][: exact.dim]
    frame[axes] = shaken.reshape(-1, exact.dim)
    start = time.perf_counter()
    derived = load_trajectories(frame)
    seconds = time.perf_counter() - start
    targets = np.isfinite(derived.accelerations).all(axis=-1)
    errors = relative_errors(derived.accelerations, exact.accelerations)[targets]
    found, honest = 0.0, float("nan")
    if derived.acceleration_errors is not None:
        moved = derived.positions - shaken
        found = float(np.sqrt(np.mean(moved**2))) / distance
        off = np.linalg.norm(derived.accelerations - exact.accelerations, axis=-1)[targets]
        honest = float(np.median(off / np.linalg.norm(derived.acceleration_errors, axis=-1)[targets]))
    return (
        f"{name:6} {noise:<7.0e} {quantiles(plain):>22} {quantiles(errors):>25} {targets.mean():>9.3f} {found:>11.2g} "
        f"{honest:>12.2f} {seconds:>9.1f}"
    )


def typical_distance(t: Trajectories) -> float:
    """Median distance between particles."""
    first, second = np.triu_indices(t.n_nodes, 1)
    return float(np.median(np.linalg.norm(t.positions[:, :, first] - t.positions[:, :, second], axis=-1)))


def relative_errors(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """The error that verdicts are given by."""
    size = np.linalg.norm(true, axis=-1)
    return np.linalg.norm(found - true, axis=-1) / (size + 1e-2 * np.median(size))


def quantiles(errors: np.ndarray) -> str:
    """Median and 90th percentile."""
    return "{:.2g}  {:.2g}".format(*np.quantile(errors, [0.5, 0.9]))


if __name__ == "__main__":
    main()
