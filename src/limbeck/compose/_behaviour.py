"""How a law behaves in time beside its network: how soon chaos takes over, what is left of errors before, and speed."""

from dataclasses import dataclass

from limbeck.graphs import GraphDataset
from limbeck.regress import thresholds
from limbeck.train import TrainedModel

from ._law import Law
from ._lyapunov import growth, lyapunov_time
from ._rollout import Rollout
from ._speed import Speed, measured_speed

JUMPS = (
    "the force jumps at a threshold or a radius, and the tangent equation does not hold what that does to neighbours"
)
REGULAR = "small differences of the start do not grow exponentially in ten times the length of the rollout"
CHAOTIC = 3.0  # Lyapunov times after which an error of the start has grown twentyfold


@dataclass(frozen=True, kw_only=True)
class Behaviour:
    """What a rollout shows beside its errors.

    Attributes:
        lyapunov_time: Time in which a small difference of the start grows by e, or None.
        lyapunov_reason: Why there is none, in words; empty where there is one.
        until: Time up to which law and network are compared: before chaos takes over and the network is lost.
        law_error: Mean error of the law up to then, in typical distances of a pair.
        network_error: The same of the network.
        speed: What one evaluation costs.
    """

    lyapunov_time: float | None
    lyapunov_reason: str
    until: float
    law_error: float
    network_error: float
    speed: Speed


def behaviour(rollout: Rollout, law: Law, trained: TrainedModel, dataset: GraphDataset) -> Behaviour | None:
    """Look at a rollout more closely.

    Args:
        rollout: Law and network, rolled out from the start of test simulations.
        law: The law.
        trained: The network.
        dataset: Where the test simulations stand.

    Returns:
        What it shows; None where only the positions of a rollout are known.
    """
    if rollout.tangent is None:
        return None
    jumps = dataset.trajectories.radius is not None or any(any(thresholds(e)) for e in law.components.values())
    growing = None if jumps else lyapunov_time(*growth(rollout.tangent, rollout.times))
    until = rollout.horizon if growing is None else min(rollout.horizon, CHAOTIC * growing)
    until = max(until, float(rollout.times[1]))
    law_error, network_error = rollout.mean_errors_until(until)
    return Behaviour(
        lyapunov_time=growing,
        lyapunov_reason="" if growing is not None else JUMPS if jumps else REGULAR,
        until=until,
        law_error=law_error,
        network_error=network_error,
        speed=measured_speed(law, trained, dataset),
    )
