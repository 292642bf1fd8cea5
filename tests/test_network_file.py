"""Networks with equations on disk: the same bits come back, and what is no such file is refused."""

import json
import struct
from functools import reduce

import jax
import numpy as np
import pytest
from expressions.strategies import expressions
from hypothesis import given, settings, strategies as st
from message_networks import DATASET, PAIRS, batch, small

import limbeck
from limbeck._errors import InputError
from limbeck.artefacts import MAGIC, read_arrays, save_arrays
from limbeck.compose import equations_of, fit_equations, learned_network, names_of, with_equations
from limbeck.expressions import Call, Variable, parse, rename, to_string
from limbeck.models import (
    HamiltonianConfig,
    ModelConfig,
    build_hamiltonian_network,
    build_model,
    measure_scales,
    parse_biases,
)

NAMES = ("m", "q")
SCALES = measure_scales(DATASET)
BIASES = [
    "translation,rotation,third-law,second-law,field",
    "translation,rotation,reflection,third-law,second-law,conservative",
    "translation,second-law,field",
    "translation",
]
EQUATION = "-1.1*(r - 0.123456789012345678)**-1.5 + 0.1*m_1*q_2"


def graph(bias=BIASES[0]):
    return build_model(parse_biases(bias), ModelConfig(width=8, depth=2), SCALES, dim=2, key=jax.random.key(0))


def hamiltonian():
    config = HamiltonianConfig(width=8, depth=2)
    return build_hamiltonian_network(config, SCALES, dim=2, inertia=0, key=jax.random.key(0))


def symbolic():
    """One of each kind, with one channel by equation and the others learned."""
    drag = with_equations(graph(), {"radial": parse(EQUATION), "drag": parse("-0.3")}, NAMES)
    kept = with_equations(
        small("l1", message_dim=4), {"message_0": parse(EQUATION), "acceleration_y": parse("M0/m_1")}, NAMES
    )
    field = with_equations(graph(BIASES[2]), {"field_y": parse("m_1*(0.3*y_1 - 0.1*vx_1)")}, NAMES)
    free = with_equations(graph("translation"), {"acceleration_x": parse("M0/m_1 - 0.2*vx_1")}, NAMES)
    return [drag, kept, with_equations(hamiltonian(), {"pair_energy": parse(EQUATION)}, NAMES), field, free]


def same(one, other):
    """Whether two networks are alike to the last bit: predictions, weights, equations, names."""
    states = batch()
    np.testing.assert_array_equal(one(states, PAIRS), other(states, PAIRS))
    leaves = [jax.tree.leaves(network) for network in (one, other)]
    assert jax.tree.structure(one) == jax.tree.structure(other)
    for a, b in zip(*leaves, strict=True):
        assert (np.asarray(a).dtype, np.asarray(a).tobytes()) == (np.asarray(b).dtype, np.asarray(b).tobytes())
    assert equations_of(one) == equations_of(other)
    assert names_of(one) == names_of(other)


@pytest.mark.parametrize("number", range(5))
def test_a_network_with_equations_comes_back_to_the_last_bit(number, tmp_path):
    network = symbolic()[number]
    limbeck.save_network(network, tmp_path / "a")
    read = limbeck.load_network(tmp_path / "a")
    same(read, network)
    same(learned_network(read), learned_network(network))
    limbeck.save_network(read, tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a", "b"]


@pytest.mark.parametrize("bias", BIASES)
def test_networks_without_equations_come_back_too(bias, tmp_path):
    limbeck.save_network(graph(bias), tmp_path / "a")
    same(limbeck.load_network(tmp_path / "a"), graph(bias))


def test_the_equation_that_was_fitted_is_the_one_that_is_restored(tmp_path):
    start = {"pair_energy": parse("0.8*(r - 1.2)**2"), "self_energy": parse("0.5*m_1*v_1**2")}
    before = with_equations(hamiltonian(), start, NAMES)
    limbeck.save_network(before, tmp_path / "a")
    fitted = fit_equations(before, DATASET)
    limbeck.save_network(fitted, tmp_path / "a")
    read = limbeck.load_network(tmp_path / "a")
    assert equations_of(read) == equations_of(fitted) != equations_of(before)
    head, _ = read_arrays(tmp_path / "a")
    assert head["formulas"]["pair_energy"]["equation"] == to_string(equations_of(fitted)["pair_energy"])


@settings(max_examples=40)
@given(expressions, st.booleans())
def test_every_expression_comes_back_to_the_last_bit(tmp_path_factory, expr, on_edges):
    names = {"x": "dx", "y": "dy"} if on_edges else {"r": "q_1", "x": "vx_1", "y": "M1"}
    channel = "message_1" if on_edges else "acceleration_x"
    network = with_equations(small("bottleneck"), {channel: rename(expr, names)}, NAMES)
    path = tmp_path_factory.mktemp("networks") / "a"
    limbeck.save_network(network, path)
    same(limbeck.load_network(path), network)


def changed(path, **fields):
    """The file with other values in its header, and a checksum that fits."""
    head, arrays = read_arrays(path)
    save_arrays(path, head | fields, arrays)


@pytest.mark.user_error
def test_files_that_are_cut_short_or_altered_are_refused(tmp_path):
    path = tmp_path / "a"
    limbeck.save_network(symbolic()[1], path)
    whole = path.read_bytes()
    (length,) = struct.unpack("<Q", whole[len(MAGIC) : len(MAGIC) + 8])
    for end in (0, 3, len(MAGIC) + 4, 200, len(MAGIC) + 8 + length, len(whole) - 1):
        path.write_bytes(whole[:end])
        with pytest.raises(InputError, match="can't be read as a network"):
            limbeck.load_network(path)
    for at in (20, len(whole) // 2, len(whole) - 2):
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        with pytest.raises(InputError, match="damaged"):
            limbeck.load_network(path)


@pytest.mark.user_error
def test_foreign_and_newer_files_are_refused(tmp_path):
    path = tmp_path / "a"
    for content in (b"", b"\x80\x04K\x01.", b"PK\x03\x04", json.dumps({"kind": "network"}).encode()):
        path.write_bytes(content)
        with pytest.raises(InputError, match="can't be read as a network"):
            limbeck.load_network(path)
    save_arrays(path, {"fingerprint": "of a training"}, (np.ones(3),))
    with pytest.raises(InputError, match="holds no network that `save_network` wrote"):
        limbeck.load_network(path)
    limbeck.save_network(symbolic()[0], path)
    changed(path, network_schema=2)
    with pytest.raises(InputError, match="its schema is 2 and this version of limbeck reads 1"):
        limbeck.load_network(path)
    for missing in (tmp_path / "none", tmp_path):
        with pytest.raises(InputError, match="can't be read"):
            limbeck.load_network(missing)


@pytest.mark.user_error
@pytest.mark.parametrize(
    "fields",
    [
        {"formulas": {"radial": {"form": "__import__('os')", "constants": 0}}},
        {"formulas": {"radial": {"form": "(_c0*r)", "constants": 10**6}}},
        {"formulas": {"radial": {"form": "(_c5*r)", "constants": 0}}},
        {"formulas": {"message_0": {"form": "r", "constants": 0}}},
        {"network": {"class": "Path", "fields": {}}},
        {"network": {"class": "GraphNetwork", "fields": {}}},
        {"network": {"class": "Biases", "fields": {}}},
        {"network": None},
        {"formulas": []},
    ],
)
def test_descriptions_that_make_no_network_are_refused(fields, tmp_path):
    limbeck.save_network(symbolic()[0], tmp_path / "a")
    changed(tmp_path / "a", **fields)
    with pytest.raises(InputError, match="makes no network"):
        limbeck.load_network(tmp_path / "a")


@pytest.mark.user_error
def test_what_can_not_be_saved_is_refused_and_nothing_is_written(tmp_path):
    with pytest.raises(InputError, match="takes no equations"):
        limbeck.save_network(graph().scales, tmp_path / "a")
    deep = reduce(lambda inner, _: Call("sin", (inner,)), range(80), Variable("r"))
    with pytest.raises(InputError, match="can't be stored: nested more than"):
        limbeck.save_network(with_equations(graph(), {"radial": deep}, NAMES), tmp_path / "a")
    with pytest.raises(InputError, match="doesn't exist"):
        limbeck.save_network(graph(), tmp_path / "none" / "a")
    with pytest.raises(InputError, match="is a folder"):
        limbeck.save_network(graph(), tmp_path)
    assert not list(tmp_path.iterdir())
