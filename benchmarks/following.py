"""What tells a true law from a nearly right one, once both are followed through noisy positions? No network is trained.

    python benchmarks/following.py [--systems spring,r1,r2,charge] [--noises 1e-3] [--seeds 2] [--first-seed 100]
                                   [--simulations 60]

For simulated trajectories (4 bodies, 2 dimensions, published lengths) of which only positions are given, with white
noise in parts of the median distance, the true form and two that are nearly right are fitted to derived accelerations
and then, from what that gave, through the integrator; then once more from the states that the nearest of the three
found. For each: misfit in units of the noise, Durbin and Watson's statistic with its standard error, the windows that
could be followed, the constants with their errors, and the price by which forms are compared, the lowest being 0.
Half a minute to two minutes a set.
"""

import argparse

import jax
import numpy as np
from _runs import machine
from derivatives import typical_distance

from limbeck.compose import Law, fit_trajectories, refit, states_of
from limbeck.compose._followed_laws import followed_laws, followed_prices
from limbeck.expressions import parse
from limbeck.graphs import connect
from limbeck.simulate import simulate
from limbeck.trajectories import load_trajectories, to_frame

FORMS = {
    "spring": {"true": "-2.0*(r - 0.99)", "with r²": "-2.0*(r - 0.99) + 0.01*r**2", "power": "1.98 - 2.0*r**1.02"},
    "r1": {"true": "-1.0*m_1*m_2/(r + 0.01)", "bare": "-1.0*m_1*m_2/r", "power": "-1.0*m_1*m_2/r**0.98"},
    "r2": {"true": "-1.0*m_1*m_2/(r + 0.01)**2", "bare": "-1.0*m_1*m_2/r**2", "power": "-1.0*m_1*m_2/r**1.96"},
    "charge": {"true": "1.0*q_1*q_2/(r + 0.01)**2", "bare": "1.0*q_1*q_2/r**2", "power": "1.0*q_1*q_2/r**1.96"},
}


def main() -> None:
    """Fit and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--systems", default=",".join(FORMS))
    parser.add_argument("--noises", default="1e-3")
    parser.add_argument("--seeds", type=int, default=2)
    parser.add_argument("--first-seed", type=int, default=100)
    parser.add_argument("--simulations", type=int, default=60)
    options = parser.parse_args()
    jax.config.update("jax_enable_x64", True)
    print(machine())
    print("system, noise, seed, form, begun: misfit, statistic (error), windows followed, price, constants")
    for system in options.systems.split(","):
        for noise in map(float, options.noises.split(",")):
            for seed in range(options.first_seed, options.first_seed + options.seeds):
                compare(system, noise, seed, options.simulations)


def compare(system: str, noise: float, seed: int, simulations: int) -> None:
    """Follow the forms of one set of trajectories and print a line for each."""
    exact = simulate(system, n_systems=simulations, seed=seed)
    shaken = noise * typical_distance(exact) * np.random.default_rng(seed).normal(size=exact.positions.shape)
    frame = to_frame(exact)[["simulation", "time", "particle", *exact.attributes]].copy()
    frame[["x", "y"]] = (exact.positions + shaken).reshape(-1, 2)
    dataset = connect(load_trajectories(frame), seed=0)
    states = states_of(dataset, dataset.train)
    forms = {
        name: refit(Law(components={"radial": parse(text), "inertia": parse("m_1")}, dim=2), states)
        for name, text in FORMS[system].items()
    }
    alone = {name: fit_trajectories(law, dataset) for name, law in forms.items()}
    together = followed_laws(list(forms.values()), dataset, is_over=lambda: False, progress=lambda *_: None).laws
    prices = followed_prices([fit for _, fit in together])
    for name, law in forms.items():
        fits = [("alone", alone[name], None)]
        fits += [("beside", fit, price) for (one, fit), price in zip(together, prices, strict=True) if one is law]
        for how, fit, price in fits:
            begin = f"{system:7} {noise:<6g} {seed:<5} {name:8} {how:6}"
            if fit is None:
                print(f"{begin} did not settle", flush=True)
                continue
            constants = ", ".join(f"{v:.5g} ± {e:.1g}" for v, e in zip(fit.law.constants, fit.errors, strict=True))
            cost = "" if price is None else f"{price - min(prices):.1f}"
            print(
                f"{begin} {fit.misfit:.4f} {fit.whiteness:.3f} ({fit.whiteness_error:.3f}) "
                f"{fit.n_windows:>3}/{len(fit.misfits):<3} {cost:>9}  {constants}",
                flush=True,
            )


if __name__ == "__main__":
    main()
