import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from limbeck.expressions import evaluate, parse
from limbeck.simulate import custom_system, find_system
from limbeck.simulate._distributions import initial_states


@pytest.mark.parametrize(
    ("potential", "name"),
    [("(r - 1)**2", "spring"), ("m_1*m_2*log(r)", "r1"), ("-m_1*m_2/r", "r2"), ("q_1*q_2/r", "charge")],
)
def test_published_potentials_give_the_published_systems(potential, name):
    mine, theirs = custom_system(potential), find_system(name)
    rng = np.random.default_rng(0)
    values = {k: rng.lognormal(size=50) for k in ("r", "m_1", "m_2", "q_1", "q_2")}
    for text, expected in ((mine.pair_force, theirs.pair_force), (mine.pair_potential, theirs.pair_potential)):
        np.testing.assert_allclose(evaluate(parse(text), values), evaluate(parse(expected), values), rtol=1e-12)


@settings(max_examples=25)
@given(
    strength=st.floats(-5, 5).filter(lambda c: abs(c) > 1e-3),
    exponent=st.integers(-4, 4).filter(bool),
    softening=st.floats(0, 0.5),
)
def test_force_of_a_power_law_is_its_derivative(strength, exponent, softening):
    system = custom_system(f"{strength!r}*m_1*m_2*r**({exponent})", softening=softening)
    r = np.linspace(0.3, 3, 11)
    force = evaluate(parse(system.pair_force), {"r": r, "m_1": 2.0, "m_2": 3.0})
    expected = -6 * strength * exponent * (r + softening) ** (exponent - 1.0)
    np.testing.assert_allclose(force * np.ones(11), expected, rtol=1e-9)


def test_attributes_that_appear_are_drawn():
    system = custom_system("q_1*q_2*h_1*h_2/r + r**2")
    data = initial_states(system, dim=2, n_nodes=4, n_systems=100, seed=0, scale=1.0)
    assert set(data.attributes) == {"m", "q", "h"}
    assert set(np.unique(data.attributes["q"])) == {-1.0, 1.0}
    assert (data.attributes["h"] > 0).all()


@pytest.mark.parametrize(
    ("potential", "said"),
    [
        ("m_1/r", "exchanged"),
        ("(m_1 - m_2)*r", "exchanged"),
        ("q_1*abs(q_2)/r", "exchanged"),
        ("m_1*m_2", "does not depend on r"),
        ("r - r", "does not vary with r"),
        ("log(-r)*0 + sqrt(-r)", "not finite"),
        ("foo/r", "end in _1 or _2"),
        ("x_1*x_2/r", "can't be an attribute"),
        ("dens_1*dens_2/r", "can't be an attribute"),
        ("r_1*r_2/r", "can't be an attribute"),
        ("", "empty"),
        ("r**", "position"),
        ("__import__('os').system('true')", "position"),
        ("().__class__", "position"),
        ("lambda: r", "position"),
        ("eval(r)", "unknown function"),
    ],
)
def test_what_is_no_pair_potential_is_refused(potential, said):
    with pytest.raises(ValueError, match=said):
        custom_system(potential)


@pytest.mark.parametrize("wrong", [{"dt": 0.0}, {"dt": -0.1}, {"dt": np.inf}, {"n_steps": 0}, {"softening": -0.1}])
def test_ranges_of_options_are_checked(wrong):
    with pytest.raises(ValueError, match=r"must be|at least"):
        custom_system("r**2", **wrong)
