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
