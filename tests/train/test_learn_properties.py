"""Properties that nobody gave: the known answers of the house plan, from accelerations that a closed form makes."""

from dataclasses import replace

import jax
import numpy as np
import pytest

from limbeck.graphs import connect
from limbeck.train import Reading, learn_properties
from limbeck.train._couplings import Couplings, Factors, alternate, couplings_of, strengths_beside
from limbeck.train._learn_properties import _fitted, _masses, _without_idle_factor
from limbeck.train._pair_rows import LogSplines, PairRows, lay_out_pairs
from limbeck.trajectories import Trajectories, objects_return, with_attribute

KEY = jax.random.key(0)


def moving(n_systems: int, n_times: int, n_nodes: int, *, seed: int = 0, shared: bool = False) -> Trajectories:
    """Particles that wander through a square, at rest as far as the record knows."""
    generator = np.random.default_rng(seed)
    positions = generator.uniform(-2.0, 2.0, size=(n_systems, n_times, n_nodes, 2))
    return Trajectories(
        times=np.broadcast_to(np.arange(n_times, dtype=float), (n_systems, n_times)).copy(),
        positions=positions,
        velocities=np.zeros_like(positions),
        accelerations=np.zeros_like(positions),
        present=np.ones(positions.shape[:3], dtype=bool),
        particle_names=tuple(tuple(f"body{k}" for k in range(n_nodes)) for _ in range(n_systems)),
        shared_particles=shared,
    )


def driven(trajectories: Trajectories, strengths: np.ndarray, kernel) -> Trajectories:
    """Accelerations `sum over j of strengths[s, i, j] kernel(r) r̂`."""
    x = trajectories.positions
    away = x[:, :, :, None] - x[:, :, None]
    distance = np.linalg.norm(away, axis=-1)
    np.einsum("stii->sti", distance)[...] = 1.0
    force = strengths[:, None] * kernel(distance)
    np.einsum("stii->sti", force)[...] = 0.0
    accelerations = np.sum((force / distance)[..., None] * away, axis=3)
    return replace(trajectories, accelerations=accelerations)


def learned(trajectories: Trajectories, *names: str):
    """The properties, learned without a look at any."""
    dataset = connect(trajectories, seed=0, by_time=not objects_return(trajectories))
    return learn_properties(dataset, names, key=KEY), dataset


def ratios(found: np.ndarray, true: np.ndarray) -> np.ndarray:
    """Learned over true values, in units of their median."""
    ratio = found / true
    return ratio / np.median(ratio)


def test_masses_that_pull_and_resist() -> None:
    """In gravity the receiver's mass cancels: each mass shows in what it does to the others."""
    t = moving(12, 40, 4)
    m = np.random.default_rng(1).uniform(0.5, 3.0, size=(12, 4))
    t = driven(t, np.broadcast_to(m[:, None, :], (12, 4, 4)), lambda r: -1.0 / (r + 0.2) ** 2)
    found, dataset = learned(t, "m")
    assert found.reading.role == "both"
    np.testing.assert_allclose(ratios(found.values["m"], m), 1.0, rtol=1e-2)
    assert found.network(found.dataset(dataset)).validation_error < 1e-2


def test_masses_that_only_resist() -> None:
    """Springs of one strength between unequal masses: the acceleration is the force over the mass."""
    t = moving(12, 40, 4)
    m = np.random.default_rng(2).uniform(0.5, 3.0, size=(12, 4))
    t = driven(t, np.broadcast_to(1.0 / m[:, :, None], (12, 4, 4)), lambda r: -2.0 * (r - 1.0))
    found, _ = learned(t, "m")
    assert found.reading.role == "inertia"
    np.testing.assert_allclose(ratios(found.values["m"], m), 1.0, rtol=1e-3)


@pytest.mark.parametrize(("heavy", "noise"), [(1e10, 0.0), (1e6, 1e-2), (np.inf, 0.0)])
def test_what_hardly_moves_is_heavy(heavy: float, noise: float) -> None:
    """A body that answers to no force, or by noise the wrong way, is heavy, and the rest keep their masses."""
    t = moving(12, 40, 4)
    m = np.exp(np.random.default_rng(0).normal(size=(12, 4)))
    m[:, 0] = heavy
    t = driven(t, np.broadcast_to(1.0 / m[:, :, None], (12, 4, 4)), lambda r: -2.0 * (r - 1.0))
    shaken = t.accelerations + noise * np.random.default_rng(1).normal(size=t.accelerations.shape)
    found, _ = learned(replace(t, accelerations=shaken), "m")
    assert found.reading.role == "inertia"
    np.testing.assert_allclose(ratios(found.values["m"][:, 1:], m[:, 1:]), 1.0, rtol=1e-3 if noise == 0.0 else 5e-2)
    assert np.all(found.values["m"][:, :1] > 30.0 * found.values["m"][:, 1:])


def test_what_rests_is_no_unit() -> None:
    """Its inertia may be anything above those of the others."""
    m = np.exp(np.random.default_rng(0).normal(size=(12, 5)))
    m[:, 0] = np.inf
    t = driven(moving(12, 200, 5), 1.0 / m[:, :, None] * np.ones((1, 5, 5)), lambda r: -2.0 * (r - 1.0))
    found, _ = learned(t, "m")
    values = found.values["m"]
    assert found.reading.role == "inertia"
    np.testing.assert_allclose(ratios(values[:, 1:], m[:, 1:]), 1.0, rtol=1e-3)
    assert np.all(values[:, 0] > 1e3)
    assert values[:, 1:].mean() == pytest.approx(1.0)


def test_what_nothing_pulls_with_is_light() -> None:
    """Masses that noise makes negative are no heavier than the least that is known, and no other is raised."""
    np.testing.assert_allclose(_masses(np.array([[1.0, 1e-12, 0.0, -1e-3]])), [[1.0, 1e-12, 1e-12, 1e-12]])
    np.testing.assert_allclose(_masses(np.array([[1.0, 1e-3, -1e-3]])), [[1.0, 1e-3, 1e-9]])


@pytest.mark.parametrize(
    "charges", [(10.0, 1.0, 1.0, 1.0), (100.0, -1.0, 1.0, -1.0), (1.0, 0.1, 0.01, 0.001), (5.0, 1.0, -0.2, 0.3, -3.0)]
)
def test_couplings_of_exact_products(charges: tuple[float, ...]) -> None:
    """Products of unequal numbers give these numbers back."""
    q = np.array(charges)
    table = np.outer(q, q)
    met = ~np.eye(len(q), dtype=bool)
    values, left = couplings_of(np.where(met, table, 7.0)[None], met[None])
    np.testing.assert_allclose(values[0], q, rtol=1e-6)
    assert left < 1e-9


def test_couplings_of_kinds_that_meet_their_own() -> None:
    """Two numbers are told by what alike ones do to each other, and by nothing else."""
    q = np.array([1.0, -0.4])
    values, left = couplings_of(np.outer(q, q)[None], np.ones((1, 2, 2), dtype=bool))
    np.testing.assert_allclose(values[0], q, rtol=1e-9)
    assert left < 1e-12


def test_couplings_of_pairs_that_never_meet() -> None:
    """A strength of 0 of such a pair is no product."""
    q = np.array([1.0, 0.5, -2.0, 3.0])
    met = ~np.eye(4, dtype=bool)
    met[0, 3] = met[3, 0] = False
    values, left = couplings_of(np.where(met, np.outer(q, q), 0.0)[None], met[None])
    np.testing.assert_allclose(values[0], q, rtol=1e-6)
    assert left < 1e-9


def of_kinds(n_systems: int, labels: tuple[str, ...], *, n_nodes: int = 4, seed: int = 0) -> Trajectories:
    """Wanderers of a few kinds, drawn for each, whose properties are those of their kind."""
    t = moving(n_systems, 30, n_nodes, seed=seed)
    kinds = np.random.default_rng(seed + 1).integers(len(labels), size=(n_systems, n_nodes))
    return replace(t, attributes={"kind": kinds.astype(float)}, categories={"kind": labels}, per="kind")


@pytest.mark.parametrize("labels", [("a", "b"), ("a", "b", "c"), ("a", "b", "c", "d", "e")])
def test_charges_of_kinds(labels: tuple[str, ...]) -> None:
    """All particles of a label have one charge; two of a kind act on each other too."""
    t = of_kinds(12, labels)
    levels = np.array([1.0, -1.5, 0.6, 0.3, -2.0])[: len(labels)]
    q = levels[t.attributes["kind"].astype(int)]
    t = driven(t, q[:, :, None] * q[:, None, :], lambda r: 1.0 / (r + 0.2) ** 2)
    found, dataset = learned(t, "q")
    assert dataset.attribute_names == ()  # the labels are no attribute beside the charge
    assert found.reading.role == "coupling"
    scale = levels[np.argmax(np.abs(levels))]
    np.testing.assert_allclose(found.values["q"], q / scale, rtol=1e-3)
    assert found.network(found.dataset(dataset)).validation_error < 1e-2


def test_masses_and_charges_of_kinds() -> None:
    """The receiver resists with one number of its kind, and both ends couple by another."""
    t = of_kinds(12, ("a", "b", "c"))
    kind = t.attributes["kind"].astype(int)
    q, m = np.array([1.0, -1.5, 0.6])[kind], np.array([1.0, 2.5, 0.4])[kind]
    t = driven(t, (q / m)[:, :, None] * q[:, None, :], lambda r: 1.0 / (r + 0.2) ** 2)
    found, _ = learned(t, "m", "q")
    assert found.reading.role == "unlike"
    np.testing.assert_allclose(found.values["q"], q / -1.5, rtol=1e-3)
    np.testing.assert_allclose(found.values["m"], m / 2.5, rtol=1e-3)


def test_strengths_that_are_no_products_of_kinds_are_not_explained() -> None:
    """Negative control: a table with a number for each pair of kinds has no charges."""
    t = of_kinds(12, ("a", "b", "c"))
    kind = t.attributes["kind"].astype(int)
    table = np.array([[1.0, -0.5, 0.3], [-0.5, 0.6, -1.2], [0.3, -1.2, 0.9]])
    t = driven(t, table[kind[:, :, None], kind[:, None, :]], lambda r: r * np.exp(-r))
    found, dataset = learned(t, "q")
    assert found.network(found.dataset(dataset)).validation_error > 0.1


def test_accelerations_known_badly_count_for_less() -> None:
    """Standard errors that are stated say which targets to trust."""
    t = moving(8, 40, 4)
    generator = np.random.default_rng(5)
    m = generator.uniform(0.5, 3.0, size=(8, 4))
    t = driven(t, np.broadcast_to(m[:, None, :], (8, 4, 4)), lambda r: -1.0 / (r + 0.2) ** 2)
    errors = np.where(generator.random(t.present.shape) < 0.3, 10.0, 1e-3)[..., None] * np.ones(2)
    t = replace(t, accelerations=t.accelerations + errors * generator.normal(size=errors.shape))
    found, _ = learned(replace(t, acceleration_errors=errors), "m")
    assert found.reading.role == "both"
    np.testing.assert_allclose(ratios(found.values["m"], m), 1.0, rtol=1e-2)


@pytest.mark.parametrize("names", [("m",), ("m", "q")])
@pytest.mark.parametrize("shared", [False, True])
def test_nothing_accelerates(names: tuple[str, ...], shared: bool) -> None:
    """No force and masses of 1 explain it."""
    found, _ = learned(moving(1 if shared else 4, 30, 4, shared=shared), *names)
    np.testing.assert_array_equal(found.forces, 0.0)
    np.testing.assert_array_equal(found.values["m"], 1.0)


def test_charges_of_both_signs_beside_a_given_mass() -> None:
    """Charges are determined up to a common scale, and a sign of each set that acts on itself."""
    t = moving(12, 60, 4)
    generator = np.random.default_rng(3)
    m = generator.uniform(0.5, 3.0, size=(12, 4))
    q = generator.choice([-1.0, 1.0], size=(12, 4)) * generator.uniform(0.5, 2.0, size=(12, 4))
    t = with_attribute(driven(t, q[:, :, None] * q[:, None, :] / m[:, :, None], lambda r: 1.0 / (r + 0.3) ** 2), "m", m)
    found, _ = learned(t, "q")
    assert (found.reading.role, found.reading.inertia) == ("coupling", "m")
    products, true = (v[:, :, None] * v[:, None, :] for v in (found.values["q"], q))
    off = ~np.eye(4, dtype=bool)
    # Turns of least squares settle last where a simulation weighs least: the fit with the law does the rest.
    off_by = np.abs(ratios(products[:, off], true[:, off]) - 1.0)
    assert np.quantile(off_by, 0.9) < 2e-2
    assert np.sum(np.max(off_by, axis=1) > 2e-2) <= 1


@pytest.mark.parametrize("seed", range(2))
def test_charges_from_the_first_start(seed: int) -> None:
    """Products lead out of the wrong places in which free strengths of pairs settle."""
    generator = np.random.default_rng(100 + seed)
    q = generator.choice([-1.0, 1.0], size=(10, 4)) * generator.uniform(0.5, 2.0, size=(10, 4))
    rows, ones = laid_out_charges(q, seed=seed)
    factors = Factors(pair=ones[:, :, None] * ones[:, None, :], inertia=ones)
    fit = alternate(rows, "coupling", factors, np.random.default_rng(0).normal(size=(10, 6)))
    assert fit.error < 1e-4
    products, true = (v[:, :, None] * v[:, None, :] for v in (fit.values, q))
    off = ~np.eye(4, dtype=bool)
    np.testing.assert_allclose(ratios(products[:, off], true[:, off]), 1.0, rtol=1e-3)


def laid_out_charges(q: np.ndarray, *, seed: int = 0) -> tuple[PairRows, np.ndarray]:
    """Snapshots of charges and a 1 for every particle."""
    t = driven(moving(len(q), 60, 4, seed=seed), q[:, :, None] * q[:, None, :], lambda r: 1.0 / (r + 0.1) ** 2)
    rows = lay_out_pairs(connect(t, seed=0, by_time=True), np.argwhere(np.ones((len(q), 60), dtype=bool)))
    return rows, np.ones(rows.slots.shape)


def test_a_force_that_is_known_gives_the_strengths() -> None:
    """The force of a trial on some groups is where the fit to all begins."""
    q = np.random.default_rng(2).uniform(0.5, 2.0, size=(6, 4))
    rows, ones = laid_out_charges(q)
    factors = Factors(pair=ones[:, :, None] * ones[:, None, :], inertia=ones)
    known = alternate(rows, "coupling", factors, np.random.default_rng(0).normal(size=(6, 6)))
    more, ones = laid_out_charges(np.concatenate([q, q[::-1]]), seed=1)
    factors = Factors(pair=ones[:, :, None] * ones[:, None, :], inertia=ones)
    strengths = strengths_beside(more, "coupling", factors, known)
    low, high = np.triu_indices(4, k=1)
    np.testing.assert_allclose(ratios(strengths[:6], q[:, low] * q[:, high]), 1.0, rtol=1e-2)


def test_no_fit_far_above_the_trial_is_taken_while_starts_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two starts that agree on a poor fit are no end where a trial was better."""
    rows, _ = laid_out_charges(np.ones((3, 4)))
    splines = LogSplines.over(rows.logs[rows.acts])
    fits = [Couplings(values=np.ones((3, 4)), splines=splines, forces=np.ones(1), error=e) for e in [0.09] * 6 + [1e-5]]
    monkeypatch.setattr("limbeck.train._learn_properties._from_start", lambda *given: [fits[given[-1]]])
    reading, generator = Reading(role="coupling"), np.random.default_rng(0)
    trial = replace(fits[-1], is_logarithm=True)
    assert _fitted(rows, reading, generator).error == fits[0].error
    assert _fitted(rows, reading, generator, trial).error == fits[-1].error
    assert _fitted(rows, reading, generator, trial, is_same=True) is trial


@pytest.mark.parametrize(
    "reading", [Reading(role="coupling", inertia="m", coupling="m"), Reading(role="unlike", coupling="m")]
)
def test_free_couplings_take_up_a_given_factor(reading: Reading) -> None:
    """Masses beside charges that were never measured say nothing: the force is the same without them."""
    generator = np.random.default_rng(0)
    t = with_attribute(moving(5, 8, 4), "m", np.broadcast_to(generator.uniform(0.5, 3.0, size=4), (5, 4)))
    rows = lay_out_pairs(connect(t, seed=0, by_time=True), np.argwhere(np.ones((5, 8), dtype=bool)))
    values, inertias = generator.normal(size=(5, 4)), generator.uniform(1.0, 2.0, size=(5, 4))
    is_unlike = reading.role == "unlike"
    with_factor = Couplings(
        values=values,
        inertias=inertias if is_unlike else None,
        splines=LogSplines.over(rows.logs[rows.acts]),
        forces=np.ones(1),
        error=0.0,
    )
    less, found = _without_idle_factor(reading, with_factor, rows)
    assert less == replace(reading, coupling="")
    m = t.attributes["m"]
    before, after = (v[:, :, None] * v[:, None, :] for v in (values * m, found.values))
    if is_unlike:
        assert found.inertias is not None
        np.testing.assert_allclose(np.max(np.abs(found.values), axis=1), 1.0)
        before, after = before / inertias[:, :, None], after / found.inertias[:, :, None]
    np.testing.assert_allclose(after, before)


def test_masses_over_five_decades_of_one_set_of_bodies() -> None:
    """A heavy body and light ones that return in every snapshot, as in a planetary system."""
    t = moving(1, 400, 5)
    m = np.array([[1.0, 1e-3, 3e-4, 1e-5, 5e-5]])
    t = driven(t, np.broadcast_to(m[:, None, :], (1, 5, 5)), lambda r: -1.0 / r**2)
    found, _ = learned(t, "m")
    assert found.reading.role == "both"
    assert found.values["m"].max() == 1.0
    np.testing.assert_allclose(found.values["m"], m, rtol=2e-2)


def test_the_same_seed_learns_the_same() -> None:
    """Nothing hangs on anything but the key."""
    t = moving(1, 60, 4)
    m = np.array([[1.0, 0.5, 0.3, 0.2]])
    t = driven(t, np.broadcast_to(m[:, None, :], (1, 4, 4)), lambda r: -1.0 / r)
    one, two = (learned(t, "m")[0] for _ in range(2))
    np.testing.assert_array_equal(one.values["m"], two.values["m"])
    np.testing.assert_array_equal(one.forces, two.forces)


@pytest.mark.parametrize("seed", range(3))
def test_random_accelerations_teach_nothing(seed: int) -> None:
    """Where no force acts between the particles, the network that is made says so by its error."""
    t = moving(6, 40, 4, seed=seed)
    t = replace(t, accelerations=np.random.default_rng(seed).normal(size=t.positions.shape))
    found, dataset = learned(t, "m")
    assert found.network(found.dataset(dataset)).validation_error > 0.5
