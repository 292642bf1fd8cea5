"""Neighbours against every distance there is."""

import numpy as np
import pytest
from hypothesis import given, strategies as st

from limbeck._errors import InputError
from limbeck.graphs import edge_displacements, nearest_edges, radius_edges

SEEDS = st.integers(0, 2**32 - 1)
BOXES = st.sampled_from([None, 1.0, (1.0, 1.5, 2.5)])


def scattered(seed, n_nodes, dim=3):
    return np.random.default_rng(seed).uniform(-3.0, 3.0, size=(n_nodes, dim))


def all_distances(positions, box):
    """Shortest distance from every node to every image of every other, image by image."""
    shifts = np.zeros((1, positions.shape[1]))
    if box is not None:
        sides = np.broadcast_to(box, positions.shape[1])
        counts = np.stack(np.meshgrid(*[np.arange(-7, 8)] * positions.shape[1]), axis=-1)
        shifts = counts.reshape(-1, positions.shape[1]) * sides
    apart = positions[:, None, None] - positions[None, :, None] + shifts
    return np.sqrt(np.min(np.sum(apart**2, axis=-1), axis=-1))


@given(SEEDS, st.integers(1, 12), st.floats(0.05, 0.49), BOXES)
def test_edges_within_a_radius_are_those_of_all_distances(seed, n_nodes, radius, box) -> None:
    x = scattered(seed, n_nodes)
    near = all_distances(x, box) < radius
    np.fill_diagonal(near, False)
    receivers, senders = np.nonzero(near)  # row by row: receiver-major
    got = radius_edges(x, radius, box=box)
    assert np.array_equal(got[0], senders)
    assert np.array_equal(got[1], receivers)


@given(SEEDS, st.integers(2, 12), st.data(), BOXES)
def test_nearest_edges_are_those_of_all_distances(seed, n_nodes, data, box) -> None:
    x = scattered(seed, n_nodes)
    k = data.draw(st.integers(1, n_nodes - 1))
    distances = all_distances(x, box)
    np.fill_diagonal(distances, np.inf)
    senders, receivers = nearest_edges(x, k, box=box)
    assert np.array_equal(receivers, np.repeat(np.arange(n_nodes), k))
    assert np.array_equal(senders.reshape(n_nodes, k), np.argsort(distances, axis=1)[:, :k])


def test_a_pair_at_the_radius_itself_does_not_act() -> None:
    lattice = np.stack(np.meshgrid(np.arange(4.0), np.arange(4.0)), axis=-1).reshape(-1, 2)
    assert len(radius_edges(lattice, 1.0)[0]) == 0
    assert len(radius_edges(lattice, 1.5, box=4.0)[0]) == 16 * 8


def test_a_node_never_sends_to_itself_among_many_in_one_place() -> None:
    x = np.zeros((40, 2))
    senders, receivers = nearest_edges(x, 3)
    assert not np.any(senders == receivers)
    assert np.array_equal(np.bincount(receivers), np.full(40, 3))
    assert len(radius_edges(x, 0.1)[0]) == 40 * 39


def test_a_position_just_below_zero_lies_in_the_box() -> None:
    x = np.array([[-1e-20], [0.9], [0.3]])
    assert radius_edges(x, 0.2, box=1.0)[0].tolist() == [1, 0]


@given(SEEDS, BOXES)
def test_displacements_are_as_long_as_the_distances_and_point_to_the_receiver(seed, box) -> None:
    x = scattered(seed, 9)
    senders, receivers = nearest_edges(x, 4, box=box)
    d = edge_displacements(x, senders, receivers, box=box)
    assert np.allclose(np.linalg.norm(d, axis=1), all_distances(x, box)[receivers, senders])
    windings = (x[receivers] - x[senders] - d) / (1.0 if box is None else np.asarray(box))
    assert np.allclose(windings, 0.0 if box is None else np.round(windings), atol=1e-9)


@pytest.mark.parametrize("kind", [np.int64, np.uint8])
def test_whole_numbers_of_positions_are_positions(kind) -> None:
    x, ends = np.array([[0, 0], [9, 9], [4, 4]], dtype=kind), (np.array([1, 2]), np.array([0, 0]))
    assert edge_displacements(x, *ends, box=10.0).tolist() == [[1.0, 1.0], [-4.0, -4.0]]
    assert edge_displacements(x, *ends).tolist() == [[-9.0, -9.0], [-4.0, -4.0]]


def test_edges_of_many_nodes_need_no_table_of_all_pairs() -> None:
    x = np.random.default_rng(0).uniform(size=(40_000, 3))  # a table of pairs would take 12.8 GB
    senders, receivers = radius_edges(x, 0.04, box=1.0)
    expected = 40_000 * 40_000 * (4 / 3 * np.pi * 0.04**3)  # ± 0.5 %: a Poisson number of some 2e5 pairs
    assert abs(len(senders) / expected - 1) < 0.02
    assert np.all(np.diff(receivers) >= 0)


@pytest.mark.user_error
@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda x: radius_edges(x, -1.0), "positive number; got -1"),
        (lambda x: radius_edges(x, float("nan")), "positive number; got nan"),
        (lambda x: radius_edges(x, 0.5, box=1.0), "less than half the box, 0.5; got 0.5"),
        (lambda x: radius_edges(x, 0.1, box=0.0), "box needs one positive side, or 2; got 0"),
        (lambda x: radius_edges(x, 0.1, box=(1.0, 1.0, 1.0)), "one positive side, or 2"),
        (lambda x: radius_edges(x[0], 0.1), r"expected shape \(nodes, dim\), got \(2,\)"),
        (lambda x: radius_edges(np.full_like(x, np.inf), 0.1), "infinite or undefined"),
        (lambda x: nearest_edges(x, 5), "1 <= k < 5; got 5"),
        (lambda x: nearest_edges(x, 0), "1 <= k < 5; got 0"),
    ],
)
def test_what_has_no_neighbours_is_refused(call, message) -> None:
    with pytest.raises(InputError, match=message):
        call(scattered(0, 5, 2))
