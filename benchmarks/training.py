"""Samples per second of training a published message network, beside PyTorch Geometric in the same run.

    python benchmarks/training.py [--steps 60] [--repeats 5] [--hidden 300 64] [--seeds 8] [--toy]

The standard model at its published size: 100 messages, three hidden layers of ReLU, batches of 64 graphs
of 4 bodies in 2-D, random translation, mean absolute error, L2 penalty, Adam under a one-cycle schedule.
Ours is the compiled loop that `fit_messages` runs between validations; the other is the same model as a
`MessagePassing` of PyTorch Geometric in a plain loop. Both have their batches ready, so the reading of
data, where ours would gain more, is left out, and both use all cores that this process may use. They take
turns, so that a busy machine slows both; figures are medians with the least and the largest. A GPU is used
when JAX sees one, by PyTorch too if its build can.

The share of the peak is the work of the published arithmetic (products of matrices, forward and backward)
by the time it took, over what one large product in single precision reaches here in the same run.
"""

import argparse
import math
import os
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import jax
import numpy as np
import torch
from torch_geometric.nn import MessagePassing

from limbeck.graphs import connect
from limbeck.models import MessageConfig
from limbeck.train import Recipe, message_trainer
from limbeck.train._chunks import Trainer
from limbeck.trajectories import Trajectories

NODES, DIM, FEATURES, MESSAGES, BATCH, DEPTH, SHIFT, WEIGHT_PENALTY = 4, 2, 6, 100, 64, 3, 3.0, 1e-8
EDGES = NODES * (NODES - 1)
TARGETS = {300: 1.3, 64: 3.0}  # times PyTorch Geometric on a CPU (issue 3)
PEAK_SIZE = 2048


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=60, help="optimiser steps in each measurement")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--hidden", type=int, nargs="+", default=[300, 64])
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--toy", action="store_true", help="a smoke test: two steps, two repeats, small networks")
    options = parser.parse_args()
    if options.toy:
        options.steps, options.repeats, options.hidden, options.seeds = 2, 2, [16], 2
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    torch.set_num_threads(cores)
    device = "cuda" if torch.cuda.is_available() and jax.default_backend() == "gpu" else "cpu"
    print(f"{cores} cores; JAX on {jax.devices()[0].device_kind}, PyTorch {torch.__version__} on {device}")
    print(
        f"{options.steps} steps of {BATCH} graphs a measurement, {options.repeats} repeats: median (least to largest)"
    )
    for hidden in options.hidden:
        report(hidden, options, device)


def report(hidden: int, options: argparse.Namespace, device: str) -> None:
    """Measure one size and print its lines."""
    steps, samples = options.steps, options.steps * BATCH
    works = {
        "ours": ours(hidden, steps, 1),
        "together": ours(hidden, steps, options.seeds),
        "geometric": geometric(hidden, steps, device),
        "product": product(max(2, steps // 4)),
    }
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(options.repeats):
        for name, work in works.items():
            taken[name].append(timed(work))
    rates = {name: [samples / seconds for seconds in taken[name]] for name in ("ours", "geometric")}
    ratios = [b / a for a, b in zip(taken["ours"], taken["geometric"], strict=True)]
    side_by_side = [t / (options.seeds * o) for t, o in zip(taken["together"], taken["ours"], strict=True)]
    peaks = [max(2, steps // 4) * 2 * PEAK_SIZE**3 / seconds for seconds in taken["product"]]
    shares = [steps * work_of(hidden) / o / peak for o, peak in zip(taken["ours"], peaks, strict=True)]
    print(f"hidden {hidden}")
    print(f"  limbeck            {spread(rates['ours'])} samples/s")
    print(f"  PyTorch Geometric  {spread(rates['geometric'])} samples/s")
    print(f"  ratio              {spread(ratios)}, target {TARGETS.get(hidden, math.nan)} on a CPU")
    print(f"  {options.seeds} seeds together, of the time of {options.seeds} runs  {spread(side_by_side)}, target 1.0")
    print(f"  matrix peak        {spread([peak / 1e9 for peak in peaks])} GFLOP/s")
    print(f"  share of the peak  {spread(shares)}, target 0.7 at hidden 300")


def spread(values: list[float]) -> str:
    """Median, least and largest."""
    return f"{statistics.median(values):9.3g} ({min(values):.3g} to {max(values):.3g})"


def timed(work: Callable[[], Any]) -> float:
    """Seconds until the work is done."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def work_of(hidden: int) -> float:
    """Floating-point operations of a step in products of matrices: forward, slopes of weights, slopes of inputs."""
    total = 0
    sizes = {
        BATCH * EDGES: (2 * FEATURES, *[hidden] * DEPTH, MESSAGES),
        BATCH * NODES: (FEATURES + MESSAGES, *[hidden] * DEPTH, DIM),
    }
    for rows, layers in sizes.items():
        for number, (a, b) in enumerate(pairwise(layers)):
            # What goes into the edge model is data: no slope is asked of it.
            passes = 2 if number == 0 and rows == BATCH * EDGES else 3
            total += passes * 2 * rows * a * b
    return float(total)


def product(count: int) -> Callable[[], Any]:
    """Large products of matrices in single precision."""
    square = jax.random.normal(jax.random.key(0), (PEAK_SIZE, PEAK_SIZE))
    multiply = jax.jit(lambda x: x @ square)
    jax.block_until_ready(multiply(square))

    def work() -> None:
        result = square
        for _ in range(count):
            result = multiply(square)
        jax.block_until_ready(result)

    return work


def ours(hidden: int, steps: int, seeds: int) -> Callable[[], Any]:
    """One chunk of our trainer, compiled before."""
    recipe = Recipe(
        steps=steps, chunk=steps, seeds=seeds, batch_size=BATCH, learning_rate=1e-3, clip=math.inf, reduction="graph",
        weight_penalty=WEIGHT_PENALTY, shift=SHIFT,
    )  # fmt: skip
    config = MessageConfig(size="standard", message_dim=MESSAGES, width=hidden, depth=DEPTH)
    trainer = message_trainer(dataset(), config, recipe, key=jax.random.key(0))
    chunk = _Chunk(trainer, jax.device_put(trainer._batches(0)), jax.device_put(trainer.start()[:3]))
    chunk()
    return chunk


@dataclass(frozen=True)
class _Chunk:
    """A chunk whose batches are on the device."""

    trainer: Trainer
    batches: Any
    start: Any

    def __call__(self) -> None:
        weights, _, moments = self.start
        jax.block_until_ready(self.trainer._stepped(weights, moments, self.batches, None))


def dataset() -> Any:
    """Random states; what they are has no part in the time."""
    rng = np.random.default_rng(0)
    x, v, a = rng.normal(size=(3, 40, 20, NODES, DIM))
    states = Trajectories(
        times=np.broadcast_to(np.arange(20.0), (40, 20)).copy(),
        positions=x,
        velocities=v,
        accelerations=a,
        present=np.ones((40, 20, NODES), dtype=bool),
        attributes={"m": rng.lognormal(size=(40, NODES)), "q": rng.normal(size=(40, NODES))},
    )
    return connect(states, seed=0)


class PublishedNetwork(MessagePassing):
    """The standard model on PyTorch Geometric."""

    def __init__(self, hidden: int) -> None:
        super().__init__(aggr="add")
        self.edge_model = layers(2 * FEATURES, hidden, MESSAGES)
        self.node_model = layers(FEATURES + MESSAGES, hidden, DIM)

    def forward(self, x: torch.Tensor, edge_index: torch.Tensor) -> torch.Tensor:
        """Accelerations of the nodes."""
        return self.node_model(torch.cat([x, self.propagate(edge_index, x=x)], dim=1))

    def message(self, x_i: torch.Tensor, x_j: torch.Tensor) -> torch.Tensor:
        """Messages from senders j to receivers i."""
        return self.edge_model(torch.cat([x_i, x_j], dim=1))


def layers(inputs: int, hidden: int, outputs: int) -> torch.nn.Sequential:
    """A perceptron with ReLU."""
    parts: list[torch.nn.Module] = []
    for a, b in pairwise((inputs, *[hidden] * DEPTH)):
        parts += [torch.nn.Linear(a, b), torch.nn.ReLU()]
    return torch.nn.Sequential(*parts, torch.nn.Linear(hidden, outputs))


def geometric(hidden: int, steps: int, device: str) -> Callable[[], Any]:
    """The same steps as a loop in PyTorch."""
    torch.manual_seed(0)
    model = PublishedNetwork(hidden).to(device)
    pairs = [(i, j) for i in range(NODES) for j in range(NODES) if i != j]
    edges = torch.tensor([(NODES * g + i, NODES * g + j) for g in range(BATCH) for i, j in pairs]).T.contiguous()
    edges = edges.to(device)
    nodes = torch.randn(steps, BATCH * NODES, FEATURES, device=device)
    targets = torch.randn(steps, BATCH * NODES, DIM, device=device)

    def work() -> None:
        adam = torch.optim.Adam(model.parameters(), lr=1e-3)
        schedule = torch.optim.lr_scheduler.OneCycleLR(adam, max_lr=1e-3, total_steps=steps + 1)
        for x, target in zip(nodes, targets, strict=True):
            shift = torch.nn.functional.pad(SHIFT * torch.randn(1, DIM, device=device), (0, FEATURES - DIM))
            adam.zero_grad()
            loss = (model(x + shift, edges) - target).abs().sum() / BATCH
            loss = loss + WEIGHT_PENALTY * sum((weight**2).sum() for weight in model.parameters())
            loss.backward()
            adam.step()
            schedule.step()
        if device == "cuda":
            torch.cuda.synchronize()

    work()
    return work


if __name__ == "__main__":
    main()
