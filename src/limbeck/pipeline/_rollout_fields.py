"""What `result.json` says of a law that was rolled forward in time."""

from dataclasses import asdict
from typing import Any

from limbeck.artefacts import finite
from limbeck.compose import Behaviour, Rollout

SIGNIFICANT = 3  # digits of a measured time


def rollout_fields(rollout: Rollout | None, behaviour: Behaviour | None) -> dict[str, Any] | None:
    """The rollout without its paths.

    Args:
        rollout: Law and network from the start of test simulations, or None.
        behaviour: What it shows beside its errors, or None.

    Returns:
        Errors, drifts and the Lyapunov time; None where nothing was rolled out. Seconds stand among the timings, so
        that everything else in a result repeats to the digit.
    """
    if rollout is None or behaviour is None:
        return None
    law, network = behaviour.law_error, behaviour.network_error
    return {
        "simulations": len(rollout.given),
        "duration": float(rollout.times[-1]),
        "horizon": rollout.horizon,
        "lyapunov_time": behaviour.lyapunov_time,
        "lyapunov_reason": behaviour.lyapunov_reason or None,
        "compared": {
            "until": behaviour.until,
            "law": finite(law),
            "network": finite(network),
            "ratio": finite(network / law) if law > 0 else None,
        },
        "drifts": [asdict(drift) for drift in rollout.drifts],
    }


def evaluation_seconds(behaviour: Behaviour | None) -> dict[str, float]:
    """What one evaluation of the accelerations of a snapshot costs, for the timings.

    Args:
        behaviour: What the rollout showed, or None.

    Returns:
        Seconds of law and network; empty where they were not measured.
    """
    if behaviour is None:
        return {}
    speed = behaviour.speed
    return {
        f"{name}_evaluation": float(f"{seconds:.{SIGNIFICANT}g}")
        for name, seconds in (("law", speed.law), ("network", speed.network))
    }
