from dataclasses import replace
from math import inf, nan

import numpy as np
import pytest

from limbeck._errors import InputError
from limbeck.train import PRESETS, Pruning, Recipe, recipe_preset


def rates(recipe):
    """Learning rate in each step, seen as what a constant slope of 1 is multiplied by (Adam divides by its size)."""
    optimiser = recipe.optimiser()
    slopes, state, found = np.ones(1, np.float32), optimiser.init(np.zeros(1, np.float32)), []
    for _ in range(recipe.steps):
        update, state = optimiser.update(slopes, state)
        found.append(-float(update[0]))
    return np.array(found)


def test_one_cycle_is_pytorchs():
    found = rates(Recipe(steps=40, warmup=0.3, learning_rate=1e-3, clip=inf))
    step = np.arange(40)
    up = 1e-3 / 25 + (1e-3 - 1e-3 / 25) * (1 - np.cos(np.pi * step / 12)) / 2
    low = 1e-3 / 25 / 1e4
    down = low + (1e-3 - low) * (1 + np.cos(np.pi * (step - 12) / 28)) / 2
    np.testing.assert_allclose(found, np.where(step < 12, up, down), rtol=1e-3)


def test_cosine_falls_to_zero():
    found = rates(Recipe(steps=20, schedule="cosine", learning_rate=1e-3, clip=inf))
    np.testing.assert_allclose(found, 1e-3 * (1 + np.cos(np.pi * np.arange(20) / 20)) / 2, rtol=1e-3)


def test_hold_holds():
    found = rates(Recipe(steps=20, schedule="hold", warmup=0.1, hold=0.6, learning_rate=1e-3, clip=inf))
    np.testing.assert_allclose(found[2:13], 1e-3, rtol=1e-3)
    assert (np.diff(found[12:]) < 0).all()


@pytest.mark.parametrize(
    ("name", "n_nodes", "expected"),
    [
        ("paper", 4, {"steps": 1_000_000, "batch_size": 64, "penalty_scale": "batch", "weight_scale": "sum"}),
        ("paper", 8, {"batch_size": 16, "learning_rate": 1e-3, "schedule": "one-cycle", "shift": 3.0}),
        ("thesis", 4, {"schedule": "cosine", "batch_size": 64, "weight_scale": "mean", "weight_penalty": 1e-8}),
        ("thesis", 8, {"pruning": Pruning(schedule="cosine", end=0.65), "penalty_scale": "edge"}),
    ],
)
def test_published_recipes(name, n_nodes, expected):
    recipe = recipe_preset(name, n_nodes=n_nodes)
    assert {key: getattr(recipe, key) for key in expected} == expected
    assert recipe.message_penalties("l1") == (1e-2,)
    assert recipe.message_penalties("kl") == (1.0,)
    assert recipe.message_penalties("standard") == (0.0,)


def test_our_own_penalty_is_another():
    assert Recipe().message_penalties("l1") == (3e-2,)
    assert Recipe().message_penalties("kl") == (1e-3,)


def test_every_preset_is_a_recipe():
    assert all(isinstance(recipe_preset(name), Recipe) for name in PRESETS)
    assert recipe_preset("default") == Recipe()


@pytest.mark.user_error
@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"steps": 0}, "recipe.steps must be at least 1; got 0"),
        ({"learning_rate": nan}, "recipe.learning_rate must be positive"),
        ({"schedule": "step"}, "unknown schedule 'step': choose one of one-cycle, cosine, hold"),
        ({"penalty_scale": "text"}, "unknown penalty_scale 'text': choose one of edge, batch, pair, component"),
        ({"warmup": 0.8}, "must rise between 0 and 1"),
        ({"penalties": (0.1, -1.0)}, "finite and not negative"),
        ({"shift": inf}, "finite and not negative"),
        ({"precision": "float16"}, "unknown precision 'float16'"),
    ],
)
def test_settings_out_of_range(setting, message):
    with pytest.raises(InputError, match=message):
        replace(Recipe(), **setting)


@pytest.mark.user_error
def test_what_has_no_penalty_takes_none():
    with pytest.raises(InputError, match="mean nothing for a bottleneck network"):
        Recipe(penalties=(0.1,)).message_penalties("bottleneck")
    with pytest.raises(InputError, match="unknown recipe 'fast': choose one of paper, thesis, default"):
        recipe_preset("fast")
