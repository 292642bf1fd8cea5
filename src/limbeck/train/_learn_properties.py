"""Learn one property that nobody measured, or two, together with the force that they take part in.

A property can do two things: resist (inertia) or couple (a charge, which multiplies
the force), or both (mass in gravity). Each of these is tried, with what is given in the
other places; the one that fits best is kept. Of two, the first is the inertia and the second the coupling, unless one
alone explains as much. Where nothing fits, drag and friction are tried beside each.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial

import jax
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from limbeck.graphs import GraphDataset, spread_over_times
from limbeck.models import AttributeInertia, CoupledMessage, GraphNetwork, SteadyDrag, measure_scales, parse_biases
from limbeck.trajectories import object_index, objects_return, with_attribute

from ._couplings import Couplings, Factors, Role, alternate, strengths_beside
from ._damping import Damping
from ._evaluate import pair_index, validation_error
from ._fit import TrainedModel
from ._pair_rows import PairRows, lay_out_pairs
from ._readings import Reading, readings
from ._smooth_couplings import continue_from

NUMBERS = 2e6  # entries of the table of splines: a second or so for a fit
FEWEST = 12  # snapshots of each group, where there are as many
MOST_ROWS = 12_000
TRIED_GROUPS = 100  # groups that every reading of the property is tried on
STARTS = 8
AGREE = 1.01  # two starts within this factor of one error have found one place
SETTLED = 1e-3  # weighted error from which on no other start is asked
FAR = 2.0  # times the error of the trial: a fit to all groups above it is in a wrong place
CLEARLY = 0.8  # a reading further down the list must lower the error to this share
KNOTS = 4_000
LEARNING_BIASES = ("translation", "rotation", "reflection", "third-law", "second-law")
LEAST = 1e-9  # of the largest: what a mass that pulls at nothing is taken for, unless another is smaller
ROUNDING = 1e-15  # of the largest: pulls and responses below it are rounding, and single precision could not hold them
TOO_HEAVY = 1e3  # times the typical inertia: how heavy such a body is shows too faintly for it to be a unit
PINNED = 1e4  # times the largest known: the inertia of what forces do not move


@dataclass(frozen=True, kw_only=True, eq=False)
class LearnedProperties:
    """Properties with the force that was learned beside them.

    Attributes:
        names: Names that were asked for: one, or the inertia's and the coupling's.
        reading: What they do.
        values: Value for every particle, of each that does something; in units of the largest where all objects
            return, else of the mean size, and where one of two couples, of the largest of its simulation.
        distances: Knots of the force, even in their logarithm [length].
        forces: Radial force at each knot, between particles whose couplings are 1.
        damping: Drag and friction beside it, if any.
        error: Root mean square of the weighted error.
    """

    names: tuple[str, ...]
    reading: Reading
    values: Mapping[str, Float[np.ndarray, "systems nodes"]]
    distances: Float[np.ndarray, " knots"]
    forces: Float[np.ndarray, " knots"]
    damping: Damping | None
    error: float

    def dataset(self, dataset: GraphDataset) -> GraphDataset:
        """The data with the properties among the attributes, after those that were given.

        Args:
            dataset: The data.

        Returns:
            The same graphs and parts.
        """
        for name, values in self.values.items():
            dataset = with_property(dataset, name, values)
        return dataset

    def network(self, dataset: GraphDataset) -> TrainedModel:
        """Properties and force as a graph network.

        Args:
            dataset: The data with the properties among the attributes.

        Returns:
            The network, judged on validation snapshots.
        """
        named, reading = dataset.attribute_names, self.reading
        scales = measure_scales(dataset)
        couple = [name for name in (reading.couples(self.names), reading.coupling) if name]
        resists = reading.resists(self.names)
        inertia = AttributeInertia(attribute=named.index(resists) if resists else None, scales=scales)
        model = GraphNetwork(
            edge_model=CoupledMessage.tabled(
                self.distances,
                self.forces,
                couplings=tuple(named.index(n) for n in couple),
                scales=scales,
                friction=0.0 if self.damping is None else self.damping.friction,
            ),
            inertia=inertia,
            field=None
            if self.damping is None
            else SteadyDrag(factor=self.damping.drag, inertia=inertia if self.damping.grows else None),
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
            status=f"fitted with {' and '.join(self.names)} unknown: {self.names[0]} {reading}",
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


def learn_properties(
    dataset: GraphDataset, names: tuple[str, ...], *, key: PRNGKeyArray, told: Told | None = None
) -> LearnedProperties:
    """Learn one property of every particle, or two, from their accelerations.

    Args:
        dataset: The graphs, divided by time: what was learned of a particle must be held against other times of it.
        names: What the property is called, or the inertia and the coupling.
        key: Decides the starts.
        told: Called with each reading and its error.

    Returns:
        The properties, up to a scale (and a sign, where one couples without resisting), and the force.
    """
    seed = np.asarray(jax.random.key_data(key)).ravel().tolist()
    generator = np.random.default_rng(seed)
    tried = lay_out_pairs(dataset, _spread_rows(dataset, TRIED_GROUPS))
    reading, trial = _best_reading(dataset, names, tried, (generator, np.random.default_rng([*seed, 1])), told)
    everything = lay_out_pairs(dataset, _spread_rows(dataset, dataset.trajectories.n_systems))
    fit = _fitted(everything, reading, generator, trial, is_same=len(everything.systems) == len(tried.systems))
    reading, fit = _without_idle_factor(reading, fit, everything)
    values, force_unit, inertia_unit = _in_units(dataset, names, reading, fit, everything)
    logs = np.linspace(*fit.splines.ends, KNOTS)
    damping = fit.damping
    if damping is not None:
        drag = damping.drag if damping.grows else damping.drag / inertia_unit
        damping = replace(damping, friction=damping.friction * force_unit, drag=drag)
    return LearnedProperties(
        names=names,
        reading=reading,
        values=values,
        distances=np.exp(logs),
        forces=fit.kernel(logs) * force_unit,
        damping=damping,
        error=fit.error,
    )


def _best_reading(
    dataset: GraphDataset,
    names: tuple[str, ...],
    rows: PairRows,
    generators: tuple[np.random.Generator, np.random.Generator],
    told: Told | None,
) -> tuple[Reading, Couplings]:
    """The reading that fits best on some groups; a later one must fit clearly better, and drag needs a reason."""
    best: tuple[Reading, Couplings] | None = None
    plain = tuple(readings(dataset, names))
    # What is at rest has no drag; where nothing was measured of the velocities they are all 0.
    damped = tuple(replace(reading, is_damped=True) for reading in plain) if np.any(rows.velocities) else ()
    for reading in (*plain, *damped):
        fit = _fitted(rows, reading, generators[reading.is_damped])
        if told is not None:
            told(str(reading), fit.error)
        if best is None or fit.error < CLEARLY * best[1].error:
            best = (reading, fit)
        if fit.error < SETTLED:
            break
    assert best is not None
    return best


def _without_idle_factor(reading: Reading, fit: Couplings, rows: PairRows) -> tuple[Reading, Couplings]:
    """The same force without a given factor of free couplings, which they take up: it says nothing of its own."""
    # Such a reading is tried all the same, since turns of least squares may settle with it and not without.
    if reading.role not in ("coupling", "unlike") or not reading.coupling:
        return reading, fit
    given = rows.attributes[reading.coupling]
    where = rows.groups[:, None], rows.slots
    factor = np.ones_like(fit.values)
    factor[where] = given
    if not np.array_equal(factor[where], given):  # it changes while an object stays what it is
        return reading, fit
    values, inertias = fit.values * factor, fit.inertias
    if inertias is not None:  # couplings are in units of the largest of each group
        unit = np.nanmax(np.abs(values), axis=1, keepdims=True)
        unit = np.where(unit > 0, unit, 1.0)
        values, inertias = values / unit, inertias / unit**2
    return replace(reading, coupling=""), replace(fit, values=values, inertias=inertias)


def _in_units(
    dataset: GraphDataset, names: tuple[str, ...], reading: Reading, fit: Couplings, rows: PairRows
) -> tuple[dict[str, Float[np.ndarray, "systems nodes"]], float, float]:
    """Values in units of their own, and what they make of the force and of what is over an inertia."""
    there = dataset.trajectories.present.any(axis=1)

    def unit_of(values: np.ndarray, *, resist: bool) -> float:
        sizes = np.abs(values[there])
        if resist:
            sizes = sizes[sizes <= TOO_HEAVY * np.median(sizes)]
        return float(np.max(sizes) if objects_return(dataset.trajectories) else np.mean(sizes))

    if fit.inertias is not None:
        resisting = _spread(dataset, _inertias_beside_couplings(fit.inertias), rows)
        coupling = _spread(dataset, fit.values, rows)
        unit = unit_of(resisting, resist=True)
        # Couplings are in units of the largest of each group already: there the force has none to take up.
        return {names[0]: resisting / unit, names[1]: coupling}, 1.0 / unit, unit
    positive = {"both": _masses, "inertia": partial(_inertias, rows=rows)}.get(reading.role, np.asarray)
    values = _spread(dataset, positive(fit.values), rows)
    unit = unit_of(values, resist=reading.role == "inertia")
    # The force between couplings of the new unit, over an inertia of the new unit.
    power = {"both": 1, "inertia": -1, "coupling": 2}[reading.role]
    name = reading.couples(names) or reading.resists(names)
    return {name: values / unit}, unit**power, 1.0 if reading.role == "coupling" else unit


def _masses(values: Float[np.ndarray, "groups slots"]) -> Float[np.ndarray, "groups slots"]:
    """Masses that pull; noise alone makes one negative, and such a one is as light as any."""
    known = values > ROUNDING * np.max(values)
    if not np.any(known):
        return np.ones_like(values)  # nothing moves anything
    return np.where(known, values, min(LEAST * np.max(values), np.min(values[known])))


def _inertias(values: Float[np.ndarray, "groups slots"], rows: PairRows) -> Float[np.ndarray, "groups slots"]:
    """Inertias; what does not answer to forces, or by noise a little the wrong way, is heavier than any other."""
    responses = 1.0 / values
    known = responses > ROUNDING * np.max(responses)
    if not np.any(known):
        return np.ones_like(values)  # nothing is moved
    felt = np.zeros(values.shape, dtype=bool)
    receiver, column = np.nonzero((rows.weights > 0) & np.any(rows.acts, axis=2))
    felt[rows.groups[receiver], rows.slots[receiver, column]] = True
    heaviest = PINNED * np.max(values[known])
    return np.where(known, values, np.where(felt, heaviest, np.nan))


def _inertias_beside_couplings(values: Float[np.ndarray, "groups slots"]) -> Float[np.ndarray, "groups slots"]:
    """Inertias, each a coupling over a response: where the response is nothing the object is heavier than any other."""
    known = (values > 0) & np.isfinite(values)
    if not np.any(known):
        return np.ones_like(values)  # nothing moves anything
    typical = float(np.median(values[known]))
    known &= values < typical / ROUNDING
    # Where the coupling is nothing either, or alone, the inertia does not show.
    heaviest = PINNED * np.max(values[known])
    return np.where(known, values, np.where(np.abs(values) > typical, heaviest, typical))


def _spread_rows(dataset: GraphDataset, n_systems: int) -> Int[np.ndarray, "rows 2"]:
    """Training snapshots, evenly over the times of some simulations."""
    t = dataset.trajectories
    most = int(min(MOST_ROWS, NUMBERS / (t.n_nodes**2 * 40)))
    systems = np.unique(dataset.train[:, 0])
    systems = systems[:: max(1, -(-len(systems) // n_systems))]
    rows = dataset.train[np.isin(dataset.train[:, 0], systems)]
    return spread_over_times(rows, max(FEWEST, most // max(len(systems), 1)))


def _fitted(
    rows: PairRows,
    reading: Reading,
    generator: np.random.Generator,
    trial: Couplings | None = None,
    *,
    is_same: bool = False,
) -> Couplings:
    """The best fit of several starts; no more of them than are needed, and none far above a trial while any is left."""
    # A trial on the same snapshots is a fit already; that of other ones has a force to begin with.
    ones = np.ones(rows.slots.shape)
    charge = rows.attributes[reading.coupling] if reading.coupling else ones
    factors = Factors(
        pair=charge[:, :, None] * charge[:, None, :],
        inertia=rows.attributes[reading.inertia] if reading.inertia else ones,
        is_damped=reading.is_damped,
    )
    found: list[Couplings] = []
    if trial is not None and is_same:
        found.append(trial)
    elif trial is not None and not trial.is_logarithm:
        found.append(alternate(rows, reading.role, factors, strengths_beside(rows, reading.role, factors, trial)))
    bound = np.inf if trial is None else FAR * trial.error
    for start in range(STARTS):
        if found and min(fit.error for fit in found) < SETTLED:
            break
        found += list(_from_start(rows, reading.role, factors, generator, start))
        best, *others = sorted(found, key=lambda fit: fit.error)
        if start > 2 and others and others[0].error < AGREE * best.error and best.error < bound:
            break
    return min(found, key=lambda fit: fit.error)


def _from_start(
    rows: PairRows, role: Role, factors: Factors, generator: np.random.Generator, start: int
) -> Iterator[Couplings]:
    """Fits from one start: turns of least squares and, where all objects return, the smooth force of either sign."""
    if role == "coupling":
        yield alternate(rows, role, factors, generator.normal(size=(rows.n_groups, len(rows.pairs[0]))))
        return
    if role == "unlike":
        yield alternate(rows, role, factors, generator.normal(size=(rows.n_groups, rows.n_slots, rows.n_slots)))
        return
    if start == 0:  # nothing is drawn: a second one would be the same
        yield alternate(rows, role, factors, np.ones((rows.n_groups, rows.n_slots)))
    if rows.n_groups == 1 and not factors.is_damped:
        yield continue_from(rows, role, factors, generator, -1.0 if start % 2 == 0 else 1.0)


def _spread(
    dataset: GraphDataset, values: Float[np.ndarray, "groups slots"], rows: PairRows
) -> Float[np.ndarray, "systems nodes"]:
    """The property of every particle; the typical one where nothing was learnt of it."""
    t = dataset.trajectories
    objects = object_index(t)
    if rows.n_groups == 1 and objects_return(t):
        place = np.unique(objects, return_inverse=True)[1].reshape(objects.shape)
        found = values[0][place]
        return np.where(np.isfinite(found), found, float(np.median(found[np.isfinite(found)])))
    found = np.full(objects.shape, float(np.median(values[np.isfinite(values)])))
    found[rows.systems] = values
    return np.where(np.isfinite(found), found, 1.0)
