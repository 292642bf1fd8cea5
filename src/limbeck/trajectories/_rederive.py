"""What derivation makes of the noise: the smoothed motion shaken once more, and derived once more.

The smoothed positions stand for the truth. With fresh noise of the size that was measured they go
through the same derivation, and the accelerations that come out differ from those that went in by
the noise's effect and by what smoothing takes away of the motion, nearly as the derived
accelerations differ from the true ones.
"""

import numpy as np
from jaxtyping import Int

from limbeck._types import NodeVectors

from ._derive import derive
from ._states import States
from ._trajectories import Trajectories


def rederived_accelerations(trajectories: Trajectories, systems: Int[np.ndarray, " chosen"]) -> NodeVectors:
    """Accelerations derived from the smoothed positions with fresh noise.

    Args:
        trajectories: Trajectories whose positions were smoothed.
        systems: Simulations to derive anew.

    Returns:
        Accelerations of those simulations, NaN where they could not be derived; all NaN where positions were not
        smoothed.
    """
    part = trajectories.select(systems)
    if part.measured_noise is None:
        return np.full_like(part.accelerations, np.nan)
    fresh = np.random.default_rng(0).normal(size=part.positions.shape) * part.measured_noise[..., None]
    derived = derive(
        States(
            times=part.times,
            positions=np.where(part.present[..., None], part.positions + fresh, 0.0),
            present=part.present,
            system_names=part.system_names,
            particle_names=part.particle_names,
            where="smoothed positions",
        )
    )
    assert derived.accelerations is not None
    return derived.accelerations
