"""The registry of contract tests names every bias, engine, operator and system that there is."""

import registry

from limbeck.models import BIAS_NAMES, relaxations
from limbeck.regress import ENGINES, KNOWN_OPERATORS
from limbeck.simulate import systems


def test_every_bias_is_tested():
    assert {name for biases in registry.BIASES.values() for name in biases.names} == set(BIAS_NAMES)


def test_every_kind_of_model_that_discovery_tries_is_tested():
    kinds = {(b.rotation, b.field, b.second_law) for b in registry.BIASES.values()}
    assert {(b.rotation, b.field, b.second_law) for dim in (1, 2, 3) for b in relaxations(dim)} <= kinds


def test_every_engine_operator_and_system_is_tested():
    assert set(registry.ENGINES) == set(ENGINES)
    assert set(registry.OPERATORS) == set(KNOWN_OPERATORS)
    assert set(registry.SYSTEMS) == set(systems())
