"""Properties that nobody measured, sought in noisy positions together with a law."""

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from compose.planted import law_of
from compose.test_checks import FIT

from limbeck.compose import (
    ComposedLaw,
    FittedProperties,
    FittedProperty,
    Levels,
    fit_trajectories,
    followed_with_properties,
)
from limbeck.compose._fit_properties import begun_properties
from limbeck.compose._followed_laws import ranked
from limbeck.compose._followed_properties import _are_units_of as are_units_of, _in_units as in_units
from limbeck.compose._property_numbers import unknowns_beside, unknowns_of, with_values
from limbeck.graphs import GraphDataset, connect
from limbeck.simulate import simulate, simulate_from
from limbeck.train import with_property
from limbeck.trajectories import load_trajectories, to_frame

NOISE = 2e-3  # about 1e-3 of the typical distance


@lru_cache
def observed(*, simulations: int = 12, steps: int = 300, alike: bool = False) -> tuple[GraphDataset, np.ndarray]:
    """Positions of springs with noise, and the masses, which are known a little wrong; mean 1."""
    exact = simulate("spring", n_systems=simulations, n_steps=steps, n_nodes=3, seed=0)
    if alike:
        start, ones = (exact.positions[:, 0], exact.velocities[:, 0]), np.ones(exact.attributes["m"].shape)
        exact = simulate_from("spring", *start, {"m": ones}, exact.times[0])
    rng = np.random.default_rng(1)
    frame = to_frame(exact)[["simulation", "time", "particle"]].copy()
    frame[["x", "y"]] = (exact.positions + NOISE * rng.normal(size=exact.positions.shape)).reshape(-1, 2)
    dataset = connect(load_trajectories(frame), seed=0, by_time=True)
    masses = exact.attributes["m"]
    return with_property(dataset, "m", masses * rng.uniform(0.95, 1.05, size=masses.shape)), masses


def fitted(dataset: GraphDataset, *, levels: Levels | None = None) -> FittedProperties:
    """What a fit to accelerations may have said: values a little wrong, with errors."""
    values = dataset.trajectories.attributes["m"] / dataset.trajectories.attributes["m"].mean()
    mass = FittedProperty(
        name="m",
        values=values,
        standard_errors=0.05 * values,
        determined=np.ones(values.shape, dtype=bool),
        scale="only ratios of m are determined",
        bounds=np.zeros(values.shape, dtype=bool),
        levels=levels,
    )
    law = law_of(radial="-1.0*(r - 0.95)", inertia="m_1")
    return FittedProperties(law=law, properties=(mass,), errors=np.zeros(2), misfit=1.0, information=0.0)


def in_units_of_the_first(begun: FittedProperties) -> FittedProperties:
    """The same with the first value as the unit."""
    errors = begun["m"].standard_errors.copy()
    errors[0, 0] = 0.0
    return replace(begun, properties=(replace(begun["m"], standard_errors=errors),))


def test_masses_and_springs_are_found_together() -> None:
    """Values and constants within their errors, which are small; a common factor is free."""
    dataset, masses = observed()
    begun = fitted(dataset)
    fit = fit_trajectories(begun.law, begun.dataset(dataset), unknowns=unknowns_of(begun, dataset))
    assert fit is not None
    assert fit.goes_through
    found = with_values(begun, fit)
    values, errors = found["m"].values, found["m"].standard_errors
    scale = float(np.average(values / masses, weights=(masses / errors) ** 2))
    pulls = (values - scale * masses) / errors
    assert np.sqrt(np.mean(pulls**2)) < 1.6
    assert np.median(errors / values) < 0.06
    off = np.abs(fit.law.constants) - np.array([2.0 * scale, 0.99])  # r - .99, or r + -.99
    assert np.all(np.abs(off) < 4 * fit.errors)
    assert fit.errors_beside is not None
    assert np.all(fit.errors_beside <= fit.errors)


def test_a_value_that_is_the_unit_does_not_move() -> None:
    """Where one object is the unit its error is 0, and it is no number that is sought."""
    dataset, _ = observed()
    begun = fitted(dataset)
    held = in_units_of_the_first(begun)
    unknowns = unknowns_of(held, dataset)
    assert len(unknowns.values) == begun["m"].values.size - 1
    assert not unknowns.units.size
    # The data may hold it in another unit: what was given with the numbers counts.
    fit = fit_trajectories(held.law, dataset, unknowns=unknowns)
    assert fit is not None
    assert fit.goes_through
    assert fit.unknowns is not None
    assert fit.unknowns.laid_out["m"][0, 0] == begun["m"].values[0, 0]


def test_a_body_that_hardly_moves_is_no_unit() -> None:
    """Where objects return, the largest value is the unit, unless it is so large that small errors would hide it."""
    dataset, _ = observed()
    dataset = replace(dataset, trajectories=replace(dataset.trajectories, shared_particles=True))
    law, shape = law_of(radial="-2.0*(r - 0.99)", inertia="m_1"), dataset.trajectories.attributes["m"].shape
    for masses, unit in (((5.0, 1.0, 2.0), 0), ((1e5, 1.0, 2.0), 2)):
        begun = begun_properties(law, ("m",), with_property(dataset, "m", np.broadcast_to(masses, shape)))["m"]
        assert np.isfinite(begun.standard_errors).all()
        np.testing.assert_array_equal(np.flatnonzero(begun.standard_errors[0] == 0), [unit])


@pytest.mark.parametrize("first", ["-2.0*r", "c/r"])
def test_a_wrong_form_does_not_say_what_may_be_infinite(first: str) -> None:
    """Values are laid out by the likeliest form; where it is wrong, the mean of all is held all the same."""
    dataset, _ = observed()
    begun = begun_properties(law_of(radial=first.replace("c", "-1.5"), inertia="m_1"), ("m",), dataset)
    assert not begun["m"].bounds.any()
    np.testing.assert_array_equal(unknowns_of(begun, dataset).units.sum(), begun["m"].values.size)


def test_the_likeliest_law_that_has_most_properties_says_what_is_sought() -> None:
    """Of forms with one of two properties, the one without any is no measure."""
    dataset, masses = observed()
    dataset = with_property(dataset, "q", np.ones(masses.shape))
    without, charged = law_of(radial="-2.0*(r - 0.99)"), law_of(radial="0.5*q_1*q_2/r")
    for laws in ([without, charged], [charged, without]):
        assert len(unknowns_beside(laws, ("m", "q"), dataset).values) == masses.size
    assert not len(unknowns_beside([without], ("m", "q"), dataset).values)


def test_the_unit_that_is_named_is_the_one_that_was_held() -> None:
    """A form that was considered first may have had another unit; the law is followed once more in its own."""
    dataset, masses = observed()
    dataset = replace(dataset, trajectories=replace(dataset.trajectories, shared_particles=True))
    alike = np.broadcast_to(masses[0], masses.shape)
    dataset = with_property(dataset, "m", alike * [3e4, 1.0, 1.0])
    law = law_of(radial="-2.0*(r - 0.99)", inertia="m_1")
    coupled = law_of(radial="-2.0*m_1*m_2*r", inertia="m_1")
    unknowns = unknowns_beside([coupled], ("m",), dataset)
    fit = replace(FIT, law=law, errors=np.ones(2), errors_beside=np.ones(2), unknowns=unknowns)
    begun = begun_properties(law, ("m",), dataset)
    assert not are_units_of(begun, fit)
    assert are_units_of(begun, replace(fit, unknowns=unknowns_of(begun, dataset)))
    assert are_units_of(begun, replace(fit, unknowns=None))


def test_a_value_of_nothing_is_no_unit() -> None:
    """A charge that a network takes for 0 is sought as any other."""
    dataset, _ = observed()
    law, charges = law_of(radial="0.5*q_1*q_2/r", inertia="m_1"), np.ones(dataset.trajectories.attributes["m"].shape)
    charges[0, 0] = 0.0
    errors = begun_properties(law, ("q",), with_property(dataset, "q", charges))["q"].standard_errors
    assert 0 < errors[0, 0] < np.inf


def test_the_value_that_is_the_unit_is_one_at_last() -> None:
    """A network may have held another value for the unit: law and values are told in units of the one that is named."""
    dataset, _ = observed()
    begun = fitted(dataset)
    fit = replace(FIT, law=begun.law, errors=0.1 * np.ones(2), errors_beside=0.1 * np.ones(2))
    composed = ComposedLaw(law=fit.law, estimates=(), front=(), others=(), is_stable=True, tried=1, followed=fit)
    law, told = in_units(composed, in_units_of_the_first(begun))
    unit = begun["m"].values[0, 0]
    assert told["m"].values[0, 0] == pytest.approx(1.0, rel=1e-12)
    np.testing.assert_allclose(np.abs(law.law.constants), [1.0 / unit, 0.95], rtol=1e-12)


def test_objects_of_one_level_have_one_value() -> None:
    """Levels are numbers that many particles share; what belongs to none has its own."""
    dataset, masses = observed()
    of = np.where(masses > np.median(masses), 1, 0)
    of[0, 0] = -1
    levels = Levels(values=np.array([0.5, 1.5]), errors=np.ones(2), of=of, evidence=9.0)
    unknowns = unknowns_of(fitted(dataset, levels=levels), dataset)
    assert len(unknowns.values) == 3
    assert len(np.unique(unknowns.numbers[0][of == 1])) == 1
    np.testing.assert_array_equal(unknowns.units.sum(), masses.size)


def test_values_that_nothing_needs_are_not_paid_for() -> None:
    """Where all masses are alike, free ones take up noise, as every number does; the law without them leads."""
    dataset, _ = observed(alike=True)
    begun = fitted(dataset)
    unknowns = unknowns_of(begun, dataset)
    without = law_of(radial="-2.0*(r - 0.99)")
    fits = [fit_trajectories(law, begun.dataset(dataset), unknowns=unknowns) for law in (begun.law, without)]
    found = [fit for fit in fits if fit is not None]
    assert found[0].n_values > 30
    assert found[1].n_values == 0
    assert found[0].misfit < found[1].misfit
    assert ranked(found) == [1, 0]


@pytest.mark.slow
def test_simulations_that_no_window_saw_are_told_afterwards() -> None:
    """A fit looks at some windows only; the others' values follow, the law as it is. What stays untold says so."""
    dataset, masses = observed()
    begun = fitted(dataset)
    some = replace(dataset, train=dataset.train[dataset.train[:, 0] < 6])
    fit = fit_trajectories(begun.law, begun.dataset(some), unknowns=unknowns_of(begun, some))
    assert fit is not None
    composed = ComposedLaw(law=fit.law, estimates=(), front=(), others=(), is_stable=True, tried=1, followed=fit)

    def found(times: int) -> FittedProperties:
        left = iter([False] * times)
        ended = followed_with_properties(
            ("m",), begun.dataset(dataset), along=lambda _: composed, is_over=lambda: next(left, True)
        )
        assert ended is not None
        return ended[1]

    everywhere, untold = found(9)["m"], found(1)["m"]
    values = everywhere.values
    np.testing.assert_allclose(values[everywhere.determined].mean(), 1.0, rtol=1e-9)
    true = masses * np.median(values / masses)
    assert np.sqrt(np.mean(((values - true) / everywhere.standard_errors) ** 2)) < 2.0
    assert np.isinf(untold.standard_errors[6:]).all()
    assert not untold.determined[6:].any()
    assert np.isfinite(untold.standard_errors[:6]).all()


def test_what_can_not_be_followed_is_left_to_others() -> None:
    """No law by positions where time is over, where none goes through them, or where they are exact."""
    dataset, _ = observed()
    asked = []

    def along(beside: GraphDataset) -> None:
        asked.append(beside)

    assert followed_with_properties(("m",), dataset, along=along, is_over=lambda: True) is None
    assert not asked
    assert followed_with_properties(("m",), dataset, along=along, is_over=lambda: False) is None
    assert len(asked) == 1


def test_an_inertia_beyond_infinity_may_be_infinite() -> None:
    """A fit that passes infinity leaves a large negative value; the one that would show by a standard error is told."""
    dataset, _ = observed()
    begun = fitted(dataset)
    unknowns = unknowns_of(begun, dataset)
    values, errors = unknowns.values.copy(), 0.01 * np.ones(len(unknowns.values))
    values[0], errors[0] = -40.0, 160.0
    fit = replace(FIT, unknowns=replace(unknowns, values=values, errors=errors))
    mass = with_values(begun, fit)["m"]
    assert mass.bounds.sum() == 1
    assert mass.values[0, 0] == mass.standard_errors[0, 0] == pytest.approx(10.0)
    assert not mass.determined[0, 0]
    assert mass.determined.sum() == mass.determined.size - 1


@pytest.mark.parametrize(("known", "doubt"), [([0.05, 0.05, np.inf, np.inf], 0.05), ([np.inf] * 4, 0.0)])
def test_how_well_values_are_known_is_told_by_half_of_them(known: list[float], doubt: float) -> None:
    """Values that no window told of say nothing."""
    dataset, _ = observed()
    unknowns = unknowns_of(fitted(dataset), dataset)
    errors = np.where(np.arange(len(unknowns.values)) % 2, np.resize(known, len(unknowns.values)), known[0])
    fit = replace(FIT, unknowns=replace(unknowns, values=np.ones(len(errors)), errors=errors))
    assert fit.doubt_of_values == doubt
    assert FIT.doubt_of_values == 0.0
