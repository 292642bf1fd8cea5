"""A network as JSON values and arrays, and back: what `limbeck.save_network` writes.

The learned network is described field by field, and only classes that stand in a list are ever made from a
description. Each equation is a text that our own parser reads back to the same operations, and an array of constants.
"""

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import jax
import numpy as np

from limbeck._errors import InputError
from limbeck.expressions import to_string
from limbeck.models import (
    AttributeInertia,
    Biases,
    CoupledMessage,
    FreeField,
    FreeNode,
    GraphNetwork,
    HamiltonianNetwork,
    Inertia,
    Layers,
    MessageConfig,
    MessageNetwork,
    OneBodyField,
    Perceptron,
    PotentialMessage,
    RadialMessage,
    Scales,
    VectorMessage,
)

from ._formula import Formula
from ._symbolic_network import channels_of, formulas_of, learned_network, names_of, with_formulas

KIND = "network"
NETWORK_SCHEMA = 1
_NETWORKS = (GraphNetwork, MessageNetwork, HamiltonianNetwork)
_CLASSES: Mapping[str, type] = {
    cls.__name__: cls
    for cls in (
        *_NETWORKS,
        AttributeInertia,
        Biases,
        CoupledMessage,
        FreeField,
        FreeNode,
        Inertia,
        Layers,
        MessageConfig,
        OneBodyField,
        Perceptron,
        PotentialMessage,
        RadialMessage,
        Scales,
        VectorMessage,
    )
}


def describe_network(network: Any) -> tuple[dict[str, Any], tuple[np.ndarray, ...]]:
    """A network, with equations or without, as JSON values and arrays.

    Args:
        network: The network.

    Returns:
        The description, and the arrays that it names by number.

    Raises:
        InputError: If it is no network that can be stored, or one of its equations can't be.
    """
    learned = learned_network(network)
    channels_of(learned)  # refuses what takes no equations
    arrays: list[np.ndarray] = []
    described = _describe(learned, arrays)
    formulas = {}
    for name, formula in formulas_of(network).items():
        arrays.append(np.asarray(formula.constants))
        written = to_string(formula.expression())
        formulas[name] = {"form": formula.text, "constants": len(arrays) - 1, "equation": written}
    head = {
        "kind": KIND,
        "network_schema": NETWORK_SCHEMA,
        "network": described,
        "formulas": formulas,
        "attribute_names": list(names_of(network)),
    }
    return head, tuple(arrays)


def network_from(head: Mapping[str, Any], arrays: Sequence[np.ndarray]) -> Any:
    """Make a network from its description.

    Args:
        head: From `describe_network`.
        arrays: Its arrays.

    Returns:
        The network, with the same numbers in NumPy arrays.

    Raises:
        InputError: If the description is of something else, of a newer version, or makes no network.
    """
    if head.get("kind") != KIND:
        raise InputError("it holds no network that `save_network` wrote")
    if head.get("network_schema") != NETWORK_SCHEMA:
        raise InputError(
            f"its schema is {head.get('network_schema')!r} and this version of limbeck reads {NETWORK_SCHEMA}: "
            "read it with the version that wrote it"
        )
    try:
        learned = _made(head["network"], arrays)
        if not isinstance(learned, _NETWORKS):
            raise InputError(f"it describes a {type(learned).__name__}, which is no network")
        formulas = {
            name: Formula.from_text(entry["form"], arrays[entry["constants"]])
            for name, entry in head["formulas"].items()
        }
        strange = sorted(set(formulas) - set(channels_of(learned)))
        if strange:
            raise InputError(f"its network has no channel {strange[0]!r}")
        return with_formulas(learned, formulas, tuple(head["attribute_names"]))
    except (KeyError, TypeError, ValueError, IndexError, AttributeError, RecursionError) as error:
        raise InputError(f"its description makes no network: {error}") from error


def _describe(value: Any, arrays: list[np.ndarray]) -> Any:
    """A field of a network as a JSON value; arrays are put aside."""
    if isinstance(value, np.ndarray | jax.Array):
        arrays.append(np.asarray(value))
        return {"array": len(arrays) - 1}
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, tuple):
        return {"tuple": [_describe(item, arrays) for item in value]}
    name = type(value).__name__
    if _CLASSES.get(name) is not type(value):
        raise InputError(f"a network with a {name} in it can't be stored")
    fields = dataclasses.fields(value)
    return {"class": name, "fields": {field.name: _describe(getattr(value, field.name), arrays) for field in fields}}


def _made(value: Any, arrays: Sequence[np.ndarray]) -> Any:
    """What a description stands for."""
    if not isinstance(value, dict):
        return value
    if "array" in value:
        return arrays[value["array"]]
    if "tuple" in value:
        return tuple(_made(item, arrays) for item in value["tuple"])
    fields = {name: _made(field, arrays) for name, field in value["fields"].items()}
    return _CLASSES[value["class"]](**fields)
