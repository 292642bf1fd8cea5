"""What drifts along a rollout, how many simulations it takes, and what an evaluation costs."""

from unittest.mock import create_autospec

import jax
import numpy as np
import pytest
from clouds import cloud, padded
from compose.planted import law_of
from planted_network import planted_network
from scipy.integrate import solve_ivp

from limbeck.compose import behaviour, law_accelerations, pair_potential, roll_out
from limbeck.compose._conserved import Paths, drifts
from limbeck.compose._integrate import integrate, law_force, network_force
from limbeck.compose._rollout import _test_runs, first_states
from limbeck.expressions import evaluate
from limbeck.graphs import connect
from limbeck.models import Biases, ForceNetwork
from limbeck.simulate import simulate
from limbeck.train import TrainedModel, pair_index


def as_trained(dataset, **kernel):
    """A network that is known and was never trained, as the stages of a discovery take one."""
    network = planted_network(dataset, **kernel)
    model = ForceNetwork(network=network, to_force=np.eye(2), offset=np.zeros(2), biases=Biases())
    blank = np.full((1, 1), 0.1)
    return TrainedModel(
        model=model, pairs=pair_index(dataset), validation_error=0.1, errors=blank, losses=blank, steps=1, status=""
    )


def measured(law, dataset):
    """Drifts along the law's own paths, by SciPy."""
    times = np.linspace(0, 1, 12)
    start = first_states(dataset, dataset.test[:2])
    pairs, shape = dataset.pairs, start.positions.shape

    def slope(_, y):
        x, v = y.reshape(2, *shape)
        forward, backward = start.forward, start.backward
        if dataset.trajectories.radius is not None:
            near = np.linalg.norm(x[:, pairs.first] - x[:, pairs.second], axis=-1) < dataset.trajectories.radius
            forward, backward = near * 1.0, near * 1.0
        state = start._replace(positions=x, velocities=v, forward=forward, backward=backward)
        a = law_accelerations(law, state, pairs.first, pairs.second, dataset.attribute_names, np)
        return np.concatenate([v.ravel(), a.ravel()])

    first = np.concatenate([start.positions.ravel(), start.velocities.ravel()])
    y = solve_ivp(slope, (0, times[-1]), first, t_eval=times, rtol=1e-9, atol=1e-9, max_step=0.05).y
    paths = Paths(*np.moveaxis(y.reshape(2, *shape, len(times)), -1, 2))
    found = drifts(law, dataset, start, {"law": paths, "network": paths, "given": paths})
    return {drift.quantity: drift for drift in found}, paths, start


def test_a_far_origin_costs_the_network_no_precision() -> None:
    """What it is shown are positions from the middle, before they become single precision."""
    dataset = connect(cloud(), seed=0)
    start = dataset.batch(dataset.test[:2])
    far = start._replace(positions=np.asarray(start.positions) + 2.0**20)
    seen = create_autospec(TrainedModel, instance=True)
    seen.pairs, seen.model = None, create_autospec(ForceNetwork, instance=True, origin_free=True)
    seen.model.side_effect = lambda state, _: state.positions
    with jax.enable_x64(True):  # as where it is rolled out
        near, moved = (np.asarray(network_force(seen, dataset)(state)) for state in (start, far))
    np.testing.assert_allclose(moved, near, atol=1e-6)


@pytest.mark.parametrize("dim", [1, 2, 3])
def test_an_isolated_law_conserves_everything(dim: int) -> None:
    found, _, _ = measured(law_of(dim, radial="-2.0*(r - 0.99)", inertia="m_1"), connect(cloud(dim=dim), seed=0))
    assert list(found) == ["energy", "momentum", "angular momentum"][: 3 if dim > 1 else 2]
    for drift in found.values():
        assert (drift.conserved, drift.reason) == (True, "")
        assert drift.law is not None
        assert drift.law < 1e-6


@pytest.mark.parametrize(
    ("channels", "changed"),
    [
        ({"drag": "-0.4"}, {"energy": "drag", "momentum": "drag", "angular momentum": "drag"}),
        ({"uniform_y": "-1.0*m_1"}, {"momentum": "uniform", "angular momentum": "uniform"}),
        ({"central": "-0.5"}, {"momentum": "central"}),
        ({"friction": "-0.3"}, {"energy": "friction", "angular momentum": "friction"}),
        ({"transverse": "0.5*r"}, {"energy": "transverse", "angular momentum": "transverse"}),
        ({"radial": "-2.0*m_1*r"}, {"energy": "third law", "momentum": "third law", "angular momentum": "third law"}),
        ({"field_x": "x_1*y_1"}, {"energy": "field", "momentum": "field", "angular momentum": "field"}),
    ],
)
def test_what_is_not_meant_to_be_conserved_is_named(channels: dict, changed: dict) -> None:
    law = law_of(2, **{"radial": "-2.0*(r - 0.99)", "inertia": "m_1", **channels})
    found, _, _ = measured(law, connect(cloud(), seed=0))
    for quantity, drift in found.items():
        assert drift.conserved == (quantity not in changed)
        assert changed.get(quantity, "") in drift.reason
        if drift.conserved:
            assert drift.law < 1e-6


def test_energy_counts_forces_from_outside_and_a_loss_is_its_own_size() -> None:
    """Against energies written down by hand."""
    dataset = connect(cloud(), seed=0)
    law = law_of(2, radial="-2.0*(r - 0.99)", uniform_y="-1.5*m_1", central="-0.5", drag="-0.3", inertia="m_1")
    found, paths, start = measured(law, dataset)
    x, v, m = paths.positions, paths.velocities, start.attributes[:, None, :, 0]
    pairs = dataset.pairs
    r = np.linalg.norm(x[:, :, pairs.first] - x[:, :, pairs.second], axis=-1)
    kinetic = (0.5 * m * (v**2).sum(-1)).sum(-1)
    energy = kinetic + ((r - 0.99) ** 2).sum(-1) + (1.5 * m * x[..., 1]).sum(-1) + (0.25 * (x**2).sum(-1)).sum(-1)
    # The potential's constant is free, and stands only in the size by which a change is measured.
    constant = 6 * evaluate(pair_potential(law), {"r": 0.99})
    size = kinetic.max(1) + np.abs(energy[:, 0] + constant)
    assert found["energy"].law == pytest.approx(np.median(np.abs(energy - energy[:, :1]).max(1) / size), rel=1e-6)


def test_a_force_without_potential_has_no_energy() -> None:
    law = law_of(2, radial="Piecewise((-2*(r - 0.99), r >= 1.99), (0, True))", inertia="m_1")
    energy = measured(law, connect(cloud(), seed=0))[0]["energy"]
    assert (energy.law, energy.conserved) == (None, False)
    assert "no potential" in energy.reason


def test_a_cut_off_law_conserves_its_own_energy() -> None:
    dataset = connect(cloud(radius=1.5), seed=0)
    found = measured(law_of(2, radial="-2.0*(r - 0.99)", inertia="m_1"), dataset)[0]
    assert found["energy"].conserved
    assert found["energy"].law < 1e-3  # the force jumps at the radius, where steps are not refined


def test_lost_paths_have_no_drift() -> None:
    dataset = connect(cloud(), seed=0)
    law = law_of(2, radial="-2.0*(r - 0.99)", inertia="m_1")
    _, paths, start = measured(law, dataset)
    lost = Paths(np.where(np.arange(12)[:, None, None] > 8, np.nan, paths.positions), paths.velocities)
    for drift in drifts(law, dataset, start, {"law": paths, "network": lost, "given": paths}):
        if drift.quantity != "momentum":
            assert drift.network is None


def test_a_law_beside_a_network() -> None:
    dataset = connect(simulate("spring", n_systems=8, n_steps=100, every=2, seed=1), seed=0)
    law = law_of(2, radial="-2.0*(r - 0.99)", inertia="m_1")
    trained = as_trained(dataset, drag=-0.05)
    rollout = roll_out(law, trained, dataset)
    assert rollout is not None
    found = behaviour(rollout, law, trained, dataset)
    assert found is not None
    energy, momentum, turning = rollout.drifts
    assert energy.law < 1e-6 < 1e-2 < energy.network
    assert energy.given < 1e-6
    assert momentum.law < 1e-9 < momentum.network
    assert turning.law < 1e-6 < turning.network
    assert found.law_error < 0.1 * found.network_error
    assert 0 < found.until <= rollout.horizon
    assert min(found.speed[:2]) > 0
    assert (found.lyapunov_time is None) == bool(found.lyapunov_reason)


def test_a_force_that_jumps_has_no_lyapunov_time() -> None:
    """Its tangent equation would leave out what a jump does to neighbours."""
    dataset = connect(simulate("discontinuous", n_systems=8, n_nodes=2, n_steps=8, seed=1), seed=0)
    law = law_of(2, radial="Piecewise((-2.0*(r - 0.99), r >= 1.99), (0.0, True))", inertia="m_1")
    trained = as_trained(dataset)
    rollout = roll_out(law, trained, dataset)
    assert rollout is not None
    found = behaviour(rollout, law, trained, dataset)
    assert found is not None
    assert found.lyapunov_time is None
    assert "jumps" in found.lyapunov_reason


@pytest.mark.slow
@pytest.mark.parametrize("systems", [30, 150])
def test_a_rollout_is_of_twenty_simulations_or_of_all_that_are_held_out(systems: int) -> None:
    dataset = connect(simulate("spring", n_systems=systems, n_nodes=2, n_steps=8, seed=1), seed=0)
    held_out = np.setdiff1d(
        np.concatenate([dataset.test, dataset.extrapolation])[:, 0],
        np.concatenate([dataset.train, dataset.validation])[:, 0],
    )
    rollout = roll_out(law_of(2, radial="-2.0*(r - 0.99)", inertia="m_1"), as_trained(dataset), dataset)
    assert rollout is not None
    assert len(rollout.given) == min(20, len(held_out))


def test_a_network_loses_and_finds_its_partners_at_a_radius_as_a_law_does() -> None:
    """The network is the law in other words, in its own precision, and is shown other states than the first."""
    dataset = connect(cloud(radius=1.5), seed=0)
    law, pairs = law_of(2, radial="-2.0*(r - 0.99)", inertia="m_1"), dataset.pairs
    start, before = first_states(dataset, dataset.test[:2]), dataset.batch(dataset.test[:2])
    moved = start._replace(positions=start.positions[::-1])
    assert not np.array_equal(dataset.batch(dataset.test[1::-1]).forward, before.forward)
    same = create_autospec(TrainedModel, instance=True)
    same.pairs, same.model = None, create_autospec(ForceNetwork, instance=True, origin_free=False)
    same.model.side_effect = lambda state, _: law_accelerations(
        law, state, pairs.first, pairs.second, dataset.attribute_names, np
    )
    with jax.enable_x64(True):
        for state in (start, moved):
            felt, wanted = (np.asarray(f(state)) for f in (network_force(same, dataset), law_force(law, dataset)))
            np.testing.assert_allclose(felt, wanted, atol=1e-4)


def test_simulations_of_fewer_particles_are_rolled_out_too() -> None:
    """Places of particles that are never there are no gaps, and count nowhere."""
    dataset = connect(padded(simulate("spring", n_systems=8, n_nodes=2, n_steps=8, seed=1)), seed=0)
    rollout = roll_out(law_of(2, radial="-2.0*(r - 0.99)", inertia="m_1"), as_trained(dataset), dataset)
    assert rollout is not None
    assert np.max(rollout.law_error) < 1e-6  # the extra place would be pulled along
    np.testing.assert_array_equal(np.ptp(rollout.law[:, :, 2], axis=1), 0.0)
    assert all(drift.law is not None and drift.law < 1e-6 for drift in rollout.drifts)


def test_blocks_of_time_that_taught_are_not_rolled_out() -> None:
    dataset = connect(simulate("spring", n_systems=8, n_steps=60, seed=1), seed=0, by_time=True)
    runs = _test_runs(dataset)
    assert runs is not None
    held_out = {tuple(row) for part in (dataset.test, dataset.extrapolation) for row in part.tolist()}
    rows = {(int(s), int(row)) for s, own in zip(*runs, strict=True) for row in own}
    assert rows <= held_out
    assert len(runs[0]) >= 4  # each with times of its own


def test_simulations_are_integrated_apart() -> None:
    """A path that is lost takes no other with it."""
    dataset = connect(cloud(), seed=0)
    force = law_force(law_of(2, central="4.0*r_1**4"), dataset)
    start = dataset.batch(dataset.test[:2])
    start.positions[:] = 0.1
    start.positions[1] = 10.0
    positions, _ = integrate(force, start, np.linspace(0, 0.5, 10), 1e-9)
    assert np.isfinite(positions[0]).all()
    assert np.isnan(positions[1, -1]).all()


def test_positions_alone_say_nothing_more() -> None:
    from report.samples import rollout

    dataset = connect(cloud(), seed=0)
    assert behaviour(rollout(2), law_of(2, radial="-r"), as_trained(dataset), dataset) is None
