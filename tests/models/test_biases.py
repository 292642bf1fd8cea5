from itertools import pairwise

import pytest

from limbeck._errors import InputError
from limbeck.models import BIAS_NAMES, STRONGEST, Biases, ModelConfig, parse_biases, relaxations


@pytest.mark.parametrize("biases", [b for dim in (1, 2, 3) for b in relaxations(dim)], ids=lambda b: ",".join(b.names))
def test_names_read_back(biases):
    assert parse_biases(",".join(biases.names)) == biases
    assert parse_biases(" , ".join(reversed(biases.names))) == biases


def test_none_is_no_bias():
    assert parse_biases(" none ") == Biases()
    assert Biases().names == ()


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_relaxations_claim_less_and_less(dim):
    ladder = relaxations(dim)
    assert ladder[0] == STRONGEST
    # A field allows more, it claims nothing.
    claims = [set(biases.names) - {"field", "free-field"} for biases in ladder]
    assert all(later <= earlier for earlier, later in pairwise(claims))
    assert len(set(ladder)) == len(ladder)
    assert claims[-1] == {"translation"}


@pytest.mark.user_error
@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rotatoin", "unknown bias 'rotatoin'.*translation, rotation"),
        ("", "unknown bias ''"),
        ("none,rotation", "unknown bias 'none'"),
        ("translation,translation", "stands twice"),
        ("rotation", "'rotation' rests on translation"),
        ("translation,rotation,conservative", "'conservative' rests on reflection, third-law, second-law"),
        ("field", "'field' rests on second-law"),
        ("translation,second-law,free-field", "'free-field' rests on field"),
        ("translation,reflection", "'reflection' rests on rotation"),
        ("third-law", "'third-law' rests on translation"),
    ],
)
def test_senseless_biases(text, message):
    with pytest.raises(InputError, match=message):
        parse_biases(text)


def test_every_bias_alone_or_with_what_it_rests_on():
    everything = {name.replace("-", "_"): True for name in BIAS_NAMES}
    assert set(Biases(**everything).names) == set(BIAS_NAMES)


@pytest.mark.user_error
@pytest.mark.parametrize("sizes", [{"width": 0}, {"depth": 0}, {"width": -3}])
def test_networks_without_size(sizes):
    with pytest.raises(InputError, match="width and depth of at least 1"):
        ModelConfig(**sizes)
