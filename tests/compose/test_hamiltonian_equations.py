"""Equations in a Hamiltonian network, against forces that are written out by hand."""

import jax
import numpy as np
import pytest
from message_networks import DATASET, PAIRS, batch

from limbeck._errors import InputError
from limbeck.analyse import self_energy_channel
from limbeck.compose import channels_of, equations_of, fit_equations, with_equations, without_equations
from limbeck.expressions import evaluate, parse
from limbeck.models import HamiltonianConfig, HamiltonianNetwork, build_hamiltonian_network, measure_scales

NAMES = ("m", "q")
FORMS = [(f, t) for f in ("published", "scaled") for t in (False, True)]
TRUE = {"pair_energy": parse("(r - 1)**2"), "self_energy": parse("0.5*m_1*v_1**2")}
every_form = pytest.mark.parametrize(("features", "translation"), FORMS)


def network(features="published", translation=False):
    config = HamiltonianConfig(width=8, depth=2, features=features, translation=translation)
    return build_hamiltonian_network(config, measure_scales(DATASET), dim=2, inertia=0, key=jax.random.key(0))


@every_form
def test_the_true_energies_give_the_true_motion(features, translation):
    exact, states = with_equations(network(features, translation), TRUE, NAMES), batch()
    assert isinstance(exact, HamiltonianNetwork)
    np.testing.assert_allclose(exact(states, PAIRS), states.targets, rtol=2e-4, atol=2e-5)
    np.testing.assert_allclose(exact.flow(states, PAIRS)[0], states.velocities, rtol=1e-5, atol=1e-6)
    x, first, second = np.asarray(states.positions), PAIRS.first, PAIRS.second
    d = x[:, first] - x[:, second]
    r = np.linalg.norm(d, axis=-1, keepdims=True)
    on_first, on_second = exact.edge_messages(states, PAIRS)
    np.testing.assert_allclose(on_first, -2 * (r - 1) * d / r, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(on_second, -np.asarray(on_first), rtol=1e-6, atol=1e-6)


@every_form
def test_one_energy_alone_is_replaced_and_the_network_comes_back_bit_for_bit(features, translation):
    learned, states = network(features, translation), batch()
    assert channels_of(learned) == ("pair_energy", "self_energy")
    phase = learned.phase_space(states)
    pair = with_equations(learned, {"pair_energy": parse("3/r")}, NAMES)
    own = with_equations(learned, {"self_energy": parse("0.5*m_1*v_1**2 + 7")}, NAMES)
    np.testing.assert_array_equal(pair.self_energies(phase), learned.self_energies(phase))
    np.testing.assert_array_equal(own.pair_energies(states, PAIRS), learned.pair_energies(states, PAIRS))
    before = learned(states, PAIRS)
    assert np.abs(pair(states, PAIRS) - before).max() > 0.1
    for symbolic in (pair, own):
        np.testing.assert_array_equal(without_equations(symbolic)(states, PAIRS), before)


@every_form
def test_the_energy_of_motion_is_read_without_what_moves_nothing(features, translation):
    """m v²/2, whatever is added to it for each mass."""
    known = {"self_energy": parse("0.5*m_1*v_1**2 + 7*m_1")}
    channel = self_energy_channel(with_equations(network(features, translation), known, NAMES), DATASET, seed=0)
    speed, mass = channel.inputs.T[:2]
    assert channel.variables == ("v_1", "m_1", "q_1")
    np.testing.assert_allclose(channel.values, 0.5 * mass * speed**2, rtol=1e-4, atol=1e-4)


def test_the_order_within_a_pair_means_nothing():
    lopsided = with_equations(network(), {"pair_energy": parse("m_1*r")}, NAMES)
    even = with_equations(network(), {"pair_energy": parse("0.5*(m_1 + m_2)*r")}, NAMES)
    np.testing.assert_allclose(lopsided(batch(), PAIRS), even(batch(), PAIRS), rtol=1e-5, atol=1e-5)


def test_constants_of_energies_are_fitted_on_accelerations():
    wrong = {"pair_energy": parse("0.8*(r - 1.2)**2"), "self_energy": parse("0.5*m_1*v_1**2")}
    found = equations_of(fit_equations(with_equations(network(), wrong, NAMES), DATASET))
    r = np.array([0.5, 2.0])
    np.testing.assert_allclose(evaluate(found["pair_energy"], {"r": r}), (r - 1) ** 2, atol=1e-5)


@pytest.mark.user_error
def test_energies_of_what_the_network_does_not_see_are_refused():
    with pytest.raises(InputError, match="does not know dx; variables: m_1, m_2, q_1, q_2, r"):
        with_equations(network("scaled", True), {"pair_energy": parse("dx**2")}, NAMES)
    with pytest.raises(InputError, match="does not know x_1"):
        with_equations(network("published", True), {"self_energy": parse("x_1")}, NAMES)
    with_equations(network("scaled", False), {"self_energy": parse("x_1 + r_1")}, NAMES)
