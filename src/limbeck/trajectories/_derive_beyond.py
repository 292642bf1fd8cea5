"""Derivatives of noisy positions once more, of what a model does not explain of the motion.

Smoothing takes away of the motion what bends faster than its windows. What a model says of the
accelerations along the smoothed path is integrated twice and taken from the measured positions.
What is left is the model's error, the noise and a straight line: it bends little, so the same rule
takes far wider windows, and the derivative is closer by as much. The model's own accelerations are
added again. Where the model is wrong by more than the noise hides, the data have the last word.
"""

from dataclasses import replace

import numpy as np
from jaxtyping import Float

from limbeck._types import NodeVectors

from ._derive import derive
from ._states import States
from ._tracks import stretches
from ._trajectories import Trajectories

FEWEST = 4  # snapshots that a path is integrated along by splines


def derived_beyond(trajectories: Trajectories, explained: NodeVectors) -> Trajectories | None:
    """Derive positions, velocities and accelerations anew, beyond what a model explains.

    Args:
        trajectories: Trajectories whose positions were smoothed and everything else derived from them.
        explained: What a model says of the accelerations at the smoothed states; anything where a particle isn't there.

    Returns:
        The same trajectories with everything that was derived derived anew; None where positions were not smoothed,
        velocities or accelerations were given, or the model says nothing finite.
    """
    t = trajectories
    if t.measured_positions is None or t.measured_noise is None or "given" in (t.velocities_are, t.accelerations_are):
        return None
    there = t.present[..., None]
    explained = np.where(there, explained, 0.0)
    if not np.isfinite(explained).all():
        return None
    path, slope = _integrated(t, explained)
    left = derive(
        States(
            times=t.times,
            positions=np.where(there, t.measured_positions - path, 0.0),
            present=t.present,
            system_names=t.system_names,
            particle_names=t.particle_names,
            where="positions that the model does not explain",
        )
    )
    if left.measured_noise is None or left.velocities is None or left.accelerations is None:
        return None
    # Errors that were given with the positions are taken at their word, as at the first time.
    word = np.divide(
        t.measured_noise, left.measured_noise, out=np.ones_like(t.measured_noise), where=left.measured_noise > 0
    )
    errors = (left.position_errors, left.velocity_errors, left.acceleration_errors)
    scaled = [None if one is None else one * word[..., None] for one in errors]
    return replace(
        t,
        positions=np.where(there, left.positions + path, 0.0),
        velocities=np.where(there, left.velocities + slope, 0.0),
        accelerations=left.accelerations + explained,
        position_errors=scaled[0],
        velocity_errors=scaled[1],
        acceleration_errors=scaled[2],
    )


def _integrated(
    t: Trajectories, explained: NodeVectors
) -> tuple[Float[np.ndarray, "systems times nodes dim"], Float[np.ndarray, "systems times nodes dim"]]:
    """Path and velocity that the accelerations give along every stretch, from rest at its middle."""
    from scipy.interpolate import CubicSpline  # late: noise is rare, and SciPy slow to import

    path, slope = np.zeros_like(explained), np.zeros_like(explained)
    for piece in stretches(t.times, t.present):
        if len(piece.snapshots) < FEWEST:
            continue
        times = t.times[piece.systems[0], piece.snapshots]
        once = CubicSpline(times, explained[piece.index], axis=1).antiderivative()
        middle = times[len(times) // 2]
        pull = once(middle)[:, None]
        twice = once.antiderivative()
        since = (times - middle)[None, :, None, None]
        slope[piece.index] = once(times) - pull
        path[piece.index] = twice(times) - twice(middle)[:, None] - pull * since
    return path, slope
