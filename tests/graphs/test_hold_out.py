"""A region that training must not see."""

import numpy as np
import pytest
from clouds import cloud, padded

from limbeck._errors import InputError
from limbeck.graphs import HoldOut, connect, parse_hold_out, particles_held_out

MEASURES = {
    "r": lambda t, s, k: np.linalg.norm(t.positions[s, k][:, None] - t.positions[s, k][None], axis=-1)[
        np.triu_indices(t.n_nodes, k=1)
    ],
    "v": lambda t, s, k: np.linalg.norm(t.velocities[s, k], axis=-1),
    "m": lambda t, s, k: t.attributes["m"][s],
}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("r<0.5", HoldOut(name="r", below=True, value=0.5)),
        (" v > 2 ", HoldOut(name="v", below=False, value=2.0)),
        ("m_x>1e-3", HoldOut(name="m_x", below=False, value=1e-3)),
        ("r<0.12345678", HoldOut(name="r", below=True, value=0.12345678)),  # a distillation asks for the same region
    ],
)
def test_regions_are_read(text, expected):
    assert parse_hold_out(text) == expected
    assert parse_hold_out(str(expected)) == expected


@pytest.mark.user_error
@pytest.mark.parametrize("text", ["", "r", "r=1", "r<=1", "r<a", "r<nan", "r<inf", "1<r", "r<1 and m>2", "r<int()"])
def test_anything_else_is_refused(text):
    with pytest.raises(InputError, match=r"such as r<0\.5"):
        parse_hold_out(text)


@pytest.mark.parametrize("text", ["r<0.15", "r>4", "v>2.7", "v<0.1", "m>3"])
def test_no_part_of_the_training_is_in_the_region(text):
    t = cloud(2, n_systems=30, n_times=10)
    dataset, region = connect(t, seed=0, hold_out=parse_hold_out(text)), parse_hold_out(text)

    def inside(rows):
        found = [MEASURES[region.name](t, s, k) for s, k in rows]
        return np.array([np.any(x < region.value if region.below else x > region.value) for x in found])

    for part in (dataset.train, dataset.validation, dataset.test, dataset.extrapolation):
        assert not inside(part).any()
    assert len(dataset.held_out)
    assert inside(dataset.held_out).all()
    whole = connect(t, seed=0)
    # Held-out snapshots are those of the test part: no simulation is in two parts.
    tested = {*whole.test[:, 0], *whole.extrapolation[:, 0]}
    assert set(dataset.held_out[:, 0]) <= tested
    assert not set(dataset.held_out[:, 0]) & set(dataset.train[:, 0])
    assert str(region) in dataset.split_rule


def test_only_ends_of_a_close_pair_are_in_the_region_and_absent_ones_never():
    t = padded(cloud(2, n_systems=12))
    dataset = connect(t, seed=0)
    rows = np.concatenate([dataset.train, dataset.test])
    found = particles_held_out(parse_hold_out("r<0.5"), t, dataset.pairs, rows)
    for (s, k), marks in zip(rows, found, strict=True):
        x = t.positions[s, k, :4]
        near = np.linalg.norm(x[:, None] - x[None], axis=-1) + 9 * np.eye(4)
        np.testing.assert_array_equal(marks[:4], (near < 0.5).any(axis=1))
        assert not marks[4]


def test_nothing_held_out_changes_nothing():
    t = cloud(2)
    dataset = connect(t, seed=0)
    assert len(dataset.held_out) == 0
    assert dataset.hold_out is None


@pytest.mark.user_error
@pytest.mark.parametrize(("text", "said"), [("z>1", "choose from r, v, m"), ("r<100", "train"), ("r<1e-9", "takes")])
def test_regions_that_leave_nothing_are_refused(text, said):
    with pytest.raises(InputError, match=said):
        connect(cloud(2), seed=0, hold_out=parse_hold_out(text))
