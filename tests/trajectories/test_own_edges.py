"""Limbeck's own files and datasets after somebody has put them in another order, and the names that they take."""

from dataclasses import replace

import numpy as np
import pytest

from limbeck._errors import InputError
from limbeck.trajectories import Edges, Trajectories, check_attribute_name, load_trajectories, to_xarray


def joined(t: Trajectories) -> set[tuple[str, str, str]]:
    """Names of what each edge joins; a simulation of "" is every one."""
    assert t.edges is not None
    columns = zip(t.edges.system, t.edges.senders, t.edges.receivers, strict=True)
    names = t.particle_names
    return {(t.system_names[s] if s >= 0 else "", names[max(s, 0)][a], names[max(s, 0)][b]) for s, a, b in columns}


def test_edges_stay_with_their_particles_when_a_dataset_is_reordered(good_table):
    one = load_trajectories(good_table())
    edges = Edges(system=np.array([-1, 1, 2]), senders=np.array([0, 1, 2]), receivers=np.array([1, 2, 0]))
    one = replace(one, edges=edges)
    assert joined(one) == {("", "0", "1"), ("1", "1", "2"), ("2", "2", "0")}
    dataset = to_xarray(one)
    for chosen in (
        {"particle": [2, 1, 0]},
        {"simulation": [2, 0, 1]},
        {"particle": [1, 2, 0], "simulation": [1, 2, 0]},
    ):
        other = load_trajectories(dataset.isel(chosen))
        assert joined(other) == joined(one)
        assert other.notes == one.notes
    fewer = load_trajectories(dataset.isel(simulation=[0, 2], particle=[2, 0]))
    assert joined(fewer) == {("2", "2", "0")}
    assert "2 of 3 edges were left out: what they join is no longer in the source." in fewer.notes


def test_edges_of_fewer_particles_stay_with_them_when_a_dataset_is_reordered(good_table):
    """Padding moves to the end of each simulation, and edges of all simulations with what they join."""
    table = good_table()
    one = load_trajectories(table[(table.simulation != 1) | (table.particle != 2)])
    one = replace(one, edges=Edges(system=np.array([-1, -1]), senders=np.array([0, 2]), receivers=np.array([1, 0])))
    other = load_trajectories(to_xarray(one).isel(particle=[2, 1, 0]))
    assert other.particle_names == (("2", "1", "0"), ("1", "0"), ("2", "1", "0"))
    everywhere = {(str(s), "0", "1") for s in range(3)} | {("0", "2", "0"), ("2", "2", "0")}
    assert joined(other) == everywhere


@pytest.mark.user_error
def test_places_that_stand_twice_are_refused(good_table):
    import xarray

    edges = Edges(system=np.array([0]), senders=np.array([0]), receivers=np.array([1]))
    one = to_xarray(replace(load_trajectories(good_table()), edges=edges))
    with pytest.raises(InputError, match="'simulation_index' has a number twice"):
        load_trajectories(
            xarray.concat([one, one.assign_coords(simulation=[5, 6, 7])], "simulation", data_vars="minimal")
        )


@pytest.mark.user_error
def test_no_attribute_is_called_like_a_variable_of_our_own_files(good_table):
    """It would have taken that variable's place, or lost its own."""
    edges = Edges(system=np.array([0]), senders=np.array([0]), receivers=np.array([1]))
    one = load_trajectories(good_table())
    full = replace(
        one,
        edges=edges,
        position_errors=np.ones_like(one.positions),
        measured_positions=one.positions,
        measured_noise=np.ones_like(one.present, dtype=float),
        particle_names=(("0", "1", "2"), ("0", "1", "3"), ("0", "1", "2")),
    )
    dataset = to_xarray(full)
    for name in {*dataset.variables, *dataset.dims} - {"m"}:
        with pytest.raises(InputError, match="--rename"):
            check_attribute_name(str(name), "t.csv")
    with pytest.raises(InputError, match="the attribute 'space' is called like a variable of limbeck's own files"):
        to_xarray(replace(one, attributes={"space": one.attributes["m"]}))
