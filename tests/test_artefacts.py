"""Records on disk: what is read is what was written, or an error."""

import errno

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

from limbeck import artefacts
from limbeck._errors import ArtefactDamaged, ArtefactMismatch
from limbeck.artefacts import (
    hall_from_mapping,
    hall_to_mapping,
    load_arrays,
    load_record,
    save_arrays,
    save_record,
    to_json,
    write_new,
    write_whole,
)
from limbeck.expressions import parse, to_string
from limbeck.regress import Equation, HallOfFame

TREE = {"weights": np.linspace(0, 1, 6).reshape(2, 3), "count": np.asarray(7), "steps": np.arange(3, dtype=np.int32)}
HEADER = {"fingerprint": "abc", "step": 0}


def same(first, second):
    return all(np.array_equal(first[k], second[k]) and first[k].dtype == second[k].dtype for k in first)


@given(st.lists(st.floats(width=32), max_size=5), st.integers(-(2**40), 2**40))
def test_arrays_come_back(tmp_path_factory, values, number):
    path = tmp_path_factory.getbasetemp() / "round.limbeck"
    tree = {"values": np.array(values, dtype=np.float32), "number": np.asarray(number), "none": np.zeros((0, 2))}
    save_arrays(path, HEADER, tree)
    found = load_arrays(path, HEADER, tree)
    assert {k: v.tobytes() for k, v in found.items()} == {k: v.tobytes() for k, v in tree.items()}
    assert {k: (v.shape, v.dtype) for k, v in found.items()} == {k: (v.shape, v.dtype) for k, v in tree.items()}


def test_cut_at_any_byte_arrays_are_refused(tmp_path):
    path = tmp_path / "arrays.limbeck"
    save_arrays(path, HEADER, TREE)
    whole = path.read_bytes()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ArtefactDamaged):
            load_arrays(path, HEADER, TREE)


def test_altered_at_any_byte_arrays_are_refused_or_the_same(tmp_path):
    path = tmp_path / "arrays.limbeck"
    save_arrays(path, HEADER, TREE)
    whole = path.read_bytes()
    for place in range(len(whole)):
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with pytest.raises(ArtefactMismatch):
            load_arrays(path, HEADER, TREE)


@pytest.mark.parametrize("other", [{**HEADER, "step": 1}, {**HEADER, "fingerprint": "abd"}, {}])
def test_arrays_of_something_else_are_refused(tmp_path, other):
    save_arrays(tmp_path / "a", HEADER, TREE)
    with pytest.raises(ArtefactMismatch, match="another run or version"):
        load_arrays(tmp_path / "a", other, TREE)


def test_arrays_of_another_shape_are_refused(tmp_path):
    save_arrays(tmp_path / "a", HEADER, TREE)
    with pytest.raises(ArtefactMismatch, match="another shape"):
        load_arrays(tmp_path / "a", HEADER, {**TREE, "count": np.zeros(1, dtype=int)})


def test_cut_at_any_byte_a_record_is_refused(tmp_path):
    path = tmp_path / "record.json"
    value = {"a": [1.5, None, "é"], "b": 1e-300}
    save_record(path, HEADER, value)
    assert load_record(path) == (HEADER, value)
    whole = path.read_bytes().rstrip()
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        with pytest.raises(ArtefactDamaged):
            load_record(path)


def test_an_edited_record_is_refused(tmp_path):
    path = tmp_path / "record.json"
    save_record(path, HEADER, {"loss": 0.25})
    path.write_text(path.read_text().replace("0.25", "0.26"))
    with pytest.raises(ArtefactDamaged, match="checksum"):
        load_record(path)


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "file"
    write_whole(path, "old")

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(artefacts.os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, "new")
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
    assert path.read_text() == "old"


def test_a_new_file_takes_the_place_of_none(tmp_path):
    write_new(tmp_path / "mark", "first")
    with pytest.raises(FileExistsError):
        write_new(tmp_path / "mark", "second")
    assert [(p.name, p.read_text()) for p in tmp_path.iterdir()] == [("mark", "first")]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {"a": [-float("inf")]}])
def test_json_is_strict(value):
    with pytest.raises(ValueError, match="not JSON compliant"):
        to_json(value)


@settings(max_examples=25)
@given(st.floats(1e-300, 1e300), st.floats(0, 1e10), st.sampled_from([float("inf"), 0.5]))
def test_halls_of_fame_come_back(constant, loss, heldout):
    equation = Equation(
        expression=parse(f"{constant!r}*r + m_1"), complexity=5, backend_complexity=3, loss=loss, heldout_loss=heldout
    )
    hall = HallOfFame(
        component="radial", engine="enumerate", version="1", seed=3, evaluations=10, seconds=0.1, out_of_time=False,
        equations=(equation,), starts=(parse("r"),), symmetry="m_1 * f(r)",
    )  # fmt: skip
    found = hall_from_mapping(hall_to_mapping(hall))
    assert found.symmetry == "m_1 * f(r)"
    assert to_string(found.equations[0].expression) == to_string(equation.expression)
    assert (found.equations[0].loss, found.equations[0].heldout_loss) == (loss, heldout)
    assert hall_to_mapping(found) == hall_to_mapping(hall)
