"""Studies as TOML: what is written reads back equal, what is wrong is named."""

import re
import tomllib
from dataclasses import dataclass, field, fields, replace

import numpy as np
import pytest
from hypothesis import given, strategies as st

from limbeck._errors import InputError
from limbeck.config import from_toml, to_toml
from limbeck.pipeline import FileSource, Study, SystemSource

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)


@dataclass(frozen=True, kw_only=True)
class Inner:
    name: str = ""
    table: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Outer:
    inner: Inner
    number: float = 0.0
    count: int = 0
    flag: bool = False
    words: tuple[str, ...] = ()


@given(TEXT, st.dictionaries(TEXT, TEXT, max_size=4), NUMBERS, st.integers(), st.booleans(), st.lists(TEXT, max_size=3))
def test_what_is_written_reads_back_equal(name, table, number, count, flag, words):
    record = Outer(inner=Inner(name=name, table=table), number=number, count=count, flag=flag, words=tuple(words))
    text = to_toml(record)
    tomllib.loads(text)
    assert from_toml(text, Outer) == record


@given(st.integers(0, 2**32 - 1), st.floats(0, 1e9), st.integers(1, 10**9), st.dictionaries(TEXT, TEXT, max_size=3))
def test_a_study_reads_back_equal(seed, limit, simulations, rename):
    study = Study(seed=seed, time_limit=limit, system=SystemSource(name="spring", simulations=simulations))
    assert from_toml(to_toml(study), Study) == study
    read = Study(file=FileSource(path="a b.csv", rename=rename, attributes=("m", "q")))
    assert from_toml(to_toml(read), Study) == read


def test_numbers_of_numpy_are_numbers():
    record = Outer(inner=Inner(name=np.str_("a")), number=np.float64(2.5), count=np.int64(3), flag=np.bool_(True))
    assert from_toml(to_toml(record), Outer) == record


def test_what_is_left_out_keeps_its_default():
    assert from_toml("[train]\nsteps = 7", Study) == replace(Study(), train=replace(Study().train, steps=7))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("seeds = 3", "study: unknown key 'seeds'; did you mean 'seed'?"),
        ("[train]\nstep = 3", "study.train: unknown key 'step'; did you mean 'steps'?"),
        ("[train]\nzzz = 3", "study.train: unknown key 'zzz'; known: steps"),
        ("seed = true", "study.seed: expected int, got True"),
        ("seed = 1.5", "study.seed: expected int, got 1.5"),
        ("seed = '1'", "study.seed: expected int, got '1'"),
        ("train = 3", "study.train: expected a table, got 3"),
        ("operators = '+'", "study.operators: expected"),
        ("operators = [1]", "study.operators: expected str, got 1"),
        ("seed = ", "study is not valid TOML"),
        ("seed = 1\nseed = 2", "study is not valid TOML"),
        ("bias = 'foo'", "unknown bias 'foo'"),
        ("time_limit = inf", "the time limit"),
        ("[system]\nnodes = 1", "nodes must be"),
    ],
)
def test_what_is_wrong_is_named(text, message):
    with pytest.raises(InputError, match=re.escape(message)):
        from_toml(text, Study)


def test_a_missing_key_is_named():
    with pytest.raises(InputError, match="study: the key 'inner' is missing"):
        from_toml("count = 1", Outer)


def test_every_setting_of_a_study_is_documented():
    assert {f.name for f in fields(Study)} <= set(re.findall(r"^ +(\w+): ", Study.__doc__ or "", re.MULTILINE))
