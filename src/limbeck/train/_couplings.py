"""Couplings by alternating least squares: a force that is a product is linear in each factor.

    inertia_i a_i = sum over j of s_ij h(r_ij) r̂_ij

With the strengths s known, the spline h is a linear fit; with h known, so are the
strengths, group by group. Taken in turns they settle in a few dozen rounds. Drag and
friction are straight too: a factor of every object's velocity, and one of the relative velocity of a pair.
"""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float, Int

from ._damping import Damping, damping_of, drag_of_each
from ._pair_rows import LogSplines, PairRows
from ._solve_groups import solve_groups
from ._unlike_turns import DirectedTurn, ProductTurn, as_products, sender_strengths

Role = Literal["both", "inertia", "coupling", "unlike"]
ROUNDS = 200
SETTLED = 1e-4  # relative change of the error at which the turns end
PRODUCT_ROUNDS = 6
HELPS = 0.9  # products whose error is not below this share of the last are the last
PRODUCT_STEPS = 200
EXACT = 1e-24  # share of the squares of a table that products leave by rounding
GAIN = 1e-6  # share of what is left; a step that gains less is the last
STUCK = 1e8  # damping at which no step helps
LEAST_DAMPING = 1e-12
CUT = 1e-9  # singular values below this share of the largest are none


@dataclass(frozen=True, kw_only=True, eq=False)
class Couplings:
    """A property of every object and the function of the distance that goes with it.

    Attributes:
        values: The property, by group and slot; the coupling where two are unlike.
        inertias: The inertia where two are unlike, else None.
        splines: What the function is made of.
        forces: The function at given logarithms of the distance, as coefficients of the splines.
        is_logarithm: Whether the coefficients give the logarithm of the force.
        sign: Sign of the force where they do.
        damping: Drag and friction; None where they were not asked for.
        error: Root mean square of the weighted error.
    """

    values: Float[np.ndarray, "groups slots"]
    inertias: Float[np.ndarray, "groups slots"] | None = None
    splines: LogSplines
    forces: Float[np.ndarray, " splines"]
    is_logarithm: bool = False
    sign: float = 1.0
    damping: Damping | None = None
    error: float

    def kernel(self, logs: Float[np.ndarray, "*shape"]) -> Float[np.ndarray, "*shape"]:
        """The function of the distance.

        Args:
            logs: Logarithms of distances.

        Returns:
            The radial force between two objects of coupling 1.
        """
        value = self.splines(logs) @ self.forces
        return self.sign * np.exp(value) if self.is_logarithm else value


@dataclass(frozen=True, kw_only=True, eq=False)
class Factors:
    """What is given of the force and the inertia.

    Attributes:
        pair: Factor of the force of each directed pair.
        inertia: Inertia of each particle.
        is_damped: Whether forces along velocities are looked for.
    """

    pair: Float[np.ndarray, "rows nodes nodes"]
    inertia: Float[np.ndarray, "rows nodes"]
    is_damped: bool = False


def alternate(rows: PairRows, role: Role, factors: Factors, start: Float[np.ndarray, "groups ..."]) -> Couplings:
    """Fit strengths and function in turns.

    Args:
        rows: The snapshots.
        role: What the property is: the coupling, the inertia, or both; or one of two each.
        factors: What is given.
        start: Strengths to begin with: one for each slot; for each pair of slots where the property is a coupling;
            for each slot of a receiver and of a sender where two properties are unlike.

    Returns:
        The property and the function.
    """
    splines = LogSplines.over(rows.logs[rows.acts])
    basis = rows.unit[..., None, :] * splines(rows.logs)[..., None]
    if factors.is_damped:
        basis = np.concatenate([basis, rows.relative_velocities()[..., None, :]], axis=-2)
    basis = basis * _scale(rows, role, factors)[..., None, None]
    if role == "unlike":
        turn = ProductTurn(rows)
        start = as_products(_in_turns(DirectedTurn(rows), basis, factors.is_damped, start).strengths, rows.met)
    else:
        turn = _TURNS[role](rows)
    if isinstance(turn, _PairTurn):
        settled, values = _in_products(turn, basis, factors.is_damped, start)
        inertias, factor = None, 1.0
    else:
        settled = _in_turns(turn, basis, factors.is_damped, start)
        values, inertias, factor = turn.property_of(settled.strengths)
    coefficients = factor * settled.coefficients
    damping = None
    if factors.is_damped:
        own = {"coupling": None, "unlike": inertias}.get(role, values)
        inertia = factors.inertia if own is None else own[rows.groups[:, None], rows.slots]
        damping = damping_of(rows, inertia, settled.unexplained, float(coefficients[-1]))
    return Couplings(
        values=values,
        inertias=inertias,
        splines=splines,
        forces=coefficients[: splines.count],
        damping=damping,
        error=settled.error,
    )


def strengths_beside(rows: PairRows, role: Role, factors: Factors, known: Couplings) -> Float[np.ndarray, "groups ..."]:
    """Strengths to begin with beside a function that other snapshots gave: one straight fit.

    Args:
        rows: The snapshots.
        role: What the property is.
        factors: What is given.
        known: The function.

    Returns:
        What `alternate` begins with.
    """
    turn = DirectedTurn(rows) if role == "unlike" else _TURNS[role](rows)
    forces = rows.unit * (known.kernel(rows.logs) * _scale(rows, role, factors))[..., None]
    return turn.strengths(forces, rows.weighted_targets(), np.zeros(0))


def _scale(rows: PairRows, role: Role, factors: Factors) -> Float[np.ndarray, "rows nodes nodes"]:
    """Weight of each receiver, over its inertia where that is given, times the given factor of the pair."""
    scale = rows.weights * factors.inertia**-1 if role == "coupling" else rows.weights
    return factors.pair * scale[..., None]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Settled:
    """Where the turns end; `unexplained` is what the pairs leave of the weighted accelerations."""

    strengths: np.ndarray
    coefficients: Float[np.ndarray, " columns"]
    unexplained: Float[np.ndarray, "rows nodes dim"]
    error: float


def _in_turns(
    turn: "_Turn", basis: np.ndarray, is_damped: bool, start: np.ndarray, *, is_free: bool = True
) -> _Settled:
    """Take turns until the error settles; strengths that are not free stay what they are."""
    rows, columns = turn.rows, basis.shape[-2]
    target = rows.weighted_targets()
    speeds = rows.velocities * rows.weights[..., None]
    dragged = np.zeros_like(target)
    strengths, last = start, np.inf
    coefficients, unexplained, error = np.zeros(columns), target, np.inf
    for _ in range(ROUNDS):
        design = turn.design(strengths, basis)
        coefficients = _least_squares(design.reshape(-1, columns), (target - dragged).ravel())
        unexplained = target - design @ coefficients
        if is_damped:
            dragged = drag_of_each(rows, speeds, unexplained)[..., None] * speeds
        error = float(np.sqrt(np.mean((unexplained - dragged) ** 2)))
        if abs(last - error) <= SETTLED * error or not (is_free or is_damped):
            break
        last = error
        if not is_free:
            continue
        strengths = turn.strengths(np.einsum("lijkd,k->lijd", basis, coefficients), target - dragged, strengths)
        strengths = strengths / (np.max(np.abs(strengths)) or 1.0)  # all are 0 where nothing is accelerated
    return _Settled(strengths=strengths, coefficients=coefficients, unexplained=unexplained, error=error)


def _in_products(
    turn: "_PairTurn", basis: np.ndarray, is_damped: bool, start: np.ndarray
) -> tuple[_Settled, np.ndarray]:
    """Free strengths of pairs, brought to products from which they are freed again as long as that helps."""
    # Free strengths settle in wrong places, beside a force that is wrong too; the force beside the products nearest to
    # them leads out of most. They explain more than products do, so that force and error are those of the products.
    best: tuple[_Settled, np.ndarray] | None = None
    for _ in range(PRODUCT_ROUNDS):
        values = turn.couplings(_in_turns(turn, basis, is_damped, start).strengths)
        start = turn.products(values)
        fit = _in_turns(turn, basis, is_damped, start, is_free=False)
        helps = best is None or fit.error < HELPS * best[0].error
        if best is None or fit.error < best[0].error:
            best = fit, values
        if not helps:
            break
    assert best is not None
    return best


def _least_squares(design: Float[np.ndarray, "rows columns"], target: Float[np.ndarray, " rows"]) -> np.ndarray:
    """Least squares with columns of one size; what the data say nothing of is 0."""
    size = np.linalg.norm(design, axis=0)
    size[size == 0] = 1.0
    return np.linalg.lstsq(design / size, target, rcond=CUT)[0] / size


@dataclass(frozen=True, eq=False)
class _SenderTurn:
    """Inertia and coupling in one: it cancels at the receiver, and each sender has a strength."""

    rows: PairRows

    def design(self, strengths: np.ndarray, basis: np.ndarray) -> np.ndarray:
        """Columns of the splines."""
        sent = strengths[self.rows.groups[:, None], self.rows.slots]
        return np.einsum("lj,lijkd->lidk", sent, basis, optimize=True)

    def strengths(self, forces: np.ndarray, target: np.ndarray, _: np.ndarray) -> np.ndarray:
        """Strength of every sender."""
        return sender_strengths(self.rows, forces, target)

    def property_of(self, strengths: np.ndarray) -> tuple[np.ndarray, None, float]:
        """The property, mostly positive, and the factor of the function that goes with it."""
        sign = 1.0 if np.sum(strengths) >= 0 else -1.0
        return sign * strengths, None, sign


@dataclass(frozen=True, eq=False)
class _ReceiverTurn:
    """Inertia alone: each receiver answers in its own measure."""

    rows: PairRows

    def design(self, strengths: np.ndarray, basis: np.ndarray) -> np.ndarray:
        """Columns of the splines."""
        answers = strengths[self.rows.groups[:, None], self.rows.slots]
        return np.einsum("li,lijkd->lidk", answers, basis, optimize=True)

    def strengths(self, forces: np.ndarray, target: np.ndarray, _: np.ndarray) -> np.ndarray:
        """Answer of every receiver."""
        rows, felt = self.rows, forces.sum(axis=2)
        above, below = np.zeros((2, rows.n_groups, rows.n_slots))
        where = (np.broadcast_to(rows.groups[:, None], rows.slots.shape), rows.slots)
        np.add.at(above, where, np.sum(felt * target, axis=-1))
        np.add.at(below, where, np.sum(felt**2, axis=-1))
        return above / np.maximum(below, np.finfo(float).tiny)

    def property_of(self, strengths: np.ndarray) -> tuple[np.ndarray, None, float]:
        """The inertia, mostly positive, and the factor of the function that goes with it."""
        sign = 1.0 if np.sum(strengths) >= 0 else -1.0
        with np.errstate(divide="ignore"):
            return sign / strengths, None, sign


@dataclass(frozen=True, eq=False)
class _PairTurn:
    """Coupling alone, of either sign: each pair has a strength, and in the end these are products."""

    rows: PairRows

    def _places(self) -> Int[np.ndarray, "rows nodes nodes"]:
        """Which strength belongs to each pair."""
        p, slots = self.rows.n_slots, self.rows.slots
        low, high = self.rows.pairs
        table = np.zeros((p, p), dtype=int)
        table[low, high] = table[high, low] = np.arange(len(low))
        return table[slots[:, :, None], slots[:, None, :]]

    def design(self, strengths: np.ndarray, basis: np.ndarray) -> np.ndarray:
        """Columns of the splines."""
        here = strengths[self.rows.groups[:, None, None], self._places()]
        return np.einsum("lij,lijkd->lidk", here, basis, optimize=True)

    def strengths(self, forces: np.ndarray, target: np.ndarray, _: np.ndarray) -> np.ndarray:
        """Strength of every pair."""
        rows, n = self.rows, forces.shape[1]
        low, high = np.triu_indices(n, k=1)
        count = len(rows.pairs[0])
        where = self._places()[:, low, high]
        # A pair acts on both its ends: its column has two blocks, which meet another pair's where they share an end.
        columns = np.zeros((len(forces), n, forces.shape[-1], len(low)))
        pairs = np.arange(len(low))
        columns[:, low, :, pairs] = np.moveaxis(forces[:, low, high], 1, 0)
        columns[:, high, :, pairs] = np.moveaxis(forces[:, high, low], 1, 0)
        gram = np.einsum("lidp,lidq->lpq", columns, columns, optimize=True)
        right = np.einsum("lidp,lid->lp", columns, target)
        normal, summed = np.zeros((rows.n_groups, count, count)), np.zeros((rows.n_groups, count))
        group = np.broadcast_to(rows.groups[:, None], where.shape)
        np.add.at(normal, (group[:, :, None], where[:, :, None], where[:, None, :]), gram)
        np.add.at(summed, (group, where), right)
        return solve_groups(normal, summed)

    def products(self, values: np.ndarray) -> np.ndarray:
        """Strengths of pairs that are products of the couplings of their ends."""
        low, high = self.rows.pairs
        return values[:, low] * values[:, high]

    def couplings(self, strengths: np.ndarray) -> np.ndarray:
        """The couplings whose products the strengths are, up to a sign that is the function's."""
        (low, high), met = self.rows.pairs, self.rows.met
        table = np.zeros(met.shape)
        table[:, low, high] = table[:, high, low] = strengths
        options = [couplings_of(sign * table, met | met.swapaxes(1, 2)) for sign in (1.0, -1.0)]
        return min(options, key=lambda option: option[1])[0]


_Turn = _SenderTurn | _ReceiverTurn | _PairTurn | DirectedTurn | ProductTurn
_TURNS = {"both": _SenderTurn, "inertia": _ReceiverTurn, "coupling": _PairTurn}


def couplings_of(
    table: Float[np.ndarray, "groups slots slots"], met: Bool[np.ndarray, "groups slots slots"]
) -> tuple[np.ndarray, float]:
    """Numbers whose products come nearest to the strengths of pairs.

    Args:
        table: Strength of every pair, both ways round.
        met: Pairs that ever act; the others' strengths say nothing.

    Returns:
        The numbers, the largest of each group positive, and the root mean square of what their products leave.
    """
    table = np.where(met, table, 0.0)
    sizes, vectors = np.linalg.eigh(table)
    values = _products_nearest(table, met, vectors[:, :, -1] * np.sqrt(np.maximum(sizes[:, -1:], 0.0)))
    # One sign of each group is free: the largest of each is positive.
    largest = np.take_along_axis(values, np.argmax(np.abs(values), axis=1)[:, None], axis=1)
    values = values * np.where(largest < 0, -1.0, 1.0)
    return values, float(np.sqrt(np.mean(_off_products(table, met, values) ** 2)))


def _products_nearest(
    table: Float[np.ndarray, "groups slots slots"], met: Bool[np.ndarray, "groups slots slots"], values: np.ndarray
) -> np.ndarray:
    """Numbers whose products come nearest to a table, by damped steps of all groups at once."""
    # Numbers taken in turns hardly move where one is much larger than the others.
    diagonal = np.arange(table.shape[1])
    exact = EXACT * np.sum(table**2, axis=(1, 2))
    cost, damping = np.sum(_off_products(table, met, values) ** 2, axis=(1, 2)), np.full(len(table), 1e-3)
    for _ in range(PRODUCT_STEPS):
        normal = met * values[:, :, None] * values[:, None, :]
        sizes = np.einsum("gij,gj->gi", met, values**2) + normal[:, diagonal, diagonal]
        normal[:, diagonal, diagonal] = sizes * (1.0 + damping[:, None])
        trial = values + solve_groups(normal, np.einsum("gij,gj->gi", _off_products(table, met, values), values))
        reached = np.sum(_off_products(table, met, trial) ** 2, axis=(1, 2))
        better = reached < cost
        ends = np.where(better, cost - reached < GAIN * cost, damping > STUCK)
        values = np.where(better[:, None], trial, values)
        cost = np.where(better, reached, cost)
        damping = np.where(better, np.maximum(damping / 5.0, LEAST_DAMPING), damping * 4.0)
        if np.all(ends | (cost <= exact)):
            break
    return values


def _off_products(
    table: Float[np.ndarray, "groups slots slots"], met: Bool[np.ndarray, "groups slots slots"], values: np.ndarray
) -> np.ndarray:
    """What products leave of the strengths of pairs that ever act."""
    return np.where(met, table - values[:, :, None] * values[:, None, :], 0.0)
