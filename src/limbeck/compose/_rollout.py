"""Roll a law and a network forward from given states, and compare with what came in."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

Force = Callable[
    [Float[np.ndarray, "systems nodes dim"], Float[np.ndarray, "systems nodes dim"]],
    Float[np.ndarray, "systems nodes dim"],
]


@dataclass(frozen=True, kw_only=True, eq=False)
class Rollout:
    """Trajectories predicted from the first states of test simulations.

    Attributes:
        times: Times from the start.
        given: Positions that came in.
        law: Positions under the law.
        network: Positions under the network.
        law_error: Median over simulations of the mean distance from the given positions,
            over the typical distance of a pair.
        network_error: The same for the network.
        energy_drift: Median over simulations of the largest relative change of the law's own energy
            along the given trajectories' time; None where the law has no potential.
        horizon: Last time at which both are compared.
    """

    times: Float[np.ndarray, " times"]
    given: Float[np.ndarray, "systems times nodes dim"]
    law: Float[np.ndarray, "systems times nodes dim"]
    network: Float[np.ndarray, "systems times nodes dim"]
    law_error: Float[np.ndarray, " times"]
    network_error: Float[np.ndarray, " times"]
    energy_drift: float | None
    horizon: float
