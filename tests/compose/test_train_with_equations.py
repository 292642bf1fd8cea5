"""Constants and what is still learned, trained together; constants fitted through the integrator."""

from dataclasses import replace

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from clouds import cloud
from message_networks import DATASET, PAIRS, batch, small

from limbeck._errors import InputError, TrainingDiverged
from limbeck.compose import equations_of, fit_equations, learned_network, train_with_equations, with_equations
from limbeck.compose._fit_targets import fit_targets
from limbeck.expressions import evaluate, parse
from limbeck.graphs import connect
from limbeck.models import HamiltonianConfig, build_hamiltonian_network, measure_scales
from limbeck.simulate import simulate
from limbeck.train import pair_index

NAMES = ("m", "q")
OWN = {"features": "scaled", "translation": True, "third_law": True}
MOVING = connect(simulate("spring", n_systems=12, n_steps=60, every=2, seed=3), seed=0)  # -2 (r - .99)
MESSAGES = {"message_0": parse("-1.8*(r - 1.05)*dx/r"), "message_1": parse("-1.9*(r - 1)*dy/r")}
NODE = {"acceleration_x": parse("M0/m_1"), "acceleration_y": parse("M1/m_1")}
R = np.array([0.5, 1.0, 2.5])


def squares(network, dataset, on):
    targets = fit_targets(network, dataset, dataset.validation, on=on, window=4)
    errors = jax.tree.map(jnp.asarray, targets).errors(network, pair_index(dataset))
    return float(jnp.mean(errors**2))


def test_constants_of_messages_are_fitted_through_the_integrator():
    symbolic = with_equations(small("bottleneck", dataset=MOVING, **OWN), MESSAGES | NODE, MOVING.attribute_names)
    found = equations_of(fit_equations(symbolic, MOVING, on="trajectories"))
    for name, axis in (("message_0", "dx"), ("message_1", "dy")):
        values = evaluate(found[name], {"r": R, axis: R})
        np.testing.assert_allclose(values, -2 * (R - 0.99), atol=1e-3)


def test_constants_of_energies_are_fitted_through_the_integrator():
    config = HamiltonianConfig(width=8, depth=2)
    names = MOVING.attribute_names
    network = build_hamiltonian_network(
        config, measure_scales(MOVING), dim=2, inertia=names.index("m"), key=jax.random.key(0)
    )
    energies = {"pair_energy": parse("0.9*(r - 1.05)**2"), "self_energy": parse("0.5*m_1*v_1**2")}
    found = equations_of(fit_equations(with_equations(network, energies, names), MOVING, on="trajectories"))
    np.testing.assert_allclose(evaluate(found["pair_energy"], {"r": R}), (R - 0.99) ** 2, atol=1e-3)


@pytest.mark.parametrize("on", ["accelerations", pytest.param("trajectories", marks=pytest.mark.slow)])
def test_the_rest_is_trained_with_the_constants(on):
    dataset = DATASET if on == "accelerations" else MOVING
    names = dataset.attribute_names
    network = small("bottleneck", dataset=dataset, **OWN)
    symbolic = with_equations(network, MESSAGES, names)  # the node model stays a perceptron
    trained = train_with_equations(
        symbolic, dataset, on=on, steps=100, batch_size=16, learning_rate=1e-2, window=2, key=jax.random.key(1)
    )
    assert squares(trained, dataset, on) < 0.7 * squares(symbolic, dataset, on)
    assert list(equations_of(trained)) == list(MESSAGES)
    for name in MESSAGES:
        assert equations_of(trained)[name] != MESSAGES[name]
    weights = [jax.tree.leaves(learned_network(n).node_model)[0] for n in (symbolic, trained)]
    assert np.abs(weights[0] - weights[1]).max() > 1e-3
    again = with_equations(learned_network(trained), equations_of(trained), names)
    states = batch(dataset=dataset)
    np.testing.assert_array_equal(again(states, PAIRS), trained(states, PAIRS))


def test_nothing_better_gives_back_what_came_in():
    exact = with_equations(
        small("bottleneck", **OWN),
        {"message_0": parse("-2*(r - 1)*dx/r"), "message_1": parse("-2*(r - 1)*dy/r")} | NODE,
        NAMES,
    )
    same = train_with_equations(exact, DATASET, steps=3, learning_rate=0.5, key=jax.random.key(0))
    assert equations_of(same) == equations_of(exact)


def test_who_interacts_is_decided_along_the_way():
    """Two particles that leave each other's radius feel nothing from then on."""
    t = replace(
        cloud(n_systems=3, n_times=12, n_nodes=2, names=()),
        radius=1.0,
        times=np.broadcast_to(0.2 * np.arange(12.0), (3, 12)).copy(),
    )
    away = np.zeros_like(t.positions)
    away[..., 1, 0] = 0.9 + t.times
    v = np.zeros_like(away)
    v[..., 1, 0] = 1.0
    dataset = connect(replace(t, positions=away, velocities=v, accelerations=np.zeros_like(v)), seed=0)
    push = {
        "message_0": parse("100*dx"),
        "message_1": parse("0"),
        "acceleration_x": parse("M0"),
        "acceleration_y": parse("M1"),
    }
    network = with_equations(small("bottleneck", dataset=dataset, **OWN), push, ())
    begins = dataset.train[dataset.train[:, 1] >= 2]  # from 1.3 on they are apart
    targets = fit_targets(network, dataset, begins, on="trajectories", window=2)
    np.testing.assert_allclose(targets.errors(network, pair_index(dataset)), 0.0, atol=1e-5)


@pytest.mark.user_error
def test_what_can_not_be_trained_is_refused():
    key, symbolic = jax.random.key(0), with_equations(small("bottleneck"), MESSAGES, NAMES)
    with pytest.raises(InputError, match="has no equation"):
        train_with_equations(small("bottleneck"), DATASET, key=key)
    with pytest.raises(InputError, match="positive steps"):
        train_with_equations(symbolic, DATASET, steps=0, key=key)
    with pytest.raises(InputError, match="unknown target 'energies'"):
        train_with_equations(symbolic, DATASET, on="energies", key=key)
    with pytest.raises(InputError, match="10 consecutive states"):
        fit_equations(symbolic, DATASET, on="trajectories", window=9)
    undefined = with_equations(small("bottleneck"), {"message_0": parse("2*log(-r)")}, NAMES)
    with pytest.raises(TrainingDiverged, match="undefined at a training"):
        fit_equations(undefined, DATASET)
    with pytest.raises(TrainingDiverged, match="undefined at a validation"):
        train_with_equations(undefined, DATASET, key=key)
