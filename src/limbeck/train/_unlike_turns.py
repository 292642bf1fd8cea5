"""Strengths of a force whose ends play different parts: the receiver resists with one property, both couple by another.

    a_i = sum over j of c_ij h(r_ij) r̂_ij,   c_ij = u_i w_j,   u = coupling / inertia,   w = coupling

Every directed pair has a strength of its own at first, which is one straight fit from anywhere. Its table is
then brought to a product of a column and a row, and both are fitted in turns where they stand.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from ._pair_rows import PairRows
from ._solve_groups import solve_groups

TABLE_ROUNDS = 100


@dataclass(frozen=True, eq=False)
class DirectedTurn:
    """Each directed pair of objects has a strength of its own."""

    rows: PairRows

    def design(
        self,
        strengths: Float[np.ndarray, "groups slots slots"],
        basis: Float[np.ndarray, "rows nodes nodes splines dim"],
    ) -> Float[np.ndarray, "rows nodes dim splines"]:
        """Columns of the splines."""
        g, slots = self.rows.groups[:, None, None], self.rows.slots
        here = strengths[g, slots[:, :, None], slots[:, None, :]]
        return np.einsum("lij,lijkd->lidk", here, basis, optimize=True)

    def strengths(
        self,
        forces: Float[np.ndarray, "rows nodes nodes dim"],
        target: Float[np.ndarray, "rows nodes dim"],
        _: np.ndarray,
    ) -> Float[np.ndarray, "groups slots slots"]:
        """Strength of every directed pair: the equations of each receiver stand alone."""
        rows = self.rows
        g, slots, p = rows.groups, rows.slots, rows.n_slots
        gram = np.einsum("lijd,likd->lijk", forces, forces, optimize=True)
        right = np.einsum("lijd,lid->lij", forces, target)
        normal, summed = np.zeros((rows.n_groups, p, p, p)), np.zeros((rows.n_groups, p, p))
        receiver, sender, other = slots[:, :, None, None], slots[:, None, :, None], slots[:, None, None, :]
        np.add.at(normal, (g[:, None, None, None], receiver, sender, other), gram)
        np.add.at(summed, (g[:, None, None], receiver[..., 0], sender[..., 0]), right)
        return solve_groups(normal.reshape(-1, p, p), summed.reshape(-1, p)).reshape(summed.shape)


@dataclass(frozen=True, eq=False)
class ProductTurn:
    """The strength of a directed pair is a number of its receiver times a number of its sender."""

    rows: PairRows

    def design(
        self, strengths: Float[np.ndarray, "groups 2 slots"], basis: Float[np.ndarray, "rows nodes nodes splines dim"]
    ) -> Float[np.ndarray, "rows nodes dim splines"]:
        """Columns of the splines."""
        felt, sent = self._at_ends(strengths)
        return np.einsum("li,lj,lijkd->lidk", felt, sent, basis, optimize=True)

    def strengths(
        self,
        forces: Float[np.ndarray, "rows nodes nodes dim"],
        target: Float[np.ndarray, "rows nodes dim"],
        strengths: Float[np.ndarray, "groups 2 slots"],
    ) -> Float[np.ndarray, "groups 2 slots"]:
        """The receivers' numbers with the senders' known, then the other way round."""
        rows = self.rows
        where = (np.broadcast_to(rows.groups[:, None], rows.slots.shape), rows.slots)
        pull = np.einsum("lj,lijd->lid", self._at_ends(strengths)[1], forces)
        above, below = np.zeros((2, rows.n_groups, rows.n_slots))
        np.add.at(above, where, np.sum(pull * target, axis=-1))
        np.add.at(below, where, np.sum(pull**2, axis=-1))
        felt = above / np.maximum(below, np.finfo(float).tiny)
        sent = sender_strengths(rows, felt[where][:, :, None, None] * forces, target)
        return in_units_of_largest(np.stack([felt, sent], axis=1))

    def property_of(self, strengths: Float[np.ndarray, "groups 2 slots"]) -> tuple[np.ndarray, np.ndarray, float]:
        """Couplings and inertias, these mostly positive, and the factor of the function that goes with them."""
        felt, sent = strengths[:, 0], strengths[:, 1]
        sign = 1.0 if np.sum(np.sign(felt * sent)) >= 0 else -1.0
        with np.errstate(divide="ignore", invalid="ignore"):
            return sent, sign * sent / felt, sign

    def _at_ends(self, strengths: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Both numbers of every particle."""
        here = strengths[self.rows.groups[:, None], :, self.rows.slots]
        return here[..., 0], here[..., 1]


def sender_strengths(
    rows: PairRows, forces: Float[np.ndarray, "rows nodes nodes dim"], target: Float[np.ndarray, "rows nodes dim"]
) -> Float[np.ndarray, "groups slots"]:
    """Strength of every sender by least squares.

    Args:
        rows: The snapshots.
        forces: Acceleration of each receiver by each sender of strength 1.
        target: Accelerations.

    Returns:
        The strengths, 0 for an object that moves no other.
    """
    n = forces.shape[1]
    gram = np.einsum("lijd,likd->ljk", forces, forces, optimize=True)
    right = np.einsum("lijd,lid->lj", forces, target)
    normal = np.zeros((rows.n_groups, rows.n_slots, rows.n_slots))
    summed = np.zeros((rows.n_groups, rows.n_slots))
    group = np.broadcast_to(rows.groups[:, None], (len(rows.groups), n))
    np.add.at(normal, (group[:, :, None], rows.slots[:, :, None], rows.slots[:, None, :]), gram)
    np.add.at(summed, (group, rows.slots), right)
    return solve_groups(normal, summed)


def as_products(
    table: Float[np.ndarray, "groups slots slots"], met: Bool[np.ndarray, "groups slots slots"]
) -> Float[np.ndarray, "groups 2 slots"]:
    """A number of each receiver and of each sender whose products come nearest to a table.

    Args:
        table: Strength of every directed pair, receiver before sender.
        met: Directed pairs that ever act; the others' strengths say nothing.

    Returns:
        Both numbers, the senders' in units of the largest of each group.
    """
    table = np.where(met, table, 0.0)
    sent = np.linalg.svd(table)[2][:, 0]
    felt = np.zeros_like(sent)
    for _ in range(TABLE_ROUNDS):
        felt = _matched(table, met, sent)
        sent = _matched(table.swapaxes(1, 2), met.swapaxes(1, 2), felt)
    return in_units_of_largest(np.stack([felt, sent], axis=1))


def in_units_of_largest(strengths: Float[np.ndarray, "groups 2 slots"]) -> Float[np.ndarray, "groups 2 slots"]:
    """The same products, the largest number of the senders of each group being 1.

    Args:
        strengths: Numbers of receivers and of senders.

    Returns:
        The numbers.
    """
    sent = strengths[:, 1]
    unit = np.take_along_axis(sent, np.argmax(np.abs(sent), axis=1)[:, None], axis=1)
    unit = np.where(unit == 0, 1.0, unit)
    return np.stack([strengths[:, 0] * unit, sent / unit], axis=1)


def _matched(table: np.ndarray, met: Bool[np.ndarray, "groups rows columns"], known: np.ndarray) -> np.ndarray:
    """Numbers of the rows whose products with those of the columns come nearest to a table."""
    size = np.einsum("gij,gj->gi", met, known**2)
    return np.einsum("gij,gj->gi", table, known) / np.maximum(size, np.finfo(float).tiny)
