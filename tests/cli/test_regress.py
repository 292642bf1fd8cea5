"""`limbeck regress` from outside: what is found, what is written, and what is refused."""

import csv
import shutil
import signal
import subprocess
import time

import numpy as np
import pandas as pd
import pytest
import sympy
from regress_runs import noise_table, regress, saturation, strict
from report.well_formed import read
from runs import command
from typer.testing import CliRunner

import limbeck
from limbeck._errors import InputError
from limbeck.cli import app
from limbeck.pipeline._regress_run import _check_same
from limbeck.pipeline._regress_study import RegressionStudy
from limbeck.pipeline._regress_table import read_table

KEYS = {
    "schema", "kind", "expression", "verdict", "reasons", "complexity", "loss", "constants", "by_score", "noise",
    "agreement", "target", "variables", "engine", "seed", "timings", "versions", "source", "budget_struck",
}  # fmt: skip
FILES = {"result.json", "equations.csv", "report.html", "study.toml", "events.jsonl"}
HEADER = ["component", "complexity", "backend_complexity", "loss", "heldout_loss", "score", "selected", "equation"]
ARITHMETIC = ("--operators", "+ - * /")
SOON = ("--time-limit", 4)  # what is not looked for needs no long search


@pytest.fixture(scope="module")
def found(tmp_path_factory):
    """A finished regression of a saturation; not to be changed."""
    folder = tmp_path_factory.mktemp("regress") / "run"
    done = regress(saturation(), folder, *ARITHMETIC, "--units", "s=mM,y=1/s", "--quiet")
    assert (done.exit_code, done.output) == (0, "")
    return folder


def test_a_known_equation_is_found_and_the_irrelevant_column_is_not_used(found):
    result = strict(found / "result.json")
    read_back = sympy.sympify(result["expression"])
    assert read_back.free_symbols == {sympy.Symbol("s")}
    s = np.linspace(0.05, 20.0, 30)  # beyond the rows that were given
    values = sympy.lambdify([sympy.Symbol("s")], read_back, "numpy")(s)
    # Without noise the constants end at rounding; 1e-6 leaves room for the end of the iteration.
    np.testing.assert_allclose(values, 3.1 * s / (0.7 + s), rtol=1e-6)
    assert result["verdict"] == "found"
    assert result["loss"] < 1e-6


def test_a_folder_holds_what_the_reference_lists(found):
    result = strict(found / "result.json")
    assert {path.name for path in found.iterdir()} >= FILES
    assert not list(found.rglob("*.part"))
    assert set(result) >= KEYS
    assert (result["schema"], result["kind"], result["target"]) == (1, "regression", "y")
    assert [(v["name"], v["column"], v["unit"]) for v in result["variables"]] == [("s", "s", "mM"), ("z", "z", "1")]
    assert {c["unit"] for c in result["constants"]} == {"1/s", "mM"}
    assert (result["loss_kind"], result["stability"]) == ("squared", 1.0)
    assert set(result["by_score"]) == {"expression", "complexity", "loss"}
    table = list(csv.reader((found / "equations.csv").read_text().splitlines()))
    assert table[0] == HEADER
    assert [row[-1] for row in table if row[-2] == "True"] == [result["expression"]]
    sizes = [int(row[1]) for row in table[1:]]
    assert sizes == sorted(sizes)


def test_the_page_is_well_formed_and_shows_the_answer(found):
    page = (found / "report.html").read_text()
    parser = read(page)
    assert not parser.errors
    assert not parser.open
    assert "Equation found" in page
    assert strict(found / "result.json")["expression"] in page
    assert page.count("data:image/png;base64,") == 2
    assert "http" not in "".join(value or "" for tag, name, value in parser.attributes if name in ("src", "href"))


@pytest.mark.slow
def test_the_same_seed_gives_the_same_equation(found, tmp_path):
    assert regress(saturation(), tmp_path / "run", *ARITHMETIC, "--units", "s=mM,y=1/s", "--quiet").exit_code == 0
    again, before = strict(tmp_path / "run" / "result.json"), strict(found / "result.json")
    for name in ("expression", "constants", "loss", "by_score", "verdict"):
        assert again[name] == before[name]


def test_noise_is_not_found(tmp_path):
    done = regress(noise_table(), tmp_path / "run", *SOON)
    assert done.exit_code == 3
    result = strict(tmp_path / "run" / "result.json")
    assert result["verdict"] == "not found"
    assert result["reasons"]
    assert result["reasons"][0] in " ".join(done.output.split())
    assert "not to be relied on" in done.output
    page = (tmp_path / "run" / "report.html").read_text()
    assert "No equation that can be stood behind" in page
    assert not read(page).errors


@pytest.mark.slow
def test_names_that_no_equation_can_bear_are_changed_and_said(tmp_path):
    rng = np.random.default_rng(1)
    table = pd.DataFrame(rng.uniform(1, 3, size=(80, 3)), columns=["lambda", "flow rate [l/s]", "S"])
    table["E"] = table["lambda"] * table["S"] + 2.0 * table["flow rate [l/s]"]
    done = regress(table, tmp_path / "run", *ARITHMETIC, target="E")
    assert done.exit_code in (0, 3), done.output  # the names are what is asked here, not how sure so small a search is
    result = strict(tmp_path / "run" / "result.json")
    assert {v["column"]: v["name"] for v in result["variables"]} == {
        "lambda": "lambda_",
        "flow rate [l/s]": "flow_rate_l_s",
        "S": "S",
    }
    assert "'flow rate [l/s]' is called flow_rate_l_s" in done.output
    names = {v["name"]: sympy.Symbol(v["name"]) for v in result["variables"]}
    read_back = sympy.lambdify(list(names.values()), sympy.sympify(result["expression"], locals=names))
    columns = [table[v["column"]] for v in result["variables"]]
    np.testing.assert_allclose(read_back(*columns), table["E"], rtol=1e-6)


def test_parquet_chosen_columns_and_weights(tmp_path):
    table = saturation(rows=60).assign(label="text", w=1.0)
    table.loc[0, ["y", "w"]] = [50.0, 1e-9]  # a wrong row that weighs nothing
    table.to_parquet(tmp_path / "table.parquet")
    words = ("--variables", "s", "--weights", "w", *ARITHMETIC, *SOON, "--quiet")
    done = regress(tmp_path / "table.parquet", tmp_path / "run", *words)
    assert done.exit_code in (0, 3), done.output
    result = strict(tmp_path / "run" / "result.json")
    assert [v["name"] for v in result["variables"]] == ["s"]
    assert result["data"]["weights"] == "w"


def test_the_time_limit_holds_and_is_reported(tmp_path):
    (tmp_path / "long.toml").write_text("[regression.search]\nevaluations = 1000000000\n")
    # A thousand million equations would take days: that it ends at all is the limit's doing.
    done = regress(saturation(noise=0.1), tmp_path / "run", "--study", tmp_path / "long.toml", "--time-limit", 4)
    assert done.exit_code in (0, 3), done.output
    assert strict(tmp_path / "run" / "result.json")["budget_struck"] is True


def test_an_interrupted_regression_is_taken_up_again(found, tmp_path):
    folder = shutil.copytree(found, tmp_path / "run")
    expected = strict(folder / "result.json")["expression"]
    before = (folder / "result.json").stat().st_mtime_ns
    assert CliRunner().invoke(app, ["resume", str(folder)]).exit_code == 0
    assert (folder / "result.json").stat().st_mtime_ns == before
    (folder / "result.json").unlink()
    done = CliRunner().invoke(app, ["resume", str(folder), "--quiet"])
    assert (done.exit_code, done.output) == (0, "")
    assert strict(folder / "result.json")["expression"] == expected


def test_a_table_that_changed_is_not_taken_up_again(found, tmp_path):
    folder = shutil.copytree(found, tmp_path / "run")
    (folder / "result.json").unlink()
    table = tmp_path / "table.csv"
    saturation(rows=40).to_csv(table, index=False)
    study = (folder / "study.toml").read_text()
    (folder / "study.toml").write_text(study.replace(str(found.parent / "table.csv"), str(table)))
    done = CliRunner().invoke(app, ["resume", str(folder)])
    assert done.exit_code == 2
    assert "the table changed since the run was started; start again with --overwrite" in done.output
    (folder / "checkpoints" / "inputs.json").unlink()
    _check_same(RegressionStudy(table=str(table)), folder)  # a run that was started before there was a hash goes on


def test_a_column_may_be_called_as_a_netcdf_file_begins(tmp_path):
    table = tmp_path / "table.csv"
    saturation(rows=40).rename(columns={"s": "CDF"}).to_csv(table, index=False)
    assert table.read_bytes().startswith(b"CDF,")
    assert "CDF" in read_table(RegressionStudy(table=str(table), target="y")).problem.variables
    for start in (b"CDF\x01", b"\x89HDF"):
        table.write_bytes(start + b"\x00\x00\x00\x00")
        with pytest.raises(InputError, match="name and content do not agree"):
            read_table(RegressionStudy(table=str(table), target="y"))


def test_an_interrupt_ends_a_search_that_would_go_on_for_hours(tmp_path):
    saturation(noise=0.1).to_csv(tmp_path / "table.csv", index=False)
    (tmp_path / "long.toml").write_text("[regression.search]\nevaluations = 1000000000\n")
    folder = tmp_path / "run"
    words = ("regress", tmp_path / "table.csv", "--target", "y", "--study", tmp_path / "long.toml", "--out", folder)
    process = subprocess.Popen(command(*words), stderr=subprocess.PIPE, text=True)
    try:
        end = time.monotonic() + 60
        while time.monotonic() < end and not (folder / "events.jsonl").exists():
            time.sleep(0.1)
        time.sleep(0.5)
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=60)
    finally:
        process.kill()  # a failure must not leave a search behind that goes on for hours
    assert process.returncode == 130
    assert errors.splitlines()[-1] == f"limbeck: interrupted; go on with: limbeck resume {folder}"


def test_a_run_is_replaced_only_when_asked(found, tmp_path):
    folder = shutil.copytree(found, tmp_path / "run")
    done = regress(noise_table(), folder, "--quiet")
    assert done.exit_code == 2
    assert "--overwrite" in done.output
    assert strict(folder / "result.json")["verdict"] == "found"
    assert regress(noise_table(), folder, "--quiet", "--overwrite", *SOON).exit_code == 3


def test_a_regression_is_no_law_of_motion(found):
    with pytest.raises(limbeck.InputError, match="holds a regression of a table"):
        limbeck.load(found)


GOOD = saturation(rows=12).to_csv(index=False)
LINES = GOOD.splitlines()
TABLES = {
    "good.csv": GOOD,
    "empty.csv": "",
    "header.csv": LINES[0],
    "cut.csv": "\n".join(LINES[:-1]) + "\n" + LINES[-1].rsplit(",", 1)[0],
    "nan.csv": "\n".join([*LINES[:3], "0.5,nan,1.5", *LINES[3:]]),
    "text.csv": "\n".join([*LINES[:4], "0.5,red,1.5", *LINES[4:]]),
    "infinite.csv": "\n".join([*LINES[:2], "0.5,0.1,inf", *LINES[2:]]),
    "short.csv": "\n".join(LINES[:6]),
    "twice.csv": GOOD.replace("s,z,y", "s,s,y", 1),
    "flat.csv": "s,y\n" + "".join(f"{k},2.5\n" for k in range(12)),
    "still.csv": "s,y\n" + "".join(f"1.0,{k}\n" for k in range(12)),
    "alone.csv": "y\n" + "".join(f"{k}\n" for k in range(12)),
    "semicolon.csv": GOOD.replace(",", ";"),
    "binary.csv": "\x00\x01garbage",
    "table.parquet": "garbage",
    "unknown.toml": "[regression.search]\nevaluation = 5",
    "bad.toml": "seed = = 3",
}
REFUSED = {
    "no such file": ("nofile.csv --target y", "there is no such file"),
    "a folder": ("notes --target y", "this is a folder"),
    "empty file": ("empty.csv --target y", "the file is empty"),
    "no rows": ("header.csv --target y", "has a header and no rows"),
    "cut short": ("cut.csv --target y", "row 13 (line 13 of the file) is cut short"),
    "NaN": ("nan.csv --target y", "row 4 (line 4 of the file), column 'z': got an empty cell or NaN"),
    "text": ("text.csv --target y", "row 5 (line 5 of the file), column 'z': got the text 'red'"),
    "infinity": ("infinite.csv --target y", "row 3 (line 3 of the file), column 'y': got inf"),
    "few rows": ("short.csv --target y", "at least 10 rows are needed"),
    "a column twice": ("twice.csv --target y", "column 's' stands twice"),
    "constant target": ("flat.csv --target y", "has the value 2.5 in every row"),
    "nothing varies": ("still.csv --target y", "no column varies"),
    "no column": ("alone.csv --target y", "no column is left"),
    "semicolons": ("semicolon.csv --target y", "separated by semicolons"),
    "no text": ("binary.csv --target y", "not text"),
    "no Parquet": ("table.parquet --target y", "name and content do not agree"),
    "no target": ("good.csv", "no target is named"),
    "unknown target": ("good.csv --target yy", "there is no column 'yy'; did you mean 'y'?"),
    "unknown variable": ("good.csv --target y --variables s,q", "--variables: there is no column 'q'"),
    "unknown weights": ("good.csv --target y --weights w", "--weights: there is no column 'w'"),
    "unknown ignored": ("good.csv --target y --ignore w", "--ignore: there is no column 'w'"),
    "weights below 0": ("good.csv --target y --weights z", "a weight is a number above 0"),
    "two parts": ("good.csv --target y --variables s,y", "column 'y' stands in both --target and --variables"),
    "a variable twice": ("good.csv --target y --variables s,s", "'s' stands twice"),
    "unit of nothing": ("good.csv --target y --units q=m", "there is no column 'q'"),
    "no unit": ("good.csv --target y --units s", "expected quantity=unit"),
    "operator": ("good.csv --target y --operators foo", "unknown operator 'foo'"),
    "engine": ("good.csv --target y --engine foo", "unknown engine 'foo'"),
    "seed": ("good.csv --target y --seed -1", "the seed must be"),
    "time": ("good.csv --target y --time-limit 0", "--time-limit must be a positive number"),
    "endless": ("good.csv --target y --time-limit inf", "the time limit must be"),
    "study": ("good.csv --target y --study bad.toml", "not valid TOML"),
    "unknown key": ("good.csv --target y --study unknown.toml", "did you mean 'evaluations'"),
    "foreign folder": ("good.csv --target y --out notes --overwrite", "holds no run of limbeck"),
    "a file": ("good.csv --target y --out good.csv", "is a file"),
}


def refused(table, tmp_path):
    """What is said of a table that can't be read."""
    done = regress(table, tmp_path / "run")
    assert (done.exit_code, len(done.output.splitlines())) == (2, 1), done.output
    return done.output


def test_an_index_with_the_name_of_a_column_is_refused(tmp_path):
    saturation(rows=12).set_index(pd.Index(range(12), name="s")).to_parquet(tmp_path / "table.parquet")
    assert "column 's' stands twice, or the index has that name too" in refused(tmp_path / "table.parquet", tmp_path)


def test_lists_in_cells_are_no_numbers(tmp_path):
    saturation(rows=12).assign(s=[[1.0, 2.0]] * 12).to_parquet(tmp_path / "table.parquet")
    said = refused(tmp_path / "table.parquet", tmp_path)
    assert "column 's': got a list or another thing that is no number" in said


@pytest.mark.parametrize(
    ("start", "message"), [(10**400, "a whole number that is too large"), (2**53, "whole numbers beyond 2**53")]
)
def test_whole_numbers_that_no_float_holds_are_refused(start, message, tmp_path):
    table = saturation(rows=12).assign(s=[start + k for k in range(12)])
    said = refused(table, tmp_path)
    assert f"column 's' holds {message}" in said
    assert "or use --ignore s" in said


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name, text in TABLES.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "mine.txt").write_text("mine")
    return tmp_path


@pytest.mark.parametrize("case", REFUSED)
def test_wrong_input_is_refused_in_one_line_and_leaves_nothing(case, place):
    words, message = REFUSED[case]
    before = sorted(place.rglob("*"))
    out = [] if "--out" in words else ["--out", "new/run"]
    done = CliRunner().invoke(app, ["regress", *words.split(), *out])
    assert (done.exit_code, len(done.output.splitlines())) == (2, 1), done.output
    assert done.output.startswith("limbeck: ")
    assert message in done.output
    assert sorted(place.rglob("*")) == before
