"""Bad input from the command line: exit 2, one message, nothing written."""

import os

import pytest
from typer.testing import CliRunner

from limbeck.cli import app

GOOD = "simulation,time,particle,x,y,m\n" + "".join(
    f"{s},{t},{p},{0.1 * t * p},{0.2 * t + p},{p + 1}\n" for s in range(3) for t in range(6) for p in range(2)
)
FILES = {
    "good.csv": GOOD,
    "nan.csv": GOOD.replace("1,2,1,0.2", "1,2,1,nan"),
    "one.csv": "".join(line + "\n" for line in GOOD.splitlines() if ",1,0" not in line and ",1," not in line[3:7]),
    "empty.csv": "",
    "header.csv": GOOD.splitlines()[0],
    "cut.csv": GOOD[:-12],
    "noise.nc": "\x00\x01 garbage",
    "bad.toml": "seed = = 3",
    "unknown.toml": "[train]\nstep = 3",
    "negative.toml": "[train]\nsteps = -3",
    "dim.toml": "[system]\ndim = 9",
    "nan.toml": "time_limit = nan",
}
DISCOVER = {
    "unknown system": ("sprng", "did you mean 'spring'"),
    "no such file": ("nofile.csv", "there is no file nofile.csv"),
    "dim of a file": ("good.csv --dim 2", "--dim goes with"),
    "nodes and simulations of a file": ("good.csv --nodes 3 --simulations 2", "--nodes, --simulations go with"),
    "a file's option for a system": ("spring --rename a=b", "--rename goes with files"),
    "custom's option for a system": ("spring --dt .1", "--dt goes with the source custom"),
    "dim": ("spring --dim 4", "dim must be 1, 2 or 3; got 4"),
    "one particle": ("spring --nodes 1", "nodes must be a whole number of at least 2; got 1"),
    "no particle": ("spring --nodes 0", "--nodes must be positive"),
    "no simulation": ("spring --simulations 0", "simulations must be a whole number of at least 1"),
    "too many simulations": ("spring --simulations 100000000000", "do not fit"),
    "too many particles": ("spring --nodes 3000 --simulations 1", "4498500 pairs in a snapshot"),
    "far too many particles": ("spring --nodes 10000000 --simulations 1", "do not fit"),
    "seed below 0": ("spring --seed -1", "the seed must be"),
    "seed too large": ("spring --seed 4294967296", "the seed must be"),
    "time limit below 0": ("spring --time-limit -1", "--time-limit must be a positive number"),
    "no time": ("spring --time-limit 0", "--time-limit must be a positive number"),
    "undefined time": ("spring --time-limit nan", "--time-limit must be a positive number"),
    "endless time": ("spring --time-limit inf", "the time limit must be"),
    "operator": ("spring --operators foo", "unknown operator 'foo'"),
    "bias": ("spring --bias foo", "unknown bias 'foo'"),
    "rotation alone": ("spring --bias rotation", "rests on translation"),
    "engine": ("spring --engine foo", "unknown engine 'foo'"),
    "no potential": ("custom", "needs a potential"),
    "code": ("custom --potential __import__('os').system('x')", "unexpected"),
    "attribute access": ("custom --potential r.__class__", "unexpected"),
    "unknown name": ("custom --potential q_1*zz", "got 'zz'"),
    "no step": ("custom --potential r --dt 0", "--dt must be positive"),
    "undefined step": ("custom --potential r --dt nan", "dt must be a positive number"),
    "softening": ("custom --potential r --softening -1", "softening must be"),
    "no value": ("nan.csv", "nan.csv"),
    "one particle in a file": ("one.csv", "one.csv"),
    "empty file": ("empty.csv", "the file is empty"),
    "only a header": ("header.csv", "header.csv"),
    "cut file": ("cut.csv", "cut.csv"),
    "noise": ("noise.nc", "noise.nc"),
    "a folder": (".", "."),
    "not TOML": ("spring --study bad.toml", "not valid TOML"),
    "unknown key": ("spring --study unknown.toml", "did you mean 'steps'"),
    "steps below 0": ("spring --study negative.toml", "train.steps must be at least 1"),
    "dim in a study": ("spring --study dim.toml", "dim must be 1, 2 or 3"),
    "time limit in a study": ("spring --study nan.toml", "time limit"),
    "no study": ("spring --study nofile.toml", "can't be read"),
    "edges": ("good.csv --edges nofile.csv", "--edges"),
    "radius": ("good.csv --radius -1", "the radius must be"),
    "no radius": ("good.csv --radius 0", "the radius must be a positive length; got 0"),
    "undefined radius": ("good.csv --radius nan", "the radius must be"),
    "no attribute": ("good.csv --attributes ,", "--attributes names no column"),
    "rename": ("good.csv --rename foo", "--rename expects OLD=NEW"),
}


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    return tmp_path


def refused(words, place):
    """The one message of a command that is refused and leaves the folder as it was."""
    before = sorted(place.rglob("*"))
    done = CliRunner().invoke(app, words.split())
    assert done.exit_code == 2, done.output
    assert sorted(place.rglob("*")) == before
    assert len(done.output.splitlines()) == 1
    assert done.output.startswith("limbeck: ")
    return done.output


@pytest.mark.parametrize("case", DISCOVER)
def test_discover_refuses(case, place):
    words, message = DISCOVER[case]
    assert message in refused(f"discover {words} --out new/run", place)


@pytest.mark.parametrize(
    ("out", "message"),
    [
        ("notes", "is not empty"),
        ("notes --overwrite", "holds no run of limbeck"),
        ("good.csv", "is a file"),
        ("good.csv/run", "good.csv is a file"),
        ("x" * 300, "can't be used"),
        ("/proc/run", "can't be written"),
    ],
)
def test_discover_refuses_the_folder(out, message, place):
    assert message in refused(f"discover spring --out {out}", place)


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everywhere")
def test_discover_refuses_a_folder_without_permission(place):
    (place / "notes").chmod(0o500)
    assert "can't be written" in refused("discover spring --out notes/run", place)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("resume nowhere", "holds no run"),
        ("resume notes", "holds no run"),
        ("resume good.csv", "holds no run"),
        ("predict notes good.csv", "holds no run"),
        ("predict notes good.csv --out good.csv", "holds the states themselves"),
        ("predict notes good.csv --out nodir/a.csv", "doesn't exist"),
        ("simulate sprng --out a.csv", "did you mean 'spring'"),
        ("simulate spring --out a.xyz", "names no format"),
        ("simulate spring --out nodir/a.csv", "doesn't exist"),
        ("simulate spring --out good.csv", "exists"),
        ("simulate spring --out a.csv --steps 100000000000", "do not fit"),
        ("simulate spring --out a.csv --every 0", "every must be"),
        ("simulate spring --out a.csv --seed -1", "seed must be"),
        ("simulate spring --out a.csv --softening .1", "custom"),
        ("simulate spring --out a.csv --potential r", "custom"),
        ("simulate solar-system --out a.nc", "use limbeck solar-system --out a.nc"),
        ("solar-system --out a.xyz", "names no format"),
        ("solar-system --out good.csv", "exists"),
        ("solar-system --out a.nc --years 0", "years must be a positive number"),
    ],
)
def test_other_commands_refuse(words, message, place):
    assert message in refused(words, place)


@pytest.mark.parametrize(
    ("words", "name"),
    [
        ("discover run/mine.csv", "mine.csv"),
        ("discover good.csv --edges run/mine.csv", "mine.csv"),
        ("train run/mine.csv", "mine.csv"),
        ("regress run/mine.csv --target y", "mine.csv"),
        ("discover spring --study run/mine.toml", "mine.toml"),
    ],
)
def test_what_overwriting_would_remove_is_not_read(words, name, place):
    (place / "run").mkdir()
    (place / "run" / "run.json").write_text('{"made_by": "limbeck", "schema": 1}')
    (place / "run" / name).write_text("seed = 3\n" if name.endswith(".toml") else GOOD)
    assert f"{name} lies in run, which --overwrite empties" in refused(f"{words} --out run --overwrite", place)


@pytest.mark.parametrize("words", ["discover spring", "discover spring --out a --bogus 1", "bogus", "discover"])
def test_usage_errors_end_with_2(words, place):
    done = CliRunner().invoke(app, words.split())
    assert done.exit_code == 2
    assert "Traceback" not in done.output
