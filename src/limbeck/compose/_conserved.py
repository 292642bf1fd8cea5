"""What a law conserves, and how far energy and momenta drift along the paths of law, network and data.

Everything is measured by the law's own potential and inertia. Whether a quantity is meant to be conserved is asked of
the law itself, channel by channel, so that drag or a field is not read as a fault of the integrator.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Float

from limbeck.expressions import Expression, evaluate, variables
from limbeck.graphs import GraphDataset, Snapshots

from ._callable import law_accelerations
from ._law import Law
from ._states import AXES
from ._strings import pair_potential

BALANCED = 1e-9  # net force or torque, as a share of its parts, that is rounding
MOST_STATES = 64  # states at which a law is asked what it conserves
DISSIPATIVE = ("drag", "friction")  # change the energy, but leave it its meaning
WORDS = {
    "radial": "a pair force without the third law",
    "friction": "friction between particles",
    "transverse": "a transverse pair force",
    "message": "a pair force of no fixed direction",
    "drag": "drag",
    "central": "a central force about the origin",
    "uniform": "a uniform force",
    "field": "an outer field",
}


class Paths(NamedTuple):
    """Trajectories of particles.

    Attributes:
        positions: Positions; NaN where a path was lost.
        velocities: Velocities.
    """

    positions: Float[np.ndarray, "systems times nodes dim"]
    velocities: Float[np.ndarray, "systems times nodes dim"]


@dataclass(frozen=True, kw_only=True)
class Drift:
    """Largest relative change of one quantity along paths, median over simulations.

    Attributes:
        quantity: `energy`, `momentum` or `angular momentum`.
        conserved: Whether the law is meant to conserve it.
        reason: Why it is not, or can't be measured, in words; empty where it is conserved.
        law: Change under the law; None where it can't be measured or most paths were lost.
        network: The same under the network.
        given: The same along the data.
    """

    quantity: str
    conserved: bool
    reason: str
    law: float | None
    network: float | None
    given: float | None


def drifts(law: Law, dataset: GraphDataset, start: Snapshots, paths: Mapping[str, Paths]) -> tuple[Drift, ...]:
    """Energy, momentum and, from two dimensions on, angular momentum along three sets of paths.

    Args:
        law: The law.
        dataset: Its pairs, attributes and radius are what counts.
        start: First states of the simulations, with the weights of all edges that may act, near or not.
        paths: Paths under `law` and `network`, and those `given`.

    Returns:
        One record for each quantity.
    """
    measure = _Measure(law, dataset, start, paths["law"])
    quantities = ("energy", "momentum", "angular momentum")[: 3 if law.dim > 1 else 2]
    return tuple(_drift(measure, quantity, paths) for quantity in quantities)


def _drift(measure: "_Measure", quantity: str, paths: Mapping[str, Paths]) -> Drift:
    """One quantity."""
    unknown, why = measure.unmeasured(quantity), measure.broken_by(quantity)
    reason = unknown or ("not conserved by this law: " + ", ".join(WORDS[c] for c in why) if why else "")
    changes: dict[str, float | None] = dict.fromkeys(("law", "network", "given"))
    if not unknown:
        changes = {name: _median(measure.change(quantity, path)) for name, path in paths.items()}
    return Drift(quantity=quantity, conserved=not reason, reason=reason, **changes)


def _median(changes: Float[np.ndarray, " systems"]) -> float | None:
    """Median over simulations; None where most were lost."""
    middle = float(np.median(np.where(np.isfinite(changes), changes, np.inf)))
    return middle if np.isfinite(middle) else None


class _Measure:
    """A law's own energy and momenta, and which of its channels change them."""

    def __init__(self, law: Law, dataset: GraphDataset, start: Snapshots, own: Paths) -> None:
        """Look at every channel along the law's own paths."""
        self.law, self.dataset, self.start = law, dataset, start
        self.inertia = self._inertia()
        centre = start.positions.mean(axis=1) if "central" not in law.components else 0.0 * start.positions[:, 0]
        self.centre = centre[:, None, None]  # a torque about the origin means something to a central force only
        self.potential = self._pair_potential()
        self.unbalanced = self._unbalanced(own)

    def unmeasured(self, quantity: str) -> str:
        """Why a quantity has no meaning under the law; empty where it has one."""
        if self.inertia is None:
            return "the inertia is not a constant of each particle"
        if quantity != "energy":
            return ""
        without = [name for name in self.law.components if not self._has_energy(name)]
        if without:
            return f"{WORDS[_stem(without[0])]} has no potential energy that can be written down"
        return ""

    def broken_by(self, quantity: str) -> list[str]:
        """Kinds of channels that change a quantity."""
        if quantity == "energy":
            return [name for name in self.law.components if name in DISSIPATIVE]
        return self.unbalanced[0 if quantity == "momentum" else 1]

    def change(self, quantity: str, path: Paths) -> Float[np.ndarray, " systems"]:
        """Largest change over the size of the parts, for each simulation."""
        with np.errstate(all="ignore"):
            values, size = self._energy(path) if quantity == "energy" else self._momentum(path, quantity)
            moved = np.linalg.norm(values - values[:, :1], axis=-1)
            return np.max(moved, axis=1) / np.where(size > 0, size, 1.0)

    def _inertia(self) -> Float[np.ndarray, "systems nodes"] | None:
        """Inertia of every particle, None where it changes along a path."""
        shape = self.start.positions.shape[:2]
        if "inertia" not in self.law.components:
            return np.ones(shape)
        expression = self.law.components["inertia"]
        own = self._own_attributes()
        if not variables(expression) <= own.keys():
            return None
        return np.broadcast_to(evaluate(expression, own), shape)

    def _own_attributes(self) -> dict[str, np.ndarray]:
        """Attributes of each particle, by the names of equations."""
        names = self.dataset.attribute_names
        return {f"{name}_1": self.start.attributes[:, :, k] for k, name in enumerate(names)}

    def _pair_potential(self) -> Expression | None:
        """Potential of the radial force, whatever else the law has."""
        radial = self.law.components.get("radial")
        return None if radial is None else pair_potential(Law(components={"radial": radial}, dim=self.law.dim))

    def _has_energy(self, name: str) -> bool:
        """Whether a channel leaves the energy its meaning: a potential, or a loss."""
        if name == "radial":
            return self.potential is not None and not self._is_one_sided()
        if _stem(name) in ("uniform", "central"):
            return variables(self.law.components[name]) <= self._own_attributes().keys()
        return name == "inertia" or name in DISSIPATIVE

    def _is_one_sided(self) -> bool:
        """Whether pairs act in one direction only, or unequally."""
        return "radial" in self.unbalanced[0]

    def _unbalanced(self, own: Paths) -> tuple[list[str], list[str]]:
        """Kinds of channels with a net force, and those with a net torque."""
        states, centre = self._states(own)
        pairs = self.dataset.pairs
        force_of, found = {}, ([], [])
        for name, expression in self.law.components.items():
            if name == "inertia":
                continue
            only = Law(components={name: expression}, dim=self.law.dim)
            with np.errstate(all="ignore"):
                force = law_accelerations(only, states, pairs.first, pairs.second, self.dataset.attribute_names, np)
            force_of[_stem(name)] = force_of.get(_stem(name), 0.0) + force
        for stem, force in force_of.items():
            turned = _cross(states.positions - centre, force)
            for k, parts in enumerate((force, turned)):
                if _net(parts) > BALANCED:
                    found[k].append(stem)
        return found

    def _states(self, own: Paths) -> tuple[Snapshots, np.ndarray]:
        """Some states of the law's paths, with their edges, and the point that torques are about."""
        there = np.argwhere(np.isfinite(own.positions).all(axis=(2, 3)) & np.isfinite(own.velocities).all(axis=(2, 3)))
        system, time = there[:: max(1, -(-len(there) // MOST_STATES))].T
        chosen = Snapshots(*(np.asarray(array)[system] for array in self.start))
        chosen = chosen._replace(positions=own.positions[system, time], velocities=own.velocities[system, time])
        forward, backward = self._weights(chosen.positions[:, None], system)
        return chosen._replace(forward=forward[:, 0], backward=backward[:, 0]), self.centre[system, 0]

    def _weights(self, positions: np.ndarray, system: Any) -> tuple[np.ndarray, np.ndarray]:
        """Weights of the pairs in both directions (systems times pairs)."""
        radius = self.dataset.trajectories.radius
        ends = self.start.forward[system][:, None], self.start.backward[system][:, None]
        if radius is None:
            shape = (*positions.shape[:2], len(self.dataset.pairs.first))
            return tuple(np.broadcast_to(end, shape) for end in ends)  # type: ignore[return-value]
        inside = self._distances(positions) < radius
        return ends[0] * inside, ends[1] * inside

    def _distances(self, positions: np.ndarray) -> np.ndarray:
        """Distances of all pairs."""
        pairs = self.dataset.pairs
        return np.linalg.norm(positions[..., pairs.first, :] - positions[..., pairs.second, :], axis=-1)

    def _energy(self, path: Paths) -> tuple[np.ndarray, np.ndarray]:
        """Energy over time, and the size by which its change is measured."""
        kinetic = 0.5 * np.sum(self._masses() * np.sum(path.velocities**2, axis=-1), axis=-1)
        total = kinetic + self._pair_energy(path) + self._outer_energy(path)
        return total[..., None], np.max(np.abs(kinetic), axis=1) + np.abs(total[:, 0])

    def _pair_energy(self, path: Paths) -> np.ndarray:
        """Potential of all pairs; a force that is cut off at a radius has none beyond it."""
        if self.potential is None:
            return np.zeros(path.positions.shape[:2])
        pairs, names, radius = self.dataset.pairs, self.dataset.attribute_names, self.dataset.trajectories.radius
        columns = {"r": self._distances(path.positions)}
        for k, name in enumerate(names):
            for end, index in (("1", pairs.first), ("2", pairs.second)):
                columns[f"{name}_{end}"] = self.start.attributes[:, None, index, k]
        energy = evaluate(self.potential, columns)
        if radius is not None:
            energy = energy - evaluate(self.potential, columns | {"r": np.asarray(radius)})
        weights, _ = self._weights(path.positions, np.arange(len(path.positions)))
        return np.sum(np.where(weights > 0, weights * energy, 0.0), axis=-1)

    def _outer_energy(self, path: Paths) -> np.ndarray:
        """Potential of uniform and central forces."""
        own, total = self._own_attributes(), np.zeros(path.positions.shape[:2])
        for name, expression in self.law.components.items():
            stem = _stem(name)
            if stem not in ("uniform", "central"):
                continue
            strength = np.broadcast_to(evaluate(expression, own), self.start.positions.shape[:2])
            strength = np.where(self.start.weights > 0, strength, 0.0)[:, None]  # what isn't there has no energy
            if stem == "central":
                total -= np.sum(strength * 0.5 * np.sum(path.positions**2, axis=-1), axis=-1)
            else:
                total -= np.sum(strength * path.positions[..., AXES.index(name[-1])], axis=-1)
        return total

    def _momentum(self, path: Paths, quantity: str) -> tuple[np.ndarray, np.ndarray]:
        """Momentum or angular momentum over time, and the largest sum of its parts' sizes."""
        parts = self._masses()[..., None] * path.velocities
        if quantity != "momentum":
            parts = _cross(path.positions - self.centre, parts)
        return parts.sum(axis=2), np.max(np.linalg.norm(parts, axis=-1).sum(axis=2), axis=1)

    def _masses(self) -> np.ndarray:
        """Inertia over time."""
        assert self.inertia is not None  # asked before
        return self.inertia[:, None]


def _stem(name: str) -> str:
    """A channel without its axis."""
    stem, _, axis = name.rpartition("_")
    return stem if axis in AXES and stem else name


def _cross(x: np.ndarray, f: np.ndarray) -> np.ndarray:
    """Torques; none in one dimension."""
    if x.shape[-1] == 1:
        return np.zeros_like(f)
    if x.shape[-1] == 2:
        return (x[..., 0] * f[..., 1] - x[..., 1] * f[..., 0])[..., None]
    return np.cross(x, f)


def _net(parts: Float[np.ndarray, "states nodes components"]) -> float:
    """Sum over particles as a share of the sum of sizes, the largest over states."""
    with np.errstate(all="ignore"):
        share = np.linalg.norm(parts.sum(axis=1), axis=-1) / np.linalg.norm(parts, axis=-1).sum(axis=1)
    share = share[np.isfinite(share)]
    return float(share.max()) if len(share) else 0.0
