"""The Python face of a finished run."""

import jax.numpy as jnp
import numpy as np
import pytest

import limbeck
from limbeck import InputError
from limbeck._discovery import DiscoveredLaw
from limbeck.compose import Law
from limbeck.expressions import parse


@pytest.fixture(scope="module")
def found(finished_run):
    """The shared small run of springs."""
    return limbeck.load(finished_run)


def test_a_finished_run_says_what_it_found(found) -> None:
    assert found.found
    assert found.verdict == "found"
    assert found.law is not None
    assert "radial" in str(found)
    assert set(found.law.sympy) == set(found.law.latex) == set(found.law.channels)
    assert found.checks["heldout"]["passed"]
    assert "radial" in found.hall_of_fame


def test_the_law_is_one_function_for_numpy_and_jax(found) -> None:
    rng = np.random.default_rng(0)
    x, v = rng.normal(size=(2, 5, 3, 2))
    attributes = {"m": rng.lognormal(size=(5, 3)), "q": rng.normal(size=(5, 3))}
    ours = found.law(x, v, attributes)
    expected = limbeck.simulate.accelerations(limbeck.systems()["spring"], x, v, attributes)
    assert np.allclose(ours, expected, rtol=1e-6)
    single = found.law(jnp.asarray(x), jnp.asarray(v), attributes, xp=jnp)
    assert np.allclose(single, expected, rtol=1e-3, atol=1e-4)


def test_the_rollout_follows_the_simulator(found) -> None:
    made = limbeck.simulate("spring", n_systems=2, n_steps=50, seed=5)
    x, _ = found.law.rollout(made.positions[:, 0], made.velocities[:, 0], made.times[0], made.attributes)
    assert np.allclose(x, made.positions, atol=1e-5)


def test_neither_a_unit_nor_a_far_origin_costs_a_rollout_its_precision() -> None:
    unit, origin = 1e-9, 1e-3
    known = {"pair_force": (), "acceleration": (), "pair_potential": None, "constants": (), "attribute_names": ()}
    plain, tiny = (
        DiscoveredLaw(channels={}, composed=Law(components={"radial": parse(f"-2.0*(r - {rest!r})")}, dim=2), **known)
        for rest in (0.99, 0.99 * unit)
    )
    made = limbeck.simulate("spring", n_systems=1, n_steps=60, seed=5)
    x, v, times = made.positions[:, 0], made.velocities[:, 0], made.times[0]
    far = tiny.rollout(unit * x + origin, unit * v, times)[0]
    np.testing.assert_allclose((far - origin) / unit, plain.rollout(x, v, times)[0], atol=1e-6)


def test_an_attribute_whose_name_ends_another_is_not_asked_for() -> None:
    law = Law(components={"radial": parse("-2.0*um_2*r")}, dim=2)
    known = {"pair_force": (), "acceleration": (), "pair_potential": None, "constants": ()}
    found = DiscoveredLaw(channels={"radial": "-2.0*um_2*r"}, composed=law, attribute_names=("m", "um"), **known)
    x = np.array([[0.0, 0.0], [1.0, 0.0]])
    np.testing.assert_allclose(found(x, 0.0 * x, {"um": np.ones(2)})[:, 0], [2.0, -2.0])


def test_missing_attributes_and_times_that_do_not_rise_are_refused(found) -> None:
    x = np.zeros((1, 2, 2))
    with pytest.raises(limbeck.InputError, match="attribute m"):
        found.law(x, x)
    with pytest.raises(limbeck.InputError, match="rise"):
        found.law.rollout(x, x, np.array([0.0, 0.0]), {"m": np.ones((1, 2))})


def test_a_law_of_pairs_that_are_near_or_linked_is_not_applied_to_others() -> None:
    law = Law(components={"radial": parse("-1.0*r")}, dim=2)
    known = {"pair_force": (), "acceleration": (), "pair_potential": None, "constants": (), "attribute_names": ()}
    x, v = np.array([[0.0, 0.0], [1.0, 0.0], [4.0, 0.0]]), np.zeros((3, 2))
    near = DiscoveredLaw(channels={"radial": "-1.0*r"}, composed=law, radius=2.0, **known)
    np.testing.assert_allclose(near(x, v)[:, 0], [1.0, -1.0, 0.0])
    rolled, _ = near.rollout(x[None], v[None], np.array([0.0, 0.1]))
    np.testing.assert_array_equal(rolled[0, :, 2], [[4.0, 0.0], [4.0, 0.0]])
    assert rolled[0, 1, 0, 0] > 0
    linked = DiscoveredLaw(channels={"radial": "-1.0*r"}, composed=law, has_edges=True, **known)
    with pytest.raises(InputError, match="limbeck predict with --edges"):
        linked(x, v)


@pytest.mark.user_error
def test_states_of_another_shape_are_refused() -> None:
    law = Law(components={"radial": parse("-1.0*r")}, dim=2)
    known = {"pair_force": (), "acceleration": (), "pair_potential": None, "constants": (), "attribute_names": ()}
    found = DiscoveredLaw(channels={"radial": "-1.0*r"}, composed=law, **known)
    x = np.zeros((3, 2))
    for wrong in ((x, x[:2]), (x[0], x[0]), (np.zeros((3, 3)), np.zeros((3, 3)))):
        with pytest.raises(InputError, match=r"a shape that ends with \(particles, 2\)"):
            found(*wrong)
    with pytest.raises(InputError, match=r"\(simulations, particles, dim\); got \(3, 2\)"):
        found.rollout(x, x, np.array([0.0, 1.0]))


@pytest.mark.user_error
def test_a_table_in_memory_is_to_be_read_first() -> None:
    frame = limbeck.trajectories.to_frame(
        limbeck.simulate.simulate("spring", n_systems=1, n_steps=3, n_nodes=2, seed=0)
    )
    with pytest.raises(InputError, match=r"got DataFrame: read a table or a Dataset with limbeck\.load_trajectories"):
        limbeck.discover(frame)
