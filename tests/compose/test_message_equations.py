"""Equations in published message networks: what they say, what stays, and the way back."""

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from message_networks import DATASET, PAIRS, SIZES_AND_FORMS, batch, form_name, small

from limbeck._errors import InputError
from limbeck.analyse import record_messages
from limbeck.compose import (
    Formula,
    channels_of,
    equations_of,
    fit_equations,
    learned_network,
    with_equations,
    without_equations,
)
from limbeck.expressions import evaluate, parse, to_string
from limbeck.models import MessageNetwork
from limbeck.train._evaluate import accelerations_of

NAMES = ("m", "q")
OWN = {"features": "scaled", "translation": True, "third_law": True}
# Springs -2 (r - 1) between all, divided by m: the truth about DATASET.
TRUE = {
    "message_0": parse("-2*(r - 1)*dx/r"),
    "message_1": parse("-2*(r - 1)*dy/r"),
    "acceleration_x": parse("M0/m_1"),
    "acceleration_y": parse("M1/m_1"),
}


def columns(record):
    """Columns of a record under the names of equations, as `limbeck regress` would get them."""
    own = {"r": record.distances, "dx": record.displacements[:, 0], "dy": record.displacements[:, 1]}
    for k, name in enumerate(record.attribute_names):
        own |= {f"{name}_1": record.receivers[:, k], f"{name}_2": record.senders[:, k]}
    return own


@pytest.mark.parametrize(("size", "form"), SIZES_AND_FORMS, ids=form_name)
def test_the_true_equations_give_the_true_accelerations(size, form):
    exact = with_equations(small(size, message_dim=2, **form), TRUE, NAMES)
    states = batch()
    assert isinstance(exact, MessageNetwork)
    np.testing.assert_allclose(exact(states, PAIRS), states.targets, rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize(("size", "form"), SIZES_AND_FORMS, ids=form_name)
def test_one_component_alone_is_replaced_and_the_network_comes_back_bit_for_bit(size, form):
    network, states = small(size, message_dim=3, **form), batch()
    mixed = with_equations(network, {"message_0": parse("0.5*dx*q_2")}, NAMES)
    was, now = (n.edge_statistics(states, PAIRS) for n in (network, mixed))
    for before, after in zip(was[:2], now[:2], strict=True):  # both ways, not the first call of the edge model alone
        np.testing.assert_array_equal(after[..., 1:], before[..., 1:])
        assert np.abs(after[..., 0] - before[..., 0]).max() > 0.1
    node = with_equations(network, {"acceleration_y": parse("0.25*M2 + vx_1")}, NAMES)
    a, b = network(states, PAIRS), node(states, PAIRS)
    np.testing.assert_array_equal(a[..., 0], b[..., 0])
    assert np.abs(a[..., 1] - b[..., 1]).max() > 0.1
    for symbolic in (mixed, node):
        for back in (without_equations(symbolic), learned_network(symbolic), without_equations(symbolic, [*TRUE])):
            assert type(back) is MessageNetwork
            np.testing.assert_array_equal(back(states, PAIRS), a)


@pytest.mark.parametrize("third_law", [False, True])
def test_an_equation_of_a_message_column_is_put_in_as_it_is(third_law):
    network = small("bottleneck", translation=True, third_law=third_law)
    equation = parse("0.7*dx/r**2 - 0.1*m_1*q_2 + 0.3*q_1*m_2")
    symbolic = with_equations(network, {"message_1": equation}, NAMES)
    record = record_messages(symbolic, DATASET)
    np.testing.assert_allclose(record.messages[:, 1], evaluate(equation, columns(record)), rtol=1e-4, atol=1e-5)
    untouched = record_messages(network, DATASET).messages[:, 0]
    np.testing.assert_array_equal(record.messages[:, 0], untouched)


def test_component_0_is_one_component_and_not_all():
    network, states = small("l1", message_dim=5), batch()
    mixed = with_equations(network, {"message_0": parse("dx")}, NAMES)
    assert list(equations_of(mixed)) == ["message_0"]
    was, now = network.edge_messages(states, PAIRS)[0], mixed.edge_messages(states, PAIRS)[0]
    np.testing.assert_array_equal(was[..., 1:], now[..., 1:])
    x = states.positions
    np.testing.assert_allclose(now[..., 0], (x[:, PAIRS.first] - x[:, PAIRS.second])[..., 0], rtol=1e-5)


def test_fewer_equations_than_outputs_switch_and_fit():
    """Two of four components distilled, and one axis of two."""
    network = small("l1", message_dim=4, **OWN)
    some = {"message_1": parse("-1.5*(r - 1)*dx/r"), "message_3": parse("0.1*dvy"), "acceleration_x": parse("M1/m_1")}
    mixed = with_equations(network, some, NAMES)
    assert list(equations_of(mixed)) == list(some)
    fitted = fit_equations(mixed, DATASET, steps=8)

    def squares(model):
        chosen = DATASET.batch(DATASET.train)
        error = accelerations_of(model, chosen, PAIRS) - chosen.targets
        size = np.linalg.norm(chosen.targets, axis=-1)
        return np.sum((error / (size + 0.1 * np.median(size))[..., None]) ** 2)

    assert squares(fitted) < squares(mixed)
    np.testing.assert_array_equal(learned_network(fitted)(batch(), PAIRS), network(batch(), PAIRS))


def test_constants_are_not_frozen_and_read_back_as_fitted():
    wrong = TRUE | {"message_0": parse("-1.5*(r - 1.2)*dx/r"), "acceleration_x": parse("1.2*M0/m_1")}
    symbolic = with_equations(small("bottleneck", **OWN), wrong, NAMES)
    assert to_string(equations_of(symbolic)["acceleration_x"]) == to_string(wrong["acceleration_x"])
    slopes = eqx.filter_grad(lambda n: jnp.sum(n(batch(), PAIRS) ** 2))(symbolic)
    for name in ("message_0", "acceleration_x"):
        assert np.all(np.abs(slopes.formulas[name].constants) > 0)
    fitted = fit_equations(symbolic, DATASET)
    found, values = equations_of(fitted), {"r": np.array([0.4, 1.7]), "dx": np.array([0.3, -1.0])}
    both = evaluate(found["message_0"], values) * evaluate(found["acceleration_x"], {"M0": 1.0, "m_1": 1.0})
    np.testing.assert_allclose(both, evaluate(TRUE["message_0"], values), atol=1e-6)
    again = with_equations(learned_network(fitted), found, NAMES)
    np.testing.assert_array_equal(again(batch(), PAIRS), fitted(batch(), PAIRS))


def test_what_is_learned_can_go_on_learning_and_is_read_anew():
    """No value of before the last training is remembered anywhere."""
    mixed = with_equations(small("bottleneck", **OWN), {"message_0": parse("-2*(r - 1)*dx/r")}, NAMES)
    before = record_messages(mixed, DATASET).messages
    slopes = eqx.filter_grad(lambda n: jnp.mean((n(batch(), PAIRS) - batch().targets) ** 2))(mixed)
    moved = eqx.apply_updates(mixed, jax.tree.map(lambda slope: -0.1 * slope, slopes))
    after = record_messages(moved, DATASET).messages
    assert np.abs(after[:, 1] - before[:, 1]).max() > 1e-4
    constants = [equations_of(n)["message_0"] for n in (mixed, moved)]
    assert constants[0] != constants[1]
    replaced = with_equations(moved, {"acceleration_x": parse("M0/m_1")}, NAMES)
    assert equations_of(replaced)["message_0"] == constants[1]
    np.testing.assert_array_equal(record_messages(replaced, DATASET).messages, after)


def test_pruned_components_take_no_equation():
    network = small("pruning", message_dim=4)
    pruned = eqx.tree_at(lambda n: n.mask, network, np.array([0, 1, 0, 1], np.float32))
    assert channels_of(pruned) == ("message_1", "message_3", "acceleration_x", "acceleration_y")
    mixed = with_equations(pruned, {"message_3": parse("dx")}, NAMES)
    messages = np.asarray(mixed.edge_messages(batch(), PAIRS)[0])
    assert not messages[..., [0, 2]].any()


@pytest.mark.user_error
@pytest.mark.parametrize(
    ("equations", "message"),
    [
        ({"message_2": "dx"}, "no channel 'message_2'; it has message_0, message_1, acceleration_x, acceleration_y"),
        ({"message_0": "x_1"}, "does not know x_1"),
        ({"message_0": "M0"}, "does not know M0"),
        ({"acceleration_x": "m_2"}, "does not know m_2; variables: M0, M1, m_1, q_1, v_1, vx_1, vy_1"),
    ],
)
def test_wrong_equations_are_refused(equations, message):
    with pytest.raises(InputError, match=message):
        with_equations(small("bottleneck", **OWN), {name: parse(text) for name, text in equations.items()}, NAMES)


@pytest.mark.user_error
def test_names_that_are_not_the_networks_are_refused():
    network = small("bottleneck", **OWN)
    with pytest.raises(InputError, match="sees 2 attributes"):
        with_equations(network, {"message_0": parse("dx")}, ("m",))
    symbolic = with_equations(network, {"message_0": parse("dx*q_2")}, NAMES)
    with pytest.raises(InputError, match="name the attributes m, q; got q, m"):
        with_equations(symbolic, {"message_1": parse("dy")}, ("q", "m"))
    with pytest.raises(InputError, match="stands for a constant"):
        Formula.of(parse("2*_c0"))
    with pytest.raises(InputError, match="takes no equations"):
        channels_of(network.edge_model)
