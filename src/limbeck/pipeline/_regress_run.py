"""A regression in a folder of its own: table in, equation, verdict and page out.

The result is written last, so that a folder with a result is whole. A regression is
short beside a training, and the same for a seed, so one that was interrupted begins anew.
"""

import hashlib
import json
import math
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

from limbeck._errors import ArtefactMismatch, InputError
from limbeck.artefacts import to_json, write_whole
from limbeck.config import from_toml, to_toml
from limbeck.regress import Regression, TabularProblem, regress_table
from limbeck.report import RegressionReport, render_regression

from ._folder import RESULT, STUDY, Journal, Listener, check_folder, check_inputs, claim, finished_result, taken_up
from ._regress_result import regression_equations, regression_result
from ._regress_study import RegressionStudy
from ._regress_table import read_table

REPORT_SECONDS = 2.0  # kept back from the time limit for the page, at most a quarter of it
REPORT_SHARE = 0.25


def run_regression(
    study: RegressionStudy, folder: Path, *, overwrite: bool = False, listener: Listener | None = None
) -> dict[str, Any]:
    """Run a regression from the start.

    Args:
        study: What is asked for.
        folder: Where everything is written.
        overwrite: Whether an earlier run of limbeck there may be removed.
        listener: Told about progress.

    Returns:
        The content of `result.json`.

    Raises:
        InputError: If table, options or folder are wrong; nothing is written then.
    """
    started = time.monotonic()
    check_folder(folder, overwrite=overwrite, inputs=(Path(study.table),))
    tabular = read_table(study)
    study = replace(study, table=str(Path(study.table).resolve()))
    with claim(folder, to_toml(study), overwrite=overwrite):
        check_inputs(folder, {"table": _fingerprint(study)})
        return _run(study, folder, tabular, listener, started)


def resume_regression(folder: Path, *, listener: Listener | None = None) -> dict[str, Any]:
    """Begin an interrupted regression anew; a finished one only gives its result.

    Args:
        folder: The folder of the regression.
        listener: Told about progress.

    Returns:
        The content of `result.json`.

    Raises:
        InputError: If the folder can't be written, another process is at work in it, or the table is gone, wrong or
            another one than at the start.
        ArtefactMismatch: If another version wrote it.
    """
    started = time.monotonic()
    finished = finished_result(folder, listener)
    if finished is not None:
        return finished
    study = from_toml((folder / STUDY).read_text(encoding="utf-8"), RegressionStudy, str(folder / STUDY))
    with taken_up(folder):
        tabular = read_table(study)
        _check_same(study, folder)
        return _run(study, folder, tabular, listener, started)


def _fingerprint(study: RegressionStudy) -> str:
    """Hash of the bytes of the table's file."""
    with Path(study.table).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_same(study: RegressionStudy, folder: Path) -> None:
    """Refuse a table that changed; runs that were started before tables had a hash go on."""
    try:
        check_inputs(folder, {"table": _fingerprint(study)})
    except ArtefactMismatch as error:
        raise InputError(f"{study.table}: {error}") from None


def _run(
    study: RegressionStudy, folder: Path, tabular: TabularProblem, listener: Listener | None, started: float
) -> dict[str, Any]:
    """Everything between table and result."""
    journal = Journal(folder, listener)
    journal.note("run", "started", None)
    timings = {"load": time.monotonic() - started}
    reserve = min(REPORT_SECONDS, REPORT_SHARE * study.time_limit)
    journal.note("regress", "started", None)
    found = _beside(
        lambda: regress_table(
            tabular.problem,
            study.regression,
            engine=study.engine,
            loss=study.loss,
            seed=study.seed,
            deadline=started + study.time_limit - reserve if study.time_limit else math.inf,
            listener=lambda name, value: journal.note("regress", name, _plain(value)),
        )
    )
    timings["regress"] = found.seconds
    journal.note("regress", "finished", round(found.seconds, 3))
    write_whole(folder / "equations.csv", regression_equations(found))
    before = time.monotonic()
    result = regression_result(study, tabular, found, timings)
    write_whole(folder / "report.html", render_regression(RegressionReport(result=result, found=found)))
    result["timings"]["report"] = round(time.monotonic() - before, 3)
    write_whole(folder / RESULT, to_json(result))
    journal.note("run", "finished", found.verdict)
    return result


def _beside(work: Callable[[], Regression]) -> Regression:
    """Do work in another thread, since an engine does not hear of an interrupt and this one has to."""
    pool = ThreadPoolExecutor(1)
    try:
        return pool.submit(work).result()
    finally:
        pool.shutdown(wait=False)


def _plain(value: object) -> object:
    """A figure as the journal can hold it."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return str(value)
    return value
