"""Draws the picture of the README, from real runs: springs in, law out.

    python docs/hero.py [--out docs/_static/hero.png]

Simulates the spring system, lets `limbeck.discover` find its law, trains the same network once
more stage by stage to have its messages at hand, and draws both. Takes about two minutes.
"""

import argparse
from pathlib import Path

import jax
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes

import limbeck
from limbeck.analyse import Channel, collect_messages
from limbeck.graphs import connect
from limbeck.models import STRONGEST, ModelConfig
from limbeck.train import TrainConfig, fit

COLOURS = ("#0b7285", "#e8590c", "#5f3dc4", "#2b8a3e")
SHOWN = 1_500


def main() -> None:
    """Find the law, collect the messages, draw."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "_static" / "hero.png")
    options = parser.parse_args()
    springs = limbeck.simulate("spring", n_systems=1000, seed=0)
    found = limbeck.discover(springs)
    if found.law is None or not found.found:
        raise SystemExit(str(found))
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 3.6), layout="constrained")
    draw_paths(left, springs)
    draw_law(right, radial_messages(springs), found.law)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(options.out, dpi=130, metadata={"Software": None})


def radial_messages(trajectories: limbeck.Trajectories) -> Channel:
    """What the network says of pairs that it was not trained on."""
    dataset = connect(trajectories, seed=0)
    trained = fit(dataset, STRONGEST, ModelConfig(), TrainConfig(), key=jax.random.key(0))
    return next(c for c in collect_messages(trained, dataset, seed=0).channels if c.name == "radial")


def draw_paths(axes: Axes, trajectories: limbeck.Trajectories) -> None:
    """The first 300 states of one simulation."""
    for body, colour in enumerate(COLOURS):
        x, y = trajectories.positions[0, :300, body].T
        axes.plot(x, y, color=colour, lw=1.4)
        axes.plot(x[-1], y[-1], "o", color=colour, ms=7)
    axes.set(title="in: trajectories of four bodies", xlabel="x", ylabel="y", aspect="equal")
    axes.set_adjustable("datalim")


def draw_law(axes: Axes, channel: Channel, law: limbeck.DiscoveredLaw) -> None:
    """Messages of the network, and the law found, against the distance."""
    values = dict(zip(channel.variables, channel.inputs.T, strict=True))
    order = np.argsort(values["r"])
    radial = law.sympy["radial"]
    force = np.array([float(radial.subs("r", r)) for r in values["r"]])
    # Forces and inertia share one free scale: the messages are brought to the law's.
    messages = channel.values * np.median(force / channel.values)
    shown = np.random.default_rng(0).permutation(len(messages))[:SHOWN]
    axes.plot(values["r"][shown], messages[shown], ".", color="#74c0fc", ms=9, label="messages of the network")
    label = rf"law: $F = {law.latex['radial']}\;\hat{{r}}$"
    axes.plot(values["r"][order], force[order], color="#c92a2a", lw=1.2, label=label)
    axes.set(title="out: the law", xlabel="distance r", ylabel="force along the line between the two")
    axes.legend(frameon=False)


if __name__ == "__main__":
    main()
