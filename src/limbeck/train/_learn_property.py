"""Learn a property that nobody measured, together with the force that it takes part in.

A property can do two things: resist (inertia) or couple (a charge, which multiplies
the force), or both (mass in gravity). Each of these is tried, with what is given in the
other places; the one that fits best is kept.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import jax
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from limbeck.graphs import GraphDataset, spread_over_times
from limbeck.models import AttributeInertia, CoupledMessage, GraphNetwork, measure_scales, parse_biases
from limbeck.trajectories import object_index, objects_return, with_attribute

from ._couplings import Couplings, Factors, Role, alternate
from ._evaluate import pair_index, validation_error
from ._fit import TrainedModel
from ._pair_rows import PairRows, lay_out_pairs
from ._smooth_couplings import continue_from

NUMBERS = 2e6  # entries of the table of splines: a second or so for a fit
FEWEST = 12  # snapshots of each group, where there are as many
MOST_ROWS = 12_000
TRIED_GROUPS = 100  # groups that every reading of the property is tried on
STARTS = 8
AGREE = 1.01  # two starts within this factor of one error have found one place
SETTLED = 1e-3  # weighted error from which on no other start is asked
CLEARLY = 0.8  # a reading further down the list must lower the error to this share
MOST_SHARED = 40  # objects between whose pairs strengths are fitted one by one
KNOTS = 4_000
LEARNING_BIASES = ("translation", "rotation", "reflection", "third-law", "second-law")
LEAST = 1e-9  # of the largest: the least that a mass is taken for


@dataclass(frozen=True, kw_only=True)
class Reading:
    """What a property may do.

    Attributes:
        role: Whether it is the coupling, the inertia, or both.
        inertia: Given attribute that is the inertia, where it is not the property; empty for none.
        coupling: Given attribute that couples too; empty for none.
    """

    role: Role
    inertia: str = ""
    coupling: str = ""

    def __str__(self) -> str:
        """In words."""
        does = {"both": "resists and couples", "inertia": "resists", "coupling": "couples"}[self.role]
        beside = [f"{self.coupling} couples"] * bool(self.coupling) + [f"{self.inertia} resists"] * bool(self.inertia)
        return ", ".join([does, *beside])


@dataclass(frozen=True, kw_only=True, eq=False)
class LearnedProperty:
    """A property with the force that was learned beside it.

    Attributes:
        name: Name of the property.
        reading: What it does.
        values: Its value for every particle; in units of the largest where all objects return, else of the mean size.
        distances: Knots of the force, even in their logarithm [length].
        forces: Radial force at each knot, between particles whose couplings are 1.
        error: Root mean square of the weighted error.
    """

    name: str
    reading: Reading
    values: Float[np.ndarray, "systems nodes"]
    distances: Float[np.ndarray, " knots"]
    forces: Float[np.ndarray, " knots"]
    error: float

    def dataset(self, dataset: GraphDataset) -> GraphDataset:
        """The data with the property among the attributes, after those that were given.

        Args:
            dataset: The data.

        Returns:
            The same graphs and parts.
        """
        return with_property(dataset, self.name, self.values)

    def network(self, dataset: GraphDataset) -> TrainedModel:
        """Property and force as a graph network.

        Args:
            dataset: The data with the property among the attributes.

        Returns:
            The network, judged on validation snapshots.
        """
        named, reading = dataset.attribute_names, self.reading
        scales = measure_scales(dataset)
        couple = [self.name] * (reading.role != "inertia") + [reading.coupling] * bool(reading.coupling)
        resists = reading.inertia if reading.role == "coupling" else self.name
        model = GraphNetwork(
            edge_model=CoupledMessage(
                distances=self.distances.astype(np.float32),
                forces=self.forces.astype(np.float32),
                couplings=tuple(named.index(n) for n in couple),
                scales=scales,
            ),
            inertia=AttributeInertia(attribute=named.index(resists) if resists else None, scales=scales),
            field=None,
            node_model=None,
            scales=scales,
            biases=parse_biases(",".join(LEARNING_BIASES)),
        )
        error = validation_error(model, dataset)
        return TrainedModel(
            model=model,
            pairs=pair_index(dataset),
            validation_error=error,
            errors=np.array([[error]]),
            losses=np.array([[self.error]]),
            steps=0,
            status=f"fitted with {self.name} unknown: it {reading}",
        )


def with_property(dataset: GraphDataset, name: str, values: Float[np.ndarray, "systems nodes"]) -> GraphDataset:
    """Put a property among the attributes of a dataset.

    Args:
        dataset: The data, with or without it.
        name: Its name.
        values: Its value for every particle.

    Returns:
        The same graphs and parts.
    """
    named = (*(other for other in dataset.attribute_names if other != name), name)
    return replace(dataset, trajectories=with_attribute(dataset.trajectories, name, values), attribute_names=named)


Told = Callable[[str, float], None]


def learn_property(dataset: GraphDataset, name: str, *, key: PRNGKeyArray, told: Told | None = None) -> LearnedProperty:
    """Learn one property of every particle from their accelerations.

    Args:
        dataset: The graphs, divided by time: what was learned of a particle must be held against other times of it.
        name: What the property is called.
        key: Decides the starts.
        told: Called with each reading and its error.

    Returns:
        The property, up to a scale (and a sign, where it couples without resisting), and the force.
    """
    generator = np.random.default_rng(np.asarray(jax.random.key_data(key)).ravel().tolist())
    rows = lay_out_pairs(dataset, _spread_rows(dataset, TRIED_GROUPS))
    best: tuple[float, Reading] | None = None
    for reading in _readings(dataset):
        error = _fitted(rows, reading, generator).error
        if told is not None:
            told(str(reading), error)
        if best is None or error < CLEARLY * best[0]:
            best = (error, reading)
        if error < SETTLED:
            break
    assert best is not None
    reading = best[1]
    everything = lay_out_pairs(dataset, _spread_rows(dataset, dataset.trajectories.n_systems))
    fit = _fitted(everything, reading, generator)
    values = _spread(dataset, reading, fit, everything)
    there = dataset.trajectories.present.any(axis=1)
    sizes = np.abs(values[there])
    unit = float(np.max(sizes) if objects_return(dataset.trajectories) else np.mean(sizes))
    logs = np.linspace(*fit.splines.ends, KNOTS)
    # The force between couplings of the new unit, over an inertia of the new unit.
    power = {"both": 1, "inertia": -1, "coupling": 2}[reading.role]
    return LearnedProperty(
        name=name,
        reading=reading,
        values=values / unit,
        distances=np.exp(logs),
        forces=fit.kernel(logs) * unit**power,
        error=fit.error,
    )


def _readings(dataset: GraphDataset) -> Iterator[Reading]:
    """Every reading, what explains most with least first."""
    given = ("", *dataset.attribute_names)
    positive = ("", *(n for n in dataset.attribute_names if np.all(dataset.trajectories.attributes[n] > 0)))
    for role in ("both", "inertia"):
        yield from (Reading(role=role, coupling=coupling) for coupling in given)
    if objects_return(dataset.trajectories) and len(np.unique(object_index(dataset.trajectories))) > MOST_SHARED:
        return
    for inertia in positive:
        yield from (Reading(role="coupling", inertia=inertia, coupling=c) for c in given)


def _spread_rows(dataset: GraphDataset, n_systems: int) -> Int[np.ndarray, "rows 2"]:
    """Training snapshots, evenly over the times of some simulations."""
    t = dataset.trajectories
    most = int(min(MOST_ROWS, NUMBERS / (t.n_nodes**2 * 40)))
    systems = np.unique(dataset.train[:, 0])
    systems = systems[:: max(1, -(-len(systems) // n_systems))]
    rows = dataset.train[np.isin(dataset.train[:, 0], systems)]
    return spread_over_times(rows, max(FEWEST, most // max(len(systems), 1)))


def _fitted(rows: PairRows, reading: Reading, generator: np.random.Generator) -> Couplings:
    """The best fit of several starts; no more of them than are needed."""
    ones = np.ones(rows.slots.shape)
    charge = rows.attributes[reading.coupling] if reading.coupling else ones
    factors = Factors(
        pair=charge[:, :, None] * charge[:, None, :],
        inertia=rows.attributes[reading.inertia] if reading.inertia else ones,
    )
    found: list[Couplings] = []
    for start in range(STARTS):
        found += list(_from_start(rows, reading.role, factors, generator, start))
        best, *others = sorted(found, key=lambda fit: fit.error)
        if best.error < SETTLED or (start > 2 and others and others[0].error < AGREE * best.error):
            break
    return min(found, key=lambda fit: fit.error)


def _from_start(
    rows: PairRows, role: Role, factors: Factors, generator: np.random.Generator, start: int
) -> Iterator[Couplings]:
    """Fits from one start: turns of least squares and, where all objects return, the smooth force of either sign."""
    if role == "coupling":
        n_pairs = rows.n_slots * (rows.n_slots - 1) // 2
        yield alternate(rows, role, factors, generator.normal(size=(rows.n_groups, n_pairs)))
        return
    if start == 0:  # nothing is drawn: a second one would be the same
        yield alternate(rows, role, factors, np.ones((rows.n_groups, rows.n_slots)))
    if rows.n_groups == 1:
        yield continue_from(rows, role, factors, generator, -1.0 if start % 2 == 0 else 1.0)


def _spread(
    dataset: GraphDataset, reading: Reading, fit: Couplings, rows: PairRows
) -> Float[np.ndarray, "systems nodes"]:
    """The property of every particle; the typical one where nothing was learnt of it."""
    t = dataset.trajectories
    values = fit.values
    if reading.role != "coupling":  # neither a mass nor an inertia is negative: noise alone makes it so
        values = np.maximum(values, LEAST * np.max(values[np.isfinite(values)]))
    objects = object_index(t)
    if rows.n_groups == 1 and objects_return(t):
        place = np.unique(objects, return_inverse=True)[1].reshape(objects.shape)
        return values[0][place]
    found = np.full(objects.shape, float(np.median(values[np.isfinite(values)])))
    found[rows.systems] = values
    return np.where(np.isfinite(found), found, 1.0)
