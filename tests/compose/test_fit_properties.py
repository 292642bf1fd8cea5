"""Law and property fitted at once: values, errors, and what the data can't tell."""

from dataclasses import replace

import numpy as np
import pytest
from train.test_learn_properties import driven, moving

from limbeck.compose import Law, fit_properties, with_properties_fitted
from limbeck.compose._compose import ComposedLaw
from limbeck.compose._exponents import with_free_exponents
from limbeck.compose._property_problem import fitted_states
from limbeck.compose._property_slopes import PropertySlopes
from limbeck.compose._property_units import Units
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


@pytest.mark.parametrize("noise", [0.0, 0.003])
def test_derivatives_across_close_encounters_do_not_bend_values(noise: float) -> None:
    """One target in thirty is off by its own size; where the others are exact, so are values. Errors hold the truth."""
    m, rng = np.random.default_rng(1).uniform(0.5, 3.0, size=(10, 4)), np.random.default_rng(7)
    t = driven(moving(10, 60, 4), np.broadcast_to(m[:, None, :], (10, 4, 4)), lambda r: -1.3 / r**2)
    size = np.linalg.norm(t.accelerations, axis=-1, keepdims=True)
    wrong = rng.random(size.shape) < 1 / 30
    off = size * np.where(wrong, 1.0, noise) * rng.normal(size=t.accelerations.shape)
    found = fit_properties(GRAVITY, ("m",), started(replace(t, accelerations=t.accelerations + off), m))
    values, errors = found["m"].values, found["m"].standard_errors
    assert np.median(np.abs(values / (m / m.mean()) - 1.0)) < max(1e-7, 0.3 * noise)
    assert np.sqrt(np.mean(((values - m / m.mean()) / errors) ** 2)) < 1.6
    assert found["m"].determined.all()


@pytest.mark.parametrize("noise", [0.0, 0.01])
@pytest.mark.parametrize("needed", [False, True])
def test_a_given_attribute_takes_the_place_of_a_property_that_nothing_needs(noise: float, needed: bool) -> None:
    """Asked for a charge beside measured masses, springs need none; where masses are others, they do."""
    m = np.random.default_rng(1).uniform(0.5, 3.0, size=(10, 4))
    law, dataset = springs_of(m, noise)
    masses = dataset.trajectories.attributes["m"]
    dataset = with_property(dataset, "q", masses)
    dataset = with_property(dataset, "m", m[::-1] if needed else m)
    law = law.with_other("m", "q")
    found, properties = with_properties_fitted(composed_of(law), ("q",), dataset)
    assert found.law.depends_on("q") is needed
    assert found.law.depends_on("m") is not needed
    assert properties["q"].determined.all() == needed
    if not needed:
        np.testing.assert_allclose(np.abs(found.law.constants), [2.0, 1.0], rtol=max(1e-8, noise))


def test_a_law_that_needs_no_property_stays_as_it_is() -> None:
    """Constants that were fitted without one are not fitted anew, and it is said that nothing needs it."""
    dataset, _ = one_set()
    dataset = with_property(dataset, "q", dataset.trajectories.attributes["m"])
    composed = ComposedLaw(law=GRAVITY, estimates=(), front=(), others=(), is_stable=True, tried=1)
    law, properties = with_properties_fitted(composed, ("q",), dataset)
    assert law.law is GRAVITY
    assert not properties["q"].determined.any()
    assert "need no q" in properties["q"].scale


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
    freed, places = with_free_exponents(law, fitted_states(one_set(0.0)[0]))
    np.testing.assert_allclose(freed.constants, [2.0, 0.1, -3.0])
    assert list(places) == [2]


def test_no_exponent_of_what_is_negative_is_freed() -> None:
    """A power of a negative number that is not whole is undefined, and so is a fit of it."""
    dataset, _ = one_set(0.001)
    law = Law(components={"radial": parse("3*m_1*m_2/(r - 2*(r + 0.2)**2)"), "inertia": parse("m_1")}, dim=2)
    freed, places = with_free_exponents(law, fitted_states(dataset))
    assert list(places.values()) == ["radial: exponent of r + 0.2"]
    composed = ComposedLaw(law=law, estimates=(), front=(), others=(), is_stable=True, tried=1)
    _, properties = with_properties_fitted(composed, ("m",), dataset)
    assert np.isfinite(properties.misfit)
    assert len(freed.constants) == len(law.constants) + 1


def test_a_term_that_stood_for_errors_of_the_masses_is_left_out() -> None:
    """Fitted while the masses were a little wrong, a small number was needed; fitted with them it is none."""
    dataset, _ = one_set(0.001)
    more = Law(components={**GRAVITY.components, "central": parse("1e-4")}, dim=2)
    composed = ComposedLaw(law=more, estimates=(), front=(), others=(), is_stable=True, tried=1)
    law, _ = with_properties_fitted(composed, ("m",), dataset)
    assert law.law.components.keys() == GRAVITY.components.keys()
    assert not law.uncertain


@pytest.mark.parametrize("form", ["m_1**1.2", "m_1 + 0.2"])
def test_a_number_that_the_values_can_take_up_is_left_out(form: str) -> None:
    """A power of masses that only resist, or a mass added to each, is a choice of values and no finding."""
    m = np.random.default_rng(1).uniform(0.5, 3.0, size=(8, 4))
    t = driven(moving(8, 60, 4), np.broadcast_to(1.0 / m[:, :, None], (8, 4, 4)), lambda r: -2.0 * (r - 1.0))
    law = Law(components={"radial": parse("-2.2*(r - 1.0)"), "inertia": parse(form)}, dim=2)
    dataset = started(t, m)
    assert np.isinf(fit_properties(law, ("m",), dataset).errors[-1])
    composed = ComposedLaw(law=law, estimates=(), front=(), others=(), is_stable=True, tried=1)
    found, properties = with_properties_fitted(composed, ("m",), dataset)
    assert found.law.components["inertia"] == parse("m_1")
    np.testing.assert_allclose(properties["m"].values, m / m.mean(), rtol=1e-7)
    assert not found.uncertain


CHARGES = Law(components={"radial": parse("1.1*q_1*q_2/(r + 0.3)**2"), "inertia": parse("m_1")}, dim=2)


def two_started(m: np.ndarray, q: np.ndarray, n_times: int, *, noise: float = 0.0, drag: float = 0.0) -> GraphDataset:
    """Graphs of masses and charges that are known a little wrong."""
    n_systems, n = m.shape
    t = driven(
        moving(n_systems, n_times, n),
        q[:, :, None] * q[:, None, :] / m[:, :, None],
        lambda r: 1.1 / (r + 0.3) ** 2,
    )
    generator = np.random.default_rng(7)
    v = generator.normal(size=t.positions.shape) if drag else t.velocities
    exact = t.accelerations + drag * v / m[:, None, :, None]
    size = np.linalg.norm(exact, axis=-1, keepdims=True)
    t = replace(t, velocities=v, accelerations=exact + noise * size * generator.normal(size=exact.shape))
    dataset = connect(t, seed=0, by_time=not objects_return(t))
    for name, values in (("m", m), ("q", q)):
        dataset = with_property(dataset, name, values * generator.uniform(0.98, 1.02, size=m.shape))
    return dataset


def masses_and_charges(n_systems: int) -> tuple[np.ndarray, np.ndarray]:
    """Unlike masses, and charges of which the first of each simulation is the largest."""
    generator = np.random.default_rng(2)
    m, q = generator.uniform(0.5, 3.0, size=(2, n_systems, 4))
    q = q * generator.choice([-1.0, 1.0], size=q.shape)
    q[:, 0] = 4.0
    return m, q


def test_each_simulation_has_a_scale_of_charge_of_its_own() -> None:
    """Twice the charges on four times the masses move alike: the record says so, and holds what is determined."""
    m, q = masses_and_charges(8)
    found = fit_properties(CHARGES, ("m", "q"), two_started(m, q, 60))
    np.testing.assert_allclose(found["q"].values, q / 4.0, rtol=1e-6)
    np.testing.assert_allclose(found["m"].values, m / m.mean(), rtol=1e-6)
    assert "within a simulation" in found["q"].scale
    assert "one sign of each simulation is free" in found["q"].scale
    assert "units of q in each" in found["m"].scale
    assert not found["m"].comparable


@pytest.mark.parametrize("seed", range(5))
def test_a_free_scale_is_seen_through_rounding(seed: int) -> None:
    """Squares of slopes, whose rounding depends on the sample, had hidden it for springs with strengths."""
    generator = np.random.default_rng(seed)
    slopes = generator.lognormal(sigma=2.0, size=(1_000, 2, 1)) * np.array([-1.0, 2.0])
    slopes = slopes * (1.0 + 1e-15 * generator.normal(size=slopes.shape))
    units, _ = Units.of_groups(np.ones((2, 6)), np.ones((2, 6), dtype=bool), np.repeat([0, 1], 3), slopes)
    assert units.own_scale == 1
    units, _ = Units.of_groups(
        np.ones((2, 6)),
        np.ones((2, 6), dtype=bool),
        np.repeat([0, 1], 3),
        slopes + 1e-6 * generator.normal(size=slopes.shape),
    )
    assert units.is_comparable


def test_a_drag_that_all_feel_ties_the_simulations_together() -> None:
    """A force that knows no charge compares the masses of all, and so their charges."""
    m, q = masses_and_charges(8)
    law = Law(components={**CHARGES.components, "drag": parse("-0.6")}, dim=2)
    found = fit_properties(law, ("m", "q"), two_started(m, q, 60, drag=-0.6))
    np.testing.assert_allclose(found["q"].values, q / np.abs(q).mean(), rtol=1e-6)
    np.testing.assert_allclose(found["m"].values, m / m.mean(), rtol=1e-6)
    assert found["m"].comparable


def test_errors_of_two_properties_hold_the_truth_under_noise() -> None:
    """With a per cent of noise both lie within a few of their errors."""
    m, q = masses_and_charges(20)
    found = fit_properties(CHARGES, ("m", "q"), two_started(m, q, 60, noise=0.01))
    pulls = (found["q"].values - q / 4.0)[:, 1:] / found["q"].standard_errors[:, 1:]
    assert 0.6 < np.sqrt(np.mean(pulls**2)) < 1.6
    pulls = (found["m"].values - m / m.mean()) / found["m"].standard_errors
    assert 0.6 < np.sqrt(np.mean(pulls**2)) < 1.6


def test_objects_that_return_have_the_largest_of_each_as_unit() -> None:
    """One set: both properties have a scale, and the charge a sign."""
    m, q = masses_and_charges(1)
    found = fit_properties(CHARGES, ("m", "q"), two_started(m, q, 300))
    np.testing.assert_allclose(found["q"].values, q / 4.0, rtol=1e-6)
    np.testing.assert_allclose(found["m"].values, m / m.max(), rtol=1e-6)
    assert "one sign of all is free" in found["q"].scale


def test_a_property_that_the_law_lacks_is_not_determined() -> None:
    """Nothing depends on it: no value is claimed."""
    m, q = masses_and_charges(8)
    law = Law(components={"radial": parse("-1.1*m_1*m_2/(r + 0.3)**2"), "inertia": parse("m_1")}, dim=2)
    found = fit_properties(law, ("m", "q"), two_started(m, q, 60))
    assert np.isinf(found["q"].standard_errors).all()
    assert not found["q"].determined.any()


def composed_of(law: Law) -> ComposedLaw:
    """A law without a search behind it."""
    return ComposedLaw(law=law, estimates=(), front=(), others=(), is_stable=True, tried=1)


def springs_of(m: np.ndarray, noise: float) -> tuple[Law, GraphDataset]:
    """Springs between masses, with noise."""
    t = driven(moving(len(m), 60, 4), np.broadcast_to(1.0 / m[:, :, None], (*m.shape, 4)), lambda r: -2.0 * (r - 1.0))
    size = np.linalg.norm(t.accelerations, axis=-1, keepdims=True)
    shaken = t.accelerations + noise * size * np.random.default_rng(6).normal(size=t.accelerations.shape)
    law = Law(components={"radial": parse("-2.2*(r - 1.0)"), "inertia": parse("m_1")}, dim=2)
    return law, started(replace(t, accelerations=shaken), m)


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_masses_of_two_species_are_tied_to_two_levels(noise: float) -> None:
    """Two levels with an error of all their members; their ratio is the truth."""
    m = np.random.default_rng(1).choice([1.0, 2.5], size=(10, 4))
    law, dataset = springs_of(m, noise)
    _, properties = with_properties_fitted(composed_of(law), ("m",), dataset)
    levels = properties["m"].levels
    assert levels is not None
    np.testing.assert_array_equal(levels.of, (m > 2).astype(int))
    true = np.array([1.0, 2.5]) / m.mean()
    assert np.all(np.abs(levels.values - true) < 4 * levels.errors + 1e-9)
    np.testing.assert_allclose(properties["m"].values, levels.values[levels.of])
    assert np.all(levels.errors < 0.3 * noise + 1e-8)
    assert properties["m"].values.mean() == pytest.approx(1.0)


@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_masses_of_a_continuum_are_left_free(noise: float) -> None:
    """Negative control."""
    m = np.random.default_rng(1).uniform(0.5, 3.0, size=(10, 4))
    law, dataset = springs_of(m, noise)
    _, properties = with_properties_fitted(composed_of(law), ("m",), dataset)
    assert properties["m"].levels is None


def test_charges_of_returning_objects_are_tied_to_plus_and_minus_one() -> None:
    """Seven objects, one of them the unit: its level is exact, the other one is not."""
    q = np.array([[1.0, -1.0, -1.0, 1.0, 1.0, -1.0, 1.0]])
    t = driven(moving(1, 300, 7), q[:, :, None] * q[:, None, :], lambda r: 1.1 / (r + 0.3) ** 2)
    size = np.linalg.norm(t.accelerations, axis=-1, keepdims=True)
    shaken = t.accelerations + 0.01 * size * np.random.default_rng(6).normal(size=t.accelerations.shape)
    dataset = connect(replace(t, accelerations=shaken), seed=0, by_time=False)
    dataset = with_property(dataset, "q", q * np.where(np.arange(7) == 0, 1.0, 0.98))
    law = Law(components={"radial": parse("1.1*q_1*q_2/(r + 0.3)**2")}, dim=2)
    _, properties = with_properties_fitted(composed_of(law), ("q",), dataset)
    levels = properties["q"].levels
    assert levels is not None
    np.testing.assert_array_equal(levels.of, (q > 0).astype(int))
    assert levels.errors[1] == 0.0
    assert abs(levels.values[0] + 1.0) < 4 * levels.errors[0] < 0.05


@pytest.mark.parametrize("form", ["-1.3*m_1*m_2*(r - CUT)**-1.9", "-1.3*m_1*m_2*log(r - CUT)"])
def test_a_law_that_is_undefined_on_a_few_pairs_is_uncertain(form: str) -> None:
    dataset, _ = one_set()
    cut = float(np.quantile(fitted_states(dataset).edges["r"], 0.01))
    law = Law(components={"radial": parse(form.replace("CUT", repr(cut))), "inertia": parse("m_1")}, dim=2)
    composed = ComposedLaw(law=law, estimates=(), front=(), others=(), is_stable=True, tried=1)
    found, properties = with_properties_fitted(composed, ("m",), dataset)
    assert found.law.components == law.components
    assert len(found.uncertain) == len(law.constants)
    assert np.isinf(properties.misfit)
    assert not properties["m"].determined.any()
    assert "undefined" in properties["m"].scale
