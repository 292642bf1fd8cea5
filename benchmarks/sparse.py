"""Edges per second of a network on a sparse graph, forward and backward, for each flavour of the edge.

    python benchmarks/sparse.py [--edges 100000 300000 1000000] [--repeats 3] [--toy]

One graph of points in a periodic box with 20 edges at each node, 4 features a node and 1 an edge,
one round of messages of 16 components, hidden layers 2 x 64; the gradient of the mean square of
the node-level output for all weights. Compilation is not counted; the median of the repeats is
shown, taken in turns since a machine is not always as busy, and how long the edges took to find.
"""

import argparse
import time
from collections.abc import Callable
from statistics import median
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from _runs import machine

from limbeck.graphs import SparseGraph, edge_displacements, radius_edges, sparse_graph
from limbeck.models import FlavourConfig, SparseNetwork, build_sparse_network

DEGREE = 20
FLAVOURS = {
    "message passing": FlavourConfig(),
    "convolutional": FlavourConfig(kind="convolutional", convolution="edges"),
    "attentional, softmax": FlavourConfig(kind="attentional"),
    "attentional, free": FlavourConfig(kind="attentional", attention="free"),
    "message passing, max": FlavourConfig(aggregation="max"),
}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--edges", type=int, nargs="+", default=[100_000, 300_000, 1_000_000])
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--toy", action="store_true")
    options = parser.parse_args()
    print(machine())
    print(f"# on {jax.devices()[0].device_kind}")
    print("edges      flavour                 seconds   edges/s    of message passing")
    for wanted in [2_000] if options.toy else options.edges:
        graph, seconds = random_graph(wanted)
        n_edges = len(graph.senders)
        print(f"{n_edges:<10} {'(finding the edges)':<22} {seconds:8.3f} {n_edges / seconds:9.3g}")
        steps = {name: step_of(config, graph) for name, config in FLAVOURS.items()}
        rounds = [
            {name: timed(step) for name, step in steps.items()} for _ in range(1 if options.toy else options.repeats)
        ]
        middle = {name: median(times[name] for times in rounds) for name in FLAVOURS}
        for name, seconds in middle.items():
            share = middle["message passing"] / seconds
            print(f"{n_edges:<10} {name:<22} {seconds:8.3f} {n_edges / seconds:9.3g} {share:10.2f}", flush=True)


def random_graph(n_edges: int) -> tuple[SparseGraph, float]:
    """A graph with about so many edges, and the seconds that finding them took."""
    rng = np.random.default_rng(0)
    n_nodes = n_edges // DEGREE
    positions = rng.uniform(size=(n_nodes, 3))
    radius = (DEGREE / n_nodes / (4 / 3 * np.pi)) ** (1 / 3)
    started = time.perf_counter()
    senders, receivers = radius_edges(positions, radius, box=1.0)
    seconds = time.perf_counter() - started
    distances = np.linalg.norm(edge_displacements(positions, senders, receivers, box=1.0), axis=1) / radius
    return sparse_graph(rng.normal(size=(n_nodes, 4)), senders, receivers, edges=distances[:, None]), seconds


def step_of(config: FlavourConfig, graph: SparseGraph) -> Callable[[], Any]:
    """A compiled call that gives a value and all its slopes."""
    network = build_sparse_network(config, 4, 1, 0, 1, key=jax.random.key(0))
    graph = SparseGraph(*(jnp.asarray(array) for array in graph))

    @eqx.filter_jit
    @eqx.filter_value_and_grad
    def loss(network: SparseNetwork, graph: SparseGraph) -> jax.Array:
        return jnp.mean(network(graph) ** 2)

    jax.block_until_ready(loss(network, graph))
    return lambda: loss(network, graph)


def timed(work: Callable[[], Any]) -> float:
    """Seconds until the work's results are there."""
    started = time.perf_counter()
    jax.block_until_ready(work())
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
