"""What a Hamiltonian network promises whatever its weights are, in double precision against explicit sums."""

import functools
from contextlib import nullcontext
from dataclasses import replace

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from limbeck._errors import InputError
from limbeck.graphs import PairList, Snapshots
from limbeck.models import (
    HamiltonianConfig,
    PairIndex,
    PhaseSpace,
    Scales,
    build_hamiltonian_network,
    check_conservative,
    hamiltonian_force_loss,
    hamiltonian_loss,
    hamiltonian_objective,
    hamiltonian_penalty,
    published_hamiltonian_objective,
    published_hamiltonian_penalty,
)
from limbeck.simulate import systems

SAMPLES, NODES, MASS = 3, 4, 0
SEEDS = st.integers(0, 2**32 - 1)
SCALES = Scales(
    length=1.3, softening=0.05, speed=1.4, position=1.2, acceleration=2.0, attributes=(1.1, 0.9), positive=(True, False)
)
PAIRS = PairIndex(*np.triu_indices(NODES, k=1))
few = settings(max_examples=3)
every_form_and_dim = pytest.mark.parametrize(
    ("features", "translation", "dim"),
    [("published", False, 3), ("published", True, 2), ("scaled", False, 2), ("scaled", True, 3)],
)


@functools.cache
def model_of(features, translation, dim, mass=MASS):
    config = HamiltonianConfig(width=8, depth=2, features=features, translation=translation)
    model = build_hamiltonian_network(config, SCALES, dim=dim, inertia=mass, key=jax.random.key(1))
    return jax.tree.map(lambda weight: 2.0 * weight.astype(float), model)  # larger, so that nothing is nearly linear


def states(seed, dim):
    rng = np.random.default_rng(seed)
    x, v, a = rng.normal(size=(3, SAMPLES, NODES, dim))
    attributes = np.stack([rng.lognormal(size=(SAMPLES, NODES)), rng.normal(size=(SAMPLES, NODES))], axis=-1)
    acts = rng.integers(0, 2, size=(SAMPLES, len(PAIRS.first))).astype(float)
    acts[0] = 1.0
    return Snapshots(x, v, attributes, acts, acts, a, np.ones((SAMPLES, NODES)))


compiled = functools.cache(eqx.filter_jit)  # one compilation for each function and form of model


def double(function, *arguments):
    """Call in double precision."""
    with jax.enable_x64(True):
        return jax.tree.map(np.asarray, compiled(function)(*jax.tree.map(jnp.asarray, arguments)))


def flow(model, snapshots, pairs):
    return model.flow(snapshots, pairs)


def accelerations(model, snapshots, pairs):
    return model(snapshots, pairs)


def pair_energies(model, snapshots, pairs):
    return model.pair_energies(snapshots, pairs)


def hamiltonian(model, snapshots, positions, momenta):
    """H of every snapshot by an explicit double loop, each pair once."""
    state = PhaseSpace(positions, momenta, snapshots.attributes)
    total = jnp.sum(model.self_energies(state), axis=-1)
    number = 0
    for i in range(NODES):
        for j in range(i + 1, NODES):
            ends = (state.at(np.array([end])) for end in (i, j))
            total = total + snapshots.forward[:, number] * model.energies_of(*ends)[:, 0]
            number += 1
    return total


def close(got, expected, tolerance=1e-10):
    np.testing.assert_allclose(got, expected, rtol=tolerance, atol=tolerance * (1 + np.abs(expected).max()))


def hamiltonian_slopes(model, snapshots, positions, momenta):
    def total(q, p):
        return jnp.sum(hamiltonian(model, snapshots, q, p))

    return jax.jacfwd(total, argnums=(0, 1))(positions, momenta)


@every_form_and_dim
def test_flow_is_the_symplectic_gradient(features, translation, dim):
    model, snapshots = model_of(features, translation, dim), states(0, dim)
    mass = snapshots.attributes[..., MASS : MASS + 1]
    q, p = snapshots.positions, mass * snapshots.velocities
    got = double(flow, model, snapshots, PAIRS)
    slope_q, slope_p = double(hamiltonian_slopes, model, snapshots, q, p)
    close(got[0], slope_p)
    close(got[1], -slope_q)
    close(double(accelerations, model, snapshots, PAIRS), -slope_q / mass)
    # Differences of H itself share nothing with automatic differentiation; 1e-6 is their own error.
    step = np.zeros_like(q)
    step[:, 1, 0] = 1e-5
    ends = [double(hamiltonian, model, snapshots, q + sign * step, p) for sign in (1, -1)]
    close(-got[1][:, 1, 0], (ends[0] - ends[1]) / 2e-5, 1e-6)


def energy_rate(model, snapshots, pairs):
    """Rate of H along the flow, and the size of what it is a difference of."""
    state = model.phase_space(snapshots)
    velocity = PhaseSpace(*model.flow(snapshots, pairs), jnp.zeros_like(snapshots.attributes))
    _, rates = jax.jvp(lambda at: model.energy(at, snapshots, pairs), (state,), (velocity,))
    return rates, sum(jnp.sum(part**2, axis=(1, 2)) for part in velocity[:2])


@every_form_and_dim
@given(seed=SEEDS)
@few
def test_flow_conserves_the_energy(features, translation, dim, seed):
    rates, size = double(energy_rate, model_of(features, translation, dim), states(seed, dim), PAIRS)
    close(rates / size, np.zeros(SAMPLES), 1e-12)


@every_form_and_dim
@given(seed=SEEDS)
@few
def test_names_of_particles_do_not_matter(features, translation, dim, seed):
    model, snapshots = model_of(features, translation, dim), states(seed, dim)
    order = np.random.default_rng(seed).permutation(NODES)
    acts = np.ones_like(snapshots.forward)
    snapshots = snapshots._replace(forward=acts, backward=acts)
    fields = ("positions", "velocities", "attributes")
    moved = snapshots._replace(**{field: getattr(snapshots, field)[:, order] for field in fields})
    both = double(flow, model, moved, PAIRS), double(flow, model, snapshots, PAIRS)
    for got, expected in zip(*both, strict=True):
        close(got, expected[:, order])


@pytest.mark.parametrize(("features", "translation"), [("published", True), ("scaled", False)])
def test_ends_of_a_pair_may_change_places(features, translation):
    model, snapshots = model_of(features, translation, 2), states(0, 2)
    energies = double(pair_energies, model, snapshots, PAIRS)
    close(double(pair_energies, model, snapshots, PairIndex(PAIRS.second, PAIRS.first)), energies)
    assert np.all((energies == 0) == (snapshots.forward == 0))


@pytest.mark.parametrize(("features", "dim"), [("published", 2), ("scaled", 3)])
@given(seed=SEEDS)
@few
def test_translation_changes_nothing_and_keeps_the_momentum(features, dim, seed):
    model, snapshots = model_of(features, True, dim), states(seed, dim)
    shift = np.random.default_rng(seed).normal(size=dim)
    moved = snapshots._replace(positions=snapshots.positions + shift)
    dq, dp = double(flow, model, snapshots, PAIRS)
    for got, expected in zip(double(flow, model, moved, PAIRS), (dq, dp), strict=True):
        close(got, expected)
    close(dp.sum(axis=1), np.zeros((SAMPLES, dim)), 1e-9)
    assert model.origin_free


@jax.grad
def both_slopes(model, snapshots, pairs):
    arguments = model, snapshots, pairs, jax.random.key(0)
    return hamiltonian_objective(*arguments) + published_hamiltonian_objective(*arguments)


@pytest.mark.slow  # compiles gradients of gradients
def test_an_empty_slot_changes_nothing_and_stays_finite():
    model, snapshots = model_of("scaled", False, 2), states(1, 2)
    there = np.array([1.0, 1.0, 1.0, 0.0])
    acts = snapshots.forward * there[PAIRS.first] * there[PAIRS.second]
    blank = {f: getattr(snapshots, f) * there[:, None] for f in ("positions", "velocities", "attributes", "targets")}
    weights = snapshots.weights * there
    padded = snapshots._replace(**blank, forward=acts, backward=acts, weights=weights)
    kept = [number for number, pair in enumerate(zip(*PAIRS, strict=True)) if 3 not in pair]
    fields = ("positions", "velocities", "attributes", "targets", "weights")
    small = snapshots._replace(
        **{f: getattr(snapshots, f)[:, :3] for f in fields}, forward=acts[:, kept], backward=acts[:, kept]
    )
    fewer = PairIndex(PAIRS.first[kept], PAIRS.second[kept])
    close(double(accelerations, model, padded, PAIRS)[:, :3], double(accelerations, model, small, fewer))
    slope = double(both_slopes, model, padded, PAIRS)
    assert np.all(np.isfinite(jax.tree.leaves(jax.tree.map(np.sum, slope))))
    for penalty in (hamiltonian_penalty, published_hamiltonian_penalty):
        close(double(penalty, model, padded, PAIRS), double(penalty, model, small, fewer))


def test_losses_are_mean_absolute_errors():
    model, snapshots = model_of("scaled", False, 2), states(2, 2)
    snapshots.weights[0, :2] = 0.0
    there = snapshots.weights > 0
    dq, dp = double(flow, model, snapshots, PAIRS)
    dv = dp / snapshots.attributes[..., MASS : MASS + 1]
    force = np.abs(dv - snapshots.targets)[there].sum(axis=-1).mean()
    motion = np.abs(dq - snapshots.velocities)[there].sum(axis=-1).mean()
    close(double(hamiltonian_force_loss, model, snapshots, PAIRS), force)
    close(double(hamiltonian_loss, model, snapshots, PAIRS), motion / SCALES.speed + force / SCALES.acceleration)


def energy_and_slopes(model, one, other):
    """Energy of two particles given as rows of position, momentum and attributes, and its slopes in all of them."""
    dim = (len(one) - 2) // 2

    def energy(*rows):
        ends = (PhaseSpace(row[None, :dim], row[None, dim : 2 * dim], row[None, 2 * dim :]) for row in rows)
        return model.energies_of(*ends)[0]

    return energy(one, other), jax.jacfwd(energy, argnums=(0, 1))(one, other)


@every_form_and_dim
def test_penalty_sums_every_pair_and_every_slope_that_is_no_position(features, translation, dim):
    """The published code cuts its slopes from rows where columns were meant: here each particle's are asked for."""
    model, snapshots = model_of(features, translation, dim), states(3, dim)
    mass = snapshots.attributes[..., MASS : MASS + 1]
    everything = np.concatenate([snapshots.positions, mass * snapshots.velocities, snapshots.attributes], axis=-1)

    sizes = np.array([*[model.units.momentum] * dim, *model.units.attributes])
    explicit = 0.0
    for sample in range(SAMPLES):
        for number, (i, j) in enumerate(zip(*PAIRS, strict=True)):
            value, slopes = double(energy_and_slopes, model, everything[sample, i], everything[sample, j])
            squares = sum(np.sum((slope[dim : 2 * dim + 2] * sizes) ** 2) for slope in slopes)
            explicit += snapshots.forward[sample, number] * (value**2 + squares) / model.units.energy**2
    got = double(hamiltonian_penalty, model, snapshots, PAIRS)
    close(got / 1e-6, explicit / SAMPLES)
    assert double(functools.partial(hamiltonian_penalty, weight=0.5), model, snapshots, PAIRS) == pytest.approx(
        5e5 * got, rel=1e-12
    )


@pytest.mark.parametrize(("length", "time", "mass"), [(10.0, 1.0, 1.0), (1e3, 30.0, 1e-5)])
def test_the_penalty_knows_no_units(length, time, mass):
    snapshots = states(3, 2)
    model = model_of("scaled", True, 2)
    s = model.scales
    scales = replace(
        s,
        length=length * s.length,
        softening=length * s.softening,
        position=length * s.position,
        speed=length / time * s.speed,
        acceleration=length / time**2 * s.acceleration,
        attributes=tuple(a * (mass if k == MASS else 1.0) for k, a in enumerate(s.attributes)),
    )
    other = replace(model, scales=scales)
    attributes = snapshots.attributes.copy()
    attributes[..., MASS] *= mass
    elsewhere = snapshots._replace(
        positions=length * snapshots.positions,
        velocities=length / time * snapshots.velocities,
        attributes=attributes,
    )
    assert double(hamiltonian_penalty, other, elsewhere, PAIRS) == pytest.approx(
        double(hamiltonian_penalty, model, snapshots, PAIRS), rel=1e-9
    )


def test_energies_beyond_single_precision_are_refused():
    scales = replace(SCALES, attributes=(2e30, 0.9), length=1.5e11, acceleration=6e-3)
    with pytest.raises(InputError, match=r"energies are of the order of 2e\+39"):
        build_hamiltonian_network(
            HamiltonianConfig(width=8, depth=2, features="scaled"), scales, dim=2, inertia=MASS, key=jax.random.key(0)
        )


def node_energies_and_slopes(model, nodes, acts):
    """Energies that nodes hold when every directed edge gives its own to its receiver, and the slopes of their sum."""

    def energies(nodes):
        each = [model.self_energy(node)[0] for node in nodes]
        for number, pair in enumerate(zip(*PAIRS, strict=True)):
            for receiver, sender in (pair, pair[::-1]):
                arriving = model.pair_energy(jnp.concatenate([nodes[receiver], nodes[sender]]))[0]
                each[receiver] = each[receiver] + acts[number] * arriving
        return jnp.stack(each)

    return energies(nodes), jax.grad(lambda nodes: jnp.sum(energies(nodes)))(nodes)


def test_published_penalty_sums_nodes_and_slopes_in_attributes():
    model, snapshots = model_of("published", False, 2), states(4, 2)
    mass = snapshots.attributes[..., MASS : MASS + 1]
    everything = np.concatenate([snapshots.positions, mass * snapshots.velocities, snapshots.attributes], axis=-1)
    explicit = 0.0
    for sample in range(SAMPLES):
        acts = snapshots.forward[sample]
        values, slopes = double(node_energies_and_slopes, model, everything[sample], acts)
        explicit += np.sum(values**2) + np.sum(slopes[:, 4:] ** 2)
    close(double(published_hamiltonian_penalty, model, snapshots, PAIRS) / 1e-6, explicit / SAMPLES)


@pytest.mark.parametrize("name", systems())
def test_systems_without_a_conserved_energy_are_refused(name):
    refused = {"damped": "friction", "discontinuous": "jumps"}
    expected = pytest.raises(ValueError, match=refused[name]) if name in refused else nullcontext()
    with expected:
        check_conservative(systems()[name])
    check_conservative(None)


def test_edges_that_go_one_way_are_refused():
    forward, backward = np.array([[1.0, 1.0]]), np.array([[1.0, 0.0]])
    ends = np.array([0, 0]), np.array([1, 2])
    check_conservative(None, PairList(*ends, forward, forward))
    with pytest.raises(ValueError, match="both directions"):
        check_conservative(None, PairList(*ends, forward, backward))


def test_inertia_is_one_without_an_attribute_for_it():
    model, snapshots = model_of("published", True, 2, mass=None), states(0, 2)
    close(double(accelerations, model, snapshots, PAIRS), double(flow, model, snapshots, PAIRS)[1])


@pytest.mark.parametrize(
    ("inertia", "dim", "message"), [(2, 2, "one of 2 attributes"), (1, 2, "not positive"), (0, 0, "dimension")]
)
def test_wrong_inertia_or_dimension_is_refused(inertia, dim, message):
    with pytest.raises(ValueError, match=message):
        build_hamiltonian_network(HamiltonianConfig(), SCALES, dim=dim, inertia=inertia, key=jax.random.key(0))


@pytest.mark.parametrize("settings_", [{"activation": "relu"}, {"features": "raw"}, {"width": 0}, {"depth": 0}])
def test_wrong_settings_are_refused(settings_):
    with pytest.raises(ValueError, match=r"unknown|at least 1"):
        HamiltonianConfig(**settings_)
