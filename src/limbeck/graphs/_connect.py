"""Turn trajectories into graphs: pairs, splits and batches of snapshots."""

from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from jaxtyping import Bool, Float, Int

from limbeck._errors import InputError
from limbeck.trajectories import Edges, Split, Trajectories, split_snapshots, targets_of

from ._hold_out import HoldOut, particles_held_out
from ._precision import Precision
from ._snapshots import PairList, Snapshots

OUTER_FRACTION = 0.1
PRECISION_SNAPSHOTS = 200  # of each simulation, from which the usual error is told


@dataclass(frozen=True, kw_only=True, eq=False)
class GraphDataset:
    """Trajectories as graphs: pairs, parts and the attributes that a law may use.

    Attributes:
        trajectories: The states.
        pairs: Which pairs interact.
        attribute_names: Attributes that vary between particles, in the order of the last axis of a batch.
        constant_attributes: Attributes with one value throughout, which no law can be learnt for.
        train: Snapshots (system, time) to fit on.
        validation: Snapshots to choose by.
        test: Snapshots to report on.
        extrapolation: Snapshots of the test part, or of others where it has none, whose widest pair lies in the outer
            tenth; no part of the training or validation reaches as far.
        reach: The widest distance of a pair in training [length].
        split_rule: How the parts were made, in words.
        held_out: Snapshots of the test part with a particle in a region that was asked to be held out; no part
            of the training or validation has one.
        hold_out: That region, or None.
    """

    trajectories: Trajectories
    pairs: PairList
    attribute_names: tuple[str, ...]
    constant_attributes: dict[str, float]
    train: Int[np.ndarray, "train_samples 2"]
    validation: Int[np.ndarray, "validation_samples 2"]
    test: Int[np.ndarray, "test_samples 2"]
    extrapolation: Int[np.ndarray, "extrapolation_samples 2"]
    reach: float
    split_rule: str
    held_out: Int[np.ndarray, "held_out_samples 2"] = field(default_factory=lambda: np.zeros((0, 2), dtype=int))
    hold_out: HoldOut | None = None

    def batch(self, chosen: Int[np.ndarray, "samples 2"]) -> Snapshots:
        """Gather snapshots into dense float64 arrays.

        Args:
            chosen: Rows of (system, time).

        Returns:
            The snapshots, on the host.
        """
        t = self.trajectories
        system, time = chosen[:, 0], chosen[:, 1]
        present = t.present[system, time]
        accelerations = t.accelerations[system, time]
        weights = self._targets[system, time]
        positions = _park_absent(t.positions[system, time], present, self.reach if np.isfinite(self.reach) else 1.0)
        forward, backward = self._edge_weights(system, positions, present)
        attributes = [_filled(t.attributes[name][system], present) for name in self.attribute_names]
        return Snapshots(
            positions=positions,
            velocities=np.where(present[..., None], t.velocities[system, time], 0.0),
            attributes=np.stack(attributes, axis=-1) if attributes else np.zeros((*weights.shape, 0)),
            forward=forward,
            backward=backward,
            targets=np.where(weights[..., None], accelerations, 0.0),
            weights=self._target_weights(weights, accelerations, system, time),
        )

    @cached_property
    def _targets(self) -> Bool[np.ndarray, "systems times nodes"]:
        """Which accelerations are targets."""
        return targets_of(self.trajectories)

    def _target_weights(
        self,
        there: Bool[np.ndarray, "samples nodes"],
        accelerations: Float[np.ndarray, "samples nodes dim"],
        system: Int[np.ndarray, " samples"],
        time: Int[np.ndarray, " samples"],
    ) -> Float[np.ndarray, "samples nodes"]:
        """Weight of each target: 1, or less where its standard error is larger than most."""
        errors = self.trajectories.acceleration_errors
        if errors is None:
            return there.astype(float)
        return there * self.precision.weights(accelerations, errors[system, time])

    @cached_property
    def precision(self) -> Precision:
        """How well accelerations are known beside their size."""
        t, rows = self.trajectories, spread_over_times(self.train, PRECISION_SNAPSHOTS)
        assert t.acceleration_errors is not None
        system, time = rows.T
        return Precision.of(t.accelerations[system, time], t.acceleration_errors[system, time])

    def _edge_weights(
        self,
        system: Int[np.ndarray, " samples"],
        positions: Float[np.ndarray, "samples nodes dim"],
        present: Bool[np.ndarray, "samples nodes"],
    ) -> tuple[Float[np.ndarray, "samples pairs"], Float[np.ndarray, "samples pairs"]]:
        """Weights of both directions of each pair in the given snapshots."""
        first, second = self.pairs.first, self.pairs.second
        row = _rows(self.pairs, system)
        both = (present[:, first] & present[:, second]).astype(float)
        radius = self.trajectories.radius
        if radius is not None:
            distance = np.linalg.norm(positions[:, first] - positions[:, second], axis=-1)
            both = both * (distance < radius)
        return self.pairs.forward[row] * both, self.pairs.backward[row] * both


def _rows(pairs: PairList, system: Int[np.ndarray, " samples"]) -> Int[np.ndarray, " samples"]:
    """Which row of the weights of the pairs belongs to each snapshot."""
    return system if len(pairs.forward) > 1 else np.zeros_like(system)


def _park_absent(
    positions: Float[np.ndarray, "samples nodes dim"], present: Bool[np.ndarray, "samples nodes"], alone: float
) -> Float[np.ndarray, "samples nodes dim"]:
    """Put absent particles in a row beside the others: their messages weigh nothing, but must be finite."""
    if present.all():
        return positions
    # Only the others of the same snapshot decide where: a state is then the same in every batch, and the mean of all
    # slots lies near them. The row begins beyond the farthest, so that nobody stands in it; `alone` is how far that
    # counts as where all are in one place.
    there, nodes = present[..., None], positions.shape[1]
    known = np.where(there, positions, 0.0)
    centre = known.sum(axis=1, keepdims=True) / np.maximum(there.sum(axis=1, keepdims=True), 1)
    farthest = np.linalg.norm(np.where(there, positions - centre, 0.0), axis=-1).max(axis=1)
    parking = np.repeat(centre, nodes, axis=1)
    parking[..., 0] += np.where(farthest > 0, farthest, alone)[:, None] * (1.5 + np.arange(nodes) / nodes)
    return np.where(there, positions, parking)


def _filled(
    values: Float[np.ndarray, "samples nodes"], present: Bool[np.ndarray, "samples nodes"]
) -> Float[np.ndarray, "samples nodes"]:
    """Give absent particles an attribute that others have, since 0 times an infinite message is undefined."""
    if present.all():
        return values
    return np.where(present, values, np.median(values[present]) if present.any() else 1.0)


def connect(
    trajectories: Trajectories, *, seed: int, by_time: bool = False, hold_out: HoldOut | None = None
) -> GraphDataset:
    """Build the graphs of trajectories and divide them into parts.

    Args:
        trajectories: The states; every pair interacts unless they carry edges or a radius.
        seed: Decides which simulation (or block of time) goes into which part.
        by_time: Whether every simulation is divided, however many there are.
        hold_out: A region that training must not see; its snapshots in the test part are kept apart.

    Returns:
        The dataset that every later stage works on.

    Raises:
        InputError: If no pair interacts in training, there are too few snapshots for three parts, or too few
            within or without the region.
    """
    pairs = pair_list(trajectories)
    split = split_snapshots(trajectories, seed=seed, by_time=by_time)
    split, held_out = _without_region(trajectories, pairs, split, hold_out)
    varying, constant = _attributes_that_vary(trajectories)
    parts, reach = _hold_out_outer(trajectories, pairs, split)
    return GraphDataset(
        trajectories=trajectories,
        pairs=pairs,
        attribute_names=varying,
        constant_attributes=constant,
        reach=reach,
        split_rule=split.how,
        held_out=held_out,
        hold_out=hold_out,
        **parts,
    )


def _without_region(
    trajectories: Trajectories, pairs: PairList, split: Split, hold_out: HoldOut | None
) -> tuple[Split, Int[np.ndarray, "samples 2"]]:
    """Take snapshots in the region out of every part; the test part's are kept."""
    if hold_out is None:
        return split, np.zeros((0, 2), dtype=int)
    names = ("train", "validation", "test")
    rows = {name: getattr(split, name) for name in names}
    inside = {name: particles_held_out(hold_out, trajectories, pairs, rows[name]).any(axis=1) for name in names}
    kept = {name: rows[name][~inside[name]] for name in names}
    held_out = rows["test"][inside["test"]]
    if any(len(part) < 2 for part in kept.values()) or len(held_out) == 0:
        counts = ", ".join(f"{name} {int(inside[name].sum())} of {len(rows[name])}" for name in names)
        raise InputError(
            f"--hold-out {hold_out} must leave at least 2 snapshots in every part and take at least one of the test "
            f"part; it takes: {counts}"
        )
    taken = int(sum(mask.sum() for mask in inside.values()))
    how = f"{split.how} {taken} snapshots with {hold_out} were held out of every part."
    return replace(split, how=how, **kept), held_out


def pair_list(trajectories: Trajectories) -> PairList:
    """List the pairs that may interact.

    Args:
        trajectories: The states; their edges, if any, say who acts on whom.

    Returns:
        The union over systems, with a row of weights for each system that differs.

    Raises:
        InputError: If there is no edge at all.
    """
    n = trajectories.n_nodes
    if trajectories.edges is None:
        first, second = np.triu_indices(n, k=1)
        ones = np.ones((1, len(first)))
        return PairList(first, second, ones, ones)
    return _pairs_of_edges(trajectories.edges, n, trajectories.n_systems)


def _pairs_of_edges(edges: Edges, n_nodes: int, n_systems: int) -> PairList:
    """Merge directed edges into pairs with a weight for each direction."""
    low = np.minimum(edges.senders, edges.receivers)
    high = np.maximum(edges.senders, edges.receivers)
    codes, place = np.unique(low * n_nodes + high, return_inverse=True)
    if len(codes) == 0:
        raise InputError("the list of edges is empty: nothing acts on anything")
    shared = bool(np.all(edges.system < 0))
    rows = 1 if shared else n_systems
    forward, backward = np.zeros((rows, len(codes))), np.zeros((rows, len(codes)))
    to_first = edges.receivers == low
    for weights, mine in ((forward, to_first), (backward, ~to_first)):
        everywhere = mine & (edges.system < 0)
        weights[:, place[everywhere]] = 1.0
        own = mine & (edges.system >= 0)
        weights[edges.system[own], place[own]] = 1.0
    return PairList(codes // n_nodes, codes % n_nodes, forward, backward)


def _attributes_that_vary(trajectories: Trajectories) -> tuple[tuple[str, ...], dict[str, float]]:
    """Separate attributes with more than one value from constant ones."""
    there = trajectories.present.any(axis=1)
    varying, constant = [], {}
    for name, values in trajectories.attributes.items():
        if name == trajectories.per:
            continue
        seen = np.unique(values[there])
        if len(seen) > 1:
            varying.append(name)
        else:
            constant[name] = float(seen[0])
    return tuple(varying), constant


def _hold_out_outer(
    trajectories: Trajectories, pairs: PairList, split: Split
) -> tuple[dict[str, Int[np.ndarray, "samples 2"]], float]:
    """Take the widest tenth of the snapshots out of every part; the test part's becomes a check."""
    widest = {name: _widest(trajectories, pairs, getattr(split, name)) for name in ("train", "validation", "test")}
    interacting = widest["train"][widest["train"] > 0]  # a snapshot where nothing is near enough has no width
    if len(interacting) == 0:
        within = "" if trajectories.radius is None else f" within the radius {trajectories.radius:g}"
        raise InputError(f"no pair interacts{within} in any snapshot to train on: there is no force to learn")
    edge = float(np.quantile(interacting, 1.0 - OUTER_FRACTION))
    parts = {name: getattr(split, name)[widest[name] <= edge] for name in widest}
    if any(len(part) < 2 for part in parts.values()):
        parts = {name: getattr(split, name) for name in widest}
        return {**parts, "extrapolation": np.zeros((0, 2), dtype=int)}, float(widest["train"].max())
    beyond = {name: getattr(split, name)[widest[name] > edge] for name in widest}
    apart = not np.isin(split.test[:, 0], split.train[:, 0]).any()
    # Where no test simulation comes as far, those that training saw other snapshots of have to do.
    far = (
        beyond["test"] if len(beyond["test"]) or not apart else np.concatenate([beyond["validation"], beyond["train"]])
    )
    return {**parts, "extrapolation": far}, edge


def _widest(
    trajectories: Trajectories, pairs: PairList, chosen: Int[np.ndarray, "samples 2"]
) -> Float[np.ndarray, " samples"]:
    """The widest distance of an interacting pair in each snapshot, a slab at a time."""
    widest = np.zeros(len(chosen))
    slab = max(1, 2_000_000 // max(len(pairs.first), 1))
    for start in range(0, len(chosen), slab):
        system, time = chosen[start : start + slab].T
        x = trajectories.positions[system, time]
        here = trajectories.present[system, time]
        distance = np.linalg.norm(x[:, pairs.first] - x[:, pairs.second], axis=-1)
        there = here[:, pairs.first] & here[:, pairs.second]
        row = _rows(pairs, system)
        acts = (pairs.forward[row] + pairs.backward[row]) > 0
        if trajectories.radius is not None:
            acts &= distance < trajectories.radius
        widest[start : start + slab] = np.max(np.where(there & acts, distance, 0.0), axis=1)
    return widest


def spread_over_times(rows: Int[np.ndarray, "samples 2"], each: int) -> Int[np.ndarray, "kept 2"]:
    """Thin out snapshots, evenly over the times of every simulation.

    Args:
        rows: Snapshots (system, time).
        each: How many are kept of a simulation at most.

    Returns:
        The kept ones, simulation by simulation.
    """
    rows = rows[np.lexsort((rows[:, 1], rows[:, 0]))]
    parts = np.split(rows, np.flatnonzero(np.diff(rows[:, 0])) + 1)
    return np.concatenate([p[np.unique(np.linspace(0, len(p) - 1, min(each, len(p))).astype(int))] for p in parts])
