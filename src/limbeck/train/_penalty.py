"""What a message network pays for long messages and large weights, on a stated scale.

The sources agree on the numbers (1e-2 for L1, 1 for KL, 1e-8 for weights) and not on what they multiply.
With B graphs of n nodes in a batch, beside a prediction loss that is a mean over nodes, `penalty_scale` is

| name | the weight multiplies | beside "edge" |
|---|---|---|
| edge | mean over directed edges of the sum over components | 1 |
| batch | the sum over edges of a graph, times B, over n | B (n-1)/n: 48 for n = 4, B = 64 |
| pair | the same without the factor B | (n-1)/n |
| component | mean over edges and components | 1/components |

"edge" is the text of Cranmer et al. (2020), arXiv 2006.11287, appendix A.1 and A.2; "batch" is their
published notebook; "pair", 64 times less than the notebook's, the second reproduction; "component" is the
thesis' equation 5, which divides by the number of entries of all messages (its equation 7 for KL divides
by that of edges: choose "edge").
"""

from typing import Any

import jax.numpy as jnp
from jaxtyping import Array, Float

from limbeck.graphs import Snapshots
from limbeck.models import EdgeStatistics, MessageNetwork

PENALTY_SCALES = ("edge", "batch", "pair", "component")
WEIGHT_SCALES = ("sum", "mean")


def l1_per_edge(message: Float[Any, "*batch message_dim"]) -> Float[Array, "*batch"]:
    """Sum over components of |message|.

    Args:
        message: Messages.

    Returns:
        One number for each.
    """
    return jnp.sum(jnp.abs(message), axis=-1)


def kl_per_edge(
    mean: Float[Any, "*batch message_dim"], log_variance: Float[Any, "*batch message_dim"]
) -> Float[Array, "*batch"]:
    """Sum over components of (μ² + σ² - log σ²)/2.

    It is the divergence from a standard normal distribution plus 1/2 for each component.

    Args:
        mean: μ.
        log_variance: log σ².

    Returns:
        One number for each message.
    """
    return 0.5 * jnp.sum(mean**2 + jnp.exp(log_variance) - log_variance, axis=-1)


def message_penalty(model: MessageNetwork, statistics: EdgeStatistics, snapshots: Snapshots) -> Float[Array, ""]:
    """Mean penalty of a directed edge, before any weight; 0 for a size that has none.

    Args:
        model: The network.
        statistics: Its messages.
        snapshots: The batch; edges that do not act do not count.

    Returns:
        The mean over edges of `l1_per_edge` or `kl_per_edge`.
    """
    if model.size == "l1":
        costs = [l1_per_edge(statistics.forward), l1_per_edge(statistics.backward)]
    elif model.size == "kl":
        costs = [
            kl_per_edge(statistics.forward, statistics.forward_log_variance),
            kl_per_edge(statistics.backward, statistics.backward_log_variance),
        ]
    else:
        return jnp.zeros((), statistics.forward.dtype)
    weights = jnp.stack([snapshots.forward, snapshots.backward])
    return jnp.sum(weights * jnp.stack(costs)) / jnp.maximum(jnp.sum(weights), 1.0)


def penalty_factor(scale: str, *, batch_size: int, n_nodes: int, message_dim: int) -> float:
    """What the mean over edges is multiplied by on each scale.

    Args:
        scale: Name in `PENALTY_SCALES`.
        batch_size: Graphs in a batch.
        n_nodes: Nodes of a graph; every pair is taken to interact.
        message_dim: Components of a message.

    Returns:
        The factor of the table above.
    """
    per_pair = (n_nodes - 1) / n_nodes
    factors = {"edge": 1.0, "batch": batch_size * per_pair, "pair": per_pair, "component": 1.0 / message_dim}
    return factors[scale]


def weight_penalty(model: MessageNetwork, scale: str) -> Float[Array, ""]:
    """Sum of squared weights and offsets of both functions, or their mean.

    Args:
        model: The network.
        scale: Name in `WEIGHT_SCALES`: "sum" is the paper's, "mean" the thesis' (equation 13).

    Returns:
        The penalty before its weight.
    """
    arrays = [*model.edge_model.weights, *model.edge_model.biases, *model.node_model.weights, *model.node_model.biases]
    total = sum((jnp.sum(array**2) for array in arrays), start=jnp.zeros((), jnp.float32))
    return total if scale == "sum" else total / sum(array.size for array in arrays)
