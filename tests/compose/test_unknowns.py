"""Numbers that windows share, against sums over all of them that are written out."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from limbeck.compose._reduced import Reduced
from limbeck.compose._unknowns import HELD, Sharing, Unknowns

N_CONSTANTS, N_WINDOWS, N_NODES = 2, 14, 3


def unknowns(systems: int = 6, *, held: bool = True, levels: bool = False) -> Unknowns:
    """One value for each particle, of which one does not move."""
    count = 4 if levels else systems * N_NODES
    numbers = (np.arange(systems * N_NODES) % count).reshape(1, systems, N_NODES)
    if held:
        numbers[0, 0, 0] = HELD
    ones = np.ones(count)
    given = np.full(numbers.shape, 2.0)
    return Unknowns(names=("m",), numbers=numbers, given=given, values=ones, errors=np.inf * ones, units=ones[None])


def written_out(sharing: Sharing) -> np.ndarray:
    """Matrix from the numbers to the places of every window."""
    rows = np.zeros((*sharing.places.shape, sharing.count + 1))
    np.put_along_axis(rows, sharing.places[..., None], 1.0, axis=2)
    return rows[..., :-1]


def windows(sharing: Sharing, rng: np.random.Generator, at: np.ndarray) -> Reduced:
    """Linear windows, whose least squares of what they share lie near given numbers."""
    n, own = sharing.places.shape
    slopes = rng.normal(size=(n, 40, own))
    misses = slopes @ (written_out(sharing) @ at)[..., None] + 1e-2 * rng.normal(size=(n, 40, 1))
    zeros = np.zeros(n)
    return Reduced(
        cost=np.sum((1e2 * misses[..., 0]) ** 2, axis=1),
        freedom=zeros + 40,
        changes=zeros,
        n_changes=zeros,
        growth=zeros,
        normal=1e4 * np.einsum("wks,wkt->wst", slopes, slopes),
        gradient=1e4 * np.einsum("wks,wk->ws", slopes, misses[..., 0]),
        own=np.zeros((n, 4)),
        coupled=np.zeros((n, 4, own)),
    )


SYSTEMS = np.arange(N_WINDOWS) % 5  # the sixth simulation has no window


@given(seed=st.integers(0, 2**32 - 1), held=st.booleans(), levels=st.booleans())
def test_sums_are_those_of_matrices(seed, held, levels) -> None:
    """Vectors and matrices over the windows, whatever places are shared or held."""
    rng = np.random.default_rng(seed)
    sharing = Sharing.of(N_CONSTANTS, SYSTEMS, unknowns(held=held, levels=levels))
    rows, own = written_out(sharing), sharing.places.shape[1]
    vectors, matrices = rng.normal(size=(N_WINDOWS, own)), rng.normal(size=(N_WINDOWS, own, own))
    np.testing.assert_allclose(sharing.summed(vectors), np.einsum("wsn,ws->n", rows, vectors), atol=1e-12)
    both = np.einsum("wsn,wst,wtm->nm", rows, matrices, rows)
    np.testing.assert_allclose(sharing.summed_pairs(matrices), both, atol=1e-12)
    numbers = rng.normal(size=sharing.count)
    np.testing.assert_allclose(sharing.by_window(numbers), rows @ numbers, atol=1e-12)


def test_what_does_not_move_keeps_its_value() -> None:
    """Laid out by particles, the numbers stand beside what was given of the others."""
    values = unknowns(held=True).laid_out["m"]
    assert values[0, 0] == 2.0
    assert (values == 1.0).sum() == values.size - 1


def test_only_what_stands_in_a_window_is_sought() -> None:
    """Values of a simulation without windows are not among the numbers."""
    sharing = Sharing.of(N_CONSTANTS, SYSTEMS, unknowns(held=True))
    assert sharing.count == N_CONSTANTS + 5 * N_NODES - 1
    assert set(sharing.among) == set(range(1, 5 * N_NODES))


@pytest.mark.parametrize("alone", [None, 3])
def test_one_window_is_contradicted_by_all_others(alone: int | None) -> None:
    """As one after the other is left out, its numbers against those of the rest."""
    rng = np.random.default_rng(0)
    sharing = Sharing.of(N_CONSTANTS, SYSTEMS, None)
    reduced = windows(sharing, rng, np.array([0.0, 0.0]))
    if alone is not None:
        gradient = reduced.gradient.copy()
        gradient[alone] += reduced.normal[alone] @ np.array([0.3, 0.1])
        reduced = replace(reduced, gradient=gradient)
    weight = np.ones(N_WINDOWS)
    step = reduced.step(weight, 0.0, sharing)
    assert step is not None
    settled = replace(reduced, gradient=reduced.gradient + reduced.normal @ step)
    assert settled.contradicted(weight, sharing) == alone
    # Written out: the others' least squares, and how far they lie from those of the window.
    against = []
    for k in range(N_WINDOWS):
        rest = np.delete(settled.normal, k, axis=0).sum(axis=0)
        pull = np.delete(settled.gradient, k, axis=0).sum(axis=0)
        against.append(pull @ np.linalg.solve(rest, pull) / settled.variance(weight))
    assert (max(against) > 25.0) == (alone is not None)


def test_a_unit_stays_where_it_is_and_costs_nothing() -> None:
    """Where a common factor can't be told, values keep their mean size, and errors are those beside it."""
    rng = np.random.default_rng(1)
    sharing = Sharing.of(0, SYSTEMS, unknowns(held=False))
    reduced = windows(sharing, rng, np.zeros(sharing.count))
    # Nothing is told of the direction in which all values move alike.
    n, own = sharing.places.shape
    away = np.eye(own) - 1.0 / own
    blind = replace(
        reduced,
        normal=away @ reduced.normal @ away,
        gradient=reduced.gradient @ away,
    )
    ones = np.ones(n)
    # Every simulation has three values of its own here: a unit for each.
    units = np.kron(np.eye(5), np.ones((1, N_NODES)))
    sharing = replace(sharing, units=units)
    step = blind.step(ones, 0.0, sharing)
    errors, _ = blind.standard_errors(ones, SYSTEMS, sharing)
    assert step is not None
    for k in range(5):
        normal = blind.normal[k == SYSTEMS].sum(axis=0)
        known = np.diag(normal)  # moves that keep the mean, weighed by what is known of each value
        kept = np.eye(own)[:, 1:] / known[1:] - np.eye(own)[:, :1] / known[0]
        gradient = blind.gradient[k == SYSTEMS].sum(axis=0)
        inner = kept.T @ normal @ kept
        mine = slice(k * N_NODES, (k + 1) * N_NODES)
        np.testing.assert_allclose(step[mine], -kept @ np.linalg.solve(inner, kept.T @ gradient), rtol=1e-6)
        white = np.diag(kept @ np.linalg.inv(inner) @ kept.T) * blind.variance(ones)
        assert np.all(errors[mine] >= np.sqrt(white) * (1 - 1e-6))
