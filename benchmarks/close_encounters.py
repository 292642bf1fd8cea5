"""Do derivatives across close encounters bend the constants of a law?

    python benchmarks/close_encounters.py [--systems spring,r1,r2,charge] [--simulations 60] [--seed 30] [--learn]

Accelerations are derived from the positions of simulated trajectories (4 bodies, 2 dimensions, the published lengths),
without noise, and the true form, begun 1 % off, is fitted to them: by least squares, with Huber's rule once, and as
`limbeck discover` does. Prints the errors of the derived accelerations and the largest relative error of a constant.
With `--learn` the masses are fitted too, begun up to 3 % off: median and 90th percentile of their relative errors, and
how many of the values that are determined lie within two of their standard errors.
"""

import argparse

import jax
import numpy as np
from _runs import machine

from limbeck.compose import Law, fit_properties, refit
from limbeck.compose._states import states_of
from limbeck.expressions import parse
from limbeck.graphs import GraphDataset, connect, spread_over_times
from limbeck.simulate import simulate
from limbeck.train import with_property
from limbeck.trajectories import load_trajectories, to_frame

FORMS = {
    "spring": "-2.0*(r - 0.99)",
    "r1": "-1.0*m_1*m_2/(r + 0.01)",
    "r2": "-1.0*m_1*m_2/(r + 0.01)**2",
    "charge": "1.0*q_1*q_2/(r + 0.01)**2",
}
SNAPSHOTS = 2_000
ROUNDS = {"least squares": {"rounds": 1}, "Huber's rule": {"rounds": 2}, "as discover": {}}


def main() -> None:
    """Print one line for each system."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", default=",".join(FORMS))
    parser.add_argument("--simulations", type=int, default=60)
    parser.add_argument("--seed", type=int, default=30)
    parser.add_argument("--learn", action="store_true", help="fit the masses too")
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    print(machine())
    for name in options.systems.split(","):
        exact = simulate(name, n_systems=options.simulations, seed=options.seed)
        frame = to_frame(exact)[["simulation", "time", "particle", *exact.attributes]].copy()
        frame[["x", "y"]] = exact.positions.reshape(-1, 2)
        dataset = connect(load_trajectories(frame), seed=options.seed, by_time=options.learn)
        if options.learn:
            _with_masses(name, dataset, exact.attributes["m"])
            continue
        states = states_of(dataset, spread_over_times(dataset.train, SNAPSHOTS))
        true = Law(components={"radial": parse(FORMS[name]), "inertia": parse("m_1")}, dim=2)
        middle, worst = np.quantile(states.relative_errors(true.accelerations(states)), [0.5, 1.0])
        begun = true.with_constants(1.01 * true.constants)
        off = {
            how: np.max(np.abs(refit(begun, states, **rounds).constants / true.constants - 1))
            for how, rounds in ROUNDS.items()
        }
        constants = ", ".join(f"{how} {error:.0e}" for how, error in off.items())
        print(f"{name:>8}: derivatives off by {middle:.0e} (median), {worst:.2g} (largest); constants: {constants}")


def _with_masses(name: str, dataset: GraphDataset, masses: np.ndarray) -> None:
    """Fit law and masses, and print how far these are off; their scale is free, and is taken as their median tells."""
    begun = masses * np.random.default_rng(0).uniform(0.97, 1.03, size=masses.shape)
    law = Law(components={"radial": parse(FORMS[name]), "inertia": parse("m_1")}, dim=2)
    mass = fit_properties(law, ("m",), with_property(dataset, "m", begun))["m"]
    told = mass.determined
    ratio, errors = (values[told] / masses[told] for values in (mass.values, mass.standard_errors))
    scale = np.median(ratio)
    middle, high = np.quantile(np.abs(ratio / scale - 1), [0.5, 0.9])
    held = np.mean(np.abs(ratio - scale) < 2 * errors)
    print(
        f"{name:>8}: masses determined {np.mean(told):.0%}, off by {middle:.0e} (median), {high:.0e} (90 %); "
        f"within two standard errors {held:.0%}"
    )


if __name__ == "__main__":
    main()
