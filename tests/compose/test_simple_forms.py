"""Simple laws along noisy paths: the right power of the distance comes first, with nothing learnt."""

import pytest
from compose.planted import law_of
from compose.test_shoot import observed

from limbeck.compose._along_paths import Paths, nearest_along
from limbeck.compose._simple_forms import power_laws, softened
from limbeck.expressions import Variable, parse, same_form


@pytest.mark.slow
def test_the_right_power_comes_first():
    paths = Paths.of(observed("charge", steps=700))
    assert paths is not None
    best, *others = nearest_along(power_laws(("m", "q"), 2), paths, 3, reciprocal=True)
    assert same_form(best.components["radial"], parse("0.8*q_1*q_2/r**2"))
    assert best.components["inertia"] == Variable("m_1")
    assert len(others) == 2


def test_every_product_and_inertia_is_among_them_once():
    laws = power_laws(("m", "q"), 3)
    assert len(laws) == 3 * 3 * 4
    assert not any(a.is_same_form(b) for k, a in enumerate(laws) for b in laws[:k])
    assert len(power_laws((), 2)) == 4


def test_what_has_no_power_is_not_softened():
    bare, soft = law_of(radial="-1.0*m_1/r**1.9", inertia="m_1"), law_of(radial="-1.0*m_1/(r + 0.02)**2", inertia="m_1")
    found = softened(bare)
    assert found is not None
    assert found.is_same_form(soft)
    assert softened(soft) is None
    assert softened(law_of(radial="exp(-1.0*r)")) is None
