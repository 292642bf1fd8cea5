"""`limbeck predict`: a law on states of a file; who acts on whom, and what a label means, is as in the run."""

import numpy as np
import pandas as pd
import pytest
from runs import limbeck

from limbeck._errors import InputError
from limbeck._predict import predict_table
from limbeck.artefacts import to_json
from limbeck.config import to_toml
from limbeck.pipeline import FileSource, Study
from limbeck.trajectories import load_trajectories, save_trajectories


def finished(folder, law, source, *, attributes=(), categories=None, constants=None, properties=(), **data):
    """A run that ended with a law."""
    (folder / "checkpoints").mkdir(parents=True)
    result = {
        "schema": 1,
        "verdict": "found",
        "reasons": ["as it was made"],
        "law": law,
        "pair_force": ["0", "0"],
        "acceleration": ["Fx", "Fy"],
        "pair_potential": None,
        "constants": [],
        "properties": list(properties),
        "checks": {},
        "data": {
            "attributes": list(attributes),
            "dim": 2,
            "categories": categories or {},
            "constant_attributes": constants or {},
            **data,
        },
        "bias": {"step": 0, "steps": [], "final": []},
    }
    (folder / "run.json").write_text(to_json({"made_by": "limbeck", "schema": 1}))
    (folder / "study.toml").write_text(to_toml(Study(file=source, learn="q" if source.per else "")))
    (folder / "result.json").write_text(to_json(result))
    return folder


def chain(**columns):
    """Three particles at 0, 1 and 3 at one time, without accelerations."""
    return pd.DataFrame(
        {"simulation": 0, "time": 0.0, "particle": [0, 1, 2], "x": [0.0, 1.0, 3.0], "y": 0.0, "vx": 0.0, "vy": 0.0}
        | columns
    )


def predicted(folder, frame, tmp_path, **options):
    """Accelerations along x."""
    frame.to_csv(tmp_path / "states.csv", index=False)
    return predict_table(folder, tmp_path / "states.csv", **options)[0]["ax"].to_numpy()


def edges(path, pairs):
    """A file of who acts on whom."""
    pd.DataFrame(pairs, columns=["sender", "receiver"]).to_csv(path, index=False)
    return path


def test_pairs_are_those_of_the_run(tmp_path):
    own = edges(tmp_path / "edges.csv", [(0, 1), (1, 0)])
    run = finished(tmp_path / "run", {"radial": "-r"}, FileSource(path="states.csv", edges=str(own)))
    np.testing.assert_allclose(predicted(run, chain(), tmp_path), [1.0, -1.0, 0.0])
    other = edges(tmp_path / "other.csv", [(2, 0)])
    np.testing.assert_allclose(predicted(run, chain(), tmp_path, edges=other), [3.0, 0.0, 0.0])
    every = finished(tmp_path / "every", {"radial": "-r"}, FileSource(path="states.csv"))
    np.testing.assert_allclose(predicted(every, chain(), tmp_path), [4.0, 1.0, -5.0])


def test_pairs_of_other_particles_are_asked_for(tmp_path):
    own = edges(tmp_path / "edges.csv", [(0, 1), (1, 0)])
    run = finished(tmp_path / "run", {"radial": "-r"}, FileSource(path="states.csv", edges=str(own)))
    with pytest.raises(InputError, match="--edges"):
        predicted(run, chain(particle=["a", "b", "c"]), tmp_path)


def test_pairs_that_no_file_of_the_run_names_are_kept_or_asked_for(tmp_path):
    """A system that was simulated, or trajectories that were at hand."""
    near = finished(tmp_path / "near", {"radial": "-r"}, FileSource(), radius=1.5)
    np.testing.assert_allclose(predicted(near, chain(), tmp_path), [1.0, -1.0, 0.0])
    string = finished(tmp_path / "string", {"radial": "-r"}, FileSource(), edges=6)
    with pytest.raises(InputError, match="who acts on whom: give the edges of these states with --edges"):
        predicted(string, chain(), tmp_path)
    own = edges(tmp_path / "edges.csv", [(0, 1), (1, 0)])
    np.testing.assert_allclose(predicted(string, chain(), tmp_path, edges=own), [1.0, -1.0, 0.0])


def test_states_where_the_law_is_undefined_are_counted(tmp_path):
    run = finished(tmp_path / "run", {"radial": "-r", "inertia": "m_1"}, FileSource(), attributes=["m"])
    chain(m=[1.0, 0.0, 2.0]).to_csv(tmp_path / "states.csv", index=False)
    assert predict_table(run, tmp_path / "states.csv")[1].endswith(
        "; the law is undefined for 1 of 3 particles' states"
    )


def test_a_label_means_what_it_meant_in_the_run(tmp_path):
    source = FileSource(path="states.csv", species=("kind",))
    law = {"radial": "kind_1*kind_2"}
    known = {"kind": ["A", "B", "C"]}
    run = finished(tmp_path / "run", law, source, attributes=["kind"], categories=known)
    np.testing.assert_allclose(predicted(run, chain(kind=["B", "C", "C"]), tmp_path), [-4.0, 2.0 - 4.0, 6.0])
    with pytest.raises(InputError, match="label 'D'"):
        predicted(run, chain(kind=["A", "B", "D"]), tmp_path)


def test_a_property_that_was_constant_in_the_run_is_not_extrapolated(tmp_path):
    run = finished(tmp_path / "run", {"radial": "-1.0*r"}, FileSource(path="x.csv"), constants={"m": 1.5})
    there = predicted(run, chain(m=1.5), tmp_path)
    np.testing.assert_array_equal(predicted(run, chain(), tmp_path), there)
    with pytest.raises(InputError, match=r"m is 7, but was 1\.5 throughout the run"):
        predicted(run, chain(m=[1.5, 7.0, 1.5]), tmp_path)


def test_what_was_said_of_columns_that_are_not_there_means_nothing(tmp_path):
    source = FileSource(path="x.csv", ignore=("note",), attributes=("m", "q"), rename={"px": "x"})
    run = finished(tmp_path / "run", {"radial": "-1.0*q_1*q_2*r"}, source, attributes=("q",))
    assert len(predicted(run, chain(q=1.0), tmp_path)) == 3
    with pytest.raises(InputError, match="lacks the attribute q"):
        predicted(run, chain(m=1.0), tmp_path)


def test_learned_properties_are_those_of_the_run(tmp_path):
    rows = [{"simulation": "0", "particle": str(k), "name": "m", "value": v} for k, v in enumerate((1.0, 2.0, None))]
    run = finished(
        tmp_path / "run", {"radial": "-1.0*m_1*m_2*r"}, FileSource(path="x.csv"), attributes=("m",), properties=rows
    )
    two = chain().iloc[:2]
    expected = predicted(run, two.assign(m=[1.0, 2.0]), tmp_path)
    np.testing.assert_array_equal(predicted(run, two, tmp_path), expected)
    # A column of that name has a unit of its own, or nothing in it: the run did not look at it either.
    for own in ([7.0, 5.0], [np.nan, np.nan], ["?", "heavy"]):
        np.testing.assert_array_equal(predicted(run, two.assign(m=own), tmp_path), expected)
    with pytest.raises(InputError, match="knows none for particle '2' of simulation '0'; add a column m"):
        predicted(run, chain(), tmp_path)
    with_third = chain().assign(m=[7.0, 5.0, 3.0])
    with_third.to_csv(tmp_path / "third.csv", index=False)
    table, summary = predict_table(run, tmp_path / "third.csv")
    assert "m of 1 particles stands in the file, in the unit of the run" in summary
    known = finished(tmp_path / "known", {"radial": "-1.0*m_1*m_2*r"}, FileSource(path="x.csv"), attributes=("m",))
    np.testing.assert_array_equal(table["ax"], predicted(known, with_third.assign(m=[1.0, 2.0, 3.0]), tmp_path))


def test_what_was_learned_of_labels_holds_for_any_particle_with_them(tmp_path):
    rows = [
        {"simulation": None, "particle": None, "label": label, "name": "q", "value": v}
        for label, v in (("iron", 1.0), ("tin", -2.0))
    ]
    source = FileSource(path="x.csv", per="kind")
    run = finished(tmp_path / "run", {"radial": "-1.0*q_1*q_2*r"}, source, attributes=("q",), properties=rows)
    known = finished(tmp_path / "known", {"radial": "-1.0*q_1*q_2*r"}, FileSource(path="x.csv"), attributes=("q",))
    expected = predicted(known, chain(q=[1.0, -2.0, 1.0]), tmp_path)
    np.testing.assert_array_equal(predicted(run, chain(kind=["iron", "tin", "iron"]), tmp_path), expected)
    with pytest.raises(InputError, match=r"of its own labels.*or the column of labels"):
        predicted(run, chain(), tmp_path)
    with pytest.raises(InputError, match="knows none for particle '2'"):
        predicted(run, chain(kind=["iron", "tin", "zinc"]), tmp_path)


def test_names_beyond_ascii_read_back(tmp_path):
    run = finished(tmp_path / "run", {"radial": "μ_1*μ_2"}, FileSource(path="states.csv"), attributes=["μ"])
    frame = chain(**{"μ": [1.0, 2.0, 3.0]})
    np.testing.assert_allclose(predicted(run, frame, tmp_path), [-2.0 - 3.0, 2.0 - 6.0, 3.0 + 6.0])
    with pytest.raises(
        InputError, match="lacks the attribute μ"
    ):  # the sign for micro, which Python reads as the letter
        predicted(run, chain(**{"\u00b5": [1.0, 2.0, 3.0]}), tmp_path)


def test_particles_that_are_missing_are_not_passed_over(tmp_path):
    run = finished(tmp_path / "run", {"radial": "-r"}, FileSource(path="states.csv"))
    two = pd.concat([chain(), chain(time=1.0).iloc[:2]])
    with pytest.raises(InputError, match="allow-gaps"):
        predicted(run, two, tmp_path)
    np.testing.assert_allclose(predicted(run, two, tmp_path, allow_gaps=True), [4.0, 1.0, -5.0, 1.0, -1.0])


def test_a_law_of_velocities_asks_for_them(tmp_path):
    run = finished(tmp_path / "run", {"radial": "-r", "drag": "-0.5"}, FileSource(path="states.csv"))
    np.testing.assert_allclose(predicted(run, chain(vx=2.0), tmp_path), [3.0, 0.0, -6.0])
    with pytest.raises(InputError, match="the law depends on velocities"):
        predicted(run, chain().drop(columns=["vx", "vy"]), tmp_path)


def test_a_particle_whose_velocity_is_unknown_is_named(tmp_path):
    """Beside another that is seen often enough; its velocity had been taken for 0."""
    run = finished(tmp_path / "run", {"radial": "-r", "drag": "-0.4"}, FileSource(path="states.csv"))
    still = finished(tmp_path / "still", {"radial": "-r"}, FileSource(path="states.csv"))
    times = pd.concat([chain(time=0.1 * k, x=[0.1 * k, 1.0, 3.0]) for k in range(8)]).drop(columns=["vx", "vy"])
    few = times[(times.particle != 0) | (times.time < 0.25)]
    with pytest.raises(InputError, match="particle '0' of simulation '0' is seen too seldom"):
        predicted(run, few, tmp_path, allow_gaps=True)
    assert predicted(still, few, tmp_path, allow_gaps=True)[:3] == pytest.approx([4.0, 1.0, -5.0])
    assert predicted(run, times, tmp_path)[0] == pytest.approx(4.0 - 0.4)


def test_the_law_is_asked_at_the_positions_of_the_file(tmp_path):
    """Also where noise shows in them: what else stands in the file changes no prediction."""
    run = finished(tmp_path / "run", {"radial": "-r"}, FileSource(path="states.csv"))
    noise = np.random.default_rng(0).normal(scale=1e-2, size=(200, 3))
    frame = pd.concat([chain(time=0.02 * k, x=np.sin(0.05 * k + np.arange(3)) + noise[k]) for k in range(200)])
    frame = frame.drop(columns=["vx", "vy"])
    x = frame["x"].to_numpy().reshape(200, 3)
    expected = x.sum(axis=1, keepdims=True) - 3 * x
    np.testing.assert_allclose(predicted(run, frame, tmp_path).reshape(200, 3), expected, atol=1e-12)


def test_what_the_law_does_not_need_is_not_looked_at(tmp_path):
    """Text, names that no attribute may have, what varies in time, strange labels, units of what is not there."""
    source = FileSource(path="x.csv", units="x=AU,m=Msun,q=C", species=("kind",))
    run = finished(
        tmp_path / "run",
        {"radial": "-q_1*q_2*r"},
        source,
        attributes=("m", "q", "kind"),
        categories={"kind": ["A", "B"]},
        constants={"m": 2.0},
    )
    frame = pd.concat([chain(time=t, q=[1.0, 2.0, 3.0]) for t in (0.0, 1.0)])
    plain = predicted(run, frame, tmp_path)
    more = frame.assign(remark="a", distance=1.0, energy=np.arange(6.0), position=3.0, kind=["C", "D", "C"] * 2)
    np.testing.assert_array_equal(predicted(run, more, tmp_path), plain)
    save_trajectories(load_trajectories(frame, learning=False), tmp_path / "states.nc")
    np.testing.assert_array_equal(predict_table(run, tmp_path / "states.nc")[0]["ax"], plain)
    with pytest.raises(InputError, match=r"column 'q'.*varies in time"):
        predicted(run, frame.assign(q=np.arange(6.0)), tmp_path)
    with pytest.raises(InputError, match="m is 3, but was 2 throughout"):
        predicted(run, frame.assign(m=3.0), tmp_path)


def test_the_output_is_a_new_csv_file_unless_it_may_be_replaced(tmp_path):
    run = finished(tmp_path / "run", {"radial": "-r"}, FileSource(path="states.csv"))
    chain().to_csv(tmp_path / "states.csv", index=False)
    asked = ("predict", run, tmp_path / "states.csv", "--out")
    for name in ("o.parquet", "o.nc", "o"):
        done = limbeck(*asked, tmp_path / name)
        assert (done.returncode, (tmp_path / name).exists()) == (2, False), done.stderr
        assert "ends with .csv" in done.stderr
    (tmp_path / "o.csv").write_text("mine")
    done = limbeck(*asked, tmp_path / "o.csv")
    assert done.returncode == 2
    assert "--overwrite" in done.stderr
    assert (tmp_path / "o.csv").read_text() == "mine"
    assert limbeck(*asked, tmp_path / "o.csv", "--overwrite").returncode == 0
    assert (tmp_path / "o.csv").read_text().startswith("simulation,time,particle,ax,ay\n")
    done = limbeck(*asked, tmp_path / "states.csv", "--overwrite")
    assert done.returncode == 2
    assert "holds the states themselves" in done.stderr


def test_the_command_takes_pairs_and_gaps(tmp_path):
    run = finished(tmp_path / "run", {"radial": "-r"}, FileSource(path="states.csv"))
    chain().to_csv(tmp_path / "states.csv", index=False)
    pairs = edges(tmp_path / "pairs.csv", [(0, 1)])
    done = limbeck("predict", run, tmp_path / "states.csv", "--edges", pairs, "--allow-gaps")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[1:] == ["0,0.0,0,0.0,0.0", "0,0.0,1,-1.0,0.0", "0,0.0,2,0.0,0.0"]


def test_a_law_is_whole_without_its_searches(tmp_path):
    run = finished(tmp_path / "run", {"radial": "-1.0*r"}, FileSource(path="x.csv"))
    (run / "checkpoints" / "halls_0_0.json").write_text('[{"finge')
    assert len(predicted(run, chain(), tmp_path)) == 3
