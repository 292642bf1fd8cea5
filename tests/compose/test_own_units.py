"""Laws in coulombs, kilograms and metres between atoms and between stars are those of natural units."""

from dataclasses import replace
from types import SimpleNamespace
from unittest.mock import create_autospec

import numpy as np
import pytest
from clouds import cloud

from limbeck.analyse import Channel
from limbeck.compose import Law, OwnUnits, compose_law, states_of
from limbeck.expressions import free_constants, parse, same_form
from limbeck.graphs import connect
from limbeck.models import parse_biases
from limbeck.regress import Equation, HallOfFame
from limbeck.train import TrainedModel

BIASES = parse_biases("translation,rotation,reflection,third-law,second-law")
ATOMS, STARS = (1e-9, 1e-12, 1e-27), (1e17, 1e14, 1e30)


def charges(seed=3):
    """Charges with masses, q_1*q_2/(r + 0.05)**2, in natural units."""
    states = cloud(seed, n_systems=14)
    rng = np.random.default_rng(seed)
    q = rng.choice([-1.0, 1.0], size=states.attributes["m"].shape) * rng.uniform(0.5, 2.0, states.attributes["m"].shape)
    x = states.positions
    away = x[:, :, :, None] - x[:, :, None]
    r = np.linalg.norm(away, axis=-1) + np.eye(x.shape[2])
    force = q[:, None, :, None] * q[:, None, None] / (r + 0.05) ** 2 / r
    a = np.sum(force[..., None] * away, axis=3) / states.attributes["m"][:, None, :, None]
    return replace(states, accelerations=a, attributes={**states.attributes, "q": q})


def in_units(states, length, time, mass, charge=1.0):
    """The same motion, told in other units."""
    units = {"m": mass, "q": charge}
    return replace(
        states,
        times=states.times * time,
        positions=states.positions * length,
        velocities=states.velocities * (length / time),
        accelerations=states.accelerations * (length / time / time),
        attributes={name: values * units[name] for name, values in states.attributes.items()},
    )


def law_of(radial, **others):
    return Law(components={"radial": parse(radial), "inertia": parse("m_1")} | others, dim=2)


def hall(component, *texts):
    equations = tuple(
        Equation(
            expression=parse(t), complexity=5 + k, backend_complexity=5, loss=0.1 / (k + 1), heldout_loss=0.1 / (k + 1)
        )
        for k, t in enumerate(texts)
    )
    return HallOfFame(
        component=component, equations=equations, engine="enumerate", version="", seed=0, evaluations=1, seconds=0.0,
        out_of_time=False, starts=tuple(map(parse, texts)),
    )  # fmt: skip


def test_usual_data_keep_their_units_and_every_object():
    dataset = connect(charges(), seed=0)
    units, states, law = OwnUnits.of(dataset), states_of(dataset, dataset.train), law_of("3.0*q_1*q_2")
    assert units.are_given
    assert units.dataset(dataset) is dataset
    assert units.states(states) is states
    assert units.law(law) is law
    found = hall("radial", "3.0*q_1*q_2")
    assert units.law_in(law) is law
    assert units.hall_of(found, 1.0) is found


@pytest.mark.parametrize("size", [ATOMS, STARS])
def test_a_law_in_own_units_has_the_same_accelerations_in_the_datas(size):
    natural = charges()
    dataset = connect(in_units(natural, *size, 1.6e-19), seed=0)
    units = OwnUnits.of(dataset)
    law = law_of(
        "3.0*q_1*q_2/(r + 0.05)**2", friction=parse("-0.3*m_1*m_2"), drag=parse("-0.2*v_1"), central=parse("-0.7*m_1"),
        uniform_x=parse("0.4*m_1"), transverse=parse("0.2*exp(-r)"), field_y=parse("0.1*sin(x_1)*vy_1"),
    )  # fmt: skip
    given = states_of(dataset, dataset.train)
    own = units.states(given)
    for name, columns in (("edges", own.edges), ("nodes", own.nodes)):
        sizes = [np.median(np.abs(values)) for values in columns.values()]
        assert 1e-3 < min(sizes) <= max(sizes) < 1e3, name
    told = units.law(law)
    assert same_form(told.components["inertia"], parse("m_1"))
    expected = law.accelerations(own) * units.acceleration
    np.testing.assert_allclose(told.accelerations(given), expected, rtol=1e-9, atol=1e-12 * np.abs(expected).max())
    np.testing.assert_allclose(own.relative_errors(own.targets * 1.1), given.relative_errors(given.targets * 1.1))
    moved = units.dataset(dataset)
    np.testing.assert_allclose(states_of(moved, moved.train).edges["r"], own.edges["r"])
    np.testing.assert_allclose(states_of(moved, moved.train).weights, own.weights)


def test_samples_and_what_is_found_in_them_go_there_and_back():
    dataset = connect(in_units(charges(), *ATOMS, 1.6e-19), seed=0)
    units, states = OwnUnits.of(dataset), states_of(dataset, dataset.train)
    names = ("r", "m_1", "m_2", "q_1", "q_2")
    inputs = np.column_stack([states.edges[name] for name in names])
    values = 7e-40 * states.edges["q_1"] / states.edges["r"]
    channel = Channel(name="radial", variables=names, inputs=inputs, values=values, importance=2.0)
    told, unit = units.channel(channel)
    assert 1e-3 < np.median(np.abs(told.values)) < 1e3
    assert np.all(np.median(np.abs(told.inputs), axis=0) < 1e3)
    slope = float(np.median(told.values * told.inputs[:, 0] / told.inputs[:, 3]))
    back = units.hall_of(hall("radial", f"{slope!r}*q_1/r"), unit)
    assert free_constants(back.equations[0].expression)[0] == pytest.approx(7e-40)
    assert free_constants(back.starts[0])[0] == pytest.approx(7e-40)


@pytest.mark.parametrize("size", [(*ATOMS, 1.6e-19), pytest.param((*STARS, 1e20), marks=pytest.mark.slow)])
def test_the_form_near_a_rough_one_is_found_in_any_units(size):
    length, time, mass, charge = size
    dataset = connect(in_units(charges(), *size), seed=0)
    strength = mass * length**3 / time**2 / charge**2
    trained = create_autospec(TrainedModel, instance=True)
    trained.accelerations.side_effect = lambda batch: np.asarray(batch.targets)
    trained.model = SimpleNamespace(biases=BIASES)
    # The network's own units of force and inertia are neither the data's nor those of the search.
    halls = {
        "radial": hall("radial", f"{0.7 * 3e5 * strength!r}*q_1*q_2/r**2"),
        "inertia": hall("inertia", "3e5*m_1"),
    }
    found = compose_law(
        [halls] * 2, trained, dataset, once_more=lambda: halls, is_over=lambda: False, progress=lambda *_: None
    )
    assert found is not None
    assert found.is_stable
    assert same_form(found.law.components["radial"], parse("2.0*q_1*q_2/(r + 0.05)**2"))
    values = sorted((e.value / unit for e, unit in zip(found.estimates, (strength, length), strict=True)), reverse=True)
    assert values == pytest.approx([1.0, 0.05], rel=1e-6)
    assert not found.uncertain
