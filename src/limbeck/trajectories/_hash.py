"""A fingerprint of trajectories, so that a run is resumed on the data it began with."""

import hashlib
import json

import numpy as np

from ._trajectories import Trajectories

ARRAYS = (
    "times",
    "positions",
    "velocities",
    "accelerations",
    "present",
    "position_errors",
    "velocity_errors",
    "acceleration_errors",
    "measured_positions",
    "measured_noise",
)


def content_hash(trajectories: Trajectories) -> str:
    """Fingerprint of everything that a run depends on: all fields but `source` and `notes`.

    Args:
        trajectories: The trajectories.

    Returns:
        A SHA-256 hash in hexadecimal.
    """
    digest = hashlib.sha256()
    arrays = {name: getattr(trajectories, name) for name in ARRAYS}
    arrays |= {f"attribute {name}": trajectories.attributes[name] for name in sorted(trajectories.attributes)}
    if trajectories.edges is not None:
        arrays |= {f"edge {name}": getattr(trajectories.edges, name) for name in ("system", "senders", "receivers")}
    for name, values in arrays.items():
        if values is None:
            continue
        digest.update(f"{name} {values.shape}".encode())
        digest.update(_canonical(values))
    facts = {
        name: getattr(trajectories, name)
        for name in (
            "radius",
            "system_names",
            "particle_names",
            "shared_particles",
            "velocities_are",
            "accelerations_are",
        )
    }
    facts |= {name: sorted(getattr(trajectories, name).items()) for name in ("categories", "units")}
    if trajectories.per:  # a run that was begun before there was such a thing goes on
        facts["per"] = trajectories.per
    digest.update(json.dumps(facts).encode())
    return digest.hexdigest()


def _canonical(values: np.ndarray) -> bytes:
    """Bytes that are the same for equal values, whatever their type, order in memory or kind of NaN."""
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), np.nan, values + 0.0).astype("<f8")
    elif values.dtype.kind in "iu":
        values = values.astype("<i8")
    return np.ascontiguousarray(values).tobytes()
