"""What the readers of named arrays share: the names of the contract, and how a wrong value is named."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Bool

from limbeck._errors import InputError
from limbeck._types import Presence, Times

from ._netcdf import Field, Fields

DIMS = ("simulation", "time", "particle", "space")
VECTORS = {"position": "x", "velocity": "v", "acceleration": "a"}
KNOWN = {
    *DIMS,
    *VECTORS,
    *(f"{name}_err" for name in VECTORS),
    "particle_name",
}
EDGES = ("edge_system", "edge_sender", "edge_receiver")  # in files that limbeck wrote
PLACES = ("simulation_index", "particle_index")  # the same: which simulation and particle the numbers of edges mean
MEASURED = {"measured_position": DIMS, "measured_noise": DIMS[:3]}  # the same, where positions were smoothed

Names = tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]  # of the simulations, and of the particles of each


def is_ours(fields: Fields) -> bool:
    """Say whether limbeck wrote the file, so that its own remarks can be read."""
    return "limbeck_schema" in fields.attrs


def numbers(where: str, name: str, values: np.ndarray) -> np.ndarray:
    """Take a variable as numbers, and refuse everything that is none."""
    kinds = {"b": "booleans", "c": "complex numbers", "M": "dates", "m": "durations"}
    if values.dtype.kind not in "iuf":
        what = kinds.get(values.dtype.kind, "text or objects")
        raise InputError(
            f"{where}: variable {name!r} holds {what}; expected real numbers: convert it, or use --ignore {name}"
        )
    return np.asarray(values, dtype=np.float64)


def ordered(where: str, name: str, one: Field, wanted: Sequence[str]) -> np.ndarray:
    """Bring the axes of a variable into the order of the contract."""
    if set(one.dims) != set(wanted) or len(one.dims) != len(wanted):
        raise InputError(
            f"{where}: variable {name!r} has the dimensions ({', '.join(one.dims)}); expected ({', '.join(wanted)}): "
            "rename dimensions with --rename OLD=NEW, or add those that are missing with length 1"
        )
    return np.transpose(one.values, [one.dims.index(dim) for dim in wanted])


def place(wrong: Bool[np.ndarray, "..."]) -> str:
    """Name the first wrong entry by its indices, counted from 0."""
    index = np.unravel_index(int(wrong.argmax()), wrong.shape)
    return ", ".join(f"{dim} index {int(i)}" for dim, i in zip(DIMS, index, strict=False))


def cell(wrong: Presence, times: Times, names: Names) -> str:
    """Name the first wrong state."""
    system, time, node = (int(index[0]) for index in np.nonzero(wrong))
    return f"simulation {names[0][system]!r}, time {float(times[system, time])!r}, particle {names[1][system][node]!r}"
