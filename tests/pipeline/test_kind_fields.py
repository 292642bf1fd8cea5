"""A law of kinds, told kind by kind: the same numbers as the formula of their codes."""

import numpy as np

from limbeck.compose import Law
from limbeck.expressions import evaluate, parse
from limbeck.pipeline._kind_fields import kind_fields
from limbeck.simulate import simulate
from limbeck.trajectories import Trajectories, with_attribute


def of_kinds(*labels: str) -> Trajectories:
    """Particles of some kinds."""
    t = simulate("r1", n_systems=2, n_steps=5, seed=0)
    t = with_attribute(t, "kind", np.zeros((2, 4)))
    return t.__class__(**{**vars(t), "categories": {"kind": labels}})


def law_of(**components: str) -> Law:
    """A law of these channels."""
    return Law(components={name: parse(text) for name, text in components.items()}, dim=2)


def test_every_pair_and_every_receiver():
    law = law_of(radial="kind_1*(2 - kind_2)/r + 0.5*exp(-r)", inertia="1 + 3*kind_1", drag="-0.1")
    rows = kind_fields(law, of_kinds("sheep", "wolf"))
    own, pairs = rows[:2], rows[2:]
    assert [(row["receiver"], row["sender"], row["inertia"]) for row in own] == [
        ("sheep", None, "1"),
        ("wolf", None, "4"),
    ]
    assert [(row["receiver"], row["sender"]) for row in pairs] == [
        ("sheep", "sheep"),
        ("sheep", "wolf"),
        ("wolf", "sheep"),
        ("wolf", "wolf"),
    ]
    r = np.linspace(0.1, 3.0, 7)
    for row, (one, two) in zip(pairs, ((0, 0), (0, 1), (1, 0), (1, 1)), strict=True):
        np.testing.assert_allclose(evaluate(parse(row["radial"]), {"r": r}), one * (2 - two) / r + 0.5 * np.exp(-r))
        assert "drag" not in row


def test_where_there_is_nothing_to_tell():
    assert kind_fields(None, of_kinds("a", "b")) == []
    assert kind_fields(law_of(radial="1/r"), of_kinds("a", "b")) == []
    assert kind_fields(law_of(radial="kind_1/r"), of_kinds(*"abcdef")) == []
