"""Seconds that one training step of the published recipe takes here, with an equivalent dense JAX step.

    python benchmarks/published_step.py [--steps 100] [--repeats 5]

The recipe (shared targets, "Networks and training"): edge and node model with three hidden
layers of 300 and ReLU, messages of 100, batches of 64 graphs of 4 bodies in 2-D (12 directed
edges), mean absolute error, Adam at 1e-3, random translation of each batch. Penalties and the
schedule are left out; they would make it a little slower. The step is timed in a `lax.scan`,
where all batches are on the device, and compiled alone, since either may be the faster on a
CPU; the faster one counts. Prints one line of JSON: seconds per step of each repeat.
"""

import argparse
import json
import time
from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import optax

N, DIM, FEATURES, HIDDEN, MESSAGES, BATCH = 4, 2, 6, 300, 100, 64
# Features of a node: position, velocity, charge, mass. Every other node sends to a receiver.
SENDERS = jnp.array([[j for j in range(N) if j != i] for i in range(N)])


def main() -> None:
    """Time both forms of the step and print the faster."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=100)
    parser.add_argument("--repeats", type=int, default=5)
    options = parser.parse_args()
    forms = {"scan": scanned(options.steps), "single": single(options.steps)}
    seconds = {name: [once() / options.steps for _ in range(options.repeats)] for name, once in forms.items()}
    faster = min(seconds, key=lambda name: sorted(seconds[name])[options.repeats // 2])
    print(json.dumps({"form": faster, "seconds": seconds[faster]}))


def perceptron(key: jax.Array, inputs: int, outputs: int) -> list[tuple[jax.Array, jax.Array]]:
    """Weights of a perceptron with three hidden layers."""
    sizes = (inputs, HIDDEN, HIDDEN, HIDDEN, outputs)
    keys = jax.random.split(key, len(sizes) - 1)
    shapes = zip(keys, sizes[:-1], sizes[1:], strict=True)
    return [(jax.random.normal(k, (a, b)) / a**0.5, jnp.zeros(b)) for k, a, b in shapes]


def apply(layers: list[tuple[jax.Array, jax.Array]], x: jax.Array) -> jax.Array:
    """Output of a perceptron."""
    for weight, bias in layers[:-1]:
        x = jax.nn.relu(x @ weight + bias)
    return x @ layers[-1][0] + layers[-1][1]


def loss(weights: Any, nodes: jax.Array, targets: jax.Array) -> jax.Array:
    """Mean absolute error of the accelerations."""
    receivers = jnp.broadcast_to(nodes[:, :, None], (BATCH, N, N - 1, FEATURES))
    messages = apply(weights["edge"], jnp.concatenate([receivers, nodes[:, SENDERS]], axis=-1)).sum(axis=2)
    return jnp.mean(jnp.abs(apply(weights["node"], jnp.concatenate([nodes, messages], axis=-1)) - targets))


def prepared() -> tuple[Any, Callable[[Any, Any], Any], Callable[[int], Any]]:
    """Start of a training, its step, and a source of batches."""
    edge, node, data = jax.random.split(jax.random.key(0), 3)
    weights = {"edge": perceptron(edge, 2 * FEATURES, MESSAGES), "node": perceptron(node, FEATURES + MESSAGES, DIM)}
    adam = optax.adam(1e-3)

    def step(carry: Any, batch: Any) -> Any:
        weights, moments = carry
        nodes, targets, shift = batch
        nodes = nodes.at[..., :DIM].add(3.0 * shift)
        value, slopes = jax.value_and_grad(loss)(weights, nodes, targets)
        updates, moments = adam.update(slopes, moments)
        return (optax.apply_updates(weights, updates), moments), value

    def batches(count: int) -> Any:
        keys = jax.random.split(data, 3)
        shapes = ((count, BATCH, N, FEATURES), (count, BATCH, N, DIM), (count, 1, 1, DIM))
        return tuple(jax.random.normal(key, shape) for key, shape in zip(keys, shapes, strict=True))

    return (weights, adam.init(weights)), step, batches


def scanned(steps: int) -> Callable[[], float]:
    """All steps in one compiled loop."""
    start, step, batches = prepared()
    data = jax.block_until_ready(batches(steps))
    train = jax.jit(lambda carry, batch: jax.lax.scan(step, carry, batch)).lower(start, data).compile()
    jax.block_until_ready(train(start, data))
    return lambda: timed(lambda: train(start, data))


def single(steps: int) -> Callable[[], float]:
    """One compiled step, called again and again."""
    start, step, batches = prepared()
    data = jax.block_until_ready(tuple(array[0] for array in batches(1)))
    train = jax.jit(step).lower(start, data).compile()

    def once() -> Any:
        carry = start
        for _ in range(steps):
            carry, _ = train(carry, data)
        return carry

    jax.block_until_ready(once())
    return lambda: timed(once)


def timed(work: Callable[[], Any]) -> float:
    """Seconds until the work's results are there."""
    started = time.perf_counter()
    jax.block_until_ready(work())
    return time.perf_counter() - started


if __name__ == "__main__":
    main()
