"""Equations in the place of learned functions: values, training, and the way back."""

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from clouds import cloud
from hypothesis import given, settings, strategies as st

from limbeck._errors import InputError
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
from limbeck.graphs import connect
from limbeck.models import ModelConfig, build_model, measure_scales, parse_biases
from limbeck.simulate import simulate
from limbeck.train import pair_index, to_device

DATASET = connect(cloud(2, n_systems=12), seed=0)  # springs -2 (r - 1) between all, divided by m
PAIRS = pair_index(DATASET)
TRUE = {"radial": parse("-2*(r - 1)"), "friction": parse("0"), "inertia": parse("m_1")}


def network(bias="translation,rotation,reflection,third-law,second-law", dataset=DATASET):
    config = ModelConfig(width=8, depth=2)
    scales, dim = measure_scales(dataset), dataset.trajectories.dim
    return build_model(parse_biases(bias), config, scales, dim=dim, key=jax.random.key(0))


def states(dataset=DATASET):
    return to_device(dataset.batch(dataset.train[:20]))


def test_channels():
    assert channels_of(network()) == ("radial", "friction", "inertia")
    own = network("translation,rotation,third-law,second-law,field")
    assert channels_of(own) == (
        "radial",
        "friction",
        "transverse",
        "inertia",
        "drag",
        "central",
        "uniform_x",
        "uniform_y",
    )
    assert channels_of(network("translation,third-law,second-law")) == ("message_x", "message_y", "inertia")
    strict = network("translation,rotation,reflection,third-law,second-law,conservative")
    assert channels_of(strict) == ("radial", "inertia")
    assert channels_of(network("translation")) == ("message_x", "message_y", "acceleration_x", "acceleration_y")
    free = network("translation,third-law,second-law,field")
    assert channels_of(free) == ("message_x", "message_y", "inertia", "field_x", "field_y")
    assert channels_of(network("translation,rotation")) == ("acceleration_x", "acceleration_y")


@pytest.mark.parametrize(
    ("bias", "equations"),
    [
        ("translation,second-law", {"message_x": "-2*(r - 1)*dx/(r*m_1)", "message_y": "-2*(r - 1)*dy/(r*m_1)"}),
        (
            "translation",
            {"message_x": "-2*(r - 1)*dx/r", "message_y": "-2*(r - 1)*dy/r"}
            | {"acceleration_x": "M0/m_1", "acceleration_y": "M1/m_1 + 0*vx_1"},
        ),
        ("translation,third-law,second-law", {"message_x": "-2*(r - 1)*dx/r", "message_y": "-2*(r - 1)*dy/r"}),
        ("translation,rotation,reflection,third-law,second-law,conservative", {"radial": "-2*(r - 1)"}),
    ],
)
def test_other_forms_of_messages_take_equations_too(bias, equations):
    learned, batch = network(bias), states()
    inertia = {"inertia": "m_1"} if "inertia" in channels_of(learned) else {}
    whole = {name: parse(text) for name, text in (equations | inertia).items()}
    exact = with_equations(learned, whole, DATASET.attribute_names)
    np.testing.assert_allclose(exact(batch, PAIRS), batch.targets, rtol=2e-4, atol=2e-5)
    for name in whole:
        one = with_equations(learned, {name: whole[name]}, DATASET.attribute_names)
        assert np.abs(one(batch, PAIRS) - learned(batch, PAIRS)).max() > 1e-3
        np.testing.assert_array_equal(without_equations(one)(batch, PAIRS), learned(batch, PAIRS))


def test_a_free_one_body_force_takes_equations_and_fits_them():
    """Springs in a wind and a bowl, neither of which the network was told of."""
    names = DATASET.attribute_names
    springs = {"message_x": parse("-2*(r - 1)*dx/r"), "message_y": parse("-2*(r - 1)*dy/r"), "inertia": parse("m_1")}
    learned = with_equations(network("translation,third-law,second-law,field"), springs, names)
    own = {"field_x": parse("m_1*(0.3 - 0.5*vx_1)"), "field_y": parse("-m_1*0.2*y_1")}
    whole, batch = with_equations(learned, own, names), states()
    added = whole(batch, PAIRS) - batch.targets
    wanted = np.stack([0.3 - 0.5 * batch.velocities[..., 0], -0.2 * batch.positions[..., 1]], axis=-1)
    np.testing.assert_allclose(added, wanted, rtol=2e-3, atol=2e-4)
    one = with_equations(learned, {"field_x": own["field_x"]}, names)
    np.testing.assert_array_equal(without_equations(one, ["field_x"])(batch, PAIRS), learned(batch, PAIRS))
    np.testing.assert_allclose(one(batch, PAIRS)[..., 0], whole(batch, PAIRS)[..., 0], rtol=1e-4, atol=1e-5)
    none = {"field_x": parse("0.2 - 0.1*vx_1"), "field_y": parse("0.1*y_1")}  # there is no wind in these data
    found = equations_of(fit_equations(with_equations(learned, none, names), DATASET))
    values = {"vx_1": np.array([0.5, -1.0]), "y_1": np.array([2.0, 1.0])}
    for axis in "xy":
        np.testing.assert_allclose(evaluate(found[f"field_{axis}"], values), 0.0, atol=1e-5)


def test_an_equation_means_the_same_whoever_stands_first():
    lopsided = with_equations(network(), TRUE | {"radial": parse("m_1 - 2*r")}, DATASET.attribute_names)
    batch, turn = states(), np.array([2, 0, 3, 1])
    turned = batch._replace(**{n: getattr(batch, n)[:, turn] for n in ("positions", "velocities", "attributes")})
    expected = np.asarray(lopsided(batch, PAIRS))[:, turn]
    np.testing.assert_allclose(lopsided(turned, PAIRS), expected, rtol=1e-4, atol=1e-4)


def test_the_true_equations_give_the_true_accelerations():
    exact = with_equations(network(), TRUE, DATASET.attribute_names)
    batch = states()
    np.testing.assert_allclose(exact(batch, PAIRS), batch.targets, rtol=2e-4, atol=2e-5)


def test_one_channel_alone_is_replaced_and_put_back():
    learned, batch = network(), states()
    drag = with_equations(
        network("translation,rotation,reflection,third-law,second-law,field"), {"drag": parse("0.3")}, ("m",)
    )
    mixed = with_equations(learned, {"friction": parse("0.25")}, ("m",))
    apart = np.asarray(mixed(batch, PAIRS)) - np.asarray(learned(batch, PAIRS))
    assert np.abs(apart).max() > 1e-3
    assert list(equations_of(mixed)) == ["friction"]
    assert list(equations_of(drag)) == ["drag"]
    for back in (without_equations(mixed), without_equations(mixed, ["friction"]), learned_network(mixed)):
        np.testing.assert_array_equal(back(batch, PAIRS), learned(batch, PAIRS))
    more = with_equations(mixed, TRUE | {"friction": parse("0.25")}, ("m",))
    assert set(equations_of(without_equations(more, ["radial"]))) == {"friction", "inertia"}


@given(st.floats(0.1, 4), st.floats(0.2, 3))
@settings(max_examples=20, deadline=None)
def test_a_formula_reads_back_what_it_was_made_from(factor, shift):
    equation = parse(f"{factor}*m_1*m_2/(r + {shift})**2")
    formula = Formula.of(equation)
    columns = {"m_1": np.array([1.0, 2.0]), "m_2": np.array([0.5, 1.5]), "r": np.array([0.3, 2.0])}
    np.testing.assert_allclose(formula(columns, (2,)), evaluate(equation, columns), rtol=1e-5)
    np.testing.assert_allclose(evaluate(formula.expression(), columns), evaluate(equation, columns), rtol=1e-6)


def test_whole_exponents_are_part_of_the_form_and_others_train():
    assert len(Formula.of(parse("3*r**-2")).constants) == 1
    assert len(Formula.of(parse("3*r**-1.9")).constants) == 2


def test_constants_are_fitted_on_accelerations():
    wrong = {"radial": parse("-1.5*(r - 1.3)"), "friction": parse("0.1"), "inertia": parse("m_1")}
    fitted = fit_equations(with_equations(network(), wrong, ("m",)), DATASET)
    found = equations_of(fitted)
    r = np.array([0.5, 1.0, 2.5])
    np.testing.assert_allclose(evaluate(found["radial"], {"r": r}), -2 * (r - 1), atol=1e-5)
    assert abs(float(evaluate(found["friction"], {}))) < 1e-6


def test_constants_are_fitted_on_positions_alone():
    simulated = simulate("spring", n_systems=12, n_steps=60, every=2, seed=3)
    dataset = connect(simulated, seed=0)
    start = {"radial": parse("-1.8*(r - 1.05)"), "friction": parse("0"), "inertia": parse("m_1")}
    symbolic = with_equations(network(dataset=dataset), start, dataset.attribute_names)
    found = to_string(equations_of(fit_equations(symbolic, dataset, on="trajectories"))["radial"])
    r = np.array([0.5, 1.0, 2.5])
    np.testing.assert_allclose(evaluate(parse(found), {"r": r}), -2 * (r - 0.99), atol=1e-3)


def test_what_is_left_of_the_network_has_slopes_too():
    import equinox as eqx

    mixed, batch = with_equations(network(), {"radial": parse("-2*(r - 1)")}, ("m",)), states()
    slopes = eqx.filter_grad(lambda m: jnp.sum(m(batch, PAIRS) ** 2))(mixed)
    assert np.abs(slopes.edge_model.formulas["radial"].constants).min() > 0
    assert np.abs(slopes.inertia.network.weights[0]).max() > 0


@pytest.mark.user_error
@pytest.mark.parametrize(
    ("equations", "message"),
    [
        ({"drag": "0.1"}, "no channel 'drag'; it has radial, friction, inertia"),
        ({"radial": "-2*dx"}, "does not know dx"),
        ({"inertia": "m_2"}, "does not know m_2; variables: m_1"),
    ],
)
def test_wrong_equations_are_refused(equations, message):
    with pytest.raises(InputError, match=message):
        with_equations(network(), {name: parse(text) for name, text in equations.items()}, ("m",))


@pytest.mark.user_error
def test_nothing_to_fit_is_refused():
    with pytest.raises(InputError, match="no equation with a constant"):
        fit_equations(network(), DATASET)
    with pytest.raises(InputError, match="unknown target"):
        fit_equations(with_equations(network(), TRUE, ("m",)), DATASET, on="energies")
