"""Law and property fitted at once: values, errors, and what the data can't tell."""

from dataclasses import replace

import numpy as np
import pytest
from train.test_learn_properties import driven, moving

from limbeck.compose import Law, fit_properties, with_properties_fitted
from limbeck.compose._compose import ComposedLaw
from limbeck.compose._exponents import with_free_exponents
from limbeck.compose._property_slopes import PropertySlopes
from limbeck.compose._states import states_of
from limbeck.expressions import parse
from limbeck.graphs import GraphDataset, connect
from limbeck.train import with_property
from limbeck.trajectories import Trajectories, objects_return

GRAVITY = Law(components={"radial": parse("-1.3*m_1*m_2/r**2"), "inertia": parse("m_1")}, dim=2)


def started(trajectories: Trajectories, values: np.ndarray) -> GraphDataset:
    """Graphs whose property is known a little wrong."""
    dataset = connect(trajectories, seed=0, by_time=not objects_return(trajectories))
    wrong = values * np.random.default_rng(5).uniform(0.97, 1.03, size=values.shape)
    return with_property(dataset, "m", wrong)


def one_set(
    noise: float = 0.0, *, masses: tuple[float, ...] = (1.0, 0.1, 0.03, 0.01)
) -> tuple[GraphDataset, np.ndarray]:
    """Bodies that return in every snapshot."""
    m = np.array([masses])
    t = moving(1, 300, m.shape[1])
    t = driven(t, np.broadcast_to(m[:, None, :], (1, m.shape[1], m.shape[1])), lambda r: -1.3 / r**2)
    size = np.linalg.norm(t.accelerations, axis=-1, keepdims=True)
    shaken = t.accelerations + noise * size * np.random.default_rng(6).normal(size=t.accelerations.shape)
    return started(replace(t, accelerations=shaken), m), m


def test_slopes_agree_with_differences() -> None:
    """Slopes in the property, at receiver, sender and inertia, against central differences."""
    dataset, m = one_set()
    states = states_of(dataset, dataset.train[:5])
    assert states.objects is not None
    slopes = PropertySlopes(
        law=GRAVITY, names=("m",), states=states, objects=states.objects, slots=np.arange(4), n_slots=4
    )
    _, _, by_slot = slopes(GRAVITY.constants, m)
    for k in range(4):
        step = 1e-6 * m[0, k] * np.eye(4)[k]
        up, down = (slopes(GRAVITY.constants, m + sign * step)[0] for sign in (1.0, -1.0))
        np.testing.assert_allclose(by_slot[..., k], (up - down) / (2e-6 * m[0, k]), rtol=1e-4, atol=1e-6)


def test_exact_data_give_exact_masses_in_units_of_the_largest() -> None:
    """Nothing is noisy: every digit comes back, and the scale is named."""
    dataset, m = one_set()
    found = fit_properties(GRAVITY, ("m",), dataset)
    np.testing.assert_allclose(found["m"].values, m, rtol=1e-9)
    np.testing.assert_allclose(found.law.constants, [-1.3], rtol=1e-9)
    assert found["m"].determined.all()
    assert "body0" in found["m"].scale


def test_simulations_with_bodies_of_their_own_are_in_units_of_the_mean() -> None:
    """The constants are shared, the masses are not."""
    m = np.random.default_rng(1).uniform(0.5, 3.0, size=(8, 4))
    t = driven(moving(8, 60, 4), np.broadcast_to(m[:, None, :], (8, 4, 4)), lambda r: -1.3 / r**2)
    found = fit_properties(GRAVITY, ("m",), started(t, m))
    np.testing.assert_allclose(found["m"].values, m / m.mean(), rtol=1e-8)
    np.testing.assert_allclose(found.law.constants, [-1.3 * m.mean()], rtol=1e-8)


@pytest.mark.parametrize("seed", range(3))
def test_errors_hold_the_truth_under_noise(seed: int) -> None:
    """With one per cent of noise the values lie within a few of their errors, and no further errors are claimed."""
    m = np.random.default_rng(seed).uniform(0.5, 3.0, size=(10, 4))
    t = driven(moving(10, 60, 4, seed=seed), np.broadcast_to(m[:, None, :], (10, 4, 4)), lambda r: -1.3 / r**2)
    size = np.linalg.norm(t.accelerations, axis=-1, keepdims=True)
    t = replace(
        t,
        accelerations=t.accelerations + 0.01 * size * np.random.default_rng(seed).normal(size=(*size.shape[:3], 2)),
    )
    found = fit_properties(GRAVITY, ("m",), started(t, m))
    pulls = (found["m"].values - m / m.mean()) / found["m"].standard_errors
    assert 0.6 < np.sqrt(np.mean(pulls**2)) < 1.6
    assert abs(found.law.constants[0] + 1.3 * m.mean()) < 4 * found.errors[0]


def test_a_body_that_pulls_on_nothing_is_not_determined() -> None:
    """A body too light to move the others keeps its value to itself, and the record says so."""
    dataset, _ = one_set(0.01, masses=(1.0, 0.1, 0.03, 1e-9))
    found = fit_properties(GRAVITY, ("m",), dataset)
    np.testing.assert_array_equal(found["m"].determined, [[True, True, True, False]])


def test_fixed_exponents_are_fitted_beside_the_law() -> None:
    """The law keeps its whole number; the list of constants holds what the data say of it."""
    dataset, _ = one_set(0.001)
    composed = ComposedLaw(law=GRAVITY, estimates=(), front=(), others=(), is_stable=True, tried=1)
    law, _ = with_properties_fitted(composed, ("m",), dataset)
    assert len(law.law.constants) == 1
    exponent = law.estimates[-1]
    assert "exponent of r" in exponent.place
    assert abs(exponent.value + 2.0) < 4 * exponent.standard_error < 0.01


def test_only_exponents_of_distances_are_freed() -> None:
    """A square of a property is a form, not a measurement."""
    law = Law(components={"radial": parse("2*q_1**2*(r + 0.1)**-3")}, dim=2)
    freed, places = with_free_exponents(law)
    np.testing.assert_allclose(freed.constants, [2.0, 0.1, -3.0])
    assert list(places) == [2]


def test_a_term_that_stood_for_errors_of_the_masses_is_left_out() -> None:
    """Fitted while the masses were a little wrong, a small number was needed; fitted with them it is none."""
    dataset, _ = one_set(0.001)
    more = Law(components={**GRAVITY.components, "central": parse("1e-4")}, dim=2)
    composed = ComposedLaw(law=more, estimates=(), front=(), others=(), is_stable=True, tried=1)
    law, _ = with_properties_fitted(composed, ("m",), dataset)
    assert law.law.components.keys() == GRAVITY.components.keys()
    assert not law.uncertain
