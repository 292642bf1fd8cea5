"""From a system to its trajectories: draw, integrate, drop what diverged, account for it.

The record says how it was made: system, options, seed, integrator, tolerances,
how many simulations were dropped, and how well energy and momentum were kept.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from jaxtyping import Float

from limbeck._errors import InputError, SimulationFailed
from limbeck._types import NodeScalars
from limbeck.trajectories import Edges, Trajectories

from ._distributions import InitialVectors, initial_states
from ._dynamics import accelerations, checked_attributes, dynamics_of, pair_indices
from ._integrate import ATOL, MAX_STEPS, RTOL, Progress, integrate
from ._invariants import energy_drift, momentum_drift
from ._systems import SystemDefinition, find_system

MAX_STATES = 1_000_000_000
# A relative energy error beyond this is worth a sentence in the report.
_NOTABLE_ENERGY_ERROR = 1e-5


def simulate(
    system: SystemDefinition | str,
    *,
    dim: int = 2,
    n_nodes: int | None = None,
    n_systems: int = 1000,
    seed: int = 0,
    dt: float | None = None,
    n_steps: int | None = None,
    every: int = 1,
    initial_scale: float = 1.0,
    progress: Progress | None = None,
) -> Trajectories:
    """Trajectories of random examples of a system, with exact accelerations.

    Args:
        system: A definition, or the name of a built-in system.
        dim: Dimension of space, 1 to 3.
        n_nodes: Number of particles, >= 2; None takes the system's own.
        n_systems: Number of simulations, >= 1.
        seed: Seed of the initial states, >= 0. Simulation i is the same however many there are.
        dt: Time between states, > 0; None takes the system's own.
        n_steps: Number of states, the initial one included; None takes the system's own.
        every: Keep every so-manieth state, >= 1.
        initial_scale: Factor on the widths of initial positions and velocities, > 0.
        progress: Called with the number of simulations that ended, and of all.

    Returns:
        The trajectories; simulations that could not be integrated are left out, counted in
        `source["n_dropped"]` and noted.

    Raises:
        InputError: If an option is out of range.
        SimulationFailed: If no simulation could be integrated.

    Source:
        Cranmer et al. (2020), arXiv:2006.11287, section 4.1; integrated adaptively to 1e-9 in
        float64 where the paper used odeint in single precision.

    Example:
        >>> simulate("spring", n_systems=2, n_steps=5).positions.shape
        (2, 5, 4, 2)
    """
    system = find_system(system) if isinstance(system, str) else system
    n_nodes = system.default_nodes if n_nodes is None else n_nodes
    dt = system.dt if dt is None else dt
    n_steps = system.n_steps if n_steps is None else n_steps
    _check_counts(dim=dim, n_nodes=n_nodes, n_systems=n_systems, seed=seed, n_steps=n_steps, every=every)
    _check_positive("dt", dt)
    _check_positive("dt times the number of steps", float(dt) * n_steps)
    _check_positive("initial_scale", initial_scale)
    times = dt * np.arange(0, n_steps, every)
    _check_size(n_systems, n_nodes, len(times))
    start = initial_states(system, dim=dim, n_nodes=n_nodes, n_systems=n_systems, seed=seed, scale=initial_scale)
    options = {"seed": seed, "dt": float(dt), "n_steps": n_steps, "every": every, "initial_scale": float(initial_scale)}
    return _integrated(system, *start, times, options, progress)


def simulate_from(
    system: SystemDefinition | str,
    positions: InitialVectors,
    velocities: InitialVectors,
    attributes: Mapping[str, NodeScalars],
    times: Float[np.ndarray, " times"] | Sequence[float],
    *,
    progress: Progress | None = None,
) -> Trajectories:
    """Trajectories from given initial states.

    Args:
        system: A definition, or the name of a built-in system.
        positions: Initial positions.
        velocities: Initial velocities.
        attributes: Attributes by name; those of the law must be there.
        times: Times of the states, strictly rising; the first belongs to the initial states.
        progress: Called with the number of simulations that ended, and of all.

    Returns:
        The trajectories, as of `simulate`.

    Raises:
        InputError: If shapes disagree, a value is not finite or times do not rise.
        SimulationFailed: If no simulation could be integrated.
    """
    system = find_system(system) if isinstance(system, str) else system
    positions, velocities = np.asarray(positions, dtype=np.float64), np.asarray(velocities, dtype=np.float64)
    if positions.ndim != 3 or positions.shape != velocities.shape:
        raise InputError(
            "initial positions and velocities need the same shape (simulations, particles, dimensions); "
            f"got {positions.shape} and {velocities.shape}"
        )
    n_systems, n_nodes, dim = positions.shape
    _check_counts(dim=dim, n_nodes=n_nodes, n_systems=n_systems)
    checked_attributes(system, attributes, positions.shape[:2])
    values = {
        name: np.broadcast_to(np.asarray(value, dtype=np.float64), positions.shape[:2]).copy()
        for name, value in attributes.items()
    }
    for name, array in {"positions": positions, "velocities": velocities, **values}.items():
        if not np.isfinite(array).all():
            raise InputError(f"initial {name} must be finite numbers")
    return _integrated(system, positions, velocities, values, _checked_times(times), {}, progress)


def _integrated(
    system: SystemDefinition,
    positions: InitialVectors,
    velocities: InitialVectors,
    attributes: Mapping[str, NodeScalars],
    times: Float[np.ndarray, " times"],
    options: Mapping[str, Any],
    progress: Progress | None,
) -> Trajectories:
    """Integrate, drop what failed and make the record."""
    n_systems, n_nodes, dim = positions.shape
    _check_size(n_systems, n_nodes, len(times))
    used = checked_attributes(system, attributes, (n_systems, n_nodes))
    dynamics = dynamics_of(system, dim, n_nodes)
    solution = integrate(dynamics, positions, velocities, used, times, progress=progress)
    kept = np.flatnonzero(solution.finished)
    if not len(kept):
        raise SimulationFailed(
            f"none of {n_systems} simulations of {system.name!r} could be integrated: each diverged or took more than "
            f"{MAX_STEPS} steps. A potential without softening, or an attraction without bound, does this."
        )
    x, v = (
        (solution.positions, solution.velocities)
        if len(kept) == n_systems
        else (solution.positions[kept], solution.velocities[kept])
    )
    chosen = {name: value[kept] for name, value in attributes.items()}
    # The law with a time axis put into the attributes: they are constant in time.
    over_time = {name: value[kept][:, None, :] for name, value in used.items()}
    record = Trajectories(
        times=np.tile(times, (len(kept), 1)),
        positions=x,
        velocities=v,
        accelerations=accelerations(system, x, v, over_time),
        present=np.ones(x.shape[:3], dtype=bool),
        attributes=chosen,
        edges=_edges(system, n_nodes),
        system_names=tuple(str(i) for i in kept),
        particle_names=(tuple(str(i) for i in range(n_nodes)),) * len(kept),
    )
    return _with_account(system, record, n_systems, options)


def _with_account(
    system: SystemDefinition, record: Trajectories, n_asked: int, options: Mapping[str, Any]
) -> Trajectories:
    """The record with how it was made and how exact it is."""
    dropped = n_asked - record.n_systems
    energy = _summary(energy_drift(system, record)) if system.conservative else None
    notes = []
    if dropped:
        notes.append(
            f"{dropped} of {n_asked} simulations diverged or took more than {MAX_STEPS} steps and were dropped."
        )
    if energy is not None and energy["worst"] > _NOTABLE_ENERGY_ERROR:
        notes.append(f"The worst relative energy error of a simulation is {energy['worst']:.1e}.")
    source = {
        "system": system.name,
        "pair_force": system.pair_force,
        "pair_potential": system.pair_potential,
        "dim": record.dim,
        "n_nodes": record.n_nodes,
        "n_systems": n_asked,
        **options,
        "softening": system.softening,
        "integrator": "Dormand-Prince 8(7), adaptive, float64",
        "rtol": RTOL,
        "atol": ATOL,
        "max_steps": MAX_STEPS,
        "n_dropped": dropped,
        "energy_error": energy,
        "momentum_error": _summary(momentum_drift(record)) if system.isolated else None,
    }
    return replace(record, source=source, notes=tuple(notes))


def _summary(drift: Float[np.ndarray, " systems"]) -> dict[str, float]:
    """Median and worst over simulations."""
    return {"median": float(np.median(drift)), "worst": float(np.max(drift))}


def _edges(system: SystemDefinition, n_nodes: int) -> Edges | None:
    """Both directions of every pair that interacts; None where all do."""
    if system.connectivity == "complete":
        return None
    first, second = pair_indices(system.connectivity, n_nodes)
    senders, receivers = np.concatenate([first, second]), np.concatenate([second, first])
    return Edges(system=np.full(len(senders), -1), senders=senders, receivers=receivers)


def _check_counts(**counts: int) -> None:
    """Refuse counts that are no integers or too small."""
    lowest = {"n_nodes": 2, "seed": 0}
    for name, value in counts.items():
        if not isinstance(value, int | np.integer) or isinstance(value, bool):
            raise InputError(f"{name} must be an integer; got {value!r}")
        if value < lowest.get(name, 1):
            raise InputError(f"{name} must be at least {lowest.get(name, 1)}; got {value}")
        if name == "dim" and value > 3:
            raise InputError(f"dim must be 1, 2 or 3; got {value}")


def _check_positive(name: str, value: float) -> None:
    """Refuse what is no positive number."""
    if not (isinstance(value, int | float | np.number) and math.isfinite(value) and value > 0):
        raise InputError(f"{name} must be a positive number; got {value!r}")


def _check_size(n_systems: int, n_nodes: int, n_times: int) -> None:
    """Refuse more states than a machine holds."""
    if n_systems * n_nodes * n_times > MAX_STATES:
        raise InputError(
            f"{n_systems} simulations x {n_times} times x {n_nodes} particles are more than {MAX_STATES:,} states; "
            "ask for fewer, or keep fewer with every"
        )


def _checked_times(times: Float[np.ndarray, " times"] | Sequence[float]) -> Float[np.ndarray, " times"]:
    """Times as an array, if they rise strictly."""
    values = np.asarray(times, dtype=np.float64)
    if values.ndim != 1 or not len(values) or not np.isfinite(values).all() or (np.diff(values) <= 0).any():
        raise InputError("times must be a list of finite numbers that rise strictly")
    return values
