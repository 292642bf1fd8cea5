import re

import pytest

from limbeck.report._equations import law_on_page, symbol


def words(mathml):
    return re.sub(r"<[^>]+>|\s", "", mathml).replace("&#x2062;", "").replace("&#x2061;", "")


def lines(law, **others):
    return [words(line.mathml) or line.text for line in law_on_page({"law": law, **others}).main]


def test_radial_law_names_its_kernel():
    assert lines({"radial": "-m_1*m_2/r**2", "inertia": "m_1"}) == [
        "F→12=f(r,m1,m2)r^",
        "f=−m1m2r2",
        "a→1=∑2F→12m1",
    ]


def test_constants_stand_where_they_act():
    assert lines({"radial": "-2*r", "drag": "-0.4", "uniform_y": "9.81"})[-1] == "a→1=∑2F→12−0.4v→1+9.81e^y"


def test_law_without_pairs_has_no_force():
    assert lines({"drag": "-0.4*v_1", "inertia": "m_1 + 1"}) == ["a→1=k(v1)v→1M", "k=−0.4v1", "M=m1+1"]


def test_every_channel_is_written():
    law = {"friction": "-0.1", "transverse": "r", "message_x": "dx", "central": "-1", "field_x": "x_1**2"}
    shown = lines(law)
    assert shown[0] == "F→12=−0.1Δv→+rr^⊥+Δxe^x"
    assert shown[1] == "a→1=∑2F→12−1x→1+bx(x1)e^x"


def test_without_channels_the_axes_are_shown():
    page = law_on_page({"pair_force": ["0", "0"], "acceleration": ["Fx", "Fy"], "pair_potential": "log(r)"})
    assert [words(line.mathml) for line in page.main] == ["Fx=0", "Fy=0", "ax=Fx", "ay=Fy", "U=log(r)"]
    assert not page.axes


def test_text_that_is_no_formula_stays_text():
    (line,) = law_on_page({"pair_potential": "__import__('os')"}).main
    assert not line.mathml
    assert line.text == "__import__('os')"


@pytest.mark.parametrize("name", ["", "a b", "<b>", "1x"])
def test_what_is_no_name_has_no_symbol(name):
    assert not symbol(name)
