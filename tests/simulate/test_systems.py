import re

import numpy as np
import pytest

from limbeck.expressions import evaluate, parse, variables
from limbeck.simulate import SystemDefinition, accelerations, custom_system, find_system, systems
from limbeck.simulate._distributions import initial_states

NAMES = list(systems())
CUSTOM = {
    "yukawa": "q_1*q_2*exp(-r)/r",
    "softest": "m_1*m_2*log(r)",
    "hook": "0.5*(b_1 + b_2)*(r - 1)**2",
}
LAWS = {**systems(), **{name: custom_system(text) for name, text in CUSTOM.items()}}


def random_states(system, dim, n_nodes, n_systems=20, seed=0):
    """Particles in a box of a few units, none on top of another."""
    rng = np.random.default_rng(seed)
    x, v = rng.normal(size=(2, n_systems, n_nodes, dim)) * 1.5
    return x, v, {rule.name: rng.lognormal(size=(n_systems, n_nodes)) for rule in system.attributes}


def neighbours(system, n_nodes, i):
    near = [i - 1, i + 1] if system.connectivity == "chain" else range(n_nodes)
    return [j for j in near if 0 <= j < n_nodes and j != i]


def truth_accelerations(system, x, v, attributes):
    """The truth's own strings, evaluated particle by particle as a reader of the result would."""
    n_systems, n_nodes, dim = x.shape
    truth = system.truth(dim, n_nodes)
    result = np.empty_like(x)
    for i in range(n_nodes):
        own = {f"{k}_1": a[:, i] for k, a in attributes.items()}
        own |= {f"{a}_1": x[:, i, k] for k, a in enumerate("xyz"[:dim])}
        own |= {f"v{a}_1": v[:, i, k] for k, a in enumerate("xyz"[:dim])}
        force = np.zeros((n_systems, dim))
        for j in neighbours(system, n_nodes, i):
            pair = own | {f"{k}_2": a[:, j] for k, a in attributes.items()}
            pair |= {f"d{a}": x[:, i, k] - x[:, j, k] for k, a in enumerate("xyz"[:dim])}
            pair["r"] = np.sqrt(((x[:, i] - x[:, j]) ** 2).sum(-1))
            force += np.stack([evaluate(parse(text), pair) for text in truth.pair_force], axis=-1)
        own |= {f"F{a}": force[:, k] for k, a in enumerate("xyz"[:dim])}
        result[:, i] = np.stack([evaluate(parse(text), own) for text in truth.acceleration], axis=-1)
    return result


def potential_energy(system, x, attributes):
    n_nodes = x.shape[1]
    total = system.weight * (attributes["m"] * x[..., -1]).sum(-1)
    for i in range(n_nodes):
        for j in (j for j in neighbours(system, n_nodes, i) if j < i):
            values = {"r": np.sqrt(((x[:, i] - x[:, j]) ** 2).sum(-1))}
            for name, a in attributes.items():
                values |= {f"{name}_1": a[:, i], f"{name}_2": a[:, j]}
            total = total + evaluate(parse(system.pair_potential), values)
    return total


def test_names_are_those_of_the_published_systems():
    assert NAMES == ["spring", "damped", "r1", "r2", "charge", "discontinuous", "string", "superposition"]
    published = {"r1": 0.005, "r2": 0.001, "spring": 0.01, "damped": 0.02, "charge": 0.001, "discontinuous": 0.01}
    for name, dt in published.items():
        assert (systems()[name].dt, systems()[name].n_steps, systems()[name].softening) == (dt, 1000, 0.01)


@pytest.mark.parametrize(("alias", "name"), [("1/r", "r1"), ("1/r^2", "r2"), ("1/r2", "r2"), (" Spring ", "spring")])
def test_systems_answer_to_their_published_names(alias, name):
    assert find_system(alias).name == name


@pytest.mark.parametrize(
    ("name", "said"), [("sprng", "did you mean 'spring'"), ("custom", "needs a pair potential"), ("", "Known: spring")]
)
def test_an_unknown_name_is_refused_with_the_nearest(name, said):
    with pytest.raises(ValueError, match=said):
        find_system(name)


def test_a_definition_checks_its_ranges():
    for wrong in ({"dt": 0.0}, {"dt": float("nan")}, {"n_steps": 0}, {"softening": -1.0}):
        fields = {"name": "a", "summary": "b", "pair_force": "r", "pair_potential": None, "attributes": (), "dt": 1.0}
        with pytest.raises(ValueError, match=r"must be|needs"):
            SystemDefinition(**(fields | wrong))


@pytest.mark.parametrize("dim", [1, 2, 3])
@pytest.mark.parametrize("name", LAWS)
def test_truth_strings_give_the_accelerations(name, dim):
    system = LAWS[name]
    x, v, attributes = random_states(system, dim, 3)
    expected = truth_accelerations(system, x, v, attributes)
    # Both are float64 sums of a few terms.
    np.testing.assert_allclose(accelerations(system, x, v, attributes), expected, rtol=1e-10, atol=1e-10)


@pytest.mark.parametrize("name", [name for name, system in LAWS.items() if system.pair_potential])
def test_force_is_minus_the_gradient_of_the_potential(name):
    system = LAWS[name]
    x, v, attributes = random_states(system, 2, 3)
    force = attributes["m"][..., None] * accelerations(system, x, 0 * v, attributes)
    step = 1e-6
    gradient = np.empty_like(x)
    for i in range(3):
        for k in range(2):
            shift = np.zeros_like(x)
            shift[:, i, k] = step
            ends = (potential_energy(system, x + s * shift, attributes) for s in (1, -1))
            gradient[:, i, k] = (next(ends) - next(ends)) / (2 * step)
    # Central differences: truncation step**2 times a third derivative, rounding 1e-16/step.
    scale = np.abs(force).max()
    np.testing.assert_allclose(force, -gradient, rtol=1e-5, atol=1e-7 * scale)


@pytest.mark.parametrize("n_nodes", [2, 3, 4, 8])
def test_friction_is_that_of_the_paper(n_nodes):
    system = find_system("damped")
    x, v, attributes = random_states(system, 2, n_nodes)
    drag = accelerations(system, x, v, attributes) - accelerations(system, x, 0 * v, attributes)
    np.testing.assert_allclose(drag, -(n_nodes - 1) / n_nodes * v / attributes["m"][..., None], rtol=1e-8, atol=1e-9)
    assert system.truth(2, 4).acceleration == ("(Fx - 0.75*vx_1)/m_1", "(Fy - 0.75*vy_1)/m_1")


def test_the_weight_pulls_down_the_last_axis():
    assert find_system("string").truth(3, 30).acceleration == ("Fx/m_1", "Fy/m_1", "(Fz - m_1)/m_1")


def test_the_discontinuous_force_has_no_spike():
    x = np.array([[[0.0, 0.0], [r, 0.0]] for r in (1.0, 1.98, 1.9899, 1.9901, 2.5)])
    a = accelerations(find_system("discontinuous"), x, 0 * x, {"m": np.ones((5, 2)), "q": np.ones((5, 2))})
    np.testing.assert_allclose(a[:, 0, 0], [0, 0, 0, 2 * 1.0001, 2 * 1.51], rtol=1e-12)


@pytest.mark.parametrize("name", LAWS)
def test_truth_uses_only_names_of_the_contract(name):
    truth = LAWS[name].truth(3, 4)
    for text in (truth.kernel, *truth.pair_force, *truth.one_body, *truth.acceleration):
        for variable in variables(parse(text)):
            assert re.fullmatch(r"r|d[xyz]|F[xyz]|v?[xyz]_1|[mqb]_[12]", variable), variable


def test_states_are_drawn_as_published():
    def draw(name, n_nodes=4, scale=1.0):
        return initial_states(find_system(name), dim=2, n_nodes=n_nodes, n_systems=400, seed=0, scale=scale)

    spring, charge, string = draw("spring"), draw("charge"), draw("string", n_nodes=5)
    # 1,600 draws: a mean is known to 0.025 of its width, 4 of them are 0.1.
    assert abs(np.log(spring.attributes["m"]).mean()) < 0.1
    assert abs(np.log(spring.attributes["m"]).std() - 1) < 0.1
    assert abs(spring.attributes["q"].std() - 1) < 0.1
    assert set(np.unique(charge.attributes["q"])) == {-1.0, 1.0}
    assert abs(spring.positions.std() - 1) < 0.1
    assert abs(spring.velocities.std() - 1) < 0.1
    assert (string.attributes["m"] == 1).all()
    assert abs((string.positions[:, :, 0] - np.arange(5)).std() - 0.5) < 0.05
    wide = draw("spring", scale=2.0)
    np.testing.assert_array_equal(wide.positions, 2 * spring.positions)
    np.testing.assert_array_equal(wide.velocities, 2 * spring.velocities)
    np.testing.assert_array_equal(wide.attributes["m"], spring.attributes["m"])
